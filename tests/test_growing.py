"""A store that grows by what was added to its files is the store that is built of them whole, or is built whole."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from alike import differences
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import HOSTILE, MANAGER_IDS, World, hand_world, worlds

from callkit import growing, tailing
from callkit.calls import placed_calls
from callkit.cli import main
from callkit.company import build, open_company
from callkit.engine import DuckDB
from callkit.measuring import measure
from callkit.quality import oddities
from callkit.scope import Scope
from callkit.zones import Period

WHEN = Period(dt.date(2025, 1, 1), dt.date(2028, 1, 1))


@pytest.fixture(autouse=True)
def _small_stores_grow_as_far_as_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "LEAST_BYTES", 0)
    monkeypatch.setattr(growing, "MOST_ANEW", 10.0)
    monkeypatch.setattr(growing, "MOST_SINCE", 1000.0)


def built(store: Path) -> dict[str, Any]:
    """How a store was made last."""
    with closing(DuckDB(store, read_only=True)) as engine:
        return dict(json.loads(engine.query("SELECT value FROM facts WHERE key = 'built'")[0][0]))


def answers(store: Path, dimensions: tuple[str, ...]) -> dict[str, Any]:
    """What a store answers, in its order."""
    told: dict[str, Any] = {}
    with open_company(store) as company:
        cuts = {
            "closed": (("manager", "stage"), "first"),
            "lifetime": (dimensions[:2], "last"),
            "called": (("hour",), "owner"),
        }
        for lens, (by, credit) in cuts.items():
            told[lens] = measure(company, Scope(WHEN, lens, credit), by).rows
        told["oddities"] = oddities(company, Scope(WHEN))
        told["calls"] = placed_calls(company).to_csv()
        told["labels"] = {d: list(company.labels(d).values()) for d in ("manager", "team", "stage", *dimensions)}
    return told


@st.composite
def histories(draw: st.DrawFn) -> list[World]:
    """A world as it comes to be: calls and changes are added, deals come, change and go, and so do people and links."""
    last = draw(worlds(zones=("Europe/Moscow", "Europe/Berlin"), least=4))
    changes = sorted(last.stage_changes, key=lambda row: row["changed_at"])
    calls, deals = draw(st.integers(1, len(last.calls))), draw(st.integers(1, len(last.deals)))
    moved = draw(st.integers(0, len(changes)))
    world = dataclasses.replace(last, calls=last.calls[:calls], deals=last.deals[:deals], stage_changes=changes[:moved])
    found = [world]
    for _ in range(draw(st.integers(1, 4))):
        calls += draw(st.integers(0, 4))
        moved += draw(st.integers(0, 3))
        world = dataclasses.replace(world, calls=last.calls[:calls], stage_changes=changes[:moved])
        for change in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
            world = change(draw, world, last)
        found.append(world)
    return found


def _come(draw: st.DrawFn, world: World, last: World) -> World:
    there = {deal["deal_id"] for deal in world.deals}
    coming = [deal for deal in last.deals if deal["deal_id"] not in there]
    return dataclasses.replace(world, deals=[*world.deals, *coming[: draw(st.integers(1, 2))]])


def _go(draw: st.DrawFn, world: World, last: World) -> World:
    at = draw(st.integers(0, len(world.deals) - 1))
    return dataclasses.replace(world, deals=world.deals[:at] + world.deals[at + 1 :] or world.deals)


def _deal(draw: st.DrawFn, world: World, last: World) -> World:
    at = draw(st.integers(0, len(world.deals) - 1))
    deal = dict(world.deals[at])
    column = draw(st.sampled_from(("amount", "manager_id", "closed_at", "created_at", *world.dimensions)))
    if column == "amount":
        deal[column] = draw(st.sampled_from((None, Decimal(7))))
    elif column == "manager_id":
        deal[column] = draw(st.sampled_from((None, "newcomer", *MANAGER_IDS)))
    elif column == "closed_at":
        closed = draw(st.sampled_from((None, dt.timedelta(0), dt.timedelta(days=3))))
        deal["closed_at"] = None if closed is None else deal["created_at"] + closed
        deal["outcome"] = "open" if closed is None else draw(st.sampled_from(("won", "lost")))
    elif column == "created_at":
        deal["created_at"] -= dt.timedelta(hours=2)
    else:
        deal[column] = draw(st.sampled_from((None, "a new one", *HOSTILE)))
    return dataclasses.replace(world, deals=[*world.deals[:at], deal, *world.deals[at + 1 :]])


def _link(draw: st.DrawFn, world: World, last: World) -> World:
    if "deal_contacts" not in world.columns:
        return world
    link = {"deal_id": draw(st.sampled_from(last.deals))["deal_id"], "contact_id": draw(st.sampled_from(("k1", "k2")))}
    links = [row for row in world.deal_contacts if row != link]
    return dataclasses.replace(world, deal_contacts=links if links != world.deal_contacts else [*links, link])


def _person(draw: st.DrawFn, world: World, last: World) -> World:
    if "managers" not in world.columns:
        return world
    at = draw(st.integers(0, len(world.managers)))
    rows = [dict(row) for row in world.managers]
    if at == len(rows):
        if all(row["manager_id"] != "newcomer" for row in rows):
            rows.insert(
                0, {"manager_id": "newcomer", "name": "New; one", "team": draw(st.sampled_from((None, "North", "A")))}
            )
    elif draw(st.booleans()):
        rows[at]["name"] = draw(st.sampled_from(("Renamed", "Анна")))
    elif len(rows) > 1:
        del rows[at]
    return dataclasses.replace(world, managers=rows)


def _past(draw: st.DrawFn, world: World, last: World) -> World:
    at = draw(st.integers(0, len(world.calls) - 1))
    call = world.calls[at] | {"talk_seconds": Decimal(17)}
    return dataclasses.replace(world, calls=[*world.calls[:at], call, *world.calls[at + 1 :]])


CHANGES: list[Callable[[st.DrawFn, World, World], World]] = [
    _come,
    _come,
    _deal,
    _deal,
    _deal,
    _link,
    _link,
    _person,
    _go,
    _past,
]


def test_a_store_that_grows_is_the_one_that_is_built_whole() -> None:
    how: Counter[str] = Counter()

    @settings(max_examples=7)
    @given(histories())
    def grows(history: list[World]) -> None:
        with TemporaryDirectory() as place:
            folder, store, whole = Path(place) / "tables", Path(place) / "company.duckdb", Path(place) / "whole.duckdb"
            build(history[0].write_csv(folder), store, timezone=history[0].timezone)
            for nth, world in enumerate(history):
                build(world.write_csv(folder), store, timezone=world.timezone, force=nth == 0)
                told = built(store)
                how["grown" if "calls" in told else told["whole"] or "first"] += 1
                build(folder, whole, timezone=world.timezone, force=True)
                assert differences(store, whole) == []
            assert answers(store, history[-1].dimensions) == answers(whole, history[-1].dimensions)

    grows()
    assert how["grown"], how


def written(tmp_path: Path) -> tuple[World, Path, Path]:
    """A world without its last three calls, its folder, and its store."""
    world = hand_world()
    before = dataclasses.replace(world, calls=world.calls[:-3])
    folder, store = before.write_csv(tmp_path / "tables"), tmp_path / "company.duckdb"
    for force in (False, True):  # what it takes to grow is kept from the second time on
        build(folder, store, timezone=world.timezone, force=force)
    return world, folder, store


def assert_told(told: str, world: World, folder: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command says of how the store was made; and it is what one built whole is."""
    capsys.readouterr()
    assert main(["build", str(folder), "--out", str(store), "--timezone", world.timezone]) == 0
    assert capsys.readouterr().err == (f"callkit: {told}\n" if told else "")
    whole = store.with_name("whole.duckdb")
    build(folder, whole, timezone=world.timezone, force=True)
    assert differences(store, whole) == []
    assert sorted(p.name for p in store.parent.iterdir()) == ["company.duckdb", "tables", "whole.duckdb"]


