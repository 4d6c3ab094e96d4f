"""`callkit.section` as notebooks call it: a page that answers where a front end asks, the static section elsewhere.

In the batch, in nbval, in a plain script the pieces are what they always are. In Voila the headline is the whole page,
and the cells after it show nothing more; in JupyterLab the headline is the page, and the cells below stay pieces of
their own, to be picked from and changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from callkit import sections
from callkit.app import asked_by, live
from callkit.sections import Section

P = ParamSpec("P")
_PIECES = {name: made for kind in reversed(Section.__mro__) for name, made in vars(kind).items()}
_RETURNS = {name: getattr(made, "__annotations__", {}).get("return") for name, made in _PIECES.items()}
_SILENT = {name for name, kind in _RETURNS.items() if kind in ("Piece", "Shown")} - {"headline", "drawn"} | {"total"}


def _answering(make: Callable[P, Section]) -> Callable[P, Section]:
    @functools.wraps(make)
    def made(*arguments: P.args, **named: P.kwargs) -> Section:
        own = make(*arguments, **named)
        asking = asked_by()
        if asking:
            answers: dict[str, Any] = {"headline": functools.partial(live, own)}
            if asking == "voila":
                answers |= dict.fromkeys(_SILENT, _nothing)
            # A frozen section takes no new attributes in the ordinary way; these hide the methods of one instance.
            vars(own).update(answers)
        return own

    return made


def _nothing(*_: object, **__: object) -> None:
    """What a piece shows below a page that has it already."""


section = _answering(sections.section)
