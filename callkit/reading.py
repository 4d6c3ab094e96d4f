"""How a column of a raw table is read: what it gives as text, its typed value, its instant, as SQL.

Files are read leniently, by their text; tables that lie in an engine have types already, and keep to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from callkit.contract import Column
from callkit.engine import literal

_INSTANT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?"
ZONED, NAIVE, WHOLE, FLOAT, TEXT = "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "BIGINT", "DOUBLE", "VARCHAR"
"""The types of raw columns that are told apart; any other may only be a text."""


class Reading(Protocol):
    """SQL that reads a column; `source` is its SQL name, `kind` its type."""

    def wanted(self, table: str) -> str:
        """What is allowed where a table is missing."""

    def given(self, source: str, kind: str) -> str:
        """What stands there, as text, nothing where it is empty: for nulls and for examples."""

    def value(self, source: str, kind: str, column: Column, decimal: str) -> str:
        """The value of any column but an instant, empty where it has the wrong type."""

    def instant(self, source: str, kind: str) -> tuple[str, str]:
        """Whether an instant is naive, and its clock reading in microseconds, empty where it is none."""


class FromFiles:
    """Reading files and frames with DuckDB: numbers and instants may be texts."""

    def wanted(self, table: str) -> str:
        return f"{table}.csv or {table}.parquet"

    def given(self, source: str, kind: str) -> str:
        if kind in ("DOUBLE", "FLOAT"):
            return f"CASE WHEN isnan({source}) THEN NULL ELSE CAST({source} AS VARCHAR) END"
        return f"nullif({source}, '')" if kind == "VARCHAR" else f"nullif(CAST({source} AS VARCHAR), '')"

    def value(self, source: str, kind: str, column: Column, decimal: str) -> str:
        given = self.given(source, kind)
        if column.kind in ("text", "dimension"):
            if kind in ("DOUBLE", "FLOAT"):  # a column of whole numbers that once held a gap
                whole = f"CAST(CAST({source} AS BIGINT) AS VARCHAR)"
                return f"CASE WHEN {source} = floor({source}) THEN {whole} ELSE {given} END"
            return given
        if kind == "BOOLEAN" or kind.startswith(("DATE", "TIME")):
            return "CAST(NULL AS DOUBLE)"
        text = f"replace(replace({given}, '.', '?'), ',', '.')" if decimal == "," and kind == "VARCHAR" else given
        number = f"try_cast({text} AS DOUBLE)"
        checks = [f"isfinite({number})"]
        if kind == "VARCHAR":
            checks.append(f"{text} NOT LIKE '%\\_%' ESCAPE '\\'")
        if column.kind == "integer":
            checks.append(f"{number} = floor({number})")
        return f"CASE WHEN {' AND '.join(checks)} THEN {number} END"

    def instant(self, source: str, kind: str) -> tuple[str, str]:
        if kind == "TIMESTAMP WITH TIME ZONE":
            return "FALSE", f"epoch_us({source})"
        if kind.startswith("TIMESTAMP"):
            return "TRUE", f"epoch_us(CAST({source} AS TIMESTAMP))"
        if kind != "VARCHAR":  # a bare date among them: without the time of day a call cannot be placed
            return "FALSE", "CAST(NULL AS BIGINT)"
        given = self.given(source, kind)
        naive = f"strpos(substr({given}, 12), '+') + strpos(substr({given}, 12), '-') + strpos({given}, 'Z') = 0"
        # Behind whole seconds the zone mostly stands, and one look is enough.
        naive = f"CASE WHEN substr({given}, 20, 1) IN ('+', '-', 'Z') THEN FALSE ELSE {naive} END"
        # The commonest spellings are told by their shape, which costs a third of the pattern that knows them all;
        # whether the digits are a date the cast decides.
        usual = " OR ".join(f"{given} LIKE '____-__-_____:__:__{end}'" for end in ("+__:__", "Z", ""))
        whole = f"{usual} OR regexp_full_match({given}, {literal(_INSTANT)})"
        return naive, f"CASE WHEN {whole} THEN epoch_us(try_cast({given} AS TIMESTAMPTZ)) END"


@dataclass(frozen=True)
class FromEngine:
    """Reading tables that lie in an engine: its words for a text, an instant, a number.

    A text is no number and no instant here: a company whose tables say so casts them in a view of its own.
    """

    text: Callable[[str], str]
    micros: Callable[[str], str]
    double: str

    def wanted(self, table: str) -> str:
        return f"a table or a view {table}"

    def given(self, source: str, kind: str) -> str:
        return f"nullif({self.text(source)}, '')"

    def value(self, source: str, kind: str, column: Column, decimal: str) -> str:
        if column.kind in ("text", "dimension"):
            if kind != FLOAT:
                return self.given(source, kind)
            whole = self.text(f"CAST({source} AS BIGINT)")
            return f"CASE WHEN {source} = floor({source}) THEN {whole} ELSE {self.given(source, kind)} END"
        if kind not in (WHOLE, FLOAT):
            return f"CAST(NULL AS {self.double})"
        number = f"CAST({source} AS {self.double})"
        # Whatever is not finite gives no 0 when it is taken from itself.
        checks = [f"{number} - {number} = 0"] + ([f"{number} = floor({number})"] if column.kind == "integer" else [])
        return f"CASE WHEN {' AND '.join(checks)} THEN {number} END"

    def instant(self, source: str, kind: str) -> tuple[str, str]:
        if kind not in (ZONED, NAIVE):
            return "FALSE", "CAST(NULL AS BIGINT)"
        return ("FALSE" if kind == ZONED else "TRUE"), self.micros(source)