def test_the_command_says_by_what_a_store_has_grown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world, folder, store = written(tmp_path)
    world.write_csv(folder)
    # c21 on D3, whose contact's other deal goes along; c20 and c22 have deals of their own
    assert_told("3 new calls, 5 deals placed anew", world, folder, store, capsys)


def rewritten(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return write


OTHERWISE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a call edited": (
        rewritten("calls.csv", lambda text: text.replace(b",300,out", b",301,out")),
        "calls.csv does not continue the file that the store was made of",
    ),
    "changes cut short": (
        rewritten("stage_changes.csv", lambda text: text[: text.rindex(b"D7")]),
        "stage_changes.csv does not continue the file that the store was made of",
    ),
    "a column more": (
        rewritten("deals.csv", lambda text: text.replace(b"\n", b",x\n").replace(b",x", b",grade", 1)),
        "the columns of deals are others",
    ),
    "other line ends": (
        rewritten("calls.csv", lambda text: text + b"n1,2026-03-20 10:00:00,5,in,a,D1,\r\n"),
        "lines of calls.csv do not end alike",
    ),
    "a deal gone": (
        rewritten("deals.csv", lambda text: re.sub(rb"D6,.*\n", b"", text)),
        "1 deals are gone",
    ),
    "a late change": (
        rewritten("stage_changes.csv", lambda text: text + b"D1,2026-03-05 12:00:00,S,new,9\n"),
        "changes of stages were added that came before others of their deal",
    ),
    "another team": (
        rewritten("managers.csv", lambda text: text.replace(b"Oleg,East", b"Oleg,West")),
        "managers are gone, or in other teams",
    ),
    "stages in another order": (
        rewritten("stages.csv", lambda text: text.replace(b"Offer,2", b"Offer,9")),
        "stages are others, or in another order",
    ),
    "a table gone": (lambda folder: (folder / "deal_contacts.csv").unlink(), "other tables are given"),
    "other settings": (
        lambda folder: (folder / "callkit.toml").write_text("[rules]\nlead_in_minutes = 5\n") and None,
        "settings are others",
    ),
}


