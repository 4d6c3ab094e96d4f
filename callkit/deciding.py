"""What decisions look like on a page: sentences, charts and tables of a section's scope. They compute nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from callkit import charts, pieces
from callkit.decisions.changed import Change, changed
from callkit.decisions.cohorts import WITHIN, Point
from callkit.decisions.evidence import evidence
from callkit.decisions.finding import Finding
from callkit.decisions.findings import RATE
from callkit.decisions.sure import LEAST
from callkit.decisions.sure import sure as how_sure
from callkit.decisions.whatif import LEAST_SALES, Refusal, best, judgeable, what_if
from callkit.dimensions import UNNAMED
from callkit.errors import UsageError
from callkit.figures import TOTAL
from callkit.locale import Locale
from callkit.measures import MEASURES
from callkit.pieces import Column, Piece
from callkit.said import capital
from callkit.show import Shown, show

if TYPE_CHECKING:
    from callkit.decided import Decided

FIGURES = ("revenue", "talk_minutes", "revenue_per_minute", "conversion")

MOST = 12
"""So many findings are told; those after them are of little money."""
FOUND_BY = ("shuffled", "limit", "grown", "fault", "corrected")
"""The methods that findings rest on; the last is why so few of what was looked at are told."""
_MOST_LEFT = 8
_PAGE_OF = {"source": "sources", "project": "projects", "grade": "grades", "manager": "managers", "stage": "stages"}


def findings(section: Decided) -> Piece:
    """What was found, the most money at stake first, each with the address of the view behind it."""
    text, seen = section.locale.text, section.found
    told = [finding.said(section.locale) for finding in seen.found[:MOST]]
    views = [_view(finding) for finding in seen.found[:MOST]]
    none = text("decisions.none", looked=seen.looked) if seen.looked else text("decisions.none_looked")
    how = text("decisions.how_findings", looked=seen.looked, rate=section.locale.percent(RATE, 0))
    methods = pieces.how(FOUND_BY, section.locale, how)
    piece = pieces.sentences(text("section.findings_title"), told or [none], views if told else [""], methods)
    return replace(piece, data={pieces.WATCH_MIME: _watched(section)})


def _watched(section: Decided) -> dict[str, list[dict[str, str]]]:
    """The findings with what tells them apart from report to report; faults of the data for themselves."""
    kinds: dict[str, list[dict[str, str]]] = {"findings": [], "faults": []}
    for found in section.found.found:
        rose = found.kind == "change" and (found.value or 0) > (found.versus or 0)
        own = [found.kind, found.by, found.segment, found.measure, "more" if rose else ""]
        if found.oddity is not None:
            own = [found.kind, found.oddity.kind]
        kind = "faults" if found.oddity is not None else "findings"
        kinds[kind].append({"key": " ".join(own), "said": found.said(section.locale)})
    return kinds


def _view(finding: Finding) -> str:
    """The address of what stands behind a finding, as the app understands it."""
    if finding.kind == "fault":
        return urlencode({"page": "quality"})
    if not finding.by:
        return urlencode({"page": "changes" if finding.kind == "change" else "stages"})
    page = _PAGE_OF.get(finding.by, "segments")
    cut = {"by": finding.by} if page == "segments" else {}
    return urlencode({"page": page, **cut, f"sel.{finding.by}": finding.segment, "tab": "deals"})


def cohort_curves(section: Decided) -> Shown:
    """The curves of the months in which deals were created: the scope's months and up to eleven before them."""
    locale = section.locale
    seen = section.cohorts
    month = next((c for c in seen if c.month == TOTAL), None)
    point = month.within[-1] if month else None
    told = locale.text("decisions.cohorts_said", days=WITHIN[1], won=_share(month.within[1], locale)) if month else ""
    chart = charts.cohort_curves(seen, locale)
    return show(chart, told if point else locale.text("charts.no_data") + ".", pieces.how(["cohorts"], locale))


