"""Charts in words, for those who cannot see them: one sentence with the main numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from callkit.charts import segments
from callkit.charts.funnel import LIMITS, outside
from callkit.errors import UsageError, did_you_mean
from callkit.figures import Figures
from callkit.locale import Locale

Row = dict[str, Any]


def describe(kind: str, figures: Figures, locale: Locale) -> str:
    """One sentence that says what the chart `kind` shows of these figures.

    `kind` is the name of the chart's function: bubble, fair_share, funnel, stage_load, directions, shares, heatmap or
    trend. No segments give the sentence that there is no data. Raises UsageError for another kind.
    """
    if kind not in _SENTENCES:
        near = did_you_mean(kind, _SENTENCES)
        raise UsageError(f"chart {kind!r} is not known; allowed: {', '.join(_SENTENCES)}.{near}")
    rows = segments.named(figures, locale)
    talking = [row for row in rows if row["talk_minutes"] is not None]
    if not talking:
        return locale.text("charts.no_data") + "."
    return _SENTENCES[kind](figures, talking, locale)


def _bubble(figures: Figures, rows: list[Row], locale: Locale) -> str:
    top = max(rows, key=lambda row: row["talk_minutes"])
    return locale.text(
        "charts.said_bubble", **_named(figures, rows, locale), segment=top["name"],
        talk=locale.percent(top["talk_share"], 0), conversion=locale.percent(top["conversion"]),
        whole=locale.percent(figures.total["conversion"]),
    )  # fmt: skip


def _fair_share(figures: Figures, rows: list[Row], locale: Locale) -> str:
    top = max(rows, key=lambda row: row["talk_minutes"])
    best = max(rows, key=lambda row: row["efficiency"] or 0)
    return locale.text(
        "charts.said_fair", **_named(figures, rows, locale), segment=top["name"],
        talk=locale.percent(top["talk_share"], 0), revenue=locale.percent(top["revenue_share"], 0),
        best=best["name"], efficiency=locale.value("efficiency", best["efficiency"]),
    )  # fmt: skip


def _funnel(figures: Figures, rows: list[Row], locale: Locale) -> str:
    whole, trials = figures.total["conversion"], figures.total["conversion_low"] is not None
    counted = [row for row in rows if row["conversion"] is not None]
    apart = [row for row in counted if trials and whole is not None and outside(row, whole, LIMITS[0][1])]
    return locale.text(
        "charts.said_funnel", **_named(figures, counted, locale), whole=locale.percent(whole),
        apart=locale.number(len(apart)) if trials else locale.value("deals", None),
    )  # fmt: skip


def _stage_load(figures: Figures, _: list[Row], locale: Locale) -> str:
    most, told = _most(figures, locale)
    return locale.text(
        "charts.said_load", stages=locale.plural("charts.stages_counted", told.pop("count")), stage=most, **told
    )


def _directions(figures: Figures, _: list[Row], locale: Locale) -> str:
    most, told = _most(figures, locale)
    return locale.text(
        "charts.said_directions", by=locale.title(figures.by[0]), segment=most,
        segments=locale.plural("charts.segments_counted", told.pop("count")), **told,
    )  # fmt: skip


def _most(figures: Figures, locale: Locale) -> tuple[str, dict[str, Any]]:
    """The label of the first column with most talk, its minutes and share, the whole, and how many labels there are."""
    column, minutes = figures.by[0], dict[str, float]()
    for row in figures.records():
        if row["talk_minutes"] is not None:
            minutes[row[column]] = minutes.get(row[column], 0) + row["talk_minutes"]
    top = max(minutes, key=lambda label: minutes[label])
    whole = figures.total["talk_minutes"]
    return segments.title([top], [column], locale), {
        "minutes": locale.value("talk_minutes", minutes[top]),
        "whole": locale.value("talk_minutes", whole),
        "share": locale.percent(minutes[top] / whole if whole else None, 0),
        "count": len(minutes),
    }


def _heatmap(figures: Figures, rows: list[Row], locale: Locale) -> str:
    top = max(rows, key=lambda row: row["talk_minutes"])
    key = "charts.said_heat" if figures.by[-1] == "stage" else "charts.said_heat_hours"
    return locale.text(
        key, cell=top["name"], minutes=locale.value("talk_minutes", top["talk_minutes"]),
        whole=locale.value("talk_minutes", figures.total["talk_minutes"]),
    )  # fmt: skip


def _trend(_: Figures, rows: list[Row], locale: Locale) -> str:
    course = sorted(rows, key=lambda row: str(row["segment"]))
    first, last = course[0], course[-1]
    return locale.text(
        "charts.said_trend", first=first["name"], last=last["name"],
        before=locale.value("talk_minutes", first["talk_minutes"]),
        after=locale.value("talk_minutes", last["talk_minutes"]),
        revenue_before=locale.value("revenue", first["revenue"]),
        revenue_after=locale.value("revenue", last["revenue"]),
    )  # fmt: skip


def _named(figures: Figures, rows: list[Row], locale: Locale) -> dict[str, str]:
    return {
        "by": segments.heading(figures, locale),
        "segments": locale.plural("charts.segments_counted", len(rows)),
    }


_SENTENCES: Mapping[str, Callable[[Figures, list[Row], Locale], str]] = MappingProxyType(
    {
        "bubble": _bubble,
        "fair_share": _fair_share,
        "funnel": _funnel,
        "stage_load": _stage_load,
        "directions": _directions,
        "shares": _fair_share,
        "heatmap": _heatmap,
        "trend": _trend,
    }
)
