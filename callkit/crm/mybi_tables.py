"""The tables of a myBI Connect database, and how they fill the raw tables: surrogates, placeholders, sentinel dates."""

from __future__ import annotations

from collections.abc import Mapping

from callkit.engine import DuckDB, literal
from callkit.settings import Settings
from callkit.zones import utc_sql

FIELDS = "amocrm_leads_attributes"
_NOTES = {"note_id": "BIGINT", "created_at": "TIMESTAMP"}

# table -> the columns that are read
TABLES: Mapping[str, Mapping[str, str]] = {
    "amocrm_calls_facts": {
        "dates_id": "BIGINT", "users_id": "BIGINT", "calls_id": "BIGINT", "contacts_id": "BIGINT",
        "companies_id": "BIGINT", "leads_id": "BIGINT", "duration": "DOUBLE",
    },
    "amocrm_calls": {
        "id": "BIGINT", "note_id": "BIGINT", "call_id": "VARCHAR", "call_type": "VARCHAR", "phone": "VARCHAR",
        "link": "VARCHAR",
    },
    "amocrm_leads": {
        "id": "BIGINT", "lead_id": "BIGINT", "pipeline": "VARCHAR", "pipeline_id": "BIGINT", "status": "VARCHAR",
        "status_id": "BIGINT", "status_order": "DOUBLE", "loss_reason": "VARCHAR", "is_deleted": "BOOLEAN",
    },
    "amocrm_leads_facts": {
        "leads_id": "BIGINT", "users_id": "BIGINT", "contacts_id": "BIGINT", "companies_id": "BIGINT",
        "created_id": "BIGINT", "closed_id": "BIGINT", "price": "DOUBLE", "traffic_id": "BIGINT",
        "unsorteds_id": "BIGINT",
    },
    "amocrm_leads_events": {
        "leads_id": "BIGINT", "event_id": "VARCHAR", "created_at": "TIMESTAMP", "value_before": "VARCHAR",
        "value_after": "VARCHAR", "before_pipeline": "BIGINT", "before_status": "BIGINT",
        "after_pipeline": "BIGINT", "after_status": "BIGINT",
    },
    "amocrm_users": {"id": "BIGINT", "user_id": "BIGINT", "name": "VARCHAR", "group_name": "VARCHAR"},
    "general_dates": {"id": "BIGINT", "full_date": "TIMESTAMP"},
    "amocrm_pipelines": {"pipeline_id": "BIGINT", "name": "VARCHAR", "sort": "DOUBLE"},
    "amocrm_statuses": {
        "pipeline_id": "BIGINT", "status_id": "BIGINT", "name": "VARCHAR", "sort": "DOUBLE", "type": "INTEGER",
    },
    "amocrm_contacts": {"id": "BIGINT", "contact_id": "BIGINT"},
    "amocrm_companies": {"id": "BIGINT", "company_id": "BIGINT"},
    "amocrm_leads_contacts": {"leads_id": "BIGINT", "contacts_id": "BIGINT"},
    FIELDS: {"leads_id": "BIGINT", "attribute_id": "BIGINT", "name": "VARCHAR", "value": "VARCHAR"},
    "general_traffic": {"id": "BIGINT", "source": "VARCHAR"},
    "amocrm_unsorted": {"id": "BIGINT", "source_name": "VARCHAR"},
    "amocrm_leads_notes": _NOTES,
    "amocrm_contacts_notes": _NOTES,
    "amocrm_companies_notes": _NOTES,
}  # fmt: skip
NEEDED = tuple(TABLES)[:7]
MUST = {
    "amocrm_calls_facts": ("dates_id", "users_id", "calls_id", "leads_id", "duration"),
    "amocrm_calls": ("id", "note_id", "call_type"),
    "amocrm_leads": ("id", "account_id", "lead_id", "pipeline_id", "status_id"),
    "amocrm_leads_facts": ("leads_id", "users_id", "created_id", "closed_id", "price"),
    "amocrm_leads_events": ("leads_id", "event_id", "type", "created_at", "value_after", "value_before"),
    "amocrm_users": ("id", "user_id", "name"),
    "general_dates": ("id", "full_date"),
}

