"""How sure promises intervals that hold the truth in 93-97 cases of 100, and evidence that sums to the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_measuring import measured, opened
from worlds import Scope as Asked
from worlds import World, questions, worlds

from callkit.company import Company, open_company
from callkit.decisions.evidence import Evidence, evidence, with_columns
from callkit.decisions.sure import Interval, ratio_intervals, shrunk, sure
from callkit.measures import MEASURES, wilson
from callkit.measuring import measure
from callkit.scope import Scope, conditions
from callkit.zones import Period

OCTOBER = Period.of_month("2026-10")


@pytest.fixture(scope="module")
def demo() -> Company:
    return open_company("demo")


# Evidence


@st.composite
def asked(draw: st.DrawFn) -> tuple[World, list[Asked]]:
    world = draw(worlds(least=1))
    return world, draw(questions(world))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked())
def test_evidence_sums_to_the_figures_of_the_scope(question: tuple[World, list[Asked]]) -> None:
    world, scopes = question
    with opened(world) as company:
        for wanted in scopes:
            figures = measured(company, wanted)
            period = Period(wanted.start, wanted.stop)
            scope = Scope(period, wanted.lens, wanted.credit, conditions(wanted.where))
            rows = evidence(company, scope, wanted.by)
            names, place = rows.segments
            by_call = bool({"stage", "direction", "hour", "weekday"} & set(wanted.by)) and wanted.lens != "called"
            for row in figures.rows[:-1]:
                told = dict(zip(figures.columns, row, strict=True))
                here = place == names.index(tuple(row[: len(wanted.by)]))
                for name in ("talk_minutes", "deals", "won_deals", "revenue"):
                    if told[name] is not None and not (by_call and name != "talk_minutes"):
                        assert getattr(rows, name)[here].sum() == pytest.approx(told[name], rel=1e-9, abs=1e-9)
            for name in ("talk_minutes", "deals", "won_deals", "revenue"):
                assert getattr(rows.whole, name).sum() == pytest.approx(figures.total[name], rel=1e-9, abs=1e-9)
            known = rows.whole.deal[rows.whole.deal >= 0]
            assert len(np.unique(known)) == len(known)


def test_talk_after_the_sale_is_that_on_won_stages(demo: Company) -> None:
    scope = Scope(OCTOBER)
    won = Scope(OCTOBER, where={"stage": ["142"]})
    after = measure(demo, won, ["source"])
    assert after.total["talk_minutes"]
    rows = evidence(demo, scope, ["source"])
    assert rows.after_sale_minutes.sum() == pytest.approx(after.total["talk_minutes"])
    names, place = rows.segments
    for label, *figures in after.rows[:-1]:
        minutes = dict(zip(MEASURES, figures, strict=True))["talk_minutes"]
        assert rows.after_sale_minutes[place == names.index((label,))].sum() == pytest.approx(minutes)


def test_a_deal_of_several_managers_is_one_row_of_the_whole(demo: Company) -> None:
    by_manager, whole = evidence(demo, Scope(OCTOBER), ["manager"]), evidence(demo, Scope(OCTOBER))
    assert len(by_manager.deal) > len(whole.deal)
    for name in ("talk_minutes", "revenue", "after_sale_minutes"):
        assert np.sort(getattr(by_manager.whole, name)) == pytest.approx(np.sort(getattr(whole, name)))


def test_evidence_can_be_cut_by_fewer_columns(demo: Company) -> None:
    both, source = evidence(demo, Scope(OCTOBER), ["grade", "source"]), evidence(demo, Scope(OCTOBER), ["source"])
    (names, place), (own_names, own_place) = both.cut("source").segments, source.segments
    assert names == own_names
    assert np.bincount(place, both.revenue) == pytest.approx(np.bincount(own_place, source.revenue))


@pytest.mark.parametrize("lens", ["closed", "lifetime", "created"])
@pytest.mark.parametrize("credit", ["owner", "talk"])
def test_columns_of_deals_can_be_put_to_evidence_that_is_there(demo: Company, lens: str, credit: str) -> None:
    scope = Scope(OCTOBER, lens, credit)
    asked = evidence(demo, scope, ["grade", "source"])
    by_manager = evidence(demo, scope, ["manager"])
    put = with_columns(demo, by_manager, ["grade", "source"])
    (names, place), (put_names, put_place) = asked.segments, put.segments
    assert names == put_names
    for name in ("talk_minutes", "after_sale_minutes", "deals", "won_deals", "revenue"):
        sums = [np.bincount(p, getattr(rows, name), len(names)) for p, rows in ((place, asked), (put_place, put))]
        assert sums[0] == pytest.approx(sums[1])
    beside = by_manager.beside(put)
    both = evidence(demo, scope, ["manager", "grade", "source"])
    on_deals = both.where(both.deal >= 0)
    assert beside.segments[0] == on_deals.segments[0]
    assert np.bincount(beside.segments[1], beside.revenue) == pytest.approx(
        np.bincount(on_deals.segments[1], on_deals.revenue)
    )


# Intervals


def deals_of(
    rng: np.random.Generator, companies: int, deals: int, conversion: float, tail: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Companies of independent deals: which company, talk, amount won and whether won; the tails are lognormal."""
    place = np.repeat(np.arange(companies), deals)
    talk = rng.lognormal(2, tail, len(place)) * (rng.random(len(place)) > 0.1)
    won = (rng.random(len(place)) < conversion).astype(float)
    return place, talk, won * rng.lognormal(11, tail, len(place)), won


