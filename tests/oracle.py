"""The truth of the tests: the contract of callkit's numbers in plain Python, slow, and sharing no code with callkit.

`read` takes a folder of CSV files, `placed` puts every call on its deal and stage, `metrics` answers as
`callkit metrics --format csv` does. The tables are trusted: what breaks the contract is not looked for.
Sums are exact (integers, decimals, fractions); only what is handed out is a float.

Where the contract can be read in two ways, the reading taken is marked `Open:` at its place in the code.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Row = dict[str, Any]
StageKey = tuple[str | None, str]

TOTAL, NO_DEAL, NOT_SET = "(total)", "(no deal)", "(not set)"
BEFORE_THE_DEAL, NO_STAGE_HISTORY = "(before the deal)", "(no stage history)"

TABLES = ("calls", "deals", "stage_changes", "stages", "managers", "deal_contacts")
INSTANTS = {"calls": ("started_at",), "deals": ("created_at", "closed_at"), "stage_changes": ("changed_at",)}
NUMBERS = {"calls": ("talk_seconds",), "deals": ("amount",), "stage_changes": ("seq",), "stages": ("position",)}

CALL_COLUMNS = ("stage", "direction", "hour", "weekday")
WHO_SPOKE = ("manager", "team")
MEASURES = (
    *("calls", "answered_calls", "inbound_calls", "outbound_calls", "talk_minutes", "mean_call_seconds"),
    *("call_share", "talk_share", "deals", "won_deals", "open_deals"),
    *("conversion", "conversion_low", "conversion_high", "win_share", "revenue", "revenue_share"),
    *("revenue_per_minute", "minutes_per_sale", "efficiency"),
)

THIRTY_DAYS = dt.timedelta(days=30)  # Open: elapsed time, 720 hours, also where the clocks change in between.
Z = 1.959963984540054


@dataclass(frozen=True, eq=False)
class World:
    """The input tables as lists of rows: instants in UTC, numbers as int or Decimal, ids as text, None where empty.

    `columns` names the columns of every table that is given, so that an empty table still has some.
    """

    timezone: str
    columns: Mapping[str, tuple[str, ...]]
    calls: list[Row]
    deals: list[Row]
    stage_changes: list[Row]
    stages: list[Row] = field(default_factory=list)
    managers: list[Row] = field(default_factory=list)
    deal_contacts: list[Row] = field(default_factory=list)
    lead_in: dt.timedelta = dt.timedelta(hours=1)

    @property
    def pipelines_count(self) -> bool:
        """Whether a stage is the pair (pipeline, id). Open: pipelines that only one table names are passed over."""
        return all("pipeline_id" in self.columns.get(table, ()) for table in ("stages", "stage_changes"))


class Place(NamedTuple):
    """Where a call belongs: its deal, the label of its stage, and whether several active deals claimed it."""

    deal_id: str | None
    stage: str
    ambiguous: bool


class Part(NamedTuple):
    """A deal, or the part of it that is one person's."""

    deal: Row
    person: str | None
    weight: Fraction


# Reading


def read(folder: str | Path, timezone: str) -> World:
    """The world in the CSV files of `folder`; instants without an offset are those of `timezone`."""
    texts = {path.stem: path.read_text(encoding="utf-8-sig") for path in Path(folder).glob("*.csv")}
    return world_of(texts, timezone)


def world_of(texts: Mapping[str, str], timezone: str) -> World:
    """The world in CSV texts by the name of their table."""
    columns: dict[str, tuple[str, ...]] = {}
    rows: dict[str, list[Row]] = {table: [] for table in TABLES}
    for table in [table for table in TABLES if table in texts]:
        reader = csv.DictReader(io.StringIO(texts[table], newline=""))
        columns[table] = tuple(reader.fieldnames or ())
        rows[table] = [_typed(row, table, ZoneInfo(timezone)) for row in reader]
    return World(timezone, columns, **rows)  # type: ignore[arg-type]


def _typed(row: Row, table: str, zone: ZoneInfo) -> Row:
    typed: Row = {column: cell or None for column, cell in row.items()}
    for column in INSTANTS.get(table, ()):
        if typed[column]:
            typed[column] = _instant(typed[column], zone)
    for column in NUMBERS.get(table, ()):
        if typed.get(column):
            typed[column] = Decimal(typed[column])
    return typed


