"""Promise: in a real browser every page of the app draws, filters, answers a click, links, downloads and speaks both
languages; its figures are those of `callkit metrics`; nothing is asked of any other host, and no name becomes markup.
"""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from conftest import BlackHole

from callkit import Period, Scope, measure, open_company
from callkit.app import TEMPLATE, data_folders
from callkit.app.view import PAGES

pytestmark = pytest.mark.xdist_group("app")
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
HOSTILE = (
    '<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=1</script>", "=cmd()", "\u202eabc\u202c",
    "Д" * 300, "x, \"y\" & 'z'",
)  # fmt: skip
READY, DONE = ".ck-app[data-drawn]", ".ck-app[data-complete]"
LONG = 90_000


@contextlib.contextmanager
def served(source: str, notebook: str = "app.ipynb", timezone: str = "") -> Iterator[str]:
    """Voila with the app's template, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ, "JUPYTER_PATH": os.pathsep.join(map(str, data_folders())), "CALLKIT_APP_SOURCE": source,
        "CALLKIT_APP_TIMEZONE": timezone,
    }  # fmt: skip
    command = [
        sys.executable, "-m", "voila", str(NOTEBOOKS / notebook), f"--template={TEMPLATE}", "--no-browser",
        f"--port={port}", "--Voila.ip=127.0.0.1",
    ]  # fmt: skip
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if f":{port}/" in line:
                    break
            # The pipe must be read on, or the server would stop when it is full.
            drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
            yield f"http://127.0.0.1:{port}/"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            drain.wait()


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with served("demo") as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


class Reader:
    """A browser at the app: what it asked of other hosts and what went wrong are kept."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "ru-RU", **options})
        self.context.set_default_timeout(LONG)
        self.abroad: list[str] = []
        self.errors: list[str] = []
        self.context.route("**/*", self._watch)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)

    def _watch(self, route: Any) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            self.abroad.append(route.request.url)
            route.abort()

    def open(self, address: str) -> Any:
        self.page.goto(address)
        self.page.wait_for_selector(DONE)
        return self.page

    def changing(self, act: Any) -> None:
        """Does something that changes the view, and waits for the new one to be whole."""
        self.page.evaluate("callkit.before = callkit.view; delete callkit.root.dataset.complete")
        act()
        self.page.wait_for_function("callkit.view !== callkit.before && callkit.root.dataset.complete")

    def drawn(self) -> None:
        """Has every chart drawn, those too that nobody has come near: as a printer does."""
        self.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.page.wait_for_function(
            "[...document.querySelectorAll('.ck-drawing')]"
            ".every((d) => d.matches(':not([data-due]) > *') && d.querySelector('svg'))"
        )

    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query, keep_blank_values=True)

    def centre(self, part: str, test: str) -> tuple[float, float]:
        """The middle of the drawn mark whose datum passes a test, once all that stands about it is drawn and still."""
        self.page.locator(f'[data-part="{part}"] .ck-chart').scroll_into_view_if_needed()
        self.page.wait_for_selector(f'[data-part="{part}"] figure:not([data-due]) svg')
        found = self.page.evaluate(
            f"""async () => {{
              const frame = () => new Promise(requestAnimationFrame);
              const due = () => [...document.querySelectorAll('figure[data-due]')].some((figure) => figure.chart.near);
              const until = performance.now() + {LONG};
              for (let still = 0, before = ''; performance.now() < until;) {{
                const marks = [...document.querySelectorAll('[data-part="{part}"] path')];
                const mark = marks.find((m) => {{ const d = m.__data__?.datum; return d && ({test}); }});
                mark.scrollIntoView({{ block: "center" }});
                await frame();
                const box = mark.getBoundingClientRect(), now = `${{box.x}} ${{box.y}}`;
                still = mark.isConnected && now === before && !due() ? still + 1 : 0;
                if (still > 3) return [box.x + box.width / 2, box.y + box.height / 2];
                before = now;
              }}
              throw new Error("never still");
            }}"""
        )
        return found[0], found[1]

    def close(self) -> None:
        self.context.close()
        assert self.abroad == []
        assert self.errors == []


