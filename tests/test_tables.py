"""The gate promises to tell all that breaks the contract at once, with examples, and to let the rest through exact."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from callkit.cli import main
from callkit.company import open_company
from callkit.engine import DuckDB
from callkit.errors import ContractError, UsageError
from callkit.settings import Settings

CALLS = "call_id,started_at,talk_seconds,direction,manager_id,deal_id\n"
DEALS = "deal_id,created_at,closed_at,outcome,amount,manager_id,source\n"
CHANGES = "deal_id,changed_at,stage_id\n"
A_CALL = "c1,2026-03-02T10:00:00+03:00,60,in,m1,d1\n"
A_DEAL = "d1,2026-03-01T10:00:00+03:00,,open,5,m1,Site\n"
A_CHANGE = "d1,2026-03-01T10:00:00+03:00,new\n"


def folder(
    at: Path, calls: str = CALLS + A_CALL, deals: str = DEALS + A_DEAL, changes: str = CHANGES + A_CHANGE
) -> Path:
    for name, text in (("calls", calls), ("deals", deals), ("stage_changes", changes)):
        (at / f"{name}.csv").write_text(text, encoding="utf-8")
    return at


def refusal(source: Path, settings: Settings | None = None) -> str:
    with pytest.raises(ContractError) as told:
        open_company(source, timezone="Europe/Moscow", settings=settings)
    return str(told.value)


def one(
    source: Path | dict[str, pd.DataFrame], sql: str, settings: Settings | None = None, zone: str = "Europe/Moscow"
) -> object:
    with open_company(source, timezone=zone, settings=settings) as company:
        return company.engine.query(sql)[0][0]


def test_every_violation_of_every_table_is_told_at_once(tmp_path: Path) -> None:
    calls = CALLS + A_CALL + "c1,2026-03-02 10:00,-5,in,m1,d1\nc2,yesterday,abc,up,,\n,2026-03-02T10:00:00Z,,in,,\n"
    deals = DEALS + "d1,2026-03-01T10:00:00Z,2026-02-01T10:00:00Z,won,5,,\nd2,2026-03-01T10:00:00Z,,lost,-1,,\n"
    deals += "d3,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,open,x,,\nd3,2026-03-01T10:00:00Z,,maybe,1,,\n"
    told = refusal(folder(tmp_path, calls, deals, "deal_id,stage_id\nd1,new\n"))
    for line in (
        "calls.call_id: nothing is given, 1 row",
        "calls.started_at: not a date with a time, 1 row, e.g. 'yesterday' (call_id c2)",
        "calls.talk_seconds: nothing is given, 1 row",
        "calls.talk_seconds: not a number, 1 row, e.g. 'abc' (call_id c2)",
        "calls.talk_seconds: below 0, 1 row, e.g. '-5' (call_id c1); allowed: a number, 0 or more",
        "calls.direction: not among what is allowed, 1 row, e.g. 'up' (call_id c2); allowed: in or out or unknown",
        "deals.closed_at: before created_at, 1 row, e.g. '2026-02-01T10:00:00Z' (deal_id d1)",
        "deals.closed_at: a won or lost deal without it, 1 row, e.g. nothing (deal_id d2)",
        "deals.closed_at: an open deal with it, 1 row",
        "deals.amount: not a number, 1 row, e.g. 'x' (deal_id d3)",
        "deals.amount: below 0, 1 row, e.g. '-1' (deal_id d2)",
        "deals.outcome: not among what is allowed, 1 row, e.g. 'maybe' (deal_id d3)",
        "stage_changes.changed_at: the column is missing",
    ):
        assert line in told


def test_a_duplicate_id_is_told_with_how_often_it_stands(tmp_path: Path) -> None:
    told = refusal(folder(tmp_path, CALLS + A_CALL * 3))
    assert "calls.call_id: given more than once, 2 rows, e.g. 'c1' (3 times); allowed: each key once" in told


def test_a_missing_column_names_the_one_that_looks_like_it(tmp_path: Path) -> None:
    told = refusal(folder(tmp_path, (CALLS + A_CALL).replace("talk_seconds", "talk_second")))
    line = "calls.talk_seconds: the column is missing; allowed: a number, 0 or more. Did you mean 'talk_second'?"
    assert line in told
    assert ".;" not in told


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "stage_changes.csv").unlink()
    assert "stage_changes: the table is missing" in refusal(tmp_path)


@pytest.mark.parametrize("table", ["calls", "deals"])
def test_a_table_without_rows_is_told(tmp_path: Path, table: str) -> None:
    text = {"calls": CALLS, "deals": DEALS}[table]
    assert f"{table}: the table has no rows" in refusal(folder(tmp_path, **{table: text}))


def test_a_company_without_stage_history_is_in_order(tmp_path: Path) -> None:
    assert one(folder(tmp_path, changes=CHANGES), "SELECT stage FROM calls") == -3


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    assert "calls.csv cannot be read: it is empty" in refusal(folder(tmp_path, calls=""))


def test_a_truncated_parquet_is_told(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "calls.csv").unlink()
    whole = tmp_path / "whole.parquet"
    DuckDB().query(f"COPY (SELECT 'c1' AS call_id) TO '{whole}' (FORMAT parquet)")
    (tmp_path / "calls.parquet").write_bytes(whole.read_bytes()[:-9])
    assert "calls.parquet cannot be read" in refusal(tmp_path)


def test_a_table_given_twice_is_told(tmp_path: Path) -> None:
    folder(tmp_path)
    DuckDB().query(f"COPY (SELECT 'c1' AS call_id) TO '{tmp_path / 'calls.parquet'}' (FORMAT parquet)")
    assert "both calls.csv and calls.parquet are there" in refusal(tmp_path)


def test_a_row_with_too_many_values_is_told_by_its_line(tmp_path: Path) -> None:
    told = refusal(folder(tmp_path, CALLS + A_CALL + "c2,2026-03-02T10:00:00+03:00,60,in,m1,d1,extra\n"))
    assert "calls.csv cannot be read" in told
    assert "Line: 3" in told


def test_text_that_is_not_utf_8_is_told_in_plain_words(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "deals.csv").write_bytes((DEALS + A_DEAL.replace("Site", "Сайт")).encode("cp1251"))
    assert "deals.csv cannot be read: it is not UTF-8 text; save it as CSV UTF-8" in refusal(tmp_path)


def test_one_wrong_cell_in_a_hundred_thousand_rows_is_found(tmp_path: Path) -> None:
    rows = "".join(f"c{i},2026-03-02T10:00:00+03:00,60,in,m1,d1\n" for i in range(100_000))
    told = refusal(folder(tmp_path, CALLS + rows + "c100000,2026-03-02T10:00:00+03:00,1 min,in,m1,d1\n"))
    assert "calls.talk_seconds: not a number, 1 row, e.g. '1 min' (call_id c100000)" in told


@pytest.mark.parametrize("name", ["manager", "stage", "conversion", "month", "owner"])
def test_a_dimension_may_not_take_a_name_with_a_meaning_of_its_own(tmp_path: Path, name: str) -> None:
    told = refusal(folder(tmp_path, deals=(DEALS + A_DEAL).replace("source", name)))
    assert f"deals.{name}: this name has a meaning of its own" in told


def test_columns_that_differ_by_case_alone_are_told(tmp_path: Path) -> None:
    told = refusal(folder(tmp_path, deals="deal_id,created_at,closed_at,outcome,amount,manager_id,A,a\n"))
    assert "columns 'A', 'a' have the same name but for upper and lower case" in told


@pytest.mark.parametrize(
    "text", ["2026-03-02", "02.03.2026 10:00", "2026-02-30 10:00", "2026-03-02 10:00 Moscow", "1", "now"]
)
def test_what_is_no_instant_is_refused(tmp_path: Path, text: str) -> None:
    assert "calls.started_at: not a date with a time" in refusal(folder(tmp_path, CALLS + f"c1,{text},60,in,m1,d1\n"))


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1,5", "0x10", "6 0"])
def test_what_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    told = refusal(folder(tmp_path, CALLS + f'c1,2026-03-02T10:00:00Z,"{text}",in,m1,d1\n'))
    assert "calls.talk_seconds: not a number" in told


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-03-02T10:00:00+03:00", "Europe/Berlin", 1772434800),
        ("2026-03-02 07:00:00Z", "Europe/Berlin", 1772434800),
        ("2026-03-02T10:00+0300", "Europe/Berlin", 1772434800),
        ("2026-03-02 10:00", "Europe/Moscow", 1772434800),
        ("2026-10-25 02:30:00", "Europe/Berlin", 1792888200),  # twice that night: the first one
        ("2026-03-29 02:30:00", "Europe/Berlin", 1774747800),  # not at all that night: 03:30
    ],
)
def test_an_instant_is_read_to_the_second(tmp_path: Path, text: str, zone: str, utc: int) -> None:
    source = folder(tmp_path, CALLS + f"c1,{text},60,in,m1,d1\n")
    assert one(source, "SELECT started_us FROM calls", zone=zone) == utc * 1_000_000


def test_a_byte_order_mark_and_semicolons_are_read(tmp_path: Path) -> None:
    folder(tmp_path)
    header = DEALS.replace(",", ";")
    row = 'd1;2026-03-01T10:00:00+03:00;;open;5;m1;"Ads, retargeting; ""south"""\n'
    (tmp_path / "deals.csv").write_bytes(b"\xef\xbb\xbf" + (header + row).encode())
    assert one(tmp_path, "SELECT label FROM labels WHERE dimension = 'source'") == 'Ads, retargeting; "south"'


