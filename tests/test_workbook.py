"""The workbook's promise: every table on a sheet, numbers as numbers, no text of the data turned into a formula."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from executions import SECTION_MIME, TABLE_MIME, executed, facts, table

from callkit.locale import Locale
from callkit.report import workbook
from callkit.report.executed import About

COLUMNS = (
    {"name": "source", "title": "Источник", "kind": "text"},
    {"name": "calls", "title": "Звонки", "kind": "count", "help": "Число звонков в выборке."},
    {"name": "talk_minutes", "title": "Минуты разговора", "kind": "minutes", "help": "Сумма времени."},
    {"name": "mean_call_seconds", "title": "Средняя продолжительность", "kind": "seconds", "help": "Время ÷ звонки."},
    {"name": "talk_share", "title": "Пропорция продолжительности", "kind": "share", "help": "Доля времени."},
    {"name": "revenue", "title": "Сумма успешных сделок", "kind": "money", "help": "Сумма бюджетов."},
    {"name": "efficiency", "title": "Отдача времени", "kind": "ratio", "help": "Доля ÷ доля."},
    {"name": "when", "title": "Когда", "kind": "moment"},
)
ROWS = (
    ("Сайт", 12, 34.5, 61.25, 0.25, 150000.5, 1.5, "2026-03-02 10:00:00"),
    ("Реклама", 3, 1.5, None, 0.75, 0, None, None),
    ("Всего", 15, 36.0, 61.25, 1.0, 150000.5, 1.0, None),
)
HEADER = 3


def about(**own: Any) -> About:
    told: dict[str, Any] = {
        "company": "Ромашка",
        "period": "март 2026",
        "until": dt.date(2026, 3, 31),
        "facts": {"Часовой пояс": "Europe/Moscow"},
        "command": "callkit report demo --month 2026-03",
        "inputs": {},
        "versions": {"callkit": "0.1.0"},
    }
    return About(**(told | own))


def write(folder: Path, *tables: dict[str, Any], lang: str = "ru", currency: str = "RUB", failed: str = "") -> Path:
    pieces = [{SECTION_MIME: facts()}, *({TABLE_MIME: t} for t in tables)]
    out = folder / "out.xlsx"
    workbook.write(out, about(), [executed(folder, *pieces, failed=failed)], Locale(lang, currency))
    return out


def sheet(path: Path, number: int = 1) -> Any:
    return openpyxl.load_workbook(path).worksheets[number]


def test_numbers_stay_numbers_and_shares_are_percentages(tmp_path: Path) -> None:
    cells = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)))[HEADER + 1]

    assert [c.value for c in cells[:7]] == ["Сайт", 12, 34.5, 61.25, 0.25, 150000.5, 1.5]
    assert [c.number_format for c in cells[1:7]] == ["#,##0", "#,##0.0", "#,##0", "0.0%", '#,##0 "₽"', '0.00"×"']


def test_a_moment_is_a_date_that_excel_can_sort(tmp_path: Path) -> None:
    cells = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)))[HEADER + 1]

    assert cells[7].value == dt.datetime(2026, 3, 2, 10)
    assert cells[7].number_format == "dd.mm.yyyy hh:mm:ss"


def test_what_is_undefined_is_an_empty_cell(tmp_path: Path) -> None:
    cells = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)))[HEADER + 2]

    assert [c.value for c in cells] == ["Реклама", 3, 1.5, None, 0.75, 0, None, None]


def test_the_header_names_units_and_the_formula_stands_above_it_in_words(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)))

    assert [c.value for c in found[HEADER]][:4] == [
        "Источник", "Звонки", "Минуты разговора", "Средняя продолжительность, с",
    ]  # fmt: skip
    assert found.cell(HEADER - 1, 5).value == "Доля времени."
    assert found["A1"].value == "Источники. Показатели"


def test_the_header_stays_in_sight_and_the_whole_stays_below_when_rows_are_sorted(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)))

    assert found.freeze_panes == "B4"
    assert found.auto_filter.ref == "A3:H5"
    assert [c.font.bold for c in found[HEADER + 3]] == [True] * 8
    assert [c.value for c in found[HEADER + 3]][:2] == ["Всего", 15]


def test_english_pounds_stand_before_the_number_and_small_amounts_show_pence(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table([[7.25]], [{"kind": "money"}]), lang="en", currency="GBP"))

    assert found.cell(HEADER + 1, 1).number_format == '"£"#,##0.00'


def test_parts_of_deals_are_shown_as_fractions(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table([[2.5], [1]], [{"kind": "count"}])))

    assert found.cell(HEADER + 1, 1).number_format == "#,##0.0"
    assert found.cell(HEADER + 1, 1).value == 2.5


@pytest.mark.parametrize("text", ["=1+1", "+7 900", "-1", "@SUM(A1)", "{=A1}", "http://x.example/", "007", "1e5"])
def test_a_text_of_the_data_stays_a_text(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, table([[text]], [{"title": text}], title=text, note=text))

    found = sheet(path)
    for cell in (found.cell(HEADER + 1, 1), found.cell(HEADER, 1), found.cell(HEADER + 3, 1)):
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_sheets_have_names_that_excel_takes_and_no_two_alike(tmp_path: Path) -> None:
    long = "Звонки: источник / этап [все] и многое другое"
    path = write(tmp_path, *(table([["a"]], [{}], title=t) for t in (long, long.upper(), "'", "History")))

    names = openpyxl.load_workbook(path).sheetnames
    assert names == [
        "Содержание", "Звонки источник этап все и мног", "ЗВОНКИ ИСТОЧНИК ЭТАП ВСЕ И (2)", "-", "History-",
    ]  # fmt: skip


def test_the_contents_say_what_the_workbook_is_about_and_link_every_sheet(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table(ROWS, COLUMNS, total=True)), 0)

    texts = [[c.value for c in row if c.value is not None] for row in found.iter_rows()]
    assert texts[0] == ["Звонки и продажи: Ромашка, март 2026"]
    assert ["Часовой пояс", "Europe/Moscow"] in texts
    assert ["Источники", "Показатели", 2] in texts
    assert [c.hyperlink.location for row in found.iter_rows() for c in row if c.hyperlink] == ["'Показатели'!A1"]


def test_a_failed_section_is_told_in_the_contents_and_has_no_sheets(tmp_path: Path) -> None:
    path = write(tmp_path, table(ROWS, COLUMNS), failed="ValueError: no such thing")

    assert openpyxl.load_workbook(path).sheetnames == ["Содержание"]
    texts = [c.value for row in sheet(path, 0).iter_rows() for c in row]
    assert "раздел не получился: ValueError: no such thing" in texts


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    once = write(tmp_path, table(ROWS, COLUMNS, total=True)).read_bytes()

    assert write(tmp_path, table(ROWS, COLUMNS, total=True)).read_bytes() == once


def test_a_table_without_rows_is_a_sheet_with_its_header(tmp_path: Path) -> None:
    found = sheet(write(tmp_path, table([], COLUMNS, total=False)))

    assert found.cell(HEADER, 1).value == "Источник"
    assert found.cell(HEADER + 1, 1).value is None


def test_a_place_that_cannot_be_written_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        workbook.write(tmp_path / "nowhere" / "out.xlsx", about(), [], Locale("ru"))
