"""The nursery: a process that has everything loaded and forks a kernel from itself whenever one is asked for.

Loading Python, the packages and a first page takes two seconds of a core and 90 MB; done once, here, every visitor's
kernel begins with it and shares the memory. The nursery opens no company but the demo one, knows no viewer and talks
with nobody but the server that started it, over the socket it has as its standard input. It ends with the server, and
its kernels with it.

A line of JSON asks for a kernel: `{"asked": 7, "argv": ["-f", connection file], "env": {…}, "cwd": …}`. The answers are
lines, too: `{"ready": true}` once, `{"asked": 7, "pid": 4711}`, and `{"ended": 4711, "code": 0}` when a kernel ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from callkit import onepass

_CHUNK = 1 << 16
_SET_NAME = 15  # PR_SET_NAME of Linux's prctl


def main() -> NoReturn:
    """Loads what kernels need, then forks them until the server is gone."""
    link = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _call_itself("callkit-nursery")
    warm()
    threads = _threads()
    if threads > 1:  # what other threads hold at the moment of a fork stays held in the kernel for ever
        print(f"the nursery has {threads} threads and cannot fork", file=sys.stderr)
        os._exit(1)
    # What is there now is never collected: its memory stays shared.
    gc.collect()
    gc.freeze()
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno())
    _tell(link, ready=True)
    with selectors.DefaultSelector() as selector, contextlib.suppress(ConnectionError):
        selector.register(link, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        _serve(link, woken, selector)
    os._exit(0)


@functools.cache
def warm() -> None:
    """Loads everything slow, by making the first page of the demo company, and nothing of a real one; once."""
    # altair needs jsonschema, and that loads a grammar for a second of computing, for a check that is never made.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    for name in ("ipykernel.kernelapp", "scipy.special", "callkit.app.widget"):
        importlib.import_module(name)
    ready_to_pass()
    from callkit.access import Viewer
    from callkit.app.desk import Desk
    from callkit.app.view import View
    from callkit.company import open_company

    with replace(open_company("demo"), viewer=Viewer()) as company:
        Desk(company, View()).answer({"what": "view", "query": "", "whole": True})


def ready_to_pass() -> None:
    """Loads what goes over the packed columns of a large company, where there is one; compiles it at the very first."""
    if os.environ.get(onepass.WANTED):
        with contextlib.suppress(ImportError, RuntimeError):  # no numba, or nowhere to keep what it compiles
            importlib.import_module("callkit.onepass.asking").warm()


def _serve(link: socket.socket, woken: socket.socket, selector: selectors.BaseSelector) -> None:
    """Answers until the other side closes."""
    rest = b""
    while True:
        for key, _ in selector.select():
            if key.fileobj is woken:
                woken.recv(_CHUNK)
                _tell_of_the_ended(link)
                continue
            if not (read := link.recv(_CHUNK)):
                return
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                wanted = json.loads(line)
                if not (pid := os.fork()):
                    _be_a_kernel(wanted, link, woken, selector)
                _tell(link, asked=wanted["asked"], pid=pid)


def _tell_of_the_ended(link: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(link, ended=ended[0], code=os.waitstatus_to_exitcode(ended[1]))


def _be_a_kernel(wanted: Mapping[str, Any], *inherited: Any) -> NoReturn:
    """In the new process: a kernel like one that was started by itself, until it ends."""
    code = 1
    try:
        os.setsid()
        _call_itself("callkit-kernel")
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for one in inherited:
            one.close()
        os.environ.clear()
        os.environ.update(wanted["env"])
        os.chdir(wanted["cwd"] or ".")
        sys.argv = ["ipykernel_launcher", *wanted["argv"]]
        from ipykernel.kernelapp import IPKernelApp

        # Its parent is this module's process: a kernel ends when that is gone.
        app = IPKernelApp.instance(parent_handle=os.getppid())
        app.initialize(wanted["argv"])  # type: ignore[no-untyped-call]
        app.start()  # type: ignore[no-untyped-call]
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(link: socket.socket, **told: object) -> None:
    link.sendall(json.dumps(told).encode() + b"\n")


def _call_itself(name: str) -> None:
    """Sets the name that `ps` and `top` show."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_NAME, name.encode(), 0, 0, 0)


def _threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())