@pytest.fixture
def reader(browser: Any) -> Iterator[Reader]:
    made = Reader(browser)
    yield made
    made.close()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_in_both_languages(demo: str, reader: Reader, page: str) -> None:
    shown = reader.open(f"{demo}?page={page}&lang=en")

    assert shown.locator(".ck-nav [aria-current]").count() == 1
    assert not shown.locator(".ck-content .ck-warning").count()
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    charts = shown.locator("figure.callkit-chart")
    for i in range(charts.count()):
        assert charts.nth(i).get_attribute("aria-label")
    reader.drawn()
    reader.changing(lambda: shown.click(".ck-lang"))
    assert shown.evaluate("document.documentElement.lang") == "ru"


def test_charts_are_drawn_when_the_reader_comes_near_them_or_prints(demo: str, browser: Any) -> None:
    reader = Reader(browser)
    page = reader.open(f"{demo}?page=overview&lang=en")
    undrawn = "[...document.querySelectorAll('.ck-drawing:empty')].map((d) => d.closest('.ck-part').dataset.part)"
    page.wait_for_timeout(300)
    far = page.evaluate(undrawn)
    assert far
    assert "main" not in far

    page.locator(f'[data-part="{far[-1]}"]').scroll_into_view_if_needed()
    page.wait_for_selector(f'[data-part="{far[-1]}"] svg')
    reader.changing(lambda: page.click(".ck-lang"))
    page.evaluate("scrollTo(0, 0)")
    assert page.pdf()
    assert page.evaluate(undrawn) == []
    for theme in ("dark", "light"):  # there and back again while they are far
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_timeout(100)
    reader.drawn()
    reader.close()


MARKS = """() => [...document.querySelectorAll('[data-part="main"] svg :is(path, text, line, rect)')]
  .map((e) => [e.tagName, e.textContent,
    ...["d", "transform", "fill", "stroke", "x2", "y2", "width"].map((a) => e.getAttribute(a))])"""


def test_a_chart_drawn_from_what_was_compiled_before_is_the_same_chart(demo: str, browser: Any) -> None:
    going, opening = Reader(browser), Reader(browser)
    page = going.open(f"{demo}?page=sources&lang=en")
    page.evaluate("""() => { const embed = vegaEmbed; globalThis.modes = [];
      globalThis.vegaEmbed = (place, spec, how) => {
        if (spec.title) modes.push(how.mode);
        return embed(place, spec, how); }; }""")
    modes = []
    for period in ("2026-08", "2026-09", "2026-07", "2026-09_2026-11"):
        page.evaluate("modes.length = 0")
        going.changing(lambda period=period: page.evaluate(f"callkit.set('period', '{period}')"))  # type: ignore[misc]
        modes.append(page.evaluate("modes.at(0)"))
        marks = page.evaluate(MARKS)
        assert len(marks) > 20
        assert marks == opening.open(page.url).evaluate(MARKS), period
    assert "vega" in modes
    going.close()
    opening.close()


def test_a_network_that_drops_everything_but_the_own_machine_changes_nothing(
    demo: str, browser: Any, black_hole: BlackHole
) -> None:
    reader = Reader(browser, proxy={"server": black_hole.server, "bypass": "127.0.0.1"})
    reader.context.unroute("**/*")  # what is asked goes out, into the hole
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    for page in ("overview", "sources", "stages", "quality"):
        reader.open(f"{demo}?page={page}")
        reader.drawn()
    # The browser itself may ask for its own services; the page asks nobody but the app.
    assert asked
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}
    reader.close()


