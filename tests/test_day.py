"""The working day promises counts that a plain reading of the calls gives: answered, missed, how soon called back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import EVER, HOSTILE, World, hand_world, narrow, world_of, worlds

import callkit
from callkit import Company, Period, Scope, charts, measure, open_company
from callkit.access import Viewer
from callkit.app.desk import Desk
from callkit.app.view import View
from callkit.decisions.clock import CAME, OVER, STILL, Wait, wait, working_minutes
from callkit.decisions.day import Times, uneven, week
from callkit.decisions.missed import missed
from callkit.decisions.responses import responses
from callkit.errors import UsageError
from callkit.locale import LANGUAGES, NBSP
from callkit.measures import wilson
from callkit.pieces import TABLE_MIME
from callkit.settings import Settings, parse
from callkit.working import Working
from callkit.zones import instant

PERIOD = Period(*EVER)
WEEK = ("weekday", "hour", "direction")
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
HOURS = (
    Working(),
    Working((1, 2, 3, 4, 5, 6, 7), 0, 1440, declared=True),
    Working((6, 7), 630, 745, declared=True),
    Working(
        (1, 2, 3, 4, 5), 0, 1080, holidays=(*((m, d) for m in range(1, 13) for d in (2, 9, 29)), dt.date(2026, 3, 4))
    ),
)


# A plain reading of the rules


def works(day: dt.date, working: Working) -> bool:
    free = day in working.holidays or (day.month, day.day) in working.holidays
    return day.isoweekday() in working.days and not free


def worked(since: dt.datetime, until: dt.datetime, working: Working, zone: str) -> float:
    """Minutes of the working days' hours between two readings of the clock, day by day."""
    one, other = (moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in (since, until))
    minutes, day = 0.0, one.date()
    while day <= other.date():
        if works(day, working):
            midnight = dt.datetime.combine(day, dt.time())
            opens, closes = (midnight + dt.timedelta(minutes=m) for m in (working.start, working.stop))
            minutes += max((min(other, closes) - max(one, opens)) / dt.timedelta(minutes=1), 0.0)
        day += dt.timedelta(days=1)
    return minutes


def plain_share(waits: list[tuple[float, int]], limit: float) -> float:
    """The share that came within `limit`: time after time, of those still there, times the share still there."""
    there, share = 1.0, 0.0
    for time in sorted({minutes for minutes, _ in waits}):
        if time > limit:
            break
        risk = [how for minutes, how in waits if minutes >= time]
        now = Counter(how for minutes, how in waits if minutes == time)
        share += there * now[CAME] / len(risk)
        there *= 1 - (now[CAME] + now[OVER]) / len(risk)
    return share


def plain_quantile(waits: list[tuple[float, int]], part: float) -> float | None:
    for time in sorted({minutes for minutes, how in waits if how == CAME}):
        if plain_share(waits, time) >= part - 1e-9:
            return time
    return None


def agrees(told: Wait, waits: list[tuple[float, int]]) -> None:
    counts = Counter(how for _, how in waits)
    assert (told.waits, told.came, told.over, told.still) == (
        len(waits), counts[CAME], counts[OVER], counts[STILL],
    )  # fmt: skip
    for quantile, part in ((told.median, 0.5), (told.ninth, 0.9)):
        assert quantile == pytest.approx(plain_quantile(waits, part), abs=1e-6)
    for within in told.within:
        known = waits and (not counts[STILL] or within.minutes <= max(minutes for minutes, _ in waits) + 1e-6)
        if within.share is not None:
            assert within.share == pytest.approx(plain_share(waits, within.minutes))
            assert within.low <= within.share <= within.high  # type: ignore[operator]
        else:
            assert not known or within.minutes >= max(minutes for minutes, _ in waits) - 1e-6


def last_of(world: World) -> dt.datetime:
    ends = [call["started_at"] for call in world.calls]
    ends += [deal[end] for deal in world.deals for end in ("created_at", "closed_at") if deal[end]]
    return max(ends)


def calls_on(world: World) -> dict[str, list[dict[str, Any]]]:
    places = oracle.placed(world)
    found: dict[str, list[dict[str, Any]]] = {deal["deal_id"]: [] for deal in world.deals}
    for call in world.calls:
        if (deal_id := places[call["call_id"]].deal_id) is not None:
            found[deal_id].append(call)
    return found