def _instant(text: str, zone: ZoneInfo) -> dt.datetime:
    """`fold=0` is both rules at once: the first of a repeated hour; a skipped hour keeps the offset before the gap."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone, fold=0)
    return instant.astimezone(dt.UTC)


# Labels


@lru_cache(maxsize=8)
def manager_labels(world: World) -> dict[str, str]:
    """The label of every manager who is described, speaks or owns: the name, or the id of one nobody described."""
    names = {m["manager_id"]: m.get("name") or m["manager_id"] for m in world.managers}
    for row in world.calls + world.deals:
        if row["manager_id"] is not None:
            names.setdefault(row["manager_id"], row["manager_id"])
    namesakes = _ids_by_name(names)
    return {i: f"{name} ({i})" if len(namesakes[name]) > 1 else name for i, name in names.items()}


@lru_cache(maxsize=8)
def stage_labels(world: World) -> dict[StageKey, str]:
    """The label of every stage that is described or entered."""
    names: dict[StageKey, str] = {_stage_key(world, s): s.get("name") or s["stage_id"] for s in world.stages}
    for change in world.stage_changes:
        names.setdefault(_stage_key(world, change), change["stage_id"])
    namesakes = _ids_by_name(names)
    return {key: _apart(key, name, namesakes[name]) for key, name in names.items()}


def _apart(key: StageKey, name: str, namesakes: Sequence[StageKey]) -> str:
    """The name and what tells it apart: the pipeline if those differ, else the id. Open: both if neither is enough."""
    pipeline, stage_id = key
    if len(namesakes) == 1:
        return name
    if len({p for p, _ in namesakes}) == len(namesakes):
        return f"{name} ({pipeline})"
    if len({i for _, i in namesakes}) == len(namesakes):
        return f"{name} ({stage_id})"
    return f"{name} ({pipeline}, {stage_id})"


def _ids_by_name(names: Mapping[Any, str]) -> dict[str, list[Any]]:
    ids: dict[str, list[Any]] = defaultdict(list)
    for i, name in names.items():
        ids[name].append(i)
    return ids


def _stage_key(world: World, row: Row) -> StageKey:
    return (row["pipeline_id"] if world.pipelines_count else None, row["stage_id"])


# Placing


@lru_cache(maxsize=8)
def placed(world: World) -> dict[str, Place]:
    """Where every call belongs, by `call_id`."""
    deals = {deal["deal_id"]: deal for deal in world.deals}
    deals_of_contact: dict[str | None, list[Row]] = defaultdict(list)
    for link in world.deal_contacts:
        if link["deal_id"] in deals:
            deals_of_contact[link["contact_id"]].append(deals[link["deal_id"]])
    histories = _histories(world)

    places = {}
    for call in world.calls:
        at = call["started_at"]
        deal, ambiguous = deals.get(call["deal_id"] or ""), False
        if deal is None:
            deal, ambiguous = _deal_by_contact(at, deals_of_contact[call.get("contact_id")], world.lead_in)
        if deal is None:
            places[call["call_id"]] = Place(None, NO_DEAL, False)
        else:
            stage = _stage_at(at, histories[deal["deal_id"]], world.lead_in)
            places[call["call_id"]] = Place(deal["deal_id"], stage, ambiguous)
    return places


def _deal_by_contact(at: dt.datetime, deals: Iterable[Row], lead_in: dt.timedelta) -> tuple[Row | None, bool]:
    known = [deal for deal in deals if deal["created_at"] - lead_in <= at]
    active = [deal for deal in known if deal["closed_at"] is None or deal["closed_at"] > at]
    if active:
        return max(active, key=lambda deal: (deal["created_at"], deal["deal_id"])), len(active) > 1
    if known:
        last = max(known, key=lambda deal: (deal["closed_at"], deal["deal_id"]))
        if at - last["closed_at"] <= THIRTY_DAYS:
            return last, False
    return None, False


def _stage_at(at: dt.datetime, history: Sequence[tuple[dt.datetime, str]], lead_in: dt.timedelta) -> str:
    if not history:
        return NO_STAGE_HISTORY
    entered = [stage for changed_at, stage in history if changed_at <= at]
    if entered:
        return entered[-1]
    # Open: of several changes at the first instant the first in their order is the first stage, though it never held.
    first_instant, first_stage = history[0]
    return first_stage if first_instant - at <= lead_in else BEFORE_THE_DEAL


def _histories(world: World) -> dict[str, list[tuple[dt.datetime, str]]]:
    """The stages every deal entered, by `deal_id`: instants and labels, in the order they hold."""
    standing = _standing(world)
    labels = stage_labels(world)
    ordered = sorted(
        world.stage_changes, key=lambda c: (c["changed_at"], c.get("seq") or 0, standing[_stage_key(world, c)])
    )
    histories: dict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for change in ordered:
        histories[change["deal_id"]].append((change["changed_at"], labels[_stage_key(world, change)]))
    return histories


def _standing(world: World) -> dict[StageKey, tuple[Any, ...]]:
    """What stages are ordered by: the described by position, those without one, the undescribed by first appearance.

    Equal ones go by id. Open: positions of different pipelines are compared as they are; last goes the pipeline's id.
    """
    standing: dict[StageKey, tuple[Any, ...]] = {}
    for change in sorted(world.stage_changes, key=lambda c: c["changed_at"]):
        pipeline, stage_id = key = _stage_key(world, change)
        standing.setdefault(key, (2, change["changed_at"], stage_id, pipeline or ""))
    for stage in world.stages:
        pipeline, stage_id = key = _stage_key(world, stage)
        position = stage.get("position")
        place = (1, 0) if position is None else (0, position)
        standing[key] = (*place, stage_id, pipeline or "")
    return standing


# Measuring


def metrics(
    world: World,
    by: Sequence[str],
    start: dt.date,
    stop: dt.date,
    lens: str = "closed",
    credit: str = "owner",
    where: Sequence[str] = (),
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns and rows of `callkit metrics --format csv`; `where` is as on the command line, `source="A, b",Site`.

    A row is a label for every `by` column, then a float, or None where undefined, for every measure.
    """
    filters = _filters(world, where)
    on_calls = [column for column in filters if column in CALL_COLUMNS + WHO_SPOKE]
    on_people = [column for column in filters if column in WHO_SPOKE]
    on_deals = [column for column in filters if column not in on_calls]
    first, end = (_midnight(day, world.timezone) for day in (start, stop))
    labels = Labels(world, lens)
    deals = {deal["deal_id"]: deal for deal in world.deals}
    places = placed(world)
    every_call = [(call, deals.get(places[call["call_id"]].deal_id or "")) for call in world.calls]

    def passes(columns: Iterable[str], label: Callable[..., str], *thing: Any) -> bool:
        return all(label(*thing, column) in filters[column] for column in columns)

    def segment(label: Callable[..., str], *thing: Any) -> tuple[str, ...]:
        return tuple(label(*thing, column) for column in by)

    # The deals of the lens (under `called` they follow from the calls below), whole, before anyone is credited.
    instant = "created_at" if lens == "created" else "closed_at"
    of_lens = {
        deal_id: deal
        for deal_id, deal in deals.items()
        if deal[instant] and first <= deal[instant] < end and passes(on_deals, labels.of_deal, deal)
    }

    # The calls of the scope.
    calls = []
    for call, deal in every_call:
        if lens in {"closed", "called"}:
            inside = first <= call["started_at"] < end
        else:
            inside = deal is not None and deal["deal_id"] in of_lens
        if inside and passes(on_calls + on_deals, labels.of_call, call, deal):
            calls.append((call, deal))
    calls_of: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for call, deal in calls:
        calls_of[segment(labels.of_call, call, deal)].append(call)

    # The deals, or the parts of them, of the whole scope and of every segment.
    parts: list[Part] = []
    parts_of: dict[tuple[str, ...], list[Part]] = defaultdict(list)
    if lens == "called":
        touches = {(segment(labels.of_call, c, d), d["deal_id"]) for c, d in calls if d is not None and _was_open(d, c)}
        for touched, deal_id in touches:
            parts_of[touched].append(Part(deals[deal_id], None, Fraction(1)))
        parts = [Part(deals[deal_id], None, Fraction(1)) for deal_id in {deal_id for _, deal_id in touches}]
    else:
        for deal_id, weights in _credits(every_call, of_lens, credit).items():
            of_deal = [Part(of_lens[deal_id], person, weight) for person, weight in weights.items()]
            parts += [part for part in of_deal if passes(on_people, labels.of_part, part)]
        for part in parts:
            if not set(by) & set(CALL_COLUMNS):  # a deal has no hour
                parts_of[segment(labels.of_part, part)].append(part)

    scope = _sums([call for call, _ in calls], parts)
    sums = {s: _sums(calls_of[s], parts_of[s]) for s in {*calls_of, *parts_of}} if by else {}
    falling = sorted(sums, key=lambda s: (-sums[s].talk_seconds, s))
    everywhere, in_segments = _emptied(by, lens, credit, filters)
    rows = [(*s, *_figures(sums[s], scope, everywhere | in_segments)) for s in falling]
    keys = list(by) or ["segment"]
    rows.append((*[TOTAL for _ in keys], *_figures(scope, scope, everywhere)))
    return [*keys, *MEASURES], rows


