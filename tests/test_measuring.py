"""Measuring promises the very figures that a plain reading of the rules gives, on any world, under any scope."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import STEADY_ZONES, ZONES, Scope, World, hand_world, questions, scopes
from worlds import worlds as any_worlds

from callkit.company import Company, open_company
from callkit.figures import Figures
from callkit.measures import MEASURES
from callkit.measuring import measure
from callkit.scope import CREDITS, LENSES, conditions
from callkit.scope import Scope as CallkitScope
from callkit.zones import Period

SLOW_BUT_SURE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ADDITIVE = (
    "calls",
    "answered_calls",
    "inbound_calls",
    "outbound_calls",
    "talk_minutes",
    "deals",
    "won_deals",
    "revenue",
)


def worlds(zones: Sequence[str] = ZONES) -> st.SearchStrategy[World]:
    """Worlds with at least a call and a deal: tables without rows are refused."""
    return any_worlds(zones, least=1)


def opened(world: World) -> Company:
    with tempfile.TemporaryDirectory() as folder:
        world.write_csv(folder)
        return open_company(folder, timezone=str(world.timezone))


def measured(company: Company, scope: Scope) -> Figures:
    period = Period(scope.start, scope.stop)
    return measure(company, CallkitScope(period, scope.lens, scope.credit, conditions(scope.where)), scope.by)


def agree(got: Figures, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    assert list(got.columns) == list(columns)
    assert [row[: len(got.keys)] for row in got.rows] == [tuple(row[: len(got.keys)]) for row in rows]
    for mine, theirs in zip(got.rows, rows, strict=True):
        for name, a, b in zip(columns, mine, theirs, strict=True):
            same = (
                a == b
                if isinstance(a, str) or a is None or b is None
                else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
            )
            assert same, f"{mine[: len(got.keys)]} {name}: {a!r}, the plain reading gives {b!r}"


@SLOW_BUT_SURE
@given(st.data())
def test_figures_are_those_of_a_plain_reading_of_the_rules(data: st.DataObject) -> None:
    world = data.draw(worlds())
    with opened(world) as company:
        for scope in data.draw(questions(world)):
            agree(measured(company, scope), *oracle.metrics(world, *scope))


def whole_year(company: Company, by: list[str], lens: str = "closed", credit: str = "owner") -> Figures:
    return measure(company, CallkitScope(Period(dt.date(2026, 1, 1), dt.date(2027, 1, 1)), lens, credit), by)


@SLOW_BUT_SURE
@given(worlds())
def test_placing_never_changes_the_number_of_calls(world: World) -> None:
    with opened(world) as company:
        placed = company.engine.query("SELECT count(*), count(DISTINCT call_id) FROM calls")[0]
        assert placed == (len(world.calls), len(world.calls))


@SLOW_BUT_SURE
@given(worlds(), st.sampled_from([lens for lens in LENSES if lens != "called"]), st.sampled_from(CREDITS))
def test_parts_of_an_additive_cut_add_up_to_the_whole(world: World, lens: str, credit: str) -> None:
    with opened(world) as company:
        for by in (["manager"], ["team"], ["owner"], ["month"], ["manager", "owner"]):
            figures = whole_year(company, by, lens, credit).frame()
            parts, whole = figures.iloc[:-1], figures.iloc[-1]
            for name in ADDITIVE:
                assert parts[name].sum() == pytest.approx(whole[name], rel=1e-9, abs=1e-9), (by, name)


@SLOW_BUT_SURE
@given(worlds(), st.sampled_from(LENSES))
def test_calls_repeated_double_the_talk_and_leave_revenue_alone(world: World, lens: str) -> None:
    with opened(world) as once_open, opened(world.with_calls_repeated()) as twice_open:
        once, twice = (whole_year(c, ["owner"], lens).frame() for c in (once_open, twice_open))
        assert (twice["talk_minutes"] == 2 * once["talk_minutes"]).all()
        assert (twice["revenue"] == once["revenue"]).all()
        assert (twice["deals"] == once["deals"]).all()


@SLOW_BUT_SURE
@given(worlds(), st.sampled_from(["closed", "lifetime", "created"]))
def test_shares_sum_to_one(world: World, lens: str) -> None:
    with opened(world) as company:
        figures = whole_year(company, ["manager"], lens).frame()
        for name in ("call_share", "talk_share", "win_share", "revenue_share"):
            if not math.isnan(figures[name].iloc[-1]):
                assert figures[name].iloc[:-1].sum() == pytest.approx(1)


@SLOW_BUT_SURE
@given(st.data())
def test_a_week_later_nothing_has_changed(data: st.DataObject) -> None:
    world = data.draw(worlds(STEADY_ZONES))
    scope = data.draw(scopes(world))
    if "month" in scope.by:
        scope = scope._replace(by=tuple(c for c in scope.by if c != "month"))
    week = dt.timedelta(days=7)
    with opened(world) as now, opened(world.shifted(week.total_seconds())) as later:
        moved = scope._replace(start=scope.start + week, stop=scope.stop + week)
        first, second = measured(now, scope), measured(later, moved)
        agree(first, second.columns, list(second.rows))


@SLOW_BUT_SURE
@given(worlds(), st.dates(dt.date(2026, 3, 2), dt.date(2026, 3, 30)))
def test_a_period_split_in_two_adds_up(world: World, day: dt.date) -> None:
    start, stop = dt.date(2026, 3, 1), dt.date(2026, 4, 1)
    with opened(world) as company:
        whole, first, second = (
            measure(company, CallkitScope(Period(*p))).total for p in ((start, stop), (start, day), (day, stop))
        )
        for name in ADDITIVE:
            assert (first[name] or 0) + (second[name] or 0) == pytest.approx(whole[name] or 0)


def test_the_whole_of_the_hand_made_world_is_what_was_counted_by_hand() -> None:
    with opened(hand_world()) as company:
        figures = whole_year(company, ["manager"])
    assert list(figures.columns) == ["manager", *MEASURES]
    assert figures.rows[-1][0] == "(total)"
    assert sum(row[1] for row in figures.rows[:-1]) == len(hand_world().calls)


def test_a_frame_has_text_keys_and_floats_with_nan_where_undefined() -> None:
    with opened(hand_world()) as company:
        frame = whole_year(company, ["stage"]).frame()
    assert frame["stage"].iloc[-1] == "(total)"
    assert frame["deals"].iloc[:-1].isna().all()
    assert str(frame["calls"].dtype) == "float64"


def numbers(figures: Figures, by: Sequence[str]) -> list[float]:
    return [math.nan if value is None else value for row in figures.rows for value in row[len(by) :]]


def test_a_folder_and_the_store_built_of_it_give_the_same_figures(tmp_path: Path) -> None:
    from callkit.company import build

    world = hand_world()
    folder = world.write_csv(tmp_path / "tables")
    store = build(folder, tmp_path / "company.duckdb", timezone=str(world.timezone))
    with open_company(folder, timezone=str(world.timezone)) as one, open_company(store) as other:
        for lens in LENSES:
            for credit in CREDITS if lens != "called" else ("owner",):
                for by in (["manager"], ["source", "owner"], ["stage"]):
                    ours, stored = whole_year(one, by, lens, credit), whole_year(other, by, lens, credit)
                    assert [row[: len(by)] for row in ours.rows] == [row[: len(by)] for row in stored.rows]
                    # Parts of deals are added up in whatever order the threads come: the last bits may differ.
                    assert numbers(stored, by) == pytest.approx(numbers(ours, by), rel=1e-12, nan_ok=True)
