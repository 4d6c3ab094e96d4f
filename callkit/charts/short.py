"""Figures in few letters, for axes, legends and the ends of bars: `2 млн ₽`, `€2M`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from callkit.locale import Locale
from callkit.measures import MEASURES

_UNITS = ((1e9, "charts.billions"), (1e6, "charts.millions"), (1e3, "charts.thousands"))


def short(measure: str, value: float, locale: Locale) -> str:
    """A figure as people read it, money from a thousand on in thousands, millions or billions.

    >>> short("revenue", 2_450_000, Locale("en", "EUR")), short("won_deals", 1200, Locale("en"))
    ('€2.5M', '1,200')
    """
    if MEASURES[measure].kind != "money":
        return locale.value(measure, value)
    for unit, key in _UNITS:
        if abs(value) >= unit:
            count = round(value / unit, 1)
            number = locale.text(key, n=locale.number(count, 0 if count.is_integer() else 1))
            return locale.money(0, 0).replace("0", number)
    return locale.money(value, None if value else 0)


def tick(measure: str, value: float, locale: Locale) -> str:
    """A round value of an axis or a legend: without the unit the title names, without needless decimals."""
    kind = MEASURES[measure].kind
    if kind == "money":
        return short(measure, value, locale)
    if kind == "share":
        return locale.percent(value, _decimals(value * 100))
    return locale.duration(value) if kind == "seconds" else locale.number(value, _decimals(value))


def _decimals(value: float) -> int:
    return next((digits for digits in range(3) if abs(value - round(value, digits)) < 1e-9), 3)


def written(values: Sequence[float], measure: str, locale: Locale) -> str:
    """A Vega expression that labels an axis or a legend with these very values."""
    # json.dumps makes a safe literal of a text: the currency comes from the company's settings.
    *others, last = [(json.dumps(value), json.dumps(tick(measure, value, locale))) for value in values]
    return "".join(f"datum.value == {value} ? {text} : " for value, text in others) + last[1]
