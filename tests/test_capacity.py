"""Capacity promises minutes a deal and a day as the rows have them, and a forecast whose band holds what then comes."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import oracle
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import World, hand_world, worlds

import callkit
from callkit import Company, Period, Scope, measure, open_company
from callkit.access import Viewer
from callkit.calls import placed_calls
from callkit.decisions.capacity import capacity
from callkit.decisions.forecast import LEAST_MONTHS, SEASON_MONTHS, forecast, needed, seasons
from callkit.dimensions import code_label
from callkit.errors import UsageError
from callkit.locale import LANGUAGES, NBSP
from callkit.pieces import TABLE_MIME
from callkit.settings import Settings
from callkit.working import Working

EVERY_DAY = Working((1, 2, 3, 4, 5, 6, 7))
OCTOBER = Scope(Period.of_month("2026-10"))
# Calls of a deal by month of its life, and minutes of a call, lognormal.
CALLS, MINUTES = np.array([2.0, 1.2, 0.6, 0.3, 0.15, 0.08, 0.04, 0.02]), 3.0


def came_to(world: World, period: Period | None) -> dict[str, int]:
    """How many deals came to each stage: of several changes at one instant the last one holds, and a deal's first."""
    zone = ZoneInfo(world.timezone)
    found: dict[str, set[str]] = defaultdict(set)
    known = {deal["deal_id"] for deal in world.deals}
    for deal_id, history in oracle._histories(world).items():
        for i, (moment, stage) in enumerate(history):
            passed = i + 1 < len(history) and history[i + 1][0] == moment
            day = moment.astimezone(zone).date()
            if deal_id in known and (not passed or i == 0) and (not period or period.start <= day < period.stop):
                found[stage].add(deal_id)
    return {stage: len(deals) for stage, deals in found.items()}


@given(world=worlds(least=1), whole=st.booleans(), days=st.integers(1, 60))
@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_load_of_a_stage_is_its_talk_by_the_deals_that_came(world: World, whole: bool, days: int) -> None:
    first = min(i for i in world.instants).astimezone(ZoneInfo(world.timezone)).date()
    period = Period(dt.date(2025, 1, 1), dt.date(2028, 1, 1)) if whole else Period(first, first + dt.timedelta(days))
    with open_company(world.frames(), timezone=world.timezone) as company:
        figures = measure(company, Scope(period), ["stage"])
        told = capacity(company, Scope(period), figures)
        ever = capacity(company, Scope(period, "created"), measure(company, Scope(period, "created"), ["stage"]))
    expected = came_to(world, period)
    for one in told.stages:
        assert one.entered == (None if one.stage.startswith("(") else expected.get(one.stage, 0))
        if one.entered:
            assert one.minutes_per_deal == pytest.approx(one.minutes / one.entered)
        else:
            assert one.minutes_per_deal is None
    assert sum(one.minutes for one in told.stages) == pytest.approx(told.whole.minutes)
    created = {
        d["deal_id"] for d in world.deals
        if period.start <= d["created_at"].astimezone(ZoneInfo(world.timezone)).date() < period.stop
    }  # fmt: skip
    base = dataclasses.replace(world, deals=[d for d in world.deals if d["deal_id"] in created])
    assert {one.stage: one.entered for one in ever.stages if one.entered} == {
        stage: n for stage, n in came_to(base, None).items() if stage in {one.stage for one in ever.stages}
    }
    assert ever.days is None
    assert all(one.minutes_per_day is None for one in ever.stages)


def test_the_load_by_hand() -> None:
    """March 2026 in Berlin: calls from the second to the thirty-first, 22 working days of them."""
    world = hand_world()
    with open_company(world.frames(), settings=Settings(timezone=world.timezone)) as company:
        scope = Scope(Period.of_month("2026-03"))
        told = capacity(company, scope, measure(company, scope, ["stage"]))
        days = {c["started_at"].astimezone(ZoneInfo("Europe/Berlin")).date() for c in world.calls}
        first, last = max(min(days), dt.date(2026, 3, 1)), min(max(days), dt.date(2026, 3, 31))
        working = [first + dt.timedelta(n) for n in range((last - first).days + 1)]
        assert told.days == sum(day.isoweekday() < 6 for day in working)
        assert told.whole.minutes_per_day == pytest.approx(told.whole.minutes / told.days)
        part = Scope(scope.period, where={"hour": ("09",)})
        assert all(
            one.minutes_per_deal is None for one in capacity(company, part, measure(company, part, ["stage"])).stages
        )
        with pytest.raises(UsageError, match="by stage, not by"):
            capacity(company, scope, measure(company, scope, ["manager"]))