def test_a_decimal_comma_is_read_where_it_is_declared_and_refused_with_a_hint_where_not(tmp_path: Path) -> None:
    source = folder(tmp_path, CALLS.replace(",", ";") + "c1;2026-03-02T10:00:00Z;60,5;in;m1;d1\n")
    assert one(source, "SELECT talk_seconds FROM calls", Settings(decimal=",")) == 60.5
    assert 'decimal = ","' in refusal(source)


def test_frames_from_python_are_taken_and_come_back() -> None:
    calls = pd.DataFrame(
        {"call_id": ["c1"], "started_at": pd.to_datetime(["2026-03-02 10:00"]).tz_localize("Europe/Moscow"),
         "talk_seconds": [60], "direction": ["in"], "manager_id": [7.0], "deal_id": ["d1"]}
    )  # fmt: skip
    deals = pd.DataFrame(
        {"deal_id": ["d1"], "created_at": ["2026-03-01T10:00:00Z"], "closed_at": [None], "outcome": ["open"],
         "amount": [float("nan")], "manager_id": [7], "vip": [True]}
    )  # fmt: skip
    changes = pd.DataFrame({"deal_id": ["d1"], "changed_at": ["2026-03-01T10:00:00Z"], "stage_id": [142]})
    from callkit import place

    placed = place({"calls": calls, "deals": deals, "stage_changes": changes}, timezone="Europe/Moscow")
    assert placed.loc[0, "started_at"] == pd.Timestamp("2026-03-02 10:00", tz="Europe/Moscow")
    assert list(placed[["call_id", "manager", "deal_id", "stage", "vip"]].iloc[0]) == ["c1", "7", "d1", "142", "true"]


