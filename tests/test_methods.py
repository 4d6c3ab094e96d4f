"""Every method behind decisions is named with its source, formula and limits, in both languages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from callkit import Company, open_company
from callkit.app.desk import Desk
from callkit.app.view import View
from callkit.decisions.finding import KINDS, Finding
from callkit.decisions.findings import RATE
from callkit.decisions.methods import METHODS, OF_KIND, method, method_of
from callkit.decisions.whatif import BAND, ELASTICITY, LEAST_SALES
from callkit.locale import LANGUAGES, Locale, catalogue
from callkit.report.executed import CHART_MIME, Executed
from callkit.report.running import Crew, Job


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield company


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


# Where each method is to be found: a page, a part of it, what that part rests on.
RESTING = (
    ("overview", "main", ["wilson"]),
    ("overview&chart=funnel", "main", ["funnel"]),
    ("overview", "findings", ["shuffled", "limit", "grown", "fault", "corrected"]),
    ("changes", "changes", ["changed", "simpson"]),
    ("changes", "waterfall-revenue", ["changed"]),
    ("changes", "change-revenue", ["changed"]),
    ("sources", "conversion", ["wilson"]),
    ("managers", "sure", ["wilson", "ratio", "shrunk"]),
    ("cohorts", "cohort_curves", ["cohorts"]),
    ("cohorts", "cohort_table", ["cohorts"]),
    ("whatif", "suppose", ["whatif"]),
    ("whatif", "best_split", ["whatif", "best"]),
    ("day", "hours", ["wilson", "uneven"]),
    ("day", "response_times", ["wait"]),
    ("day", "attempts", ["wilson"]),
    ("day", "missed_calls", ["wait"]),
    ("stages", "talk_needed", ["runoff"]),
    ("costs", "costs", ["costs"]),
    ("costs", "cost_chart", ["costs"]),
)


def folded(shown: dict[str, str]) -> str:
    """What the folded part of a piece says, as text."""
    markup = shown["how"] if shown["kind"] == "chart" else shown["html"]
    return " ".join(html.unescape(part) for part in re.findall('<details class="ck-how">(.*?)</details>', markup))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("page", "part", "keys"), RESTING, ids=lambda v: v if isinstance(v, str) else "")
def test_every_piece_that_rests_on_a_method_unfolds_it(
    demo: Company, page: str, part: str, keys: list[str], lang: str
) -> None:
    desk = Desk(demo, View(lang=lang, period="2026-10"))
    answer = desk.answer({"what": "part", "query": f"page={page}", "name": part})
    told = folded(answer["shown"])
    for key in keys:
        own = method(key, Locale(lang))
        assert all(words in told for words in (own.name, own.source, own.formula, own.limits))
        assert own.name in told.split("</summary>")[0]  # the name is to be seen without any click


def test_no_method_is_left_out_of_every_page() -> None:
    assert {key for _, _, keys in RESTING for key in keys} == set(METHODS)


def test_a_chart_of_a_notebook_has_its_methods_below_it(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(code) for code in (
        "import callkit",
        "page = callkit.section('cohorts', 'demo', month='2026-10', lang='en')",
        "page.cohort_curves()",
        "page.load()",
    )]  # fmt: skip
    (tmp_path / "one.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    with Crew(1, {}) as crew:
        crew.run(Job(str(tmp_path / "one.ipynb"), str(tmp_path / "out.ipynb"), {})).result()
    shown = Executed("one", "cohorts", "", tmp_path / "out.ipynb").pieces

    assert [sorted(set(piece) & {CHART_MIME, "text/html"}) for piece in shown] == [
        [CHART_MIME], ["text/html"], [CHART_MIME],
    ]  # fmt: skip
    assert method("cohorts", Locale("en")).formula in html.unescape(shown[1]["text/html"])


def test_the_numbers_in_the_words_are_those_of_the_code() -> None:
    told = {key: method(key, Locale("en")) for key in METHODS}
    assert f"at most {RATE:.0%}" in told["corrected"].formula
    assert f"elasticity of {ELASTICITY}, with a band of {BAND[0]} to {BAND[1]}" in told["whatif"].formula
    assert f"and {LEAST_SALES} won ones" in told["whatif"].limits
