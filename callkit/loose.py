"""Loose: what growing needs of the checked tables and no placed table holds, which is all on no deal of its own."""

from __future__ import annotations

from callkit.engine import Engine
from callkit.placing import ON_DEAL

LOOSE = {
    "loose_calls": "call_id VARCHAR, deal_id VARCHAR, contact_id VARCHAR, deal_key INTEGER",
    "loose_changes": "deal_id VARCHAR, changed_us BIGINT, stage_id VARCHAR, pipeline_id VARCHAR, seq DOUBLE",
    "loose_links": "deal_id VARCHAR, contact_id VARCHAR",
}

LINKS = """
    SELECT x.deal_id, x.contact_id FROM checked_deal_contacts AS x
    SEMI JOIN {calls} AS l ON l.contact_id = x.contact_id
"""
"""The links of the contacts of some loose calls."""


def remember(engine: Engine) -> None:
    """Keeps of the checked tables what no placed table holds and growing needs: all that is on no deal of its own.

    `loose_calls` are calls that name no deal that there is, with the deal and the contact they do name, and the deal
    that they came to; `loose_changes` are changes of deals that there are not; `loose_links` the deals of the contacts
    of loose calls.
    """
    for name, typed in LOOSE.items():
        engine.query(f"CREATE TABLE {name} ({typed})")
    kinds = {f"how <> {ON_DEAL}": "r.contact_id IS NOT NULL", "deal_unknown": "r.contact_id IS NULL"}
    for kind, named in kinds.items():
        if engine.query(f"SELECT 1 FROM calls WHERE {kind} LIMIT 1"):
            engine.query(f"""
                INSERT INTO loose_calls SELECT r.call_id, r.deal_id, r.contact_id, c.deal_key
                FROM checked_calls AS r JOIN (SELECT call_id, deal_key FROM calls WHERE {kind}) AS c
                    ON c.call_id = r.call_id
                WHERE {named}
            """)
    engine.query(f"""
        INSERT INTO loose_changes SELECT {columns("loose_changes")} FROM checked_stage_changes AS x
        ANTI JOIN deals AS d ON d.deal_id = x.deal_id
    """)
    engine.query(f"INSERT INTO loose_links {LINKS.format(calls='loose_calls')}")


def columns(table: str) -> str:
    """The columns of a table of loose rows, as SQL."""
    return ", ".join(column.split()[0] for column in LOOSE[table].split(", "))
