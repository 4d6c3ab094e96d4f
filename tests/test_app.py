"""Promise: the app shows what the report shows; an address is checked part by part; what is behind a figure is what the
figure counts; and whatever a page sends is answered in a sentence.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import logging
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import altair as alt
import openpyxl
import pytest
from altair.utils.schemapi import SchemaValidationError
from hypothesis import given
from hypothesis import strategies as st
from worlds import hand_world, narrow

import callkit
from callkit import Company, Period, Scope, UsageError, behind, build, measure, open_company
from callkit.app import answering, asked_by, data_folders, live, pages, redrawing
from callkit.app import app as open_app
from callkit.app.desk import Desk
from callkit.app.downloads import command
from callkit.app.view import PAGES, View, read
from callkit.app.widget import APP_MIME, Page, script
from callkit.charts import layout, swift
from callkit.pieces import Piece
from callkit.scope import conditions
from callkit.show import Shown

ROOT = Path(__file__).parent.parent
MARCH = Period.of_month("2026-03")
HOSTILE = "<img src=x onerror=hacked=1></script><script>hacked=1</script>"


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield company


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with open_company(hand_world().write_csv(tmp_path_factory.mktemp("hand")), timezone="Europe/Berlin") as company:
        yield company


@pytest.fixture
def desk(demo: Company) -> Desk:
    return Desk(demo, View(period="2026-10"))


def address(**parts: str | list[str]) -> str:
    return urlencode({k.replace("__", "."): v for k, v in parts.items()}, doseq=True)


def seen(desk: Desk, query: str = "", **more: Any) -> dict[str, Any]:
    return desk.answer({"what": "view", "query": query, **more})


# The address


def test_an_empty_address_is_the_view_that_the_page_begins_with(demo: Company) -> None:
    start = View(page="sources", lens="lifetime", where={"grade": ("AA",)})

    assert read("", demo, start) == (start, [])


def test_every_part_of_an_address_is_taken(demo: Company) -> None:
    text = address(
        page="segments", period="2026-08..2026-09", compare="0", lens="created", credit="talk", by=["region", "grade"],
        where__source=["Сайт", "Авито"], sel__stage="Квалификация", tab="deals", chart="funnel", x="call_share",
        size="revenue", lang="en", theme="dark",
    )  # fmt: skip

    view, notes = read(text, demo, View())

    assert notes == []
    assert view == View(
        "segments", "2026-08..2026-09", False, "created", "talk", ("region", "grade"), {"source": ("Сайт", "Авито")},
        {"stage": "Квалификация"}, "deals", "funnel", "call_share", "revenue", "en", "dark",
    )  # fmt: skip
    assert read(view.query(View()), demo, View()) == (view, [])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("page=../etc", "app.note_page"),
        ("period=2026-13", "app.note_period"),
        ("period=9999-01-01_9999-12-31", "app.note_period"),
        ("period=2026-10-05_2026-10-01", "app.note_period"),
        ("lens=all", "app.note_choice"),
        ("theme=<b>", "app.note_choice"),
        ("by=sorce", "app.note_column"),
        ("where.nothing=1", "app.note_column"),
        ("where.month=2026-10", "app.note_column"),
        (f"where.source={HOSTILE}", "app.note_value"),
        ("sel.source=' OR 1=1 --", "app.note_value"),
        ("sel.month=2026-1", "app.note_value"),
        ("lens=called&credit=talk", "app.note_credit"),
        ("drop=table", "app.note_unknown"),
    ],
)
def test_what_an_address_has_that_is_unknown_is_named_and_ignored(demo: Company, text: str, note: str) -> None:
    view, notes = read(text, demo, View())

    assert [key for key, _ in notes] == [note]
    assert view == View(lens=view.lens)


def test_a_note_names_the_nearest_column_and_what_was_written(desk: Desk) -> None:
    told = seen(desk, "lang=en&by=sorce&where.source=Saite&lens=all&page=index")

    assert told["notes"] == [
        "there is no column “sorce” (the nearest: source)", "“all” is no choice for lens", "there is no page “index”",
        "“Saite” is no value of Source",
    ]  # fmt: skip


@given(st.text(max_size=80))
def test_no_text_is_an_address_that_cannot_be_read(text: str) -> None:
    with open_company(_small()) as company:
        view, _ = read(text, company, View())
        assert view.page in PAGES


def test_presets_count_from_the_last_call(demo: Company, hand: Company) -> None:
    assert str(View(period="last").scope(demo).period) == "2026-10"
    assert str(View(period="quarter").scope(demo).period) == "2026-08..2026-10"
    assert str(View(period="year").scope(demo).period) == "2026-05..2026-10"  # the data begins in May
    # the last call of the hand world is on 1 April: March is the last month that is over
    assert str(View(period="last").scope(hand).period) == "2026-03"
    assert str(View(period="this").scope(hand).period) == "2026-04"


def test_a_selected_segment_narrows_the_scope_and_never_widens_a_filter(demo: Company) -> None:
    view = View(where={"source": ("Сайт", "Авито")}, selected={"source": "Авито", "stage": "Квалификация"})
    assert view.narrowed(demo).where == {"source": ("Авито",), "stage": ("Квалификация",)}
    outside = View(where={"source": ("Сайт",)}, selected={"source": "Авито"})
    assert behind.calls(demo, outside.narrowed(demo)).found == 0
    assert str(View(period="quarter", selected={"month": "2026-09"}).narrowed(demo).period) == "2026-09"


# Behind a figure


def test_the_calls_behind_march_are_the_twenty_of_the_hand_world(hand: Company) -> None:
    listed = behind.calls(hand, Scope(MARCH), sort="started_at")

    assert listed.found == 20
    ids = " ".join(row[-1] for row in listed.rows)
    assert ids == "c02 c01 c19 c20 c03 c04 c06 c17 c05 c14 c15 c18 c13 c12 c16 c07 c11 c08 c21 c09"
    assert listed.rows[0] == (
        "2026-03-02 08:59:59", "Ира, офис", "out", 30, "(before the deal)", "D1", "S", "Web", "c02",
    )  # fmt: skip


def test_the_deals_behind_march_are_four_the_dearest_first(hand: Company) -> None:
    listed = behind.deals(hand, Scope(MARCH))

    assert [(row[0], row[1], row[2]) for row in listed.rows] == [
        ("D1", "won", 1000), ("D2", "lost", 500), ("D6", "won", 200), ("D7", "lost", 70),
    ]  # fmt: skip
    assert [row[-3:] for row in listed.rows] == [(7, 660, 1), (4, 250, 1), (0, 0, 1), (2, 40, 1)]


def test_a_deal_shared_by_talk_is_listed_with_the_part_that_is_credited(hand: Company) -> None:
    listed = behind.deals(hand, Scope(MARCH, "closed", "talk", {"manager": ["Ира, офис"]}))

    assert [(row[0], round(row[-1], 9)) for row in listed.rows] == [("D1", 0.18), ("D7", 0.75)]


def test_a_stage_lists_the_deals_that_its_calls_lie_on(hand: Company) -> None:
    listed = behind.deals(hand, Scope(MARCH, where={"stage": ["Offer"]}), of_calls=True)

    assert [(row[0], *row[-3:-1]) for row in listed.rows] == [("D1", 2, 410)]


@pytest.mark.parametrize(
    ("lens", "credit"),
    [("closed", "owner"), ("closed", "talk"), ("lifetime", "equal"), ("created", "first"), ("created", "last"),
     ("called", "owner")],
)  # fmt: skip
@pytest.mark.parametrize("by", ["manager", "team", "source"])
def test_every_segment_lists_as_many_calls_and_deals_as_its_figures_say(
    demo: Company, lens: str, credit: str, by: str
) -> None:
    figures = measure(demo, Scope(Period.of_month("2026-10"), lens, credit), [by])
    for row in figures.rows[:-1]:
        told = dict(zip(figures.columns, row, strict=True))
        scope = Scope(Period.of_month("2026-10"), lens, credit, {by: [told[by]]})
        assert behind.calls(demo, scope).found == told["calls"]
        parts = [deal[-1] for deal in behind.deals(demo, scope, size=10_000).rows]
        assert sum(parts) == pytest.approx(told["deals"])


def test_lists_are_sorted_searched_and_come_by_page(demo: Company) -> None:
    scope = Scope(Period.of_month("2026-10"))
    talks = [row[3] for row in behind.calls(demo, scope, sort="-talk_seconds", size=7).rows]
    assert talks == sorted(talks, reverse=True)
    names = [row[1] for row in behind.calls(demo, scope, sort="manager", size=2000).rows]
    assert [n for n in names if n != "(not set)"] == sorted(n for n in names if n != "(not set)")
    first, second = (behind.calls(demo, scope, page=page, size=10).rows for page in (0, 1))
    assert len({row[-1] for row in [*first, *second]}) == 20
    assert behind.calls(demo, scope, page=10_000).rows == []
    found = behind.calls(demo, scope, search="громов", size=2000)
    assert found.found == len(found.rows) == 248
    assert behind.calls(demo, scope, search="' OR 1=1 --").found == 0
    with pytest.raises(UsageError, match="no column 'talk' to sort by"):
        behind.calls(demo, scope, sort="talk")


# The desk


def test_a_page_shows_the_pieces_of_its_notebook(demo: Company) -> None:
    for page in pages.available(demo):
        cells = json.loads((ROOT / "notebooks" / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
        called = re.findall(r"^page\.(\w+)\(", "\n".join("".join(c["source"]) for c in cells), re.M)
        main = {"bubble", "fair_share", "funnel"}
        wanted = {"main" if name in main else name for name in called} - {"total"}
        shown = {part.call[0] if part.call else part.name for part in pages.parts(page, ["source"])}
        assert wanted <= shown, page
        assert shown - wanted <= {"cards", "shares", "suppose"}, page


def test_figures_on_the_page_are_those_of_metrics(desk: Desk) -> None:
    told = seen(desk, "page=sources&lang=en", whole=True)

    assert "1,276" in told["shown"]["cards"]["html"]
    bubble = told["shown"]["main"]["spec"]["datasets"]["segments"]
    figures = measure(desk.company, Scope(Period.of_month("2026-10")), ["source"])
    by_name = {row["segment"]: row for row in bubble}
    site = dict(zip(figures.columns, next(r for r in figures.rows if r[0] == "Сайт"), strict=True))
    assert (by_name["Сайт"]["x"], by_name["Сайт"]["y"]) == (site["talk_share"], site["conversion"])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lens", ["closed", "called"])
def test_every_part_of_every_page_can_be_shown_under_a_filter(desk: Desk, page: str, lens: str) -> None:
    query = address(page=page, lens=lens, where__source="Сайт", where__direction="in")
    told = seen(desk, query)
    assert told["page"] == page
    for part in told["parts"]:
        shown = desk.answer({"what": "part", "query": query, "name": part["name"]})["shown"]
        assert "ck-warning" not in shown.get("html", ""), part["name"]


def test_a_view_without_a_single_call_is_an_answer_too(desk: Desk) -> None:
    told = seen(desk, "period=2020-01&lang=en", whole=True)

    assert "There are no calls in January 2020." in told["shown"]["headline"]["html"]
    for part in told["parts"]:
        assert "trouble" not in desk.answer({"what": "part", "query": "period=2020-01", "name": part["name"]})


@pytest.mark.parametrize(
    "question",
    [None, 1, "view", [], {}, {"what": "view"}, {"what": []}, {"what": "__init__"}, {"what": "view", "query": 5},
     {"what": "view", "query": "%ff%00&where.%27=1&" + "x" * 50_000}, {"what": "part", "name": "__class__"},
     {"what": "part", "name": "drawn", "query": ""}, {"what": "values", "column": "month"}, {"what": "values"},
     {"what": "values", "column": "manager", "search": "%"}, {"what": "save", "kind": "../../etc/passwd"},
     {"what": "behind", "page": -5, "sort": {}, "search": None}, {"what": "behind", "sort": "1; DROP TABLE calls"},
     {"what": "behind", "page": 10**30}, {"ask": {"a": 1}, "what": "command", "query": "where.source=$(rm)"}],
)  # fmt: skip
def test_whatever_a_page_sends_is_answered_and_leaves_no_traceback(
    desk: Desk, question: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        told = desk.answer(question)

    assert isinstance(told, dict)
    assert caplog.records == []
    json.dumps(told, allow_nan=False)


def test_a_failure_is_a_sentence_for_the_page_and_a_traceback_for_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("callkit.app.choices.controls", lambda *_: 1 / 0)

    told = desk.answer({"ask": 7, "what": "view", "query": ""})

    assert told["ask"] == 7
    assert "журнале" in told["trouble"]
    assert "ZeroDivisionError" in caplog.text


def test_the_values_of_a_filter_come_with_their_calls_under_the_other_filters(desk: Desk) -> None:
    told = desk.answer(
        {"what": "values", "column": "manager", "query": "where.source=Сайт&where.manager=Анна Соколова"}
    )

    counted = {v["value"]: int(v["calls"].replace("\xa0", "")) for v in told["values"]}
    assert sum(counted.values()) == 296  # all the calls of the site, whoever spoke
    assert list(counted.values()) == sorted(counted.values(), reverse=True)
    found = desk.answer({"what": "values", "column": "manager", "query": "", "search": "соко"})
    assert [v["shown"] for v in found["values"]] == ["Анна Соколова"]


def test_the_list_behind_has_titles_texts_and_links_for_people(desk: Desk) -> None:
    told = desk.answer({"what": "behind", "query": "sel.source=Сайт&tab=deals&lang=en", "sort": "", "search": ""})

    assert told["title"] == "Source: Сайт"
    assert (told["calls"], told["deals"], told["pages"]) == ("296", "70", "1–50 of 70")
    assert told["rows"][0][:3] == ["40101349", "won", "₽960,000"]
    assert told["links"][0].endswith("/40101349")


def test_a_list_goes_home_as_csv_and_as_a_workbook(desk: Desk) -> None:
    ask = {"what": "save", "query": "sel.source=Сайт&tab=deals", "sort": "-amount"}
    told = desk.answer({**ask, "kind": "csv"})
    text = base64.b64decode(told["href"].split(",", 1)[1]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert told["name"] == "Северный-ветер-Сделки-Источник-Сайт-2026-10.csv"
    assert (rows[0][:3], rows[1][:3], len(rows)) == (["Сделка", "Итог", "Сумма"], ["40101349", "успешно", "960000"], 71)

    told = desk.answer({**ask, "kind": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(told["href"].split(",", 1)[1])))
    assert book.sheetnames == ["Содержание", "Сделки"]
    assert book["Сделки"].cell(4, 3).value == 960000


def test_the_page_goes_home_as_the_workbook_of_the_report(desk: Desk) -> None:
    told = desk.answer({"what": "save", "kind": "page", "query": "page=sources&lang=en"})

    book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(told["href"].split(",", 1)[1])))
    assert book.sheetnames[:2] == ["Contents", "The six values by Source"]
    assert book["The six values by Source"].cell(4, 1).value == "Сайт"


def test_the_command_of_a_view_says_the_view_again(demo: Company) -> None:
    where = {"source": ["Ads, retargeting", 'a "b"'], "grade": ["AA"]}
    words = shlex.split(
        command(demo, Scope(Period.of_days("2026-10-05", "2026-10-20"), "created", "talk", where), ["grade"])
    )

    assert words[:5] == ["callkit", "report", "demo", "--month", "2026-10"]
    assert conditions([words[i + 1] for i, word in enumerate(words) if word == "--where"]) == where
    assert words[words.index("--lens") + 1] == "created"


def test_hostile_names_are_escaped_in_every_piece_and_whole_in_every_answer(tmp_path: Path) -> None:
    for table, text in _small().items():
        text.replace("Site", HOSTILE).to_csv(tmp_path / f"{table}.csv", index=False)
    with open_company(tmp_path) as company:
        desk = Desk(company, View(period="2026-03"))
        told = seen(desk, address(where__source=HOSTILE), whole=True)
        assert told["chips"][0]["values"] == HOSTILE
        parts = [desk.answer({"what": "part", "query": "", "name": p["name"]})["shown"] for p in told["parts"]]
        assert all("<img" not in part.get("html", "") for part in parts)
        assert any("&lt;img" in part.get("html", "") for part in parts)


def test_charts_drawn_without_checks_are_those_drawn_with_them(demo: Company) -> None:
    section = callkit.Section(
        "sources", demo, Scope(Period.of_month("2026-10")), ("source",), demo.settings.locale("ru")
    )
    for name in (
        "bubble", "fair_share", "funnel", "shares", "load", "directions", "heatmap", "trend", "waterfall",
        "cohort_curves", "cost_chart", "week_map", "talk_by_hour",
    ):  # fmt: skip
        checked = getattr(section, name)()
        with swift.drawing():
            quick = getattr(section, name)()
        assert isinstance(checked, Shown)
        assert quick.spec == checked.spec, name
        with swift.own_charts():
            assert getattr(section, name)().spec == checked.spec, name


def test_where_callkits_own_charts_are_drawn_without_checks_others_are_still_checked() -> None:
    with swift.own_charts(), pytest.raises(SchemaValidationError, match="nonsense"):
        alt.Chart().mark_bar(orient="nonsense")


def test_a_chart_in_one_layout_is_that_layout_of_the_chart_in_both(demo: Company) -> None:
    section = callkit.Section(
        "sources", demo, Scope(Period.of_month("2026-10")), ("source",), demo.settings.locale("ru")
    )
    for name in ("bubble", "fair_share", "funnel", "shares", "load", "heatmap", "trend"):
        both = getattr(section, name)().spec
        with layout.only("wide"):
            assert getattr(section, name)().spec == {k: v for k, v in both.items() if k != "usermeta"}, name
        with layout.only("narrow"):
            drawn = getattr(section, name)().spec
        assert drawn == narrow(both), name


def test_a_page_that_says_its_room_gets_one_layout_and_another_when_it_changes(desk: Desk) -> None:
    for wanted in ("narrow", "wide"):
        answer = seen(desk, "page=sources", whole=True, layouts={"main": wanted})
        assert answer["shown"]["main"]["layout"] == wanted
        assert "usermeta" not in answer["shown"]["main"]["spec"]
    for nonsense in ({"main": ["narrow"]}, "narrow", None):
        answer = seen(desk, "page=sources", whole=True, layouts=nonsense)
        assert answer["shown"]["main"]["layout"] == "both"
        assert "narrow" in answer["shown"]["main"]["spec"]["usermeta"]["callkit"]


def test_new_data_that_is_no_good_changes_nothing_but_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = tmp_path / "company.duckdb"
    world = hand_world().write_csv(tmp_path / "world")
    build(world, store, timezone="Europe/Berlin")
    with open_company(str(store)) as company:
        desk = Desk(company, View(lang="ru"))
        before = seen(desk, "period=2026-03")
        aside = tmp_path / "aside"
        aside.write_bytes(b"no store")
        aside.replace(store)

        told = seen(desk, "period=2026-03")
        again = seen(desk, "period=2026-03")

        assert told["shown"] == before["shown"]
        assert "не читаются" in told["data"]
        assert "не читаются" in again["data"]
        assert caplog.text.count("the new data cannot be read") == 1

        aside = tmp_path / "aside.duckdb"
        build(world, aside, timezone="Europe/Berlin")
        aside.replace(store)
        assert "не читаются" not in seen(desk, "period=2026-03")["data"]
        desk.company.close()


# The widget, the notebooks, the template


def test_nothing_of_the_widget_can_be_set_from_the_outside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page, sent = Page(desk), []
    monkeypatch.setattr(page, "send", sent.append)
    hostile: list[Any] = [
        {"method": "update", "state": {"_esm": "alert(1)", "layout": "nonsense"}, "buffer_paths": [["x"]]},
        {"method": "custom", "content": {"what": "view", "query": "page=quality"}}, {"method": "custom"},
        {"method": {}}, None, 7,
    ]  # fmt: skip
    for data in hostile:
        page._handle_msg({"content": {"data": data}, "buffers": [b"x"]})
    page._handle_msg({})

    assert page._esm == script()
    assert [answer.get("page", "trouble") for answer in sent] == ["quality", "trouble"]


def test_without_a_front_end_that_asks_a_section_is_the_static_one() -> None:
    assert asked_by() == ""
    page = callkit.section("sources", "demo", month="2026-10")
    assert isinstance(page.headline(), Piece)
    assert isinstance(page.values(), Piece)


def test_in_voila_the_headline_is_the_page_and_the_pieces_below_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "asked_by", lambda: "voila")
    monkeypatch.setattr("callkit.app.asked_by", lambda: "voila")
    page = callkit.section("sources", "demo", month="2026-09", where="grade=AA", lang="en")

    shown = page.headline()
    first = shown._repr_mimebundle_()[APP_MIME]

    assert page.values() is None
    assert [p["name"] for p in first["view"]["pages"]] == ["sources"]
    assert first["view"]["controls"]["period"]["value"] == "2026-09"
    assert first["view"]["chips"] == [{"column": "grade", "title": "Client grade", "values": "AA"}]
    assert "</script" not in first["script"].lower()


def test_in_jupyterlab_the_pieces_below_the_page_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "asked_by", lambda: "lab")
    page = callkit.section("sources", "demo", month="2026-09")

    assert isinstance(page.headline(), Page)
    assert isinstance(page.values(), Piece)
    assert live.__module__ == "callkit.app"


def test_a_source_that_cannot_be_opened_is_told_in_a_sentence() -> None:
    shown = open_app("/nowhere")

    assert isinstance(shown, Piece)
    assert "/nowhere does not exist" in shown.plain


def test_the_environment_outranks_the_notebooks_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLKIT_APP_SOURCE", "/elsewhere")

    assert "/elsewhere" in open_app("demo").plain


def test_the_template_lies_where_voila_looks_and_its_first_words_are_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    package, cache = data_folders()
    assert [p.name for p in (cache / "voila" / "templates" / "callkit" / "static").glob("vega-*.js")]
    template = (package / "voila" / "templates" / "callkit" / "index.html.j2").read_text(encoding="utf-8")
    texts = tomllib.loads((ROOT / "callkit" / "texts" / "app.toml").read_text(encoding="utf-8"))
    for lang in ("ru", "en"):
        for key in ("opening", "failed_page", "lost", "reload"):
            assert f'{key}: "{texts[key][lang]}"' in template
    assert not re.search(r"https?://(?!www\.w3\.org)", template + script())


def test_a_number_of_new_deals_is_read_from_the_address_and_nothing_else_is(desk: Desk) -> None:
    def needed(new_deals: str) -> str:
        query = address(page="stages", lang="en", new_deals=new_deals)
        told: str = desk.answer({"what": "part", "query": query, "name": "talk_needed"})["shown"]["html"]
        return told

    assert "if 120 new deals come" in needed("120")
    assert "if 0 new deals come" in needed("0")
    assert needed("") == needed("-1") == needed("12.5") == needed("1e3") == needed("1234567") == needed("٣")
    for hostile in ("-1", "12.5", "1e3", "1234567", "٣", "<b>"):
        told = desk.answer({"what": "view", "query": address(page="stages", lang="en", new_deals=hostile)})
        assert told["notes"] == [f"“{hostile}” is not a number of new deals: a whole number from 0 to 999999 is wanted"]
        assert "new_deals" not in told["query"]
    told = desk.answer({"what": "view", "query": address(page="stages", new_deals="120")})
    assert (told["controls"]["new_deals"], told["notes"]) == ("120", [])
    assert "new_deals=120" in told["query"]


def test_every_text_of_the_app_is_used_and_every_one_that_is_used_is_there() -> None:
    texts = tomllib.loads((ROOT / "callkit" / "texts" / "app.toml").read_text(encoding="utf-8"))
    python = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "callkit" / "app").glob("*.py"))
    wanted = set(re.findall(r"words\.(\w+)", script())) | set(re.findall(r'"app\.(\w+)"', python)) - {"css"}
    assert wanted <= set(texts), wanted - set(texts)
    built = (
        "suppose_",
        "preset_",
        "lens_",
        "credit_",
        "chart_",
        "x_",
        "size_",
        "outcome_",
        "column_",
        "note_",
        "behind_",
    )
    unused = {key for key in texts if key not in wanted and not key.startswith(built)}
    assert unused <= {"chart", "x", "size", "lens", "credit", "all", "none", "view", "opening", "failed_page"}, unused


def _small() -> dict[str, Any]:
    import pandas as pd

    moment = pd.Timestamp("2026-03-05T10:00:00Z")
    return {
        "calls": pd.DataFrame({
            "call_id": ["c1"], "started_at": [moment], "talk_seconds": [60.0], "direction": ["in"],
            "manager_id": ["m"], "deal_id": ["d"],
        }),
        "deals": pd.DataFrame({
            "deal_id": ["d"], "created_at": [moment], "closed_at": [moment], "outcome": ["won"], "amount": [10.0],
            "manager_id": ["m"], "source": ["Site"],
        }),
        "stage_changes": pd.DataFrame({"deal_id": ["d"], "changed_at": [moment], "stage_id": ["s"]}),
    }  # fmt: skip


def test_what_was_found_is_not_looked_for_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    look = redrawing.findings
    monkeypatch.setattr(redrawing, "findings", lambda *inputs: looked.append(inputs) or look(*inputs))

    for query in ("", address(lang="en"), address(where__grade="AA"), address(theme="dark", compare="0")):
        assert "shown" in desk.answer({"what": "part", "query": query, "name": "findings"})

    assert len(looked) == 2
