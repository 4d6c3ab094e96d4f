"""The one gate: raw tables are checked against the contract once; after it, everything is trusted.

Raw tables go in; out come typed tables `checked_calls`, `checked_deals` …, instants as microseconds in UTC. Every
violation of every table is found before the run stops. The gate is DuckDB's where tables are files; where they lie in
an engine it is that engine's, and no row leaves it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb

from callkit import sources
from callkit.contract import CONTRACT, DEAL_COLUMNS, RESERVED, Column, Table, Violation
from callkit.engine import PREFIX, DuckDB, Engine, literal, quoted, reason
from callkit.engines.remote import Remote
from callkit.errors import ContractError, did_you_mean
from callkit.measures import MEASURES
from callkit.reading import FromFiles, Reading
from callkit.settings import Settings
from callkit.sources import RawTable
from callkit.zones import utc_sql


@dataclass(frozen=True)
class Checked:
    """What the gate let through: which optional columns were given, the dimensions, rows by table, columns not read."""

    rows: Mapping[str, int]
    given: Mapping[str, tuple[str, ...]]
    dimensions: tuple[str, ...]
    ignored: Mapping[str, tuple[str, ...]]
    repeated_changes: int = 0

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def admit(source: Path | sources.Frames, settings: Settings, engine: Engine) -> tuple[Mapping[str, RawTable], Checked]:
    """Checks a source's tables where they are, files in DuckDB and an engine's own tables in it.

    The checked tables are in the engine then, wherever the gate was. Raises as `sources.read` and `check` do.
    """
    if isinstance(engine, DuckDB):
        raw = sources.read(source, settings, engine)
        return raw, check(raw, settings.timezone, settings.decimal, engine)
    assert isinstance(engine, Remote)
    if where := settings.engine.get("tables"):
        raw = engine.raw(where)
        return raw, check(raw, settings.timezone, settings.decimal, engine, engine.reading)
    with contextlib.closing(DuckDB()) as gate:
        raw = sources.read(source, settings, gate)
        checked = check(raw, settings.timezone, settings.decimal, gate)
        engine.take(gate)
    return raw, checked


def check(
    raw: Mapping[str, RawTable],
    timezone: str,
    decimal: str,
    engine: Engine,
    reading: Reading | None = None,
    tails: Collection[str] = (),
) -> Checked:
    """Types every raw table into a checked one, or raises ContractError with every violation there is.

    Naive instants are read in `timezone`; `decimal` is the declared decimal mark of CSV numbers; `reading` is how an
    engine reads tables that lie in it. Of `tails` only the last rows are there, or none.
    """
    read = reading or FromFiles()
    violations: list[Violation] = []
    rows: dict[str, int] = {}
    for name, table in CONTRACT.items():
        if name not in raw:
            if not table.optional:
                violations.append(Violation(name, "", "the table is missing", 0, (), read.wanted(name)))
            else:
                empty = ", ".join(
                    f"CAST(NULL AS {_sql_type(c, engine)}) AS {quoted(_typed_name(c))}" for c in table.columns
                )
                engine.create(f"{PREFIX}{name}", f"SELECT {empty} WHERE 1 = 0", passing=True)
            continue
        found = _missing(name, raw[name], table)
        if not found:
            found = _type(raw[name], table, timezone, decimal, engine, read)
        if not found:
            rows[name] = int(engine.query(f"SELECT count(*) FROM {PREFIX}{name}")[0][0])
            if table.rows_wanted and not rows[name] and name not in tails:
                found = [Violation(name, "", "the table has no rows", 0, (), "at least one row")]
            elif table.key:
                found = _duplicates(name, table, raw[name], engine)
        violations += found
    if violations:
        told = "\n".join(f"  {v}" for v in violations)
        heading = "the tables break the contract" if len(violations) > 1 else "the contract is broken"
        raise ContractError(f"{heading} ({len(violations)} violation{'s'[: len(violations) > 1]}):\n{told}", violations)
    return _admitted(raw, rows, engine)


def _admitted(raw: Mapping[str, RawTable], rows: dict[str, int], engine: Engine) -> Checked:
    changes = engine.distinct(f"{PREFIX}stage_changes", [_typed_name(c) for c in CONTRACT["stage_changes"].columns])
    known = {name: {c.name for c in table.columns} for name, table in CONTRACT.items()}
    return Checked(
        rows=rows,
        given={n: tuple(c.name for c in CONTRACT[n].columns if c.name in t.columns) for n, t in raw.items()},
        dimensions=tuple(c for c in raw["deals"].columns if c not in DEAL_COLUMNS),
        ignored={n: tuple(c for c in t.columns if c not in known[n]) for n, t in raw.items() if not CONTRACT[n].others},
        repeated_changes=rows["stage_changes"] - changes,
    )


def _wanted(missing: Column, columns: Iterable[str]) -> str:
    near = did_you_mean(missing.name, columns)
    return f"{missing.wanted()}.{near}" if near else missing.wanted()


def _missing(name: str, raw: RawTable, table: Table) -> list[Violation]:
    found = [
        Violation(name, c.name, "the column is missing", 0, (), _wanted(c, raw.columns))
        for c in table.columns
        if not c.optional and c.name not in raw.columns
    ]
    if table.others:
        known = {c.name for c in table.columns}
        taken = {*RESERVED, *MEASURES, "segment", "label"} - known
        found += [
            Violation(name, c, "this name has a meaning of its own", 0, (), "another name for the dimension")
            for c in raw.columns
            if c in taken
        ]
    return found


def _type(
    raw: RawTable, table: Table, timezone: str, decimal: str, engine: Engine, reading: Reading
) -> list[Violation]:
    name, columns = raw.name, [c for c in table.columns if c.name in raw.columns]
    if table.others:
        known = {c.name for c in table.columns}
        columns += [Column(c, "dimension", null=True) for c in raw.columns if c not in known]
    faults = _faults(name, columns)
    inner, middle, outer = [], [], []
    for i, column in enumerate(columns):
        source = raw.columns[column.name]
        if column.kind == "instant":
            naive, value = reading.instant(source, raw.types[column.name])
            inner.append(f"{naive} AS n{i}")
            settled = f"CASE WHEN n{i} THEN CAST({utc_sql(f'p{i}', timezone)} AS BIGINT) ELSE p{i} END"
            if naive == "FALSE":
                settled = f"p{i}"
        else:
            value, settled = reading.value(source, raw.types[column.name], column, decimal), f"p{i}"
        inner += [f"{reading.given(source, raw.types[column.name])} AS r{i}", f"{value} AS p{i}"]
        middle += [f"r{i}", f"{settled} AS v{i}"]
        outer.append(f"v{i} AS {quoted(_typed_name(column))}")
    outer += [
        f"CAST(NULL AS {_sql_type(c, engine)}) AS {quoted(_typed_name(c))}"
        for c in table.columns
        if c.name not in raw.columns
    ]
    bits = " + ".join(f"CASE WHEN {f.condition} THEN {1 << n} ELSE 0 END" for n, f in enumerate(faults))
    typed = f"SELECT {', '.join(middle)} FROM (SELECT {', '.join(inner)} FROM {raw.relation}) AS given"
    try:
        engine.create(
            f"{PREFIX}{name}",
            f"SELECT {', '.join(outer)}, CAST({bits or 0} AS BIGINT) AS faults FROM ({typed}) AS typed",
            passing=True,
        )
    except duckdb.Error as error:
        problem = f"{raw.where} cannot be read: {_plain(error)}"
        return [Violation(name, "", problem, 0, (), "a whole file of equal lines, UTF-8")]
    found = []
    patterns = f"SELECT faults, count(*) FROM {PREFIX}{name} WHERE faults <> 0 GROUP BY faults"
    broken: dict[int, int] = dict(engine.query(patterns))
    for n, fault in enumerate(faults):
        rows = sum(count for pattern, count in broken.items() if pattern >> n & 1)
        if not rows:
            continue
        shown = f"r{fault.shown}"
        label = f", coalesce(v{0}, '')" if columns[0].kind == "text" else ", ''"
        examples = engine.query(f"SELECT {shown}{label} FROM ({typed}) AS typed WHERE {fault.condition} LIMIT 3")
        found.append(
            Violation(
                name, fault.column, fault.problem, rows,
                tuple(_example(v, key, columns[0].name, fault.shown) for v, key in examples), fault.allowed,
            )
        )  # fmt: skip
    engine.without(f"{PREFIX}{name}", "faults")
    return [_hinted(v, decimal) for v in found]


@dataclass(frozen=True)
class _Fault:
    column: str
    shown: int
    condition: str
    problem: str
    allowed: str


def _faults(name: str, columns: list[Column]) -> list[_Fault]:
    found = []
    for i, c in enumerate(columns):
        if not c.null:
            found.append(_Fault(c.name, i, f"r{i} IS NULL", "nothing is given", c.wanted()))
        if c.kind not in ("text", "dimension"):
            problem = f"not {c.wanted().split(',')[0].removesuffix(' or nothing')}"
            found.append(_Fault(c.name, i, f"(r{i} IS NOT NULL AND v{i} IS NULL)", problem, c.wanted()))
        if c.allowed:
            within = ", ".join(literal(a) for a in c.allowed)
            found.append(_Fault(c.name, i, f"v{i} NOT IN ({within})", "not among what is allowed", c.wanted()))
        if c.least is not None:
            found.append(_Fault(c.name, i, f"v{i} < {c.least:g}", f"below {c.least:g}", c.wanted()))
    if name == "deals":
        at = {c.name: i for i, c in enumerate(columns)}
        created, closed, outcome = (f"v{at[c]}" for c in ("created_at", "closed_at", "outcome"))
        shown = at["closed_at"]
        found += [
            _Fault("closed_at", shown, f"{closed} < {created}", "before created_at", "created_at or later"),
            _Fault(
                "closed_at", shown, f"({outcome} IN ('won', 'lost') AND r{shown} IS NULL)",
                "a won or lost deal without it", "the instant of closing",
            ),
            _Fault(
                "closed_at", shown, f"({outcome} = 'open' AND r{shown} IS NOT NULL)",
                "an open deal with it", "nothing while the deal is open",
            ),
        ]  # fmt: skip
    return found


def _duplicates(name: str, table: Table, raw: RawTable, engine: Engine) -> list[Violation]:
    keys = [k for k in table.key if k in raw.columns]
    listed, checked = ", ".join(quoted(k) for k in keys), f"{PREFIX}{name}"
    if engine.distinct(checked, keys) == engine.query(f"SELECT count(*) FROM {checked}")[0][0]:
        return []
    grouped = f"SELECT {listed}, count(*) AS n FROM {checked} GROUP BY {listed} HAVING count(*) > 1"
    extra = engine.query(f"SELECT coalesce(sum(n - 1), 0) FROM ({grouped}) AS twice")[0][0]
    if not extra:
        return []
    examples = engine.query(f"{grouped} ORDER BY {listed} LIMIT 3")
    written = tuple(f"'{', '.join(map(str, row[:-1]))}' ({row[-1]} times)" for row in examples)
    return [Violation(name, ", ".join(keys), "given more than once", int(extra), written, "each key once")]


def _typed_name(column: Column) -> str:
    if column.kind == "dimension":  # kept apart from callkit's own columns, whatever a company calls it
        return f"dim_{column.name}"
    return column.name.removesuffix("_at") + "_us" if column.kind == "instant" else column.name


def _sql_type(column: Column, engine: Engine) -> str:
    if column.kind == "instant":
        return "BIGINT"
    return engine.types["VARCHAR" if column.kind == "text" else "DOUBLE"]


def _example(value: object, key: object, key_name: str, shown: int) -> str:
    written = "nothing" if value is None else repr(str(value)[:60])
    return f"{written} ({key_name} {str(key)[:60]})" if shown and key else written


def _hinted(violation: Violation, decimal: str) -> Violation:
    if "number" in violation.problem and decimal == "." and any("," in e.split("(")[0] for e in violation.examples):
        hint = f'{violation.allowed} (decimal commas are declared: [source] decimal = "," in callkit.toml)'
        return replace(violation, allowed=hint)
    return violation


def _plain(error: duckdb.Error) -> str:
    told = reason(error)
    if "utf-8" in told.lower() or "unicode" in told.lower():
        return "it is not UTF-8 text; save it as CSV UTF-8"
    return told
