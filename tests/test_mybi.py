"""Pulling promises that a company fed by a myBI Connect database gives the very figures of its own tables.

The database is PostgreSQL, written from a world as a CRM can carry it: surrogates instead of amoCRM's numbers,
placeholders instead of nulls, one closing date for all open deals, times without a zone, to the minute.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standin import postgres
from standin.carried import carried
from standin.comparing import assert_same_figures, contents, figures, raw_rows
from worlds import World, hand_world, world_of

from callkit import cli
from callkit.company import bundled, open_company

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: callkit[sql]")
psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: callkit[sql]")
from standin.mybi import ATTRIBUTES_FROM, Base  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own."""
    name = f"t{abs(hash(request.node.name))}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    return server.rpartition("/")[0] + f"/{name}"


def folder_of(place: Path, url: str, world: World, further: str = "") -> Path:
    place.mkdir(parents=True, exist_ok=True)
    dimensions = [c for c in world.columns["deals"][6:] if c not in ("pipeline_id", "source")]
    columns = [c for c in world.columns["deals"][6:] if c != "pipeline_id"]
    lines = [f'"{name}" = {{ field_id = {ATTRIBUTES_FROM + columns.index(name)} }}' for name in dimensions]
    (place / "callkit.toml").write_text(
        f'[source]\nkind = "mybi"\nurl = "{url}"\n[account]\ntimezone = "{world.timezone}"\n'
        f'[mybi]\ntimezone = "Europe/Moscow"\n{further}[dimensions]\n' + "\n".join(lines) + "\n",
        encoding="utf-8",
    )
    return place


def assert_comes_back(world: World, place: Path, url: str, by: tuple[str, ...], *, exact: bool = False) -> None:
    Base(world, exact=exact).write(url)
    crm = folder_of(place / "crm", url, world)
    plain = world.write_csv(place / "plain")
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(plain, timezone=world.timezone) as one, open_company(crm) as other:
        assert_same_figures(one, other, by)


def world_in(folder: Path, timezone: str, *, minutes: bool = True) -> World:
    texts = {p.stem: p.read_text(encoding="utf-8") for p in folder.glob("*.csv")}
    return carried(world_of(texts, timezone), directions=False, minutes=minutes)


def hand() -> World:
    return carried(hand_world(), directions=False, minutes=True)


def test_the_demo_company_comes_back_whole(tmp_path: Path, url: str) -> None:
    by = (
        "stage",
        "manager",
        "owner",
        "source",
        "project",
        "grade",
        "region",
        "pipeline_id",
        "stage,direction",
        "hour",
        "",
    )
    assert_comes_back(world_in(bundled(), "Europe/Moscow"), tmp_path, url, by)


def test_the_demo_company_comes_back_whole_where_dates_have_seconds(tmp_path: Path, url: str) -> None:
    world = world_in(bundled(), "Europe/Moscow", minutes=False)
    assert_comes_back(world, tmp_path, url, ("stage", "source"), exact=True)


def test_the_small_world_comes_back_whole(tmp_path: Path, url: str, shared: Path) -> None:
    world = world_in(shared / "data" / "small", "Europe/Moscow")
    assert_comes_back(world, tmp_path, url, ("stage", "manager", "source", "grade", "stage,direction", "hour", ""))


def test_the_bank_s_calls_come_back_whole(tmp_path: Path, url: str, shared: Path) -> None:
    world = world_in(shared / "data" / "bpic2012", "Europe/Amsterdam")
    assert_comes_back(world, tmp_path, url, ("stage", "manager"))


def test_a_world_worked_out_by_hand_comes_back_whole(tmp_path: Path, url: str) -> None:
    assert_comes_back(hand(), tmp_path, url, ("stage", "manager", "owner", "source", "weekday", "month", ""))


# How sure the inferred rules are


