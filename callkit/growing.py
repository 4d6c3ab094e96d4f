"""Growing: a store is brought up to date from what was added to its files, and equals one that is built whole.

Calls and stage changes are read from where their files ended, the other tables whole. Deals that are new or changed,
that have new calls or changes, or that share a contact with such ones are placed anew, with all their calls: together
they are a little company, placed by the statements that place a whole one. Everything else stays. Equal are two stores
whose rows are, once codes are labels and keys are ids: those a store keeps when it grows, and new ones come after them.
What a store cannot grow by, and everything odd, ends in `Whole`, and the store is built as if there were none before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from callkit import sources
from callkit.coding import Known, place_labels, place_managers, place_stages
from callkit.credit import credit
from callkit.engine import PREFIX, DuckDB, literal, quoted
from callkit.errors import CallkitError
from callkit.loose import CHANGED, LINKS, remember
from callkit.placing import FOREVER, ON_DEAL, by_pair, let_go, local_clock, place_calls, place_deals, place_stays
from callkit.settings import Settings
from callkit.sources import RawTable
from callkit.tables import Checked, check
from callkit.tailing import TAILED, Whole

MOST_ANEW, MOST_SINCE = 0.15, 0.5
"""The parts of all calls that are placed anew at most: at a time, and since the store was built whole."""


@dataclass(frozen=True)
class Grown:
    """What a store has grown by: the raw tables, of the tailed ones their ends, and how much was placed anew."""

    raw: Mapping[str, RawTable]
    checked: Checked
    calls: int
    deals: int
    anew: int


def grow(source: Path, settings: Settings, facts: Mapping[str, Any], room: Path, engine: DuckDB) -> Grown:
    """Grows the store that is attached to the engine as `store`, a copy that nobody reads, from the files of now.

    `facts` are the store's; `room` is where `read_on` wrote. Raises Whole; the copy is good for nothing then.
    """
    engine.query("USE memory")
    raw = dict(sources.read(source, settings, engine))
    if set(raw) != set(facts["rows"]):
        raise Whole("other tables are given")
    for name in TAILED:
        ends = raw[name].relation.replace(literal(str(source / f"{name}.csv")), literal(str(room / f"{name}.csv")))
        raw[name] = replace(raw[name], relation=ends)
    try:
        checked = check(raw, settings.timezone, settings.decimal, engine, tails=TAILED)
    except CallkitError:
        raise Whole("what was added breaks the contract") from None
    if list(checked.dimensions) != facts["dimensions"]:
        raise Whole("the columns of deals are others")
    if engine.query("SELECT 1 FROM checked_calls AS n SEMI JOIN store.calls AS c ON c.call_id = n.call_id LIMIT 1"):
        raise Whole("calls are there twice")
    _code(checked, engine)
    _touch_deals(checked.dimensions, engine)
    _touch_contacts(engine)
    repeated = checked.repeated_changes + _repeated(engine)
    new = checked.rows["calls"]
    anew = _take_back(engine) + new
    if anew > MOST_ANEW * facts["rows"]["calls"]:
        raise Whole(f"{anew:,} calls would have to be placed anew")
    _place(checked, settings, engine)
    _replace(engine)
    rows = {name: n + (facts["rows"][name] if name in TAILED else 0) for name, n in checked.rows.items()}
    told = replace(checked, rows=rows, repeated_changes=facts["repeated_changes"] + repeated)
    deals = int(engine.query("SELECT count(*) FROM touched")[0][0])
    engine.drop("touched")
    return Grown(raw, told, new, deals, anew)


def _code(checked: Checked, engine: DuckDB) -> None:
    """Makes `managers`, `stages` and `labels` of now, with the codes that the store has."""
    engine.create(
        "still_spoken",
        """
        SELECT g.manager_id FROM store.managers AS g
        SEMI JOIN (SELECT DISTINCT manager FROM store.calls) AS c ON c.manager = g.manager
        WHERE g.manager_id IS NOT NULL
        """,
        passing=True,
    )
    seen = "SELECT coalesce(pipeline_id, '') AS pipeline_id, stage_id, first_us FROM store.stages"
    engine.create("stages_seen", f"{seen} WHERE first_us IS NOT NULL", passing=True)
    engine.create("known_labels", "SELECT * FROM store.labels", passing=True)
    known = Known(
        dict(engine.query("SELECT manager_id, manager FROM store.managers WHERE manager > 0")),
        dict(engine.query("SELECT label, code FROM known_labels WHERE dimension = 'team'")),
    )
    labels = place_managers(engine, known) + place_stages(by_pair(checked), engine, known)
    place_labels(labels, checked.dimensions, engine, known)
    columns = "stage, stage_id, pipeline_id, position, kind, described"
    if engine.query(f"SELECT {columns} FROM store.stages EXCEPT SELECT {columns} FROM stages"):
        raise Whole("stages are others, or in another order")
    # Whoever reads a store may count on codes of managers and keys of deals without gaps.
    moved = "SELECT 1 FROM store.managers AS o ANTI JOIN managers AS g ON g.manager = o.manager AND g.team = o.team"
    if engine.query(moved):
        raise Whole("managers are gone, or in other teams")


def _touch_deals(dimensions: tuple[str, ...], engine: DuckDB) -> None:
    """Makes `touched`: deals that are new or changed, or have new calls or changes; a new one has no key yet."""
    compared = {
        "created_us": "n.created_us",
        "closed_us": "n.closed_us",
        "outcome": "CASE n.outcome WHEN 'won' THEN 1 WHEN 'lost' THEN 2 ELSE 3 END",
        "amount": "coalesce(n.amount, 0)",
        "owner": "coalesce(g.manager, 0)",
    }
    joins = ""
    for i, name in enumerate(dimensions):
        column = quoted(f"dim_{name}")
        joins += f" LEFT JOIN labels AS l{i} ON l{i}.dimension = ? AND l{i}.label = n.{column}"
        compared[column] = f"coalesce(l{i}.code, 0)"
    other = " OR ".join(f"d.{column} IS DISTINCT FROM {now}" for column, now in compared.items())
    engine.create(
        "touched",
        f"""
        SELECT n.deal_id AS deal_id, d.deal_key AS deal_key
        FROM checked_deals AS n
        LEFT JOIN store.deals AS d ON d.deal_id = n.deal_id
        LEFT JOIN managers AS g ON g.manager_id = n.manager_id
        {joins}
        WHERE d.deal_key IS NULL OR {other}
        """,
        dimensions,
        passing=True,
    )
    gone = engine.query("""
        SELECT (SELECT count(*) FROM store.deals) + (SELECT count(*) FROM touched WHERE deal_key IS NULL)
            - (SELECT count(*) FROM checked_deals)
    """)[0][0]
    if gone:
        raise Whole(f"{gone:,} deals are gone")
    late = f"""
        SELECT 1 FROM checked_stage_changes AS x JOIN store.deals AS d ON d.deal_id = x.deal_id
        JOIN store.stays AS t ON t.deal_key = d.deal_key AND t.left_us = {FOREVER}
        WHERE x.changed_us <= t.entered_us LIMIT 1
    """
    if engine.query(late):
        raise Whole("changes of stages were added that came before others of their deal")
    _touch("SELECT deal_id FROM checked_stage_changes UNION SELECT deal_id FROM checked_calls", engine)


def _touch(deals: str, engine: DuckDB) -> int:
    """Touches the deals of a query that the store has; how many were untouched."""
    return int(
        engine.query(f"""
            INSERT INTO touched SELECT d.deal_id, d.deal_key FROM store.deals AS d
            SEMI JOIN ({deals}) AS t ON t.deal_id = d.deal_id
            ANTI JOIN touched AS known ON known.deal_id = d.deal_id
        """)[0][0]
    )


def _touch_contacts(engine: DuckDB) -> None:
    """Makes `asked`, the contacts whose loose calls are placed anew, and touches all their deals.

    A loose call is on one of its contact's deals, and which one depends on them all; what a deal holds of loose calls
    depends on its contacts in turn. So either brings the other along, until no more come.
    """
    loose = """
        SELECT n.contact_id FROM checked_calls AS n ANTI JOIN checked_deals AS d ON d.deal_id = n.deal_id
        WHERE n.contact_id IS NOT NULL
    """
    engine.create("loose_contacts", f"SELECT contact_id FROM store.loose_calls UNION {loose}", passing=True)
    engine.create("linked", LINKS.format(calls="loose_contacts"), passing=True)
    known = "SELECT x.* FROM linked AS x SEMI JOIN store.loose_calls AS l ON l.contact_id = x.contact_id"
    engine.create("unlinked", f"FROM store.loose_links EXCEPT {known}", passing=True)
    engine.create(
        "asked",
        f"""
        {loose}
        UNION SELECT contact_id FROM ({known} EXCEPT FROM store.loose_links)
        UNION SELECT contact_id FROM unlinked
        UNION SELECT l.contact_id FROM store.loose_calls AS l SEMI JOIN touched AS t ON t.deal_id = l.deal_id
        WHERE l.contact_id IS NOT NULL
        """,
        passing=True,
    )
    if engine.query("SELECT 1 FROM unlinked LIMIT 1"):
        _touch("SELECT deal_id FROM unlinked", engine)
    found = 1
    while found:
        found = _touch("SELECT x.deal_id FROM linked AS x SEMI JOIN asked AS a ON a.contact_id = x.contact_id", engine)
        found += engine.query("""
            INSERT INTO asked SELECT DISTINCT x.contact_id FROM linked AS x
            SEMI JOIN touched AS t ON t.deal_id = x.deal_id ANTI JOIN asked AS a ON a.contact_id = x.contact_id
        """)[0][0]


def _repeated(engine: DuckDB) -> int:
    """How many different changes of the files' ends were there before, of deals that there were not."""
    both = f"SELECT {CHANGED} FROM checked_stage_changes INTERSECT SELECT {CHANGED} FROM store.loose_changes"
    return int(engine.query(f"SELECT count(*) FROM ({both})")[0][0])


