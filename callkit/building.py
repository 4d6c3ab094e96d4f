"""Building: the tables of a source are read, checked and placed; a store is built whole, or grown by what is new.

The facts kept with the placed tables say what was read and how; `marks` among them, how far files were read, are there
where the store can grow, and `built` says how it was made last.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb

from callkit import __version__, growing, sources, stored
from callkit.credit import credit
from callkit.engine import DuckDB, Engine
from callkit.loose import remember
from callkit.placing import let_go, place
from callkit.settings import Settings
from callkit.sources import RawTable
from callkit.tables import Checked, admit
from callkit.tailing import Mark, Whole, marks, read_on
from callkit.zones import zone

Facts = dict[str, Any]


def read_in(
    source: Path | sources.Frames, settings: Settings, engine: Engine, more: Mapping[str, Any] | None = None
) -> tuple[Settings, Facts]:
    """Places a source's tables in the engine; gives the settings with their zone, and the facts, kept there too.

    `more` are further facts. Raises as `callkit.tables.admit` does.
    """
    settled, facts = _placed(source, settings, engine)
    let_go(engine)
    _keep(facts | dict(more or {}), engine)
    return settled, facts


def build(
    source: Path | sources.Frames, settings: Settings, out: Path, memory: str, more: Mapping[str, Any], *, force: bool
) -> None:
    """Builds the store of a source at `out`, or grows the one there, or leaves it alone where nothing has changed.

    With `more`, which are facts of the caller's own, and with `force` it is built whole. What it takes to grow costs a
    twentieth of a build, and is kept from the second one on: of stores that are kept up to date.
    """
    if isinstance(source, Mapping) or settings.engine:
        with stored.being_built(out, settings.engine, memory) as engine:
            read_in(source, settings, engine, {"made_of": ""} | dict(more))
            credit(engine)
        return
    made_of, why, again = stored.made_of(source, settings), "", out.is_file()
    if made_of and not more and not force:
        before = stored.kept(out)
        if before.get("made_of") == made_of:
            return
        try:
            _grow(source, settings, out, memory, before, made_of)
        except Whole as reason:
            why = str(reason)
        else:
            return
    with stored.being_built(out, {}, memory) as engine, ThreadPoolExecutor(1) as beside:
        marked = beside.submit(marks, source) if again and not more else None
        once = marked is None
        _, facts = _placed(source, settings, engine, once=once)
        credit(engine)
        facts |= {"made_of": made_of, "built": {"whole": why}} | dict(more)
        # Of files that somebody wrote to meanwhile the tables may hold more than the marks, or less.
        if marked and marked.result() and stored.made_of(source, settings) == made_of:
            remember(engine)
            facts |= _growth(marked.result(), 0)
        let_go(engine, once=once)
        _keep(facts, engine)


def _grow(source: Path, settings: Settings, out: Path, memory: str, before: Facts, made_of: str) -> None:
    if "marks" not in before:
        raise Whole("")
    if before["by"] != _by():
        raise Whole("another version made the store")
    if json.loads(json.dumps(_told(_settled(settings)))) != before["settings"]:
        raise Whole("settings are others")
    room = stored.room(out)
    try:
        read = read_on(source, {name: Mark(**mark) for name, mark in before["marks"].items()}, room)
        with stored.being_built(out, {}, memory, grows=True) as engine:
            assert isinstance(engine, DuckDB)
            grown = growing.grow(source, _settled(settings), before, room, engine)
            anew = before["anew"] + grown.anew
            if anew > growing.MOST_SINCE * grown.checked.rows["calls"]:
                raise Whole(f"{anew:,} calls have been placed anew since it last was")
            if stored.made_of(source, settings) != made_of:
                raise Whole("files were written to meanwhile")
            facts = _facts(grown.raw, grown.checked, settings)
            built = {"calls": grown.calls, "deals": grown.deals}
            engine.query("USE store")
            _keep(facts | {"made_of": made_of, "built": built} | _growth(read, anew), engine)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _placed(
    source: Path | sources.Frames, settings: Settings, engine: Engine, *, once: bool = False
) -> tuple[Settings, Facts]:
    settled = _settled(settings)
    raw, checked = admit(source, settled, engine)
    place(checked, settled, engine, once=once)
    return settled, _facts(raw, checked, settings)


def _settled(settings: Settings) -> Settings:
    settled = replace(settings, timezone=settings.timezone or "UTC")
    zone(settled.timezone)
    return settled


def _by() -> list[str]:
    return [__version__, duckdb.__version__, str(stored.VERSION)]


def _told(settled: Settings) -> dict[str, Any]:
    # Who sees what is for the server alone to know.
    return asdict(settled) | {"access": {}}


def _growth(read: Mapping[str, Mark], anew: int) -> Facts:
    return {"marks": {name: asdict(mark) for name, mark in read.items()}, "by": _by(), "anew": anew}


def _facts(raw: Mapping[str, RawTable], checked: Checked, settings: Settings) -> Facts:
    return {
        "version": stored.VERSION,
        "dimensions": list(checked.dimensions),
        "rows": dict(checked.rows),
        "ignored": {k: list(v) for k, v in checked.ignored.items() if v},
        "repeated_changes": checked.repeated_changes,
        "said": {name: table.said for name, table in raw.items() if table.said},
        "zone_declared": bool(settings.timezone),
        "settings": _told(_settled(settings)),
    }


def _keep(facts: Mapping[str, Any], engine: Engine) -> None:
    if engine.has("facts"):
        engine.drop("facts")
    kept = [(key, json.dumps(value, ensure_ascii=False)) for key, value in facts.items()]
    engine.define("facts", {"key": "VARCHAR", "value": "VARCHAR"}, kept)