@pytest.mark.parametrize("tail", [0.5, 1.0, 1.5])
@pytest.mark.parametrize(("deals", "conversion"), [(30, 0.4), (50, 0.05), (100, 0.1), (400, 0.05), (1500, 0.3)])
def test_intervals_of_ratios_cover_the_truth(deals: int, conversion: float, tail: float) -> None:
    companies = min(5000, 500_000 // deals)
    rng = np.random.default_rng(20261001)
    place, talk, revenue, won = deals_of(rng, companies, deals, conversion, tail)
    minutes = 0.9 * math.exp(2 + tail**2 / 2)
    truths = (
        (revenue, talk, conversion * math.exp(11 + tail**2 / 2) / minutes),
        (talk, won, minutes / conversion),
    )
    chance = 3 * math.sqrt(0.05 * 0.95 / companies)
    for above, below, truth in truths:
        low, high = ratio_intervals(above, below, place, companies)
        told = ~np.isnan(low)
        assert told.mean() > 0.6
        covered = np.mean((low <= truth)[told] & (truth <= high)[told])
        assert 0.935 - chance <= covered <= 0.965 + chance, (deals, conversion, tail)


def test_an_interval_of_the_ratio_turned_over_is_that_interval_turned_over() -> None:
    place, talk, revenue, _ = deals_of(np.random.default_rng(3), 20, 80, 0.2, 1.2)
    low, high = ratio_intervals(revenue, talk, place, 20)
    assert np.array(ratio_intervals(talk, revenue, place, 20)) == pytest.approx(np.array([1 / high, 1 / low]))


def test_one_deal_that_is_nearly_all_widens_the_interval_but_not_without_end() -> None:
    talk, place = np.ones(60), np.zeros(60, dtype=np.int64)
    amounts = np.where(np.arange(60) < 12, 1.0, 0.0)
    giant = np.where(np.arange(60) == 0, 200.0, amounts)
    (low, high), (own_low, own_high) = (
        (float(end[0]) for end in ratio_intervals(a, talk, place, 1)) for a in (giant, amounts)
    )
    assert own_high / own_low < 5 < high / low < 30_000


def test_the_closed_form_is_what_a_bootstrap_over_deals_finds() -> None:
    """The bootstrap draws whole deals with replacement; studentised on the logarithm, it needs no formula for tails."""
    rng = np.random.default_rng(4)
    for deals, conversion, tail in ((400, 0.3, 0.5), (1000, 0.2, 0.7)):
        place, talk, revenue, won = deals_of(rng, 1, deals, conversion, tail)
        for above, below in ((revenue, talk), (talk, won)):
            (low,), (high,) = ratio_intervals(above, below, place, 1)
            drawn = rng.integers(0, deals, (4000, deals))
            ratios = np.log(above[drawn].sum(1) / below[drawn].sum(1))
            whole = above.sum() / below.sum()
            u = above[drawn] - np.exp(ratios)[:, None] * below[drawn]
            errors = np.sqrt((u**2).sum(1)) / above[drawn].sum(1)
            own = np.sqrt(((above - whole * below) ** 2).sum()) / above.sum()
            t = np.quantile((ratios - np.log(whole)) / errors, [0.975, 0.025])
            expected = np.exp(np.log(whole) - t * own)
            width = np.log(expected[1] / expected[0])
            assert np.log([low, high]) == pytest.approx(np.log(expected), abs=0.08 * width)


def test_wilsons_interval_covers_the_truth() -> None:
    """Exactly, by the binomial's own probabilities, on the average over conversions."""
    for deals in (30, 100, 400):
        ends = [wilson(k, deals) for k in range(deals + 1)]
        covered = []
        for truth in np.linspace(0.05, 0.6, 56):
            chances = [math.comb(deals, k) * truth**k * (1 - truth) ** (deals - k) for k in range(deals + 1)]
            covered.append(sum(c for c, (low, high) in zip(chances, ends, strict=True) if low <= truth <= high))
        assert 0.945 <= np.mean(covered) <= 0.955
        assert min(covered) > 0.91


def test_an_interval_does_not_mind_units_or_deals_without_anything() -> None:
    place, talk, revenue, _ = deals_of(np.random.default_rng(1), 1, 300, 0.3, 0.8)
    low, high = ratio_intervals(revenue, talk, place, 1)
    in_thousands = ratio_intervals(revenue / 1000, talk * 60, place, 1)
    assert np.array(in_thousands) == pytest.approx(np.array([low, high]) / 60_000)
    padded = [np.concatenate([values, np.zeros(3000)]) for values in (revenue, talk)]
    wider = ratio_intervals(*padded, np.zeros(3300, dtype=np.int64), 1)
    assert np.log(wider) == pytest.approx(np.log([low, high]), abs=0.02)


def test_too_few_sales_have_no_interval_and_equal_deals_a_point() -> None:
    place = np.zeros(40, dtype=np.int64)
    one = np.where(np.arange(40) == 0, 100.0, 0.0)
    assert np.isnan(ratio_intervals(one, np.ones(40), place, 1)).all()
    assert np.array(ratio_intervals(np.full(40, 8.0), np.full(40, 2.0), place, 1)) == pytest.approx(4)
    assert np.isnan(ratio_intervals(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), 2)).all()


