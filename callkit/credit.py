"""Credit: whom a deal is worth to, where others than its owner spoke on it.

A deal is worth 1 and is shared among those who spoke on it, in answered calls, before it closed: by their talk
(`by_talk`), evenly (`by_head`), to the first (`by_first`) or the last speaker (`by_last`). A deal nobody spoke on is
its owner's. All the deal's calls count, whatever the period and filters.
"""

from __future__ import annotations

from callkit.engine import Engine


def credit(engine: Engine) -> None:
    """Makes the table `credits` of a placed company, once: deal_key, manager, and four weights that each sum to 1."""
    if engine.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'credits'"):
        return
    engine.query("""
        CREATE TABLE credits AS
        WITH spoken AS (
            SELECT c.deal_key, c.manager, c.talk_seconds,
                row_number() OVER (PARTITION BY c.deal_key ORDER BY c.started_us, c.call_id) AS nth,
                row_number() OVER (PARTITION BY c.deal_key ORDER BY c.started_us DESC, c.call_id DESC) AS nth_last
            FROM calls AS c
            JOIN deals AS d ON d.deal_key = c.deal_key
            WHERE c.talk_seconds > 0 AND (d.closed_us IS NULL OR c.started_us < d.closed_us)
        ),
        people AS (
            SELECT deal_key, manager, sum(talk_seconds) AS talk,
                max(CASE WHEN nth = 1 THEN 1 ELSE 0 END) AS by_first,
                max(CASE WHEN nth_last = 1 THEN 1 ELSE 0 END) AS by_last
            FROM spoken
            GROUP BY deal_key, manager
        )
        SELECT deal_key, manager, talk / sum(talk) OVER (PARTITION BY deal_key) AS by_talk,
            1.0 / count(*) OVER (PARTITION BY deal_key) AS by_head, by_first, by_last
        FROM people
        UNION ALL
        SELECT d.deal_key, d.owner, 1, 1, 1, 1
        FROM deals AS d
        LEFT JOIN (SELECT DISTINCT deal_key FROM people) AS p ON p.deal_key = d.deal_key
        WHERE p.deal_key IS NULL
    """)
