"""The pieces of a page that help to decide: each asks the decisions and shows what they tell."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from callkit import aiming, costing, daily, deciding, loading
from callkit.charts.day import Kind
from callkit.decisions.capacity import Capacity
from callkit.decisions.capacity import capacity as capacity_of
from callkit.decisions.cohorts import Cohort
from callkit.decisions.cohorts import cohorts as cohorts_in
from callkit.decisions.costs import Cost
from callkit.decisions.costs import costs as costs_in
from callkit.decisions.day import Week
from callkit.decisions.day import week as week_of
from callkit.decisions.findings import Findings
from callkit.decisions.findings import findings as found_in
from callkit.decisions.forecast import Forecast
from callkit.decisions.forecast import forecast as forecast_of
from callkit.decisions.missed import MissedCalls
from callkit.decisions.missed import missed as missed_in
from callkit.decisions.reached import Standing, of_scope, standings
from callkit.decisions.responses import Responses
from callkit.decisions.responses import responses as responses_in
from callkit.figures import Figures
from callkit.pieces import Piece
from callkit.scoped import Scoped
from callkit.show import Shown


class Decided(Scoped):
    """Findings, changes, cohorts and forecasts of a scope."""

    def findings(self) -> Piece:
        """What chance would hardly give, the most money at stake first, a sentence each."""
        return deciding.findings(self)

    @functools.cached_property
    def found(self) -> Findings:
        """What was found in the section's scope, whatever it is cut by."""
        return found_in(self.company, self.scope)

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

    @functools.cached_property
    def goals_stand(self) -> list[Standing]:
        """Where the goals stand that the section's scope can be held against."""
        return standings(self.company, self.scope, self._cut_or_own)

    @functools.cached_property
    def goals_of_scope(self) -> dict[str, Standing]:
        """The goals of the scope as a whole, by measure."""
        found = standings(self.company, self.scope, self._cut_or_own, on_cards=True)
        return of_scope(self.company, self.scope, found)

    def _cut_or_own(self, *by: str) -> Figures:
        """Figures by columns; for the whole alone, the section's own figures have it already."""
        return self.cut(*by) if by else self.figures

    def goals(self) -> Piece:
        """Every goal and how far it is, the whole's first; nothing where the settings state none."""
        return aiming.goals(self)

    def costed(self, *by: str) -> list[Cost]:
        """What each segment of a cut cost and brought, the whole last."""
        return costs_in(self.company, self.scope, self.cut, by)

    @property
    def costs_said(self) -> str:
        """What costs come to, in a sentence or two."""
        return costing.sentence(self)

    def cost_chart(self) -> Shown:
        """What a sale comes to in each segment, talk and spend, against the whole's."""
        return costing.chart(self)

    def costs(self, *by: str) -> Piece:
        """What talk and sources cost, by the section's own cut or by other columns."""
        return costing.table(self, by)

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

    @functools.cached_property
    def week(self) -> Week:
        """The section's calls by weekday and hour."""
        return week_of(self.cut("weekday", "hour", "direction"))

    @functools.cached_property
    def responses(self) -> Responses:
        """How soon the deals created in the period were answered."""
        return responses_in(self.company, self.scope, self.by)

    @functools.cached_property
    def missed(self) -> MissedCalls:
        """The missed calls of the scope, and what came of them."""
        return missed_in(self.company, self.scope, self.by, daily.CALLED_BACK_WITHIN)

    def week_map(self, kind: Kind = "calls") -> Shown:
        """The week on a clock: calls, the share of outbound ones answered, or of inbound ones missed."""
        return daily.week_map(self, kind)

    def hours(self) -> Piece:
        """Calls, answer rate and missed calls by hour, with their intervals."""
        return daily.hours_table(self)

    def response_times(self) -> Piece:
        """How soon new deals are answered, in working time."""
        return daily.response_table(self)

    def attempts(self) -> Piece:
        """How many attempts it takes until the first talk."""
        return daily.attempts_table(self)

    def missed_calls(self) -> Piece:
        """Missed calls, and whether and how soon they were called back."""
        return daily.missed_table(self)

    def talk_by_hour(self) -> Shown:
        """Talk of every segment in every hour."""
        return daily.talk_by_hour(self)

    @functools.cached_property
    def capacity(self) -> Capacity:
        """The load of the stages, a deal and a day."""
        return capacity_of(self.company, self.scope, self.cut("stage"))

    @functools.cached_property
    def forecast(self) -> Forecast:
        """The talk that the month after the period needs."""
        return forecast_of(self.company, self.scope)

    def stage_capacity(self) -> Piece:
        """Minutes of each stage, for each deal that came to it, for each working day."""
        return loading.stage_capacity(self)

    def talk_needed(self, new_deals: float | None = None) -> Piece:
        """The hours of talk that the next month needs, with a band, beside months of the past forecast alike.

        `new_deals` is how many are to come; without it as many as lately.
        """
        return loading.forecast_table(self, new_deals)
