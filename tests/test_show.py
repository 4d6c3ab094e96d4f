"""Promise: a chart shows itself in notebooks and in a page that is one file, offline, in the layout and the look that
fit the reader, and no name in the data ever becomes markup or script.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from callkit.charts import bubble, describe
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measures import MEASURES
from callkit.show import EMBED_SCRIPT, VEGA_LITE_MIME, chart_html, script_json, show, vega_bundle

RU = Locale("ru", "RUB")
HOSTILE = "<img src=x onerror=hacked=1></script><script>hacked=1</script>"


def figures() -> Figures:
    """Two sources, one with a name that would do harm as markup."""
    shown = [(HOSTILE, 0.6, 200, 20), ("Сайт", 0.4, 100, 30)]
    rows = [
        {"talk_share": talk, "talk_minutes": talk * 100, "deals": deals, "won_deals": won, "conversion": won / deals}
        | {"source": name, "revenue": won * 1000}
        for name, talk, deals, won in shown
    ]
    total = {"source": "(total)", "conversion": 0.17}
    return Figures(("source",), [tuple(row.get(c) for c in ("source", *MEASURES)) for row in (*rows, total)])


def chart() -> Any:
    return bubble(figures(), RU)


# In notebooks


def test_a_notebook_gets_vega_lite_5_with_the_words_beside_it() -> None:
    data, metadata = show(chart(), "Две точки")._repr_mimebundle_()

    assert data[VEGA_LITE_MIME]["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    assert data[VEGA_LITE_MIME]["description"] == "Две точки"
    assert data["text/plain"] == repr(show(chart(), "Две точки")) == "Две точки"
    assert metadata[VEGA_LITE_MIME] == {"embed_options": {"renderer": "svg", "actions": False}}


def test_a_notebook_gets_a_png_so_that_the_renderer_makes_none() -> None:
    data, _ = show(chart(), "")._repr_mimebundle_()

    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n\x1a\n")


def test_a_chart_has_its_own_width_since_a_hidden_element_measures_nothing() -> None:
    assert show(chart(), "").spec["width"] == 640


# In a page


def test_nothing_in_a_chart_ends_its_script() -> None:
    page = chart_html(show(chart(), "").spec, HOSTILE, "talk")

    assert page.count("</script>") == 1
    assert page.count("<script") == 1
    assert "<img" not in page


def test_json_in_a_script_reads_back_the_same_and_breaks_no_line() -> None:
    value = {"a": "</script><!-- \u2028 \u2029 ж"}

    assert not set("<\u2028\u2029") & set(script_json(value))
    assert json.loads(script_json(value)) == value


def test_the_identifier_and_the_words_are_escaped() -> None:
    page = chart_html({}, '"><b>', 'a"b')

    assert 'id="a&quot;b"' in page
    assert 'aria-label="&quot;&gt;&lt;b&gt;"' in page


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, a bundle that is quickly made, and none in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "/* made */")
    vega_bundle.cache_clear()
    yield tmp_path / "callkit"
    vega_bundle.cache_clear()


def test_the_bundle_is_kept_in_the_cache_folder_and_read_from_there(cache: Path) -> None:
    made = vega_bundle()
    [kept] = list(cache.iterdir())
    kept.write_text(made.replace("made", "kept"), encoding="utf-8")
    vega_bundle.cache_clear()

    assert made == "(function () {\n/* made */\n})();\n"
    assert "kept" in vega_bundle()


def test_half_a_bundle_in_the_cache_is_made_anew(cache: Path) -> None:
    vega_bundle()
    [kept] = list(cache.iterdir())
    kept.write_text("(function () {", encoding="utf-8")
    vega_bundle.cache_clear()

    assert "made" in vega_bundle()
    assert "made" in kept.read_text(encoding="utf-8")


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert "made" in vega_bundle()
    assert not cache.exists()


def test_the_script_of_a_page_holds_both_looks_and_asks_nothing_of_the_network() -> None:
    assert '"background":"#ffffff"' in EMBED_SCRIPT
    assert '"background":"#171a21"' in EMBED_SCRIPT
    assert not re.search(r"https?:|fetch\(|import\(|XMLHttpRequest", EMBED_SCRIPT)


# In a browser


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage", *quiet]
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a page of charts with the network refused; what it asked for and complained of is in `asked`, `said`."""
    pages = []

    def visit(body: str, width: int = 1200, bundle: str | None = None, **options: Any) -> Any:
        path = tmp_path / "page.html"
        bundle = vega_bundle() if bundle is None else bundle
        scripts = "".join(f"<script>{script}</script>" for script in (bundle, EMBED_SCRIPT))
        path.write_text(f'<!doctype html><meta charset="utf-8"><body>{body}{scripts}', encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.asked, page.said = [], []

        def refused(route: Any) -> None:
            if route.request.url.startswith("file:"):
                route.continue_()
            else:
                page.asked.append(route.request.url)
                route.abort()

        page.route("**/*", refused)
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield visit
    for page in pages:
        page.close()


def figure(identifier: str = "talk") -> str:
    return chart_html(show(chart(), "").spec, describe("bubble", figures(), RU), identifier)


def plot_width(page: Any) -> int:
    """The width the drawn layout was laid out for, its axes and edges with it."""
    return round(float(page.locator("#talk svg").get_attribute("width")))


def test_a_page_draws_its_chart_with_the_network_refused_and_names_stay_text(visit: Any) -> None:
    page = visit(figure())

    page.wait_for_selector("#talk svg")
    drawn = page.locator("#talk svg").text_content()
    assert "Сайт" in drawn
    assert "<img src=x onerror" in drawn
    assert page.get_attribute("#talk", "aria-label").startswith("Время и конверсия, разрез «Источник», 2 сегмента")
    assert page.evaluate("window.hacked") is None
    assert (page.asked, page.said) == ([], [])


def test_the_bundle_leaves_one_global(visit: Any) -> None:
    page = visit("")

    own = page.evaluate("""() => {
        const frame = document.body.appendChild(document.createElement("iframe"));
        return Object.keys(window).filter((key) => !(key in frame.contentWindow) && key !== "0");
    }""")
    assert own == ["vegaEmbed"]


def test_the_tooltip_tells_the_figures_and_escapes_the_name(visit: Any) -> None:
    page = visit(figure())

    page.wait_for_selector("#talk svg")
    bubbles = page.locator("#talk svg .mark-symbol.role-mark path[fill='#0072B2']")
    bubbles.last.hover()
    tooltip = page.locator("#vg-tooltip-element")
    tooltip.get_by_text("CV в успех").wait_for()
    assert "10,0 %" in tooltip.inner_text().replace("\u00a0", " ")
    assert tooltip.locator("h2").inner_text() == HOSTILE
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize(("width", "layout"), [(1200, (680, 720)), (390, (330, 370))])
def test_the_layout_that_fits_the_page_is_drawn_and_the_page_never_scrolls_sideways(
    visit: Any, width: int, layout: tuple[int, int]
) -> None:
    page = visit(figure(), width)

    page.wait_for_selector("#talk svg")
    assert layout[0] < plot_width(page) < layout[1]
    assert page.locator("#talk svg").bounding_box()["width"] > layout[0] * 0.9
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_narrower_window_draws_the_narrow_layout(visit: Any) -> None:
    page = visit(figure())
    page.wait_for_selector("#talk svg")

    page.set_viewport_size({"width": 400, "height": 800})

    page.wait_for_function("document.querySelector('#talk svg').getAttribute('width') < 400")


def test_a_hidden_chart_waits_in_words_until_it_is_shown(visit: Any) -> None:
    page = visit(f'<div id="tab" style="display: none">{figure()}</div>{figure("other")}')
    page.wait_for_selector("#other svg")

    assert page.locator("#talk svg").count() == 0
    assert page.locator("#talk .callkit-chart-drawing").text_content().startswith("Время и конверсия")
    page.evaluate("document.getElementById('tab').style.display = 'block'")
    page.wait_for_selector("#talk svg")
    assert page.locator("#talk svg").bounding_box()["width"] > 600


GROUND = "document.querySelector('#talk svg').style.backgroundColor"


def test_the_look_follows_the_system_and_what_the_page_chose(visit: Any) -> None:
    page = visit(figure(), color_scheme="dark")
    page.wait_for_selector("#talk svg")
    assert page.evaluate(GROUND) == "rgb(23, 26, 33)"

    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(GROUND + " === 'rgb(255, 255, 255)'")

    page.evaluate("delete document.documentElement.dataset.theme")
    page.wait_for_function(GROUND + " === 'rgb(23, 26, 33)'")
    page.emulate_media(color_scheme="light")
    page.wait_for_function(GROUND + " === 'rgb(255, 255, 255)'")


def test_every_chart_is_printed_wide_and_light_even_a_hidden_one(visit: Any) -> None:
    page = visit(f'<div style="display: none">{figure()}</div>', 390, color_scheme="dark")

    # The printer takes the page as soon as the handlers and what they promised are done: no timer may be needed.
    drawn = page.evaluate("""async () => {
        dispatchEvent(new Event("beforeprint"));
        for (let i = 0; i < 200; i++) await Promise.resolve();
        const svg = document.querySelector("#talk svg");
        return svg && [Number(svg.getAttribute("width")) > 680, svg.style.backgroundColor];
    }""")
    assert drawn == [True, "rgb(255, 255, 255)"]


def test_a_chart_can_be_saved_as_a_picture_under_its_name(visit: Any) -> None:
    page = visit(figure())
    page.wait_for_selector("#talk svg")

    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            page.locator("#talk + .callkit-save button", has_text=kind).click()
        assert download.value.suggested_filename == f"talk.{kind.lower()}"
        assert Path(download.value.path()).read_bytes().startswith(start)


def test_a_chart_that_cannot_be_drawn_stays_there_in_words(visit: Any) -> None:
    page = visit(figure(), bundle="")

    while not page.said:
        page.wait_for_timeout(20)
    assert page.locator("#talk svg").count() == 0
    assert page.locator("#talk .callkit-chart-drawing").is_visible()
    assert any("vegaEmbed is not defined" in said for said in page.said)
