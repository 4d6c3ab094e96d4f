"""The one-file report's promise: whole in one file, alive with the network refused, all that the data held is text."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BlackHole
from executions import SECTION_MIME, executed, facts

from callkit import pieces
from callkit import report as batch
from callkit.locale import LANGUAGES, Locale
from callkit.report import page
from callkit.report.executed import CHART_MIME, About, Executed
from callkit.zones import Period

pytestmark = pytest.mark.xdist_group("page")

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
ABOUT = About(
    company="ООО «Ромашка» <b>",
    period="март 2026",
    until=dt.date(2026, 3, 31),
    facts={"Часовой пояс": "Europe/Moscow", "Фильтры": HOSTILE},
    command="callkit report 'my tables' --month 2026-03",
    inputs={"calls.csv": {"bytes": 12345, "sha256": "ab" * 32}},
    versions={"callkit": "0.1.0", "python": "3.11"},
    left_out=("Раздела «Проекты» нет.",),
)
BARS = {
    "data": {"values": [{"a": "x", "b": 1}, {"a": HOSTILE, "b": 2}]},
    "mark": "bar",
    "transform": [{"calculate": "datum.b * 2", "as": "c"}],
    "encoding": {"x": {"field": "a", "type": "nominal"}, "y": {"field": "c", "type": "quantitative"}},
    "width": 300,
}


def sections(folder: Path, lang: str) -> list[Executed]:
    """Two sections with charts and tables, and one that failed."""
    locale = Locale(lang)
    headline = pieces.headline(facts(title="Источники", sentence=HOSTILE), [HOSTILE], "÷")
    rows = [["Сайт", 10], ["Реклама", 9], [HOSTILE, 100], ["Пусто", None], ["Всего", 119]]
    shown = pieces.table(
        "t", "Таблица", [pieces.column("source", locale), pieces.column("calls", locale)], rows, locale
    )
    many = pieces.table(
        "m", "Длинная", [pieces.column("source", locale)], [[f"строка {n}"] for n in range(80)], locale, total=False
    )
    wide = [
        pieces.column(name, locale) for name in ("source", "calls", "talk_minutes", "revenue", "conversion", "deals")
    ]
    broad = pieces.table("w", "Широкая", wide, [["Очень длинное название сегмента", 1, 2.0, 3e9, 0.5, 6]], locale)
    chart = {CHART_MIME: BARS, "text/plain": "столбцы", "image/png": "iVBORw0KGgo="}
    own = executed(folder, *(p._repr_mimebundle_() for p in (headline, shown, broad)), chart, {"text/plain": "итого"})
    other = executed(folder, chart, many._repr_mimebundle_(), {"text/html": f"<p>{HOSTILE}</p>"}, name="quality")
    failed = executed(folder, chart, name="grades", failed="ValueError: <нет столбца>")
    return [own, other, failed]


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A report's language and its HTML file."""
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(page.compose(ABOUT, sections(folder, request.param), Locale(request.param)), encoding="utf-8")
    return request.param, path


@pytest.fixture(scope="module", params=LANGUAGES)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the demo company's report in a language, made by the notebooks of the report themselves."""
    month = Period.of_month("2026-10")
    outcome = batch.run("demo", [month], out=tmp_path_factory.mktemp("demo"), lang=request.param)[0]
    assert outcome.failed == ()
    return outcome.html.resolve()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A browser behind a proxy that is not there: whatever it asks of the network fails."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9"]
        )
        yield opened
        opened.close()