def test_a_deal_that_comes_at_midnight_comes_to_the_month_that_begins() -> None:
    """Deal d is new on the first of March and has an offer on the first of April; e has had one since February."""
    february, march, april = (pd.Timestamp(f"2026-0{month}-01", tz="UTC") for month in (2, 3, 4))
    deals = pd.DataFrame({
        "deal_id": ["d", "e"], "created_at": [march, february], "closed_at": pd.NaT, "outcome": "open", "amount": 1.0,
        "manager_id": "m",
    })  # fmt: skip
    changes = pd.DataFrame({
        "deal_id": ["d", "d", "e"], "changed_at": [march, april, february], "stage_id": ["new", "offer", "offer"],
    })  # fmt: skip
    calls = pd.DataFrame({
        "call_id": ["1", "2", "3"], "started_at": [march, april, march], "talk_seconds": 60.0, "direction": "out",
        "manager_id": "m", "deal_id": ["d", "d", "e"],
    })  # fmt: skip
    with open_company({"calls": calls, "deals": deals, "stage_changes": changes}, timezone="UTC") as company:
        for month, expected in (("2026-03", {"new": 1, "offer": 0}), ("2026-04", {"offer": 1})):
            scope = Scope(Period.of_month(month))
            told = capacity(company, scope, measure(company, scope, ["stage"]))
            assert {one.stage: one.entered for one in told.stages} == expected


# The forecast


def months_of(rng: np.random.Generator, months: int, deals: float, *, before: int, jolt: float = 0.0) -> Any:
    """Talk and deals by month for `months` and one more: `before` months of deals from before the calls begin,
    months of talk that are out by `jolt`, deals that differ among themselves."""
    start = 2024 * 12
    talk, created = {}, {}
    jolts = {m: float(np.exp(rng.normal(0, jolt) - jolt**2 / 2)) for m in range(start, start + months + 1)}
    for made in range(start - before, start + months + 1):
        created[made] = int(rng.poisson(deals))
        busy = rng.gamma(1.0, 1.0, created[made])
        for lag, calls in enumerate(CALLS):
            if start <= made + lag <= start + months:
                many = int(rng.poisson(busy * calls * jolts[made + lag]).sum())
                talk[made, made + lag] = float(rng.lognormal(np.log(MINUTES) - 0.5, 1.0, many).sum())
    return talk, created, range(start, start + months)


@pytest.mark.parametrize(
    ("months", "deals", "before", "jolt"),
    [(4, 300, 0, 0.0), (6, 40, 8, 0.0), (6, 300, 8, 0.05), (12, 300, 0, 0.0), (24, 60, 8, 0.05)],
)
def test_the_band_holds_what_then_comes(months: int, deals: float, before: int, jolt: float) -> None:
    rng = np.random.default_rng(11)
    held, known, level = [], [], []
    for _ in range(500):
        talk, created, history = months_of(rng, months, deals, before=before, jolt=jolt)
        came = sum(minutes for (_, month), minutes in talk.items() if month == history.stop)
        need, told = (needed(talk, created, history, EVERY_DAY, n) for n in (None, created[history.stop]))
        assert need is not None
        assert told is not None
        held.append(need.low <= came <= need.high)
        known.append(told.low <= came <= told.high)
        level.append(came / need.minutes)
    assert 0.93 <= np.mean(held) <= 0.985
    assert 0.93 <= np.mean(known) <= 0.985
    assert np.mean(level) == pytest.approx(1, abs=0.05)


def seasonal(rng: np.random.Generator, months: int, swing: float) -> Any:
    """As `months_of`, with new deals that go up and down with the month of the year; the last month falls anywhere."""
    start = 2024 * 12 + int(rng.integers(12))
    talk, created = {}, {}
    for made in range(start - 8, start + months + 1):
        created[made] = int(rng.poisson(300 * (1 + swing * np.sin(2 * np.pi * made / 12 + 1)) * days_of(made) / 30.4))
        for lag, calls in enumerate(CALLS):
            if start <= made + lag <= start + months:
                many = rng.poisson(rng.gamma(created[made], calls))
                talk[made, made + lag] = float(rng.lognormal(np.log(MINUTES) - 0.5, 1.0, many).sum())
    return talk, created, range(start, start + months)


def days_of(month: int) -> int:
    return EVERY_DAY.days_in(Period.of_month(code_label("month", month)))


