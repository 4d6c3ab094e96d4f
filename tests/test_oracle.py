"""The oracle tells the truth: it agrees with every conformance case, with a world worked out by hand, with the laws.

The answers to the hand-made world were worked out from its tables, with `worlds.hand_world` saying what each is for.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import json
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import EVER, STEADY_ZONES, Scope, World, hand_world, scopes, worlds

Answer = tuple[list[str], list[tuple[Any, ...]]]

MARCH = (dt.date(2026, 3, 1), dt.date(2026, 4, 1))
OF_CALLS = ("calls", "answered_calls", "inbound_calls", "outbound_calls", "talk_minutes")
OF_DEALS = ("deals", "won_deals", "open_deals", "revenue")
SHARES = ("call_share", "talk_share", "win_share", "revenue_share")

# Slow machines draw slowly: no health check may depend on the time it takes.
lawful = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values(answer: Answer, measure: str) -> dict[Any, float | None]:
    """A measure by segment, in the order of the rows; a label alone where there is one column."""
    columns, rows = answer
    width = len(columns) - len(oracle.MEASURES)
    return {row[0] if width == 1 else row[:width]: row[columns.index(measure)] for row in rows}


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


# The conformance cases

SHARED = Path(os.environ.get("CALLKIT_SHARED", ""))
CASES = []
if "CALLKIT_SHARED" in os.environ:
    CASES = json.loads((SHARED / "conformance" / "cases.json").read_text(encoding="utf-8"))


@functools.cache
def dataset(name: str, timezone: str) -> oracle.World:
    return oracle.read(SHARED / "data" / name, timezone)


@pytest.mark.skipif(not CASES, reason="CALLKIT_SHARED does not name the folder of the conformance cases")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_oracle_agrees_with_the_conformance_case(case: dict[str, Any]) -> None:
    start, stop = (dt.date.fromisoformat(case[day]) for day in ("start", "stop"))
    world = dataset(case["dataset"], case["timezone"])

    columns, rows = oracle.metrics(world, case["by"], start, stop, case["lens"], case["credit"], case["where"])

    text = (SHARED / "conformance" / "expected" / f"{case['name']}.csv").read_text(encoding="utf-8")
    wanted_columns, *wanted = csv.reader(text.splitlines())
    width = len(columns) - len(oracle.MEASURES)
    assert columns == wanted_columns
    assert [list(row[:width]) for row in rows] == [row[:width] for row in wanted]
    for row, wanted_row in zip(rows, wanted, strict=True):
        for column, got, cell in zip(columns[width:], row[width:], wanted_row[width:], strict=True):
            assert same(got, float(cell) if cell else None), f"{row[:width]} {column}: {got}, wanted {cell!r}"


# The world made by hand


@pytest.fixture(scope="module")
def world() -> World:
    return hand_world()


def test_every_call_of_the_hand_made_world_stands_where_it_should(world: World) -> None:
    assert {call_id: tuple(place) for call_id, place in oracle.placed(world).items()} == {
        "c01": ("D1", "New (S)", False),
        "c02": ("D1", "(before the deal)", False),
        "c03": ("D1", "New (S)", False),
        "c04": ("D1", "Offer", False),
        "c05": ("D1", "Paid", False),
        "c06": ("D2", "New (V)", False),
        "c07": ("D2", "Parked", False),
        "c08": ("D2", "limbo", False),
        "c09": ("D2", "attic", False),
        "c10": ("D2", "attic", False),
        "c11": ("D4", "New (S)", True),
        "c12": ("D4", "New (S)", True),
        "c13": (None, "(no deal)", False),
        "c14": ("D5", "Paid", False),
        "c15": (None, "(no deal)", False),
        "c16": (None, "(no deal)", False),
        "c17": ("D1", "Offer", False),
        "c18": ("D1", "Paid", False),
        "c19": ("D7", "Call again", False),
        "c20": ("D7", "Call again", False),
        "c21": ("D3", "(no stage history)", False),
        "c22": ("D6", "New (S)", False),
    }


def test_talk_is_cut_by_stage_and_sorted_by_minutes(world: World) -> None:
    minutes = values(oracle.metrics(world, ["stage"], *MARCH), "talk_minutes")

    assert list(minutes.items()) == [
        ("Offer", pytest.approx(410 / 60)),
        ("Paid", pytest.approx(185 / 60)),
        ("New (V)", 2),
        ("New (S)", pytest.approx(110 / 60)),
        ("(no deal)", pytest.approx(65 / 60)),
        ("Parked", 1),
        ("limbo", 1),
        ("(no stage history)", pytest.approx(50 / 60)),
        ("Call again", pytest.approx(40 / 60)),
        ("(before the deal)", 0.5),
        ("attic", pytest.approx(10 / 60)),
        ("(total)", 19),
    ]


def test_the_total_of_march_has_every_measure(world: World) -> None:
    columns, rows = oracle.metrics(world, [], *MARCH)

    assert dict(zip(columns, rows[-1], strict=True)) == pytest.approx(
        {
            "segment": "(total)",
            "calls": 20,
            "answered_calls": 19,
            "inbound_calls": 10,
            "outbound_calls": 9,
            "talk_minutes": 19,
            "mean_call_seconds": 60,
            "call_share": 1,
            "talk_share": 1,
            "deals": 4,
            "won_deals": 2,
            "open_deals": 0,
            "conversion": 0.5,
            "conversion_low": 0.15003898915214947,  # (2 + z²/2 - z √(1 + z²/4)) / (4 + z²)
            "conversion_high": 0.8499610108478506,
            "win_share": 1,
            "revenue": 1200,
            "revenue_share": 1,
            "revenue_per_minute": 63.1578947368421,  # 1200 / 19
            "minutes_per_sale": 9.5,
            "efficiency": 1,
        }
    )
    assert len(rows) == 1


def test_namesakes_carry_their_ids_and_who_nobody_described_is_named_by_id(world: World) -> None:
    calls = values(oracle.metrics(world, ["manager"], *MARCH), "calls")

    assert list(calls.items()) == [
        ("Oleg (b)", 5),
        ("Ира, офис", 7),
        ("Oleg (c)", 4),
        ("d", 2),
        ("(not set)", 2),
        ("(total)", 20),
    ]


@pytest.mark.parametrize(
    ("credit", "deals", "revenue"),
    [
        ("owner", (2, 1, 1, 0, 0), (200, 1000, 0, 0, 0)),
        ("talk", (0.6 + 0.75 + 1, 0.18 + 0.75, 0.25, 0.22, 0.25), (800, 180, 0, 220, 0)),
        ("equal", (11 / 6, 5 / 6, 0.5, 1 / 3, 0.5), (1600 / 3, 1000 / 3, 0, 1000 / 3, 0)),
        ("first", (2, 2, 0, 0, 0), (200, 1000, 0, 0, 0)),
        ("last", (1, 0, 1, 1, 1), (200, 0, 0, 1000, 0)),
    ],
)
def test_deals_are_credited_to_those_who_spoke_before_they_closed(
    world: World, credit: str, deals: Sequence[float], revenue: Sequence[float]
) -> None:
    answer = oracle.metrics(world, ["manager"], *MARCH, "closed", credit)

    assert list(values(answer, "deals").values()) == pytest.approx([*deals, 4])
    assert list(values(answer, "revenue").values()) == pytest.approx([*revenue, 1200])


def test_intervals_are_empty_where_deals_are_split(world: World) -> None:
    for credit, total in (("talk", None), ("equal", None), ("first", 0.15003898915214947)):
        low = values(oracle.metrics(world, ["source"], *MARCH, "lifetime", credit), "conversion_low")

        assert low["(total)"] == pytest.approx(total)


def test_a_lens_chooses_calls_and_deals(world: World) -> None:
    totals = {}
    for lens in ("closed", "lifetime", "created", "called"):
        columns, rows = oracle.metrics(world, ["source"], *MARCH, lens)
        totals[lens] = tuple(
            rows[-1][columns.index(m)] for m in ("calls", "talk_minutes", "deals", "open_deals", "revenue")
        )

    assert totals == {
        "closed": (20, 19, 4, 0, 1200),
        "lifetime": (15, pytest.approx(1550 / 60), 4, 0, 1200),  # c22 of February is D6's, c10 of April D2's
        "created": (12, pytest.approx(800 / 60), 4, 2, 1000),  # D1, D3, D4, D7
        "called": (20, 19, 5, 2, 1000),  # D1, D2, D3, D4, D7; D5 and D6 had no call while open
    }


def test_a_called_deal_counts_in_every_segment_it_touches(world: World) -> None:
    answer = oracle.metrics(world, ["manager"], *MARCH, "called")

    assert list(values(answer, "deals").items()) == [
        ("Oleg (b)", 2),
        ("Ира, офис", 4),
        ("Oleg (c)", 1),
        ("d", 2),
        ("(not set)", 1),
        ("(total)", 5),
    ]


@pytest.mark.parametrize("column", ["stage", "hour", "manager", "team", "month"])
def test_where_called_deals_touch_segments_only_the_total_divides_by_the_whole(world: World, column: str) -> None:
    answer = oracle.metrics(world, [column, "source"], *MARCH, "called")

    for measure in ("win_share", "revenue_share", "revenue_per_minute", "minutes_per_sale", "efficiency"):
        *parts, total = values(answer, measure).values()
        assert set(parts) == {None}
        assert total is not None


def test_a_cut_by_a_call_column_leaves_deals_to_the_total(world: World) -> None:
    columns, rows = oracle.metrics(world, ["source", "hour"], *MARCH, "lifetime")

    assert rows[-1][:2] == ("(total)", "(total)")
    for row in rows[:-1]:
        assert row[columns.index("deals") :] == (None,) * 12
    assert rows[-1][columns.index("deals") :][:3] == (4, 2, 0)


@pytest.mark.parametrize(
    ("where", "calls", "deals", "revenue_per_minute"),
    [
        (["manager=Oleg"], 0, 0, None),  # a name that two share is nobody's label
        (["manager=b,c"], 9, 3, 200 / (630 / 60)),
        (["manager=Oleg (b)", "manager=c"], 9, 3, 200 / (630 / 60)),
        (["manager=(not set)"], 2, 0, 0),
        (["team=(not set)"], 8, 1, 0),
        (["owner=(not set)"], 1, 0, 0),
        (["owner=(no deal)"], 3, 0, 0),
        (["source=(no deal)"], 3, 0, 0),
        (['source="Fair, spring",Ads'], 3, 1, 200 / (100 / 60)),
        (["source=Web", "pipeline_id=S"], 8, 1, 1000 / (685 / 60)),
        (["stage=new"], 5, 4, None),
        (["stage=New (V)"], 1, 4, None),
        (["hour=9"], 3, 4, None),
        (["hour=09", "weekday=7"], 1, 4, None),
        (["direction=unknown"], 1, 4, None),
    ],
)
def test_a_filter_narrows_calls_and_deals(
    world: World, where: list[str], calls: float, deals: float, revenue_per_minute: float | None
) -> None:
    answer = oracle.metrics(world, [], *MARCH, "closed", "owner", where)

    assert values(answer, "calls")["(total)"] == calls
    assert values(answer, "deals")["(total)"] == deals
    assert values(answer, "revenue_per_minute")["(total)"] == pytest.approx(revenue_per_minute)


def test_a_persons_calls_on_any_deal_of_the_lens_stay_and_so_do_the_deals_credited_to_them(world: World) -> None:
    answer = oracle.metrics(world, ["source"], *MARCH, "lifetime", "owner", ["manager=a"])

    assert values(answer, "talk_minutes") == pytest.approx(
        {"(not set)": 10, "Web": 160 / 60, "NA": 0.5, "(total)": 790 / 60}
    )
    assert values(answer, "deals") == {"(not set)": 0, "Web": 1, "NA": 0, "(total)": 1}


def test_under_called_the_deals_follow_from_a_persons_calls_whoever_owns_them(world: World) -> None:
    answer = oracle.metrics(world, ["source"], *MARCH, "called", "owner", ["manager=d"])

    assert values(answer, "deals") == {"Web": 1, "Ads": 1, "(total)": 2}
    assert values(answer, "win_share") == {"Web": 1, "Ads": 0, "(total)": 1}
    assert set(values(answer, "revenue_per_minute").values()) == {None}


def test_a_month_is_that_of_the_account_and_of_what_the_lens_looks_at(world: World) -> None:
    months = dict.fromkeys(("closed", "lifetime", "created", "called"))
    for lens in months:
        answer = oracle.metrics(world, ["month"], *EVER, lens)
        months[lens] = {m: (c, values(answer, "deals")[m]) for m, c in values(answer, "calls").items()}

    assert months == {
        "closed": {"2026-03": (20, 4), "2026-04": (1, 1), "2026-02": (1, 2), "(total)": (22, 7)},
        "lifetime": {"2026-03": (15, 4), "2026-02": (1, 2), "2026-04": (0, 1), "(total)": (16, 7)},
        "created": {"2026-02": (7, 5), "2026-03": (12, 4), "(total)": (19, 9)},
        "called": {"2026-03": (20, 5), "2026-04": (1, 0), "2026-02": (1, 1), "(total)": (22, 6)},
    }


# Reading and writing


def test_a_repeated_hour_is_the_first_one_and_a_skipped_one_moves_forward() -> None:
    texts = {
        "calls": "started_at,talk_seconds\n2026-10-25 02:30:00,1\n2026-03-29 02:30:00,1\n2026-03-29T02:30:00.5Z,1\n"
    }
    empty = {"deals": "created_at,closed_at\n", "stage_changes": "changed_at\n"}

    calls = oracle.world_of(texts | empty, "Europe/Berlin").calls

    assert [call["started_at"] for call in calls] == [
        dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 29, 2, 30, 0, 500_000, tzinfo=dt.UTC),
    ]


def test_a_folder_is_read_as_it_was_written(world: World, tmp_path: Path) -> None:
    read = oracle.read(world.write_csv(tmp_path / "world"), world.timezone)

    assert {table: getattr(read, table) for table in oracle.TABLES} == world.tables


@given(worlds())
@lawful
def test_whatever_way_instants_are_written_they_are_read_the_same(world: World) -> None:
    read = oracle.world_of(world.texts, world.timezone)

    assert {table: getattr(read, table) for table in world.columns} == world.tables
    assert read.columns == world.columns


def test_frames_hold_text_numbers_and_instants_in_utc(world: World) -> None:
    frames = world.frames()

    assert {table: len(frame) for table, frame in frames.items()} == {
        "calls": 22,
        "deals": 9,
        "stage_changes": 21,
        "stages": 8,
        "managers": 3,
        "deal_contacts": 6,
    }
    assert str(frames["calls"]["started_at"].iloc[20]) == "2026-03-29 01:30:00+00:00"
    assert frames["calls"]["talk_seconds"].sum() == 1740
    assert frames["deals"][["closed_at", "amount", "manager_id", "source"]].isna().sum().to_list() == [2, 2, 1, 1]


def test_a_scope_is_also_a_command_line() -> None:
    asked = Scope(("source",), *MARCH, "called", "owner", ('source="A, b",Site',))

    line = "--from 2026-03-01 --to 2026-04-01 --lens called --credit owner --by source --where"
    assert asked.arguments == [*line.split(), 'source="A, b",Site']


# The laws


def additive(scope: Scope) -> Scope:
    """The scope without the columns whose parts exceed the whole or have no deals."""
    touched = (*oracle.CALL_COLUMNS, *oracle.WHO_SPOKE, "month") if scope.lens == "called" else oracle.CALL_COLUMNS
    return scope._replace(by=tuple(column for column in scope.by if column not in touched))


def whole_and_parts(answer: Answer, measure: str) -> tuple[float | None, list[float]]:
    """The total and the segments' values, which is what adds up; the parts of what is undefined are left out."""
    *parts, total = values(answer, measure).values()
    return total, [part for part in parts if part is not None]