@dataclasses.dataclass
class Seen:
    """An open page with what it complained of and what it asked for."""

    page: Any
    complaints: list[str]
    requests: list[str]


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    contexts = []

    def visit(path: Path, **options: Any) -> Seen:
        context = browser.new_context(**options)
        contexts.append(context)
        seen = Seen(context.new_page(), [], [])
        seen.page.on("console", lambda m: seen.complaints.append(m.text) if m.type in ("error", "warning") else None)
        seen.page.on("pageerror", lambda e: seen.complaints.append(str(e)))
        seen.page.on("request", lambda r: seen.requests.append(r.url))
        seen.page.goto(path.as_uri())
        return seen

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_every_chart_is_drawn_and_nothing_is_asked_of_the_network(
    report: tuple[str, Path], visit: Any, width: int
) -> None:
    lang, path = report
    seen = visit(path, viewport={"width": width, "height": 844})

    seen.page.locator(".ck-chart svg").nth(1).wait_for(state="attached", timeout=20_000)
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert seen.page.get_attribute("html", "lang") == lang
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_chart_of_the_demo_report_is_drawn_with_the_network_refused(demo: Path, visit: Any, width: int) -> None:
    seen = visit(demo, viewport={"width": width, "height": 844})
    charts = seen.page.locator("figure.callkit-chart").count()

    seen.page.locator("figure.callkit-chart svg").nth(charts - 1).wait_for(state="attached", timeout=60_000)
    assert charts >= 15
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_chart_of_the_demo_report_is_drawn_with_packets_dropped(
    demo: Path, visit: Any, black_hole: BlackHole, width: int
) -> None:
    through = {"server": black_hole.server, "bypass": "<-loopback>"}
    seen = visit(demo, viewport={"width": width, "height": 844}, proxy=through)
    charts = seen.page.locator("figure.callkit-chart").count()

    seen.page.locator("figure.callkit-chart svg").nth(charts - 1).wait_for(state="attached", timeout=60_000)
    assert charts >= 15
    assert seen.complaints == []
    assert black_hole.asked == []

    # The network is one that drops: what does ask is heard, and waits for ever.
    with pytest.raises(Exception, match="Timeout"):
        seen.page.goto("http://somewhere.test/", timeout=1500)
    assert any(b"somewhere.test" in heard for heard in black_hole.asked)


def test_markup_in_the_data_stays_text_and_no_foreign_script_runs(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1])

    seen.page.locator(".ck-chart svg").nth(1).wait_for(state="attached", timeout=20_000)
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.inner_text(".ck-sentence") == HOSTILE
    assert seen.page.inner_text("h1") == "ООО «Ромашка» <b> март 2026"
    # The one script that a notebook itself put into its HTML, unescaped, is refused by the page's policy.
    assert all("Content Security Policy" in c for c in seen.complaints)
    assert len(seen.complaints) >= 1


def test_a_click_on_a_heading_sorts_by_value_and_leaves_the_whole_below(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1])
    table = seen.page.locator("table.ck-table").first
    heading = table.locator("thead th").nth(1)

    def numbers() -> list[str]:
        return [cell.strip() for cell in table.locator("tbody td.num").all_inner_texts()]

    heading.locator(".ck-sort").click()
    assert numbers() == ["100", "10", "9", "–", "119"]
    assert heading.get_attribute("aria-sort") == "descending"

    heading.locator(".ck-sort").press("Enter")
    assert numbers() == ["9", "10", "100", "–", "119"]
    assert heading.get_attribute("aria-sort") == "ascending"


def test_a_table_is_saved_as_csv_that_the_readers_excel_understands(report: tuple[str, Path], visit: Any) -> None:
    lang, path = report
    seen = visit(path)

    with seen.page.expect_download() as download:
        seen.page.locator(".ck-save").nth(1).click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")

    line = text.splitlines()[1]
    assert line == '"Очень длинное название сегмента";1;2,0;3000000000,0;0,5;6'.replace(
        *((",", ".") if lang == "en" else ("", ""))
    ).replace(*((";", ",") if lang == "en" else ("", "")))


def test_the_switch_turns_light_into_dark_with_the_charts(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1], color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"

    assert seen.page.evaluate(ground) == "rgb(244, 245, 247)"
    seen.page.click(".ck-theme")
    assert seen.page.evaluate(ground) == "rgb(15, 17, 22)"
    seen.page.locator(".ck-chart svg[style*='rgb(23, 26, 33)']").first.wait_for(timeout=20_000)


def test_the_system_decides_between_light_and_dark_until_the_reader_does(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1], color_scheme="dark")

    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 17, 22)"


