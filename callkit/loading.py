"""What the load looks like on a page: the stages' minutes a deal and a day, and the talk that the next month needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callkit import pieces
from callkit.decisions.forecast import LEAST_MONTHS, SEASON_MONTHS, Need, forecast
from callkit.figures import TOTAL
from callkit.locale import Locale
from callkit.pieces import Column, Piece
from callkit.said import capital

if TYPE_CHECKING:
    from callkit.decided import Decided


_LEAST_RATE = 0.05  # minutes a deal that are told


def stage_capacity(section: Decided) -> Piece:
    """A row a stage in the pipeline's order: its talk, a deal that came to it, a working day."""
    locale, text, told = section.locale, section.locale.text, section.capacity
    title = text("capacity.title")
    if not told.whole.minutes:
        return pieces.sentences(title, [text("charts.no_data") + "."])
    rank = {label: i for i, label in enumerate(section.stage_order())}
    stages = sorted(told.stages, key=lambda one: rank.get(one.stage, len(rank)))
    columns = [
        pieces.column("stage", locale),
        pieces.column("talk_minutes", locale),
        pieces.column("talk_share", locale, bar=True),
        Column("entered", text("capacity.entered"), "count", text(f"capacity.help_entered_{_of(section)}")),
        Column("minutes_per_deal", text("capacity.per_deal"), "minutes", text("capacity.help_per_deal")),
        Column("minutes_per_day", text("capacity.per_day"), "minutes", text("capacity.help_per_day")),
    ]
    rows: list[list[Any]] = [
        [
            section.named("stage", one.stage) if one.stage != TOTAL else locale.segment(TOTAL),
            one.minutes, one.share, one.entered, one.minutes_per_deal, one.minutes_per_day,
        ]
        for one in (*stages, told.whole)
    ]  # fmt: skip
    if told.days is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    least = section.company.settings.min_deals
    small = [i for i, one in enumerate(stages) if one.entered is not None and one.entered < least]
    notes = [text("section.small_note", n=least)] if small else []
    notes.append(text("capacity.after_sale", share=locale.percent(told.after_sale)))
    notes += [text("capacity.days", n=locale.number(told.days))] if told.days is not None else []
    return pieces.table(
        "capacity", title, columns, rows, locale, note=" ".join(notes), small=small,
        small_note=text("section.small", n=least),
    )  # fmt: skip


def _of(section: Decided) -> str:
    return "period" if section.scope.lens in ("closed", "called") else "base"


def forecast_table(section: Decided, new_deals: float | None = None) -> Piece:
    """The talk that the next month needs, with its band, and how months of the past would have been forecast."""
    locale, text, told = section.locale, section.locale.text, section.forecast
    if new_deals is not None:
        told = forecast(section.company, section.scope, new_deals)
    title, need = text("capacity.forecast_title"), told.need
    if need is None:
        said = text("capacity.too_short", n=LEAST_MONTHS, months=told.months)
        return pieces.sentences(title, [said], how=pieces.how(["runoff"], locale))
    columns = [
        Column("month", locale.title("month")),
        Column("deals", text("capacity.deals"), "count", text("capacity.help_deals")),
        Column("hours", text("capacity.hours"), "count"),
        Column("band", text("capacity.band"), "text"),
        Column("carried", text("capacity.carried"), "count", text("capacity.help_carried")),
        Column("came", text("capacity.came"), "count", text("capacity.help_came")),
    ]
    rows = [[*_row(check.need, locale), check.minutes / 60] for check in told.checks]
    rows.append([*_row(need, locale), None])
    notes = [
        _said(need, locale, given=new_deals is not None),
        text("capacity.rates", first=_minutes(need.rates[0], locale), rest=_rest(need, locale)),
    ]
    notes += [_season(need, told.months, locale)] if new_deals is None else []
    if told.checks:
        held = sum(check.held for check in told.checks)
        notes.append(text("capacity.held", held=held, n=len(told.checks)))
    made = pieces.how(["runoff"], locale)
    return pieces.table("forecast", title, columns, rows, locale, note=" ".join(notes), total=False, how=made)


def _row(need: Need, locale: Locale) -> list[Any]:
    deals, hours = round(need.deals), round(need.minutes / 60, 1)
    band = f"{locale.number(need.low / 60)}–{locale.number(need.high / 60)}"
    return [locale.month(need.month), deals, hours, band, round(need.carried / 60, 1)]


def _said(need: Need, locale: Locale, *, given: bool) -> str:
    """The need in a sentence; the number of new deals is `given`, or is told with its own band."""
    return locale.text(
        "capacity.given" if given else "capacity.said",
        month=capital(locale.month(need.month)), deals=locale.number(need.deals),
        few=locale.number(need.deals_low), many=locale.number(need.deals_high), hours=locale.number(need.minutes / 60),
        low=locale.number(need.low / 60), high=locale.number(need.high / 60),
        ten=_minutes(10 * need.rates[0], locale),
    )  # fmt: skip


def _season(need: Need, months: int, locale: Locale) -> str:
    if need.season is None:
        return locale.text("capacity.season_none", n=SEASON_MONTHS, months=months)
    way = "more" if need.season >= 1 else "less"
    return locale.text(f"capacity.season_{way}", part=locale.percent(abs(need.season - 1), 0))


def _minutes(minutes: float, locale: Locale) -> str:
    return locale.number(minutes, 0 if minutes >= 10 else 1)


def _rest(need: Need, locale: Locale) -> str:
    """The minutes of a deal's later months, as long as they tell."""
    later = [rate for rate in need.rates[1:4] if rate >= _LEAST_RATE] or [need.rates[1]]
    return ", ".join(_minutes(rate, locale) for rate in later)
