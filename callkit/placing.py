"""Placing: each call on its deal and on the stage the deal stood on at that moment.

Checked tables go in; out come the placed tables that everything is measured on: `calls`, `deals`, `stays` (a deal's
stay on a stage), `managers`, `stages`, `labels`. Values are codes (whole numbers), their names are in `labels`.
Placing adds columns to calls; it never adds or drops a row.
"""

from __future__ import annotations

from collections.abc import Callable

from callkit.coding import place_labels, place_managers, place_stages
from callkit.contract import CONTRACT
from callkit.dimensions import BEFORE_DEAL, NO_DEAL, NO_HISTORY
from callkit.engine import PREFIX, Engine, quoted
from callkit.settings import Settings
from callkit.tables import Checked
from callkit.zones import DAY, HOUR, SECOND, local_sql

FOREVER = 9223372036854775807
_ONCE = "stage_changes"
"""The table that nothing needs once calls are to be placed but what lets a store grow."""
# how a call came to its deal
ON_DEAL, ON_CONTACT, ON_CONTACT_AMBIGUOUS, ON_CLOSED_CONTACT, NOWHERE = 1, 2, 3, 4, 0


def place(checked: Checked, settings: Settings, engine: Engine, *, once: bool = False) -> None:
    """Makes the placed tables from the checked ones, which stay until `let_go`.

    So do `history` (the deals that changes name), `loose` (calls with a contact, on no deal of their own) and, where
    contacts have deals, `on_contact` (where such calls came to). With `once` the changes, which take the most memory
    beside calls, are gone as soon as they are stays.
    """
    labels = place_managers(engine)
    keyed_by_pair = by_pair(checked)
    labels += place_stages(keyed_by_pair, engine)
    place_labels(labels, checked.dimensions, engine)
    clock = local_clock(settings, engine)
    place_deals(checked.dimensions, clock, engine)
    place_stays(keyed_by_pair, settings, engine)
    if once:
        engine.drop(f"{PREFIX}{_ONCE}")
    place_calls(checked.dimensions, settings, clock, engine)


def let_go(engine: Engine, *, once: bool = False) -> None:
    """Takes the checked tables away, and what placing made in between; `once` as `place` was told."""
    between = ["history", "loose", *(["on_contact"] if _contacts(engine) else [])]
    engine.drop(*(f"{PREFIX}{name}" for name in CONTRACT if not (once and name == _ONCE)), *between)


def _contacts(engine: Engine) -> bool:
    return bool(engine.query("SELECT 1 FROM checked_deal_contacts LIMIT 1"))


def by_pair(checked: Checked) -> bool:
    """Whether a stage is the pair of its pipeline and its id."""
    return all("pipeline_id" in checked.given.get(t, ()) for t in ("stages", "stage_changes"))


def local_clock(settings: Settings, engine: Engine) -> Callable[[str], str]:
    """SQL for the local clock of an instant of the checked calls and deals."""
    first, last = engine.query("""
        SELECT min(first_us), max(last_us)
        FROM (
            SELECT min(started_us) AS first_us, max(started_us) AS last_us FROM checked_calls
            UNION ALL SELECT min(created_us), max(created_us) FROM checked_deals
            UNION ALL SELECT min(closed_us), max(closed_us) FROM checked_deals
        ) AS spans
    """)[0]

    def local(us: str) -> str:
        return local_sql(us, settings.timezone, None if first is None else (first, last))

    return local