def test_check_tells_how_sure_each_rule_is(tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    world = hand()
    Base(world).write(url)
    crm = folder_of(tmp_path, url, world)
    assert cli.main(["pull", str(crm)]) == 0
    capfd.readouterr()

    assert cli.main(["check", str(crm)]) == 0
    english = capfd.readouterr().out
    assert cli.main(["check", str(crm), "--lang", "ru"]) == 0
    russian = capfd.readouterr().out
    assert cli.main(["check", str(crm), "--format", "json"]) == 0
    probes = json.loads(capfd.readouterr().out)["pulled"]["probes"]

    assert "Direction (call_type): Incoming → in (5), call_out → out (5), OUT → out (4)" in english
    assert "? → unknown (1); add unknown spellings to [mybi] directions – please check" in english
    assert "Seconds of calls: 100.0% of calls have a note, of these 100.0% agree to the minute" in english
    assert "Условная дата закрытия: одна на 100,0\N{NO-BREAK SPACE}% открытых сделок" in russian
    assert sum(probes["hours"]) == probes["calls"] == 22
    assert (probes["hours"][11], probes["hours"][12]) == (3, 8)
    assert (probes["open_deals"], probes["open_deals_of_one_closing_date"], probes["events_unread"]) == (2, 2, 0)


def test_a_spelling_that_is_told_in_the_settings_is_known(tmp_path: Path, url: str) -> None:
    world = hand()
    Base(world).write(url)
    crm = folder_of(tmp_path, url, world, 'directions = { "?" = "in" }\n')
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(crm) as company:
        directions = dict(company.engine.query("SELECT direction, count(*) FROM calls GROUP BY 1"))
    assert directions == {1: 11, 2: 11}


def test_without_notes_calls_begin_at_the_minute(tmp_path: Path, url: str) -> None:
    world = hand()
    Base(world).write(url)
    crm = folder_of(tmp_path, url, world, 'seconds = "none"\n')
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(crm) as company:
        assert company.engine.query("SELECT count(*) FROM calls WHERE started_us % 60000000 <> 0") == [(0,)]


def test_without_its_table_of_contacts_no_placeholder_becomes_a_contact(
    tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world = hand()
    Base(world).write(url, leave_out=["amocrm_contacts"])
    crm = folder_of(tmp_path, url, world)
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(crm) as company:
        assert company.engine.query("SELECT count(*) FROM calls WHERE how > 1") == [(0,)]
    assert cli.main(["check", str(crm)]) == 0
    assert "without amocrm_contacts a placeholder cannot be told" in capfd.readouterr().out


def test_a_call_that_two_notes_tell_counts_once(tmp_path: Path, url: str) -> None:
    base = Base(hand())
    facts, calls = base.rows["amocrm_calls_facts"], base.rows["amocrm_calls"]
    twice = next(call for call in calls if call["call_id"])
    calls.append(twice | {"id": 1, "note_id": 1})
    facts.append(next(fact for fact in facts if fact["calls_id"] == twice["id"]) | {"id": 1, "calls_id": 1})
    base.write(url)
    crm = folder_of(tmp_path, url, base.world)
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(crm) as company:
        assert company.facts["rows"]["calls"] == 22
        assert company.facts["pulled"]["notes_merged"] == 1


def test_a_source_may_lie_in_the_unsorted_or_nowhere(tmp_path: Path, url: str) -> None:
    base = Base(hand())
    base.rows["amocrm_unsorted"][0]["source_name"] = "Форма"
    base.write(url)
    for named, wanted in (("unsorted", {"Форма": 9}), ("none", None)):
        crm = folder_of(tmp_path / named, url, base.world, f'source = "{named}"\n')
        assert cli.main(["pull", str(crm)]) == 0
        with open_company(crm) as company:
            if wanted is None:
                assert "source" not in company.facts["dimensions"]
            else:
                count = company.engine.query("SELECT count(*) FROM deals WHERE dim_source > 0")[0][0]
                assert {list(company.labels("source").values())[-1]: count} == wanted


def test_fields_lists_the_attributes_with_how_often_they_are_filled(
    tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world = world_in(bundled(), "Europe/Moscow")
    Base(world).write(url)
    crm = folder_of(tmp_path, url, world)
    assert cli.main(["pull", str(crm), "--fields"]) == 0
    listed = capfd.readouterr().out
    assert "901002      grade     attribute" in listed
    assert not list(crm.glob("*.duckdb"))


# What goes wrong is one sentence, and nothing changes


def refused(crm: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    held = contents(crm)
    capfd.readouterr()
    code = cli.main(["pull", str(crm)])
    out, err = capfd.readouterr()
    assert (out, err.count("\n"), contents(crm) == held) == ("", 1, True)
    return code, err


def test_a_database_without_the_tables_is_no_base_of_mybi(
    tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    crm = folder_of(tmp_path, url, hand())
    code, said = refused(crm, capfd)
    assert code == 2
    assert "is no amoCRM base of myBI Connect: it has no table amocrm_calls_facts" in said

    Base(hand()).write(url)
    assert cli.main(["pull", str(crm)]) == 0
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE amocrm_calls_facts RENAME TO amocrm_call_facts")
    code, said = refused(crm, capfd)
    assert code == 2
    assert "Did you mean 'amocrm_call_facts'" in said


def test_several_accounts_want_one_named(tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    Base(hand()).write(url)
    Base(world_in(bundled(), "Europe/Moscow"), account=88).write(url)
    code, said = refused(folder_of(tmp_path / "none", url, hand()), capfd)
    assert code == 2
    assert "holds several accounts, [77, 88]: name one in [mybi] account" in said

    crm = folder_of(tmp_path / "one", url, hand(), "account = 77\n")
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(crm) as company:
        assert company.facts["rows"]["calls"] == 22


def test_an_attribute_that_is_gone_is_named(tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    Base(hand()).write(url)
    crm = folder_of(tmp_path, url, hand())
    with (crm / "callkit.toml").open("a", encoding="utf-8") as file:
        file.write("grade = { field_id = 5 }\n")
    code, said = refused(crm, capfd)
    assert code == 2
    assert "has no attribute 5 of deals (any more); callkit pull --fields lists those it has" in said


def test_a_server_that_is_not_there_is_told_without_the_password(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLKIT_DATABASE_PASSWORD", "Hush-Hush")
    crm = folder_of(tmp_path, "postgresql+psycopg://callkit@127.0.0.1:9/base", hand())
    code, said = refused(crm, capfd)
    assert code == 1
    assert "the database base cannot be reached" in said
    assert "Hush-Hush" not in said


def test_a_password_in_the_settings_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    crm = folder_of(tmp_path, "postgresql://callkit:Hush-Hush@127.0.0.1/base", hand())
    code, said = refused(crm, capfd)
    assert (code, "an address; no password in it" in said, "Hush-Hush" in said) == (2, True, False)


def test_a_password_goes_nowhere_but_to_the_server(
    tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Base(hand()).write(url)
    monkeypatch.setenv("CALLKIT_DATABASE_URL", url.replace("postgres@", "postgres:Hush-Hush@"))
    crm = folder_of(tmp_path, "postgresql://elsewhere/base", hand())
    assert cli.main(["pull", str(crm)]) == 0
    assert "Hush-Hush" not in "".join(capfd.readouterr())
    assert not any(b"Hush-Hush" in path.read_bytes() for path in crm.iterdir())


def test_a_pull_killed_while_it_reads_is_finished_by_the_next(tmp_path: Path, url: str) -> None:
    world = world_in(bundled(), "Europe/Moscow")
    Base(world).write(url)
    crm = folder_of(tmp_path, url, world)
    assert cli.main(["pull", str(crm)]) == 0
    rows, seen = raw_rows(crm), figures(crm)
    chance = random.Random(2)
    for turn in range(5):
        if turn == 2:
            for left in crm.glob("*.duckdb*"):
                left.unlink()
        process = subprocess.Popen([sys.executable, "-m", "callkit", "pull", str(crm)], stdout=subprocess.DEVNULL)
        wal = crm / "raw.duckdb.wal"
        size = chance.randrange(20_000, 400_000)
        while process.poll() is None and not (wal.exists() and wal.stat().st_size > size):
            time.sleep(0.001)
        process.kill()
        process.wait()

    assert cli.main(["pull", str(crm)]) == 0

    assert (raw_rows(crm), figures(crm)) == (rows, seen)
