"""The look of every chart in one place: colours of segments, light and dark surfaces, fonts, numbers by language.

What depends on light or dark stands in the config only, as named styles (`"whisker"`, `"leader"` …), never in a mark.
So a page may dress a drawn chart anew by exchanging the config, see `LOOKS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import altair as alt

from callkit.dimensions import UNNAMED
from callkit.locale import NBSP, Locale

Theme = Literal["light", "dark"]

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442")
"""Seven colours that the colour-blind tell apart (Okabe and Ito 2008, without black, which a dark page swallows)."""
GREY = "#9AA0A6"
"""For the eighth segment and those after it, and for what is no segment of its own, as `(not set)`."""
NAMELESS = UNNAMED
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for every segment, by its place among `names`: the first seven are coloured, the others grey.

    Give *all* values the dimension ever had in the company's data, in one fixed order, not those of the month shown:
    then a segment keeps its colour in every chart and month. `(not set)`, `(no deal)` and their like are grey and take
    up no colour. The same in both themes.

    >>> colours(["Ads", "(not set)", "Site"])
    {'Ads': '#0072B2', '(not set)': '#9AA0A6', 'Site': '#E69F00'}
    """
    free = iter(OKABE_ITO)
    return {name: GREY if NAMELESS & set(name.split(" · ")) else next(free, GREY) for name in dict.fromkeys(names)}


def _look(
    surface: str,
    text: str,
    muted: str,
    grid: str,
    line: str,
    tints: tuple[str, str],
    pair: Sequence[str],
    ramp: Sequence[str],
    fall: str,
) -> Mapping[str, Any]:
    """The part of a config that depends on light or dark."""
    axis = {
        "domainColor": line,
        "gridColor": grid,
        "labelColor": muted,
        "tickColor": line,
        "titleColor": muted,
    }
    return MappingProxyType(
        {
            "background": surface,
            "axis": axis,
            "header": {"labelColor": text, "titleColor": muted},
            "legend": {"labelColor": muted, "titleColor": muted, "symbolStrokeColor": muted},
            "title": {"color": text, "subtitleColor": muted},
            "range": {"category": list(pair), "heatmap": list(ramp), "ramp": list(ramp)},
            "style": {
                "bubble": {"stroke": text, "strokeOpacity": 0.55, "strokeWidth": 1, "opacity": 1},
                "halo": {"color": surface, "stroke": surface, "strokeWidth": 3, "opacity": 0.85, "strokeJoin": "round"},
                "name": {"color": text},
                "note": {"color": muted},
                "leader": {"color": muted, "strokeWidth": 0.8},
                "whisker": {"color": muted, "strokeWidth": 1, "opacity": 0.6},
                "whole": {"color": muted, "strokeWidth": 1, "strokeDash": [5, 4]},
                "limit": {"color": muted, "strokeWidth": 1},
                "push": {"color": tints[0], "opacity": 0.09},
                "look": {"color": tints[1], "opacity": 0.09},
                "accent": {"color": pair[0]},
                "end": {"color": line},
                "name_line": {"color": text, "stroke": text},
                "rise": {"color": pair[0]},
                "fall": {"color": fall},
                "cell": {"stroke": surface, "strokeWidth": 1.5},
                "link": {"color": line, "strokeWidth": 2, "opacity": 1},
            },
        }
    )


LOOKS: Mapping[Theme, Mapping[str, Any]] = MappingProxyType(
    {
        "light": _look(
            surface="#ffffff",
            text="#1f2430",
            muted="#5a6170",
            grid="#e9ebef",
            line="#a9afba",
            tints=("#0072B2", "#D55E00"),
            pair=("#2f6690", "#9cc3de", "#c8ccd3"),
            ramp=("#f3f6f9", "#c6daea", "#6fa8cf"),
            fall="#c8731a",
        ),
        "dark": _look(
            surface="#171a21",
            text="#e9ebf0",
            muted="#a9b0be",
            grid="#2a2f39",
            line="#5c6472",
            tints=("#56B4E9", "#E69F00"),
            pair=("#8cbfe6", "#3f6e93", "#5c6472"),
            ramp=("#1f242d", "#28435a", "#376b97"),
            fall="#e09a4f",
        ),
    }
)
"""What changes between light and dark, by theme: laid over a chart's config it dresses the chart anew."""


def config(theme: Theme, locale: Locale) -> dict[str, Any]:
    """The whole config of a chart; `Chart.configure` replaces all of the config before it, so this is one piece.

    >>> config("dark", Locale("ru"))["background"]
    '#171a21'
    """
    common: dict[str, Any] = {
        "font": FONT,
        "padding": {"left": 4, "right": 8, "top": 4, "bottom": 4},
        "axis": {
            "domain": False,
            "gridWidth": 1,
            "labelFontSize": 11,
            "labelFontWeight": "normal",
            "labelPadding": 6,
            "labelFlush": False,
            "ticks": False,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 10,
        },
        "legend": {
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "symbolFillColor": "transparent",
            "orient": "bottom",
            "direction": "horizontal",
            "titleOrient": "left",
            "labelLimit": 0,
            "titleLimit": 0,
        },
        "title": {
            "anchor": "start",
            "fontSize": 15,
            "fontWeight": 600,
            "frame": "bounds",
            "limit": 0,
            "offset": 14,
            "subtitleFontSize": 12,
            "subtitleLineHeight": 16,
            "subtitlePadding": 5,
        },
        "text": {"fontSize": 12},
        "view": {"stroke": None},
        "locale": _numbers_and_dates(locale).to_dict(validate=False),
    }
    return laid_over(common, LOOKS[theme])


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested settings as one; where both speak, `above` holds.

    >>> laid_over({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = laid_over(merged[key], value) if both else value
    return merged


def _numbers_and_dates(locale: Locale) -> alt.Locale:
    """How the axes write numbers and dates: `1 234,5`, `12 %`, май in Russian; `1,234.5`, `12%`, May in English."""
    money = locale.money(0, 0)
    before, after = money.split("0")
    months = [locale.month(f"2026-{number:02}").split(" ")[0] for number in range(1, 13)]
    days = [locale.segment(str(number), "weekday") for number in (7, 1, 2, 3, 4, 5, 6)]
    russian = locale.lang == "ru"
    return alt.Locale(
        number=alt.NumberLocale(
            decimal="," if russian else ".",
            thousands=NBSP if russian else ",",
            grouping=[3],
            currency=[before, after],
            percent=f"{NBSP}%" if russian else "%",
        ),
        time=alt.TimeLocale(
            dateTime="%e %B %Y %X",
            date="%d.%m.%Y" if russian else "%Y-%m-%d",
            time="%H:%M:%S",
            periods=["AM", "PM"],
            days=days,
            shortDays=locale.text("charts.weekdays_short").split(),
            months=months,
            shortMonths=locale.text("charts.months_short").split(),
        ),
    )