def place_deals(dimensions: tuple[str, ...], local: Callable[[str], str], engine: Engine) -> None:
    """Deals under a whole-number key, in the order of their ids."""
    engine.create("history", "SELECT DISTINCT deal_id FROM checked_stage_changes", passing=True)
    joins, columns = [], []
    for i, name in enumerate(dimensions):
        column = quoted(f"dim_{name}")
        joins.append(f"LEFT JOIN labels AS l{i} ON l{i}.dimension = ? AND l{i}.label = d.{column}")
        columns.append(f", coalesce(l{i}.code, 0) AS {column}")
    engine.create(
        "deals",
        f"""
        SELECT CAST(row_number() OVER (ORDER BY d.deal_id) AS INTEGER) AS deal_key,
            d.deal_id AS deal_id, d.created_us AS created_us, d.closed_us AS closed_us,
            CASE d.outcome WHEN 'won' THEN 1 WHEN 'lost' THEN 2 ELSE 3 END AS outcome,
            coalesce(d.amount, 0) AS amount,
            coalesce(g.manager, 0) AS owner,
            {engine.month("d.created_local")} AS created_month,
            {engine.month("d.closed_local")} AS closed_month,
            h.deal_id IS NOT NULL AS has_history
            {"".join(columns)}
        FROM (
            SELECT *, {local("created_us")} AS created_local,
                {local("closed_us")} AS closed_local
            FROM checked_deals
        ) AS d
        LEFT JOIN managers AS g ON g.manager_id = d.manager_id
        LEFT JOIN history AS h ON h.deal_id = d.deal_id
        {" ".join(joins)}
        ORDER BY 1
        """,
        list(dimensions),
    )


def place_stays(keyed_by_pair: bool, settings: Settings, engine: Engine) -> None:
    """Half-open stays `[entered_us, left_us)`; `from_us` opens the first one earlier, by the lead-in.

    A stay that a later change of the same instant ends (an equal row among them) has no length and holds no call; only
    a deal's first is kept, for the calls of the lead-in.
    """
    pair = "AND s.pipeline_id = x.pipeline_id" if keyed_by_pair else ""
    lead_in = round(settings.lead_in_minutes * 60 * SECOND)
    # codes of stages follow their order: by position, then id, the described before the others
    in_order = "PARTITION BY d.deal_key ORDER BY x.changed_us, x.seq, s.stage"
    engine.create("stays", f"""
        SELECT deal_key, stage, changed_us AS entered_us, left_us,
            CASE WHEN nth = 1 THEN changed_us - {lead_in} ELSE changed_us END AS from_us
        FROM (
            SELECT d.deal_key AS deal_key, s.stage AS stage, x.changed_us AS changed_us,
                row_number() OVER ({in_order}) AS nth,
                lead(x.changed_us, 1, {FOREVER}) OVER ({in_order}) AS left_us
            FROM checked_stage_changes AS x
            JOIN deals AS d ON d.deal_id = x.deal_id
            JOIN stages AS s ON s.stage_id = x.stage_id {pair}
        ) AS moves
        WHERE left_us > changed_us OR nth = 1
    """)  # fmt: skip


