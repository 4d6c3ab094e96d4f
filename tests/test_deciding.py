"""Promise: what changed is told on the page in words, a chart and a table that add up to the change, in both languages;
where there is nothing to compare, the page says so.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import pytest
from worlds import narrow

import callkit
from callkit import Company, Period, Scope, open_company
from callkit.app.desk import Desk
from callkit.app.view import PAGES, View
from callkit.charts import waterfall
from callkit.decisions.changed import Change, Part, changed
from callkit.locale import LANGUAGES, NBSP, Locale
from callkit.pieces import TABLE_MIME
from callkit.sections import Section

RU = Locale("ru", "RUB")


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield company


def page(company: Company, month: str, lang: str = "ru", by: tuple[str, ...] = ("source",)) -> Section:
    return callkit.Section("changes", company, Scope(Period.of_month(month)), by, company.settings.locale(lang))


def made(parts: int, before: float, move: float) -> Change:
    """A change of revenue by so many segments, each with the same move."""
    moves = [Part((f"S{i}",), 1 / parts, 1 / parts, 1.0, 1.0, 0.0, 0.0, move) for i in range(parts)]
    return Change("revenue", ("source",), before, before + parts * move, 1.0, 1.0, moves)


def bars(chart: Any) -> list[dict[str, Any]]:
    return list(chart.to_dict()["datasets"]["bars"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_rows_of_the_table_add_up_to_the_change(demo: Company, lang: str) -> None:
    section = page(demo, "2026-10", lang)
    before, now = section.earlier, section.figures
    assert before is not None
    for figure in ("revenue", "conversion", "revenue_per_minute", "talk_minutes"):
        table = section.change_table(figure).data[TABLE_MIME]
        *rows, whole = table["rows"]
        change = now.total[figure] - before.total[figure]  # type: ignore[operator]
        assert whole[-1] == pytest.approx(change, rel=1e-9)
        assert sum(row[-1] for row in rows) == pytest.approx(change, rel=1e-9)
        for row in (*rows, whole):
            assert sum(row[3:-1]) == pytest.approx(row[-1], rel=1e-9, abs=1e-9 * abs(change))


def test_the_bars_lead_from_one_period_to_the_other(demo: Company) -> None:
    section = page(demo, "2026-10")
    change = changed("revenue", section.figures, section.earlier)  # type: ignore[arg-type]
    for segmented in (False, True):
        first, *steps, last = bars(waterfall(change, ("сентябрь", "октябрь"), RU, segmented=segmented))
        assert (first["to"], last["to"]) == (change.before, change.after)
        at = first["to"]
        for step in steps:
            assert step["from"] == pytest.approx(at)
            assert step["style"] == ("rise" if step["to"] >= step["from"] else "fall")
            at = step["to"]
        assert at == pytest.approx(last["to"])


def test_of_many_segments_the_eight_largest_have_a_bar_and_the_others_one() -> None:
    drawn = bars(waterfall(made(20, 100.0, 5.0), ("a", "b"), RU, segmented=True))
    assert len(drawn) == 11
    assert drawn[-2]["name"] == "остальные (12)"
    assert drawn[-2]["to"] - drawn[-2]["from"] == pytest.approx(60)


def test_a_scale_without_zero_says_so_and_one_with_zero_does_not() -> None:
    def said(chart: Any) -> str:
        return " ".join(chart.to_dict()["title"]["subtitle"])

    near, far = made(2, 1000.0, 5.0), made(2, 10.0, 50.0)
    assert "не с нуля" in said(waterfall(near, ("a", "b"), RU))
    assert "не с нуля" not in said(waterfall(far, ("a", "b"), RU))
    assert bars(waterfall(far, ("a", "b"), RU))[0]["from"] == 0
    assert bars(waterfall(near, ("a", "b"), RU))[0]["from"] > 0


def test_both_layouts_name_every_step(demo: Company) -> None:
    spec = dict(page(demo, "2026-10").waterfall("revenue", True).spec)
    for layout in (spec, narrow(spec)):
        names = "".join(row["text"] for row in layout["datasets"]["rows"]).replace("\n", " ")
        assert "Рекомендации" in names


def test_the_first_period_has_nothing_to_compare(demo: Company) -> None:
    section = page(demo, "2026-05")
    assert "сравнить не с чем" in section.changes().plain
    assert "Сравнить не с чем" in section.change_table("revenue").plain
    assert "Сравнить не с чем" in repr(section.waterfall("revenue"))


def test_by_a_column_of_calls_what_cannot_be_split_is_left_out(demo: Company) -> None:
    section = page(demo, "2026-10", by=("stage",))
    told = section.changes().plain
    assert "Минуты разговора" in told
    assert "Сумма успешных сделок" not in told
    assert "Сравнить не с чем" in section.change_table("revenue").plain


def test_findings_come_with_the_view_behind_them_and_their_method(demo: Company) -> None:
    piece = page(demo, "2026-10").findings()
    views = [parse_qs(html.unescape(view)) for view in re.findall(r'data-view="([^"]*)"', piece.html)]

    assert views[0] == {"page": ["grades"], "sel.grade": ["AA"], "tab": ["deals"]}
    assert all(view["page"][0] in PAGES for view in views)
    assert "Бенджамини" in piece.html
    assert piece.plain.splitlines()[1].startswith("- Грейд клиента «AA»")


def test_where_nothing_is_found_it_is_said_how_much_was_looked_at(demo: Company) -> None:
    scope = Scope(Period.of_month("2026-10"), where={"source": ("Авито",)})
    section = callkit.Section("overview", demo, scope, ("source",), demo.settings.locale("en"))
    assert section.found.found == []
    assert "chance could not explain" in section.findings().plain
    assert "data-view" not in section.findings().html


def test_minutes_spread_anew_stay_the_same_minutes_and_the_assumption_stands_beside(demo: Company) -> None:
    table = page(demo, "2026-10").best_split().data[TABLE_MIME]
    *rows, whole = table["rows"]
    assert sum(row[2] for row in rows) == pytest.approx(sum(row[1] for row in rows))
    assert whole[3] == pytest.approx(0, abs=1e-6)
    assert whole[5] >= whole[4]
    assert "0,34" in table["note"]


def test_the_desk_forecasts_in_words_and_refuses_what_is_no_question(demo: Company) -> None:
    desk = Desk(demo, View(lang="ru"))

    def ask(giver: Any, taker: Any, minutes: Any) -> dict[str, Any]:
        query = "page=whatif&period=2026-10"
        return desk.answer({"what": "suppose", "query": query, "giver": giver, "taker": taker, "minutes": minutes})

    assert "0,34" in ask(["Яндекс Директ"], ["Рекомендации"], 100)["told"]
    assert "Выберите" in ask(["Рекомендации"], ["Рекомендации"], 100)["told"]
    assert "Выберите" in ask(["Яндекс Директ"], ["Рекомендации"], 1e9)["told"]
    for nonsense in ((None, ["Сайт"], 5), (["Сайт"], [5], 5), (["Сайт"], ["Авито"], "5"), (["Нет"], ["Авито"], 5)):
        assert "trouble" in ask(*nonsense)


def test_cohorts_name_every_month_and_grey_the_young(demo: Company) -> None:
    section = page(demo, "2026-10")
    table = section.cohort_table()
    assert [row[0] for row in table.data[TABLE_MIME]["rows"]][-2:] == ["октябрь 2026", "Всего"]
    assert 'class="small"' in table.html
    assert "октябрь 2026" in str(section.cohort_curves().spec)


def test_an_abbreviation_at_the_end_of_a_sentence_keeps_one_full_stop(demo: Company) -> None:
    told = page(demo, "2026-10").changes().plain
    assert re.search(rf"п\.{NBSP}?\s?п\. ", told + " ")
    assert ".." not in told


def test_the_headline_of_cohorts_tells_of_the_deals_created_and_of_those_still_open(demo: Company) -> None:
    deals = pd.read_csv(Path(__file__).parent.parent / "data" / "demo" / "deals.csv")
    section = callkit.section("cohorts", "demo", month="2026-10", lang="en")
    said = section.headline().plain.splitlines()[1]
    left, won = (deals["outcome"] == "open").sum(), (deals["outcome"] == "won").mean()

    assert said.startswith(f"May 2026 – October 2026: of {len(deals):,} deals created, ")
    assert "within 30 days (95%: " in said
    assert f"{left} deals are still open, so the plain share, won ÷ created, is too low as yet at {won:.1%}." in said


def test_the_headline_of_what_if_tells_of_minutes_moved_and_what_is_assumed(demo: Company) -> None:
    section = callkit.Section("whatif", demo, Scope(Period.of_month("2026-10")), ("source",), RU)
    *rows, whole = section.best_split().data[TABLE_MIME]["rows"]
    most = max(rows, key=lambda row: row[3])
    said = section.headline().plain.splitlines()[1]

    assert RU.money(whole[5] - whole[4] + section.figures.total["revenue"]) in said  # type: ignore[operator]
    assert f"«{most[0]}» (+{RU.number(most[3])})" in said
    assert "Это допущение" in said
    few = Scope(Period.of_month("2026-10"), where={"source": ("Авито",)})
    assert "Прогноза нет" in callkit.Section("whatif", demo, few, ("source",), RU).headline().plain
