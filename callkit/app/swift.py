"""Charts made for a screen that waits: Altair without the work whose result nobody looks at.

Altair checks every piece of a chart against the schema of Vega-Lite when it is made, and copies the whole tree below it
whenever something is added: of a bubble chart, that is more than half of the time. A chart of the app is the report's,
which is made with all checks in the tests; here it is made without them, and copied only as far as it is then changed.
A test says that every chart comes out the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import altair as alt
from altair.utils import schemapi

_LAYERS = ("layer", "vconcat", "hconcat")


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Within it Altair neither checks nor copies more than it must. For one thread at a time.

    The copying is a private function of Altair's; where there is none of that name any more, it stays as it is.
    """
    before = getattr(schemapi, "_deep_copy", None)
    with schemapi.debug_mode(False):
        if before is None:
            yield
            return
        vars(schemapi)["_deep_copy"] = _shallow_copy
        try:
            yield
        finally:
            vars(schemapi)["_deep_copy"] = before


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
