"""A papermill engine that runs a notebook's cells in an IPython shell of this very process.

An ordinary kernel starts in a second and a half, a fork of a process that has everything imported in a few hundredths:
`callkit.report.running` gives every notebook such a process of its own, and here its cells are run. What a cell shows
becomes its outputs just as a kernel would have sent them: streams, displays, results, errors with their traceback.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from papermill.engines import Engine, papermill_engines
from traitlets import Type
from traitlets.config import Config

from callkit.charts import swift

ENGINE = "callkit"
_output: Callable[..., Any] = nbformat.v4.new_output


class Outputs(list[Any]):
    """The outputs of the cell that runs, in the order in which they were shown."""

    def stream(self, name: str, text: str) -> None:
        if self and self[-1].output_type == "stream" and self[-1].name == name:
            self[-1].text += text
        else:
            self.append(_output("stream", name=name, text=text))


class Stream(io.TextIOBase):
    """Standard output or error of a notebook."""

    def __init__(self, name: str, shell: Shell) -> None:
        self._name, self._shell = name, shell

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text:
            self._shell.outputs.stream(self._name, text)
        return len(text)


class Publisher(DisplayPublisher):
    """`display(…)` of a notebook, with its updates by display id."""

    def publish(  # type: ignore[override]
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        shown_as = (transient or {}).get("display_id")
        output = _output("display_data", dict(data), metadata=dict(metadata or {}))
        shell: Any = self.shell
        if update:
            for earlier in shell.displays.get(shown_as, ()):
                earlier.update(data=output.data, metadata=output.metadata)
            return
        shell.outputs.append(output)
        if shown_as:
            shell.displays.setdefault(shown_as, []).append(output)

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002
        shell: Any = self.shell
        shell.outputs.clear()


class Hook(DisplayHook):
    """The value of a cell's last line."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        shell: Any = self.shell
        shell.outputs.append(
            _output("execute_result", format_dict, metadata=md_dict or {}, execution_count=self.prompt_count)
        )


class Shell(InteractiveShell):
    """An IPython shell that keeps what is shown. No start-up files and no history: every run is alike."""

    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)

    def __init__(self, **kwargs: Any) -> None:
        self.outputs = Outputs()
        self.displays: dict[str, list[Any]] = {}
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self.outputs.append(_output("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb)))


class InThisProcess(Engine):  # type: ignore[misc]
    """The engine `callkit` of papermill. A process should run one notebook: names and imports stay in it."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:  # noqa: ARG003
        # Papermill has saved the prepared notebook and saves the finished one; a save before and after each cell
        # in between would take longer than the cells.
        nb_man.output_path = None
        shell = Shell.instance(config=Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "neutral"}))
        streams = contextlib.ExitStack()
        with streams:
            streams.enter_context(swift.own_charts())
            streams.enter_context(contextlib.redirect_stdout(Stream("stdout", shell)))
            streams.enter_context(contextlib.redirect_stderr(Stream("stderr", shell)))
            for number, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, number)
                if cell.cell_type == "code" and cell.source.strip() and not _run(shell, cell):
                    nb_man.cell_exception(cell, number)
                    nb_man.cell_complete(cell, number)
                    break
                nb_man.cell_complete(cell, number)
        nb_man.nb.metadata["language_info"] = {"name": "python", "version": sys.version.split()[0]}


def _run(shell: Shell, cell: Any) -> bool:
    """Runs one cell and keeps its outputs in it; whether the next one may follow."""
    shell.outputs = Outputs()
    run: Callable[..., Any] = shell.run_cell
    result = run(cell.source, store_history=True)
    cell.execution_count = shell.execution_count - 1
    cell.outputs = list(shell.outputs)
    return bool(result.success) or "raises-exception" in cell.metadata.get("tags", [])


papermill_engines.register(ENGINE, InThisProcess)