SPELLINGS = {
    **dict.fromkeys(("call_in", "incoming", "in", "inbound", "incoming_call", "inbox", "10", "входящий"), "in"),
    **dict.fromkeys(("call_out", "outgoing", "out", "outbound", "outgoing_call", "outbox", "11", "исходящий"), "out"),
}
"""Known spellings of a call's direction, in lower case; `[mybi] directions` adds others."""


def direction(settings: Settings) -> str:
    """SQL for the direction that `call_type` spells, `unknown` for one that nobody has told."""
    own = {str(k).casefold(): v for k, v in (settings.crm.get("directions") or {}).items()}
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in (SPELLINGS | own).items())
    return f"CASE lower(trim(call_type)) {cases} ELSE 'unknown' END"


def fill(engine: DuckDB, settings: Settings, timezone: str) -> None:
    """Fills the raw tables, all in one transaction, from the tables of myBI that were read before."""

    def seconds(column: str) -> str:
        return f"({utc_sql(f'epoch_us({column})', timezone)}) // 1000000"

    engine.query("BEGIN")
    for table in ("users", "pipelines", "statuses", "fields", "leads", "trash", "events", "notes"):
        engine.query(f"DELETE FROM {table}")
    engine.query("""
        INSERT INTO users SELECT user_id, any_value(name), any_value(nullif(group_name, '')), NULL
        FROM amocrm_users WHERE user_id <> 0 GROUP BY 1
    """)
    engine.query("""
        INSERT INTO pipelines SELECT pipeline_id, any_value(name), min(sort) FROM (
            SELECT pipeline_id, name, sort FROM amocrm_pipelines
            UNION ALL
            SELECT pipeline_id, pipeline, NULL FROM amocrm_leads
            WHERE pipeline_id NOT IN (SELECT pipeline_id FROM amocrm_pipelines)
        ) AS given WHERE pipeline_id <> 0 GROUP BY 1
    """)
    engine.query("""
        INSERT INTO statuses SELECT pipeline_id, status_id, any_value(name), min(sort), any_value(type) FROM (
            SELECT pipeline_id, status_id, name, sort, type FROM amocrm_statuses
            UNION ALL
            SELECT pipeline_id, status_id, status, status_order, NULL FROM amocrm_leads
            WHERE NOT EXISTS (SELECT 1 FROM amocrm_statuses)
        ) AS given WHERE status_id <> 0 GROUP BY 1, 2
    """)
    engine.query(f"INSERT INTO fields SELECT attribute_id, any_value(name), 'text' FROM {FIELDS} GROUP BY 1")
    # None is a row of its own among users, contacts, dates: the one whose number in amoCRM is 0.
    engine.query("CREATE OR REPLACE TEMP TABLE contacts_known AS SELECT id FROM amocrm_contacts WHERE contact_id <> 0")
    engine.query(
        "CREATE OR REPLACE TEMP TABLE companies_known AS SELECT id FROM amocrm_companies WHERE company_id <> 0"
    )
    engine.query(f"""
        INSERT INTO leads BY NAME
        SELECT l.lead_id, f.price, u.user_id AS owner, l.status_id, l.pipeline_id,
            {seconds("made.full_date")} AS created_at, {seconds("made.full_date")} AS updated_at,
            {seconds("ended.full_date")} AS closed_at, nullif(l.loss_reason, '') AS loss_reason,
            {_source(settings)} AS source, coalesce(l.is_deleted, FALSE) AS deleted, CAST([] AS VARCHAR[]) AS tags,
            coalesce(k.contacts, []) AS contacts,
            CASE WHEN f.companies_id IN (FROM companies_known) THEN [f.companies_id] ELSE [] END AS companies,
            coalesce(a.fields, []) AS fields
        FROM amocrm_leads AS l
        JOIN amocrm_leads_facts AS f ON f.leads_id = l.id
        LEFT JOIN amocrm_users AS u ON u.id = f.users_id
        LEFT JOIN general_dates AS made ON made.id = f.created_id
        LEFT JOIN general_dates AS ended ON ended.id = f.closed_id
        LEFT JOIN general_traffic AS t ON t.id = f.traffic_id
        LEFT JOIN amocrm_unsorted AS o ON o.id = f.unsorteds_id
        LEFT JOIN (
            SELECT leads_id, list_sort(list(DISTINCT contacts_id)) AS contacts FROM (
                SELECT leads_id, contacts_id FROM amocrm_leads_contacts
                UNION ALL SELECT leads_id, contacts_id FROM amocrm_leads_facts
            ) AS links WHERE contacts_id IN (FROM contacts_known) GROUP BY 1
        ) AS k ON k.leads_id = l.id
        LEFT JOIN (
            SELECT leads_id, list({{'field_id': attribute_id, 'value': value}} ORDER BY attribute_id) AS fields
            FROM (
                SELECT leads_id, attribute_id, string_agg(value, ', ' ORDER BY value) AS value
                FROM {FIELDS} WHERE value <> '' GROUP BY 1, 2
            ) AS given GROUP BY 1
        ) AS a ON a.leads_id = l.id
        WHERE l.lead_id <> 0
    """)
    engine.query(f"""
        INSERT INTO events BY NAME
        SELECT e.event_id, l.lead_id, {seconds("e.created_at")} AS created_at,
            e.before_pipeline, e.before_status, e.after_pipeline, e.after_status
        FROM amocrm_leads_events AS e JOIN amocrm_leads AS l ON l.id = e.leads_id
        WHERE l.lead_id <> 0 AND e.after_status IS NOT NULL
    """)
    engine.query(_notes(settings, seconds("coalesce(n.created_at, d.full_date)")))
    engine.query("COMMIT")


