"""Figures written to standard output: as a table for the eye, CSV, JSON or Parquet for machines."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

from callkit.engine import DuckDB, literal, quoted
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measures import MEASURES


def write(figures: Figures, form: str) -> None:
    """Writes figures to standard output in a form: table, csv, json or parquet. Undefined cells are empty (null)."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(figures.columns)
        writer.writerows(figures.rows)
    elif form == "json":
        rows = [dict(zip(figures.columns, row, strict=True)) for row in figures.rows]
        json.dump(rows, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    elif form == "parquet":
        if sys.stdout.isatty():
            raise UsageError(
                "Parquet is not for the eye; send it to a file: callkit metrics … --format parquet > figures.parquet"
            )
        sys.stdout.buffer.write(_parquet(figures))
    else:
        sys.stdout.write(_table(figures))


def _parquet(figures: Figures) -> bytes:
    columns = [f"{quoted(k)} VARCHAR" for k in figures.keys] + [f"{quoted(m)} DOUBLE" for m in MEASURES]
    engine = DuckDB()
    engine.query(f"CREATE TABLE figures ({', '.join(columns)})")
    engine.insert("figures", figures.rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figures.parquet")
        engine.query("SET preserve_insertion_order = true")
        engine.query(f"COPY figures TO {literal(str(path))} (FORMAT parquet)")
        return path.read_bytes()


def _table(figures: Figures) -> str:
    locale = Locale("en")
    written = [list(figures.columns)]
    for row in figures.rows:
        labels, numbers = row[: len(figures.keys)], row[len(figures.keys) :]
        written.append([*labels, *(locale.value(m, v) for m, v in zip(MEASURES, numbers, strict=True))])
    widths = [max(len(line[i]) for line in written) for i in range(len(figures.columns))]
    lines = [
        "  ".join(
            t.ljust(w) if i < len(figures.keys) else t.rjust(w)
            for i, (t, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in written
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