def plain_responses(world: World, working: Working, column: str | None = None) -> dict[str, tuple[Any, ...]]:
    """Deals, those brought by a talk, and the waits, by the value of a column; `(total)` is all of them."""
    found: dict[str, tuple[Any, ...]] = {}
    placed, last = calls_on(world), last_of(world)
    for value in ["(total)", *({deal[column] or "(not set)" for deal in world.deals} if column else ())]:
        deals = [d for d in world.deals if value == "(total)" or (d[column] or "(not set)") == value]
        brought, waits = 0, []
        for deal in deals:
            created, closed = deal["created_at"], deal["closed_at"]
            calls = [c for c in placed[deal["deal_id"]] if c["started_at"] >= created - HOUR]
            calls = [c for c in calls if closed is None or c["started_at"] <= closed]
            if any(c["started_at"] < created and c["talk_seconds"] > 0 for c in calls):
                brought += 1
                continue
            answers = [
                c for c in calls if c["started_at"] >= created and (c["direction"] == "out" or c["talk_seconds"])
            ]
            first = min((c["started_at"] for c in answers), default=None)
            until = first or closed or last
            how = CAME if first else OVER if closed else STILL
            waits.append((worked(created, until, working, world.timezone), how))
        found[value] = len(deals), brought, waits
    return found


def plain_attempts(world: World) -> tuple[Counter[str], dict[int, list[int]]]:
    """How first talks came, and by the number of an attempt on how many deals it was made and led to a talk."""
    how: Counter[str] = Counter()
    numbers: dict[int, list[int]] = {}
    placed = calls_on(world)
    for deal in world.deals:
        made, end = 0, ""
        calls = [c for c in placed[deal["deal_id"]] if c["started_at"] >= deal["created_at"] - HOUR]
        calls = [c for c in calls if deal["closed_at"] is None or c["started_at"] <= deal["closed_at"]]
        for moment in sorted({c["started_at"] for c in calls}):
            now = [c for c in calls if c["started_at"] == moment]
            made += sum(c["direction"] == "out" for c in now)
            talks = [c for c in now if c["talk_seconds"] > 0]
            if talks:
                end = "ours" if any(c["direction"] == "out" for c in talks) else "theirs"
                break
        how[end or ("silent" if made else "untried")] += 1
        for number in range(1, made + 1):
            own = numbers.setdefault(number, [0, 0])
            own[0] += 1
            own[1] += end == "ours" and number == made
    return how, numbers


def plain_missed(world: World, working: Working) -> dict[str, Any]:
    placed, places, last = calls_on(world), oracle.placed(world), last_of(world)
    inbound = [c for c in world.calls if c["direction"] == "in"]
    lost = [c for c in inbound if c["talk_seconds"] == 0]
    told: Counter[str] = Counter(inbound=len(inbound), missed=len(lost))
    waits = []
    for call in lost:
        clock = call["started_at"].astimezone(ZoneInfo(world.timezone))
        minute = clock.hour * 60 + clock.minute
        told["after_hours"] += not (works(clock.date(), working) and working.start <= minute < working.stop)
        deal_id = places[call["call_id"]].deal_id
        if deal_id is None:
            continue
        later = [c for c in placed[deal_id] if c["started_at"] >= call["started_at"]]
        back = min((c["started_at"] for c in later if c["direction"] == "out"), default=NEVER)
        again = min(
            (c["started_at"] for c in later if c["direction"] != "out" and c["talk_seconds"] > 0), default=NEVER
        )
        first = min(back, again)
        told["nothing" if first == NEVER else "called_back" if back <= again else "got_through"] += 1
        until = last if first == NEVER else first
        waits.append((worked(call["started_at"], until, working, world.timezone), STILL if first == NEVER else CAME))
    return {**told, "waits": waits}


def opened(world: World, working: Working = HOURS[0]) -> Company:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    clock = [f"{minute // 60:02}:{minute % 60:02}" for minute in (working.start, working.stop)]
    hours: dict[str, Any] = {"days": [names[day - 1] for day in working.days], "from": clock[0], "to": clock[1]}
    hours["holidays"] = [f"{h}" if isinstance(h, dt.date) else f"{h[0]:02}-{h[1]:02}" for h in working.holidays]
    return open_company(world.frames(), settings=Settings(timezone=world.timezone, working=hours))