@given(worlds())
@lawful
def test_placing_never_changes_the_number_of_calls(world: World) -> None:
    ids = [call["call_id"] for call in world.calls]

    assert list(oracle.placed(world)) == ids
    assert values(oracle.metrics(world, ["stage"], *EVER), "calls")["(total)"] == len(ids)


@given(worlds(), st.data())
@lawful
def test_the_calls_of_the_parts_add_up_to_the_whole(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world).filter(lambda scope: scope.by))
    answer = oracle.metrics(world, *scope)

    for measure in OF_CALLS:
        total, parts = whole_and_parts(answer, measure)
        assert same(sum(parts), total), measure


@given(worlds(), st.data())
@lawful
def test_the_deals_of_the_parts_add_up_to_the_whole_in_every_credit(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world).map(additive).filter(lambda scope: scope.by))
    answer = oracle.metrics(world, *scope)

    for measure in OF_DEALS:
        total, parts = whole_and_parts(answer, measure)
        assert same(sum(parts), total), measure


@given(worlds(), st.data())
@lawful
def test_shares_sum_to_one_or_are_all_empty(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world).map(additive).filter(lambda scope: scope.by))
    answer = oracle.metrics(world, *scope)

    for measure in SHARES:
        total, parts = whole_and_parts(answer, measure)
        assert total in {None, 1}
        assert same(sum(parts), 1) if total else set(parts) <= {None}, measure


