"""The workbook: every table of the report on a sheet of its own, numbers as numbers, each with its formula in words.

Texts of the data are written as texts, whatever they begin with: no cell becomes a formula or a link.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from callkit.locale import CURRENCY_SIGNS, Locale
from callkit.report.executed import About, Executed

_LONGEST_NAME = 31
_LONGEST_TEXT = 32_767
_HEADER_ROW = 2
_NUMBER_FORMATS = {"count": "#,##0", "minutes": "#,##0.0", "seconds": "#,##0", "share": "0.0%", "ratio": '0.00"×"'}
_MOMENT_FORMAT = {"ru": "dd.mm.yyyy hh:mm:ss", "en": "yyyy-mm-dd hh:mm:ss"}
_ACCENT, _GREY, _PALE = "#2F6690", "#5A6170", "#E8F0F6"


def write(path: Path, about: About, sections: Sequence[Executed], locale: Locale) -> None:
    """Writes the workbook: first the contents, then a sheet for each table, in the order of the sections.

    A sheet has the table's title, the formulas in grey, the header (kept in sight, with filters), the rows, the whole
    in bold. Shares are percentages, minutes and seconds plain numbers, money has the currency's format, moments are
    dates. Undefined cells are empty. Equal content gives equal bytes. Raises OSError where `path` cannot be written.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            _write(book, about, sections, locale)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] if isinstance(error.args[0], OSError) else OSError(str(error)) from None


def sheet_names(titles: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """A valid name for each title: 31 characters at most, none that Excel forbids, no two alike but for the case.

    >>> sheet_names(["Звонки: источник/этап", "звонки: источник/этап"])
    ['Звонки источник этап', 'звонки источник этап (2)']
    """
    used = {name.casefold() for name in taken}
    names = []
    for title in titles:
        plain = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).split()).strip("'") or "-"
        # Excel keeps this name for itself.
        plain = f"{plain}-" if plain.casefold() in ("history", "журнал") else plain
        name, number = _cut(plain), 1
        while name.casefold() in used:
            number += 1
            name = _cut(plain, f" ({number})")
        used.add(name.casefold())
        names.append(name)
    return names


def _cut(name: str, end: str = "") -> str:
    # Excel counts in UTF-16, where an emoji is two.
    while len((name + end).encode("utf-16-le")) // 2 > _LONGEST_NAME:
        name = name[:-1]
    return name.rstrip("' ") + end


def _write(book: Any, about: About, sections: Sequence[Executed], locale: Locale) -> None:
    title = locale.text("report.title", company=about.company, period=about.period)
    made = dt.datetime.combine(about.until, dt.time())
    book.set_properties({"title": title, "created": made, "author": "callkit"})
    contents = locale.text("report.contents")
    tables = [(section, table) for section in sections if not section.failed for table in section.tables]
    names = sheet_names([str(table["title"]) for _, table in tables], [contents])
    styles = _Styles(book, locale)
    first = book.add_worksheet(contents)
    for (section, table), name in zip(tables, names, strict=True):
        _sheet(book.add_worksheet(name), section, table, styles, contents)
    _contents(first, about, sections, [(s, t, n) for (s, t), n in zip(tables, names, strict=True)], styles)


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any, locale: Locale) -> None:
        self._book, self.locale = book, locale
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}
        sign = CURRENCY_SIGNS.get(locale.currency, locale.currency).replace('"', "")
        self._money = _NUMBER_FORMATS["count"], "#,##0.00"
        if sign:
            after = locale.lang == "ru" or len(sign) > 1
            self._money = tuple(f'{f} "{sign}"' if after else f'"{sign}"{f}' for f in self._money)  # type: ignore[assignment]

    def format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"font_name": "Calibri", "valign": "top", **properties})
        return self._made[key]

    def number(self, kind: str, values: Sequence[Any]) -> str:
        """The number format of a column: fractions are shown where there are any, cents where amounts are small."""
        known = [abs(v) for v in values if _is_number(v)]
        if kind == "money":
            return self._money[0] if max(known, default=0) >= 100 else self._money[1]
        if kind == "moment":
            return _MOMENT_FORMAT[self.locale.lang]
        if kind == "count" and any(not float(v).is_integer() for v in known):
            return "#,##0.0"
        return _NUMBER_FORMATS.get(kind, "General")