@given(world=worlds(least=1), working=st.sampled_from(HOURS))
@settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_working_day_is_that_of_a_plain_reading_of_the_calls(world: World, working: Working) -> None:
    with opened(world, working) as company:
        column = next(iter(world.dimensions), None)
        told = responses(company, Scope(PERIOD), [column] if column else [])
        expected = plain_responses(world, working, column)
        assert {one.segment[0] for one in (*told.segments, told.whole)} == set(expected)
        for one in (*told.segments, told.whole):
            deals, brought, waits = expected[one.segment[0]]
            assert (one.deals, one.brought) == (deals, brought)
            agrees(one.wait, waits)
        how, numbers = plain_attempts(world)
        counts = told.attempts
        assert (counts.ours, counts.theirs, counts.silent, counts.untried) == tuple(
            how[name] for name in ("ours", "theirs", "silent", "untried")
        )
        assert {a.number: [a.tried, a.talked] for a in counts.numbers} == {
            n: both for n, both in numbers.items() if n <= 6
        }
        lost = missed(company, Scope(PERIOD)).whole
        wanted = plain_missed(world, working)
        for name in ("inbound", "missed", "after_hours", "called_back", "got_through", "nothing"):
            assert getattr(lost, name) == wanted.get(name, 0), name
        agrees(lost.wait, wanted["waits"])


@given(world=worlds(least=1))
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_week_has_every_call_once_where_the_clock_put_it(world: World) -> None:
    with opened(world) as company:
        told = week(measure(company, Scope(PERIOD), WEEK))
    cells: dict[tuple[int, int], list[int]] = {}
    for call in world.calls:
        clock = call["started_at"].astimezone(ZoneInfo(world.timezone))
        own = cells.setdefault((clock.isoweekday(), clock.hour), [0] * 5)
        out, talked = call["direction"] == "out", call["talk_seconds"] > 0
        into = call["direction"] == "in"
        for i, one in enumerate((True, out, out and talked, into, into and not talked)):
            own[i] += one
    assert {(t.weekday, t.hour): list(dataclasses.astuple(t)[2:]) for t in told.cells} == cells
    for parts in (told.hours, told.weekdays, told.cells):
        for name in ("calls", "outbound", "answered", "inbound", "missed"):
            assert sum(getattr(part, name) for part in parts) == getattr(told.whole, name)


@given(world=worlds(least=1), working=st.sampled_from(HOURS), by=st.sampled_from(("manager", "direction", "hour")))
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_missed_calls_of_the_segments_add_up_to_the_whole(world: World, working: Working, by: str) -> None:
    with opened(world, working) as company:
        told = missed(company, Scope(PERIOD), [by])
    for name in ("inbound", "missed", "after_hours", "called_back", "got_through", "nothing"):
        assert sum(getattr(one, name) for one in told.segments) == getattr(told.whole, name)
    assert told.whole.wait.waits == told.whole.followed


HAND = {
    "deals": """
deal_id,created_at,closed_at,outcome,amount,manager_id
A,2026-03-06 17:50:00,,open,,m1
B,2026-03-07 12:00:00,,open,,m1
C,2026-03-09 10:00:00,2026-03-09 12:00:00,lost,,m2
D,2026-03-09 10:00:00,,open,,m2
E,2026-03-10 09:00:00,,open,,m2
""",
    "calls": """
call_id,started_at,talk_seconds,direction,manager_id,deal_id
a1,2026-03-06 17:45:00,0,in,,A
a2,2026-03-09 09:10:00,0,out,m1,A
a3,2026-03-09 09:40:00,60,out,m1,A
b1,2026-03-09 08:00:00,0,out,m1,B
b2,2026-03-09 11:00:00,0,in,m1,B
b3,2026-03-09 11:30:00,30,in,m1,B
d1,2026-03-09 09:58:00,120,in,m2,D
e1,2026-03-10 18:30:00,0,in,m2,E
n1,2026-03-10 18:40:00,0,in,m2,
""",
    "stage_changes": "deal_id,changed_at,stage_id\n",
}


@pytest.fixture
def by_hand() -> Iterator[Company]:
    world = world_of({table: text.lstrip() for table, text in HAND.items()}, "Europe/Moscow", "naive")
    with opened(world) as company:
        yield company


