"""Cohorts promise, of months that are not over, the share won that is known to be true later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from callkit.company import Company, open_company
from callkit.decisions.cohorts import Cohort, cohort, cohorts, incidence
from callkit.errors import UsageError
from callkit.figures import TOTAL
from callkit.measures import wilson
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.zones import Period

HALF_A_YEAR = Period.of_month("2026-05..2026-10")
WON_AT_LAST = 0.3


def lives(rng: np.random.Generator, deals: int) -> tuple[np.ndarray, np.ndarray]:
    """How long each deal lives, in days, and how it ends: won deals end sooner than lost ones."""
    ended = np.where(rng.random(deals) < WON_AT_LAST, 1, 2)
    return np.where(ended == 1, rng.exponential(12, deals), rng.exponential(35, deals)), ended


def won_within(days: float) -> float:
    return WON_AT_LAST * (1 - float(np.exp(-days / 12)))


def cut_off(rng: np.random.Generator, deals: int, month: int = 30) -> tuple[Cohort, np.ndarray, np.ndarray]:
    """A cohort of a month, seen ten days after its end, and what became of its deals in truth."""
    days, ended = lives(rng, deals)
    followed = 10 + rng.uniform(0, month, deals)
    seen = np.where(days <= followed, ended, 0)
    return cohort("2026-10", np.minimum(days, followed), seen, followed, (7, 30)), days, ended


@pytest.mark.parametrize("deals", [60, 250])
def test_the_band_holds_the_truth_that_is_known_later(deals: int) -> None:
    rng = np.random.default_rng(6)
    held, later, naive_low, closed_high = [], [], [], []
    for _ in range(800):
        seen, days, ended = cut_off(rng, deals)
        for point in seen.within:
            assert point.won is not None
            assert point.low is not None
            assert point.high is not None
            truth = won_within(point.days)
            held.append(point.low <= truth <= point.high)
            later.append(point.low <= np.mean((ended == 1) & (days <= point.days)) <= point.high)
        naive_low.append(seen.naive < WON_AT_LAST)
        closed_high.append((seen.of_closed or 0) > WON_AT_LAST)
    assert 0.93 <= np.mean(held) <= 0.975
    assert np.mean(later) >= 0.97
    # the two figures that mislead: one too low, the other too high
    assert np.mean(naive_low) > 0.7
    assert np.mean(closed_high) > 0.75


def test_the_estimate_is_right_on_the_average_where_the_naive_ones_are_not() -> None:
    rng = np.random.default_rng(7)
    seen = [cut_off(rng, 200)[0] for _ in range(400)]
    for i, days in enumerate((7, 30)):
        assert np.mean([c.within[i].won for c in seen]) == pytest.approx(won_within(days), abs=0.006)  # type: ignore[misc]
    assert np.mean([c.naive for c in seen]) < 0.26
    assert np.mean([c.of_closed for c in seen]) > 0.36  # type: ignore[misc]


def test_the_estimate_is_what_a_clock_run_by_hand_gives() -> None:
    """At each ending in turn: of those still there, how many are won, times the share that had come so far."""
    days = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    ended = np.array([1, 2, 0, 1, 0, 2])
    share, _, alive = incidence(days, ended, np.array([0.0, 1, 2, 3, 4, 5, 6]))
    assert share == pytest.approx([0, 1 / 6, 1 / 6, 1 / 6, 1 / 6 + 4 / 6 / 3, 1 / 6 + 4 / 6 / 3, 1 / 6 + 4 / 6 / 3])
    assert alive == pytest.approx([1, 5 / 6, 4 / 6, 4 / 6, 4 / 6 * 2 / 3, 4 / 6 * 2 / 3, 0])


def test_an_independent_program_finds_the_same() -> None:
    """The numbers are those of lifelines 0.30.3, AalenJohansenFitter and KaplanMeierFitter, on the same deals."""
    days = np.array([1.0, 2.5, 3, 4.5, 5, 6.5, 7, 8, 9.5, 11, 12, 13.5, 15, 20, 21.5, 30])
    ended = np.array([1, 2, 0, 1, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0])
    share, variance, alive = incidence(days, ended, np.array([1.0, 5, 10, 14, 25]))
    assert share == pytest.approx([0.0625, 0.1298076923, 0.2719017094, 0.3591524216, 0.4754867047])
    assert variance == pytest.approx([0.003662109375, 0.0073585562, 0.0136361632, 0.0171541593, 0.0216629983])
    assert alive == pytest.approx([0.9375, 0.7403846154, 0.5235042735, 0.3490028490, 0.1163342831])


def test_the_variance_is_that_of_repeated_companies() -> None:
    rng = np.random.default_rng(8)
    shares, variances = [], []
    for _ in range(1500):
        days, ended = lives(rng, 120)
        followed = 5 + rng.uniform(0, 40, 120)
        share, variance, _ = incidence(
            np.minimum(days, followed), np.where(days <= followed, ended, 0), np.array([25.0])
        )
        shares.append(share[0])
        variances.append(variance[0])
    assert np.mean(variances) == pytest.approx(np.var(shares), rel=0.08)


def test_without_open_deals_the_estimate_is_the_plain_share_and_the_band_wilsons() -> None:
    rng = np.random.default_rng(9)
    days, ended = lives(rng, 150)
    done = cohort("2026-01", days, ended, np.full(150, 1000.0), (7, 30, 90))
    for point in done.within:
        won = int(np.sum((ended == 1) & (days <= point.days)))
        assert point.won == pytest.approx(won / 150)
        assert (point.low, point.high) == pytest.approx(wilson(won, 150))
        assert not point.young
    assert done.naive == done.of_closed == pytest.approx(np.mean(ended == 1))


def test_winning_losing_and_staying_open_make_one() -> None:
    rng = np.random.default_rng(10)
    days, ended = lives(rng, 300)
    followed = rng.uniform(0, 60, 300)
    days, ended = np.minimum(days, followed), np.where(days <= followed, ended, 0)
    asked = np.arange(0.0, 50)
    won, _, alive = incidence(days, ended, asked)
    lost, _, _ = incidence(days, np.array([0, 2, 1])[ended], asked)
    assert won + lost + alive == pytest.approx(np.ones(50))


def test_young_cohorts_are_marked_and_silent_where_nothing_is_known() -> None:
    followed = np.linspace(1, 31, 31)
    month = cohort("2026-10", followed.copy(), np.zeros(31, dtype=np.int64), followed, (1, 7, 27, 28, 90))
    assert [p.young for p in month.within] == [False, True, True, True, True]
    assert [p.won for p in month.within] == [0, 0, 0, None, None]
    assert month.young
    assert month.of_closed is None
    assert month.curve[-1].days == 27
    first = month.within[0]
    assert (first.low, first.high) == pytest.approx((0, wilson(0, 30)[1]))


@pytest.fixture(scope="module")
def demo() -> Company:
    return open_company("demo")


def test_cohorts_count_the_deals_created_in_each_month(demo: Company) -> None:
    told = cohorts(demo, Scope(HALF_A_YEAR))
    by_month = measure(demo, Scope(HALF_A_YEAR, "created"), ["month"])
    figures = {row[0]: dict(zip(by_month.columns, row, strict=True)) for row in by_month.rows}
    assert {c.month for c in told} == set(figures)
    assert [c.month for c in told] == [*sorted(set(figures) - {TOTAL}), TOTAL]
    for c in told:
        expected = tuple(figures[c.month][name] for name in ("deals", "won_deals", "open_deals", "conversion"))
        assert (c.deals, c.won_deals, c.open_deals, c.naive) == expected
    assert [c.young for c in told[:-1]] == [False, False, False, False, True, True]


def test_filters_and_people_hold_for_cohorts(demo: Company) -> None:
    for where in ({"source": ["Сайт"]}, {"manager": ["502"]}):
        whole = cohorts(demo, Scope(HALF_A_YEAR, where=where))[-1]
        total = measure(demo, Scope(HALF_A_YEAR, "created", where=where)).total
        assert (whole.deals, whole.won_deals) == (total["deals"], total["won_deals"])
    assert cohorts(demo, Scope(HALF_A_YEAR, where={"source": ["nowhere"]})) == []
    with pytest.raises(UsageError, match="whole numbers above 0, not 7, 0"):
        cohorts(demo, Scope(HALF_A_YEAR), (7, 0))


def test_of_a_company_cut_off_early_the_months_come_out_as_they_do_later() -> None:
    """The same deals, as the tables stand at the end of March and half a year later."""
    rng = np.random.default_rng(14)
    days, ended = lives(rng, 900)
    created = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.uniform(0, 90, 900), "D")
    closed = created + pd.to_timedelta(days, "D")
    told = []
    for end in (pd.Timestamp("2026-04-01", tz="UTC"), pd.Timestamp("2027-06-01", tz="UTC")):
        over = closed < end
        deals = pd.DataFrame({
            "deal_id": [f"d{i}" for i in range(900)], "created_at": created.astype(str),
            "closed_at": closed.astype(str).where(over, None), "manager_id": "m", "amount": 1,
            "outcome": np.where(over, np.where(ended == 1, "won", "lost"), "open"),
        })  # fmt: skip
        calls = pd.DataFrame({
            "call_id": ["c1"], "started_at": [str(end)], "talk_seconds": [60], "direction": ["in"], "manager_id": ["m"],
            "deal_id": ["d1"],
        })  # fmt: skip
        changes = pd.DataFrame({"deal_id": deals["deal_id"], "changed_at": deals["created_at"], "stage_id": "new"})
        with open_company({"calls": calls, "deals": deals, "stage_changes": changes}, timezone="UTC") as company:
            told.append(cohorts(company, Scope(Period.of_month("2026-01..2026-03")), (7, 30)))
    for early, late in zip(*told, strict=True):
        assert not late.young
        assert late.open_deals == 0
        for then, now in zip(early.within, late.within, strict=True):
            if then.won is not None:
                assert then.low <= now.won <= then.high  # type: ignore[operator]
    march_early, march_late = told[0][2], told[1][2]
    assert march_early.young
    assert march_early.naive < march_late.naive < (march_early.of_closed or 0)
