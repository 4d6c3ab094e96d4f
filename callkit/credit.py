"""Credit: whom a deal is worth to, where others than its owner spoke on it.

A deal is worth 1 and is shared among those who spoke on it, in answered calls, before it closed: by their talk
(`by_talk`), evenly (`by_head`), to the first (`by_first`) or the last speaker (`by_last`). A deal nobody spoke on is
its owner's. All the deal's calls count, whatever the period and filters.
"""

from __future__ import annotations

from callkit.engine import Engine


def credit(engine: Engine) -> None:
    """Makes the table `credits` of a placed company, once: deal_key, manager, and four weights that each sum to 1."""
    if engine.has("credits"):
        return
    # Who spoke first and last is decided among a deal's people, of whom there are few, not among its calls, and most
    # deals have but one; only where two of them began at one instant are the calls looked at again.
    engine.create("credits", """
        WITH spoken AS (
            SELECT c.deal_key AS deal_key, c.manager AS manager, c.talk_seconds AS talk_seconds,
                c.started_us AS started_us, c.call_id AS call_id
            FROM calls AS c
            WHERE c.while_open AND c.talk_seconds > 0
        ),
        people AS (
            SELECT deal_key, manager, sum(talk_seconds) AS talk, min(started_us) AS first_us, max(started_us) AS last_us
            FROM spoken
            GROUP BY deal_key, manager
        ),
        heads AS (
            SELECT deal_key, count(*) AS heads, max(manager) AS manager FROM people GROUP BY deal_key
        ),
        several AS (
            SELECT p.deal_key AS deal_key, p.manager AS manager, p.talk AS talk,
                p.first_us AS first_us, p.last_us AS last_us
            FROM people AS p
            JOIN heads AS h ON h.deal_key = p.deal_key
            WHERE h.heads > 1
        ),
        ties AS (
            SELECT deal_key, first_us AS started_us FROM several GROUP BY deal_key, first_us HAVING count(*) > 1
            UNION
            SELECT deal_key, last_us FROM several GROUP BY deal_key, last_us HAVING count(*) > 1
        ),
        tied AS (
            SELECT s.deal_key AS deal_key, s.manager AS manager, s.started_us AS started_us,
                min(s.call_id) AS first_id, max(s.call_id) AS last_id
            FROM spoken AS s
            JOIN ties AS t ON t.deal_key = s.deal_key AND t.started_us = s.started_us
            GROUP BY s.deal_key, s.manager, s.started_us
        ),
        ranked AS (
            SELECT p.deal_key AS deal_key, p.manager AS manager, p.talk AS talk,
                row_number() OVER (PARTITION BY p.deal_key ORDER BY p.first_us, f.first_id) AS nth,
                row_number() OVER (PARTITION BY p.deal_key ORDER BY p.last_us DESC, l.last_id DESC) AS nth_last
            FROM several AS p
            LEFT JOIN tied AS f
                ON f.deal_key = p.deal_key AND f.manager = p.manager AND f.started_us = p.first_us
            LEFT JOIN tied AS l
                ON l.deal_key = p.deal_key AND l.manager = p.manager AND l.started_us = p.last_us
        )
        SELECT deal_key, manager, talk / sum(talk) OVER (PARTITION BY deal_key) AS by_talk,
            1e0 / count(*) OVER (PARTITION BY deal_key) AS by_head,
            CASE WHEN nth = 1 THEN 1 ELSE 0 END AS by_first,
            CASE WHEN nth_last = 1 THEN 1 ELSE 0 END AS by_last
        FROM ranked
        UNION ALL
        SELECT d.deal_key, coalesce(h.manager, d.owner), 1, 1, 1, 1
        FROM deals AS d
        LEFT JOIN heads AS h ON h.deal_key = d.deal_key
        WHERE coalesce(h.heads, 1) = 1
    """)  # fmt: skip