def test_a_week_by_hand(by_hand: Company) -> None:
    """A waits over a weekend: ten minutes of Friday, ten of Monday; B, made on Saturday, is called before the day
    begins; C closes without a call; D came with a talk; E has waited the whole of Tuesday."""
    told = responses(by_hand, Scope(Period.of_month("2026-03")), ["owner"])
    whole = told.whole
    assert (whole.deals, whole.brought, whole.wait.came, whole.wait.over, whole.wait.still) == (5, 1, 2, 1, 1)
    assert whole.wait.median == pytest.approx(20)
    assert whole.wait.ninth is None
    # B at once, A after 20 minutes, of four that waited
    assert [w.share for w in whole.wait.within] == pytest.approx([0.25, 0.25, 0.5])
    assert {one.segment: (one.deals, one.brought) for one in told.segments} == {("m1",): (2, 0), ("m2",): (3, 1)}
    attempts = told.attempts
    assert (attempts.ours, attempts.theirs, attempts.silent, attempts.untried, attempts.mean) == (1, 2, 0, 2, 2.0)
    assert [(a.tried, a.talked, a.reached) for a in attempts.numbers] == [(2, 0, 0.0), (1, 1, 0.5)]
    lost = missed(by_hand, Scope(Period.of_month("2026-03"))).whole
    assert (lost.inbound, lost.missed, lost.after_hours, lost.followed) == (6, 4, 2, 3)
    assert (lost.called_back, lost.got_through, lost.nothing) == (1, 1, 1)
    # a1: 15 minutes of Friday and 10 of Monday; b2: half an hour; e1 came when nobody worked
    assert lost.wait.median == pytest.approx(25)
    assert lost.share == pytest.approx(4 / 6)


def test_working_minutes_follow_the_clock_of_the_account() -> None:
    """Berlin's clocks go forward in the night to 29 March 2026, a Sunday."""
    berlin = ZoneInfo("Europe/Berlin")
    ends = [dt.datetime(2026, 3, 27, 17, tzinfo=berlin), dt.datetime(2026, 3, 30, 10, tzinfo=berlin)]
    us = np.array([instant(end) for end in ends])
    one, other = working_minutes(us, Working(), "Europe/Berlin")
    assert other - one == pytest.approx(120)
    one, other = working_minutes(us, Working((6, 7), 0, 1440), "Europe/Berlin")
    assert other - one == pytest.approx(2 * 1440)  # the clock shows two whole days, though one has 23 hours


def test_another_call_later_changes_no_response_and_no_attempt(by_hand: Company) -> None:
    world = hand_world()
    with opened(world) as company, opened(world.with_calls_repeated()) as twice:
        one, other = (responses(c, Scope(PERIOD)) for c in (company, twice))
        assert one.whole == other.whole
        lost, doubled = (missed(c, Scope(PERIOD)).whole for c in (company, twice))
        assert (2 * lost.missed, 2 * lost.called_back, lost.wait.median) == (
            doubled.missed, doubled.called_back, doubled.wait.median,
        )  # fmt: skip
    weeks_later = world.shifted(52 * 7 * 86400)
    with (
        opened(dataclasses.replace(weeks_later, timezone="UTC")) as later,
        opened(dataclasses.replace(world, timezone="UTC")) as now,
    ):
        period = Period(dt.date(2025, 1, 1), dt.date(2029, 1, 1))
        assert responses(later, Scope(period)).whole == responses(now, Scope(period)).whole


def test_of_ten_waits_a_hand_can_count() -> None:
    minutes = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 100])
    told = wait(minutes, np.array([CAME] * 8 + [OVER, STILL]))
    assert (told.median, told.ninth) == (5.0, None)
    assert [(w.minutes, w.share) for w in told.within] == [
        (5, pytest.approx(0.5)), (15, pytest.approx(0.8)), (60, pytest.approx(0.8)),
    ]  # fmt: skip
    assert (told.within[0].low, told.within[0].high) == pytest.approx(wilson(5, 10))
    assert wait(minutes[:0], np.array([], dtype=np.int64)).median is None
    short = wait(np.array([3.0, 4.0]), np.array([CAME, STILL]))
    assert [w.share for w in short.within] == [None, None, None]  # nobody was watched so long