# Shrinking


def test_small_segments_are_drawn_further_toward_the_whole() -> None:
    drawn, strength = shrunk([9, 90, 10, 100], [10, 100, 100, 1000])
    whole, raw = 209 / 1210, (0.9, 0.9, 0.1, 0.1)
    assert strength is not None
    for value, own in zip(drawn, raw, strict=True):
        assert value is not None
        assert min(own, whole) < value < max(own, whole)
    assert drawn[1] > drawn[0]
    kept = [(v - whole) / (own - whole) for v, own in zip(drawn, raw, strict=True) if v is not None]
    assert kept == pytest.approx([n / (n + strength) for n in (10, 100, 100, 1000)])


def test_shrinking_comes_nearer_to_the_truth_than_raw_figures_and_finds_the_strength() -> None:
    rng = np.random.default_rng(8)
    raw_error = drawn_error = 0.0
    strengths = []
    for _ in range(60):
        deals = rng.integers(5, 150, 30)
        truth = rng.beta(0.2 * 40, 0.8 * 40, 30)
        won = rng.binomial(deals, truth)
        drawn, strength = shrunk(list(won), list(deals))
        raw_error += float(np.sum((won / deals - truth) ** 2))
        drawn_error += float(np.sum((np.array(drawn) - truth) ** 2))
        strengths.append(strength)
    assert drawn_error < 0.6 * raw_error
    assert 30 < np.median(strengths) < 55


def test_segments_that_differ_by_chance_alone_are_mostly_the_whole() -> None:
    rng = np.random.default_rng(5)
    pooled = []
    for _ in range(100):
        deals = rng.integers(20, 200, 12)
        won = rng.binomial(deals, 0.2)
        drawn, strength = shrunk(list(won), list(deals))
        pooled.append(strength == np.inf or strength > 200)
        if strength == np.inf:
            assert drawn == pytest.approx([won.sum() / deals.sum()] * 12)
    assert np.mean(pooled) > 0.8


@pytest.mark.parametrize(
    ("won", "deals", "expected"),
    [([], [], []), ([0], [0], [None]), ([0, 0], [5, 9], [0, 0]), ([3, 0], [3, 0], [1, None]), ([1], [4], [0.25])],
)
def test_there_is_an_answer_at_every_edge(won: Sequence[int], deals: Sequence[int], expected: list[float]) -> None:
    assert shrunk(won, deals)[0] == expected


# Both, beside figures


@pytest.mark.parametrize("lens", ["closed", "lifetime", "created", "called"])
@pytest.mark.parametrize("by", [("source",), ("manager",), ("project", "grade"), ("stage",), ()])
def test_every_figure_has_its_interval_in_the_order_of_figures(demo: Company, lens: str, by: tuple[str, ...]) -> None:
    scope = Scope(OCTOBER, lens)
    figures = measure(demo, scope, by)
    told = sure(figures, evidence(demo, scope, by))
    assert [s.segment for s in told] == [tuple(row[: len(figures.keys)]) for row in figures.rows]
    for row, how in zip(figures.rows, told, strict=True):
        figure = dict(zip(figures.columns, row, strict=True))
        for name in ("conversion", "revenue_per_minute", "minutes_per_sale"):
            interval: Interval = getattr(how, name)
            assert interval.value == figure[name]
            if interval.low is not None:
                assert interval.low - 1e-12 <= interval.value <= interval.high  # type: ignore[operator]
            else:
                assert figure[name] is None or figure["won_deals"] < 2
        if (figure["deals"] or 0) > 0:
            assert how.conversion_shrunk is not None


def test_an_interval_of_the_whole_counts_deals_once(demo: Company) -> None:
    scope = Scope(OCTOBER)
    wholes = {
        sure(measure(demo, scope, by), evidence(demo, scope, by))[-1].revenue_per_minute.low for by in ([], ["manager"])
    }
    assert len({round(low or 0, 6) for low in wholes}) == 1


def test_what_figures_leave_empty_has_no_interval(demo: Company) -> None:
    scope = Scope(OCTOBER, where={"direction": ["in"]})
    for how in sure(measure(demo, scope, ["source"]), evidence(demo, scope, ["source"])):
        assert how.revenue_per_minute == Interval()


def test_evidence_of_nothing_is_empty(demo: Company) -> None:
    scope = Scope(OCTOBER, where={"source": ["nowhere"]})
    rows: Evidence = evidence(demo, scope, ["source"])
    assert len(rows.deal) == 0
    assert sure(measure(demo, scope, ["source"]), rows)[-1].revenue_per_minute == Interval()
