"""Findings promise silence on companies of chance alone, what was planted first, and words that claim no cause."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from companies import SHAPES, TRUTHS, Shape, tables
from nulls import COLUMNS, chance_company

from callkit import demo
from callkit.company import Company, open_company
from callkit.decisions import comparing, looking
from callkit.decisions.chance import corrected, grown, shuffled
from callkit.decisions.evidence import Evidence
from callkit.decisions.finding import KINDS, Finding
from callkit.decisions.findings import findings, holding, look, look_back, ranked
from callkit.locale import LANGUAGES, NBSP, Locale
from callkit.scope import Scope
from callkit.zones import Period

OCTOBER = Period.of_month("2026-10")
CAUSES = re.compile(
    "waste|because|caus|due to|thanks to|теря|из-за|благодаря|потому|причин|привел|привод", re.IGNORECASE
)


# The tests behind findings


def by_shuffling(values: np.ndarray, inside: np.ndarray, strata: np.ndarray, draws: int) -> float:
    """The p-value as `shuffled` promises it, by really shuffling: two-sided by doubling the tail that was seen."""
    rng = np.random.default_rng(12)
    means = np.bincount(strata, values) / np.bincount(strata)
    apart = values - means[strata]
    seen = apart[inside].sum()
    total = np.zeros(draws)
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        mixed = rng.permuted(np.tile(apart[here], (draws, 1)), axis=1)
        total += mixed[:, : int(inside[here].sum())].sum(axis=1)
    return min(1.0, 2 * float(np.mean(total >= seen if seen > 0 else total <= seen)))


@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_computed_permutation_test_is_the_shuffled_one(seed: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    amounts = rng.lognormal(0, 1.2, 160) * (rng.random(160) < 0.4) - 0.4 * rng.lognormal(0, 1, 160)
    place, like = rng.integers(0, 4, 160), rng.integers(0, strata, 160)
    values = amounts + (place == 0) * (0.35 if seed % 2 else -0.25)
    expected = by_shuffling(values, place == 0, like, 40_000)
    (got,) = shuffled(values, place, [0], like)
    assert got == pytest.approx(expected, rel=0.25, abs=0.03 if expected > 0.1 else 0.001)


def test_a_permutation_test_of_trials_is_the_exact_one() -> None:
    """Fisher's exact test, its tail doubled, from binomial coefficients."""
    won = np.repeat([1.0, 0.0], [30, 90])
    for inside_won, inside in ((15, 30), (3, 40), (12, 25)):
        place = np.ones(120, dtype=np.int64)
        place[:inside_won] = 0
        place[30 : 30 + inside - inside_won] = 0
        chances = {
            k: math.comb(30, k) * math.comb(90, inside - k) / math.comb(120, inside)
            for k in range(min(30, inside) + 1)  # all that can be
        }
        above = inside_won > inside * 30 / 120
        exact = 2 * sum(c for k, c in chances.items() if (k >= inside_won if above else k <= inside_won))
        assert shuffled(won, place, [0])[0] == pytest.approx(exact, rel=0.15)


def test_many_rows_are_put_into_bins_without_changing_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(0, 1.3, 12_000) * (rng.random(12_000) < 0.3)
    place, like = rng.integers(0, 10, 12_000), rng.integers(0, 5, 12_000)
    values = values + 0.35 * (place == 4)
    binned = shuffled(values, place, range(10), like)
    monkeypatch.setattr("callkit.decisions.chance._ROWS", 10**9)
    assert binned == pytest.approx(shuffled(values, place, range(10), like), rel=0.01)
    assert binned[4] < 1e-3


def test_what_shuffling_cannot_change_is_no_news() -> None:
    assert shuffled(np.ones(9), np.arange(9) % 3, [0, 1]).tolist() == [1, 1]
    assert shuffled(np.array([1.0, 2, 9]), np.zeros(3, dtype=np.int64), [0]).tolist() == [1]
    apart = np.array([5.0, 6, 7, 100, 101, 102])  # each segment is a stratum of its own
    assert shuffled(apart, np.array([0, 0, 0, 1, 1, 1]), [0], np.array([0, 0, 0, 1, 1, 1])).tolist() == [1]