def test_parquet_with_zoned_and_with_naive_instants_is_read(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "calls.csv").unlink()
    DuckDB().query(
        "COPY (SELECT 'c1' AS call_id, 'in' AS direction, TIMESTAMPTZ '2026-03-02 07:00:00Z' AS started_at, "
        "60 AS talk_seconds, "
        f"'m1' AS manager_id, 'd1' AS deal_id) TO '{tmp_path / 'calls.parquet'}' (FORMAT parquet)"
    )
    assert one(tmp_path, "SELECT started_us FROM calls") == 1772434800 * 1_000_000
    DuckDB().query(
        "COPY (SELECT 'c1' AS call_id, 'in' AS direction, TIMESTAMP '2026-03-02 10:00:00' AS started_at, "
        "60 AS talk_seconds, "
        f"'m1' AS manager_id, 'd1' AS deal_id) TO '{tmp_path / 'calls.parquet'}' (FORMAT parquet)"
    )
    assert one(tmp_path, "SELECT started_us FROM calls") == 1772434800 * 1_000_000


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if value is not None:
                    sheet.write(i, j, value)
    book.close()
    return path


def test_a_workbook_with_a_sheet_a_table_is_read(tmp_path: Path) -> None:
    import datetime as dt

    at = dt.datetime(2026, 3, 2, 10, 0, 1)
    path = workbook(
        tmp_path / "analyst.xlsx",
        {
            "calls": [CALLS.strip().split(","), [1, at, 60.5, "in", 7, 100]],
            "deals": [DEALS.strip().split(","), [100, at, None, "open", 5, 7, "Сайт"]],
            "stage_changes": [CHANGES.strip().split(","), [100, at, "new"]],
        },
    )
    with open_company(path, timezone="Europe/Moscow") as company:
        rows = company.engine.query("SELECT call_id, started_us, talk_seconds FROM calls")
    assert rows == [("1", 1772434801 * 1_000_000, 60.5)]