@given(worlds(), st.data())
@lawful
def test_calling_everyone_once_more_doubles_the_talk_and_leaves_the_deals_alone(
    world: World, data: st.DataObject
) -> None:
    scope = data.draw(scopes(world))
    once, twice = oracle.metrics(world, *scope), oracle.metrics(world.with_calls_repeated(), *scope)

    for measure in OF_CALLS:
        doubled = {segment: value and 2 * value for segment, value in values(once, measure).items()}
        assert values(twice, measure) == pytest.approx(doubled), measure
    for measure in (*OF_DEALS, "conversion", "conversion_low", *SHARES, "efficiency", "mean_call_seconds"):
        assert values(twice, measure) == pytest.approx(values(once, measure)), measure


@given(worlds(STEADY_ZONES), st.data())
@lawful
def test_a_week_later_everything_is_the_same_where_clocks_do_not_change(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world))
    scope = scope._replace(by=tuple(column for column in scope.by if column != "month"))
    week = dt.timedelta(days=7)
    later = scope._replace(start=scope.start + week, stop=scope.stop + week)

    assert oracle.metrics(world.shifted(week.total_seconds()), *later) == oracle.metrics(world, *scope)


@given(worlds(), st.data())
@lawful
def test_a_period_is_the_sum_of_its_two_parts(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world).filter(lambda scope: (scope.stop - scope.start).days > 1))
    middle = data.draw(st.dates(scope.start + dt.timedelta(days=1), scope.stop - dt.timedelta(days=1)))
    whole = oracle.metrics(world, *scope)
    halves = [oracle.metrics(world, *half) for half in (scope._replace(stop=middle), scope._replace(start=middle))]

    deals_too = scope.lens != "called" and not set(scope.by) & set(oracle.CALL_COLUMNS)
    for measure in (*OF_CALLS, *(OF_DEALS if deals_too else ())):
        summed: dict[Any, float] = defaultdict(float)
        for half in halves:
            for segment, value in values(half, measure).items():
                summed[segment] += value or 0
        assert summed == pytest.approx(values(whole, measure)), measure


@given(worlds(), st.data())
@lawful
def test_a_segment_and_the_filter_for_it_are_the_same_calls_and_deals(world: World, data: st.DataObject) -> None:
    scope = data.draw(scopes(world))
    column = data.draw(st.sampled_from(("direction", "hour", "weekday", "manager", "team", "owner", *world.dimensions)))
    others = tuple(text for text in scope.where if not text.startswith(f"{column}="))
    cut = oracle.metrics(world, *scope._replace(by=(column,), where=others))

    for label in values(cut, "calls"):
        if label != "(total)":
            quoted = '"' + label.replace('"', '""') + '"'
            filtered = oracle.metrics(world, *scope._replace(by=(), where=(*others, f"{column}={quoted}")))
            of_deals = OF_DEALS if column not in oracle.CALL_COLUMNS or scope.lens == "called" else ()
            for measure in (*OF_CALLS, *of_deals):
                assert same(values(cut, measure)[label], values(filtered, measure)["(total)"]), (label, measure)
