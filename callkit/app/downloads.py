"""What the reader takes away: the page as a workbook, a list as CSV or workbook, the command of the monthly report.

Voila refuses to serve files, so a download travels as data. A text that looks like a formula stays a text.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callkit.company import BUNDLED, Company
from callkit.locale import Locale
from callkit.pieces import SECTION_MIME, TABLE_MIME, Column, Piece
from callkit.report import executed, keeping
from callkit.report.executed import About, Executed
from callkit.report.planning import Request
from callkit.scope import Scope
from callkit.zones import Period

_CSV = "text/csv;charset=utf-8"
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class OnScreen(Executed):
    """A section as it stands on the screen, for the workbook that is otherwise made of executed notebooks."""

    shown: Sequence[Piece] = ()

    @property
    def pieces(self) -> Sequence[Mapping[str, Any]]:
        """What is shown, as MIME bundles."""
        return [piece.data for piece in self.shown]


def workbook(company: Company, scope: Scope, shown: Sequence[Piece], locale: Locale, title: str) -> dict[str, str]:
    """The tables of a page as a workbook of the report's own make."""
    from callkit.report import workbook as books

    section = OnScreen("view", "view", title, Path(), shown=shown)
    period = locale.period(scope.period.start, scope.period.stop)
    about = About(
        company=company.name, period=period, until=scope.period.stop - dt.timedelta(days=1),
        facts=executed.facts(company, scope, locale),
        command=command(company, scope, ()), inputs={}, versions={},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.xlsx"
        books.write(path, about, [section], locale)
        content = path.read_bytes()
    return _file(f"{company.name} {title} {scope.period}.xlsx", _EXCEL, content)


def table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], title: str, locale: Locale) -> Piece:
    """Rows as a piece that the workbook understands."""
    data = {
        "name": "behind", "title": title, "note": "", "total": False, "rows": [list(row) for row in rows],
        "columns": [{"name": c.name, "title": c.title, "kind": c.kind, "help": ""} for c in columns],
    }  # fmt: skip
    return Piece("", "", {TABLE_MIME: data, SECTION_MIME: {"title": title, "lang": locale.lang}})


def as_csv(columns: Sequence[Column], rows: Sequence[Sequence[Any]], title: str, locale: Locale) -> dict[str, str]:
    """Rows as a CSV file that the Excel of the language opens by a double click."""
    from callkit.report.workbook import header

    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=";" if locale.lang == "ru" else ",", lineterminator="\r\n")
    writer.writerow([header({"title": c.title, "kind": c.kind}, locale) for c in columns])
    writer.writerows([[_cell(value, locale) for value in row] for row in rows])
    return _file(f"{title}.csv", _CSV, text.getvalue().encode())


def command(company: Company, scope: Scope, by: Sequence[str]) -> str:
    """The `callkit report` command of a view; reports are of whole months, so the last one begun stands for days."""
    where = tuple(f"{column}={_row(kept)}" for column, kept in scope.where.items())
    cut = (",".join(by),) if by else ()
    zone_told = "" if company.source == BUNDLED else company.timezone
    request = Request(company.source, Path("reports"), "", cut, scope.lens, scope.credit, where, zone_told)
    return request.command(whole_months(scope.period))


def whole_months(period: Period) -> Period:
    """The period where it is of whole months, else the month in which it ends.

    >>> str(whole_months(Period.of_days("2026-10-05", "2026-11-02")))
    '2026-11'
    """
    if period.start.day == period.stop.day == 1:
        return period
    return Period.of_month(f"{period.stop - dt.timedelta(days=1):%Y-%m}")


def _row(kept: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(kept)
    return text.getvalue()


def _cell(value: Any, locale: Locale) -> str:
    """A plain value for a spreadsheet.

    >>> _cell("=cmd()", Locale("en")), _cell(12.5, Locale("ru")), _cell(None, Locale("ru"))
    ("'=cmd()", '12,5', '')
    """
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        plain = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        return plain.replace(".", ",") if locale.lang == "ru" else plain
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _file(name: str, mime: str, content: bytes) -> dict[str, str]:
    stem, dot, ending = name.rpartition(".")
    data = base64.b64encode(content).decode()
    return {"name": f"{keeping.safe_name(stem, 'callkit')}{dot}{ending}", "href": f"data:{mime};base64,{data}"}
