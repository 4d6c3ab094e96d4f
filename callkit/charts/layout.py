"""Two layouts of every chart, for a desk and for a phone, in one specification.

Names are placed for a known width, so a chart cannot simply be squeezed. It is laid out twice; the wide layout is the
chart, and the narrow one travels with it as a JSON merge patch (RFC 7396) in `usermeta.callkit.narrow`, which holds
only what differs. A page that can, picks the layout that fits and scales it the rest of the way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import altair as alt

from callkit.charts import swift
from callkit.charts import theme as looks
from callkit.charts.lettering import wrap
from callkit.charts.theme import Theme
from callkit.locale import Locale

Chart = alt.LayerChart | alt.VConcatChart
AnyChart = TypeVar("AnyChart", alt.LayerChart, alt.VConcatChart)
Wanted = Literal["both", "wide", "narrow"]
_WANTED: ContextVar[Wanted] = ContextVar("layouts of a chart", default="both")


@dataclass(frozen=True)
class Layout:
    """The room a chart is laid out for, in pixels: its plot, the heading above, and a name."""

    width: int
    height: int
    heading_width: int
    name_width: int = 0
    narrow: bool = False


def laid_out(
    build: Callable[[Layout], AnyChart], wide: Layout, narrow: Layout, theme: Theme, locale: Locale
) -> AnyChart:
    """The chart that `build` makes for the wide layout, dressed, with the narrow one as a patch in its `usermeta`."""
    wanted = _WANTED.get() if wide.width > narrow.width else "wide"
    with swift.drawing_own():
        chart = build(narrow if wanted == "narrow" else wide)
        if wanted == "both":
            patch = difference(_specification(chart), _specification(build(narrow)))
            chart = chart.properties(usermeta={"callkit": {"narrow": patch}})
        dressed: AnyChart = chart.configure(**looks.config(theme, locale))
        return dressed


@contextlib.contextmanager
def only(layout: Wanted) -> Iterator[None]:
    """Within it charts are laid out for one room alone, for a page that knows how wide it is: half of the work."""
    before = _WANTED.set(layout)
    try:
        yield
    finally:
        _WANTED.reset(before)


def layered(*layers: Any, **properties: Any) -> alt.LayerChart:
    """Layers one over the other; `alt.layer` is typed as if it could also make facets of them."""
    chart = alt.layer(*layers, **properties)
    assert isinstance(chart, alt.LayerChart)
    return chart


def _specification(chart: Chart) -> dict[str, Any]:
    return dict(chart.to_dict(validate=False))


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch that makes `after` of `before`; lists are exchanged whole.

    >>> difference({"width": 640, "a": {"x": 1, "y": [2]}}, {"width": 300, "a": {"x": 1, "y": [3]}})
    {'width': 300, 'a': {'y': [3]}}
    """
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in before or old != value:
            patch[key] = value
    return patch


def heading(text: str, notes: Sequence[str], layout: Layout) -> alt.TitleParams:
    """The title over a chart and small notes under it, broken into lines that fit."""
    lines = wrap(text, layout.heading_width, 16, most=3)
    small = [line for note in notes if note for line in wrap(note, layout.heading_width, 12, most=6)]
    return alt.TitleParams(text=lines, subtitle=small) if small else alt.TitleParams(text=lines)


def nothing(text: str, title: str, theme: Theme, locale: Locale, *, width: int = 640) -> alt.LayerChart:
    """A chart that says why there is nothing to draw."""

    def build(layout: Layout) -> alt.LayerChart:
        lines = wrap(text, layout.width - 20, 14)
        mark = alt.Chart(alt.InlineData(values=[{}])).mark_text(
            align="center", baseline="middle", fontSize=14, style="note", text=lines if len(lines) > 1 else lines[0]
        )
        frame = alt.Chart(alt.InlineData(values=[{}])).mark_rect(
            style="link", filled=False, strokeDash=[4, 4], opacity=0.5
        )
        chart = layered(frame, mark, width=layout.width, height=layout.height)
        return chart.properties(title=heading(title, [], layout))

    return laid_out(build, Layout(width, 120, width), Layout(330, 120, 330, narrow=True), theme, locale)