def test_the_interval_of_a_share_holds_the_truth_with_open_waits() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(1500):
        minutes, followed = rng.exponential(40, 80), rng.uniform(10, 400, 80)
        never = rng.random(80) < 0.2
        seen = np.where(never, followed, np.minimum(minutes, followed))
        told = wait(seen, np.where(never | (minutes > followed), STILL, CAME), [15])
        truth = 0.8 * (1 - math.exp(-15 / 40))
        held.append(told.within[0].low <= truth <= told.within[0].high)  # type: ignore[operator]
    assert 0.93 <= np.mean(held) <= 0.975


def test_hours_are_told_apart_where_chance_would_hardly_part_them() -> None:
    rng = np.random.default_rng(4)

    def day(rates: list[float]) -> list[Times]:
        return [Times(None, hour, 100, 100, int(rng.binomial(100, rate))) for hour, rate in enumerate(rates)]

    assert np.mean([uneven(day([0.6] * 9)) for _ in range(1000)]) < 0.02
    assert np.mean([uneven(day([0.6] * 8 + [0.3])) for _ in range(200)]) > 0.9
    assert not uneven([Times(None, 9, 10, 10, 9), Times(None, 10, 10, 10, 0)])
    assert not uneven([])


# Settings


def test_working_hours_are_read_from_settings() -> None:
    assert parse({}, "callkit.toml").hours == Working()
    made = parse({"working": {"days": ["sat", "mon"], "from": "8:30", "to": "24:00"}}, "callkit.toml")
    assert made.hours == Working((1, 6), 510, 1440, declared=True)
    assert parse({"working": {"to": "20:00"}}, "").hours == Working(stop=1200, declared=True)
    off = tomllib.loads('[working]\nholidays = ["2026-01-02", 2026-05-11, "05-09", "02-29", "05-09"]')
    holidays = (dt.date(2026, 1, 2), dt.date(2026, 5, 11), (5, 9), (2, 29))
    assert parse(off, "").hours == Working(declared=True, holidays=holidays)


def test_a_holiday_is_no_working_day_of_its_year_or_of_every_year() -> None:
    """January 2026 has 22 days from Monday to Friday; of 1-9 January seven are."""
    january = Period.of_month("2026-01")
    assert Working().days_in(january) == 22
    every = Working(holidays=tuple((1, day) for day in range(1, 10)))
    assert (every.days_in(january), every.days_in(Period.of_month("2026-02"))) == (15, 20)
    one = Working(holidays=(dt.date(2026, 1, 2), (1, 2), (1, 3), dt.date(2025, 1, 8), (2, 29)))
    assert one.days_in(january) == 21  # the 3rd is a Saturday
    assert one.days_in(Period.of_days("2024-02-26", "2024-03-03")) == 4
    assert one.days_in(Period.of_days("2025-12-29", "2026-01-04")) == 4


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"days": ["mon", "fry"]}, r"callkit\.toml: \[working\] days: 'fry' is no day; allowed: mon.*fri"),
        ({"days": []}, "one at least"),
        ({"holidays": ["31.12"]}, r"\[working\] holidays: '31.12' is no day; wanted: a date as '2026-01-02'"),
        ({"holidays": ["2026-02-29"]}, "is no day"),
        ({"holidays": ["13-01"]}, "is no day"),
        ({"holidays": [7]}, "'7' is no day"),
        ({"holidays": "05-09"}, "wanted: a list of days"),
        ({"days": ["mon", "mon"]}, "each day once"),
        ({"days": [1]}, "1 is no day"),
        ({"days": "mon"}, "wanted: a list of days"),
        ({"from": "9"}, r"\[working\] from = '9' is no time of day"),
        ({"to": "24:01"}, "is no time of day"),
        ({"to": "12:60"}, "is no time of day"),
        ({"from": "18:00", "to": "09:00"}, r"to = '09:00' must come after from = '18:00'"),
        ({"from": "19:00"}, "must come after"),
        ({"form": "09:00"}, r"form is not known; .*from"),
    ],
)
def test_working_hours_that_are_none_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse({"working": given}, "callkit.toml")


def test_a_store_keeps_the_working_hours(tmp_path: Any) -> None:
    from callkit.company import build

    folder = hand_world().write_csv(tmp_path / "shop")
    (folder / "callkit.toml").write_text('[working]\ndays = ["sat"]\nholidays = [2026-01-03]\n', encoding="utf-8")
    store = build(folder, tmp_path / "shop.duckdb", timezone="Europe/Berlin")
    with open_company(store) as company:
        assert company.settings.hours.days == (6,)
        assert company.settings.hours.holidays == (dt.date(2026, 1, 3),)


