"""A finding: one thing that figures show, how sure it is, what is at stake, and where to look. Never a cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callkit.locale import Locale
from callkit.measures import MEASURES, WILSON_Z
from callkit.quality import Oddity

KINDS = ("heavy", "light", "stage", "after_sale", "manager", "change", "fault")
_SHARES = ("after_sale_share", "stage_share")


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what was seen.

    `kind` is one of `KINDS`, `measure` what differs (a measure, or the share of talk after the sale or on a stage),
    `by` and `segment` where: both empty for the whole. `value` is set against `versus`; `interval` is the 95 % interval
    of `value`, None where too little is known. `stake` is money: revenue, or talk at the scope's value of a minute
    (minutes where there is no revenue). `p` is the test's own p-value, `q` that corrected for all that was looked at; a
    fault is counted, not inferred, and has neither. `material` is whether the difference is worth a sentence. `by` and
    `where` are the view behind it.
    """

    kind: str
    measure: str
    by: str = ""
    segment: str = ""
    stake: float = 0.0
    value: float | None = None
    versus: float | None = None
    interval: tuple[float, float] | None = None
    deals: float = 0
    won_deals: float = 0
    talk_minutes: float = 0.0
    talk_share: float | None = None
    revenue_share: float | None = None
    p: float | None = None
    q: float | None = None
    material: bool = True
    lens: str = "closed"
    oddity: Oddity | None = field(default=None, compare=False)

    @property
    def where(self) -> Mapping[str, tuple[str, ...]]:
        """The filter of the view behind the finding."""
        return {self.by: (self.segment,)} if self.by else {}

    @property
    def certain(self) -> float:
        """As much of the stake as chance leaves: its lower end at 95 %, by the test's own p-value."""
        if self.p is None:
            return self.stake
        from scipy.special import ndtri

        z = -float(ndtri(max(self.p, 1e-300) / 2))
        return self.stake * max(0.0, 1 - WILSON_Z / z) if z > 0 else 0.0

    def said(self, locale: Locale) -> str:
        """The finding as a sentence or two with its evidence."""
        if self.oddity is not None:
            return f"{self.oddity.title(locale)}: {locale.number(self.oddity.rows)}. {self.oddity.said(locale)}"
        title = locale.title(self.by) if self.by else ""
        way = "" if self.value is None or self.versus is None else "_more" if self.value > self.versus else "_less"
        key = f"decisions.{self.kind}{'' if self.kind in ('heavy', 'light', 'after_sale', 'stage') else way}"
        if self.kind in ("change", "after_sale") and not self.by:
            key += "_whole"
        figure = _title(self.measure, locale)
        return locale.text(
            key,
            column=title[:1].upper() + title[1:],
            segment=locale.segment(self.segment, self.by),
            figure=figure if self.by else figure[:1].upper() + figure[1:],
            value=_written(self.measure, self.value, locale),
            versus=_written(self.measure, self.versus, locale),
            talk_share=locale.percent(self.talk_share, 0),
            revenue_share=locale.percent(self.revenue_share, 0),
            evidence=self.evidence(locale),
        )

    def evidence(self, locale: Locale) -> str:
        """How many deals it rests on and the interval, in words."""
        told = [locale.plural("section.deals_counted", self.deals)] if self.deals else []
        if self.interval:
            low, high = (_written(self.measure, end, locale) for end in self.interval)
            told.insert(0, locale.text("decisions.interval", low=low, high=high))
        if not told:
            told = [locale.text("decisions.talk_of", talk=locale.written("minutes", self.talk_minutes))]
        return "; ".join(told)


def _title(measure: str, locale: Locale) -> str:
    title = locale.text(f"decisions.{measure}") if measure in _SHARES else locale.title(measure)
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def _written(measure: str, value: float | None, locale: Locale) -> str:
    return locale.written("share" if measure in _SHARES else MEASURES[measure].kind, value)