def _source(settings: Settings) -> str:
    named = {"traffic": "nullif(t.source, '')", "unsorted": "nullif(o.source_name, '')"}
    return named.get(str(settings.crm.get("source", "traffic")), "CAST(NULL AS VARCHAR)")


def _notes(settings: Settings, second: str) -> str:
    """A row on the deal and one on the contact, where a call names both: they are one call by its key."""
    exact = settings.crm.get("seconds", "notes") == "notes"
    tables = (f"amocrm_{entity}_notes" for entity in ("leads", "contacts", "companies"))
    noted = " UNION ALL ".join(f"SELECT note_id, created_at FROM {table}" for table in tables)
    return f"""
        INSERT INTO notes BY NAME
        WITH noted AS (
            SELECT note_id, min(created_at) AS created_at FROM ({noted}) AS n WHERE {exact} GROUP BY 1
        ),
        told AS (
            SELECT c.note_id, coalesce(u.user_id, 0) AS created_by, {second} AS created_at,
                CASE {direction(settings)} WHEN 'in' THEN 'call_in' WHEN 'out' THEN 'call_out' ELSE 'call' END
                    AS note_type,
                f.duration, c.link, c.phone,
                CASE WHEN c.call_id IS NULL AND c.link IS NULL AND c.phone IS NULL THEN 'note ' || c.note_id
                    ELSE c.call_id END AS uniq,
                l.lead_id, f.contacts_id, f.companies_id
            FROM amocrm_calls_facts AS f
            JOIN amocrm_calls AS c ON c.id = f.calls_id
            LEFT JOIN amocrm_users AS u ON u.id = f.users_id
            LEFT JOIN general_dates AS d ON d.id = f.dates_id
            LEFT JOIN amocrm_leads AS l ON l.id = f.leads_id AND l.lead_id <> 0
            LEFT JOIN noted AS n ON n.note_id = c.note_id
            WHERE c.note_id <> 0
        )
        SELECT * EXCLUDE (lead_id, contacts_id, companies_id), 'leads' AS entity, lead_id AS entity_id FROM told
        WHERE lead_id IS NOT NULL
        UNION ALL
        SELECT * EXCLUDE (lead_id, contacts_id, companies_id), 'contacts', contacts_id FROM told
        WHERE contacts_id IN (FROM contacts_known)
        UNION ALL
        SELECT * EXCLUDE (lead_id, contacts_id, companies_id), 'companies', companies_id FROM told
        WHERE coalesce(companies_id IN (FROM companies_known), FALSE)
            OR (lead_id IS NULL AND NOT coalesce(contacts_id IN (FROM contacts_known), FALSE))
    """
