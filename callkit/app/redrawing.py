"""A section of the app: the section of the report, drawn for a screen that asks again and again.

The figures come from `callkit.measure` as in the report and are kept by scope and cut: a filter cleared, a page turned
back, a chart exchanged cost nothing.
"""

from __future__ import annotations

import datetime as dt
import html
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from callkit import charts
from callkit.app.shelf import Shelf
from callkit.charts.layout import Chart
from callkit.company import Company
from callkit.decisions.findings import Findings, findings
from callkit.decisions.whatif import judgeable
from callkit.dimensions import UNNAMED
from callkit.engine import DuckDB
from callkit.figures import Figures
from callkit.measuring import measure
from callkit.pieces import Piece, how
from callkit.scope import Scope
from callkit.scoped import RESTS_ON
from callkit.sections import Section
from callkit.show import Shown
from callkit.zones import Period

_KEPT = 200
_TRAIL = 6


class Memory:
    """Figures by scope and cut, and findings by scope: the latest 200 of them, and those on the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._kept: OrderedDict[object, Any] = OrderedDict()
        self._shelf = shelf
        self._beside: Company | None = None

    def figures(self, company: Company, scope: Scope, by: Sequence[str]) -> Figures:
        figures: Figures = self._once(scope, tuple(by), lambda: measure(company, scope, by))
        return figures

    def both(self, company: Company, one: Scope, other: Scope, by: Sequence[str]) -> None:
        """Takes up the figures of two scopes, measured side by side where the store lets two threads read it."""
        if not (company.stored and isinstance(company.engine, DuckDB)):
            return
        if self._beside is None:
            self._beside = replace(company, engine=company.engine.beside())
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(self.figures, self._beside, other, by)
            self.figures(company, one, by)
            asked.result()

    def found(self, company: Company, scope: Scope) -> Findings:
        found: Findings = self._once(scope, "found", lambda: findings(company, scope))
        return found

    def _once(self, scope: Scope, what: object, make: Callable[[], object]) -> Any:
        where = tuple((column, tuple(kept)) for column, kept in scope.where.items())
        key = (scope.period, scope.lens, scope.credit, where, what)
        if key not in self._kept:
            self._kept[key] = self._shelf.once(key, make)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


@dataclass(frozen=True, eq=False)
class Live(Section):
    """A section on a screen: `compare` with the period before or not, the segment that the reader has selected.

    `key` tells the section apart from every other of the company, `parts` are those that the page has shown already.
    """

    memory: Memory = field(kw_only=True)
    key: object = None
    compare: bool = True
    selected: str = ""
    parts: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    def cut(self, *by: str) -> Figures:  # type: ignore[override]
        """Figures of the section's scope by any columns."""
        return self.measured(self.scope, by)

    def measured(self, scope: Scope, by: Sequence[str] = ()) -> Figures:
        """Figures of any scope of the company, measured once."""
        return self.memory.figures(self.company, scope, by)

    @property
    def found(self) -> Findings:
        """What was found in the section's scope, looked for once."""
        return self.memory.found(self.company, self.scope)

    def measure(self) -> None:
        """Takes up the figures of the period and of the one before it, which nearly everything on the page needs."""
        if self.compare and self.before:
            self.memory.both(self.company, self.scope, self.before, self.by)

    @property
    def previous(self) -> Figures | None:
        """The figures of the period before, where they are wanted and the data reaches back that far."""
        return self.earlier if self.compare else None

    def bubble(self, x: str = "talk_share", size: str = "won_deals") -> Shown:
        """Chart A, with the way of the selected segment through the last six months."""
        trail = [(str(month), self.measured(self._scope(month), self.by)) for month in self._months()]
        chart = charts.bubble(
            self.figures, self.locale, x=x, size=size, min_deals=self.company.settings.min_deals,
            colours=self.colours, previous=self.previous, trail=trail, trail_segment=self.selected or None,
        )  # fmt: skip
        return self.drawn("bubble", chart, self.figures)

    def suppose(self) -> Piece:
        """A form: so many minutes from one segment to another. The page asks the desk, which answers in words."""
        text, width = self.locale.text, len(self.by)
        keys = [list(row[:width]) for row in self.figures.rows[:-1] if not UNNAMED & set(row[:width])]
        # The question that a reader comes with: from where a minute is worth least to where it is worth most.
        judged = [list(key) for key in judgeable(self.figures, self.company.settings.min_deals)] or keys

        def option(key: list[str], chosen: list[list[str]]) -> str:
            shown = " · ".join(self.named(c, v) for c, v in zip(self.by, key, strict=True))
            value = html.escape(json.dumps(key, ensure_ascii=False))
            return f'<option value="{value}"{" selected" if key in chosen else ""}>{html.escape(shown)}</option>'

        choices = "".join(
            f"<label><span>{html.escape(text(f'app.suppose_{name}'))}</span>"
            f'<select name="{name}">{"".join(option(key, chosen) for key in keys)}</select></label>'
            for name, chosen in (("giver", judged[:1]), ("taker", judged[-1:]))
        )
        body = (
            f'<form class="ck-block ck-suppose"><h3>{html.escape(text("app.suppose"))}</h3>'
            f'<div class="ck-suppose-row">{choices}'
            f"<label><span>{html.escape(text('app.suppose_minutes'))}</span>"
            '<input name="minutes" type="number" min="1" step="1" value="100" inputmode="numeric"></label>'
            f'<button class="ck-button ck-strong" type="submit">{html.escape(text("app.suppose_ask"))}</button></div>'
            f'<p class="ck-suppose-told" role="status"></p>{how(["whatif"], self.locale)}</form>'
        )
        return Piece(body, text("app.suppose"))

    def drawn(self, kind: str, chart: Chart, figures: Figures) -> Shown:
        """A chart of these figures for the page's own drawing: unchecked, which a test does for every chart."""
        words, methods = charts.describe(kind, figures, self.locale), how(RESTS_ON.get(kind, ()), self.locale)
        return Shown({k: v for k, v in chart.to_dict(validate=False).items() if k != "$schema"}, words, methods)

    def _months(self) -> list[Period]:
        """The last six months of the data up to the period's end, for the trail of a selected segment."""
        if not self.selected:
            return []
        first = self.company.span[0].replace(day=1)
        found: list[Period] = []
        month = Period.of_month(f"{self.scope.period.stop - dt.timedelta(days=1):%Y-%m}")
        while len(found) < _TRAIL and month.start >= first:
            found.append(month)
            month = month.previous()
        return found[::-1]