def cohort_table(section: Decided) -> Piece:
    """A row a month of creation: how its deals stand, what share is won within so many days, the naive figures beside.

    Months that have not had the days yet have a pale row.
    """
    locale, text = section.locale, section.locale.text
    columns = [
        Column("month", text("decisions.cohort_month")),
        Column("deals", text("decisions.cohort_created"), "count"),
        Column("won_deals", locale.title("won_deals"), "count"),
        Column("open_deals", locale.title("open_deals"), "count"),
    ]
    for days in WITHIN:
        title = text("decisions.won_within", days=locale.plural("charts.days_counted", days))
        columns += [
            Column(f"won_{days}", title, "share", text("decisions.help_within")),
            Column(f"won_{days}_interval", text("decisions.interval_title"), "text"),
        ]
    columns += [
        Column("naive", text("decisions.naive"), "share", text("decisions.help_naive")),
        Column("of_closed", text("decisions.of_closed"), "share", text("decisions.help_of_closed")),
    ]
    rows, young = [], []
    for cohort in section.cohorts:
        name = locale.segment(cohort.month, "month")
        within = [cell for point in cohort.within for cell in (point.won, _interval(point, locale))]
        rows.append([name, cohort.deals, cohort.won_deals, cohort.open_deals, *within, cohort.naive, cohort.of_closed])
        if cohort.young and cohort.month != TOTAL:
            young.append(len(rows) - 1)
    title = text("decisions.cohorts_title")
    if not rows:
        return pieces.sentences(title, [text("charts.no_data") + "."])
    return pieces.table(
        "cohorts", title, columns, rows, locale, note=text("decisions.cohorts_note"), small=young,
        small_note=text("decisions.cohort_young"), how=pieces.how(["cohorts"], locale),
    )  # fmt: skip


def _share(point: Point, locale: Locale) -> str:
    return f"{locale.percent(point.won)} ({_interval(point, locale)})"


def _interval(point: Point, locale: Locale) -> str | None:
    if point.low is None or point.high is None:
        return None
    return f"{locale.percent(point.low)} – {locale.percent(point.high)}"


def sure(section: Decided) -> Piece:
    """How sure the figures of each segment are: intervals over deals, and conversion drawn toward the whole's."""
    locale, text = section.locale, section.locale.text
    told = how_sure(section.figures, evidence(section.company, section.scope, section.by))
    columns = [pieces.column(key, locale) for key in section.figures.keys]
    columns += [
        pieces.column("deals", locale),
        pieces.column("conversion", locale),
        Column("conversion_shrunk", text("decisions.shrunk"), "share", text("decisions.help_shrunk")),
    ]
    for name in ("revenue_per_minute", "minutes_per_sale"):
        kind = MEASURES[name].kind
        columns += [
            pieces.column(name, locale),
            Column(f"{name}_low", text("decisions.low"), kind, text("decisions.help_ratio")),
            Column(f"{name}_high", text("decisions.high"), kind, text("decisions.help_ratio")),
        ]
    at = len(section.figures.keys) + list(MEASURES).index("deals")
    rows = []
    for row, s in zip(section.figures.rows, told, strict=True):
        keys = [section.named(k, label) for k, label in zip(section.figures.keys, row, strict=False)]
        ends = [end for i in (s.revenue_per_minute, s.minutes_per_sale) for end in (i.value, i.low, i.high)]
        rows.append([*keys, row[at], s.conversion.value, s.conversion_shrunk, *ends])
    least = section.company.settings.min_deals
    small = [i for i, row in enumerate(section.figures.rows[:-1]) if row[at] is not None and row[at] < least]
    title = text("decisions.sure_title", by=section.by_title())
    notes = [text("section.small_note", n=least)] if small else []
    if any(i.value is not None and i.low is None for s in told for i in (s.revenue_per_minute, s.minutes_per_sale)):
        notes.append(text("decisions.few_won", n=LEAST))
    if len(told) > 2 and len({s.conversion_shrunk for s in told[:-1]} - {None}) == 1:
        notes.append(text("decisions.same"))
    note = " ".join(notes)
    how = pieces.how(["wilson", "shrunk", "ratio"], locale)
    return pieces.table("sure", title, columns, rows, locale, note=note, small=small, how=how)


def best_split(section: Decided) -> Piece:
    """The same minutes where the most revenue is to be expected: a row a segment, the assumption always beside."""
    locale, text = section.locale, section.locale.text
    title = text("decisions.split_title", by=section.by_title())
    how = pieces.how(["whatif", "best"], locale)
    told = best(section.figures, min_deals=section.company.settings.min_deals)
    if isinstance(told, Refusal):
        return pieces.sentences(title, [told.said(locale)], how=how)
    columns = [
        Column("segment", section.by_title()),
        Column("minutes_before", text("decisions.minutes_before"), "minutes"),
        Column("minutes_after", text("decisions.minutes_after"), "minutes", text("decisions.help_limits")),
        Column("minutes_moved", text("decisions.minutes_moved"), "minutes"),
        Column("revenue_before", text("decisions.revenue_before"), "money"),
        Column("revenue_after", text("decisions.revenue_after"), "money", text("decisions.how_forecast")),
    ]
    rows: list[list[Any]] = [
        [
            locale.segments(m.segment, section.by),
            m.minutes_before, m.minutes_after, m.minutes_after - m.minutes_before, m.revenue_before, m.revenue_after,
        ]
        for m in told.moved
    ]  # fmt: skip
    sums = [sum(row[i] for row in rows) for i in range(1, len(columns))]
    rows.append([locale.segment("(total)"), *sums])
    note = " ".join([told.said(locale), *_left_out(section)])
    return pieces.table("split", title, columns, rows, locale, note=note, how=how)


