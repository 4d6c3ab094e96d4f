"""The one pass promises SQL's own figures, to the last row and type, or to leave the question to SQL.

Whatever becomes of its file, of the store under it, or of numba, a question is answered. Without numba these tests skip
with a reason, in CI they fail.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.metadata
import itertools
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_access import ANNA, NORTH, TABLES, write
from worlds import Scope as Question
from worlds import World, hand_world, questions
from worlds import worlds as any_worlds

from callkit import demo, onepass, tailing
from callkit.company import Company, build, open_company
from callkit.figures import Figures
from callkit.freshness import fresh
from callkit.measures import MEASURES
from callkit.measuring import measure
from callkit.onepass import WANTED
from callkit.scope import CREDITS, LENSES, Scope, conditions, resolve
from callkit.serving import preparing
from callkit.zones import Period

sys.path.append(str(Path(__file__).parent / "benchmarks"))
import filters

MARCH = Period.of_month("2026-03")
SHOP = {**TABLES, "calls": "".join(TABLES["calls"].splitlines(keepends=True)[:4])}
SCOPES = [(lens, credit) for lens in LENSES for credit in CREDITS if lens != "called" or credit == "owner"]
WORTH = ("revenue", "revenue_share", "revenue_per_minute", "efficiency")


@pytest.fixture(autouse=True)
def numba(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """numba, and a cache folder of the test's own."""
    if not onepass.installed():
        lacking = "numba is not installed: callkit[large]"
        pytest.fail(f"CI must have it: {lacking}") if os.environ.get("CI") == "true" else pytest.skip(lacking)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(WANTED, "1")


def prepared(store: Path) -> Path:
    from callkit.onepass.making import prepare

    made = prepare(store, least=0)
    assert made is not None
    return made


def stored(tables: Path, store: Path, timezone: str = "UTC") -> Path:
    return build(tables, store, timezone=timezone)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A store with its columns."""
    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    prepared(store)
    return store


def asked(company: Company, scope: Scope, by: Sequence[str] = ()) -> set[str]:
    """The facts that the one pass tells of a scope."""
    return set(onepass.summed(company, resolve(company, scope, by)))


def both(company: Company, scope: Scope, by: Sequence[str]) -> tuple[Figures, Figures]:
    """The figures of the one pass, and of SQL alone."""
    passed = measure(company, scope, by)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(WANTED)
        return passed, measure(company, scope, by)


def assert_the_same(passed: Figures, told: Figures) -> None:
    """Rows, order and types alike; sums of money may differ in their last bits, as those of threads do."""
    assert (passed.by, len(passed.rows)) == (told.by, len(told.rows))
    for mine, its in zip(passed.rows, told.rows, strict=True):
        for name, a, b in zip(told.columns, mine, its, strict=True):
            near = name in WORTH and a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12)
            assert (a == b or near, type(a)) == (True, type(b)), (mine, name, a, b)


def assert_told(company: Company, scope: Scope, by: Sequence[str]) -> None:
    """Everything is told by the one pass but deals that are split among people, and as SQL tells it."""
    people = {*by, *scope.where} & {"manager", "team"}
    split = scope.credit != "owner" and people
    assert asked(company, scope, by) == ({"calls"} if split else {"calls", "deals"})
    assert_the_same(*both(company, scope, by))


def scope_of(question: Question) -> Scope:
    period = Period(question.start, question.stop)
    return Scope(period, question.lens, question.credit, conditions(question.where))


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a small world has many blocks, places and reads."""
    from callkit.onepass import asking, making

    for module, name, size in ((making, "BLOCK", 3), (asking, "BLOCK", 3), (making, "_APART", 2), (making, "_ROWS", 4)):
        monkeypatch.setattr(module, name, size)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_figures_are_those_of_sql_in_any_world_under_any_scope(in_small_parts: None, data: st.DataObject) -> None:
    world: World = data.draw(any_worlds(least=1))
    with tempfile.TemporaryDirectory() as place:
        store = stored(world.write_csv(Path(place) / "tables"), Path(place) / "w.duckdb", str(world.timezone))
        prepared(store)
        with open_company(store) as company:
            for question in data.draw(questions(world)):
                assert_told(company, scope_of(question), question.by)


