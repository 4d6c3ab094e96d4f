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

    def wanted(self) -> str:
        """What is allowed in the column, in words."""
        if self.allowed:
            return " or ".join(self.allowed)
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
            Column("call_id"),
            Column("started_at", "instant"),
            Column("talk_seconds", "number", least=0),
            Column("direction", allowed=DIRECTIONS),
            Column("manager_id", null=True),
            Column("deal_id", null=True),
            Column("contact_id", null=True, optional=True),
        ),
        key=("call_id",),
        rows_wanted=True,
    ),
    "deals": Table(
        (
            Column("deal_id"),
            Column("created_at", "instant"),
            Column("closed_at", "instant", null=True),
            Column("outcome", allowed=OUTCOMES),
            Column("amount", "number", null=True, least=0),
            Column("manager_id", null=True),
        ),
        key=("deal_id",),
        rows_wanted=True,
        others=True,
    ),
    "stage_changes": Table(
        (
            Column("deal_id"),
            Column("changed_at", "instant"),
            Column("stage_id"),
            Column("pipeline_id", optional=True),
            Column("seq", "integer", optional=True),
        ),
    ),
    "stages": Table(
        (
            Column("stage_id"),
            Column("pipeline_id", optional=True),
            Column("name", null=True),
            Column("position", "number", null=True),
            Column("kind", null=True, allowed=("open", "won", "lost")),
        ),
        key=("pipeline_id", "stage_id"),
        optional=True,
    ),
    "managers": Table(
        (Column("manager_id"), Column("name", null=True), Column("team", null=True, optional=True)),
        key=("manager_id",),
        optional=True,
    ),
    "deal_contacts": Table(
        (Column("deal_id"), Column("contact_id")),
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
