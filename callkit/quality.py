"""Data quality: what could not be placed or looks odd, how many, which, and what it does to the figures.

Nothing here is ever dropped from the figures; it is counted, listed and its effect said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from callkit.company import Company
from callkit.dimensions import BEFORE_DEAL, NO_DEAL, NO_HISTORY
from callkit.locale import Locale
from callkit.placing import ON_CLOSED_CONTACT, ON_CONTACT_AMBIGUOUS
from callkit.scope import Scope, seen
from callkit.zones import moment

LISTED = 200


@dataclass(frozen=True)
class Oddity:
    """One kind of oddity in a period: how many rows, their talk, up to `LISTED` of them, and the numbers of its effect.

    `listed` holds (id, instant in microseconds or None, deal id or None), in the order of time.
    """

    kind: str
    rows: int
    talk_minutes: float | None
    listed: Sequence[tuple[str, int | None, str | None]]
    effect: dict[str, Any]

    def title(self, locale: Locale) -> str:
        return (
            locale.text(f"quality.{self.kind}", **self._written(locale))
            if self.effect
            else locale.text(f"quality.{self.kind}")
        )

    def said(self, locale: Locale) -> str:
        """What the oddity does to the numbers, in words."""
        plain = self.kind == "long_talk" and self.effect.get("value") is None
        return locale.text(f"quality.{self.kind}_effect{'_plain' if plain else ''}", **self._written(locale))

    def _written(self, locale: Locale) -> dict[str, str]:
        kinds = {"share": "share", "value": "money", "before": "money", "hours": "count", "lead_in": "count"}
        return {k: locale.written(kinds.get(k, "minutes"), v) for k, v in self.effect.items()}


_SECOND = "CAST(floor(c.started_us / 1000000.0) AS BIGINT)"
_TWICE = f"""
    LEFT JOIN (
        SELECT c.manager, {_SECOND} AS second FROM calls AS c WHERE c.manager > 0 AND {{period}}
        GROUP BY 1, 2 HAVING count(*) > 1
    ) AS twice ON twice.manager = c.manager AND twice.second = {_SECOND}