def test_growth_of_a_sum_is_what_tossed_rows_give() -> None:
    rng = np.random.default_rng(5)
    for exposure in (1.0, 1.2):
        before, after = rng.lognormal(0, 1.2, 90), rng.lognormal(0, 1.2, 140)
        rows = np.concatenate([before, after])
        tossed = (rng.random((60_000, len(rows))) < exposure / (1 + exposure)) @ rows
        assert grown(before, after, exposure) == pytest.approx(
            float(np.mean(tossed >= after.sum())), rel=0.1, abs=0.002
        )
    assert grown(after, before, 1.0) == 1
    assert grown(np.zeros(0), np.ones(20), 1.0) == pytest.approx(0.5**20)


def test_p_values_are_corrected_as_benjamini_and_hochberg_have_it() -> None:
    """Their own example: the fifteen p-values of JRSS B 57 (1995), p. 295, of which four hold at 5 %."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    q = corrected(p)
    assert sum(value <= 0.05 for value in q) == 4
    assert corrected(p[::-1]) == q[::-1]
    assert corrected([]) == []
    assert corrected([0.2]) == [0.2]
    assert corrected([0.04, 0.01]) == [0.04, 0.02]


# Chance alone


def looked_at(seed: int, deals: int, tail: float) -> list[Finding]:
    (before, before_managers), (now, managers) = chance_company(seed, deals, tail)
    worth = float(now.revenue.sum() / now.talk_minutes.sum())
    found = look(now, managers, COLUMNS, 30, worth)
    return found + look_back(now, before, managers, before_managers, COLUMNS, 30, worth, (1.0, 1.0))


def test_on_a_hundred_companies_of_chance_alone_at_most_one_in_twenty_shows_a_finding() -> None:
    many, told, p_values = 100, [], []
    for seed in range(many):
        looked = looked_at(seed, 260, (0.6, 1.0, 1.4)[seed % 3])
        told.append(len(ranked(holding(looked))))
        p_values += [f.p for f in looked]
    assert len(p_values) / many > 40
    assert np.mean(np.array(told) > 0) <= 0.05
    # and the tests themselves are honest: neither blind nor alarmed
    for level in (0.05, 0.01):
        assert 0.6 * level < np.mean(np.array(p_values) <= level) < 1.35 * level


def found_in(seed: int, shape: Shape, truth: str = "") -> list[Finding]:
    with open_company(tables(seed, shape, truth), timezone="UTC") as own:
        return list(findings(own, Scope(Period.of_month("2026-09"))).found)


SEEDS = int(os.environ.get("CALLKIT_SEEDS", "3"))
"""How many companies of each shape: 200 take an hour on a small machine."""


def test_on_whole_companies_of_chance_alone_nearly_nothing_is_found_whatever_their_shape() -> None:
    """Also where most calls fall on the first stage, months go up and down, managers are uneven, tails are heavy."""
    alarmed = {name: sum(bool(found_in(seed, shape)) for seed in range(SEEDS)) for name, shape in SHAPES.items()}
    allowed = 0.05 * SEEDS * len(SHAPES)
    assert sum(alarmed.values()) <= allowed + 1.6 * math.sqrt(allowed), alarmed


@pytest.mark.parametrize("truth", list(TRUTHS))
def test_on_whole_companies_what_is_planted_is_among_the_first_three(truth: str) -> None:
    shape = dataclasses.replace(SHAPES["plain"], deals=300)
    seen = [[(f.kind, f.by, f.segment) for f in found_in(seed, shape, truth)[:3]] for seed in range(SEEDS)]
    assert np.mean([(truth, *TRUTHS[truth]) in three for three in seen]) >= 0.95, seen


# What is planted


def planted(change: str) -> tuple[Evidence, Evidence, Evidence, Evidence]:
    """A company of chance alone but for one thing, in its second month: source 1 or manager 2 or all of it."""
    (before, before_managers), (now, managers) = chance_company(77, 700, 0.8)

    def bent(rows: Evidence, here: np.ndarray, **factors: float) -> Evidence:
        return dataclasses.replace(
            rows, **{n: np.where(here, getattr(rows, n) * f, getattr(rows, n)) for n, f in factors.items()}
        )

    source, manager = now.codes["source"] == 1, managers.codes["manager"] == 2
    if change == "heavy":
        now = bent(now, source, talk_minutes=3.0, revenue=0.5)
    elif change == "light":
        now = bent(now, source, talk_minutes=0.3, revenue=4.0)
    elif change == "after_sale":
        more = np.where(source, now.won_deals * 30, 0)
        late = now.after_sale_minutes + more
        now = dataclasses.replace(now, talk_minutes=now.talk_minutes + more, after_sale_minutes=late)
    elif change == "manager":
        managers = bent(managers, manager, won_deals=0.0, revenue=0.0)
    elif change == "change":
        lost = np.arange(len(now.deal)) % 2 == 0
        now = bent(now, lost, won_deals=0.0, revenue=0.0)
    return now, before, managers, before_managers


@pytest.mark.parametrize(
    ("change", "by", "segment"),
    [
        ("heavy", "source", "source 1"),
        ("light", "source", "source 1"),
        ("after_sale", "source", "source 1"),
        ("manager", "manager", "manager 2"),
        ("change", "", ""),
    ],
)
def test_what_is_planted_comes_first_with_its_evidence(change: str, by: str, segment: str) -> None:
    now, before, managers, before_managers = planted(change)
    worth = float(now.revenue.sum() / now.talk_minutes.sum())
    looked = look(now, managers, COLUMNS, 30, worth)
    looked += look_back(now, before, managers, before_managers, COLUMNS, 30, worth, (1.0, 1.0))
    found = [f for f in ranked(holding(looked)) if f.kind == change]
    assert (found[0].by, found[0].segment) == (by, segment)
    others = {(f.by, f.segment) for f in found[1:] if f.kind != "change"}
    assert len(others) <= 1
    first = found[0]
    assert first.q is not None
    assert first.p is not None
    assert first.p <= first.q <= 0.01
    assert 0 < first.certain < first.stake
    assert first.where == ({by: (segment,)} if by else {})


def test_the_stake_of_a_heavy_segment_is_what_its_talk_would_be_worth_less_what_it_brought() -> None:
    now, *_ = planted("heavy")
    found = {f.segment: f for f in looking.time_and_money(now, ["source"], 30)}
    here = now.codes["source"] == 1
    worth = now.revenue.sum() / now.talk_minutes.sum()
    assert found["source 1"].stake == pytest.approx(worth * now.talk_minutes[here].sum() - now.revenue[here].sum())
    assert found["source 1"].versus == pytest.approx(worth)
    assert found["source 1"].talk_share == pytest.approx(now.talk_minutes[here].sum() / now.talk_minutes.sum())


def test_the_stake_of_talk_after_the_sale_is_what_exceeds_the_usual_share() -> None:
    now, *_ = planted("after_sale")
    found = {f.segment: f for f in looking.after_sale(now, ["source"], 30, 7.0)}
    here = now.codes["source"] == 1
    usual = now.after_sale_minutes.sum() / now.talk_minutes.sum()
    more = now.after_sale_minutes[here].sum() - usual * now.talk_minutes[here].sum()
    assert found["source 1"].stake == pytest.approx(7.0 * more)
    assert found["source 1"].versus == pytest.approx(usual)
    least = min(found.values(), key=lambda f: f.value or 0)
    assert not least.material


def test_a_manager_is_compared_with_peers_on_like_deals() -> None:
    """Manager 2 gets the hard source alone, and sells there as everybody does: nothing is said of him."""
    rng = np.random.default_rng(31)
    n = 3000
    source = rng.integers(0, 2, n)
    manager = np.where(source == 1, rng.choice([1, 2], n), rng.choice([0, 1], n))
    won = (rng.random(n) < np.where(source == 1, 0.08, 0.4)).astype(float)
    talk, ones = rng.lognormal(2, 0.8, n), np.ones(n)
    labels = {"manager": {i: f"m{i}" for i in range(3)}, "source": {0: "easy", 1: "hard"}}
    rows = Evidence(
        ("manager", "source"), np.arange(n), {"manager": manager, "source": source}, labels,
        talk, np.zeros(n), ones, won, won * rng.lognormal(10, 0.5, n),
    )  # fmt: skip
    looked = comparing.managers(rows, ["source"], 30, whole_deals=True, with_minutes=True)
    assert not holding(looked)
    raw = comparing.managers(rows, [], 30, whole_deals=True, with_minutes=True)
    assert {f.segment for f in holding(raw)} >= {"m2"}
    hard = next(f for f in looked if f.segment == "m2" and f.measure == "conversion")
    assert hard.versus == pytest.approx(0.08, abs=0.02)
    split = comparing.managers(rows, ["source"], 30, whole_deals=False, with_minutes=True)
    assert {f.measure for f in split} == {"revenue_per_minute"}


def on_stages(talk: np.ndarray, stays: tuple[float, ...] = (500.0,) * 4) -> looking.Stages:
    """Five hundred deals with a row on each of four stages that follow one another."""
    deal, place = np.repeat(np.arange(500), 4), np.tile(np.arange(4), 500)
    names, fair = ["New", "Offer", "Survey", "Contract"], np.array([0.3, 0.25, 0.25, 0.25])
    return looking.Stages(talk, deal, place, names, np.array(stays), fair, [range(i) for i in range(4)])


def test_a_stage_that_takes_more_than_its_deals_its_time_and_the_stages_before_explain_is_found() -> None:
    even, place = np.random.default_rng(9).lognormal(1, 1, 2000), np.tile(np.arange(4), 500)
    assert not holding(looking.stages(on_stages(even), 5.0, 30))
    much = even * np.where(place == 1, 4, 1)
    (found,) = holding(looking.stages(on_stages(much), 5.0, 30))
    assert (found.segment, found.by, found.value) == ("Offer", "stage", pytest.approx(4 / 7, abs=0.04))
    assert found.versus == 0.25
    assert found.stake == pytest.approx((found.value - 0.25) * 5.0 * much.sum())  # type: ignore[operator]
    # a deal that comes to the stage takes no more than on the first one, where but a few stood
    assert not holding(looking.stages(on_stages(much, (125.0, 500.0, 500.0, 500.0)), 5.0, 30))


def test_a_stage_is_not_said_to_eat_the_talk_where_talk_falls_from_stage_to_stage() -> None:
    even, place = np.random.default_rng(9).lognormal(1, 1, 2000), np.tile(np.arange(4), 500)
    looked = looking.stages(on_stages(even * np.array([12.0, 4.0, 1.0, 0.5])[place]), 5.0, 30)
    assert [f.segment for f in looked] == ["Offer", "Survey", "Contract"]  # the first one has none before it
    assert not holding(looked)
    later = looking.stages(on_stages(even * np.array([12.0, 4.0, 9.0, 0.5])[place]), 5.0, 30)
    assert not holding(later)  # Survey takes more than Offer, but less than New
    assert not looking.stages(on_stages(even, (20.0,) * 4), 5.0, 30)  # stood on by fewer deals than are judged


def test_revenue_and_talk_change_only_beyond_a_tenth_and_the_length_of_the_month() -> None:
    (before, _), (now, _) = chance_company(5, 2000, 0.5)
    double = dataclasses.replace(now, revenue=now.revenue * 1.0)
    assert not holding(comparing.totals(double, before, (1.0, 1.0), 5.0))
    grew = Evidence((), *_twice(now))
    told = holding(comparing.totals(grew, before, (1.0, 1.0), 5.0))
    assert {f.measure for f in told} == {"revenue", "talk_minutes"}
    assert not holding(comparing.totals(grew, before, (1.0, 2.0), 5.0))


def _twice(rows: Evidence) -> tuple[object, ...]:
    deal = np.concatenate([rows.deal, rows.deal + len(rows.deal)])
    return (
        deal,
        {},
        {},
        *(
            np.tile(v, 2)
            for v in (rows.talk_minutes, rows.after_sale_minutes, rows.deals, rows.won_deals, rows.revenue)
        ),
    )


# Whole companies


@pytest.fixture(scope="module", params=[("bundled", "ru"), (2, "en"), (5, "en")], ids=str)
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Company:
    seed, lang = request.param
    if seed == "bundled":
        return open_company("demo")
    return open_company(demo.write(tmp_path_factory.mktemp("demo") / "company", seed=seed, lang=lang))


def test_the_demo_companys_planted_truths_come_first(company: Company) -> None:
    seen = findings(company, Scope(OCTOBER))
    lang = company.settings.language
    truths = {(p.column, s) for p in demo.PLANTED.values() for s in (*p.segments(lang), *p.against(lang))}
    assert len(seen.found) >= 3
    assert {(f.by, f.segment) for f in seen.found[:3]} <= truths
    assert seen.looked > 50
    assert [f.certain for f in seen.found] == sorted((f.certain for f in seen.found), reverse=True)


def test_findings_are_told_in_both_languages_without_causes(company: Company) -> None:
    for lens in ("closed", "lifetime", "created", "called"):
        for finding in findings(company, Scope(OCTOBER, lens)).found:
            assert finding.kind in KINDS
            assert finding.lens == lens
            for lang in LANGUAGES:
                told = finding.said(Locale(lang, "RUB"))
                assert told
                assert not CAUSES.search(told)
                assert "–)" not in told


def test_the_same_question_has_the_same_answer(company: Company) -> None:
    assert findings(company, Scope(OCTOBER)) == findings(company, Scope(OCTOBER))


def test_a_filter_that_narrows_calls_leaves_no_finding_about_the_worth_of_talk(company: Company) -> None:
    for finding in findings(company, Scope(OCTOBER, where={"direction": ["in"]})).found:
        assert finding.measure == "conversion" or finding.kind == "fault"


def test_a_finding_is_a_sentence_with_its_evidence() -> None:
    finding = Finding(
        "heavy", "revenue_per_minute", "source", "Ads", 5e5, 120.0, 480.0, (80.0, 210.0), 214, 9, 2000.0, 0.41, 0.09
    )
    assert finding.said(Locale("en", "EUR")) == (
        "Source “Ads” took 41% of the talk and brought 9% of the revenue; a minute is worth €120, over all deals €480 "
        "(95%: €80.00 to €210; 214 deals)."
    )
    assert finding.said(Locale("ru", "RUB")).replace(NBSP, " ") == (
        "Источник «Ads»: 41 % разговоров и 9 % выручки; минута приносит 120 ₽, в среднем по сделкам – 480 ₽ "
        "(95 %: 80,00 ₽ – 210 ₽; 214 сделок)."
    )


def test_a_line_left_open_is_told_as_a_fault_that_bends_the_value_of_a_minute() -> None:
    moments = pd.date_range("2026-10-01 10:00", periods=40, freq="6h", tz="UTC").astype(str)
    deals = pd.DataFrame({
        "deal_id": [f"d{i}" for i in range(40)], "created_at": moments, "closed_at": moments,
        "outcome": ["won", "lost"] * 20, "amount": 1000, "manager_id": "m",
    })  # fmt: skip
    calls = pd.DataFrame({
        "call_id": [f"c{i}" for i in range(40)], "started_at": moments, "talk_seconds": [300] * 39 + [20_000],
        "direction": "in", "manager_id": "m", "deal_id": deals["deal_id"],
    })  # fmt: skip
    changes = pd.DataFrame({"deal_id": deals["deal_id"], "changed_at": moments, "stage_id": "new"})
    with open_company({"calls": calls, "deals": deals, "stage_changes": changes}, timezone="UTC") as own:
        (fault,) = [f for f in findings(own, Scope(OCTOBER)).found if f.kind == "fault"]
        assert fault.p is None
        assert fault.said(Locale("en", "EUR")).startswith(
            "Talks over 4 hours: 1. Without them there are 195 min of talk"
        )
        assert not findings(own, Scope(Period.of_month("2026-09"))).found


def test_a_company_of_a_few_rows_has_no_findings_and_no_trouble(tmp_path: Path) -> None:
    from worlds import hand_world

    with open_company(hand_world().write_csv(tmp_path), timezone="Europe/Berlin") as own:
        for lens in ("closed", "lifetime", "created", "called"):
            for credit in ("owner", "talk") if lens != "called" else ("owner",):
                seen = findings(own, Scope(Period.of_month("2026-03"), lens, credit))
                assert all(f.kind == "fault" for f in seen.found)
