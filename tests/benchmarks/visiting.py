"""A browser at the app and at the peer page: both are opened, filtered and timed by the page's own clock.

callkit marks a drawn chart itself. The peer's counts as drawn when the first label stands in it that was not there
before; only the bubbles' labels have a `·`. A page is whole when callkit has every part, and
Streamlit's script has run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONG = 180_000
_CLOCK = """
globalThis.bench = { clicked: 0, drawn: 0, whole: 0, labels: new Set(), before: new Set() };
addEventListener("pointerup", () => { bench.clicked = performance.now(); }, true);
bench.begin = () => Object.assign(bench, { clicked: 0, drawn: 0, whole: 0, before: bench.labels, labels: new Set() });
new MutationObserver(() => {
  for (const { textContent } of document.querySelectorAll('[data-testid="stVegaLiteChart"] svg text')) {
    if (!textContent.includes("·")) continue;
    bench.labels.add(textContent);
    if (!bench.before.has(textContent)) bench.drawn ||= performance.now();
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.dataset.complete || target.dataset.testScriptState === "notRunning") bench.whole = performance.now();
  }
}).observe(document, { subtree: true, attributeFilter: ["data-complete", "data-test-script-state"] });
"""


@dataclass(frozen=True)
class Change:
    """Milliseconds from a click on a filter to the repainted chart, and to the whole page."""

    drawn: float
    whole: float


class Tab:
    """A page of the peer in a browser context of its own: nothing is in its cache."""

    drawn = "globalThis.bench && bench.drawn"
    whole = "globalThis.bench && bench.drawn && bench.whole"
    begin = "bench.begin()"

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        self.context.set_default_timeout(LONG)
        self.context.add_init_script(_CLOCK)
        self.page = self.context.new_page()

    def go(self) -> None:
        """Sets out, and does not wait."""
        self.page.evaluate("address => { setTimeout(() => { location.href = address; }, 0); }", self.address)

    def arrive(self) -> float:
        """Milliseconds from the start of the navigation to the first drawn chart."""
        return float(self.page.wait_for_function(self.drawn).json_value())

    def complete(self) -> float:
        """Waits for the whole page; milliseconds from the start of the navigation, or since the page began."""
        return float(self.page.wait_for_function(self.whole).json_value())

    def open(self) -> float:
        """Opens the page, waits until it is whole, and gives the milliseconds to the first drawn chart."""
        self.go()
        drawn = self.arrive()
        self.complete()
        return drawn

    def unfold(self) -> None:
        """Makes the filter by manager ready to be clicked."""

    def click(self, manager: str) -> None:
        self.page.locator('[data-testid="stButtonGroup"] button', has_text=manager).click()

    def change(self, manager: str) -> Change:
        """Clicks a manager in or out and waits until the page is whole again."""
        self.page.evaluate(self.begin)
        self.click(manager)
        drawn, whole = self.arrive(), self.complete()
        clicked = float(self.page.evaluate("bench.clicked"))
        return Change(drawn - clicked, max(drawn, whole) - clicked)

    def figures(self) -> list[float]:
        """What the cards say: calls, deals, won deals."""
        shown = self.page.locator('[data-testid="stMetricValue"]').all_inner_texts()
        return [float(re.sub(r"\D", "", shown[i])) for i in (1, 2, 3)]

    def close(self) -> None:
        """Leaves the page as a reader who closes it, and the browser's context with it."""
        self.page.goto("about:blank")
        self.context.close()


class AppTab(Tab):
    """The app's overview, in a browser context of its own."""

    drawn = "performance.getEntriesByName('callkit-drawn-bubble').at(-1)?.startTime"
    whole = f"globalThis.bench?.whole && {drawn} && bench.whole"
    begin = "bench.begin(); performance.clearMarks(); delete callkit.root.dataset.complete"

    def unfold(self) -> None:
        self.page.evaluate("callkit.filters.open(); callkit.filters.columns.get('manager').element.open = true")
        self.page.wait_for_selector('.ck-panel input[type="checkbox"]')

    def click(self, manager: str) -> None:
        self.page.click(f'.ck-panel input[value="{manager}"]')

    def figures(self) -> list[float]:
        total = self.page.evaluate(
            """() => { const row = [...document.querySelectorAll('[data-part="values"] tr')].at(-1);
                       const heads = [...document.querySelectorAll('[data-part="values"] thead th')];
                       const at = (name) => heads.findIndex((head) => head.textContent.startsWith(name));
                       return ["Deals", "Won deals"].map((name) => Number(row.cells[at(name)].dataset.value)); }"""
        )
        card = self.page.locator('[data-part="cards"] .ck-card-value').nth(1).inner_text()
        return [float(re.sub(r"\D", "", card)), *total]

    @property
    def kernel(self) -> str:
        """The id of the kernel behind the page."""
        return str(self.page.evaluate("JSON.parse(document.getElementById('callkit-place').textContent).kernel"))


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window that finds no other machine; None where there is none."""
    named = os.environ.get("CALLKIT_CHROMIUM")
    names = (named,) if named else ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        yield None
        return
    from playwright.sync_api import sync_playwright

    alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", alone])
        yield opened
        opened.close()
