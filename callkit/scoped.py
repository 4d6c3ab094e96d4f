"""What every piece of a page rests on: a company, a scope and a cut, and the figures of any scope."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from callkit import charts, pieces
from callkit.charts.layout import Chart
from callkit.company import Company
from callkit.figures import Figures
from callkit.locale import Locale
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.show import Shown, show
from callkit.zones import Period

RESTS_ON = {"bubble": ("wilson",), "funnel": ("funnel",)}
"""The methods behind charts of figures."""


@dataclass(frozen=True, eq=False)
class Scoped:
    """A company under one scope, cut by columns."""

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
        return self.measured(self.before, self.by) if self.before else None

    @functools.cached_property
    def before(self) -> Scope | None:
        """The scope of the period before, where the data reaches back that far."""
        before = self.scope.period.previous()
        return None if before.start < self.company.span[0].replace(day=1) else self._scope(before)

    def _scope(self, period: Period) -> Scope:
        return Scope(period, self.scope.lens, self.scope.credit, self.scope.where)

    def by_title(self) -> str:
        """What the section cuts by, in words."""
        return " × ".join(self.locale.title(c) for c in self.by)

    def named(self, column: str, value: str) -> str:
        """A segment's label in the reader's language."""
        return self.locale.segment(value, column)

    def drawn(self, kind: str, chart: Chart, figures: Figures) -> Shown:
        """A chart of these figures as it is shown, with the same in words."""
        how = pieces.how(RESTS_ON.get(kind, ()), self.locale)
        return show(chart, charts.describe(kind, figures, self.locale), how)

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

    def stage_order(self) -> list[str]:
        """Stages in the pipeline's order: what came before the deal first, what has no stage last."""
        labels = self.company.labels("stage")
        listed = [label for code, label in labels.items() if code > 0]
        return [labels[-2], *listed, labels[-3], labels[-1]]
