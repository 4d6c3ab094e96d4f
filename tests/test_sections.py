"""Sections promise sentences that are true, tables of the very figures, charts that keep their schema."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import pytest

import callkit
from callkit import charts, demo
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import NBSP
from callkit.pieces import SECTION_MIME, TABLE_MIME
from callkit.sections import Section

PIECES = (
    "cards",
    "findings",
    "values",
    "conversion",
    "calls",
    "calls_by_stage",
    "calls_by_segment_and_stage",
    "after_sale",
)
CHARTS = ("bubble", "fair_share", "funnel", "shares", "load", "heatmap", "trend")


@functools.cache  # a section computes its figures once
def of(name: str, **wanted: str) -> Section:
    return callkit.section(name, "demo", **({"month": "2026-10"} | wanted))


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def test_the_report_shows_the_planted_truths() -> None:
    projects = of("projects").figures.frame().set_index("project")
    assert projects.loc["Умный дом", "talk_share"] == pytest.approx(0.40, abs=0.01)
    assert projects.loc["Умный дом", "revenue_share"] == pytest.approx(0.10, abs=0.01)
    assert "Проект «Умный дом»: 40 % разговоров и 10 % выручки" in plain(of("projects").headline().plain)
    sources = of("sources").figures.frame().set_index("source")
    assert sources.loc["Холодная база", "minutes_per_sale"] > 5 * sources.loc["Рекомендации", "minutes_per_sale"]
    assert sources.loc["Рекомендации", "conversion"] > 0.5
    grades = of("grades").figures.frame().set_index("grade")
    late = grades.loc[["BB", "CC"]].sum()
    assert late["talk_minutes"] >= 1.4 * grades.loc["AA", "talk_minutes"]
    assert late["revenue_share"] == pytest.approx(0.20, abs=0.02)
    managers = of("managers").figures.frame().iloc[:-1]
    most = managers.sort_values("talk_minutes").iloc[-1]
    assert (most["manager"], managers["revenue_per_minute"].dropna().rank()[most.name] <= 2) == ("Виктор Громов", True)
    after = {row[0]: row[3] for row in of("sources").after_sale().data[TABLE_MIME]["rows"]}
    assert after["Авито"] == pytest.approx(1 / 3, abs=0.02)
    assert max((v, k) for k, v in after.items())[1] == "Авито"


def test_the_findings_name_every_planted_truth() -> None:
    told = plain(of("overview").findings().plain)
    for name in ("«Умный дом»", "«Холодная база»", "«Рекомендации»", "Виктор Громов, ", "«AA»"):
        assert name in told
    assert demo.PLANTED


def test_nothing_said_is_causal() -> None:
    for lang, words in (
        ("ru", ("потому что", "из-за", "тратит впустую", "вызыва")),
        ("en", ("because", "waste", "cause")),
    ):
        for name in ("overview", "managers", "sources", "projects", "grades", "stages", "quality"):
            told = of(name, lang=lang).headline().plain
            assert not [w for w in words if w in told.lower()]


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("name", ["overview", "managers", "sources", "projects", "grades", "segments", "stages"])
def test_every_piece_of_every_section_can_be_shown(name: str, lang: str) -> None:
    page = of(name, lang=lang, by="region" if name == "segments" else "")
    if not page.by:
        page = of(name, lang=lang, by="source")
    section = page.headline().data[SECTION_MIME]
    assert (section["section"], section["month"], section["totals"]["calls"]) == (name, "2026-10", 1276)
    for piece in PIECES:
        bundle = getattr(page, piece)()._repr_mimebundle_()
        assert bundle["text/html"]
        json.dumps(bundle, allow_nan=False)
    for chart in CHARTS:
        assert getattr(page, chart)().alt


@pytest.mark.parametrize(
    "wanted",
    [
        {"month": "2026-09", "lens": "created"},
        {"month": "2026-08..2026-10", "lens": "lifetime", "credit": "talk"},
        {"month": "2026-10", "lens": "called", "where": "source=Авито,Сайт\ndirection=in"},
        {"month": "2026-10-05_2026-10-12", "by": "source,grade"},
        {"month": "1999-01"},
    ],
)
def test_other_months_lenses_and_cuts_give_whole_pages_too(wanted: dict[str, str]) -> None:
    page = of("sources", **wanted)
    for piece in (*PIECES, *CHARTS, "headline"):
        assert getattr(page, piece)()


def test_a_period_without_calls_says_so() -> None:
    assert "За период «январь 1999» звонков нет." in plain(of("overview", month="1999-01").headline().plain)


def drawn(page: Section, figures: Figures) -> list[object]:
    stages = page.stage_order()
    return [
        charts.bubble(figures, page.locale), charts.fair_share(figures, page.locale),
        charts.funnel(figures, page.locale),
        charts.shares(figures, page.locale), charts.trend(page.cut("month"), page.locale),
        charts.stage_load(page.cut("stage", "direction"), page.locale, order=stages),
        charts.heatmap(page.cut(*page.by, "stage"), page.locale, order=stages),
    ]  # fmt: skip


def test_charts_keep_the_schema_of_vega_lite() -> None:
    page = of("managers")
    for chart in drawn(page, page.figures):
        assert chart.to_dict(validate=True)  # type: ignore[attr-defined]


def test_tables_hold_the_very_figures() -> None:
    page = of("sources")
    table = page.values().data[TABLE_MIME]
    names = [c["name"] for c in table["columns"]]
    frame = page.figures.frame()
    for row, (_, figures) in zip(table["rows"], frame.iterrows(), strict=True):
        for name, value in zip(names[1:], row[1:], strict=True):
            assert value == pytest.approx(figures[name]) if value is not None else math.isnan(figures[name])


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'</script>"
    folder = demo.write(tmp_path / "shop", calls=400, months=1)
    deals = (folder / "deals.csv").read_text(encoding="utf-8")
    quoted = '"' + hostile.replace('"', '""') + '"'
    (folder / "deals.csv").write_text(deals.replace("Сайт", quoted), encoding="utf-8")
    page = callkit.section("sources", str(folder), month="2026-10")
    for piece in (page.headline(), page.values(), page.calls(), page.findings(), page.after_sale()):
        assert "<img" not in piece.html
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.values().html


def test_small_segments_are_called_small() -> None:
    values = of("sources").values()
    assert 'class="small" title="мало сделок: меньше 30"' in values.html
    assert "Бледные строки: сделок меньше 30" in plain(values.plain + values.data[TABLE_MIME]["note"])


def test_a_section_whose_column_is_missing_says_which_columns_there_are() -> None:
    with pytest.raises(UsageError, match="there is no column 'colour'; the columns are"):
        of("segments", by="colour")


def test_the_last_month_is_found() -> None:
    assert str(of("overview", month="last").scope.period) == "2026-10"
