"""Running notebooks with papermill, several at a time, each in a fresh process that has its imports done already.

One process imports what notebooks need and forks a *lane* for every notebook that may run at a time. A lane takes a
job, forks a process for it, waits, answers, and takes the next; nothing of one notebook is left for another. Where
forks are not there or not safe, every notebook gets an interpreter of its own, which only takes longer.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callkit.errors import CallkitError, UsageError, did_you_mean

# jsonschema looks for this parser of addresses, which no notebook needs and which takes a second to import: papermill
# and altair are imported later in this module, when they are needed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Windows has no fork, and what macOS itself brings into a process does not survive one.
_FORKS = sys.platform.startswith("linux")
_SERVE = "from callkit.report.running import serve; serve()"
_ALONE = "from callkit.report.running import alone; alone()"
_WARM = (
    "callkit.report.cells", "callkit.sections", "callkit.charts", "callkit.show", "papermill",
    # what these ask for only when they need it: a fork would ask again every time
    "callkit.app.answering", "scipy.special", "scipy.optimize", "IPython.core.completer", "IPython.core.magics",
    "IPython.core.oinspect",
)  # fmt: skip
_OWN_ERRORS = ("CallkitError", "UsageError", "ContractError")


@dataclass(frozen=True)
class Job:
    """A notebook to run: where it lies, where the executed one goes, and the values of its parameters."""

    notebook: str
    out: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Ran:
    """How a run went: seconds it took, and in one line what stopped it (nothing where it went through)."""

    seconds: float
    failed: str = ""


def check_parameters(notebook: Path, given: Sequence[str]) -> tuple[str, ...]:
    """The parameters that a notebook declares, in its order.

    Raises UsageError for a parameter among `given` that it does not declare, and for a file that is no notebook:
    papermill only warns of a name nobody declared, and runs on without the value.
    """
    import papermill

    try:
        declared = tuple(papermill.inspect_notebook(str(notebook)))
    except Exception as error:
        raise UsageError(f"{notebook} cannot be read as a notebook: {_line(error)}") from None
    for name in given:
        if name not in declared:
            told = f"its parameters are {', '.join(declared)}" if declared else "it has no cell tagged 'parameters'"
            raise UsageError(f"{notebook} knows no parameter {name!r}; {told}.{did_you_mean(name, declared)}")
    return declared


class Crew:
    """The processes that run notebooks, `lanes` at a time; a context manager that leaves none of them behind.

    `environment` is added to that of the notebooks.
    """

    def __init__(self, lanes: int, environment: Mapping[str, str] | None = None) -> None:
        self._environment = _environment(environment or {})
        self._free: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()
        self._server: subprocess.Popen[bytes] | None = None
        self._alone: set[subprocess.Popen[bytes]] = set()
        self._ends: list[socket.socket] = []
        self._threads = ThreadPoolExecutor(lanes)
        if _FORKS:
            self._start(lanes)
        else:
            for _ in range(lanes):
                self._free.put(None)

    def run(self, job: Job) -> Future[Ran]:
        """Runs a notebook as soon as a lane is free.

        A notebook that fails is an answer, not an error: it is left at `job.out` with its traceback. The future raises
        CallkitError where it cannot be written, or where the processes that run notebooks are gone.
        """
        return self._threads.submit(self._run, job)

    def _run(self, job: Job) -> Ran:
        lane = self._free.get()
        try:
            answer = self._ask(lane, job) if lane else self._run_alone(job)
        finally:
            self._free.put(lane)
        if unwritten := answer.pop("unwritten", ""):
            raise CallkitError(f"{job.out} cannot be written: {unwritten}")
        return Ran(**answer)

    def close(self) -> None:
        """Ends every process at once, notebooks that run included."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in (self._server, *self._alone):
            if process and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL) if process is self._server else process.kill()
                process.wait()
        self._threads.shutdown()
        for end in self._ends:
            end.close()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, lanes: int) -> None:
        pairs = [socket.socketpair() for _ in range(lanes)]
        theirs = [end.fileno() for _, end in pairs]
        # A session of its own: Ctrl-C reaches callkit alone, which then ends the notebooks. Standard output is
        # callkit's: what the notebooks' own children print goes to standard error.
        self._server = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE, *map(str, theirs)],
            env=self._environment, stdin=subprocess.DEVNULL, stdout=2, pass_fds=theirs, start_new_session=True,
        )  # fmt: skip
        for ours, end in pairs:
            end.close()
            self._ends.append(ours)
            self._free.put(ours)

    def _ask(self, lane: socket.socket, job: Job) -> dict[str, Any]:
        try:
            lane.sendall(json.dumps(asdict(job)).encode() + b"\n")
            with lane.makefile("rb") as answers:
                return dict(json.loads(answers.readline()))
        except (OSError, ValueError):
            raise CallkitError("the processes that run notebooks stopped; their message stands above") from None

    def _run_alone(self, job: Job) -> dict[str, Any]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _ALONE],
            env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._alone.add(process)
        start = time.perf_counter()
        with process:
            answer, _ = process.communicate(json.dumps(asdict(job)).encode())
        self._alone.discard(process)
        return _answer(answer, process.returncode, time.perf_counter() - start)


