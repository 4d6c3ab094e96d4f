"""The summary of a fleet: a line a company, with what became of it, links to its months, and its main figures."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from callkit import __version__
from callkit.locale import MISSING, Locale
from callkit.measures import MEASURES
from callkit.pieces import explain
from callkit.report import page
from callkit.zones import Period

if TYPE_CHECKING:
    from callkit.report.fleet import Told

SHOWN = ("calls", "talk_minutes", "deals", "won_deals", "conversion", "revenue", "revenue_per_minute")
_SORT = """for (const table of document.querySelectorAll(".ck-table")) sortable(table, document.body.dataset.sort);"""
_e = html.escape


def compose(told: Sequence[Told], months: Sequence[Period], locales: Mapping[str, Locale], locale: Locale) -> str:
    """The page, in the language of `locale`; a company's figures are written as its own locale has them.

    Companies that need somebody come first, then by name; a click on a heading sorts.
    """
    text = locale.text
    period = locale.period(months[0].start, months[-1].stop)
    counted = {state: sum(t.state == state for t in told) for state in dict.fromkeys(t.state for t in told)}
    states = " · ".join(f"{text(f'fleet.{state}')}: {locale.number(count)}" for state, count in counted.items())
    heads = [("text", text(f"fleet.{key}"), "") for key in ("company", "state", "reports")]
    heads += [(MEASURES[m].kind, MEASURES[m].label(locale.lang), MEASURES[m].help(locale.lang)) for m in SHOWN]
    head = "".join(
        f'<th scope="col" data-kind="{kind}">{_e(title)}{f" {explain(how)}" if how else ""}</th>'
        for kind, title, how in heads
    )
    ordered = sorted(told, key=lambda t: (t.state not in ("failed", "partly"), t.name.casefold()))
    rows = "".join(_row(t, locales.get(t.source, locale), locale) for t in ordered)
    title = text("fleet.title", period=period)
    body = (
        f'<div class="ck-frame"><header class="ck-top"><p class="ck-kicker">{_e(text("report.kicker"))}</p>'
        f"<h1>{_e(locale.plural('fleet.companies', len(told)))} <span>{_e(period)}</span></h1>"
        f'<p class="ck-note">{_e(states)}</p></header><main id="main" class="ck-main"><figure class="ck-block">'
        f'<div class="ck-scroll" tabindex="0"><table class="ck-table"><thead><tr>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="ck-note">{_e(text("fleet.note"))}</p></figure></main></div>'
    )
    return page.document(title, body, [page.static("sortable.js") + _SORT], locale, __version__)


def _row(told: Told, own: Locale, locale: Locale) -> str:
    state = _e(locale.text(f"fleet.{told.state}"))
    if told.reason:
        state += f'<br><small dir="auto">{_e(told.reason)}</small>'
    links = " ".join(
        f'<a href="{quote(path)}">{_e(locale.month(month))}</a>' for month, path in sorted(told.reports.items())
    )
    cells = "".join(_figure(name, told.figures.get(name), own) for name in SHOWN)
    return f'<tr><th scope="row" dir="auto">{_e(told.name)}</th><td>{state}</td><td>{links or MISSING}</td>{cells}</tr>'


def _figure(name: str, value: float | None, locale: Locale) -> str:
    raw = "" if value is None else f' data-value="{value!r}"'
    return f'<td class="num"{raw}>{_e(locale.value(name, value))}</td>'
