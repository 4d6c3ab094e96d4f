"""Where tables come from: a folder of CSV or Parquet files, one Excel workbook, or pandas frames.

A source gives *raw* tables: what is in the file, named and typed as the file has it, ready to be read by the engine.
Nothing is judged here but whether a file can be read at all; the contract is checked once, in `callkit.tables`.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from callkit.engine import DuckDB, literal, quoted, reason
from callkit.errors import CallkitError, ContractError, UsageError
from callkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("calls", "deals", "stage_changes", "stages", "managers", "deal_contacts")
STORE = "company.duckdb"
"""The store that `callkit pull` builds in a company's folder."""
Frames = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True)
class RawTable:
    """A table as its file has it: `relation` is SQL to select from, `columns` maps a column's name to its SQL name."""

    name: str
    where: str
    relation: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    said: str = ""


def read(source: Path | Frames, settings: Settings, engine: DuckDB) -> dict[str, RawTable]:
    """The raw tables of a source, by table name.

    Raises UsageError where there is no such source, ContractError listing every file that cannot be read.
    """
    if isinstance(source, Mapping):
        return _from_frames(source, engine)
    if not source.exists():
        raise UsageError(
            f"{source} does not exist; a folder of tables, a workbook (.xlsx) or a store (.duckdb) is wanted"
        )
    if source.is_dir():
        return _from_folder(source, settings, engine)
    if source.suffix.lower() == ".xlsx":
        return _from_workbook(source, engine)
    raise UsageError(f"{source} is no source: a folder of tables, a workbook (.xlsx) or a store (.duckdb) is wanted")


def files(source: Path) -> list[Path]:
    """The files a source consists of, in the order of the tables."""
    if source.is_file():
        return [source]
    named = [f"{name}{suffix}" for name in TABLES for suffix in (".csv", ".parquet")]
    return [p for name in (*named, STORE) if (p := source / name).is_file()]


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_folder(folder: Path, settings: Settings, engine: DuckDB) -> dict[str, RawTable]:
    found: dict[str, RawTable] = {}
    problems: list[str] = []
    for path in files(folder):
        name = path.stem
        if path.name == STORE:
            continue
        if name in found or any(p.startswith(f"{name}.") for p in problems if path.suffix == ".parquet"):
            problems.append(f"{name}: both {name}.csv and {name}.parquet are there; keep one of them")
            continue
        try:
            found[name] = _csv(path, settings) if path.suffix == ".csv" else _parquet(path, engine)
        except (duckdb.Error, CallkitError, OSError, UnicodeDecodeError) as error:
            told = (
                "it is not UTF-8 text; save it as CSV UTF-8" if isinstance(error, UnicodeDecodeError) else reason(error)
            )
            problems.append(f"{path.name} cannot be read: {told}")
    if problems:
        raise ContractError("\n".join([f"{folder}: {len(problems)} file(s) cannot be used:", *problems]), problems)
    if not found:
        wanted = ", ".join(f"{t}.csv" for t in TABLES[:3])
        raise UsageError(f"{folder} holds no tables; at least {wanted} (or .parquet) are wanted")
    return found


def _csv(path: Path, settings: Settings) -> RawTable:
    separator, header = _header(path, settings.separator)
    names = [f"c{i}" for i in range(len(header))]
    wide = ", ".join(f"{literal(n)}: 'VARCHAR'" for n in names)
    relation = (
        f"read_csv({literal(str(path))}, delim={literal(separator)}, quote='\"', escape='\"', header=true, nullstr='', "
        f"auto_detect=false, strict_mode=true, null_padding=false, columns={{{wide}}})"
    )
    columns = _unique(header, names)
    return RawTable(
        path.stem, path.name, relation, columns, dict.fromkeys(columns, "VARCHAR"), f"separator {separator!r}"
    )


def _header(path: Path, separator: str) -> tuple[str, list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise CallkitError("it is empty; a line with the column names is wanted first")
    line = re.split("\r\n|\n|\r", start, maxsplit=1)[0]
    if separator:
        return separator, next(csv.reader([line], delimiter=separator))
    # Column names hold no separators, so only one reading of the header has the table's key in it.
    for candidate in (",", ";"):
        header = next(csv.reader([line], delimiter=candidate))
        if len(header) > 1 and any(h.endswith("_id") for h in header):
            return candidate, header
    return (";", line.split(";")) if ";" in line and "," not in line else (",", next(csv.reader([line])))


def _parquet(path: Path, engine: DuckDB) -> RawTable:
    return _described(path.stem, path.name, f"read_parquet({literal(str(path))})", engine)


def _described(name: str, where: str, relation: str, engine: DuckDB) -> RawTable:
    described = engine.query(f"DESCRIBE SELECT * FROM {relation}")
    columns = _unique([row[0] for row in described], [quoted(row[0]) for row in described])
    return RawTable(name, where, relation, columns, {row[0]: row[1] for row in described})


def _unique(header: list[str], names: list[str]) -> dict[str, str]:
    if blank := [i + 1 for i, h in enumerate(header) if not h.strip()]:
        raise CallkitError(f"column {blank[0]} has no name in the first line")
    folded = [h.casefold() for h in header]
    if twice := sorted({h for h, f in zip(header, folded, strict=True) if folded.count(f) > 1}):
        raise CallkitError(f"columns {', '.join(map(repr, twice))} have the same name but for upper and lower case")
    return dict(zip(header, names, strict=True))


def _from_workbook(path: Path, engine: DuckDB) -> dict[str, RawTable]:
    import pandas as pd
    from python_calamine import CalamineError, load_workbook

    try:
        workbook = load_workbook(str(path))
    except (CalamineError, OSError) as error:
        raise ContractError(f"{path.name} cannot be read as a workbook: {error}") from None
    found = {}
    for name in TABLES:
        if name not in workbook.sheet_names:
            continue
        rows = workbook.get_sheet_by_name(name).to_python()
        header = [str(h) for h in rows[0]] if rows else []
        while header and not header[-1]:
            header.pop()
        body = [row[: len(header)] for row in rows[1:] if any(v not in ("", None) for v in row)]
        texts = {h: [_cell(row[i]) for row in body] for i, h in enumerate(header)}
        engine.register(f"sheet_{name}", pd.DataFrame(texts, dtype="object").astype("str"))
        try:
            columns = _unique(header, [quoted(h) for h in header])
        except CallkitError as error:
            raise ContractError(f"{path.name}, sheet {name}: {error}") from None
        found[name] = RawTable(
            name, f"{path.name}, sheet {name}", f"sheet_{name}", columns, dict.fromkeys(columns, "VARCHAR")
        )
    if not found:
        raise UsageError(f"{path} has no sheet named {', '.join(TABLES[:3])}; its sheets are {workbook.sheet_names}")
    return found


def _cell(value: object) -> str | None:
    # A workbook keeps whole numbers as floats; ids must come back as they were typed.
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_frames(frames: Frames, engine: DuckDB) -> dict[str, RawTable]:
    found = {}
    if unknown := sorted(set(frames) - set(TABLES)):
        raise UsageError(f"tables {unknown} are not known; allowed: {', '.join(TABLES)}")
    for name, frame in frames.items():
        engine.register(f"frame_{name}", frame)
        found[name] = _described(name, f"frame {name}", f"frame_{name}", engine)
    return found
