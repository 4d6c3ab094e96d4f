"""The pieces of a page that help to decide: each asks the decisions and shows what they tell."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from callkit import aiming, costing, deciding
from callkit.decisions.cohorts import Cohort
from callkit.decisions.cohorts import cohorts as cohorts_in
from callkit.decisions.costs import Cost
from callkit.decisions.costs import costs as costs_in
from callkit.decisions.findings import Findings
from callkit.decisions.findings import findings as found_in
from callkit.decisions.reached import Standing, of_scope, standings
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