def test_every_lens_credit_and_pair_of_columns_is_told_as_sql_tells_it(in_small_parts: None, tmp_path: Path) -> None:
    world = hand_world()
    store = stored(world.write_csv(tmp_path / "hand"), tmp_path / "hand.duckdb", "Europe/Berlin")
    prepared(store)
    with open_company(store) as company:
        columns = list(company.dimensions)
        few, many = [(), *((c,) for c in columns)], list(itertools.combinations(columns, 2))
        for lens, credit in SCOPES:
            for by in [*few, *(many if credit == "owner" else [])]:
                assert_told(company, Scope(MARCH, lens, credit), by)
            for by in few:
                assert_told(company, Scope(Period(dt.date(2026, 2, 28), dt.date(2026, 3, 11)), lens, credit), by)


def test_a_larger_company_is_told_as_sql_tells_it(tmp_path: Path) -> None:
    folder = demo.write(tmp_path / "shop", 25_000, 12, 4, "en")
    store = build(folder, tmp_path / "shop.duckdb")
    prepared(store)
    with open_company(store) as company:
        for scope in filters.scopes(company, 25, seed=11):
            for by in filters.CUTS:
                assert_told(company, scope, by)


def test_a_store_that_has_grown_is_told_as_sql_tells_it(
    in_small_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "LEAST_BYTES", 0)
    tables = demo.write(tmp_path / "shop", 6_000, 6, 3, "en")
    calls = tables / "calls.csv"
    whole = calls.read_text(encoding="utf-8").splitlines(keepends=True)
    calls.write_text("".join(whole[:-300]), encoding="utf-8")
    store = build(tables, tmp_path / "shop.duckdb")
    build(tables, store, force=True)  # what growing needs is kept from the second time on
    for until in (-150, None):
        calls.write_text("".join(whole[:until]), encoding="utf-8")
        build(tables, store)
        with open_company(store) as company:
            assert company.facts["built"]["calls"] == 150
    prepared(store)
    with open_company(store) as company:
        gaps = company.engine.query("SELECT max(rowid) + 1 - count(*) FROM calls")[0][0]
        assert gaps > 0
        for scope in filters.scopes(company, 12):
            for cut in filters.CUTS:
                assert_told(company, scope, cut)


@pytest.mark.parametrize("viewer", [ANNA, NORTH])
def test_who_sees_not_everything_is_answered_by_sql(shop: Path, viewer: Any) -> None:
    with replace(open_company(shop), viewer=viewer) as company:
        for lens, credit in SCOPES:
            for by in ((), ("client",), ("owner", "stage")):
                assert asked(company, Scope(MARCH, lens, credit), by) == set()
        assert measure(company, Scope(MARCH)).total["calls"] == (4 if viewer == ANNA else 5)


def test_too_many_segments_and_columns_of_too_many_values_are_left_to_sql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from callkit.onepass import making, tables

    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    monkeypatch.setattr(making, "_MOST_CODES", 8)  # client has four values, five codes below them, and source three
    prepared(store)
    with open_company(store) as company:
        assert asked(company, Scope(MARCH), ["source"]) == {"calls", "deals"}
        assert asked(company, Scope(MARCH), ["client"]) == set()
        assert asked(company, Scope(MARCH, where={"client": ["Alfa"]})) == set()
        monkeypatch.setattr(tables, "MOST_SEGMENTS", 20)
        assert asked(company, Scope(MARCH), ["manager", "source"]) == set()
        assert asked(company, Scope(MARCH), ["manager", "stage"]) == {"deals"}  # of which the whole alone is told
        assert_the_same(*both(company, Scope(MARCH), ["manager", "stage"]))


