"""What costs look like on a page: a row a segment, and what a sale comes to. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callkit import charts, pieces
from callkit.decisions.costs import Cost
from callkit.dimensions import UNNAMED
from callkit.figures import TOTAL
from callkit.pieces import Column, Piece
from callkit.show import Shown, show

if TYPE_CHECKING:
    from callkit.decided import Decided

_MEASURES = ("talk_minutes", "talk_cost", "spend", "won_deals", "cost_per_sale", "revenue", "return_on_talk",
             "return_on_spend")  # fmt: skip
_KINDS = {"talk_cost": "money", "spend": "money", "cost_per_sale": "money", "return_on_talk": "ratio",
          "return_on_spend": "ratio"}  # fmt: skip


def untold(section: Decided) -> str:
    """Why there are no costs to show, in words; nothing where there are."""
    text = section.locale.text
    if section.company.people is not None:
        return text("costs.not_yours")
    return "" if section.company.settings.costs else text("costs.unstated")


def table(section: Decided, by: tuple[str, ...]) -> Piece:
    """What each segment's talk cost, what was spent on it, and what a sale comes to; or which settings to write."""
    text, locale = section.locale.text, section.locale
    cut = by or section.by
    title = text("costs.title", by=" × ".join(locale.title(column) for column in cut))
    if why := untold(section):
        return pieces.sentences(title, [why])
    told = section.costed(*cut)
    shown = [m for m in _MEASURES if any(getattr(cost, m) is not None for cost in told)]
    columns = [Column(column, locale.title(column)) for column in cut]
    columns += [
        Column(m, text(f"costs.{m}"), _KINDS[m], text(f"costs.help_{m}")) if m in _KINDS else pieces.column(m, locale)
        for m in shown
    ]
    rows: list[list[Any]] = [
        [
            *(section.named(c, v) for c, v in zip(cut, _labels(cost, cut), strict=True)),
            *(getattr(cost, m) for m in shown),
        ]
        for cost in told
    ]
    least = section.company.settings.min_deals
    deals = _deals(section, cut)
    small = [i for i, cost in enumerate(told[:-1]) if (deals.get(cost.segment) or 0) < least and "won_deals" in shown]
    notes = [text("section.small_note", n=least)] if small else []
    named = [cost for cost in told[:-1] if not UNNAMED & set(cost.segment)]
    if "spend" in shown and any(cost.spend is None for cost in named):
        notes.append(text("costs.unknown_spend"))
    notes += [text("section.undefined_note")] if any(v is None for row in rows for v in row) else []
    return pieces.table(
        "costs" if cut == section.by else f"costs_{'_'.join(cut)}", title, columns, rows, locale, note=" ".join(notes),
        small=small, small_note=text("section.small", n=least), how=pieces.how(["costs"], locale),
    )  # fmt: skip


def chart(section: Decided) -> Shown:
    """What a sale comes to in each segment, the dearest first."""
    locale = section.locale
    told = [] if untold(section) else section.costed(*section.by)
    few = {cost.segment for cost in told[:-1]} - {cost.segment for cost in _judged(section, told)}
    drawn = charts.costs_per_sale(told, section.by, locale, few=few)
    return show(drawn, sentence(section), pieces.how(["costs"], locale) if told else "")


def sentence(section: Decided) -> str:
    """What talk and sources cost, what that comes to a sale, and where to most and least; or why that is untold."""
    if why := untold(section):
        return why
    text, locale = section.locale.text, section.locale
    told = section.costed(*section.by)
    whole = told[-1]
    said = []
    if whole.talk_cost is not None:
        hours = locale.number(whole.talk_minutes / 60, 1)
        said.append(text("costs.said_talk", cost=locale.money(whole.talk_cost), hours=hours))
    if whole.spend is not None:
        said.append(text("costs.said_spend", spend=locale.money(whole.spend)))
    if whole.cost_per_sale is not None:
        said.append(text("costs.said_sale", cost=locale.money(whole.cost_per_sale)))
    judged = sorted(_judged(section, told), key=lambda cost: (cost.cost_per_sale or 0, cost.segment))
    if len(judged) > 1:
        ends = {
            name: locale.text(
                "costs.said_one",
                segment=locale.segments(cost.segment, section.by),
                cost=locale.money(cost.cost_per_sale),
                sales=locale.plural("costs.sales", cost.won_deals or 0),
            )
            for name, cost in (("most", judged[-1]), ("least", judged[0]))
        }
        said.append(text("costs.said_ends", **ends))
    return " ".join(said) or text("costs.untold")


def _judged(section: Decided, told: list[Cost]) -> list[Cost]:
    """The named segments of deals enough whose cost per sale is known."""
    least = section.company.settings.min_deals
    deals = _deals(section, section.by)
    return [
        cost
        for cost in told[:-1]
        if cost.cost_per_sale is not None
        and not UNNAMED & set(cost.segment)
        and (deals.get(cost.segment) or 0) >= least
    ]


def _deals(section: Decided, cut: tuple[str, ...]) -> dict[tuple[str, ...], float | None]:
    return {tuple(row[c] for c in cut): row["deals"] for row in section.cut(*cut).records()}


def _labels(cost: Cost, cut: tuple[str, ...]) -> tuple[str, ...]:
    return (TOTAL,) * len(cut) if cost.segment == (TOTAL,) else cost.segment