def _take_back(engine: DuckDB) -> int:
    """Makes the checked tables those of the little company: of `touched` deals, old rows from the store among them."""
    engine.create(
        "replaced",
        """
        SELECT c.call_id FROM store.calls AS c SEMI JOIN touched AS t ON t.deal_key = c.deal_key
        UNION SELECT l.call_id FROM store.loose_calls AS l SEMI JOIN asked AS a ON a.contact_id = l.contact_id
        UNION SELECT l.call_id FROM store.loose_calls AS l SEMI JOIN touched AS t ON t.deal_id = l.deal_id
        """,
        passing=True,
    )
    taken = engine.query(f"""
        INSERT INTO checked_calls BY NAME
        SELECT c.call_id, c.started_us, c.talk_seconds,
            CASE c.direction WHEN 1 THEN 'in' WHEN 2 THEN 'out' ELSE 'unknown' END AS direction,
            g.manager_id, CASE WHEN c.how = {ON_DEAL} THEN t.deal_id ELSE l.deal_id END AS deal_id, l.contact_id
        FROM store.calls AS c SEMI JOIN replaced AS r ON r.call_id = c.call_id
        LEFT JOIN touched AS t ON t.deal_key = c.deal_key
        LEFT JOIN store.managers AS g ON g.manager = c.manager
        LEFT JOIN store.loose_calls AS l ON l.call_id = c.call_id
    """)[0][0]
    engine.query("""
        INSERT INTO checked_stage_changes BY NAME
        SELECT d.deal_id, t.entered_us AS changed_us, s.stage_id, s.pipeline_id,
            row_number() OVER (PARTITION BY t.deal_key ORDER BY t.entered_us, t.left_us) AS seq
        FROM store.stays AS t JOIN touched AS d ON d.deal_key = t.deal_key JOIN store.stages AS s ON s.stage = t.stage
        UNION ALL BY NAME
        SELECT x.* FROM store.loose_changes AS x SEMI JOIN touched AS d ON d.deal_id = x.deal_id
    """)
    engine.create(
        "little", "SELECT n.* FROM checked_deals AS n SEMI JOIN touched AS t ON t.deal_id = n.deal_id", passing=True
    )
    engine.drop(f"{PREFIX}deals")
    engine.query(f"ALTER TABLE little RENAME TO {PREFIX}deals")
    return int(taken)