def _midnight(day: dt.date, timezone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(timezone)).astimezone(dt.UTC)


def _filters(world: World, where: Sequence[str]) -> dict[str, set[str]]:
    """The labels that are let through, by column: values of one column unite, an id stands for its label.

    Open: a value that is the label of one and the id of another lets both through.
    """
    filters: dict[str, set[str]] = defaultdict(set)
    for text in where:
        column, _, values = text.partition("=")
        for value in next(csv.reader([values])):
            filters[column].add(value.zfill(2) if column == "hour" else value)
            if column in {"manager", "owner"}:
                filters[column].update(label for i, label in manager_labels(world).items() if i == value)
            if column == "stage":
                filters[column].update(label for (_, i), label in stage_labels(world).items() if i == value)
    return filters


class Labels:
    """The label of a call, a deal or a part of one in any column."""

    def __init__(self, world: World, lens: str) -> None:
        self.lens = lens
        self.zone = ZoneInfo(world.timezone)
        self.places = placed(world)
        self.managers = manager_labels(world)
        self.teams = {m["manager_id"]: m.get("team") for m in world.managers}

    def of_call(self, call: Row, deal: Row | None, column: str) -> str:
        if column == "stage":
            return self.places[call["call_id"]].stage
        if column == "direction":
            return str(call["direction"])
        if column == "hour":
            return f"{call['started_at'].astimezone(self.zone).hour:02}"
        if column == "weekday":
            return str(call["started_at"].astimezone(self.zone).isoweekday())
        if column in WHO_SPOKE:
            return self.of_person(call["manager_id"], column)
        if column == "month" and self.lens in {"closed", "called"}:
            return self.month(call["started_at"])
        return NO_DEAL if deal is None else self.of_deal(deal, column)

    def of_deal(self, deal: Row, column: str) -> str:
        if column == "owner":
            return self.of_person(deal["manager_id"], "manager")
        if column == "month":
            return self.month(deal["created_at" if self.lens == "created" else "closed_at"])
        return NOT_SET if deal[column] is None else str(deal[column])

    def of_part(self, part: Part, column: str) -> str:
        return self.of_person(part.person, column) if column in WHO_SPOKE else self.of_deal(part.deal, column)

    def of_person(self, person: str | None, column: str) -> str:
        if person is None:
            return NOT_SET
        return self.managers[person] if column == "manager" else self.teams.get(person) or NOT_SET

    def month(self, instant: dt.datetime) -> str:
        return f"{instant.astimezone(self.zone):%Y-%m}"


