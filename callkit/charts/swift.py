"""Charts made for a screen or a report that waits: Altair without the work whose result nobody looks at.

Altair checks every piece of a chart against the schema of Vega-Lite when it is made, copies the whole tree below it
whenever something is added, and asks of every word and number whether it has the methods of a piece: of a bubble chart,
that is two thirds of the time. In the tests and in JupyterLab charts are made with all checks; in the app and the
report without them, and copied only as far as they are then changed. A test says that every chart comes out the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

import altair as alt
from altair.utils import schemapi

_LAYERS = ("layer", "vconcat", "hconcat")
_OWN: ContextVar[bool] = ContextVar("callkit's own charts are drawn swiftly", default=False)


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Within it Altair neither checks nor copies more than it must. For one thread at a time.

    What is exchanged is private to Altair; what is not there any more under its name stays as it is.
    """
    own = vars(schemapi)
    before = {name: own[name] for name in _INSTEAD if name in own}
    with schemapi.debug_mode(False):
        own.update({name: _INSTEAD[name] for name in before})
        try:
            yield
        finally:
            own.update(before)


@contextlib.contextmanager
def own_charts() -> Iterator[None]:
    """Within it callkit's own charts are drawn as in `drawing()`; Altair in other hands stays as careful as it is."""
    before = _OWN.set(True)
    try:
        yield
    finally:
        _OWN.reset(before)


def drawing_own() -> AbstractContextManager[None]:
    """`drawing()` where `own_charts()` asks for it: for the places where callkit makes a chart."""
    return drawing() if _OWN.get() else contextlib.nullcontext()


def _shallow_copy(value: Any, *_: Any, **__: Any) -> Any:
    """The thing itself, but for what Altair then changes: the chart, and the charts that it is made of."""
    if not isinstance(value, schemapi.SchemaBase):
        return value
    parts = {
        name: [_shallow_copy(p) if isinstance(p, alt.TopLevelMixin) else p for p in part]
        if name in _LAYERS and isinstance(part, list)
        else part
        for name, part in value._kwds.items()
    }
    with schemapi.debug_mode(False):
        return value.__class__(*value._args, **parts)


class _HasMethods(type):
    def __instancecheck__(cls, value: object) -> bool:
        return hasattr(type(value), "to_dict")


class _SchemaLike(metaclass=_HasMethods):
    """What can be written as a part of a specification, told by its type alone."""


_INSTEAD: dict[str, Any] = {"_deep_copy": _shallow_copy, "SchemaLike": _SchemaLike}
