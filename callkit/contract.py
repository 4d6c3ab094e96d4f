"""The contract of the input tables, as data: columns, types, nulls, keys, and what a broken promise looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OUTCOMES = ("won", "lost", "open")
DIRECTIONS = ("in", "out", "unknown")
DEAL_COLUMNS = ("deal_id", "created_at", "closed_at", "outcome", "amount", "manager_id")
RESERVED = ("owner", "manager", "team", "stage", "direction", "hour", "weekday", "month", *DEAL_COLUMNS)


@dataclass(frozen=True)
class Column:
    """One column's promise: `kind` is text, instant, number, integer or dimension; an `optional` one may be missing."""

    name: str
    kind: str = "text"
    null: bool = False
    optional: bool = False
    allowed: tuple[str, ...] = ()
    least: float | None = None
    meaning: str = ""

    def wanted(self) -> str:
        """What is allowed in the column, in words."""
        if self.allowed:
            return " or ".join((*self.allowed, "nothing") if self.null else self.allowed)
        words = {
            "text": "a text",
            "dimension": "a text",
            "instant": "a date with a time, as 2026-03-02T10:00:00+03:00",
            "number": "a number",
            "integer": "a whole number",
        }[self.kind]
        words += "" if self.least is None else f", {self.least:g} or more"
        return words + (" or nothing" if self.null else "")


@dataclass(frozen=True)
class Table:
    """One table's promise. `others` says that every further column is taken as text (a dimension)."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    optional: bool = False
    rows_wanted: bool = False
    others: bool = False


CONTRACT: Mapping[str, Table] = {
    "calls": Table(
        (
            Column("call_id", meaning="one logged attempt to call"),
            Column("started_at", "instant", meaning="when the call began"),
            Column("talk_seconds", "number", least=0, meaning="seconds of talk; 0 when nobody answered"),
            Column("direction", allowed=DIRECTIONS, meaning="who called whom"),
            Column("manager_id", null=True, meaning="who spoke"),
            Column("deal_id", null=True, meaning="the deal whose card the call was logged on"),
            Column("contact_id", null=True, optional=True, meaning="the contact it was logged on"),
        ),
        key=("call_id",),
        rows_wanted=True,
    ),
    "deals": Table(
        (
            Column("deal_id", meaning="one deal"),
            Column("created_at", "instant", meaning="when it was created"),
            Column("closed_at", "instant", null=True, meaning="when it was won or lost; nothing while it is open"),
            Column("outcome", allowed=OUTCOMES, meaning="how it stands now"),
            Column(
                "amount",
                "number",
                null=True,
                least=0,
                meaning="its worth, in the account's one currency; nothing counts as 0 and is told",
            ),
            Column("manager_id", null=True, meaning="who owns it"),
        ),
        key=("deal_id",),
        rows_wanted=True,
        others=True,
    ),
    "stage_changes": Table(
        (
            Column("deal_id", meaning="the deal that moved"),
            Column("changed_at", "instant", meaning="when it entered the stage"),
            Column("stage_id", meaning="the stage it entered"),
            Column("pipeline_id", optional=True, meaning="the pipeline of that stage"),
            Column("seq", "integer", optional=True, meaning="breaks ties of one instant"),
        ),
    ),
    "stages": Table(
        (
            Column("stage_id", meaning="one stage"),
            Column("pipeline_id", optional=True, meaning="its pipeline; stages of several may share an id"),
            Column("name", null=True, meaning="how it is called"),
            Column("position", "number", null=True, meaning="its place in the pipeline's order"),
            Column("kind", null=True, allowed=("open", "won", "lost"), meaning="what standing on it means"),
        ),
        key=("pipeline_id", "stage_id"),
        optional=True,
    ),
    "managers": Table(
        (
            Column("manager_id", meaning="one person"),
            Column("name", null=True, meaning="how they are called"),
            Column("team", null=True, optional=True, meaning="the team they belong to"),
        ),
        key=("manager_id",),
        optional=True,
    ),
    "deal_contacts": Table(
        (Column("deal_id", meaning="a deal"), Column("contact_id", meaning="one of its contacts")),
        key=("deal_id", "contact_id"),
        optional=True,
    ),
}


@dataclass(frozen=True)
class Violation:
    """One broken promise: where, what, in how many rows, up to three examples, and what is allowed."""

    table: str
    column: str
    problem: str
    rows: int
    examples: tuple[str, ...]
    allowed: str

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        rows = f", {self.rows} {'row' if self.rows == 1 else 'rows'}" if self.rows else ""
        examples = f", e.g. {', '.join(self.examples)}" if self.examples else ""
        return f"{place}: {self.problem}{rows}{examples}; allowed: {self.allowed}"
