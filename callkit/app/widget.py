"""The widget that JupyterLab shows and the channel over which a page in Voila asks: one comm, questions and answers.

Nothing of its state can be set from the outside. A visitor's page may send anything: what is no question is ignored,
and no message ever ends in a traceback.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from callkit.app.desk import Desk

APP_MIME = "application/vnd.callkit.app+json"
_FRONT = Path(__file__).parent / "front"
_STATIC = Path(__file__).parent.parent / "static"
_SHARED = ("patched", "sortable")
_SCRIPTS = ("page", "channel", "compiled", "charts", "tables", "parts", "filters", "behind", "app")
_LOG = logging.getLogger("callkit.app")


@functools.cache
def script() -> str:
    """The page's script, one module; no `</` in it ends the element it may stand in."""
    files = [_STATIC / f"{name}.js" for name in _SHARED] + [_FRONT / f"{name}.js" for name in _SCRIPTS]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@functools.cache
def style() -> str:
    """The page's style: the report's, and over it the app's."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (_STATIC / "report.css", _FRONT / "app.css"))


class Page(anywidget.AnyWidget):
    """The page of a desk. `first` goes with its output: the view it begins with, for the template to draw at once."""

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, desk: Desk, first: Mapping[str, Any] | None = None) -> None:
        self._desk, self._first = desk, first
        # A page in Voila brings script and style in its own output.
        super().__init__() if first else super().__init__(_esm=script(), _css=style())
        # The layout is a widget of its own that comes along and that nobody may set either.
        self.layout.comm.on_msg(_ignored)

    def _handle_msg(self, msg: Mapping[str, Any]) -> None:
        """A message of the page: a question is answered, the state told on request, everything else left alone."""
        try:
            data = msg["content"]["data"]
            method = data.get("method") if isinstance(data, Mapping) else None
            if method == "custom":
                self.send(self._desk.answer(data.get("content")))
            elif method == "request_state":
                self.send_state()
        except Exception:
            _LOG.exception("a message could not be answered")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if self._first is None:
            return super()._repr_mimebundle_(**options)
        return {APP_MIME: {**self._first, "comm": self.model_id}, "text/plain": "callkit"}


def _ignored(msg: Mapping[str, Any]) -> None:
    """A message that nobody answers."""
