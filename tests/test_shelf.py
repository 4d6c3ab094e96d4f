"""The shelf promises: what one kernel made another need not make, what nobody may see of another is not found there,
and whatever happens to the folder, the page is made.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import hand_world

from callkit import Company, build, open_company
from callkit.access import Viewer
from callkit.app.desk import Desk
from callkit.app.redrawing import Memory
from callkit.app.shelf import FOLDER, Shelf
from callkit.app.view import View
from callkit.errors import UsageError
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.zones import Period


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    return build(hand_world().write_csv(folder / "hand"), folder / "hand.duckdb", timezone="Europe/Berlin")


@pytest.fixture
def hand(store: Path) -> Iterator[Company]:
    with open_company(store) as company:
        yield company


def never() -> object:
    raise AssertionError("made again")


def test_what_was_made_once_is_found_by_another_kernel_under_the_same_key(hand: Company, tmp_path: Path) -> None:
    made = {"spec": [1.5, None, "Сайт"]}
    assert Shelf(hand, tmp_path).once(("part", "cards"), lambda: made) == made
    assert Shelf(hand, tmp_path).once(("part", "cards"), never) == made
    assert Shelf(hand, tmp_path).once(("part", "main"), lambda: "other") == "other"


@pytest.mark.parametrize(
    "other",
    [
        lambda c: replace(c, viewer=Viewer("vera", "teams", ("North",))),
        lambda c: replace(c, settings=replace(c.settings, min_deals=77)),
        lambda c: replace(c, stored=replace(c.stored, changed_ns=1)),
    ],
)
def test_another_viewer_other_settings_and_new_data_find_nothing(
    hand: Company, tmp_path: Path, other: Callable[[Company], Company]
) -> None:
    Shelf(hand, tmp_path).once("cards", lambda: "everybody's")
    assert Shelf(other(hand), tmp_path).once("cards", lambda: "own") == "own"


def test_two_viewers_who_see_the_same_share_it(hand: Company, tmp_path: Path) -> None:
    Shelf(replace(hand, viewer=Viewer("olga", "teams", ("North",))), tmp_path).once("cards", lambda: "North's")
    assert Shelf(replace(hand, viewer=Viewer("ivan", "teams", ("North",))), tmp_path).once("cards", never) == "North's"


def test_what_fails_is_not_kept_and_tells_its_error(hand: Company, tmp_path: Path) -> None:
    shelf = Shelf(hand, tmp_path)
    with pytest.raises(ZeroDivisionError):
        shelf.once("part", lambda: 1 / 0)
    assert shelf.once("part", lambda: 3) == 3


def test_without_a_folder_or_a_store_everything_is_made(
    hand: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert [Shelf(hand).once("n", lambda n=n: n) for n in (1, 2)] == [1, 2]
    loose = replace(hand, stored=None)
    assert [Shelf(loose, tmp_path).once("n", lambda n=n: n) for n in (1, 2)] == [1, 2]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spoiled", [b"", b"\x80", b"not a pickle"])
def test_a_spoiled_file_is_made_anew(hand: Company, tmp_path: Path, spoiled: bytes) -> None:
    Shelf(hand, tmp_path).once("cards", lambda: "whole")
    (kept,) = [p for p in tmp_path.iterdir() if not p.name.startswith(".")]
    kept.write_bytes(spoiled)
    assert Shelf(hand, tmp_path).once("cards", lambda: "anew") == "anew"
    assert Shelf(hand, tmp_path).once("cards", never) == "anew"


def test_a_folder_that_cannot_be_written_changes_nothing(hand: Company, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")
    assert Shelf(hand, taken / "shelf").once("cards", lambda: "made") == "made"


def _ask(store: Path, folder: Path, log: Path) -> None:
    def slowly() -> int:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return os.getpid()

    with open_company(store) as company:
        made = Shelf(company, folder).once("slow", slowly)
        with log.with_suffix(".answers").open("a") as file:
            file.write(f"{made}\n")


def test_what_several_kernels_want_at_one_moment_is_made_by_one(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    many = multiprocessing.get_context("spawn")
    kernels = [many.Process(target=_ask, args=(store, tmp_path / "shelf", log)) for _ in range(3)]
    for kernel in kernels:
        kernel.start()
    for kernel in kernels:
        kernel.join()
    (maker,) = log.read_text().split()
    assert log.with_suffix(".answers").read_text().split() == [maker] * 3


def test_the_oldest_goes_where_there_is_too_much(hand: Company, tmp_path: Path) -> None:
    for number in range(5):
        shelf = Shelf(hand, tmp_path, most_bytes=4000)
        shelf.once(number, lambda: b"x" * 1500)
        time.sleep(0.01)
    assert sum(p.stat().st_size for p in tmp_path.iterdir() if not p.name.startswith(".")) <= 4000
    assert Shelf(hand, tmp_path).once(4, never) == b"x" * 1500
    assert Shelf(hand, tmp_path).once(0, lambda: "gone") == "gone"


def test_a_page_from_the_shelf_is_the_page_that_was_made(
    hand: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page() -> object:
        desk = Desk(hand, View(period="2026-03", lang="en"))
        view = desk.answer({"what": "view", "query": "", "whole": True})
        parts = [desk.answer({"what": "part", "query": "", "name": p["name"]}) for p in view["parts"]]
        return view, parts

    monkeypatch.delenv(FOLDER, raising=False)
    plain = page()
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert page() == plain
    kept = len(list(tmp_path.iterdir()))
    assert page() == plain
    assert len(list(tmp_path.iterdir())) == kept > 5


@pytest.mark.parametrize("viewer", [Viewer(), Viewer("a", "themselves", ("a",))])
def test_two_periods_are_measured_side_by_side_as_one_after_the_other(store: Path, viewer: Viewer) -> None:
    with open_company(store) as opened:
        company = replace(opened, viewer=viewer)
        month = Period.of_month(f"{company.span[1]:%Y-%m}")
        one, other = Scope(month, lens="called"), Scope(month.previous(), lens="called")
        memory = Memory(Shelf(company))
        memory.both(company, one, other, ["stage"])
        found = [memory.figures(replace(company, engine=None), scope, ["stage"]) for scope in (one, other)]  # type: ignore[arg-type]
        assert found == [measure(company, scope, ["stage"]) for scope in (one, other)]
        assert all(figures.total["calls"] for figures in found[:1])
        with pytest.raises(UsageError, match="nonsense"):
            memory.both(company, replace(one, lens="closed"), replace(other, where={"nonsense": ["1"]}), [])


def test_a_company_of_no_store_is_read_by_one_thread() -> None:
    with open_company(hand_world().frames(), timezone="Europe/Berlin") as company:
        memory, scope = Memory(Shelf(company)), Scope(Period.of_month("2026-03"))
        memory.both(company, scope, scope, [])
        with pytest.raises(AttributeError):
            memory.figures(replace(company, engine=None), scope, [])  # type: ignore[arg-type]
