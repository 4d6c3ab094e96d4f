"""What a CRM can carry of a neutral world: the same company as amoCRM would hold it, and so what must come back.

Both sides of an equality use the carried world. What it loses, and why:

* ids are whole numbers, in the order that the texts had; the stages won and lost are 142 and 143 of their pipeline,
  and a pipeline's second stage of such a kind is an open one;
* seconds: instants lose their fractions, talk is whole seconds, a start is rounded down;
* a call goes in or out: one of unknown direction went out;
* a deal stands on a stage from its creation on, so that it has a history, in an order that is known; one that never
  moved stands where its outcome says, a closed one having moved there as it closed;
* every stage has a name and a place, every person described has a name, every deal a pipeline;
* a call is noted somewhere: one without a deal or a contact, on a contact without deals; on a deal that is not there,
  on one in the trash.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from oracle import Row
from worlds import World

WON, LOST = "142", "143"
CLOSING = {"won": WON, "lost": LOST}
PIPELINE = "Воронка"


def carried(world: World, *, directions: bool = True, minutes: bool = False) -> World:
    """The world as amoCRM would hold it.

    With `directions` False a direction may stay unknown; with `minutes` deals begin and end at whole minutes.
    """
    if minutes:
        world = dataclasses.replace(world, deals=[_to_the_minute(deal) for deal in world.deals])
    numbers = _Numbers(world)
    stages = _stages(world, numbers)
    deals = [_deal(deal, world, numbers) for deal in world.deals]
    changes, pipelines = _changes(world, numbers, stages)
    for deal in deals:
        deal["pipeline_id"] = pipelines[deal["deal_id"]]
    known = {deal["deal_id"] for deal in world.deals}
    links = [
        {"deal_id": numbers.deals[link["deal_id"]], "contact_id": numbers.contacts[link["contact_id"]]}
        for link in world.deal_contacts
        if link["deal_id"] in known
    ]
    managers = [
        {"manager_id": numbers.managers[m["manager_id"]], "name": m.get("name") or "?", "team": m.get("team")}
        for m in world.managers
    ]
    tables: dict[str, list[Row]] = {
        "calls": [_call(call, numbers, directions) for call in world.calls], "deals": deals, "stage_changes": changes,
        "stages": stages, "managers": managers, "deal_contacts": links,
    }  # fmt: skip
    columns = {table: tuple(rows[0]) for table, rows in tables.items() if rows}
    given = {table: rows for table, rows in tables.items() if rows}
    return World(timezone=world.timezone, columns=columns, written="utc", **given)  # type: ignore[arg-type]


class _Numbers:
    """Whole numbers for the ids of a world: its own where all are such, else new ones in the order of the texts."""

    def __init__(self, world: World) -> None:
        calls, deals = world.calls, world.deals
        linked = [link["contact_id"] for link in world.deal_contacts]
        people = [m["manager_id"] for m in world.managers]
        self.calls = _numbered((c["call_id"] for c in calls), 700_000_000)
        self.deals = _numbered([*(d["deal_id"] for d in deals), *(c["deal_id"] for c in calls)], 40_000_000)
        self.contacts = _numbered([*linked, *(c.get("contact_id") for c in calls)], 60_000_000)
        self.managers = _numbered([*people, *(r["manager_id"] for r in (*calls, *deals))], 5_000_000)
        self.alone = str(max([90_000_000, *(int(c) for c in self.contacts.values())]) + 1)
        kinds = {(s.get("pipeline_id"), s["stage_id"]): s.get("kind") for s in world.stages}
        first: dict[tuple[Any, Any], str] = {}
        for (pipeline, stage), kind in kinds.items():
            if kind in ("won", "lost"):
                first.setdefault((pipeline, kind), stage)
        closing = {(p, stage): WON if kind == "won" else LOST for (p, kind), stage in first.items()}
        seen = [s["stage_id"] for s in (*world.stages, *world.stage_changes)]
        plain = _numbered([s for s in seen if s not in (WON, LOST)], 3_000_000)
        self._closing, self._plain, self._paired = closing, plain, world.pipelines_count

    def stage(self, row: Row) -> str:
        pipeline = row.get("pipeline_id") if self._paired else None
        found = self._closing.get((pipeline, row["stage_id"]))
        return found or self._plain.get(row["stage_id"]) or f"9{row['stage_id']}"


def _numbered(ids: Iterable[str | None], first: int) -> dict[str, str]:
    known = sorted({i for i in ids if i is not None})
    if all(i.isdecimal() and i.isascii() and not i.startswith("0") for i in known):
        return {i: i for i in known}
    return {i: str(first + n) for n, i in enumerate(known)}


def _stages(world: World, numbers: _Numbers) -> list[Row]:
    last = max([s["position"] for s in world.stages if s["position"] is not None], default=Decimal(0)) + 1
    pipelines = list(dict.fromkeys(_pipeline(row) for row in (*world.stages, *world.stage_changes, *world.deals)))
    rows: list[Row] = []
    for stage in world.stages:
        number = numbers.stage(stage)
        position = last if stage["position"] is None else stage["position"]
        kind = {WON: "won", LOST: "lost"}.get(number, "open")
        name = stage["name"] or stage["stage_id"]
        rows.append(
            {"pipeline_id": _pipeline(stage), "stage_id": number, "name": name, "position": position, "kind": kind}
        )
    known = {(row["pipeline_id"], row["stage_id"]) for row in rows}
    for pipeline in pipelines:
        for number, name, kind in ((WON, "Успех", "won"), (LOST, "Отказ", "lost")):
            if (pipeline, number) not in known:
                row = {"pipeline_id": pipeline, "stage_id": number, "name": name, "position": Decimal(10_000)}
                rows.append(row | {"kind": kind})
    return rows


def _pipeline(row: Row) -> str:
    return row.get("pipeline_id") or PIPELINE


def _deal(deal: Row, world: World, numbers: _Numbers) -> Row:
    carried = {column: deal[column] for column in world.columns["deals"]}
    return carried | {
        "deal_id": numbers.deals[deal["deal_id"]],
        "created_at": _second(deal["created_at"]),
        "closed_at": _second(deal["closed_at"]),
        "manager_id": numbers.managers.get(deal["manager_id"]),
    }


def _changes(world: World, numbers: _Numbers, stages: list[Row]) -> tuple[list[Row], dict[str, str]]:
    """The histories, each from its deal's creation on, numbered in their order; and the pipeline each deal is in."""
    place = {(s["pipeline_id"], s["stage_id"]): s["position"] for s in stages}
    histories: dict[str, list[Row]] = {deal["deal_id"]: [] for deal in world.deals}
    for change in world.stage_changes:
        if change["deal_id"] in histories:
            histories[change["deal_id"]].append(change)
    rows: list[Row] = []
    pipelines: dict[str, str] = {}
    for deal in world.deals:
        number, created = numbers.deals[deal["deal_id"]], _second(deal["created_at"])

        def order(change: Row) -> tuple[Any, ...]:
            at = place.get((_pipeline(change), numbers.stage(change)), Decimal("Infinity"))
            return change["changed_at"], change.get("seq") or 0, at, change["stage_id"], _pipeline(change)

        moves = [
            (_second(c["changed_at"]), _pipeline(c), numbers.stage(c))
            for c in sorted(histories[deal["deal_id"]], key=order)
        ]
        if not moves:
            moves = [(created, _pipeline(deal), LOST if deal["outcome"] == "open" else CLOSING[deal["outcome"]])]
        moves[0] = (created, *moves[0][1:])
        moves = [(max(at, created), *stage) for at, *stage in moves]
        kept = [moves[0], *(b for a, b in itertools.pairwise(moves) if a[1:] != b[1:])]
        if len(kept) == 1:
            kept = _never_moved(kept[0], deal, stages)
        rows += [
            {"deal_id": number, "changed_at": at, "pipeline_id": pipeline, "stage_id": stage, "seq": Decimal(seq)}
            for seq, (at, pipeline, stage) in enumerate(kept)
        ]
        pipelines[number] = deal.get("pipeline_id") or kept[-1][1]
    return rows, pipelines


