"""Every method behind decisions is named with its source, formula and limits, in both languages."""

from __future__ import annotations

import pytest

from callkit.decisions.finding import KINDS, Finding
from callkit.decisions.findings import RATE
from callkit.decisions.methods import METHODS, OF_KIND, method, method_of
from callkit.decisions.whatif import BAND, ELASTICITY, LEAST_SALES
from callkit.locale import LANGUAGES, Locale, catalogue


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", METHODS)
def test_every_method_has_all_its_words(key: str, lang: str) -> None:
    told = method(key, Locale(lang))
    assert all(len(part) > 8 for part in (told.name, told.source, told.formula, told.limits))


def test_no_words_are_left_over() -> None:
    written = {key.removeprefix("method.").rsplit("_", 1)[0] for key in catalogue() if key.startswith("method.")}
    assert written == set(METHODS)


def test_every_kind_of_finding_has_its_method() -> None:
    assert set(OF_KIND) == set(KINDS)
    assert set(OF_KIND.values()) <= set(METHODS)
    assert method_of(Finding("change", "revenue")) == "grown"
    assert method_of(Finding("change", "conversion", "source", "Ads")) == "shuffled"
    assert method_of(Finding("after_sale", "after_sale_share")) == "limit"
    assert method_of(Finding("after_sale", "after_sale_share", "source", "Ads")) == "shuffled"


def test_the_numbers_in_the_words_are_those_of_the_code() -> None:
    told = {key: method(key, Locale("en")) for key in METHODS}
    assert f"at most {RATE:.0%}" in told["corrected"].formula
    assert f"elasticity of {ELASTICITY}, with a band of {BAND[0]} to {BAND[1]}" in told["whatif"].formula
    assert f"and {LEAST_SALES} won ones" in told["whatif"].limits