def test_a_measure_that_it_does_not_know_is_left_to_sql(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import asking

    extra = replace(MEASURES["calls"], name="missed_calls")
    monkeypatch.setattr(asking, "MEASURES", {**MEASURES, "missed_calls": extra})
    with open_company(shop) as company:
        assert asked(company, Scope(MARCH)) == set()


def test_whoever_is_not_told_to_ask_on_loads_and_leaves_nothing(tmp_path: Path) -> None:
    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    code = (
        "import sys; from callkit import *; c = open_company(sys.argv[1]);"
        "measure(c, Scope(Period.of_month('2026-03')), ['source']);"
        "print([m for m in sys.modules if m.startswith(('numba', 'callkit.onepass'))])"
    )
    told = {name: value for name, value in os.environ.items() if name != WANTED}
    loaded = [
        subprocess.run([sys.executable, "-c", code, str(store)], env=env, capture_output=True, text=True, check=True)
        for env in (told, {**told, WANTED: "1"})
    ]
    assert loaded[0].stdout.strip() == "['callkit.onepass']"
    assert "numba" not in loaded[1].stdout  # there is no file, so there is nothing to load it for
    assert [p.name for p in tmp_path.iterdir()] == ["shop", "shop.duckdb"]


def test_small_companies_have_no_columns(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import making

    assert not making.wanted(shop)
    assert making.wanted(shop, least=8)
    assert not making.wanted(shop, least=9)
    note = shop.rename(shop.with_suffix(".callkit"))  # of what lies in another engine, which is not even started
    assert not making.wanted(note, least=8)
    note.rename(shop)
    assert making.prepare(shop) is None


def calls_of(company: Company) -> Any:
    return measure(company, Scope(MARCH)).total["calls"]


def test_a_store_exchanged_under_its_columns_is_answered_of_as_it_is_now(shop: Path, tmp_path: Path) -> None:
    old = open_company(shop)
    assert (calls_of(old), asked(old, Scope(MARCH))) == (8, {"calls", "deals"})
    before = set(shop.parent.glob(".shop*"))

    stored(write(tmp_path / "fewer", SHOP), shop)

    assert asked(old, Scope(MARCH)) == {"calls", "deals"}
    with fresh(old) as now:
        assert (calls_of(now), asked(now, Scope(MARCH))) == (3, set())
        assert prepared(shop) not in before
        assert (calls_of(now), asked(now, Scope(MARCH))) == (3, {"calls", "deals"})
    assert len(set(shop.parent.glob(".shop*"))) == 1
    assert not before & set(shop.parent.glob(".shop*"))


def test_columns_of_a_store_that_is_exchanged_meanwhile_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from callkit.onepass import making

    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    fill = making._Placed.fill

    def slowly(placed: Any, to: Any) -> None:
        fill(placed, to)
        stored(write(tmp_path / "fewer", SHOP), store)

    monkeypatch.setattr(making._Placed, "fill", slowly)
    assert making.prepare(store, least=0) is None
    assert list(tmp_path.glob(".shop*")) == []
    assert not list((tmp_path / "cache").rglob("*.columns*"))


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def head_changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)


def calls_out_of_place(file: Path) -> None:
    from callkit.onepass.columns import read

    told = read(file).told["arrays"]["at"]
    content = bytearray(file.read_bytes())
    content[told[2] + 4 : told[2] + 8] = b"\xff\xff\xff\x7f"
    file.write_bytes(content)


def of_another_numba(file: Path) -> None:
    version = importlib.metadata.version("numba").encode()
    content = file.read_bytes()
    assert version in content
    file.write_bytes(content.replace(version, b"9" * len(version), 1))


@pytest.mark.parametrize(
    "damage",
    [
        cut_off, head_changed, calls_out_of_place, of_another_numba, lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not columns" * 1000),
    ],
)  # fmt: skip
def test_damaged_columns_are_not_asked_and_are_made_anew(
    shop: Path, damage: Callable[[Path], object], recwarn: pytest.WarningsRecorder
) -> None:
    (file,) = shop.parent.glob(".shop*")
    damage(file)
    with open_company(shop) as company:
        assert (calls_of(company), asked(company, Scope(MARCH))) == (8, set())
        assert prepared(shop) == file
        assert (calls_of(company), asked(company, Scope(MARCH))) == (8, {"calls", "deals"})


def test_a_number_that_changed_on_disk_is_found_when_the_server_starts(shop: Path) -> None:
    from callkit.onepass.columns import read

    (file,) = shop.parent.glob(".shop*")
    content = bytearray(file.read_bytes())
    content[read(file).told["arrays"]["talk"][2]] ^= 1
    file.write_bytes(content)
    with open_company(shop) as company:
        prepared(shop)
        assert_the_same(*both(company, Scope(MARCH), ["manager"]))
    assert file.read_bytes() != bytes(content)


def test_columns_that_are_there_are_not_made_again(shop: Path) -> None:
    (file,) = shop.parent.glob(".shop*")
    before = file.stat().st_ino
    assert prepared(shop) == file
    assert file.stat().st_ino == before


def test_where_the_folder_cannot_be_written_they_lie_in_the_users_cache(tmp_path: Path) -> None:
    from callkit.onepass.columns import places

    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    with open_company(store) as company:
        assert company.stored
        beside, cached = places(company.stored)
        (beside / "in the way").mkdir(parents=True)  # as root, rights alone would not keep anybody from writing
        assert prepared(store) == cached
        assert asked(company, Scope(MARCH)) == {"calls", "deals"}
        assert_the_same(*both(company, Scope(MARCH), ["client"]))
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


def test_where_nothing_can_be_written_sql_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import making
    from callkit.onepass.columns import places

    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    with open_company(store) as company:
        assert company.stored
        (places(company.stored)[0] / "in the way").mkdir(parents=True)
        assert making.prepare(store, least=0) is None
        assert (calls_of(company), asked(company, Scope(MARCH))) == (8, set())


def test_without_numba_sql_answers(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import columns, making

    def gone(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    columns._known.cache_clear()
    monkeypatch.setattr(importlib.metadata, "version", gone)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with open_company(shop) as company:
        assert (calls_of(company), asked(company, Scope(MARCH))) == (8, set())
    assert making.prepare(shop, least=0) is None
    columns._known.cache_clear()


def test_days_that_a_clock_set_back_over_midnight_are_left_to_sql(tmp_path: Path) -> None:
    from callkit.onepass import making

    # In St. John's, at a minute past midnight of 7 November 2010 it was 23:01 of the 6th again.
    calls = TABLES["calls"].splitlines()[0] + "\nc1,2010-11-07T02:40Z,60,out,m1,d1\nc2,2010-11-09T09:00Z,60,out,m1,d1\n"
    store = stored(write(tmp_path / "shop", {**TABLES, "calls": calls}), tmp_path / "s.duckdb", "America/St_Johns")
    assert making.prepare(store, least=0) is None
    calls = calls.replace("02:40Z", "02:20Z")
    stored(write(tmp_path / "shop", {**TABLES, "calls": calls}), store, "America/St_Johns")
    assert making.prepare(store, least=0) is not None


def test_talk_in_parts_of_milliseconds_is_left_to_sql(tmp_path: Path) -> None:
    from callkit.onepass import making

    parts = TABLES["calls"].replace(",120,", ",120.0625,")
    store = stored(write(tmp_path / "shop", {**TABLES, "calls": parts}), tmp_path / "s.duckdb")
    assert making.prepare(store, least=0) is None
    stored(write(tmp_path / "shop", {**TABLES, "calls": parts.replace(".0625", ".062")}), store)
    assert making.prepare(store, least=0) is not None


def test_what_was_never_finished_is_taken_away_in_time(shop: Path) -> None:
    (file,) = shop.parent.glob(".shop*")
    old, new, of_others = (
        file.with_name(name) for name in (f"{file.name}.1.part", f"{file.name}.2.part", ".b.columns")
    )
    for other in (old, new, of_others):
        other.write_bytes(b"half")
    os.utime(old, (1, 1))
    prepared(shop)
    assert [p.exists() for p in (file, old, new, of_others)] == [True, False, True, True]


def test_a_server_has_columns_made_once_and_for_new_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import making

    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    wanted = making.wanted
    monkeypatch.setattr(making, "wanted", lambda path: wanted(path, 0))
    prepare = "import sys; from pathlib import Path; from callkit.onepass.making import prepare"
    monkeypatch.setattr(preparing, "_MAIN", f"{prepare}; prepare(Path(sys.argv[1]), 0)")
    monkeypatch.delenv(WANTED)

    async def served() -> None:
        server = preparing.Preparing(store)
        files, made = [], []
        for again in (False, False, True):
            if again:
                stored(write(tmp_path / "fewer", SHOP), store)
            await server.look()
            await server.done()
            made.append(server._process)
            files.append(next(tmp_path.glob(".shop*")).name)
        assert files[0] == files[1] != files[2]
        assert made[0] is made[1] is not made[2]
        await server.close()

    asyncio.run(served())
    assert os.environ.pop(WANTED) == "1"


def test_a_server_that_ends_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from callkit.onepass import making

    store = stored(write(tmp_path / "shop"), tmp_path / "shop.duckdb")
    monkeypatch.setattr(making, "wanted", lambda path: True)
    slowly = (
        "import time; from callkit.onepass import making\n"
        "def slow(placed, to): print('filling', flush=True); time.sleep(60)\n"
        "making._Placed.fill = slow; making.wanted = lambda *_: True; making.main()"
    )
    monkeypatch.setattr(preparing, "_MAIN", slowly)

    async def served() -> None:
        server = preparing.Preparing(store)
        await server.look()
        while not list(tmp_path.glob(".shop*.part")):
            assert server._process
            assert server._process.returncode is None
            await asyncio.sleep(0.05)
        await server.close()

    asyncio.run(served())
    assert list(tmp_path.glob(".shop*")) == []
    os.environ.pop(WANTED, None)
