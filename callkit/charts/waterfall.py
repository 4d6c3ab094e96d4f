"""The waterfall of a change: from one period's figure to the other's, a step an effect or a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from callkit.charts import segments
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.names import Rows
from callkit.charts.theme import Theme
from callkit.locale import Locale

if TYPE_CHECKING:
    from callkit.decisions.changed import Change

MOST_STEPS = 8
_NEAR = 0.5  # ends whose steps all lie above this part of the larger one leave the zero out, and the chart says so


@dataclass(frozen=True)
class _Step:
    name: str
    start: float
    stop: float
    text: str
    style: str


def waterfall(
    change: Change,
    periods: tuple[str, str],
    locale: Locale,
    *,
    segmented: bool = False,
    theme: Theme = "light",
    width: int = 680,
) -> alt.LayerChart:
    """A change as horizontal bars: the figure before, a bar for each step, the figure after.

    Steps are the effects (volume, mix, rate), or with `segmented` the segments, the eight largest and all others as
    one. `periods` names the two periods. Where the figures lie close together the scale leaves zero out, and the chart
    says so. A change without both ends gives a chart that says so.
    """
    text = locale.text
    title = text("charts.waterfall_title", figure=locale.title(change.figure))
    if change.before is None or change.after is None:
        return nothing(text("charts.waterfall_none"), title, theme, locale, width=width)
    steps = _steps(change, periods, segmented, locale)
    ends = [value for step in steps for value in (step.start, step.stop)]
    inner = [*ends[2:-2], change.before, change.after]
    low, high = min(inner), max(inner)
    cut = low > _NEAR * high > 0 and low < high
    base = low - (high - low) * 0.35 if cut else min(0.0, low)
    notes = [text("charts.waterfall_segments" if segmented else "charts.waterfall_effects")]
    notes += [text("charts.waterfall_cut")] if cut else []

    def build(layout: Layout) -> alt.LayerChart:
        return _draw(steps, base, max(high, 0.0), locale, layout).properties(title=heading(title, notes, layout))

    return laid_out(build, Layout(width, 0, width, 210), Layout(350, 0, 350, 110, narrow=True), theme, locale)


def _steps(change: Change, periods: tuple[str, str], segmented: bool, locale: Locale) -> list[_Step]:
    assert change.before is not None  # `waterfall` has seen to it
    assert change.after is not None
    moves = _by_segment(change, locale) if segmented else _by_effect(change, locale)
    level = change.before
    steps = [_Step(periods[0], 0.0, level, locale.value(change.figure, level), "end")]
    for name, move in moves:
        told = change.told(move, locale)
        steps.append(_Step(name, level, level + move, told, "rise" if move >= 0 else "fall"))
        level += move
    return [*steps, _Step(periods[1], 0.0, change.after, locale.value(change.figure, change.after), "end")]


def _by_effect(change: Change, locale: Locale) -> list[tuple[str, float]]:
    return [(locale.text(f"decisions.effect_{name}"), move) for name, move in change.steps()]


def _by_segment(change: Change, locale: Locale) -> list[tuple[str, float]]:
    named = [(segments.title(part.segment, change.by, locale), part.change) for part in change.parts]
    shown, others = named[:MOST_STEPS], named[MOST_STEPS:]
    if others:
        shown.append((locale.text("charts.waterfall_others", n=len(others)), sum(move for _, move in others)))
    return shown


def _draw(steps: Sequence[_Step], base: float, high: float, locale: Locale, layout: Layout) -> alt.LayerChart:
    names = Rows([step.name for step in steps], layout)
    plot = layout.width - names.width
    room = max(text_width(step.text, 12) for step in steps) + 8
    reach = base + (high - base or 1.0) * plot / max(plot - room, plot / 3)
    bars: list[dict[str, Any]] = [
        {
            "row": i,
            "from": max(step.start, base) if step.style == "end" else step.start,
            "to": step.stop,
            "right": max(step.start, step.stop),
            "style": step.style,
            "name": step.name,
            "text": step.text,
        }
        for i, step in enumerate(steps)
    ]
    scale = alt.Scale(domain=[base, reach], nice=False)
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip("text:N", title=locale.text("charts.waterfall_step"))]
    drawn: list[alt.Chart] = []
    for style in ("end", "rise", "fall"):
        rows = [bar for bar in bars if bar["style"] == style]
        mark = alt.Chart(alt.InlineData(values=rows)).mark_bar(style=style, height=alt.RelativeBandSize(0.66))
        drawn.append(mark.encode(alt.X("from:Q", scale=scale, axis=None), names.channel(), x2="to", tooltip=hint))
    links = [{"row": i, "next": i + 1, "at": steps[i].stop if i else steps[0].stop} for i in range(len(steps) - 1)]
    tie = alt.Chart(alt.InlineData(values=links)).mark_tick(style="link", thickness=1, tooltip=None)
    tie = tie.encode(alt.X("at:Q", scale=scale, axis=None), names.channel())
    texts = alt.Chart(alt.NamedData("bars")).mark_text(
        align="left", baseline="middle", dx=6, style="name", tooltip=None
    )
    texts = texts.encode(alt.X("right:Q", scale=scale, axis=None), names.channel(), text=alt.Text("text:N"))
    datasets = {"bars": bars, **names.datasets()}
    return layered(*drawn, tie, texts, names.layer(), width=plot, height=names.height, datasets=datasets)