def serve() -> None:
    """The process that has the imports done: forks the lanes of the sockets named in its arguments, and waits."""
    _warm()
    lanes = [int(fd) for fd in sys.argv[1:]]
    for fd in lanes:
        if os.fork() == 0:
            with _leaving():
                for other in lanes:
                    if other != fd:
                        os.close(other)
                _lane(socket.socket(fileno=fd))
    for fd in lanes:
        os.close(fd)
    for _ in lanes:
        os.wait()
    os._exit(0)  # the frozen modules are not to be taken apart one by one


def alone() -> None:
    """One job from standard input to its end, the answer on standard output."""
    job = Job(**json.loads(sys.stdin.read()))
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what the notebook's own children print is no answer
        answers.write(json.dumps(_execute(job)))


def _lane(end: socket.socket) -> None:
    with end, end.makefile("rb") as jobs:
        while line := jobs.readline():
            start = time.perf_counter()
            told, tell = os.pipe()
            child = os.fork()
            if child == 0:
                with _leaving():
                    os.close(told)
                    _end_with(end)
                    with os.fdopen(tell, "wb") as pipe:
                        pipe.write(json.dumps(_execute(Job(**json.loads(line)))).encode())
            os.close(tell)
            with os.fdopen(told, "rb") as pipe:
                answer = pipe.read()
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            end.sendall(json.dumps(_answer(answer, code, time.perf_counter() - start)).encode() + b"\n")


@contextlib.contextmanager
def _leaving() -> Iterator[None]:
    """Ends a forked process with the block, whatever happens in it: it must never return into its parent's code."""
    try:
        yield
        os._exit(0)
    except BrokenPipeError:
        os._exit(1)  # callkit itself is gone, and nobody waits for the answer
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _end_with(end: socket.socket) -> None:
    """Ends this process with callkit's: nothing comes while a notebook runs, so what can be read is the end."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            end.recv(1, socket.MSG_PEEK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _answer(told: bytes, code: int, seconds: float) -> dict[str, Any]:
    if told:
        return {"seconds": seconds, **json.loads(told)}
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return {"seconds": seconds, "failed": f"the process of the notebook ended with {how}"}


def _execute(job: Job) -> dict[str, Any]:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from callkit.report.cells import ENGINE

    try:
        papermill.execute_notebook(
            job.notebook, job.out, dict(job.parameters),
            engine_name=ENGINE, kernel_name="python3", language="python", progress_bar=False,
        )  # fmt: skip
    except PapermillExecutionError as error:
        return {"failed": _line(error.evalue if error.ename in _OWN_ERRORS else f"{error.ename}: {error.evalue}")}
    except OSError as error:
        return {"unwritten": error.strerror or _line(error)}
    return {}


def _warm() -> None:
    for name in _WARM:
        # What cannot be imported fails in the notebook that needs it, and is told there.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # What is imported stays as it is: the collector must not touch, and so copy, the pages shared with the forks. And a
    # process that lives for a second need not look for garbage every 700 objects: that takes a tenth of its time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of notebooks: this very callkit, whatever folder is the current one."""
    package = str(Path(__file__).resolve().parent.parent.parent)
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    # One thread of linear algebra a process: several processes share the cores, and a fork copies no other threads.
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": os.pathsep.join(paths), **own}


def _line(told: object) -> str:
    """The first line of a message, short enough for a line of the page."""
    lines = str(told).strip().splitlines()
    return lines[0][:300] if lines else type(told).__name__
