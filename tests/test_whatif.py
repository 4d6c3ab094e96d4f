"""What if promises forecasts that held on companies of known elasticity, the best split, and refusals in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_changed import figures_of

from callkit.company import Company, open_company
from callkit.decisions.whatif import BAND, ELASTICITY, Forecast, Refusal, best, move, what_if
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import LANGUAGES, NBSP, Locale
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.zones import Period

OCTOBER = Period.of_month("2026-10")


def company_of(minutes: dict[str, float], revenue: dict[str, float], *, deals: float = 100, won: float = 30) -> Figures:
    """Figures of a company with these minutes and revenues; the value of a minute is filled in."""
    plain = figures_of({
        s: {"talk_minutes": minutes[s], "revenue": revenue[s], "deals": deals, "won_deals": won} for s in minutes
    })  # fmt: skip
    at = plain.columns.index("revenue_per_minute")
    rows = []
    for row in plain.rows:
        told = dict(zip(plain.columns, row, strict=True))
        value = told["revenue"] / told["talk_minutes"] if told["talk_minutes"] else None
        rows.append((*row[:at], value, *row[at + 1 :]))
    return Figures(plain.by, rows)


MINUTES = {"A": 1000.0, "B": 500.0, "C": 2500.0}
REVENUE = {"A": 1e6, "B": 3e6, "C": 5e5}


def told(forecast: Forecast | Refusal) -> Forecast:
    assert isinstance(forecast, Forecast)
    return forecast


def test_a_forecast_is_the_power_law_of_its_assumption() -> None:
    forecast = told(what_if(company_of(MINUTES, REVENUE), {"A": 800, "B": 700}))
    by_hand = {e: 1e6 * 0.8**e + 3e6 * 1.4**e + 5e5 for e in (0.2, 0.34, 0.5, 1.0)}
    assert forecast.before == 4.5e6
    assert forecast.expected == pytest.approx(by_hand[0.34])
    assert forecast.low == pytest.approx(by_hand[0.2])
    assert forecast.high == pytest.approx(by_hand[0.5])
    assert forecast.ceiling == pytest.approx(by_hand[1.0])
    assert [(m.segment, m.minutes_after) for m in forecast.moved] == [(("B",), 700), (("A",), 800)]
    assert math.fsum(m.revenue_after - m.revenue_before for m in forecast.moved) == pytest.approx(forecast.change)


def test_the_band_holds_every_elasticity_between_its_ends() -> None:
    """A large giver and a small taker: the change is lowest within the band, not at its ends."""
    figures = company_of({"A": 1000.0, "B": 1000.0}, {"A": 1.0e6, "B": 0.75e6})
    forecast = told(what_if(figures, {"A": 500, "B": 1900}, elasticity=0.5, band=(0.01, 0.99)))
    for power in np.linspace(0.01, 0.99, 99):
        revenue = 1e6 * 0.5**power + 0.75e6 * 1.9**power
        assert forecast.low <= revenue + 1e-3 * 1e6
        assert revenue <= forecast.high + 1


@pytest.mark.parametrize("truth", [0.2, 0.3, 0.34, 0.42, 0.5])
def test_forecasts_hold_on_companies_whose_elasticity_is_in_the_band(truth: float) -> None:
    """A month is seen, minutes are moved, and the next month is drawn by the law that made the first one."""
    rng = np.random.default_rng(round(1000 * truth))
    inside, errors = [], []
    for _ in range(300):
        minutes = {s: float(rng.uniform(500, 4000)) for s in "ABCD"}
        worth = {s: rng.uniform(2e4, 2e5) for s in "ABCD"}
        law = {s: worth[s] * minutes[s] ** truth for s in minutes}
        giver, taker = rng.choice(list("ABCD"), 2, replace=False)
        moved = min(0.5 * minutes[giver], 0.9 * minutes[taker])
        figures = company_of(minutes, law)
        forecast = told(what_if(figures, move(figures, giver, taker, moved)))
        after = minutes | {giver: minutes[giver] - moved, taker: minutes[taker] + moved}
        came = sum(worth[s] * after[s] ** truth for s in minutes)
        inside.append(forecast.low - 1e-6 * came <= came <= forecast.high + 1e-6 * came)
        errors.append(forecast.expected / came - 1)
    assert np.mean(inside) > 0.97
    assert abs(np.mean(errors)) < 0.01
    assert np.max(np.abs(errors)) < 0.08


def test_forecasts_from_months_of_chance_are_right_on_the_average() -> None:
    """Deals are won by chance and their amounts have tails: the band is then of the assumption, not of the month."""
    rng = np.random.default_rng(55)
    expected, came = [], []
    for _ in range(400):
        minutes = {"A": 2000.0, "B": 1500.0}
        rate = {"A": 40.0, "B": 80.0}

        def month(minutes: dict[str, float], rate: dict[str, float] = rate) -> dict[str, float]:
            sales = {s: rng.poisson(rate[s] * (minutes[s] / {"A": 2000.0, "B": 1500.0}[s]) ** ELASTICITY) for s in rate}
            return {s: float(rng.lognormal(10, 0.8, n).sum()) for s, n in sales.items()}

        figures = company_of(minutes, month(minutes))
        expected.append(told(what_if(figures, {"A": 1400, "B": 2100})).change)
        came.append(sum(month({"A": 1400.0, "B": 2100.0}).values()) - sum(month(minutes).values()))
    spread = np.std(came) / np.sqrt(400)
    assert np.mean(expected) == pytest.approx(np.mean(came), abs=3 * spread)
    assert np.mean(expected) > 0


def test_where_every_minute_brings_the_same_the_ceiling_comes_true_and_never_more() -> None:
    figures = company_of(MINUTES, REVENUE)
    forecast = told(what_if(figures, move(figures, "C", "B", 400)))
    straight = 1e6 + 3e6 * 900 / 500 + 5e5 * 2100 / 2500
    assert forecast.ceiling == pytest.approx(straight)
    assert forecast.low < forecast.expected < forecast.high < forecast.ceiling


def test_the_best_split_is_the_one_another_solver_finds() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(3)
    for _ in range(10):
        names = [f"s{i}" for i in range(6)]
        minutes = dict(zip(names, rng.uniform(300, 3000, 6).tolist(), strict=True))
        revenue = dict(zip(names, rng.uniform(1e5, 3e6, 6).tolist(), strict=True))
        forecast = told(best(company_of(minutes, revenue), least=0.6, most=1.8))
        own, worth = np.array(list(minutes.values())), np.array(list(revenue.values()))
        found = minimize(
            lambda t, own=own, worth=worth: -np.sum(worth * t**ELASTICITY) / worth.sum(),
            np.ones(6), method="SLSQP", bounds=[(0.6, 1.8)] * 6, options={"ftol": 1e-12, "maxiter": 500},
            constraints={"type": "eq", "fun": lambda t, own=own: (own @ t - own.sum()) / own.sum()},
        )  # fmt: skip
        assert found.success
        assert forecast.expected == pytest.approx(-found.fun * worth.sum(), rel=1e-6)
        assert forecast.expected >= forecast.before
        assert sum(m.minutes_after for m in forecast.moved) == pytest.approx(own.sum())
        times = [m.minutes_after / m.minutes_before for m in forecast.moved]
        assert 0.6 - 1e-9 <= min(times) <= max(times) <= 1.8 + 1e-9


def test_where_all_minutes_are_worth_the_same_the_best_is_what_is() -> None:
    forecast = told(best(company_of({"A": 100.0, "B": 900.0}, {"A": 1e4, "B": 9e4})))
    assert [m.minutes_after for m in forecast.moved] == pytest.approx([m.minutes_before for m in forecast.moved])
    assert forecast.expected == pytest.approx(forecast.before)


def test_the_assumption_is_always_said() -> None:
    forecast = told(what_if(company_of(MINUTES, REVENUE), {"A": 800, "B": 700}))
    assert "Assumed, not measured" in forecast.said(Locale("en", "EUR"))
    assert "power of 0.34 (0.20 to 0.50)" in forecast.said(Locale("en", "EUR"))
    russian = forecast.said(Locale("ru", "RUB")).replace(NBSP, " ")
    assert "Допущение, а не измерение" in russian
    assert "Если перенести 200 мин разговоров" in russian
    assert "Потолок" in russian


SMALL = company_of(MINUTES, REVENUE, deals=20)
FEW_SALES = company_of(MINUTES, REVENUE, won=3)


@pytest.mark.parametrize(
    ("figures", "minutes", "reason"),
    [
        (SMALL, {"A": 900}, "few_deals"),
        (FEW_SALES, {"A": 900}, "few_sales"),
        (company_of(MINUTES, dict.fromkeys(MINUTES, 0.0)), {"A": 900}, "no_revenue"),
        (company_of(MINUTES, REVENUE | {"A": 0.0}), {"A": 900}, "few_sales"),
        (company_of(MINUTES, REVENUE), {"A": 499}, "too_far"),
        (company_of(MINUTES, REVENUE), {"A": 2001}, "too_far"),
        (company_of({"(no deal)": 50.0, "A": 10.0}, {"(no deal)": 0.0, "A": 10.0}), {"(no deal)": 40}, "unnamed"),
        (Figures(("source",), [("A", *[None] * 20), ("(total)", *[None] * 20)]), {}, "undefined"),
    ],
)  # fmt: skip
def test_what_the_data_cannot_carry_is_refused_in_words(
    figures: Figures, minutes: dict[str, float], reason: str
) -> None:
    refusal = what_if(figures, minutes)  # type: ignore[arg-type]
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    for lang in LANGUAGES:
        assert refusal.said(Locale(lang)).startswith(("No forecast", "Прогноза нет"))


def test_the_best_split_refuses_as_well() -> None:
    for figures in (SMALL, FEW_SALES, company_of({"A": 10.0}, {"A": 10.0})):
        refusal = best(figures)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "too_few_segments"
        assert "30" in refusal.said(Locale("en"))


def test_a_mistake_is_told() -> None:
    figures = company_of(MINUTES, REVENUE)
    with pytest.raises(UsageError, match=r"there is no segment 'a'\. Did you mean 'A'"):
        what_if(figures, {"a": 3})
    with pytest.raises(UsageError, match="cannot take -1"):
        what_if(figures, {"A": -1})
    with pytest.raises(UsageError, match="elasticity"):
        what_if(figures, {}, elasticity=0.9)
    with pytest.raises(UsageError, match="elasticity"):
        best(figures, band=(0.0, 0.5))
    with pytest.raises(UsageError, match="limits"):
        best(figures, least=0.1)
    with pytest.raises(UsageError, match="A has 1000 minutes"):
        move(figures, "A", "B", 1001)
    with pytest.raises(UsageError, match="there is no segment 'X'"):
        move(figures, "A", "X", 1)


@pytest.fixture(scope="module")
def demo() -> Company:
    return open_company("demo")


@pytest.mark.parametrize("lens", ["closed", "lifetime", "created", "called"])
@pytest.mark.parametrize("by", ["source", "manager", "stage", "month"])
def test_every_cut_of_the_demo_company_has_a_forecast_or_a_reason(demo: Company, lens: str, by: str) -> None:
    answer = best(measure(demo, Scope(OCTOBER, lens), [by]))
    if by == "stage" or (lens == "called" and by != "source"):
        assert answer == Refusal("undefined")
    elif isinstance(answer, Forecast):
        assert answer.before <= answer.expected <= answer.ceiling
        assert answer.band == BAND
    else:
        assert by == "month"


def test_nothing_moved_changes_nothing(demo: Company) -> None:
    forecast = told(what_if(measure(demo, Scope(OCTOBER), ["source"]), {}))
    assert forecast.before == forecast.low == forecast.expected == forecast.high == forecast.ceiling