def _left_out(section: Decided) -> list[str]:
    """Which named segments are too small to be judged, with their minutes, as a sentence, if there are any."""
    locale, least, width = section.locale, section.company.settings.min_deals, len(section.by)
    judged, at = judgeable(section.figures, least), width + list(MEASURES).index("talk_minutes")
    left = [
        f"{locale.segments(row[:width], section.by)} ({locale.written('minutes', row[at])})"
        for row in section.figures.rows[:-1]
        if row[at] and tuple(row[:width]) not in judged and not UNNAMED & set(row[:width])
    ]
    shown = ", ".join([*left[:_MOST_LEFT], *(["…"] if len(left) > _MOST_LEFT else [])])
    return [locale.text("decisions.split_left", deals=least, sales=LEAST_SALES, segments=shown)] if left else []


def suppose(section: Decided, giver: Sequence[str], taker: Sequence[str], minutes: float) -> str:
    """What is to be expected of minutes moved from one segment to another, in words, or why nothing can be said.

    Segments are the keys that the data has. Raises UsageError for one that is not there.
    """
    text, locale = section.locale.text, section.locale
    width, at = len(section.by), len(section.figures.keys) + list(MEASURES).index("talk_minutes")
    has = {tuple(row[:width]): float(row[at] or 0) for row in section.figures.rows[:-1]}
    one, other = tuple(giver), tuple(taker)
    if one not in has or other not in has:
        raise UsageError("minutes can be moved between segments of the page alone")
    if one == other or not 0 < minutes <= has[one]:
        return text("decisions.suppose_within", minutes=locale.written("minutes", has[one]))
    wanted: dict[str | tuple[str, ...], float] = {one: has[one] - minutes, other: has[other] + minutes}
    return what_if(section.figures, wanted, min_deals=section.company.settings.min_deals).said(locale)


def changes(section: Decided) -> Piece:
    """What changed against the period before, a sentence or two a figure; or that there is nothing to compare."""
    text = section.locale.text
    told = [
        said for figure in FIGURES if (change := _change(section, figure)) and (said := change.said(section.locale))
    ]
    period = section.locale.period(*_days(section))
    title = text("decisions.changes_title", period=period)
    how = pieces.how(["changed", "simpson"], section.locale)
    return pieces.sentences(title, told or [text("decisions.changes_none", period=period)], how=how)


def waterfall(section: Decided, figure: str, *, segmented: bool) -> Shown:
    """The waterfall of one figure's change, by effect or by segment."""
    locale = section.locale
    change = _change(section, figure) or Change(figure, section.by, None, None, None, None, ())
    now = locale.period(section.scope.period.start, section.scope.period.stop)
    chart = charts.waterfall(change, (locale.period(*_days(section)), now), locale, segmented=segmented)
    return show(chart, change.said(locale) or locale.text("charts.waterfall_none"), pieces.how(["changed"], locale))


def change_table(section: Decided, figure: str) -> Piece:
    """The parts of one figure's change, a row a segment, the whole last: they add up to the change."""
    locale, text = section.locale, section.locale.text
    change = _change(section, figure)
    title = text("decisions.parts_title", figure=locale.title(figure), by=section.by_title())
    if change is None or change.change is None:
        return pieces.sentences(title, [text("charts.waterfall_none")])
    kind = MEASURES[figure].kind
    effects = [name for name, _ in change.steps()]
    columns = [
        Column("segment", section.by_title()),
        Column("share_before", text("decisions.share_before"), "share", text("decisions.share_help")),
        Column("share_after", text("decisions.share_after"), "share", text("decisions.share_help")),
        *(
            Column(name, capital(text(f"decisions.effect_{name}")), kind, text(f"decisions.help_{name}"))
            for name in effects
        ),
        Column("change", text("decisions.change"), kind, text("decisions.help_change")),
    ]
    rows = [
        [
            locale.segments(part.segment, section.by),
            part.share_before,
            part.share_after,
            *(getattr(part, name) for name in effects),
            part.change,
        ]
        for part in change.parts
    ]
    whole = [locale.segment("(total)"), 1.0, 1.0, *(value for _, value in change.steps()), change.change]
    how = pieces.how(["changed", "simpson"], locale)
    return pieces.table(f"change_{figure}", title, columns, [*rows, whole], locale, how=how)


def _change(section: Decided, figure: str) -> Change | None:
    """A figure's change by the section's cut; None where there is no period before, or the cut cannot carry it."""
    before = section.earlier
    if before is None:
        return None
    try:
        return changed(figure, section.figures, before)
    except UsageError:
        return None


def _days(section: Decided) -> tuple[dt.date, dt.date]:
    before = section.scope.period.previous()
    return before.start, before.stop