def test_the_band_holds_what_then_comes_in_seasons_that_the_data_is_long_enough_to_tell() -> None:
    rng = np.random.default_rng(14)
    held: dict[int, list[bool]] = {23: [], 24: [], 36: []}
    width: dict[int, list[float]] = {23: [], 24: [], 36: []}
    for months, of_months in held.items():
        for _ in range(200):
            talk, created, history = seasonal(rng, months, 0.35)
            came = sum(minutes for (_, month), minutes in talk.items() if month == history.stop)
            need = needed(talk, created, history, EVERY_DAY)
            assert need is not None
            assert (need.season is None) == (months < SEASON_MONTHS)
            of_months.append(need.low <= came <= need.high)
            width[months].append((need.high - need.low) / need.minutes)
    assert min(np.mean(held[24]), np.mean(held[36])) >= 0.93
    assert np.mean(held[23]) < 0.93  # of which the limits of the method speak
    assert max(np.mean(width[24]), np.mean(width[36])) < 0.8 * np.mean(width[23])


def test_the_season_of_a_month_is_how_far_it_lies_off_the_line_and_nothing_where_there_is_none() -> None:
    months = range(2024 * 12, 2027 * 12)
    factors, _ = seasons({m: 2 * days_of(m) * (3 if m % 12 == 11 else 1) for m in months}, months, EVERY_DAY)
    assert factors[11] / factors[5] == pytest.approx(3, rel=0.03)
    rng = np.random.default_rng(3)
    drawn = [seasons({m: int(rng.poisson(300)) for m in months}, months, EVERY_DAY)[0] for _ in range(40)]
    assert np.mean([max(f) / min(f) for f in drawn]) < 1.1
    assert seasons({}, months[:23], EVERY_DAY) == ((), 0.0)
    # growth is no season
    grown, _ = seasons({m: round(100 * 1.03 ** (m - months[0])) for m in months}, months, EVERY_DAY)
    assert max(grown) / min(grown) < 1.1


def test_new_deals_come_by_the_working_day_and_holidays_bring_none() -> None:
    talk, created, history = months_of(np.random.default_rng(12), 8, 100, before=4)
    usual, off = (
        needed(talk, created, history, replace(EVERY_DAY, holidays=h))
        for h in ((), tuple((9, d) for d in range(1, 16)))
    )
    assert usual is not None
    assert off is not None
    assert (usual.month, off.deals) == ("2024-09", pytest.approx(usual.deals / 2))


def test_what_comes_later_is_not_looked_at() -> None:
    talk, created, history = months_of(np.random.default_rng(12), 8, 100, before=4)
    past = {key: minutes for key, minutes in talk.items() if key[1] < history.stop}
    before = {month: n for month, n in created.items() if month < history.stop}
    assert needed(talk, created, history, EVERY_DAY) == needed(past, before, history, EVERY_DAY)


def test_without_chance_the_need_is_what_the_rates_say() -> None:
    """Ten deals a month that take 6 minutes, then 3, then 1 each month for ever: 10 × (6 + 3) and 1 for each older."""
    start, talk, created = 2024 * 12, {}, {}
    for made in range(start, start + 6):
        created[made] = 10
        for month in range(made, start + 6):
            talk[made, month] = 10.0 * {0: 6, 1: 3}.get(month - made, 1)
    need = needed(talk, created, range(start, start + 6), EVERY_DAY, 20)
    assert need is not None
    assert need.minutes == pytest.approx(20 * 6 + 10 * 3 + 50)
    assert need.carried == pytest.approx(80)
    assert (need.low, need.high) == pytest.approx((need.minutes, need.minutes))
    assert (need.deals_low, need.deals_high) == (20, 20)
    assert need.month == "2024-07"
    assert needed({}, created, range(start, start + 6), EVERY_DAY) is None
    assert needed(talk, created, range(start, start + 3), EVERY_DAY) is None
    # once no deals are created any more, how many come next is for the asker to say
    stopped = created | {start + 5: 0}
    assert needed(talk, stopped, range(start, start + 6), EVERY_DAY) is None
    assert needed(talk, stopped, range(start, start + 6), EVERY_DAY, 20) is not None


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield company


def test_the_rates_are_the_talk_of_the_rows_by_their_deals(demo: Company) -> None:
    calls, first, deals = placed_calls(demo), 0.0, 0
    for month in range(5, 11):
        of_month = _created_in(demo, Period.of_month(f"2026-{month:02}"))
        inside = calls.merge(of_month, on="deal_id")
        clock = pd.to_datetime(inside["started_at"], utc=True).dt.tz_convert(demo.timezone)
        first += inside.loc[clock.dt.month == month, "talk_seconds"].astype(float).sum() / 60
        deals += len(of_month)
    need = forecast(demo, OCTOBER).need
    assert need is not None
    assert need.rates[0] == pytest.approx(first / deals)


