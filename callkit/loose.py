"""Loose: what growing needs of the checked tables and no placed table holds, which is all on no deal of its own."""

from __future__ import annotations

from callkit.engine import Engine

CHANGED = "deal_id, changed_us, stage_id, pipeline_id, seq"
"""The columns of changes."""
LINKS = """
    SELECT x.deal_id, x.contact_id FROM checked_deal_contacts AS x
    SEMI JOIN {calls} AS l ON l.contact_id = x.contact_id
"""
"""The links of the contacts of some loose calls."""


def remember(engine: Engine) -> None:
    """Keeps of the checked tables what no placed table holds and growing needs: all that is on no deal of its own.

    `loose_calls` are calls that name no deal that there is, with the deal and the contact they do name; `loose_changes`
    are changes of deals that there are not; `loose_links` the deals of the contacts of loose calls.
    """
    engine.create("loose_calls", "SELECT call_id, deal_id, contact_id FROM loose")
    if engine.query("SELECT 1 FROM calls WHERE deal_unknown LIMIT 1"):
        engine.query("""
            INSERT INTO loose_calls SELECT r.call_id, r.deal_id, NULL FROM checked_calls AS r
            SEMI JOIN (SELECT call_id FROM calls WHERE deal_unknown) AS c ON c.call_id = r.call_id
            WHERE r.contact_id IS NULL
        """)
    gone = "SELECT h.deal_id FROM history AS h ANTI JOIN deals AS d ON d.deal_id = h.deal_id"
    # To look through all changes takes long, and mostly there is none of them.
    named, known = engine.query(
        "SELECT (SELECT count(*) FROM history), (SELECT count(*) FROM deals WHERE has_history)"
    )[0]
    engine.create("loose_changes", f"""
        SELECT {CHANGED} FROM checked_stage_changes AS x SEMI JOIN ({gone}) AS h ON h.deal_id = x.deal_id
        {"" if named > known else "WHERE FALSE"}
    """)  # fmt: skip
    engine.create("loose_links", LINKS.format(calls="loose_calls"))