def place_calls(dimensions: tuple[str, ...], settings: Settings, local: Callable[[str], str], engine: Engine) -> None:
    """Calls, each with the columns of its deal that figures are cut, filtered and dated by; those of a deal together.

    They stand in the order in which their deals began, so that a period, or a deal's calls, are read without the rest.
    They are brought into it before they take on the columns of their deals, which then lie near each other.
    """
    engine.create("loose", """
        SELECT c.call_id AS call_id, c.started_us AS started_us, c.deal_id AS deal_id, c.contact_id AS contact_id
        FROM checked_calls AS c LEFT JOIN deals AS d ON d.deal_id = c.deal_id
        WHERE c.contact_id IS NOT NULL AND d.deal_key IS NULL
    """, passing=True)  # fmt: skip
    key, how, began, joined = "d.deal_key", str(NOWHERE), "d.created_us", ""
    if _contacts(engine):
        _place_on_contacts(settings, engine)
        key, how = "coalesce(d.deal_key, k.deal_key)", f"coalesce(k.how, {NOWHERE})"
        began = "d.created_us, k.created_us"
        joined = "LEFT JOIN on_contact AS k ON k.call_id = c.call_id"
    segments = [quoted(f"dim_{name}") for name in dimensions]
    dates = ["created_us", "closed_us", "created_month", "closed_month"]
    carried = "".join(
        [*(f", coalesce(e.{c}, {NO_DEAL}) AS {c}" for c in ("owner", *segments)), *(f", e.{c} AS {c}" for c in dates)]
    )
    engine.create("calls", f"""
        SELECT x.call_id AS call_id, x.started_us AS started_us, x.talk_seconds AS talk_seconds,
            CASE WHEN x.talk_seconds > 0 THEN 1 ELSE 0 END AS answered,
            x.direction AS direction, x.manager AS manager, x.team AS team, x.deal_key AS deal_key{carried},
            CASE
                WHEN x.deal_key IS NULL THEN {NO_DEAL}
                WHEN x.stay IS NOT NULL THEN x.stay
                WHEN e.has_history THEN {BEFORE_DEAL}
                ELSE {NO_HISTORY}
            END AS stage,
            CAST(floor((x.local_us - x.local_day * {DAY}) / {HOUR}.0) AS SMALLINT) AS hour,
            -- 1 January 1970 was a Thursday; the sevens keep earlier days above zero
            CAST((x.local_day + 700003) % 7 + 1 AS SMALLINT) AS weekday,
            {engine.month("x.local_us")} AS month,
            x.how AS how, x.deal_unknown AS deal_unknown,
            x.deal_key IS NOT NULL AND (e.closed_us IS NULL OR x.started_us < e.closed_us) AS while_open,
            coalesce(x.started_us + x.talk_seconds * {SECOND} > x.stay_left_us, FALSE) AS spans_change
        FROM (
            SELECT *, CAST(floor(local_us / {DAY}.0) AS BIGINT) AS local_day
            FROM (
                SELECT f.*, t.stage AS stay, t.left_us AS stay_left_us
                FROM (
                    SELECT c.call_id AS call_id, c.started_us AS started_us, c.talk_seconds AS talk_seconds,
                        CASE c.direction WHEN 'in' THEN 1 WHEN 'out' THEN 2 ELSE 3 END AS direction,
                        coalesce(g.manager, 0) AS manager, coalesce(g.team, 0) AS team, {key} AS deal_key,
                        CASE WHEN d.deal_key IS NOT NULL THEN {ON_DEAL} ELSE {how} END AS how,
                        c.deal_id IS NOT NULL AND d.deal_key IS NULL AS deal_unknown,
                        {local("c.started_us")} AS local_us, coalesce({began}, c.started_us) AS began_us
                    FROM checked_calls AS c
                    LEFT JOIN deals AS d ON d.deal_id = c.deal_id
                    LEFT JOIN managers AS g ON g.manager_id = c.manager_id
                    {joined}
                ) AS f
                LEFT JOIN stays AS t
                    ON t.deal_key = f.deal_key AND f.started_us >= t.from_us AND f.started_us < t.left_us
                ORDER BY f.began_us, f.deal_key
            ) AS found
        ) AS x
        LEFT JOIN deals AS e ON e.deal_key = x.deal_key
    """)  # fmt: skip


def _place_on_contacts(settings: Settings, engine: Engine) -> None:
    """Calls without a deal of their own, on their contact's: the active one created last, else the last closed."""
    lead_in, reach = round(settings.lead_in_minutes * 60 * SECOND), round(settings.contact_days * DAY)
    engine.create("on_contact", f"""
        SELECT call_id, deal_key, created_us,
            CASE
                WHEN NOT active THEN {ON_CLOSED_CONTACT}
                WHEN actives > 1 THEN {ON_CONTACT_AMBIGUOUS}
                ELSE {ON_CONTACT}
            END AS how
        FROM (
            SELECT call_id, deal_key, created_us, active,
                sum(CASE WHEN active THEN 1 ELSE 0 END) OVER (PARTITION BY call_id) AS actives,
                row_number() OVER (
                    PARTITION BY call_id
                    ORDER BY CASE WHEN active THEN 0 ELSE 1 END,
                        CASE WHEN active THEN created_us ELSE closed_us END DESC, deal_id DESC
                ) AS nth
            FROM (
                SELECT c.call_id AS call_id, d.deal_key AS deal_key, d.deal_id AS deal_id,
                    d.created_us AS created_us, d.closed_us AS closed_us,
                    d.closed_us IS NULL OR d.closed_us > c.started_us AS active
                FROM loose AS c
                JOIN checked_deal_contacts AS x ON x.contact_id = c.contact_id
                JOIN deals AS d ON d.deal_id = x.deal_id
                WHERE d.created_us - {lead_in} <= c.started_us
                    AND (d.closed_us IS NULL OR c.started_us - d.closed_us <= {reach})
            ) AS near
        ) AS ranked
        WHERE nth = 1
    """, passing=True)  # fmt: skip
