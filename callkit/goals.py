"""Goals as a company's settings state them: what a measure is to be, for the whole or for a manager, a source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callkit.errors import UsageError, did_you_mean

BETTER: Mapping[str, int] = {
    "calls": 1, "answered_calls": 1, "outbound_calls": 1, "talk_minutes": 1, "deals": 1, "won_deals": 1,
    "conversion": 1, "revenue": 1, "revenue_per_minute": 1, "minutes_per_sale": -1,
}  # fmt: skip
"""The measures that there can be goals for: 1 where the goal is at least so much, -1 where it is at most so much."""
_NO_GOALS = ("owner", "stage", "direction", "hour", "weekday", "month")


@dataclass(frozen=True)
class Goal:
    """A `target` for a measure, in its own unit (shares 0-1); of a measure that adds up, it is for a month.

    `column` and `segment` say whose goal it is; both are empty for the whole company's.
    """

    measure: str
    target: float
    column: str = ""
    segment: str = ""


def goals_of(stated: Mapping[str, Any], where: str = "callkit.toml") -> list[Goal]:
    """The goals that `[goals]` states, in its order; `where` names the file in errors.

    Raises UsageError for a measure that there are no goals for, and for a target that is no number above 0.

    >>> goals_of({"conversion": 0.25, "manager": {"Anna": {"minutes_per_sale": 60}}})[1]
    Goal(measure='minutes_per_sale', target=60.0, column='manager', segment='Anna')
    """
    found: list[Goal] = []
    for name, value in stated.items():
        if not isinstance(value, Mapping):
            found.append(Goal(name, _target(name, value, f"{where}: [goals]"), "", ""))
            continue
        if name in _NO_GOALS or name in BETTER:
            raise UsageError(
                f"{where}: [goals.{name}]: there are goals for managers, teams and columns of deals, as "
                f'[goals.manager."Anna"] {next(iter(BETTER))} = 100'
            )
        for segment, own in value.items():
            place = f'{where}: [goals.{name}."{segment}"]'
            if not isinstance(own, Mapping):
                raise UsageError(f"{place} = {own!r} is not allowed; wanted: a table, as {{ conversion = 0.25 }}")
            found += [Goal(measure, _target(measure, t, place), name, segment) for measure, t in own.items()]
    return found


def _target(measure: str, value: object, place: str) -> float:
    if measure not in BETTER:
        near = did_you_mean(measure, BETTER)
        raise UsageError(f"{place} {measure} is not known; there are goals for {', '.join(BETTER)}.{near}")
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not float(value) > 0 or (measure == "conversion" and float(value) > 1):  # type: ignore[arg-type]
        wanted = "a share from 0 to 1, as 0.25" if measure == "conversion" else "a number above 0"
        raise UsageError(f"{place} {measure} = {value!r} is not allowed; wanted: {wanted}")
    return float(value)  # type: ignore[arg-type]
