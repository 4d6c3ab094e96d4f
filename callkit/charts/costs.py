"""What a sale comes to in each segment: bars of talk and spend, the dearest first, against that of the whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt

from callkit.charts import segments
from callkit.charts.layout import Layout, heading, laid_out, layered, nothing
from callkit.charts.lettering import text_width
from callkit.charts.names import Rows
from callkit.charts.theme import Theme
from callkit.decisions.costs import Cost
from callkit.locale import Locale

MOST_ROWS = 30
_KINDS = ("talk_cost", "spend")
_GAP = 6  # pixels from the end of a bar to its text
_TOP = 8  # pixels over the first bar for the label of the rule


def costs_per_sale(
    costs: Sequence[Cost],
    by: Sequence[str],
    locale: Locale,
    *,
    few: Collection[tuple[str, ...]] = (),
    theme: Theme = "light",
    width: int = 680,
) -> alt.LayerChart:
    """Cost per sale of every segment of `by`, split into talk and spend, and the whole's as a dashed line.

    `costs` has the whole last; segments without a cost per sale are left out, and the chart says how many; those of
    `few` rest on too few deals, and their names say so. At most 30 are drawn. None give a chart that says so.
    """
    parts = costs[:-1]
    shown = [cost for cost in parts if cost.cost_per_sale is not None]
    title = locale.text("costs.chart_title", by=" × ".join(locale.title(column) for column in by))
    if not shown:
        return nothing(locale.text("costs.chart_none"), title, theme, locale, width=width)
    notes = [locale.text("costs.chart_note")]
    if left_out := len(parts) - len(shown):
        notes.append(locale.plural("charts.left_out", left_out))
    if len(shown) > MOST_ROWS:
        notes.append(locale.text("charts.not_drawn", shown=MOST_ROWS, all=len(shown)))

    def build(layout: Layout) -> alt.LayerChart:
        drawn = sorted(shown[:MOST_ROWS], key=lambda cost: (-(cost.cost_per_sale or 0), cost.segment))
        chart = _draw(drawn, costs[-1], by, few, locale, layout)
        return chart.properties(title=heading(title, [" ".join(notes)], layout))

    return laid_out(build, Layout(width, 0, width, 190), Layout(350, 0, 350, 110, narrow=True), theme, locale)


def _draw(
    shown: Sequence[Cost],
    whole: Cost,
    by: Sequence[str],
    few: Collection[tuple[str, ...]],
    locale: Locale,
    layout: Layout,
) -> alt.LayerChart:
    few_told = f" ({locale.text('charts.few')})"
    titles = [segments.title(c.segment, by, locale) + (few_told if c.segment in few else "") for c in shown]
    names = Rows(titles, layout)
    kinds = [kind for kind in _KINDS if any(getattr(cost, kind) for cost in shown)]
    ends: list[dict[str, Any]] = [
        {"row": i, "cost": cost.cost_per_sale, "text": locale.money(cost.cost_per_sale)} for i, cost in enumerate(shown)
    ]
    longest = max(cost.cost_per_sale or 0 for cost in (*shown, whole))
    plot = layout.width - names.width
    reach = (longest or 1) * plot / (plot - max(text_width(end["text"], 12) for end in ends) - 8)
    bars = [
        {
            "row": i, "part": getattr(cost, kind) / cost.won_deals, "kind": locale.text(f"costs.{kind}"),
            "place": _KINDS.index(kind), "name": titles[i], "told": locale.money(getattr(cost, kind)),
            "each": locale.money(getattr(cost, kind) / cost.won_deals),
            "sales": locale.value("won_deals", cost.won_deals),
        }
        for i, cost in enumerate(shown)
        for kind in kinds
        if getattr(cost, kind) is not None and cost.won_deals
    ]  # fmt: skip
    for end in ends:
        end["at"] = _beside(end["cost"], text_width(end["text"], 12), whole.cost_per_sale, reach / plot)
    x = alt.Scale(domain=[0, reach], nice=False)
    there = [locale.text(f"costs.{kind}") for kind in kinds]
    legend = alt.Legend(
        title=None,
        orient="top",
        symbolType="square",
        symbolSize=110,
        symbolStrokeWidth=0,
        offset=18,
        columns=1 if layout.narrow else 2,
    )
    hint = [alt.Tooltip("name:N", title="title"), alt.Tooltip("kind:N", title=locale.text("charts.measure"))]
    hint += [alt.Tooltip("told:N", title=locale.text("charts.value"))]
    hint += [alt.Tooltip("sales:N", title=locale.title("won_deals"))]
    hint += [alt.Tooltip("each:N", title=locale.text("costs.cost_per_sale"))]
    drawn = alt.Chart(alt.NamedData("bars")).mark_bar(height=alt.RelativeBandSize(0.66))
    drawn = drawn.encode(
        alt.X("part:Q", scale=x, axis=None, stack="zero"), names.channel(), order=alt.Order("place:Q"), tooltip=hint,
        color=alt.Color("kind:N", scale=alt.Scale(domain=there, range="category"), legend=legend),
    )  # fmt: skip
    texts = alt.Chart(alt.NamedData("ends")).mark_text(
        align="left", baseline="middle", dx=_GAP, style="name", tooltip=None
    )
    texts = texts.encode(alt.X("at:Q", scale=x, axis=None), names.channel(), text=alt.Text("text:N"))
    layers = [drawn, texts, names.layer()]
    if whole.cost_per_sale is not None:
        told = locale.text("costs.chart_whole", cost=locale.money(whole.cost_per_sale))
        at = alt.InlineData(values=[{"cost": whole.cost_per_sale, "text": told}])
        rule = alt.Chart(at).mark_rule(style="link", strokeDash=[4, 4], tooltip=None)
        left = whole.cost_per_sale < reach / 2
        label = alt.Chart(at).mark_text(
            align="left" if left else "right", baseline="bottom", dx=4 if left else -4, fontSize=11, style="note",
            tooltip=None,
        )  # fmt: skip
        layers += [
            rule.encode(alt.X("cost:Q", scale=x, axis=None)),
            label.encode(alt.X("cost:Q", scale=x, axis=None), y=alt.value(-_TOP / 2), text=alt.Text("text:N")),
        ]
    datasets = {"bars": bars, "ends": ends, **names.datasets()}
    return layered(*layers, width=plot, height=names.height, datasets=datasets)


def _beside(cost: float, width: float, whole: float | None, pixel: float) -> float:
    """Where the text of a bar begins: at its end or, where the dashed line would cross it, beyond that."""
    crossed = whole is not None and cost <= whole <= cost + (width + _GAP + 2) * pixel
    return whole if crossed and whole is not None else cost