def test_the_contents_lead_to_every_section_and_fold_on_a_phone(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1], viewport={"width": 390, "height": 844})

    links = [link.get_attribute("href") for link in seen.page.locator(".ck-contents a").all()]
    assert links == ["#sources", "#quality", "#grades", "#again"]
    assert all(seen.page.locator(link).count() == 1 for link in links)
    assert not seen.page.evaluate("document.querySelector('.ck-contents').open")


def test_a_long_table_scrolls_in_its_box_and_is_cut_on_paper_with_a_word(report: tuple[str, Path], visit: Any) -> None:
    seen = visit(report[1])
    rows = "[...document.querySelectorAll('#quality tbody tr')].filter(r => r.offsetHeight).length"

    assert seen.page.evaluate("document.querySelector('#quality .ck-scroll').clientHeight") <= 640
    assert seen.page.evaluate(rows) == 80
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate(rows) == 60
    assert seen.page.get_attribute("#quality figure.ck-block", "data-more")


def test_a_failed_section_is_a_box_with_one_line_and_the_name_of_its_notebook(report: tuple[str, Path]) -> None:
    text = report[1].read_text(encoding="utf-8")
    box = re.search(r'<section class="ck-section" id="grades".*?</section>', text, re.S)

    assert box
    assert "ValueError: &lt;нет столбца&gt;" in box[0]
    assert "grades.ipynb" in box[0]
    assert "callkit-chart" not in box[0]


def test_the_last_block_says_how_to_make_the_report_again(report: tuple[str, Path]) -> None:
    lang, path = report
    text = path.read_text(encoding="utf-8")
    block = text[text.index('id="again"') : text.index("</main>")]

    for told in ("callkit report &#x27;my tables&#x27; --month 2026-03", "ab" * 32, "0.1.0", "Раздела «Проекты» нет."):
        assert told in block
    assert {"ru": "12\u00a0345", "en": "12,345"}[lang] in block


def test_the_policy_forbids_every_request_and_names_each_script_by_its_hash(report: tuple[str, Path]) -> None:
    text = report[1].read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)

    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]
    assert policy[1].count("'sha256-") == len(re.findall(r"^<script>", text, re.M))
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text[: text.index("<script>")])


def test_the_style_of_the_pieces_stands_in_the_page_once(report: tuple[str, Path]) -> None:
    assert report[1].read_text(encoding="utf-8").count("--ck-ground: #f4f5f7") == 1


def test_a_page_without_charts_carries_no_chart_library(tmp_path: Path) -> None:
    told = executed(tmp_path, {"text/html": "<p>ok</p>", SECTION_MIME: facts()})

    assert len(page.compose(ABOUT, [told], Locale("ru"))) < 100_000


def test_pages_of_further_segments_have_addresses_of_their_own(tmp_path: Path) -> None:
    told = [executed(tmp_path, {"text/html": "<p>ok</p>"}, name=name) for name in ("segments-a", "segments-b")]

    assert re.findall(r'<section class="ck-section" id="([^"]+)"', page.compose(ABOUT, told, Locale("en"))) == [
        "segments-1",
        "segments-2",
    ]


def _palette(selector: str) -> dict[str, str]:
    css = (Path(page.__file__).parent.parent / "static" / "report.css").read_text(encoding="utf-8")
    block = css[css.index(selector) : css.index("}", css.index(selector))]
    return dict(re.findall(r"--ck-([a-z-]+): (#[0-9a-f]{6})", block))


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("selector", [":root, body", "html[data-theme="])
def test_every_text_stands_out_from_what_it_stands_on(selector: str) -> None:
    colours = _palette(selector)

    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    for text in ("text", "muted", "accent", "good", "bad"):
        for ground in ("ground", "surface", "raised"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text, ground in (("text", "bar"), ("text", "warn-pale"), ("muted", "warn-pale"), ("accent", "accent-pale")):
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_both_dark_palettes_are_the_same() -> None:
    assert _palette(":root:not([data-theme=") == _palette("html[data-theme=")
