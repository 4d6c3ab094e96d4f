"""A section of the report: what a notebook composes, a call a cell.

`section(…)` opens the company, makes the scope and gives a `Section`, whose methods are the pieces of the page in the
order they are read. Every figure comes from `callkit.measure`; charts and tables take results.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from callkit import charts, deciding, listing, pieces, said
from callkit.charts.layout import Chart
from callkit.company import Company, open_company
from callkit.decisions.cohorts import Cohort
from callkit.decisions.cohorts import cohorts as cohorts_in
from callkit.decisions.findings import Findings
from callkit.decisions.findings import findings as found_in
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measuring import measure
from callkit.pieces import Piece
from callkit.quality import Oddity, oddities
from callkit.scope import Scope, conditions, resolve
from callkit.show import Shown, show
from callkit.zones import Period

DEFAULT_BY = {
    "managers": "manager",
    "sources": "source",
    "projects": "project",
    "grades": "grade",
}
_FREE = ("overview", "changes", "cohorts", "whatif")  # by source, or by manager where a company has no sources
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


@dataclass(frozen=True, eq=False)
class Section:
    """A section of the report over one company and one scope; each method gives one piece of the page."""

    name: str
    company: Company
    scope: Scope
    by: tuple[str, ...]
    locale: Locale

    @functools.cached_property
    def figures(self) -> Figures:
        """The section's own figures: by its cut."""
        return self.cut(*self.by)

    @functools.cache  # noqa: B019 - a section lives as long as its notebook
    def cut(self, *by: str) -> Figures:
        """Figures of the section's scope by any columns."""
        return self.measured(self.scope, by)

    def measured(self, scope: Scope, by: Sequence[str] = ()) -> Figures:
        """Figures of any scope of the company: every figure of a section comes through here."""
        return measure(self.company, scope, by)

    @property
    def previous(self) -> Figures | None:
        """The figures that a change is told against, where there are any."""
        return self.earlier

    @functools.cached_property
    def earlier(self) -> Figures | None:
        """The figures of the period before, where the data reaches back that far."""
        before = self.scope.period.previous()
        if before.start < self.company.span[0].replace(day=1):
            return None
        return self.measured(self._scope(before), self.by)

    def _scope(self, period: Period) -> Scope:
        return Scope(period, self.scope.lens, self.scope.credit, self.scope.where)

    @functools.cached_property
    def title(self) -> str:
        return self.locale.text(f"section.{self.name}", columns=self.by_title())

    def by_title(self) -> str:
        """What the section cuts by, in words."""
        return " × ".join(self.locale.title(c) for c in self.by)

    def headline(self) -> Piece:
        """The title, the sentence that says what is seen, the facts of the scope, and the formulas."""
        return listing.headline(self)

    def named(self, column: str, value: str) -> str:
        """A segment's label in the reader's language."""
        return self.locale.segment(value, column)

    def cards(self) -> Piece:
        """The value cards of the scope, with the change against the period before."""
        now = self.figures.total
        before = self.previous.total if self.previous else {}
        shown = []
        for name, better in CARDS:
            change, told = said.change(name, now[name], before.get(name), self.locale)
            shown.append(pieces.Card(name, self.locale.value(name, now[name]), change, told, better))
        return pieces.cards(shown, self.locale)

    def findings(self) -> Piece:
        """What chance would hardly give, the most money at stake first, a sentence each."""
        return deciding.findings(self)

    @functools.cached_property
    def found(self) -> Findings:
        """What was found in the section's scope, whatever it is cut by."""
        return found_in(self.company, self.scope)

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

    def drawn(self, kind: str, chart: Chart, figures: Figures) -> Shown:
        """A chart of these figures as it is shown, with the same in words."""
        return show(chart, charts.describe(kind, figures, self.locale))

    def _last_year(self) -> Period:
        stop, first = self.scope.period.stop, self.company.span[0].replace(day=1)
        start = stop.replace(year=stop.year - 1, day=1)
        return Period(min(max(start, first), self.scope.period.start), stop)

    @functools.cached_property
    def colours(self) -> dict[str, str]:
        """A colour for every segment of the cut, the same in every chart and month: given by talk in all the data."""
        first, last = self.company.span
        whole = Scope(Period(first, last + dt.timedelta(days=1)))
        return charts.colours([row["label"] for row in self.measured(whole, self.by).records()])

    @functools.cached_property
    def cohorts(self) -> Sequence[Cohort]:
        """The deals created in the scope's months and in up to eleven months before them."""
        return cohorts_in(self.company, self._scope(self._last_year()))

    def cohort_curves(self) -> Shown:
        """What share of a month's new deals is won within so many days, a curve a month."""
        return deciding.cohort_curves(self)

    def cohort_table(self) -> Piece:
        """The same in numbers, beside the naive conversions."""
        return deciding.cohort_table(self)

    def sure(self) -> Piece:
        """How sure conversion, value of a minute and minutes per sale of each segment are."""
        return deciding.sure(self)

    def best_split(self) -> Piece:
        """The same minutes, spread where the most revenue is to be expected."""
        return deciding.best_split(self)

    def changes(self) -> Piece:
        """What changed against the period before, in sentences."""
        return deciding.changes(self)

    def waterfall(self, figure: str = "revenue", by_segment: bool = False) -> Shown:
        """How a figure came from the period before to this one: by effect, or by segment."""
        return deciding.waterfall(self, figure, segmented=by_segment)

    def change_table(self, figure: str = "revenue") -> Piece:
        """The parts of a figure's change, a row a segment."""
        return deciding.change_table(self, figure)

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

    def stage_order(self) -> list[str]:
        """Stages in the pipeline's order: what came before the deal first, what has no stage last."""
        labels = self.company.labels("stage")
        listed = [label for code, label in labels.items() if code > 0]
        return [labels[-2], *listed, labels[-3], labels[-1]]

    @functools.cached_property
    def odd(self) -> list[Oddity]:
        """What could not be placed or looks odd among the calls and deals of the period."""
        return oddities(self.company, self.scope)

    def total(self) -> str:
        """The whole scope in one line of plain text: the total that the notebook's test checks."""
        return said.total_line(self.figures, self.locale)