def _created_in(company: Company, period: Period) -> pd.DataFrame:
    start, stop = period.instants(company.timezone)
    rows = company.engine.query("SELECT deal_id FROM deals WHERE created_us >= ? AND created_us < ?", [start, stop])
    return pd.DataFrame(rows, columns=["deal_id"])


def test_a_check_is_the_forecast_that_would_have_been_made_then(demo: Company) -> None:
    told = forecast(demo, OCTOBER)
    assert [check.need.month for check in told.checks] == ["2026-09", "2026-10"]
    for check, month in zip(told.checks, ("2026-08", "2026-09"), strict=True):
        assert forecast(demo, Scope(Period.of_month(month))).need == check.need
        came = Scope(Period.of_month(check.need.month))
        rows = measure(demo, came, ["stage"]).frame().set_index("stage")["talk_minutes"]
        assert check.minutes == pytest.approx(rows["(total)"] - rows["(no deal)"], rel=0.02)
        assert check.held


def test_filters_days_and_the_given_number_hold(demo: Company) -> None:
    whole, some = forecast(demo, OCTOBER), forecast(demo, replace(OCTOBER, where={"source": ("Сайт",)}))
    assert whole.need is not None
    assert some.need is not None
    assert some.need.minutes < whole.need.minutes
    assert some.need.deals < whole.need.deals
    more = forecast(demo, OCTOBER, 500).need
    assert more is not None
    assert more.minutes - more.carried == pytest.approx(500 * more.rates[0])
    assert more.carried == pytest.approx(whole.need.carried)
    middle = forecast(demo, Scope(Period.of_days("2026-10-01", "2026-10-15")))
    assert middle.need is not None
    assert middle.need.month == "2026-10"
    assert forecast(demo, Scope(Period.of_month("2026-12"))).need == whole.need
    for number in (-1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="must be 0 or more"):
            forecast(demo, OCTOBER, number)


def test_a_young_company_gets_no_forecast_and_is_told_why(demo: Company) -> None:
    early = Scope(Period.of_month("2026-07"))
    assert forecast(demo, early).need is None
    section = callkit.Section("stages", demo, early, ("source",), demo.settings.locale("ru"))
    assert f"нужны {LEAST_MONTHS} полных месяца" in section.talk_needed().plain
    assert "полных месяцев: 3" in section.talk_needed().plain
    nobody = replace(OCTOBER, where={"source": ("nowhere",)})
    section = callkit.Section("stages", demo, nobody, ("source",), demo.settings.locale("en"))
    assert "whole months of calls" in section.talk_needed().plain
    assert "No data" in section.stage_capacity().plain


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lens", ["closed", "lifetime", "created", "called"])
def test_the_page_shows_the_load_and_the_need(demo: Company, lang: str, lens: str) -> None:
    section = callkit.Section("stages", demo, replace(OCTOBER, lens=lens), ("source",), demo.settings.locale(lang))
    table = section.stage_capacity().data[TABLE_MIME]
    assert sum(row[1] for row in table["rows"][:-1]) == pytest.approx(table["rows"][-1][1])
    assert (len(table["columns"]) == 6) == (lens in ("closed", "called"))
    needed_table = section.talk_needed().data[TABLE_MIME]
    need = section.forecast.need
    assert need is not None
    assert needed_table["rows"][-1][2] == round(need.minutes / 60, 1)
    hours = section.locale.number(need.minutes / 60)
    wanted = f"около {hours} ч" if lang == "ru" else f"about {hours} h"
    assert wanted in needed_table["note"].replace(NBSP, " ")


def test_a_viewer_is_told_of_his_own_talk_alone(demo: Company) -> None:
    ((manager_id,),) = demo.engine.query("SELECT manager_id FROM managers WHERE manager = 1")
    seen = replace(demo, viewer=Viewer("x", "themselves", (manager_id,)))
    own, whole = forecast(seen, OCTOBER).need, forecast(demo, OCTOBER).need
    assert own is not None
    assert whole is not None
    assert own.minutes < whole.minutes / 2
    told = capacity(seen, OCTOBER, measure(seen, OCTOBER, ["stage"]))
    everybody = capacity(demo, OCTOBER, measure(demo, OCTOBER, ["stage"]))
    most = {one.stage: one.entered for one in everybody.stages}
    assert all((one.entered or 0) <= (most[one.stage] or 0) for one in told.stages)
    assert sum(one.entered or 0 for one in told.stages) < sum(n or 0 for n in most.values())