def _place(checked: Checked, settings: Settings, engine: DuckDB) -> None:
    """Places the little company; its deals keep their keys, new ones come after all that there are."""
    clock = local_clock(settings, engine)
    place_deals(checked.dimensions, clock, engine)
    last = "(SELECT max(deal_key) FROM store.deals)"
    numbered = f"{last} + row_number() OVER (PARTITION BY t.deal_key IS NULL ORDER BY t.deal_id)"
    engine.query(f"""
        UPDATE deals SET deal_key = k.deal_key
        FROM (SELECT t.deal_id, coalesce(t.deal_key, {numbered}) AS deal_key FROM touched AS t) AS k
        WHERE k.deal_id = deals.deal_id
    """)
    place_stays(by_pair(checked), settings, engine)
    place_calls(checked.dimensions, settings, clock, engine)
    credit(engine)
    remember(engine)


def _replace(engine: DuckDB) -> None:
    """Puts the little company into the store, for what was there of it before."""
    engine.query("BEGIN")
    engine.query("DELETE FROM store.calls WHERE deal_key IN (SELECT deal_key FROM touched)")
    engine.query("DELETE FROM store.calls WHERE deal_key IS NULL AND call_id IN (FROM replaced)")
    for name in ("deals", "stays", "credits"):
        engine.query(f"DELETE FROM store.{name} WHERE deal_key IN (SELECT deal_key FROM touched)")
    engine.query("DELETE FROM store.loose_calls WHERE call_id IN (FROM replaced)")
    engine.query("DELETE FROM store.loose_changes WHERE deal_id IN (SELECT deal_id FROM touched)")
    engine.query("DELETE FROM store.loose_links WHERE contact_id IN (FROM asked)")
    for name in ("managers", "stages", "labels"):
        engine.query(f"DELETE FROM store.{name}")
    ordered = {"calls": "ORDER BY coalesce(created_us, started_us), deal_key", "deals": "ORDER BY deal_key"}
    for name in ("calls", "deals", "stays", "credits", "managers", "stages", "labels", "loose_calls", "loose_changes"):
        engine.query(f"INSERT INTO store.{name} BY NAME SELECT * FROM {name} {ordered.get(name, '')}")
    engine.query("""
        INSERT INTO store.loose_links SELECT x.deal_id, x.contact_id FROM linked AS x
        SEMI JOIN asked AS a ON a.contact_id = x.contact_id
        SEMI JOIN store.loose_calls AS l ON l.contact_id = x.contact_id
    """)
    engine.query("COMMIT")
    let_go(engine)