# The page


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield company


def page(company: Company, lang: str = "ru", by: tuple[str, ...] = ("manager",), **scope: Any) -> callkit.Section:
    made = Scope(scope.pop("period", Period.of_month("2026-10")), **scope)
    return callkit.Section("day", company, made, by, company.settings.locale(lang))


def pieces_of(section: callkit.Section) -> list[Any]:
    maps = [section.week_map(kind) for kind in ("calls", "answered", "missed")]
    rest = [section.hours(), section.response_times(), section.attempts(), section.missed_calls()]
    return [section.headline(), *maps, *rest, section.talk_by_hour()]


def test_the_headline_speaks_of_the_working_day(demo: Company) -> None:
    told = page(demo).headline().plain.replace(NBSP, " ")
    whole = week(measure(demo, Scope(Period.of_month("2026-10")), WEEK)).whole
    assert f"из {whole.outbound} исходящих" in told
    assert f"Пропущено {whole.missed} из {whole.inbound} входящих" in told
    assert "ждут первого звонка" in told
    assert "пн–пт, 09:00–18:00 (по умолчанию" in told
    english = page(demo, "en").headline().plain
    assert "New deals wait" in english
    assert "Mon–Fri, 09:00–18:00 (the default" in english


def test_the_tables_show_what_was_computed(demo: Company) -> None:
    section = page(demo)
    hours = section.hours().data[TABLE_MIME]["rows"]
    assert [row[1] for row in hours] == [*(t.calls for t in section.week.hours), section.week.whole.calls]
    told = section.response_times().data[TABLE_MIME]["rows"]
    assert [row[1] for row in told] == [one.deals for one in (*section.responses.segments, section.responses.whole)]
    lost = section.missed_calls().data[TABLE_MIME]["rows"]
    assert [row[2] for row in lost] == [one.missed for one in (*section.missed.segments, section.missed.whole)]
    assert sum(row[2] for row in lost[:-1]) == lost[-1][2]
    attempts = section.attempts().data[TABLE_MIME]
    assert [row[1] for row in attempts["rows"]] == [a.tried for a in section.responses.attempts.numbers]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_by_any_cut_filter_and_lens_the_page_is_whole(demo: Company, lang: str) -> None:
    for by in ((), ("source",), ("hour",), ("weekday", "stage"), ("source", "manager"), ("month",), ("team",)):
        assert all(repr(piece) for piece in pieces_of(page(demo, lang, by)))
    for lens in ("lifetime", "created", "called"):
        assert all(repr(piece) for piece in pieces_of(page(demo, lang, lens=lens)))
    filtered = page(demo, lang, where={"source": ("Авито",)})
    assert filtered.responses.whole.deals == measure(demo, replace(filtered.scope, lens="created")).total["deals"]
    assert all(repr(piece) for piece in pieces_of(page(demo, lang, credit="talk", where={"hour": ("11",)})))


def test_where_there_is_nothing_it_is_said(demo: Company) -> None:
    empty = page(demo, period=Period.of_month("2030-01"))
    told = [repr(piece) for piece in pieces_of(empty)]
    assert all("данных" in text.lower() or "звонков нет" in text for text in told[1:])
    none_missed = page(demo, where={"direction": ("out",)})
    assert "Пропущенных звонков нет" in none_missed.missed_calls().plain


def test_data_that_holds_talks_alone_is_said_to() -> None:
    world = hand_world()
    talks = [c | {"talk_seconds": 60, "call_id": f"{c['call_id']}{i}"} for c in world.calls for i in range(4)]
    with opened(dataclasses.replace(world, calls=talks)) as company:
        told = page(company, "en", period=PERIOD).headline().plain
        assert f"no unanswered calls ({len(talks)} calls)" in told
        assert "were answered." not in told
        assert "was missed" not in told


def test_hostile_names_stay_text() -> None:
    world = hand_world()
    people = [row | {"name": f"<script>{HOSTILE[2]}</script>{i}"} for i, row in enumerate(world.managers)]
    deals = [deal | {"source": "</script><img src=x onerror=1>"} for deal in world.deals]
    with opened(dataclasses.replace(world, managers=people, deals=deals)) as company:
        for by in (("manager",), ("source",)):
            section = page(company, by=by, period=Period.of_month("2026-03"))
            shown = [p for p in pieces_of(section) if hasattr(p, "html")]
            assert all("<script>" not in p.html and "<img" not in p.html for p in shown)
            assert any("&lt;" in p.html for p in shown)


