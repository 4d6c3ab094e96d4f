"""Coding: managers, stages and values of dimensions get the whole numbers that placed rows hold, and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callkit.dimensions import SPECIAL
from callkit.engine import PREFIX, Engine, Row, quoted
from callkit.labels import told_apart

Label = tuple[str, int, str, str | None]


@dataclass(frozen=True)
class Known:
    """Codes that an earlier placing gave, which stay: of managers by id and of teams by name.

    Beside them are the tables `still_spoken` (the managers of calls that are not placed again), `stages_seen` (the
    stages of earlier changes, and when each first was) and `known_labels`.
    """

    managers: Mapping[str, int]
    teams: Mapping[str, int]


def place_managers(engine: Engine, known: Known | None = None) -> list[Label]:
    """Makes `managers`; gives their labels and those of their teams."""
    rows = engine.query(f"""
        SELECT seen.manager_id, g.name, g.team, g.manager_id IS NOT NULL
        FROM (
            SELECT manager_id FROM checked_managers
            UNION SELECT manager_id FROM checked_calls
            UNION SELECT manager_id FROM checked_deals
            {"UNION SELECT manager_id FROM still_spoken" if known else ""}
        ) AS seen
        LEFT JOIN checked_managers AS g ON g.manager_id = seen.manager_id
        WHERE seen.manager_id IS NOT NULL
        ORDER BY seen.manager_id
    """)
    named = told_apart([(name or key, key, "") for key, name, _, _ in rows])
    codes = _coded([key for key, *_ in rows], known.managers if known else {})
    teams = _coded(sorted({r[2] for r in rows if r[2] is not None}), known.teams if known else {})
    placed = [(codes[key], key, teams.get(team, 0), described) for key, _, team, described in rows]
    columns = {"manager": "INTEGER", "manager_id": "VARCHAR", "team": "INTEGER", "described": "BOOLEAN"}
    engine.define("managers", columns, [(0, None, 0, True), *placed])
    labels = [("manager", codes[row[0]], label, row[0]) for row, label in zip(rows, named, strict=True)]
    return labels + [("team", code, team, None) for team, code in teams.items()]


def _coded(keys: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """A code for each key in their order, after the codes that are known."""
    new = (key for key in keys if key not in known)
    codes = dict(known) | {key: code for code, key in enumerate(new, max(known.values(), default=0) + 1)}
    return {key: codes[key] for key in keys}


def place_stages(keyed_by_pair: bool, engine: Engine, known: Known | None = None) -> list[Label]:
    """Described stages in the pipeline's order, then the others by the time of their first appearance."""
    pipeline = "pipeline_id" if keyed_by_pair else "''"
    described = engine.query(f"""
        SELECT {pipeline}, stage_id, name, position, kind FROM checked_stages
        ORDER BY position NULLS LAST, stage_id, pipeline_id
    """)
    if not keyed_by_pair:  # stages of several pipelines, changes that do not say which: the first description stands
        first: dict[str, Row] = {}
        for row in described:
            first.setdefault(row[1], row)
        described = list(first.values())
    told = {row[:2] for row in described}
    seen = engine.query(f"""
        SELECT pipeline_id, stage_id, min(first_us) FROM (
            SELECT {pipeline} AS pipeline_id, stage_id AS stage_id, changed_us AS first_us FROM checked_stage_changes
            {"UNION ALL SELECT pipeline_id, stage_id, first_us FROM stages_seen" if known else ""}
        ) AS seen
        GROUP BY 1, 2 ORDER BY 3, 2, 1
    """)
    first_us = {(p, s): us for p, s, us in seen}
    rows = [*described, *((p, s, None, None, None) for p, s, _ in seen if (p, s) not in told)]
    named = told_apart([(name or stage, stage, pipeline or "") for pipeline, stage, name, _, _ in rows])
    columns = {
        "stage": "INTEGER", "stage_id": "VARCHAR", "pipeline_id": "VARCHAR", "position": "DOUBLE", "kind": "VARCHAR",
        "described": "BOOLEAN", "first_us": "BIGINT",
    }  # fmt: skip
    placed = [
        (code, s, p or None, position, kind, (p, s) in told, first_us.get((p, s)))
        for code, (p, s, _, position, kind) in enumerate(rows, 1)
    ]
    engine.define("stages", columns, placed)
    return [("stage", code, label, rows[code - 1][1]) for code, label in enumerate(named, 1)]


def place_labels(said: list[Label], dimensions: tuple[str, ...], engine: Engine, known: Known | None = None) -> None:
    """Every label: those said already, and the values of each of the deals' own dimensions in the order of texts."""
    columns = {"dimension": "VARCHAR", "code": "INTEGER", "label": "VARCHAR", "id": "VARCHAR"}
    said = [*(("special", code, label, None) for code, label in SPECIAL.items()), *said]
    engine.define(f"{PREFIX}labels", columns, said, passing=True)
    parts, values = [f"SELECT dimension, code, label, id FROM {PREFIX}labels"], list[str]()
    code, joined = "row_number() OVER (ORDER BY v)", ""
    if known:
        last = "coalesce((SELECT max(code) FROM known_labels WHERE dimension = ?), 0)"
        code = f"coalesce(k.code, {last} + row_number() OVER (PARTITION BY k.code IS NULL ORDER BY v))"
        joined = "LEFT JOIN known_labels AS k ON k.dimension = ? AND k.label = v"
    for name in dimensions:
        column = quoted(f"dim_{name}")
        parts.append(f"""
            SELECT ?, CAST({code} AS INTEGER), v, NULL
            FROM (SELECT DISTINCT {column} AS v FROM checked_deals WHERE {column} IS NOT NULL) AS given
            {joined}
        """)
        values += [name, *([name, name] if known else [])]
    engine.create("labels", " UNION ALL ".join(parts), values)
    engine.drop(f"{PREFIX}labels")