def _never_moved(stay: tuple[Any, str, str], deal: Row, stages: list[Row]) -> list[tuple[Any, str, str]]:
    """A deal without a move stands where its outcome says: a closed one moved there, an open one is not at the end."""
    at, pipeline, stage = stay
    if deal["outcome"] == "open":
        open_ones = [s["stage_id"] for s in stages if s["pipeline_id"] == pipeline and s["kind"] == "open"]
        return [(at, pipeline, stage if stage not in (WON, LOST) else (open_ones or ["3999999"])[0])]
    closing = (_second(deal["closed_at"]), pipeline, CLOSING[deal["outcome"]])
    return [stay] if stage == closing[2] else [stay, closing]


def _call(call: Row, numbers: _Numbers, directions: bool) -> Row:
    deal, contact = call["deal_id"], call.get("contact_id")
    direction = "out" if directions and call["direction"] == "unknown" else call["direction"]
    return {
        "call_id": numbers.calls[call["call_id"]],
        "started_at": _second(call["started_at"]),
        "talk_seconds": Decimal(call["talk_seconds"]).quantize(Decimal(1), ROUND_HALF_UP),
        "direction": direction,
        "manager_id": numbers.managers.get(call["manager_id"]),
        "deal_id": numbers.deals.get(deal),
        "contact_id": numbers.contacts.get(contact) or (None if deal else numbers.alone),
    }


def _to_the_minute(deal: Row) -> Row:
    ends = {column: deal[column] for column in ("created_at", "closed_at") if deal[column] is not None}
    return deal | {column: instant.replace(second=0, microsecond=0) for column, instant in ends.items()}


def _second(instant: Any) -> Any:
    return instant.replace(microsecond=0) if instant is not None else None


def without(world: World, **tables: list[Row]) -> World:
    """The world with other rows in some of its tables."""
    changed: dict[str, Any] = dict(tables)
    return dataclasses.replace(world, **changed)