@pytest.mark.parametrize("change", OTHERWISE)
def test_a_store_that_cannot_grow_is_built_whole_and_why_is_said(
    change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, folder, store = written(tmp_path)
    write, why = OTHERWISE[change]
    write(folder)
    assert_told(f"built whole: {why}", world, folder, store, capsys)


WITHIN: dict[str, Callable[[Path], None]] = {
    "a manager renamed": rewritten("managers.csv", lambda text: text.replace(b"Oleg,East", b"Boris,East")),
    "a stage renamed": rewritten("stages.csv", lambda text: text.replace(b"Offer", b"Proposal")),
    "a new manager before all others": rewritten("managers.csv", lambda text: text + b"A,Anna,East\n"),
    "a new deal before all others": rewritten(
        "deals.csv", lambda text: text + b'C9,2026-03-05 10:00:00,,open,5,a,S,"A, new"\n'
    ),
    "a deal that calls have named before": rewritten(
        "deals.csv", lambda text: text + b"D99,2026-03-05 10:00:00,,open,5,stranger,S,Web\n"
    ),
    "a stage that nobody described": rewritten(
        "stage_changes.csv", lambda text: text + b"D1,2026-04-05 10:00:00,S,unheard,9\n"
    ),
    "a change of a deal that comes later": rewritten(
        "stage_changes.csv", lambda text: text + 2 * b"D99,2026-03-20 10:00:00,S,new,1\n"
    ),
    "a link taken away": rewritten("deal_contacts.csv", lambda text: text.replace(b"D4,k1\n", b"")),
}


@pytest.mark.parametrize("changes", [*([one] for one in WITHIN), [*WITHIN]], ids=[*WITHIN, "one after the other"])
def test_a_store_grows_by_what_need_not_move_the_rest(changes: list[str], tmp_path: Path) -> None:
    world, folder, store = written(tmp_path)
    for change in changes:
        WITHIN[change](folder)
        build(folder, store, timezone=world.timezone)
        assert "calls" in built(store), built(store)
        whole = build(folder, tmp_path / "whole.duckdb", timezone=world.timezone, force=True)
        assert differences(store, whole) == []
    assert answers(store, world.dimensions) == answers(whole, world.dimensions)


def test_lines_are_read_on_whatever_ends_them(tmp_path: Path) -> None:
    world, folder, store = written(tmp_path)
    calls = folder / "calls.csv"
    for ending in (b"\n", b"\r\n"):
        text = calls.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", ending)
        calls.write_bytes(text.removesuffix(ending))  # the last line is not ended, as some programs write it
        build(folder, store, timezone=world.timezone, force=True)
        name = f"n{len(ending)}".encode()
        for tail in (ending + name + b",2026-03-20 10:00:00,5,in,a,D1,", ending):
            with calls.open("ab") as file:
                file.write(tail)
            build(folder, store, timezone=world.timezone)
            assert "calls" in built(store), built(store)
            whole = build(folder, tmp_path / "whole.duckdb", timezone=world.timezone, force=True)
            assert differences(store, whole) == []


def test_a_call_that_was_there_before_breaks_the_contract_as_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, folder, store = written(tmp_path)
    with (folder / "calls.csv").open("a") as file:
        file.write("c01,2026-03-20 10:00:00,5,in,a,D1,\n")
    was = store.read_bytes()
    command = ["build", str(folder), "--out", str(store), "--timezone", world.timezone]
    told = [(main([*command, *more]), capsys.readouterr().err) for more in ((), ("--force",))]
    assert told[0] == told[1]
    assert told[0][0] == 3
    assert "'c01' (2 times)" in told[0][1]
    assert store.read_bytes() == was


def test_a_store_grows_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, folder, store = written(tmp_path)
    monkeypatch.setattr(growing, "MOST_ANEW", 0.1)
    world.write_csv(folder)
    build(folder, store, timezone=world.timezone)
    assert built(store)["whole"].endswith("calls would have to be placed anew")

    monkeypatch.setattr(growing, "MOST_ANEW", 1.0)
    monkeypatch.setattr(growing, "MOST_SINCE", 0.2)
    for n in range(5):
        with (folder / "calls.csv").open("a") as file:
            file.write(f"n{n},2026-03-20 10:00:00,5,in,a,D8,\n")
        build(folder, store, timezone=world.timezone)
        if "whole" in built(store):
            break
    assert n > 0
    assert built(store)["whole"].endswith("calls have been placed anew since it last was")


def test_a_store_that_is_killed_while_it_grows_stays_as_it_was(tmp_path: Path) -> None:
    world, folder, store = written(tmp_path)
    was = store.read_bytes()
    world.write_csv(folder)
    script = """
import os, signal, sys
from callkit import growing, tailing
from callkit.cli import main
tailing.LEAST_BYTES, growing.MOST_ANEW = 0, 10
put = growing._replace
def killed(engine):
    put(engine)
    os.kill(os.getpid(), signal.SIGKILL)
growing._replace = killed
main(sys.argv[1:])
"""
    command = ["build", str(folder), "--out", str(store), "--timezone", world.timezone]
    done = subprocess.run([sys.executable, "-c", script, *command], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert store.read_bytes() == was
    build(folder, store, timezone=world.timezone)
    assert built(store)["calls"] == 3


def test_whoever_reads_a_store_that_grows_sees_the_old_rows_to_the_end(tmp_path: Path) -> None:
    world, folder, store = written(tmp_path)
    world.write_csv(folder)
    with open_company(store) as before:
        build(folder, store, timezone=world.timezone)
        with open_company(store) as after:
            calls = [company.engine.query("SELECT count(*) FROM calls")[0][0] for company in (before, after)]
    assert calls == [19, 22]


def test_a_store_that_is_built_once_keeps_nothing_to_grow_by(tmp_path: Path) -> None:
    build(hand_world().write_csv(tmp_path / "tables"), tmp_path / "company.duckdb", timezone="Europe/Berlin")
    with closing(DuckDB(tmp_path / "company.duckdb", read_only=True)) as engine:
        assert not engine.has("loose_calls")


def test_small_stores_keep_nothing_to_grow_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "LEAST_BYTES", 8 << 20)
    _, _, store = written(tmp_path)
    with closing(DuckDB(store, read_only=True)) as engine:
        assert not engine.has("loose_calls")