def test_a_viewer_is_told_of_his_own_calls_and_deals_alone() -> None:
    """What colleagues do, on their deals and on his, changes nothing of what he is shown."""
    own = "a2,2026-03-09 09:10:00,0,out,m1,A"
    b_back = "b2,2026-03-09 11:00:00,0,in,m1,B"
    assert own in HAND["calls"]
    told = []
    for rest in ("0,out,m2,A", "90,in,m2,A", "0,in,,"):
        calls = HAND["calls"].replace(own, f"a2,2026-03-09 09:10:00,{rest}")
        calls = calls.replace(b_back, f"{b_back}\nb9,2026-03-09 11:05:00,{rest.replace(',A', ',B')}")
        # C is another's, and he only called it in vain: what came of his missed call there is not told
        calls += "c8,2026-03-09 10:30:00,0,in,m1,C\nc9,2026-03-09 10:40:00,0,out,m1,C\n"
        texts = HAND | {"calls": calls}
        world = world_of({table: text.lstrip() for table, text in texts.items()}, "Europe/Moscow", "naive")
        with opened(world) as company:
            seen = replace(company, viewer=Viewer("ira", "themselves", ("m1",)))
            section = page(seen, by=("owner",), period=Period.of_month("2026-03"))
            told.append([section.responses, section.missed, section.week, *map(repr, pieces_of(section))])
            whole = responses(company, section.scope, ["owner"])
            assert whole.whole.deals == 5
    assert told[0] == told[1] == told[2]
    answers, lost = told[0][:2]
    # A is first called by himself after the weekend, ten minutes and forty
    assert (answers.whole.deals, answers.whole.wait.came) == (2, 2)
    assert answers.whole.wait.ninth == pytest.approx(50)
    assert (lost.whole.inbound, lost.whole.missed, lost.whole.followed, lost.whole.got_through) == (3, 2, 1, 1)


def test_the_desk_answers_every_part_of_the_page(demo: Company) -> None:
    desk = Desk(demo, View(lang="ru"))
    told = desk.answer({"what": "view", "query": "page=day&period=2026-10"})
    assert told["title"] == "Рабочий день"
    for part in told["parts"]:
        answer = desk.answer({"what": "part", "name": part["name"], "query": "page=day&period=2026-10"})
        assert "trouble" not in answer
        assert "ck-warning" not in answer["shown"].get("html", "")
    hour = desk.answer({"what": "view", "query": "page=day&period=2026-10&by=hour"})
    assert "talk_by_hour" not in [part["name"] for part in hour["parts"]]


def test_cells_of_few_calls_have_no_colour(demo: Company) -> None:
    spec = page(demo).week_map("answered").spec
    few, sure = (spec["datasets"][name] for name in ("few", "sure"))
    assert few
    assert sure
    counts = {(t.weekday, t.hour): t.outbound for t in page(demo).week.cells}
    first = min(t.hour for t in page(demo).week.hours)  # type: ignore[type-var]
    days = sorted({t.weekday for t in page(demo).week.cells})  # type: ignore[type-var]
    for cell in (*few, *sure):
        n = counts[days[cell["row"]], first + cell["column"]]  # type: ignore[operator]
        assert (n < 10) == cell["few"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_of_the_week_keep_their_schema_wide_and_narrow(demo: Company, theme: Any) -> None:
    section = page(demo)
    asked = {"calls": "calls", "answered": "outbound", "missed": "inbound"}
    for kind, measure_name in asked.items():
        spec = charts.week_map(section.week, section.locale, kind=kind, theme=theme).to_dict(validate=True)
        phone = narrow(spec)
        days = sum(bool(getattr(t, measure_name)) for t in section.week.weekdays)
        assert len(spec["datasets"]["rows"]) == len(phone["datasets"]["columns"]) == days
        assert phone["width"] <= 350
    figures = section.cut("manager", "hour")
    made = charts.heatmap(figures, section.locale, theme=theme).to_dict(validate=True)
    assert [row["text"] for row in made["datasets"]["columns"]][:2] == ["9", "10"]