def _was_open(deal: Row, call: Row) -> bool:
    return deal["closed_at"] is None or bool(call["started_at"] < deal["closed_at"])


def _credits(
    every_call: Iterable[tuple[Row, Row | None]], deals: Mapping[str, Row], credit: str
) -> dict[str, dict[str | None, Fraction]]:
    """Who is credited with how much of every deal, by `deal_id`; nobody is None."""
    spoken: dict[str, list[Row]] = defaultdict(list)
    for call, deal in every_call:
        if deal is not None and call["talk_seconds"] > 0 and _was_open(deal, call):
            spoken[deal["deal_id"]].append(call)

    credits: dict[str, dict[str | None, Fraction]] = {}
    for deal_id, deal in deals.items():
        calls = sorted(spoken[deal_id], key=lambda call: (call["started_at"], call["call_id"]))
        people = {call["manager_id"] for call in calls}
        if credit == "owner" or not calls:
            weights = {deal["manager_id"]: Fraction(1)}
        elif credit == "first":
            weights = {calls[0]["manager_id"]: Fraction(1)}
        elif credit == "last":
            weights = {calls[-1]["manager_id"]: Fraction(1)}
        elif credit == "equal":
            weights = {person: Fraction(1, len(people)) for person in people}
        else:
            talk = {p: Fraction(sum(c["talk_seconds"] for c in calls if c["manager_id"] == p)) for p in people}
            weights = {person: seconds / sum(talk.values()) for person, seconds in talk.items()}
        credits[deal_id] = weights
    return credits


