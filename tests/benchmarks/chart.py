"""The chart of the results: CPU seconds by calls, a panel a step, and the memory of a build."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import vl_convert
from running import Run

_COLOURS = {"callkit": "#0f6b5c", "bare DuckDB SQL": "#8a8f98", "pandas": "#c46a1b", "Polars": "#3b6fb5"}
Steps = Mapping[str, Mapping[int, Mapping[str, Run]]]


def drawn(steps: Steps) -> str:
    """The chart as SVG, both axes logarithmic."""
    panels = [_panel(f"{step}: CPU, s", found, "cpu") for step, found in steps.items()]
    if "build" in steps:
        panels.append(_panel("build: peak memory, MB", steps["build"], "megabytes"))
    rows = [alt.hconcat(*panels[at : at + 2], spacing=36) for at in range(0, len(panels), 2)]
    whole = alt.vconcat(*rows, spacing=28).configure(
        font="system-ui, sans-serif", background="#ffffff", view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(gridColor="#e6e8eb", domainColor="#9aa0a8", tickColor="#9aa0a8", labelColor="#4a4f57"),
        title=alt.TitleConfig(anchor="start", fontSize=13, fontWeight=600, color="#23272e", offset=8),
    )  # fmt: skip
    return str(vl_convert.vegalite_to_svg(whole.to_dict()))


def _panel(title: str, found: Mapping[int, Mapping[str, Run]], figure: str) -> alt.LayerChart:
    points = [
        {"calls": size, "value": round(getattr(m, figure), 3), "who": name}
        for size, runs in found.items()
        for name, m in runs.items()
    ]
    sizes = sorted(found)
    base = alt.Chart(alt.InlineData(values=points), width=300, height=210, title=title).encode(
        x=alt.X("calls:Q", title=None, scale=alt.Scale(type="log", domain=[sizes[0], sizes[-1]], nice=False),
                axis=alt.Axis(values=sizes, format="~s")),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(type="log"), axis=alt.Axis(format=",.6~g")),
        color=alt.Color("who:N", title=None, scale=alt.Scale(domain=[*_COLOURS], range=[*_COLOURS.values()]),
                        legend=alt.Legend(orient="bottom", columns=4)),
    )  # fmt: skip
    return base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=45, opacity=1)