"""
"""The seconds in which a manager has several calls, joined to the calls: at most one row to each."""
_OF_CALLS = {
    "unknown_deal": "c.deal_unknown",
    "no_deal": f"c.stage = {NO_DEAL}",
    "ambiguous": f"c.how = {ON_CONTACT_AMBIGUOUS}",
    "closed_contact": f"c.how = {ON_CLOSED_CONTACT}",
    "before_deal": f"c.stage = {BEFORE_DEAL}",
    "no_history": f"c.stage = {NO_HISTORY}",
    "nobody": "c.manager = 0",
    "unknown_direction": "c.direction = 3",
    "long_talk": "c.talk_seconds > {long_seconds}",
    "spans_change": "c.spans_change",
    "same_second": "twice.second IS NOT NULL",
    "undescribed_stage": "c.stage IN ({stages})",
    "undescribed_manager": "c.manager IN ({managers})",
}
_OF_DEALS = {
    "won_for_nothing": "d.outcome = 1 AND d.amount = 0",
    "deals_no_history": "NOT d.has_history",
}


def oddities(company: Company, scope: Scope, kinds: Collection[str] | None = None) -> list[Oddity]:
    """Every kind of oddity found among the calls started and the deals closed in the scope's period.

    Filters and lens are left aside: quality is a matter of the data, not of the view. Only the limits of the company's
    viewer hold. `kinds` are those looked for, all of them without it.
    """
    start, stop = scope.period.instants(company.timezone)
    own = seen(company)
    period = f"c.started_us >= {start} AND c.started_us < {stop} AND {own.calls}"
    deal_id = "d.deal_id" if own.all else f"CASE WHEN {own.deals} THEN d.deal_id END"
    long_seconds = company.settings.long_talk_hours * 3600
    engine = company.engine
    described = {"undescribed_stage": "stages", "undescribed_manager": "managers"}
    unknown = {t: engine.query(f"SELECT {t[:-1]} FROM {t} WHERE NOT described") for t in described.values()}
    codes = {table: ", ".join(str(code) for (code,) in rows) for table, rows in unknown.items()}
    conditions = {
        k: v.format(long_seconds=long_seconds, **codes)
        for k, v in _OF_CALLS.items()
        # Where there is no such table, nobody is missing from it.
        if (k not in described or (company.facts["rows"].get(described[k]) and codes[described[k]]))
        and (kinds is None or k in kinds)
    }
    sums = ", ".join(
        f"sum(CASE WHEN {sql} THEN 1 ELSE 0 END), sum(CASE WHEN {sql} THEN c.talk_seconds ELSE 0 END) / 60.0"
        for sql in conditions.values()
    )
    twice = _TWICE.format(period=period) if "same_second" in conditions else ""
    talk, *counted = engine.query(f"SELECT sum(c.talk_seconds) / 60.0, {sums} FROM calls AS c {twice} WHERE {period}")[
        0
    ]
    found = []
    for i, (kind, sql) in enumerate(conditions.items()):
        rows, minutes = int(counted[2 * i] or 0), float(counted[2 * i + 1] or 0)
        if rows:
            listed = engine.query(f"""
                SELECT c.call_id, c.started_us, {deal_id}
                FROM calls AS c {twice if kind == "same_second" else ""} LEFT JOIN deals AS d ON d.deal_key = c.deal_key
                WHERE {period} AND {sql} ORDER BY c.started_us, c.call_id LIMIT {LISTED}
            """)
            found.append(Oddity(kind, rows, minutes, listed, _effect(kind, minutes, talk, company, (start, stop))))
    closed = f"d.closed_us >= {start} AND d.closed_us < {stop} AND {own.deals}"
    won = engine.query(f"SELECT count(*) FROM deals AS d WHERE {closed} AND d.outcome = 1")[0][0]
    for kind, sql in _OF_DEALS.items():
        if kinds is not None and kind not in kinds:
            continue
        listed = engine.query(f"""
            SELECT d.deal_id, d.closed_us, d.deal_id FROM deals AS d WHERE {closed} AND {sql}
            ORDER BY d.closed_us, d.deal_id
        """)
        if listed:
            effect = {"share": len(listed) / won} if kind == "won_for_nothing" else {}
            found.append(Oddity(kind, len(listed), None, listed[:LISTED], effect))
    # Of all the data, not of anybody's calls or deals.
    if kinds is None and own.all and (repeated := company.facts["repeated_changes"]):
        found.append(Oddity("repeated_changes", repeated, None, (), {}))
    return found


def _effect(kind: str, minutes: float, talk: float | None, company: Company, period: tuple[int, int]) -> dict[str, Any]:
    """The numbers of what an oddity does to the figures, by the names its text uses."""
    share = {"share": minutes / talk if talk else None}
    if kind == "before_deal":
        return {**share, "lead_in": company.settings.lead_in_minutes}
    if kind == "same_second":
        spare = f"""
            SELECT sum(talk_seconds) / 60.0
            FROM (
                SELECT talk_seconds, row_number() OVER (
                    PARTITION BY manager, {_SECOND}
                    ORDER BY talk_seconds DESC, call_id
                ) AS nth
                FROM calls AS c WHERE manager > 0 AND started_us >= ? AND started_us < ? AND {seen(company).calls}
            ) AS noted
            WHERE nth > 1
        """
        return {"minutes": company.engine.query(spare, period)[0][0]}
    if kind == "long_talk":
        won = f"""
            SELECT sum(d.amount) FROM deals AS d
            WHERE d.outcome = 1 AND d.closed_us >= ? AND d.closed_us < ? AND {seen(company).deals}
        """
        revenue = company.engine.query(won, period)[0][0]
        whole, rest = talk or 0, (talk or 0) - minutes
        effect: dict[str, Any] = {"hours": company.settings.long_talk_hours, "talk": rest, "all": whole, "value": None}
        if revenue and rest > 0:
            effect |= {"value": revenue / rest, "before": revenue / whole}
        return effect
    return share


def when(us: int | None, company: Company) -> str | None:
    """An instant as text in the account's zone, to the second."""
    return None if us is None else moment(us, company.timezone).isoformat(sep=" ", timespec="seconds")[:19]