class Sums(NamedTuple):
    """What adds up: calls and talk from calls alone, deals and money from deals alone."""

    calls: int
    answered_calls: int
    inbound_calls: int
    outbound_calls: int
    talk_seconds: Fraction
    deals: Fraction
    won_deals: Fraction
    open_deals: Fraction
    revenue: Fraction


def _sums(calls: Sequence[Row], parts: Sequence[Part]) -> Sums:
    won = [part for part in parts if part.deal["outcome"] == "won"]
    return Sums(
        calls=len(calls),
        answered_calls=sum(call["talk_seconds"] > 0 for call in calls),
        inbound_calls=sum(call["direction"] == "in" for call in calls),
        outbound_calls=sum(call["direction"] == "out" for call in calls),
        talk_seconds=Fraction(sum(call["talk_seconds"] for call in calls)),
        deals=Fraction(sum(part.weight for part in parts)),
        won_deals=Fraction(sum(part.weight for part in won)),
        open_deals=Fraction(sum(part.weight for part in parts if part.deal["outcome"] == "open")),
        revenue=Fraction(sum(part.weight * Fraction(part.deal["amount"] or 0) for part in won)),
    )


def _figures(own: Sums, scope: Sums, emptied: set[str]) -> list[float | None]:
    """The measures in the order of their columns."""
    minutes = own.talk_seconds / 60
    talk_share = _ratio(own.talk_seconds, scope.talk_seconds)
    revenue_share = _ratio(own.revenue, scope.revenue)
    low, high = _wilson(float(own.won_deals), float(own.deals)) if own.deals else (None, None)
    figures: dict[str, Any] = own._asdict() | {
        "talk_minutes": minutes,
        "mean_call_seconds": _ratio(own.talk_seconds, own.answered_calls),
        "call_share": _ratio(own.calls, scope.calls),
        "talk_share": talk_share,
        "conversion": _ratio(own.won_deals, own.deals),
        "conversion_low": low,
        "conversion_high": high,
        "win_share": _ratio(own.won_deals, scope.won_deals),
        "revenue_share": revenue_share,
        "revenue_per_minute": _ratio(own.revenue, minutes),
        "minutes_per_sale": _ratio(minutes, own.won_deals),
        "efficiency": _ratio(revenue_share, talk_share),
    }
    return [None if m in emptied or figures[m] is None else float(figures[m]) for m in MEASURES]


def _ratio(numerator: Fraction | int | None, denominator: Fraction | int | None) -> Fraction | None:
    return None if numerator is None or not denominator else Fraction(numerator) / denominator


def _wilson(won: float, deals: float) -> tuple[float, float]:
    """The two shares p with |won/deals - p| = Z * sqrt(p * (1 - p) / deals)."""
    middle = won + Z * Z / 2
    reach = Z * (won * (deals - won) / deals + Z * Z / 4) ** 0.5
    return (middle - reach) / (deals + Z * Z), (middle + reach) / (deals + Z * Z)


def _emptied(by: Sequence[str], lens: str, credit: str, filters: Iterable[str]) -> tuple[set[str], set[str]]:
    """The measures that are empty in every row, and those that are empty in all rows but the total."""
    everywhere: set[str] = set()
    in_segments: set[str] = set()
    narrow_calls_only = {*CALL_COLUMNS, *WHO_SPOKE} if lens == "called" else {*CALL_COLUMNS}
    if narrow_calls_only & set(filters):
        everywhere |= {"revenue_per_minute", "minutes_per_sale", "efficiency"}
    if credit in {"talk", "equal"}:
        everywhere |= {"conversion_low", "conversion_high"}
    if lens == "called" and {*CALL_COLUMNS, *WHO_SPOKE, "month"} & set(by):
        in_segments |= {"win_share", "revenue_share", "revenue_per_minute", "minutes_per_sale", "efficiency"}
    if lens != "called" and {*CALL_COLUMNS} & set(by):
        in_segments |= set(MEASURES[MEASURES.index("deals") :])
    return everywhere, in_segments
