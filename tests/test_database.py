"""`[source] kind = "sql"` promises the figures of the tables that its queries give, from whatever SQLAlchemy reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from standin import postgres
from standin.comparing import assert_same_figures, contents
from worlds import World, hand_world

from callkit import cli
from callkit.company import open_company

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: callkit[sql]")
psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: callkit[sql]")

QUERIES = {
    "calls": "SELECT call_id, started_at, talk_seconds, direction, manager_id, deal_id, contact_id FROM phone",
    "deals": "SELECT * FROM deal",
    "stage_changes": "SELECT * FROM moves",
    "stages": "SELECT * FROM stages",
    "managers": "SELECT * FROM people",
    "deal_contacts": "SELECT * FROM links",
}
NAMES = {
    "calls": "phone", "deals": "deal", "stage_changes": "moves", "stages": "stages", "managers": "people",
    "deal_contacts": "links",
}  # fmt: skip
TYPES = {
    "started_at": "timestamptz", "created_at": "timestamptz", "closed_at": "timestamptz", "changed_at": "timestamptz",
    "talk_seconds": "numeric(10,3)", "amount": "numeric(12,2)", "position": "numeric", "seq": "int",
}  # fmt: skip


def folder_of(place: Path, url: str, queries: dict[str, str] | None = None) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    lines = [f'{table} = """{query}"""' for table, query in (queries or QUERIES).items()]
    (place / "callkit.toml").write_text(
        f'[source]\nkind = "sql"\nurl = "{url}"\n[account]\ntimezone = "Europe/Berlin"\n[queries]\n' + "\n".join(lines),
        encoding="utf-8",
    )
    return place


def sqlite_of(world: World, place: Path) -> str:
    """The world in SQLite, which has no types to speak of: everything is text."""
    place.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(place / "base.db")
    for table, rows in world.tables.items():
        columns = world.columns[table]
        connection.execute(f"CREATE TABLE {NAMES[table]} ({', '.join(columns)})")
        told = [[world._cell(row[c]) or None for c in columns] for row in rows]
        connection.executemany(f"INSERT INTO {NAMES[table]} VALUES ({', '.join('?' * len(columns))})", told)
    connection.commit()
    connection.close()
    return f"sqlite:///{place / 'base.db'}"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.running() as url:
        yield url


def assert_comes_back(world: World, place: Path, url: str) -> None:
    plain = world.write_csv(place / "plain")
    crm = folder_of(place / "crm", url)
    assert cli.main(["pull", str(crm)]) == 0
    with open_company(plain, timezone=world.timezone) as one, open_company(crm) as other:
        assert_same_figures(one, other, ("stage", "manager", "owner", "source", "pipeline_id", "hour", ""))


def test_a_world_in_sqlite_comes_back_whole(tmp_path: Path) -> None:
    assert_comes_back(hand_world(), tmp_path, sqlite_of(hand_world(), tmp_path / "base"))


def test_a_world_in_postgresql_comes_back_whole(tmp_path: Path, server: str) -> None:
    world = hand_world()
    with psycopg.connect(server.replace("+psycopg", "")) as connection:
        for table, rows in world.tables.items():
            columns = world.columns[table]
            typed = ", ".join(f"{c} {TYPES.get(c, 'text')}" for c in columns)
            connection.execute(f"CREATE TABLE {NAMES[table]} ({typed})")
            marks = ", ".join(["%s"] * len(columns))
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {NAMES[table]} VALUES ({marks})", [[row[c] for c in columns] for row in rows]
                )
    assert_comes_back(world, tmp_path, server)


def refused(crm: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    held = contents(crm)
    capfd.readouterr()
    code = cli.main(["pull", str(crm)])
    out, err = capfd.readouterr()
    assert (out, contents(crm) == held) == ("", True)
    return code, err


@pytest.mark.parametrize(
    ("queries", "code", "said"),
    [
        ({"calls": "SELECT 1"}, 2, "[queries] deals, stage_changes: a query for each is wanted"),
        (QUERIES | {"calls": "SELECT * FROM phones"}, 1, "no such table: phones"),
        (
            QUERIES | {"calls": "DELETE FROM phone WHERE 1 = 0"},
            2,
            "a query gives no rows at all; each must be a SELECT",
        ),
    ],
)
def test_queries_that_will_not_do_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], queries: dict[str, str], code: int, said: str
) -> None:
    url = sqlite_of(hand_world(), tmp_path / "base")
    got, err = refused(folder_of(tmp_path / "crm", url, queries), capfd)
    assert (got, err.count("\n")) == (code, 1)
    assert said in err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite-nonsense://x", "[source] url is no address of a database"),
        ("oracle+cx_oracle://scott@host/base", "needs cx_Oracle, which is not installed"),
    ],
)
def test_addresses_that_will_not_do_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], url: str, said: str
) -> None:
    code, err = refused(folder_of(tmp_path, url), capfd)
    assert (code, said in err) == (2, True)


def test_what_breaks_the_contract_is_told_as_of_any_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = sqlite_of(hand_world(), tmp_path / "base")
    crm = folder_of(
        tmp_path / "crm", url, QUERIES | {"calls": QUERIES["calls"].replace("direction,", "'up' AS direction,")}
    )
    code = cli.main(["pull", str(crm)])
    err = capfd.readouterr().err
    assert code == 3
    assert "calls.direction: not among what is allowed, 22 rows" in err
    assert not (crm / "company.duckdb").exists()
