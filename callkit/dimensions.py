"""The registry of dimensions: what figures can be cut and filtered by, and what each one narrows.

SQL here speaks of the placed tables under fixed names: `c` calls, which carry their deal's columns, `d` deals, `w` the
person a deal is credited to (`w.manager`) and `wm` that person's row in managers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callkit.engine import quoted

NOT_SET, NO_DEAL, BEFORE_DEAL, NO_HISTORY, OTHERS = 0, -1, -2, -3, -4
SPECIAL = {
    NOT_SET: "(not set)",
    NO_DEAL: "(no deal)",
    BEFORE_DEAL: "(before the deal)",
    NO_HISTORY: "(no stage history)",
}
OTHERS_LABEL = "(others' deals)"
"""Where a viewer sees not everything: what his calls on deals that he does not see stand under."""
UNNAMED = frozenset({*SPECIAL.values(), OTHERS_LABEL})
"""The labels in brackets: nobody's and nothing's name."""


@dataclass(frozen=True)
class Dimension:
    """Something to cut by.

    `of` tells what it belongs to: `call` (stage, direction, hour, weekday: narrows calls only), `person` (manager,
    team: calls by who spoke, deals by credit), `deal` (any column of deals, and the owner) or `month`. `calls` and
    `deals` are SQL for its code on either side; `labels` names the set of labels its codes are written in.
    """

    name: str
    of: str
    calls: str
    deals: str = ""
    labels: str = ""


_FIXED = (
    Dimension("manager", "person", "c.manager", "w.manager", "manager"),
    Dimension("team", "person", "c.team", "wm.team", "team"),
    Dimension("owner", "deal", "c.owner", "d.owner", "manager"),
    Dimension("stage", "call", "c.stage", "", "stage"),
    Dimension("direction", "call", "c.direction", "", "direction"),
    Dimension("hour", "call", "c.hour", "", "hour"),
    Dimension("weekday", "call", "c.weekday", "", "weekday"),
)


def dimensions(of_deals: Iterable[str]) -> dict[str, Dimension]:
    """Every dimension of a company by name: the fixed ones, `month`, and its deals' further columns `of_deals`."""
    own = [
        Dimension(name, "deal", f"c.{quoted('dim_' + name)}", f"d.{quoted('dim_' + name)}", name) for name in of_deals
    ]
    return {d.name: d for d in (*_FIXED, Dimension("month", "month", "", "", "month"), *own)}


def month_of(lens: str) -> Dimension:
    """`month` depends on the lens: what the calls and the deals of the scope are dated by."""
    dated = "created_month" if lens == "created" else "closed_month"
    calls = f"c.{dated}" if lens in ("created", "lifetime") else "c.month"
    return Dimension("month", "month", calls, f"d.{dated}", "month")


def code_label(labels: str, code: int) -> str:
    """The label of a code that needs no table: directions, hours, weekdays, months (years times twelve)."""
    if labels == "direction":
        return {1: "in", 2: "out", 3: "unknown"}[code]
    if labels == "hour":
        return f"{code:02}"
    if labels == "weekday":
        return str(code)
    return f"{code // 12:04}-{code % 12 + 1:02}"


CODED_BY_RULE = {
    "direction": {"in": 1, "out": 2, "unknown": 3},
    "hour": {text: hour for hour in range(24) for text in (f"{hour:02}", str(hour))},
    "weekday": {str(day): day for day in range(1, 8)},
}
