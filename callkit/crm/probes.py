"""How sure the inferred rules are on a certain myBI base: counted while it is read, told by `callkit check`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from callkit.crm.mybi_tables import FIELDS, direction
from callkit.engine import DuckDB
from callkit.locale import Locale
from callkit.settings import Settings

NIGHT = range(1, 6)
MOST_AT_NIGHT, LEAST_EXACT, LEAST_ALIKE = 0.05, 0.9, 0.9


def probe(engine: DuckDB, settings: Settings, there: Collection[str]) -> dict[str, Any]:
    """Counts on the tables just read: calls by hour, spellings, calls with seconds, what reads as nothing."""
    calls = """
        FROM amocrm_calls_facts AS f JOIN amocrm_calls AS c ON c.id = f.calls_id
        LEFT JOIN general_dates AS d ON d.id = f.dates_id WHERE c.note_id <> 0
    """
    tables = (f"amocrm_{entity}_notes" for entity in ("leads", "contacts", "companies"))
    noted = " UNION ALL ".join(f"SELECT note_id, created_at FROM {table}" for table in tables)
    hours: dict[int, int] = dict(
        engine.query(f"SELECT hour(d.full_date), count(*) {calls} AND d.full_date IS NOT NULL GROUP BY 1")
    )
    spelled = engine.query(f"""
        SELECT coalesce(call_type, ''), {direction(settings)}, count(*) {calls} GROUP BY 1, 2 ORDER BY 3 DESC, 1
    """)
    with_seconds, exact, alike = engine.query(f"""
        SELECT count(*) FILTER (second(x.full_date) <> 0), count(n.at),
            count(*) FILTER (date_trunc('minute', n.at) = date_trunc('minute', x.full_date))
        FROM (SELECT c.note_id, d.full_date {calls}) AS x
        LEFT JOIN (SELECT note_id, min(created_at) AS at FROM ({noted}) AS n GROUP BY 1) AS n ON n.note_id = x.note_id
    """)[0]
    deals, open_deals, shared = engine.query("""
        SELECT coalesce(sum(n), 0), coalesce(sum(open), 0), coalesce(max(open), 0) FROM (
            SELECT count(*) AS n, count(*) FILTER (l.status_id NOT IN (142, 143)) AS open
            FROM amocrm_leads AS l JOIN amocrm_leads_facts AS f ON f.leads_id = l.id
            WHERE l.lead_id <> 0 GROUP BY f.closed_id
        ) AS ends
    """)[0]
    sourced = engine.query("SELECT count(*) FROM leads WHERE source IS NOT NULL")[0][0]
    unread = engine.query("SELECT count(*) FROM amocrm_leads_events WHERE after_status IS NULL")[0][0]
    events = engine.query("SELECT count(*) FROM amocrm_leads_events")[0][0]
    return {
        "hours": [hours.get(hour, 0) for hour in range(24)],
        "directions": [list(row) for row in spelled],
        "calls": sum(row[2] for row in spelled), "calls_with_seconds": with_seconds,
        "calls_found_in_notes": exact, "calls_alike_in_notes": alike,
        "open_deals": int(open_deals), "open_deals_of_one_closing_date": shared,
        "deals": int(deals), "deals_with_source": sourced, "events": events, "events_unread": unread,
        "contacts_known": "amocrm_contacts" in there, "attributes_known": FIELDS in there,
    }  # fmt: skip


def told(found: Mapping[str, Any], locale: Locale) -> list[str]:
    """The probes in sentences: each inferred rule, what was counted, how sure it is."""
    calls = found["calls"]
    night = sum(found["hours"][hour] for hour in NIGHT)

    def line(key: str, sure: bool, **values: object) -> str:
        verdict = locale.text("crm.sure" if sure else "crm.unsure")
        return f"{locale.text(f'crm.{key}', **values)} – {verdict}"

    def share(part: int, whole: int) -> str:
        return locale.percent(part / whole if whole else None)

    hours = " ".join(f"{hour:02}:{n}" for hour, n in enumerate(found["hours"]) if n)
    spelled = ", ".join(f"{spelling or '∅'} → {way} ({n})" for spelling, way, n in found["directions"])
    unknown = sum(n for _, way, n in found["directions"] if way == "unknown")
    exact, alike = found["calls_found_in_notes"], found["calls_alike_in_notes"]
    return [
        line("probe_zone", night <= MOST_AT_NIGHT * calls, share=share(night, calls), hours=hours),
        line("probe_directions", not unknown, spelled=spelled),
        line(
            "probe_seconds", exact >= LEAST_EXACT * calls and alike >= LEAST_ALIKE * exact,
            found=share(exact, calls), alike=share(alike, exact), own=share(found["calls_with_seconds"], calls),
        ),
        line(
            "probe_sentinel", found["open_deals_of_one_closing_date"] >= LEAST_ALIKE * found["open_deals"],
            share=share(found["open_deals_of_one_closing_date"], found["open_deals"]),
        ),
        line("probe_events", not found["events_unread"], unread=locale.number(found["events_unread"])),
        line("probe_source", bool(found["deals_with_source"]), share=share(found["deals_with_source"], found["deals"])),
        line("probe_contacts" if found["contacts_known"] else "probe_no_contacts", found["contacts_known"]),
    ]  # fmt: skip
