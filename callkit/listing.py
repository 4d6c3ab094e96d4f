"""The headline and the tables of a section: results in rows, titled and explained from the registries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from callkit import __version__, pieces, said
from callkit.daily import hours_said
from callkit.figures import Figures
from callkit.measures import MEASURES
from callkit.pieces import Column, Piece
from callkit.quality import LISTED, when

if TYPE_CHECKING:
    from callkit.sections import Section

VALUES = (
    "talk_minutes", "talk_share", "win_share", "revenue_share", "deals", "won_deals", "revenue", "revenue_per_minute",
    "minutes_per_sale", "efficiency",
)  # fmt: skip
CALLS = (
    "calls", "answered_calls", "inbound_calls", "outbound_calls", "mean_call_seconds", "talk_minutes", "call_share",
    "talk_share",
)  # fmt: skip
CONVERSION = ("deals", "won_deals", "open_deals", "conversion", "conversion_low", "conversion_high")
_BARS = ("talk_share", "call_share", "win_share", "revenue_share", "conversion")
_RESTS_ON_DEALS = ("conversion", "efficiency", "revenue_per_minute")


def headline(section: Section) -> Piece:
    """The title, the sentence that says what is seen, the facts of the scope, and the formulas."""
    text, scope, company = section.locale.text, section.scope, section.company
    lens = text(f"section.lens_{scope.lens}")
    credit = text(f"section.credit_{scope.credit}")
    start, stop = company.span
    facts = [
        text("section.fact_period", period=section.locale.period(scope.period.start, scope.period.stop)),
        text("section.fact_lens", lens=lens),
        *([text("section.fact_credit", credit=credit)] if scope.lens != "called" else []),
        *(
            text(
                "section.fact_where", column=section.locale.title(c), values=", ".join(section.named(c, v) for v in vs)
            )
            for c, vs in scope.where.items()
        ),
        text("section.fact_zone", zone=company.timezone),
        text("section.fact_data", start=section.locale.day(start), stop=section.locale.day(stop)),
    ]
    told = {
        "section": section.name,
        "title": section.title,
        "company": company.name,
        "period": section.locale.period(scope.period.start, scope.period.stop),
        "month": str(scope.period),
        "lens": scope.lens,
        "lens_title": lens,
        "credit": scope.credit,
        "credit_title": credit,
        "where": [f"{c}={','.join(v)}" for c, v in scope.where.items()],
        "timezone": company.timezone,
        "data_from": str(start),
        "data_until": str(stop),
        "by": list(section.by),
        "totals": dict(section.figures.total),
        "sentence": said.of_section(section),
        "version": __version__,
    }
    formulas = text("section.formulas")
    if section.name == "day":
        formulas = text("day.formulas", hours=hours_said(company.settings.hours, section.locale))
    return pieces.headline(told, facts, f"{formulas} {said.left_out(section)}".strip())


def measured(
    section: Section, name: str, figures: Figures, measures: Sequence[str], order: Sequence[str] = ()
) -> Piece:
    """Figures as a table: a row a segment and the total; columns that are undefined in every row are left out.

    `order` puts the segments of a single cut in that order instead of by talk.
    """
    keys, at = figures.keys, {m: len(figures.keys) + i for i, m in enumerate(MEASURES)}
    rows = list(figures.rows)
    if order:
        rank = {label: i for i, label in enumerate(order)}
        rows = [*sorted(rows[:-1], key=lambda row: rank.get(row[0], len(rank))), rows[-1]]
    shown = [m for m in measures if any(row[at[m]] is not None for row in rows)]
    columns = [pieces.column(k, section.locale) for k in keys]
    columns += [pieces.column(m, section.locale, bar=m in _BARS) for m in shown]
    least = section.company.settings.min_deals
    resting = any(m in shown for m in _RESTS_ON_DEALS)
    small = [
        i for i, row in enumerate(rows[:-1]) if resting and row[at["deals"]] is not None and row[at["deals"]] < least
    ]
    written = [
        [*(section.named(k, label) for k, label in zip(keys, row, strict=False)), *(row[at[m]] for m in shown)]
        for row in rows
    ]
    text = section.locale.text
    notes = [text("section.small_note", n=least)] if small else []
    notes += [text("section.undefined_note")] if any(v is None for row in written for v in row) else []
    return pieces.table(
        name, text(f"section.{name}_title", by=section.by_title()), columns, written, section.locale,
        note=" ".join(notes), small=small, small_note=text("section.small", n=least),
        how=pieces.how(["wilson"] if "conversion_low" in shown else [], section.locale),
    )  # fmt: skip


def after_sale(section: Section) -> Piece:
    """Talk on the stages of kind won by segment, the most first, and its share of the segment's talk."""
    won, minutes_at = said.won_stages(section.company), len(section.by) + 1 + list(MEASURES).index("talk_minutes")
    talk: dict[tuple[str, ...], list[float]] = {}
    for row in section.cut(*section.by, "stage").rows[:-1]:
        keys, stage, minutes = row[: len(section.by)], row[len(section.by)], row[minutes_at]
        sums = talk.setdefault(keys, [0.0, 0.0])
        sums[0] += minutes
        sums[1] += minutes if stage in won else 0
    rows: list[list[Any]] = [
        [section.locale.segments(keys, section.by), whole, after, after / whole]
        for keys, (whole, after) in talk.items()
        if whole
    ]
    rows.sort(key=lambda row: (-row[2], -row[1], row[0]))
    whole, after = section.figures.total["talk_minutes"] or 0, sum(row[2] for row in rows)
    rows.append([section.locale.segment("(total)"), whole, after, after / whole if whole else None])
    text, locale = section.locale.text, section.locale
    columns = [
        Column("segment", section.by_title()),
        pieces.column("talk_minutes", locale),
        Column("post_sale_minutes", text("section.post_sale_minutes"), "minutes"),
        Column("post_sale_share", text("section.post_sale_share"), "share", text("section.post_sale_help"), bar=True),
    ]
    return pieces.table("post_sale", text("section.post_sale_title", by=section.by_title()), columns, rows, locale)


def oddities(section: Section) -> Piece:
    """Kinds of oddities: what, how many, their talk, what they do to the numbers."""
    text, locale = section.locale.text, section.locale
    if not section.odd:
        return pieces.sentences(text("quality.table_title"), [text("quality.nothing")])
    columns = [
        Column("kind", text("quality.kind_title")),
        Column("rows", text("quality.rows_title"), "count"),
        Column("talk_minutes", text("quality.minutes_title"), "minutes"),
        Column("effect", text("quality.effect_title")),
    ]
    rows = [[o.title(locale), o.rows, o.talk_minutes, o.said(locale)] for o in section.odd]
    return pieces.table("oddities", text("quality.table_title"), columns, rows, locale, total=False)


def odd_ones(section: Section) -> Piece:
    """The calls and deals behind each oddity, by time, up to so many of a kind."""
    text, locale = section.locale.text, section.locale
    columns = [
        Column("kind", text("quality.kind_title")),
        Column("id", text("quality.id_title")),
        Column("at", text("quality.started_title"), "moment"),
        Column("deal", text("quality.deal_title")),
    ]
    rows = [[o.title(locale), own, when(us, section.company), deal] for o in section.odd for own, us, deal in o.listed]
    title = text("quality.list_title", n=LISTED)
    return pieces.table("odd_ones", title, columns, rows, locale, total=False)
