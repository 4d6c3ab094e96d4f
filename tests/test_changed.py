"""What changed promises parts that add up to the change, whatever comes or goes, and names Simpson's paradox."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callkit.company import open_company
from callkit.decisions.changed import RATIOS, TOTALS, changed
from callkit.errors import UsageError
from callkit.figures import TOTAL, Figures
from callkit.locale import LANGUAGES, NBSP, Locale
from callkit.measures import MEASURES
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.zones import Period

Sums = Mapping[str, Mapping[str, float]]
BASES = {**TOTALS, "conversion": "deals", "revenue_per_minute": "talk_minutes", "minutes_per_sale": "won_deals"}
NUMERATORS = {
    **{name: name for name in TOTALS},
    "conversion": "won_deals",
    "revenue_per_minute": "revenue",
    "minutes_per_sale": "talk_minutes",
}
ADDED = ("calls", "talk_minutes", "deals", "won_deals", "revenue")


def figures_of(segments: Sums) -> Figures:
    """Figures by source out of plain sums; everything else is 0."""

    def row(label: str, sums: Mapping[str, float]) -> tuple[object, ...]:
        return (label, *(sums.get(name, 0.0) for name in MEASURES))

    whole = {name: math.fsum(s.get(name, 0.0) for s in segments.values()) for name in ADDED}
    return Figures(("source",), [*(row(label, sums) for label, sums in segments.items()), row(TOTAL, whole)])


counted = st.integers(0, 10_000).map(float)
sums = st.fixed_dictionaries(
    {
        "calls": counted,
        "talk_minutes": st.one_of(st.just(0.0), st.floats(1e-3, 1e6)),
        "deals": counted,
        "won_deals": counted,
        "revenue": st.one_of(st.just(0.0), st.floats(1e-2, 1e10)),
    }
)
segments = st.dictionaries(st.sampled_from("ABCDEFG"), sums, max_size=6)


@given(segments, segments, st.sampled_from([*TOTALS, *RATIOS]))
def test_parts_add_up_to_the_change(before: Sums, after: Sums, figure: str) -> None:
    change = changed(figure, figures_of(after), figures_of(before))

    whole = []
    for period in (before, after):
        above, below = (math.fsum(s[name] for s in period.values()) for name in (NUMERATORS[figure], BASES[figure]))
        whole.append(above if figure in TOTALS else above / below if below else None)
    assert (change.before, change.after) == tuple(whole)
    if None in whole:
        assert change.change is None
        assert not change.parts
    else:
        added = math.fsum(itertools.chain.from_iterable((p.volume, p.mix, p.rate) for p in change.parts))
        assert added == pytest.approx(whole[1] - whole[0], rel=1e-9, abs=1e-9 * max(whole))
        assert change.volume + change.mix + change.rate == pytest.approx(added, rel=1e-9, abs=1e-9 * max(whole))
        if figure in RATIOS:
            assert change.volume == 0


@given(segments, segments, st.sampled_from([*TOTALS, *RATIOS]))
def test_a_change_back_has_the_opposite_parts(before: Sums, after: Sums, figure: str) -> None:
    there, back = (changed(figure, figures_of(b), figures_of(a)) for a, b in ((before, after), (after, before)))
    assert there.simpson == back.simpson
    returned = {p.segment: p for p in back.parts}
    scale = 1e-9 * max(1.0, *(abs(v) for v in (there.before, there.after) if v is not None), 0.0)
    for part in there.parts:
        for effect in ("volume", "mix", "rate"):
            assert getattr(part, effect) == pytest.approx(-getattr(returned[part.segment], effect), abs=scale, rel=1e-9)


def test_each_effect_stands_alone_where_only_one_thing_changes() -> None:
    before = {"A": {"deals": 10.0, "revenue": 100.0}, "B": {"deals": 30.0, "revenue": 900.0}}
    twice = {"A": {"deals": 20.0, "revenue": 200.0}, "B": {"deals": 60.0, "revenue": 1800.0}}
    dearer = {"A": {"deals": 10.0, "revenue": 110.0}, "B": {"deals": 30.0, "revenue": 900.0}}
    swapped = {"A": {"deals": 30.0, "revenue": 300.0}, "B": {"deals": 10.0, "revenue": 300.0}}
    for after, effects in ((twice, (1000, 0, 0)), (dearer, (0, 0, 10)), (swapped, (0, -400, 0))):
        change = changed("revenue", figures_of(after), figures_of(before))
        assert (change.volume, change.mix, change.rate) == pytest.approx(effects, abs=1e-9)


def test_three_factors_are_shared_as_all_six_orders_of_changing_them_would_on_the_average() -> None:
    """The order of factors is gone through one by one: the slow way to the same numbers."""
    before, after = {"A": (10.0, 40.0), "B": (30.0, 60.0)}, {"A": (50.0, 150.0), "B": (25.0, 75.0)}
    ends = []
    for period in (before, after):
        base = sum(b for b, _ in period.values())
        ends.append({s: {"volume": base, "mix": b / base, "rate": n / b} for s, (b, n) in period.items()})
    effects = dict.fromkeys(("volume", "mix", "rate"), 0.0)
    for order in itertools.permutations(effects):
        for segment in before:
            state = dict(ends[0][segment])
            for factor in order:
                was = math.prod(state.values())
                state[factor] = ends[1][segment][factor]
                effects[factor] += (math.prod(state.values()) - was) / 6
    change = changed(
        "revenue",
        figures_of({s: {"deals": b, "revenue": n} for s, (b, n) in after.items()}),
        figures_of({s: {"deals": b, "revenue": n} for s, (b, n) in before.items()}),
    )
    assert (change.volume, change.mix, change.rate) == pytest.approx(tuple(effects.values()), rel=1e-12)


def test_a_segment_that_grows_with_a_rate_below_the_whole_counts_against_the_mix() -> None:
    before = {"A": {"deals": 50.0, "won_deals": 25.0}, "B": {"deals": 50.0, "won_deals": 5.0}}
    after = {"A": {"deals": 50.0, "won_deals": 25.0}, "B": {"deals": 150.0, "won_deals": 15.0}}
    parts = {p.segment[0]: p for p in changed("conversion", figures_of(after), figures_of(before)).parts}
    assert parts["B"].mix < 0
    assert parts["A"].mix < 0  # the share of the better one fell
    assert parts["A"].rate == parts["B"].rate == 0


def test_a_new_and_a_vanished_segment_change_volume_and_mix_but_no_rate() -> None:
    before = {"old": {"deals": 10.0, "won_deals": 2.0}, "stays": {"deals": 10.0, "won_deals": 5.0}}
    after = {"new": {"deals": 20.0, "won_deals": 2.0}, "stays": {"deals": 10.0, "won_deals": 5.0}}
    change = changed("won_deals", figures_of(after), figures_of(before))
    parts = {p.segment[0]: p for p in change.parts}
    assert parts["new"].new
    assert parts["old"].vanished
    assert not parts["stays"].new
    assert not parts["stays"].vanished
    assert all(p.rate == 0 for p in parts.values())
    assert change.volume + change.mix == pytest.approx(0, abs=1e-12)
    assert change.volume > 0 > change.mix


def test_revenue_without_talk_counts_as_rate() -> None:
    before = {"A": {"talk_minutes": 10.0, "revenue": 100.0}, "B": {"talk_minutes": 0.0, "revenue": 0.0}}
    after = {"A": {"talk_minutes": 10.0, "revenue": 100.0}, "B": {"talk_minutes": 0.0, "revenue": 50.0}}
    change = changed("revenue_per_minute", figures_of(after), figures_of(before))
    assert (change.mix, change.rate) == (0, 5)


PARADOX = (
    {"easy": {"deals": 100.0, "won_deals": 60.0}, "hard": {"deals": 400.0, "won_deals": 80.0}},
    {"easy": {"deals": 400.0, "won_deals": 220.0}, "hard": {"deals": 100.0, "won_deals": 15.0}},
)


def test_simpsons_paradox_is_named_when_the_whole_moves_against_every_segment() -> None:
    change = changed("conversion", figures_of(PARADOX[1]), figures_of(PARADOX[0]))
    assert change.simpson
    assert change.mix > 0 > change.rate
    assert "Simpson's paradox: conversion rises" in change.said(Locale("en"))
    assert "Парадокс Симпсона: конверсия в целом растёт" in change.said(Locale("ru"))
    back = changed("conversion", figures_of(PARADOX[0]), figures_of(PARADOX[1]))
    assert "conversion falls as a whole" in back.said(Locale("en"))


@pytest.mark.parametrize(
    "hard",
    [{"deals": 100.0, "won_deals": 21.0}, {"deals": 0.0, "won_deals": 0.0}],
    ids=["one segment moves with the whole", "one segment left to move"],
)
def test_no_paradox_is_named_where_there_is_none(hard: dict[str, float]) -> None:
    change = changed("conversion", figures_of({**PARADOX[1], "hard": hard}), figures_of(PARADOX[0]))
    assert not change.simpson
    assert "Simpson" not in change.said(Locale("en"))


def test_a_change_is_told_with_its_parts_in_both_languages() -> None:
    before = {"A": {"deals": 10.0, "revenue": 100.0}, "B": {"deals": 30.0, "revenue": 900.0}}
    after = {"A": {"deals": 10.0, "revenue": 150.0}, "B": {"deals": 30.0, "revenue": 900.0}}
    change = changed("revenue", figures_of(after), figures_of(before))
    assert change.said(Locale("en", "EUR")) == (
        "Revenue: up from €1,000 to €1,050 (+€50.00): volume €0, mix €0, rate within segments +€50.00. "
        "The largest part is that of “A”: +€50.00."
    )
    assert change.said(Locale("ru", "RUB")).replace(NBSP, " ") == (
        "Сумма успешных сделок: рост с 1 000 ₽ до 1 050 ₽ (+50,00 ₽): объём 0 ₽, состав 0 ₽, "
        "показатель внутри сегментов +50,00 ₽. Больше всего приходится на «A»: +50,00 ₽."
    )


def test_a_figure_without_a_denominator_has_no_change_and_says_nothing() -> None:
    change = changed("conversion", figures_of({"A": {"deals": 5.0, "won_deals": 1.0}}), figures_of({}))
    assert (change.before, change.change, change.parts, change.said(Locale("en"))) == (None, None, [], "")


@pytest.fixture(scope="module")
def months() -> dict[str, Figures]:
    with open_company("demo") as company:
        wanted = [("source",), ("project", "grade"), ("manager",), (), ("stage",)]
        return {
            f"{m} {' '.join(by)}": measure(company, Scope(Period.of_month(f"2026-{m}")), by)
            for m in ("09", "10")
            for by in wanted
        }


@pytest.mark.parametrize("figure", [*TOTALS, *RATIOS])
@pytest.mark.parametrize("by", ["source", "project grade", "manager", ""])
def test_the_demo_companys_change_is_the_difference_of_its_totals(
    months: dict[str, Figures], figure: str, by: str
) -> None:
    before, after = months[f"09 {by}"], months[f"10 {by}"]
    change = changed(figure, after, before)
    assert change.change == after.total[figure] - before.total[figure]  # type: ignore[operator]
    assert math.fsum((change.volume, change.mix, change.rate)) == pytest.approx(change.change, rel=1e-9)
    assert all(change.said(Locale(lang)) for lang in LANGUAGES)
    assert [p.change for p in change.parts] == sorted((p.change for p in change.parts), key=lambda c: -abs(c))


def test_what_does_not_add_up_is_refused(months: dict[str, Figures]) -> None:
    with pytest.raises(UsageError, match="revenue has no meaning by stage"):
        changed("revenue", months["10 stage"], months["09 stage"])
    with pytest.raises(UsageError, match="cannot be compared"):
        changed("revenue", months["10 source"], months["09 manager"])
    with pytest.raises(UsageError, match="Did you mean 'revenue'"):
        changed("revenu", months["10 source"], months["09 source"])
    touching = figures_of({"A": {"deals": 2.0}, "B": {"deals": 2.0}})
    whole = Figures(touching.by, [*touching.rows[:-1], figures_of({"A": {"deals": 3.0}}).rows[-1]])
    with pytest.raises(UsageError, match="deals by source exceeds the whole"):
        changed("won_deals", whole, whole)