def test_figures_on_the_page_are_those_of_metrics(demo: str, reader: Reader) -> None:
    with open_company("demo") as company:
        figures = measure(company, Scope(Period.of_month("2026-09"), where={"direction": ["in"]}), ["source"])
    at = figures.columns.index("talk_minutes")

    page = reader.open(f"{demo}?page=sources&period=2026-09&where.direction=in&lang=en")

    rows = page.evaluate(
        """() => [...document.querySelectorAll('[data-part="calls"] tbody tr')].map((row) =>
             [row.cells[0].textContent, ...[...row.cells].slice(1).map((c) => Number(c.dataset.value))])"""
    )
    told = {"(no deal)": "(no deal)", "(total)": "Total"}
    assert [row[0] for row in rows] == [told.get(row[0], row[0]) for row in figures.rows]
    assert [row[1] for row in rows] == [row[figures.columns.index("calls")] for row in figures.rows]
    heads = page.locator('[data-part="calls"] thead th').all_inner_texts()
    place = next(i for i, head in enumerate(heads) if head.startswith("Talk, min"))
    assert [row[place] for row in rows] == [pytest.approx(row[at]) for row in figures.rows]


def test_a_bubble_a_row_a_bar_and_a_card_open_what_is_behind_and_back_undoes(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?lang=en")
    x, y = reader.centre("main", 'd.segment === "Сайт"')
    reader.changing(lambda: page.mouse.click(x, y))
    page.wait_for_selector(".ck-behind tbody tr")
    assert reader.query()["sel.source"] == ["Сайт"]
    assert page.inner_text(".ck-behind h2") == "Source: Сайт"
    assert page.inner_text(".ck-tabs [aria-selected=true] .ck-count") == "296"

    reader.changing(page.go_back)
    assert page.is_hidden(".ck-behind")

    reader.changing(lambda: page.click('[data-part="values"] tbody tr:nth-child(2) .ck-open'))
    assert page.locator(".ck-selected").count() == 1
    reader.changing(lambda: page.click(".ck-behind .ck-button"))
    assert page.locator(".ck-chip").count() == 1
    assert page.is_hidden(".ck-behind")

    reader.changing(lambda: page.click(".ck-chip"))
    x, y = reader.centre("load", 'd.direction === "inbound"')
    reader.changing(lambda: page.mouse.click(x, y))
    assert set(reader.query()) >= {"sel.stage", "sel.direction"}
    reader.changing(lambda: page.keyboard.press("Escape"))
    reader.changing(lambda: page.locator(".ck-card").nth(2).click())
    assert reader.query()["tab"] == ["deals"]
    assert page.inner_text(".ck-tabs [aria-selected=true] .ck-count") == "301"


def test_what_is_behind_is_searched_sorted_turned_and_taken_home(demo: str, reader: Reader, tmp_path: Path) -> None:
    page = reader.open(f"{demo}?page=sources&sel.source={quote('Сайт')}&tab=deals&lang=en")
    page.wait_for_selector(".ck-behind tbody tr")
    assert page.inner_text(".ck-pager span") == "1–50 of 70"
    assert page.locator(".ck-behind tbody a").first.get_attribute("href").endswith("/40101349")
    page.click('.ck-pager [aria-label="Next page"]')
    page.wait_for_function("document.querySelector('.ck-pager span').textContent === '51–70 of 70'")
    page.fill(".ck-behind .ck-search", "40101349")
    page.wait_for_function("document.querySelectorAll('.ck-behind tbody tr').length === 1")
    page.fill(".ck-behind .ck-search", "")
    page.click(".ck-behind th >> text=Amount")
    page.wait_for_selector('.ck-behind th[aria-sort="ascending"]')
    with page.expect_download() as download:
        page.click(".ck-saves >> text=CSV")
    kept = tmp_path / "deals.csv"
    download.value.save_as(kept)
    with kept.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 71
    assert rows[1][2] <= rows[-1][2] or float(rows[1][2]) <= float(rows[-1][2])
    with page.expect_download() as download:
        page.click(".ck-saves >> text=Excel")
    assert download.value.suggested_filename.endswith(".xlsx")


def test_a_finding_opens_the_deals_behind_it(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=overview&period=2026-10&lang=ru")
    page.wait_for_selector('[data-part="findings"] li .ck-open')
    first = page.locator('[data-part="findings"] li .ck-open').first
    assert "Грейд клиента «AA»" in first.inner_text()
    reader.changing(first.click)
    assert reader.query()["page"] == ["grades"]
    assert reader.query()["sel.grade"] == ["AA"]
    page.wait_for_selector(".ck-behind tbody tr")
    assert "121" in page.inner_text(".ck-behind")


def test_filters_period_and_settings_change_the_address_and_a_copied_link_opens_the_same(
    demo: str, browser: Any, reader: Reader
) -> None:
    page = reader.open(f"{demo}?page=managers&lang=en")
    page.click(".ck-tools >> text=Filters")
    page.click(".ck-filter summary >> text=Source")
    page.wait_for_selector(".ck-filter[open] .ck-values input")
    reader.changing(lambda: page.locator(".ck-filter[open] .ck-values input").nth(1).check())
    reader.changing(lambda: page.locator('.ck-panel input[value="called"]').check())
    page.keyboard.press("Escape")
    page.click(".ck-tools details.ck-pop >> nth=0")
    reader.changing(lambda: page.click(".ck-preset >> text=3 months"))
    page.keyboard.press("Escape")
    reader.changing(lambda: page.click('[title="Light or dark"]'))
    query = reader.query()
    assert (query["period"], query["lens"], query["theme"]) == (["quarter"], ["called"], ["dark"])
    sentence = page.inner_text(".ck-sentence")

    other = Reader(browser)
    shown = other.open(page.url)
    assert shown.inner_text(".ck-sentence") == sentence
    assert shown.locator(".ck-chip").count() == 1
    assert shown.evaluate("getComputedStyle(document.querySelector('.ck-app')).backgroundColor") == "rgb(15, 17, 22)"
    other.close()


def test_what_a_link_has_that_is_unknown_is_named_and_not_executed(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=sources&lens=nonsense&where.source={quote(HOSTILE[0])}&lang=en")

    assert "“nonsense” is no choice for lens" in page.inner_text(".ck-notes")
    assert HOSTILE[0] in page.inner_text(".ck-notes")
    assert page.evaluate("window.hacked") is None
    assert reader.query() == {"page": ["sources"], "lang": ["en"]}


def test_the_forecast_answers_for_a_number_of_new_deals_that_stands_in_the_address(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=stages&lang=en")
    piece = page.locator('[data-part="talk_needed"]')
    field = piece.get_by_label("New deals to expect")
    as_lately = piece.locator("tbody tr").last.inner_text()

    def ask(number: str) -> None:
        field.fill(number)
        field.press("Enter")

    reader.changing(lambda: ask("500"))
    assert reader.query()["new_deals"] == ["500"]
    assert "if 500 new deals come, about" in piece.inner_text()
    assert field.input_value() == "500"
    assert page.evaluate("document.activeElement.name") == "new_deals"
    reader.changing(lambda: ask(""))
    assert "new_deals" not in reader.query()
    assert piece.locator("tbody tr").last.inner_text() == as_lately
    page = reader.open(f"{demo}?page=stages&lang=en&new_deals=%3Cimg%20src%3Dx%3E")
    assert "“<img src=x>” is not a number of new deals" in page.locator(".ck-notes").inner_text()
    assert "new_deals" not in reader.query()


def test_the_view_is_exported_as_workbook_picture_and_command(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=grades&period=2026-09&lang=en")
    page.locator(".ck-tools details.ck-pop").nth(1).click()
    with page.expect_download() as download:
        page.click("text=This page as an Excel workbook")
    assert download.value.suggested_filename.endswith("2026-09.xlsx")
    page.click("text=Make this the monthly report")
    page.wait_for_selector(".ck-command code")
    assert page.inner_text(".ck-command code") == "callkit report demo --month 2026-09"
    page.keyboard.press("Escape")
    for kind in ("png", "svg"):
        with page.expect_download() as download:
            page.locator('[data-part="main"] .ck-chart-foot > button', has_text=kind.upper()).click()
        assert download.value.suggested_filename.endswith(f".{kind}")


def test_the_keyboard_reaches_every_control_and_opens_what_is_behind(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=stages&lang=en")
    unreachable = page.evaluate(
        """() => [...document.querySelectorAll('.ck-app button, .ck-app a, .ck-app select, .ck-app input, .ck-open')]
             .filter((e) => e.checkVisibility() && e.tabIndex < 0).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert unreachable == []
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('.ck-app button')].filter((e) => e.checkVisibility()
             && !e.textContent.trim() && !e.ariaLabel).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    page.locator('[data-part="calls_by_stage"] .ck-open').nth(1).focus()
    reader.changing(lambda: page.keyboard.press("Enter"))
    page.wait_for_selector(".ck-behind tbody tr")
    reader.changing(lambda: page.keyboard.press("Escape"))
    assert page.is_hidden(".ck-behind")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_can_read_every_page(demo: str, browser: Any, theme: str) -> None:
    reader = Reader(browser, viewport={"width": 390, "height": 844}, color_scheme=theme)
    page = reader.open(f"{demo}?page=sources&lang=ru")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for link in page.locator(".ck-nav a").all():
        if link.get_attribute("aria-current") is None:
            reader.changing(link.click)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click(".ck-tools > button >> nth=0")
    assert round(page.locator(".ck-panel").first.bounding_box()["width"]) == 390
    reader.close()


# Every text that can be seen, with its contrast against what lies under it (WCAG 2) and the least that AA allows.
CONTRASTS = """() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a)).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const opacity = (element) => {
    let value = 1;
    for (let e = element; e; e = e.parentElement) value *= Number(getComputedStyle(e).opacity);
    return value;
  };
  const light = (colour) => colour.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    if (!text || element.closest("script, style, option, .ck-skip, :disabled") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), drawn = element.closest("svg");
    if (drawn && style.stroke === style.fill) continue; // the halo under a name
    const [r, g, b, a] = parse(drawn ? style.fill : style.color), below = ground(drawn ? drawn.parentElement : element);
    const colour = over([r, g, b, a * opacity(element)], below), [one, other] = [light(colour), light(below)];
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    found.push([text.slice(0, 40), Math.round(ratio * 100) / 100, large ? 3 : 4.5]);
  }
  return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(demo: str, browser: Any, theme: str) -> None:
    reader = Reader(browser, color_scheme=theme, reduced_motion="reduce")
    page = reader.open(f"{demo}?page=sources&where.manager=Nobody&nonsense=1")
    reader.drawn()
    states = [page.evaluate(CONTRASTS)]
    page.click(".ck-tools > button >> nth=0")
    page.wait_for_selector(".ck-panel .ck-filter, .ck-panel details, .ck-panel fieldset")
    states.append(page.evaluate(CONTRASTS))
    page.keyboard.press("Escape")
    for pop in (0, 1):
        page.click(f".ck-pop >> nth={pop} >> summary")
        states.append(page.evaluate(CONTRASTS))
        page.keyboard.press("Escape")
    reader.open(
        f"{demo}?page=managers&tab=deals&sel.manager=%D0%90%D0%BD%D0%BD%D0%B0%20%D0%A1%D0%BE%D0%BA%D0%BE%D0%BB%D0%BE%D0%B2%D0%B0"
    )
    page.wait_for_timeout(500)
    reader.drawn()
    states.append(page.evaluate(CONTRASTS))
    assert all(len(state) > 100 for state in states)
    assert {(text, ratio) for state in states for text, ratio, least in state if ratio < least} == set()
    reader.close()


def test_a_session_that_ended_says_so_and_reloads_into_the_same_view(demo: str, reader: Reader) -> None:
    page = reader.open(f"{demo}?page=projects&period=2026-08&lang=en")
    kernel = page.evaluate("callkit.channel.place.kernel")
    page.evaluate("callkit.channel.lost()")
    assert "The session has ended" in page.inner_text(".ck-lost")
    with page.expect_navigation():
        page.click(".ck-lost button")
    page.wait_for_selector(DONE)
    assert reader.query() == {"page": ["projects"], "period": ["2026-08"], "lang": ["en"]}
    assert page.evaluate("callkit.channel.place.kernel") != kernel


def test_a_section_notebook_is_a_page_of_its_own(browser: Any) -> None:
    with served("demo", "grades.ipynb") as address:
        reader = Reader(browser)
        page = reader.open(address)
        assert page.is_hidden(".ck-nav")
        assert page.inner_text("h2 >> nth=0") == "Грейды клиентов"
        x, y = reader.centre("main", 'd.segment === "AA"')
        reader.changing(lambda: page.mouse.click(x, y))
        assert reader.query()["sel.grade"] == ["AA"]
        reader.close()


def test_hostile_names_stay_text_everywhere(browser: Any, tmp_path: Path) -> None:
    _hostile(tmp_path)
    with served(str(tmp_path)) as address:
        reader = Reader(browser)
        for page_name in ("overview", "managers", "stages", "quality"):
            page = reader.open(f"{address}?page={page_name}&tab=deals")
            page.wait_for_selector(".ck-behind tbody tr")
            assert page.evaluate("window.hacked") is None
            assert not page.locator('.ck-app img, .ck-app script:not([type="application/json"])').count()
        page = reader.open(f"{address}?page=sources&where.source={quote(HOSTILE[0])}")
        assert HOSTILE[0] in page.inner_text(".ck-chip")
        page.click(".ck-tools > button >> nth=0")
        page.click(".ck-filter summary >> text=Источник")
        page.wait_for_selector(".ck-filter[open] .ck-values input")
        assert HOSTILE[4] in page.inner_text(".ck-filter[open] .ck-values")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        reader.close()


def test_a_company_without_sources_and_money_is_served_too(browser: Any, shared: Path) -> None:
    with served(str(shared / "data" / "bpic2012"), timezone="Europe/Amsterdam") as address:
        reader = Reader(browser)
        page = reader.open(address)
        names = [urlsplit(link.get_attribute("href")).query for link in page.locator(".ck-nav a").all()]
        for name in ("", *(parse_qs(query)["page"][0] for query in names if query)):
            if name:
                reader.changing(lambda name=name: page.evaluate(f"callkit.set('page', '{name}')"))  # type: ignore[misc]
            reader.drawn()
            assert not page.locator(".ck-content .ck-warning").count(), name
        assert "page=managers" in names
        reader.close()


def _hostile(folder: Path) -> None:
    """A company whose every name would do harm, if it could."""
    deals, calls, changes = [], [], []
    for i in range(120):
        day, name = 1 + i % 27, HOSTILE[i % len(HOSTILE)]
        moment = f"2026-10-{day:02}T08:00:00Z"
        deals.append(
            [f"d{i}", moment, f"2026-10-{day:02}T18:00:00Z", "won" if i % 3 else "lost", 100 + i, f"m{i % 6}", name]
        )
        calls += [
            [f"c{i}-{k}", f"2026-10-{day:02}T{9 + k:02}:00:00Z", 60, "in", f"m{i % 6}", f"d{i}"] for k in range(2)
        ]
        changes.append([f"d{i}", moment, f"s{i % 2}"])
    tables = {
        "deals": (["deal_id", "created_at", "closed_at", "outcome", "amount", "manager_id", "source"], deals),
        "calls": (["call_id", "started_at", "talk_seconds", "direction", "manager_id", "deal_id"], calls),
        "stage_changes": (["deal_id", "changed_at", "stage_id"], changes),
        "stages": (
            ["stage_id", "name", "position", "kind"],
            [["s0", HOSTILE[0], 1, "open"], ["s1", HOSTILE[1], 2, "won"]],
        ),
        "managers": (["manager_id", "name", "team"], [[f"m{i}", name, name] for i, name in enumerate(HOSTILE)]),
    }
    for table, (head, rows) in tables.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    (folder / "callkit.toml").write_text(
        '[company]\nname = "<script>window.hacked=1</script>"\nlanguage = "ru"\n'
        'deal_url = "https://example.com/{deal_id}"\n[account]\ntimezone = "Europe/Moscow"\n',
        encoding="utf-8",
    )


def test_the_server_answers_at_all(demo: str) -> None:
    with urllib.request.urlopen(demo) as answer:
        assert b'id="callkit-first"' in answer.read()
