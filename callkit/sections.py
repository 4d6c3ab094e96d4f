"""A section of the report: what a notebook composes, a call a cell.

`section(…)` opens the company, makes the scope and gives a `Section`, whose methods are the pieces of the page in the
order they are read. Every figure comes from `callkit.measure`; charts and tables take results.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence

from callkit import charts, listing, pieces, said
from callkit.company import Company, open_company
from callkit.decided import Decided
from callkit.pieces import Piece
from callkit.quality import Oddity, oddities
from callkit.scope import Scope, conditions, resolve
from callkit.show import Shown
from callkit.zones import Period

DEFAULT_BY = {
    "managers": "manager",
    "sources": "source",
    "projects": "project",
    "grades": "grade",
    "day": "manager",
}
_FREE = ("overview", "changes", "cohorts", "whatif", "costs")  # by source, or by manager where a company has no sources
CARDS = (
    ("talk_minutes", 0), ("calls", 0), ("deals", 0), ("won_deals", 1), ("conversion", 1),
    ("revenue", 1), ("revenue_per_minute", 1), ("minutes_per_sale", -1),
)  # fmt: skip


def section(
    name: str,
    source: str,
    *,
    month: str = "last",
    by: str | Sequence[str] = "",
    lens: str = "closed",
    credit: str = "owner",
    where: str | Sequence[str] = "",
    lang: str = "",
    timezone: str = "",
) -> Section:
    """Opens a section of the report.

    `source` is a folder, workbook, store, or `"demo"`; `month` a month `2026-10`, a range `2026-08..2026-10`, days
    `2026-10-05_2026-10-12`, or `"last"` for the last whole month with calls; `by` the columns to cut by, parted by
    commas; `where` the filters, one a line, as `source=Site,Ads`.

    Raises UsageError for what is not understood, ContractError for broken tables.
    """
    company = open_company(source, timezone=timezone or None)
    cut = [c.strip() for c in by.split(",") if c.strip()] if isinstance(by, str) else list(by)
    cut = cut or ([DEFAULT_BY[name]] if name in DEFAULT_BY else ["source"] if name in _FREE else [])
    if name in _FREE and cut and cut[0] not in company.dimensions:
        cut = ["manager"]
    filters = where.splitlines() if isinstance(where, str) else where
    scope = Scope(_period(month, company), lens, credit, conditions(f for f in filters if f.strip()))
    resolve(company, scope, cut)
    return Section(name, company, scope, tuple(cut), company.settings.locale(lang))


def _period(text: str, company: Company) -> Period:
    if text == "last":
        last = company.span[1]
        month = Period.of_month(f"{last:%Y-%m}")
        whole = last == month.stop - dt.timedelta(days=1) or last.day >= 28
        return month if whole or company.span[0] >= month.start else month.previous()
    if "_" in text:
        return Period.of_days(*text.split("_", 1))
    return Period.of_month(text)


class Section(Decided):
    """A section of the report over one company and one scope; each method gives one piece of the page."""

    @functools.cached_property
    def title(self) -> str:
        return self.locale.text(f"section.{self.name}", columns=self.by_title())

    def headline(self) -> Piece:
        """The title, the sentence that says what is seen, the facts of the scope, and the formulas."""
        return listing.headline(self)

    def cards(self) -> Piece:
        """The value cards of the scope, with the change against the period before, and the goal where there is one."""
        now, before = self.figures.total, self.previous.total if self.previous else {}
        goals, shown = self.goals_of_scope, []
        for name, better in (*CARDS, *((name, 0) for name in goals if name not in dict(CARDS))):
            change, told = said.change(name, now[name], before.get(name), self.locale)
            goal = goals.get(name)
            to_reach = (goal.said(self.locale), goal.reached) if goal else ("", None)
            shown.append(pieces.Card(name, self.locale.value(name, now[name]), change, told, better, *to_reach))
        return pieces.cards(shown, self.locale)

    def bubble(self, x: str = "talk_share", size: str = "won_deals") -> Shown:
        """Chart A: share of talk (or of calls) against conversion, the area being won deals or revenue."""
        chart = charts.bubble(
            self.figures, self.locale, x=x, size=size, min_deals=self.company.settings.min_deals,
            colours=self.colours, previous=self.previous,
        )  # fmt: skip
        return self.drawn("bubble", chart, self.figures)

    def fair_share(self) -> Shown:
        """Chart B: share of talk against share of revenue; the slope is the return on time."""
        chart = charts.fair_share(
            self.figures, self.locale, min_deals=self.company.settings.min_deals, colours=self.colours,
            previous=self.previous,
        )  # fmt: skip
        return self.drawn("fair_share", chart, self.figures)

    def funnel(self) -> Shown:
        """Chart C: deals against conversion, with the limits of chance."""
        chart = charts.funnel(self.figures, self.locale, colours=self.colours, previous=self.previous)
        return self.drawn("funnel", chart, self.figures)

    def shares(self) -> Shown:
        """Share of talk beside share of sales and of revenue."""
        return self.drawn("shares", charts.shares(self.figures, self.locale), self.figures)

    def load(self) -> Shown:
        """Talk on every stage in the pipeline's order, inbound and outbound."""
        figures = self.cut("stage", "direction")
        chart = charts.stage_load(figures, self.locale, order=self.stage_order())
        return self.drawn("stage_load", chart, figures)

    def directions(self) -> Shown:
        """Talk of every segment, inbound and outbound: of the first column where it is cut by several."""
        figures = self.cut(self.by[0], "direction")
        return self.drawn("directions", charts.directions(figures, self.locale), figures)

    def heatmap(self) -> Shown:
        """Talk of every segment on every stage."""
        figures = self.cut(*self.by, "stage")
        chart = charts.heatmap(figures, self.locale, order=self.stage_order())
        return self.drawn("heatmap", chart, figures)

    def trend(self, measure_name: str = "revenue") -> Shown:
        """Talk and another measure by month: up to the last twelve months that the data reaches."""
        figures = self.measured(self._scope(self._last_year()), ["month"])
        chart = charts.trend(figures, self.locale, measure=measure_name)
        return self.drawn("trend", chart, figures)

    def values(self) -> Piece:
        """The six values of each segment, with what they rest on."""
        return listing.measured(self, "values", self.figures, listing.VALUES)

    def conversion(self) -> Piece:
        """Conversion into success with its 95 % interval."""
        return listing.measured(self, "cv", self.figures, listing.CONVERSION)

    def calls(self) -> Piece:
        """Calls, answered calls, talk and mean length of each segment."""
        return listing.measured(self, "calls", self.figures, listing.CALLS)

    def calls_by_stage(self) -> Piece:
        """The calls table by stage, in the pipeline's order."""
        return listing.measured(self, "stages", self.cut("stage"), listing.CALLS, self.stage_order())

    def calls_by_segment_and_stage(self) -> Piece:
        """The calls table of every segment on every stage."""
        return listing.measured(self, "grid", self.cut(*self.by, "stage"), listing.CALLS)

    def after_sale(self) -> Piece:
        """Talk on won stages by segment, and its share of the segment's talk."""
        return listing.after_sale(self)

    def oddities(self) -> Piece:
        """What could not be placed or looks odd, how many, and what it does to the numbers."""
        return listing.oddities(self)

    def odd_ones(self) -> Piece:
        """Which ones: calls and deals behind each oddity."""
        return listing.odd_ones(self)

    @functools.cached_property
    def odd(self) -> list[Oddity]:
        """What could not be placed or looks odd among the calls and deals of the period."""
        return oddities(self.company, self.scope)

    def total(self) -> str:
        """The whole scope in one line of plain text: the total that the notebook's test checks."""
        return said.total_line(self.figures, self.locale)
