"""What the working day looks like on a page: maps of the week, tables of hours, responses, attempts, missed calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from callkit import charts, pieces
from callkit.charts.day import Kind
from callkit.decisions.clock import LEAST_WAITS, WITHIN, Wait
from callkit.decisions.day import LEAST, Times
from callkit.figures import TOTAL
from callkit.locale import Locale
from callkit.pieces import Column, Piece
from callkit.show import Shown, show
from callkit.working import Working, clocks

if TYPE_CHECKING:
    from callkit.decided import Decided

CALLED_BACK_WITHIN = (15, 60)
"""Minutes of working time that a call back is held against."""
Interval = tuple[float, float] | None


def week_map(section: Decided, kind: Kind) -> Shown:
    """The week on a clock: calls, the share answered, or the share missed."""
    locale, week = section.locale, section.week
    chart, whole = charts.week_map(week, locale, kind=kind), week.whole
    if not whole.calls:
        return show(chart, locale.text("charts.no_data") + ".")
    if kind == "calls":
        top = max(week.cells, key=lambda cell: cell.calls)
        name = f"{locale.segment(str(top.weekday), 'weekday')}, {top.hour}:00"
        words = locale.text(
            "charts.said_week_calls", calls=locale.number(whole.calls), name=name, most=locale.number(top.calls)
        )
    else:
        share, n = (whole.answer_rate, whole.outbound) if kind == "answered" else (whole.missed_share, whole.inbound)
        title = locale.text(f"charts.week_{kind}_title")
        words = locale.text("charts.said_week_share", title=title, share=locale.percent(share), n=locale.number(n))
    return show(chart, words)


def hours_table(section: Decided) -> Piece:
    """A row an hour: calls, the share of outbound ones answered and of inbound ones missed, with their intervals."""
    locale, text, week = section.locale, section.locale.text, section.week
    title = text("day.hours_title")
    if not week.whole.calls:
        return pieces.sentences(title, [text("charts.no_data") + "."])
    columns = [
        pieces.column("hour", locale),
        Column("calls", locale.title("calls"), "count"),
        Column("outbound", text("day.outbound"), "count"),
        Column("answer_rate", text("day.answer_rate"), "share", text("day.help_answer_rate"), bar=True),
        Column("answer_interval", text("day.interval"), "text"),
        Column("inbound", text("day.inbound"), "count"),
        Column("missed", text("day.missed"), "count", text("day.help_missed")),
        Column("missed_share", text("day.missed_share"), "share", text("day.help_missed_share"), bar=True),
        Column("missed_interval", text("day.interval"), "text"),
    ]
    rows = [_times(times, f"{times.hour}:00", locale) for times in week.hours]
    rows.append(_times(week.whole, locale.segment(TOTAL), locale))
    small = [i for i, times in enumerate(week.hours) if times.calls < LEAST]
    note = text("day.few_note", n=LEAST) if small else ""
    return pieces.table(
        "hours", title, columns, rows, locale, note=note, small=small, small_note=text("day.few", n=LEAST),
        how=pieces.how(["wilson", "uneven"], locale),
    )  # fmt: skip


def _times(times: Times, name: str, locale: Locale) -> list[Any]:
    return [
        name, times.calls, times.outbound, times.answer_rate, interval(times.answer_interval, locale), times.inbound,
        times.missed, times.missed_share, interval(times.missed_interval, locale),
    ]  # fmt: skip


def response_table(section: Decided) -> Piece:
    """How soon new deals are answered: a row a segment, and the whole."""
    locale, text, told = section.locale, section.locale.text, section.responses
    title = text("day.responses_title", by=" × ".join(locale.title(c) for c in told.by) or section.by_title())
    if not told.whole.deals:
        return pieces.sentences(title, [text("charts.no_data") + "."])
    minutes = locale.number(section.company.settings.lead_in_minutes)
    columns = [
        *([pieces.column(c, locale) for c in told.by] or [pieces.column("segment", locale)]),
        Column("deals", text("day.new_deals"), "count"),
        Column("brought", text("day.brought"), "count", text("day.help_brought", minutes=minutes)),
        Column("waited", text("day.waited"), "count"),
        Column("no_call", text("day.no_call"), "count", text("day.help_no_call")),
        *wait_columns(WITHIN, locale),
    ]
    rows = [
        [
            *(section.named(c, v) for c, v in zip(told.by or ("",), one.segment, strict=False)),
            *([locale.segment(TOTAL)] * (len(told.by) - len(one.segment))),
            one.deals, one.brought, one.wait.waits, one.wait.over + one.wait.still, *wait_cells(one.wait, locale),
        ]
        for one in (*told.segments, told.whole)
    ]  # fmt: skip
    least = section.company.settings.min_deals
    small = [i for i, one in enumerate(told.segments) if one.wait.waits < least]
    note = f"{text('day.few_waits', n=least)} " if small else ""
    return pieces.table(
        "responses", title, columns, rows, locale, note=note + text("day.responses_note"), small=small,
        small_note=text("section.small", n=least), how=pieces.how(["wait"], locale),
    )  # fmt: skip


def attempts_table(section: Decided) -> Piece:
    """A row an attempt: on how many deals it was made, and at how many of them somebody talked."""
    locale, text, told = section.locale, section.locale.text, section.responses.attempts
    title = text("day.attempts_title")
    mean = locale.number(told.mean, 1)
    note = text(
        "day.attempts_note", ours=locale.number(told.ours), mean=mean, theirs=locale.number(told.theirs),
        silent=locale.number(told.silent), untried=locale.number(told.untried),
    )  # fmt: skip
    if not told.numbers:
        return pieces.sentences(title, [text("charts.no_data") + "."])
    columns = [
        Column("attempt", text("day.attempt")),
        Column("tried", text("day.tried"), "count"),
        Column("talked", text("day.talked"), "count"),
        Column("talked_share", text("day.talked_share"), "share", text("day.help_talked_share"), bar=True),
        Column("talked_interval", text("day.interval"), "text"),
        Column("reached", text("day.reached"), "share", text("day.help_reached"), bar=True),
    ]
    rows = [
        [str(a.number), a.tried, a.talked, a.share, interval((a.low, a.high), locale), a.reached] for a in told.numbers
    ]
    small = [i for i, a in enumerate(told.numbers) if a.tried < LEAST]
    few = text("section.small_note", n=LEAST) + " " if small else ""
    made = pieces.how(["wilson"], locale)
    return pieces.table("attempts", title, columns, rows, locale, note=few + note, total=False, small=small, how=made)


def missed_table(section: Decided) -> Piece:
    """Missed calls, and whether and how soon they were called back: a row a segment, and the whole."""
    locale, text, told = section.locale, section.locale.text, section.missed
    title = text("day.missed_title", by=section.by_title())
    if not told.whole.missed:
        return pieces.sentences(title, [text("day.nobody_missed")])
    columns = [
        *([pieces.column(c, locale) for c in told.by] or [pieces.column("segment", locale)]),
        Column("inbound", text("day.inbound"), "count"),
        Column("missed", text("day.missed"), "count", text("day.help_missed")),
        Column("missed_share", text("day.missed_share"), "share", text("day.help_missed_share"), bar=True),
        Column("after_hours", text("day.after_hours"), "count"),
        Column("on_deals", text("day.on_deals"), "count", text("day.help_on_deals")),
        Column("called_back", text("day.called_back"), "count", text("day.help_called_back")),
        Column("got_through", text("day.got_through"), "count", text("day.help_got_through")),
        Column("nothing", text("day.nothing"), "count"),
        *wait_columns(CALLED_BACK_WITHIN, locale, sure=False),
    ]
    rows = [
        [
            *(section.named(c, v) for c, v in zip(told.by or ("",), one.segment, strict=False)),
            *([locale.segment(TOTAL)] * (len(told.by) - len(one.segment))),
            one.inbound, one.missed, one.share, one.after_hours, one.followed, one.called_back, one.got_through,
            one.nothing, *wait_cells(one.wait, locale, sure=False),
        ]
        for one in (*told.segments, told.whole)
    ]  # fmt: skip
    small = [i for i, one in enumerate(told.segments) if one.inbound < LEAST]
    note = f"{text('day.few_note', n=LEAST)} " if small else ""
    return pieces.table(
        "missed", title, columns, rows, locale, note=note + text("day.missed_note"), small=small,
        small_note=text("day.few", n=LEAST), how=pieces.how(["wait"], locale),
    )  # fmt: skip


def talk_by_hour(section: Decided) -> Shown:
    """Minutes of talk of every segment in every hour."""
    by = tuple(c for c in section.by if c != "hour") or ("manager",)
    figures = section.cut(*by, "hour")
    return section.drawn("heatmap", charts.heatmap(figures, section.locale), figures)


def wait_columns(limits: Sequence[int], locale: Locale, *, sure: bool = True) -> list[Column]:
    """The columns of `wait_cells`: median, ninth tenth, the share within each limit and, with `sure`, its interval."""
    text = locale.text
    columns = [
        Column("median", text("day.median"), "minutes", text("day.help_quantile", n=LEAST_WAITS)),
        Column("ninth", text("day.ninth"), "minutes", text("day.help_quantile", n=LEAST_WAITS)),
    ]
    for limit in limits:
        columns.append(Column(f"within_{limit}", text("day.within", n=limit), "share"))
        columns += [Column(f"within_{limit}_interval", text("day.interval"), "text")] if sure else []
    return columns


def wait_cells(wait: Wait, locale: Locale, *, sure: bool = True) -> list[Any]:
    """A wait as a row of a table."""
    if wait.waits < LEAST_WAITS:
        return [None] * (2 + len(wait.within) * (1 + sure))
    cells: list[Any] = [wait.median, wait.ninth]
    for one in wait.within:
        ends = None if one.low is None or one.high is None else (one.low, one.high)
        cells += [one.share, interval(ends, locale)] if sure else [one.share]
    return cells


def interval(ends: Interval, locale: Locale) -> str | None:
    """The ends of a share's interval in words; None where there is none.

    >>> interval((0.062, 0.124), Locale("en"))
    '6–12%'
    """
    return f"{locale.number(ends[0] * 100)}–{locale.percent(ends[1], 0)}" if ends else None


def hours_said(working: Working, locale: Locale) -> str:
    """Working hours in words: `пн–пт, 09:00–18:00`.

    >>> hours_said(Working((1, 2, 3, 6), declared=True), Locale("en"))
    'Mon–Wed, Sat, 09:00–18:00'
    """
    names = locale.text("charts.weekdays_short").split()
    runs: list[list[int]] = []
    for day in working.days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    days = ", ".join(
        names[run[0] % 7] + (f"{'–' if len(run) > 2 else ', '}{names[run[-1] % 7]}" if len(run) > 1 else "")
        for run in runs
    )
    start, stop = clocks(working)
    told = locale.text("day.hours" if working.declared else "day.hours_usual", days=days, start=start, stop=stop)
    off = len(working.holidays)
    return locale.text("day.holidays", hours=told, n=locale.number(off)) if off else told
