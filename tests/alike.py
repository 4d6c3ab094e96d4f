"""Whether two stores tell the same: every row of every table, with labels for codes and ids for keys."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from callkit.engine import literal, quoted

HOW_MADE = {"made_of", "built", "marks", "by", "anew"}
"""The facts that tell how a store was made, not of what."""
_CODED = {"manager": "manager", "owner": "manager", "team": "team", "stage": "stage", "code": ""}
_TABLES = (
    "calls",
    "deals",
    "stays",
    "credits",
    "managers",
    "stages",
    "labels",
    "loose_calls",
    "loose_changes",
    "loose_links",
)


def differences(one: Path, other: Path) -> list[str]:
    """What one store tells and the other does not; nothing where they are alike."""
    base = duckdb.connect()
    for name, store in (("one", one), ("other", other)):
        base.execute(f"ATTACH {literal(str(store))} AS {name} (READ_ONLY)")
    facts = {name: _facts(base, name) for name in ("one", "other")}
    found = [] if facts["one"] == facts["other"] else [f"facts: {facts['one']} and {facts['other']}"]
    if found:
        return found
    for table in _TABLES:
        there = [name for name in ("one", "other") if _has(base, name, table)]
        if len(there) == 1 and not table.startswith("loose"):  # a store that is built for the first time has none
            found.append(f"{table} is in {there[0]} alone")
        if len(there) == 2:
            told = [_told(base, name, table, facts[name]["dimensions"]) for name in there]
            for (mine, its), name in zip((told, told[::-1]), there, strict=True):
                rows = base.execute(f"SELECT * FROM ({mine}) EXCEPT ALL SELECT * FROM ({its}) LIMIT 3").fetchall()
                found += [f"{table}, {name} alone: {row}" for row in rows]
    base.close()
    return found


def _facts(base: duckdb.DuckDBPyConnection, store: str) -> dict[str, Any]:
    kept = base.execute(f"SELECT key, value FROM {store}.facts").fetchall()
    return {key: json.loads(value) for key, value in kept if key not in HOW_MADE}


def _has(base: duckdb.DuckDBPyConnection, store: str, table: str) -> bool:
    known = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?"
    return bool(base.execute(known, [store, table]).fetchall())


def _told(base: duckdb.DuckDBPyConnection, store: str, table: str, dimensions: list[str]) -> str:
    """SQL for the rows of a table; codes are labels, or the order of labels, keys are ids."""
    columns = [row[0] for row in base.execute(f"DESCRIBE {store}.{table}").fetchall()]
    coded = _CODED | {f"dim_{name}": name for name in dimensions}
    if table == "stages":
        del coded["stage"]  # the order of stages is their codes
    chosen = []
    for column in columns:
        mine = f"x.{quoted(column)}"
        if column == "deal_key":
            chosen.append("(k.deal_id) AS deal_id_of_key")
        elif column == "code":
            chosen.append(f"CASE WHEN x.dimension IN ('stage', 'special') THEN {mine} END AS code")
        elif column in coded:
            of = f"dimension IN ('special', {literal(coded[column])})"
            labels = f"(SELECT map(list(code), list(label)) FROM {store}.labels WHERE {of})"
            chosen.append(f"{labels}[{mine}] AS {quoted(column)}")
        else:
            chosen.append(f"{mine} AS {quoted(column)}")
    joined = f"LEFT JOIN {store}.deals AS k ON k.deal_key = x.deal_key" if "deal_key" in columns else ""
    return f"SELECT {', '.join(chosen)} FROM {store}.{table} AS x {joined}"


if __name__ == "__main__":
    print("\n".join(differences(Path(sys.argv[1]), Path(sys.argv[2]))) or "alike")