def _contents(
    sheet: Any,
    about: About,
    sections: Sequence[Executed],
    tables: Sequence[tuple[Executed, Mapping[str, Any], str]],
    styles: _Styles,
) -> None:
    text = styles.locale.text
    title = text("report.title", company=about.company, period=about.period)
    plain, grey, head = styles.format(text_wrap=True), styles.format(font_color=_GREY), _head(styles)
    link = styles.format(font_color=_ACCENT, underline=1)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 64)
    sheet.set_column(2, 2, 10)
    sheet.write_string(0, 0, title[:_LONGEST_TEXT], styles.format(bold=True, font_size=16))
    row = 2
    for label, told in (*about.facts.items(), (text("report.again"), about.command)):
        sheet.write_string(row, 0, label, grey)
        sheet.write_string(row, 1, told[:_LONGEST_TEXT], plain)
        row += 1
    row += 1
    for column, key in enumerate(("sheet_section", "sheet_table", "sheet_rows")):
        sheet.write_string(row, column, text(f"report.{key}"), head)
    for section in sections:
        own = [(table, name) for of, table, name in tables if of is section]
        if section.failed:
            row += 1
            sheet.write_string(row, 0, section.heading, plain)
            sheet.write_string(row, 1, text("report.sheet_failed", reason=section.failed), plain)
        for number, (table, name) in enumerate(own):
            row += 1
            sheet.write_string(row, 0, "" if number else section.heading, plain)
            quoted = name.replace("'", "''")
            sheet.write_url(row, 1, f"internal:'{quoted}'!A1", link, str(table["title"])[:255])
            sheet.write_number(row, 2, len(table["rows"]) - bool(table["total"]), styles.format(num_format="#,##0"))
    for sentence in about.left_out:
        row += 1
        sheet.write_string(row, 1, sentence, grey)


def _sheet(sheet: Any, section: Executed, table: Mapping[str, Any], styles: _Styles, contents: str) -> None:
    columns, rows = table["columns"], table["rows"]
    grey = styles.format(font_color=_GREY)
    help_style = styles.format(font_color=_GREY, italic=True, font_size=9, text_wrap=True)
    title = f"{section.heading}. {table['title']}"[:_LONGEST_TEXT]
    sheet.write_string(0, 0, title, styles.format(bold=True, font_size=14, font_color=_ACCENT))
    last = _HEADER_ROW + len(rows)
    for number, column in enumerate(columns):
        values = [row[number] for row in rows]
        shown = header(column, styles.locale)
        sheet.write_string(1, number, column.get("help") or "", help_style)
        sheet.write_string(_HEADER_ROW, number, shown, _head(styles, right=column["kind"] not in ("text", "moment")))
        form = styles.number(column["kind"], values)
        for place, value in enumerate(values, _HEADER_ROW + 1):
            bold = {"bold": True, "top": 1} if table["total"] and place == last else {}
            _cell(sheet, place, number, column["kind"], value, styles.format(num_format=form, **bold))
        sheet.set_column(number, number, _width(column["kind"], shown, values))
    if columns:
        sheet.set_row(1, 60 if any(c.get("help") for c in columns) else 15)
        sheet.set_row(_HEADER_ROW, 32)
        # The whole stays below when the rows are sorted.
        sheet.autofilter(_HEADER_ROW, 0, max(_HEADER_ROW, last - bool(table["total"])), len(columns) - 1)
    sheet.freeze_panes(_HEADER_ROW + 1, 1)
    if table.get("note"):
        sheet.write_string(last + 2, 0, str(table["note"])[:_LONGEST_TEXT], grey)
    quoted = contents.replace("'", "''")
    back = styles.locale.text("report.to_contents")
    sheet.write_url(last + 4, 0, f"internal:'{quoted}'!A1", styles.format(font_color=_ACCENT, underline=1), back)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEADER_ROW)


def _head(styles: _Styles, *, right: bool = False) -> Any:
    return styles.format(
        bold=True, bg_color=_PALE, bottom=1, text_wrap=True, valign="vcenter", align="right" if right else "left"
    )


def header(column: Mapping[str, Any], locale: Locale) -> str:
    """A column's title with its unit, unless the title names it already; of a column, its `title` and `kind`."""
    title, kind = str(column["title"]), column["kind"]
    if kind not in ("minutes", "seconds"):
        return title
    unit = locale.text(f"report.unit_{kind}")
    named = unit in title.casefold() if kind == "minutes" else title.endswith(f", {unit}")
    return title if named else f"{title}, {unit}"


def _cell(sheet: Any, row: int, column: int, kind: str, value: Any, style: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, style)
    elif _is_number(value) and kind not in ("text", "moment"):
        sheet.write_number(row, column, value, style)
    elif kind == "moment" and (moment := _moment(str(value))):
        sheet.write_datetime(row, column, moment, style)
    else:
        sheet.write_string(row, column, str(value)[:_LONGEST_TEXT], style)


def _moment(text: str) -> dt.datetime | None:
    """A reading of the account's clock; a moment with an offset has no cell in Excel and stays a text."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None and moment.year >= 1900 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _width(kind: str, header: str, values: Sequence[Any]) -> float:
    if kind == "moment":
        return 19
    if kind == "text":
        return min(60, max(14, *(len(str(v)) + 2 for v in (header, *values) if v is not None)))
    word = max((len(w) for w in header.split()), default=0)
    return max(13, word + 3)