def test_a_workbook_without_the_sheets_is_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "other.xlsx", {"Лист1": [["a"]]})
    with pytest.raises(UsageError, match="has no sheet named calls, deals, stage_changes; its sheets are"):
        open_company(path)


def test_a_workbook_missing_one_sheet_is_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "part.xlsx", {"calls": [CALLS.strip().split(",")]})
    assert "deals: the table is missing" in refusal(path)


def test_a_zone_that_does_not_exist_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", str(folder(tmp_path)), "--month", "2026-03", "--timezone", "Europe/Moskow"]) == 2
    assert "time zone 'Europe/Moskow' does not exist" in capsys.readouterr().err


def test_naive_times_without_a_zone_are_read_in_utc_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path, CALLS + "c1,2026-03-02 10:00:00,60,in,m1,d1\n")
    assert main(["metrics", str(source), "--month", "2026-03", "--format", "csv"]) == 0
    assert "UTC is used" in capsys.readouterr().err


def test_a_broken_contract_ends_in_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder(tmp_path, CALLS + "c1,never,60,in,m1,d1\n")
    assert main(["metrics", str(source), "--month", "2026-03"]) == 3
    assert "calls.started_at" in capsys.readouterr().err


def test_a_source_that_is_not_there_ends_in_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", str(tmp_path / "nowhere"), "--month", "2026-03"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_folder_without_tables_ends_in_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", str(tmp_path), "--month", "2026-03"]) == 2
    assert "holds no tables" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ids", "different"),
    [
        (("7", "8", "9"), 3),
        (("7", "8", "7"), 2),
        (("7", "07", "8"), 3),
        (("7", "7.0", "8"), 3),
        (("-1", "99999999999999", "-1"), 2),
        (("99999999999999999999", "1", "1"), 2),
        (("a", "1", "1"), 2),
        ((), 0),
    ],
)
def test_ids_are_told_apart_as_texts_also_where_they_are_numbers(ids: tuple[str, ...], different: int) -> None:
    engine = DuckDB()
    engine.define("t", {"id": "VARCHAR"}, [(i,) for i in ids])
    assert engine.distinct("t", ["id"]) == different
