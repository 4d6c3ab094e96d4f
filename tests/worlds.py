"""Small worlds to try callkit on: one made by hand, and strategies that make nasty ones.

Every world keeps the contract, and leaves alone what the contract does not decide: no stage or manager without a name,
no name that is another's id or label, one id of a stage in two pipelines never entered at one instant without a `seq`
that tells them apart, no changes of an unknown deal, talk that floats add up exactly (so that ties are ties).
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import oracle
from hypothesis import strategies as st
from oracle import NO_DEAL, NOT_SET, Row

if TYPE_CHECKING:
    import pandas as pd

ZONES = ("UTC", "Europe/Moscow", "Europe/Berlin", "Asia/Kolkata")
STEADY_ZONES = ("UTC", "Europe/Moscow", "Asia/Kolkata")
"""The zones whose clocks do not change in 2026."""

HOSTILE = (
    'Ads, "cold"',
    "a;b",
    "<b>bold</b>",
    "=1+1",
    "O'Neil\\n",
    "007",
    "7",
    "NA",
    "true",
    "2026-01-01",
    "Опт",
    "опт",
)
DEAL_IDS = ("d1", "d10", "d2", "9", "10", "007", "7", "1e3", "NA", "Д5", "x y", "z,1", "a'b", "true", "-1", "0")
STAGE_IDS = ("10", "9", "142", "new", "007")
MANAGER_IDS = ("m1", "m10", "m2", "007", "stranger")
NAMES = ("Анна", "Борис", "Oleg", "O'Neil, Vera", "<i>Max</i>")
TEAMS = (None, "North", "South; east")
MEANT_COLUMNS = ("deal_id", "created_at", "closed_at", "outcome", "amount", "manager_id")
DIMENSIONS = ("pipeline_id", "source", "project", "grade", "канал продаж")
TALK = tuple(Decimal(seconds) for seconds in ("0", "1", "30", "60", "600", "15000", "0.5", "12.25"))
AMOUNTS = (None, *(Decimal(amount) for amount in ("0", "100", "1000.50", "99.99", "3000000")))

# On the account's clock; Berlin's goes forward on 29 March and back on 25 October.
SEASONS = (
    ("2026-03-01T00:00", "2026-03-29T01:59:59", "2026-03-29T03:00", "2026-03-30T12:00", "2026-04-01T00:00"),
    ("2026-10-01T00:00", "2026-10-25T02:30", "2026-10-25T03:00", "2026-10-26T09:15", "2026-11-01T00:00"),
)
EVER = (dt.date(2025, 1, 1), dt.date(2028, 1, 1))
SECOND, MILLISECOND = dt.timedelta(seconds=1), dt.timedelta(milliseconds=1)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@dataclass(frozen=True, eq=False, repr=False)
class World(oracle.World):
    """A world that can be written and changed; `written` says how instants are: `utc`, `offset` or `naive`."""

    written: str = "utc"

    @property
    def tables(self) -> dict[str, list[Row]]:
        """The rows of every table that is given."""
        return {table: getattr(self, table) for table in self.columns}

    @property
    def instants(self) -> list[dt.datetime]:
        """Every instant of every table."""
        cells = [cell for rows in self.tables.values() for row in rows for cell in row.values()]
        return [cell for cell in cells if isinstance(cell, dt.datetime)]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The columns of deals that are cut by."""
        return tuple(column for column in self.columns["deals"] if column not in MEANT_COLUMNS)

    @property
    def texts(self) -> dict[str, str]:
        """The tables as CSV."""
        texts = {}
        for table, rows in self.tables.items():
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self.columns[table])
            writer.writerows([self._cell(row[column]) for column in self.columns[table]] for row in rows)
            texts[table] = text.getvalue()
        return texts

    def __repr__(self) -> str:
        tables = "\n".join(f"-- {table}\n{text}" for table, text in self.texts.items())
        return f"<World in {self.timezone}, instants {self.written}\n{tables}>"

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, dt.datetime):
            timespec = "milliseconds" if value.microsecond else "seconds"
            if self.written == "utc":
                return value.isoformat(timespec=timespec).replace("+00:00", "Z")
            local = value.astimezone(ZoneInfo(self.timezone))
            if self.written == "offset":
                return local.isoformat(timespec=timespec)
            return local.replace(tzinfo=None).isoformat(" ", timespec)
        return str(value)

    def write_csv(self, folder: str | Path) -> Path:
        """Write every table into `folder`, which is made, and return it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for table, text in self.texts.items():
            (folder / f"{table}.csv").write_text(text, encoding="utf-8", newline="")
        return folder

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table as a frame: text as `str`, numbers as float64, instants in UTC; NaN and NaT where empty."""
        import pandas as pd

        frames = {}
        for table, rows in self.tables.items():
            dtypes: dict[str, Any] = dict.fromkeys(self.columns[table], "str")
            dtypes |= {column: "float64" for column in oracle.NUMBERS.get(table, ()) if column in dtypes}
            dtypes |= dict.fromkeys(oracle.INSTANTS.get(table, ()), "datetime64[us, UTC]")
            frames[table] = pd.DataFrame(rows, columns=list(dtypes), dtype="object").astype(dtypes)
        return frames

    def with_calls_repeated(self) -> World:
        """The world with each call once more, under an id that sorts right after its own."""
        twice = [call | {"call_id": call["call_id"] + mark} for call in self.calls for mark in ("", "!")]
        return dataclasses.replace(self, calls=twice)

    def shifted(self, seconds: float) -> World:
        """The world so many seconds later."""

        def later(value: Any) -> Any:
            return value + dt.timedelta(seconds=seconds) if isinstance(value, dt.datetime) else value

        tables: dict[str, Any] = {}
        for table, rows in self.tables.items():
            tables[table] = [{column: later(cell) for column, cell in row.items()} for row in rows]
        return dataclasses.replace(self, **tables)


class Scope(NamedTuple):
    """What `metrics` is asked, in the order of its parameters."""

    by: tuple[str, ...]
    start: dt.date
    stop: dt.date
    lens: str = "closed"
    credit: str = "owner"
    where: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The same for the command line of `callkit metrics`."""
        asked = ["--from", str(self.start), "--to", str(self.stop), "--lens", self.lens, "--credit", self.credit]
        return [*asked, *(a for b in self.by for a in ("--by", b)), *(a for w in self.where for a in ("--where", w))]


def world_of(texts: Mapping[str, str], timezone: str, written: str = "offset") -> World:
    """The world in CSV texts by the name of their table."""
    world = oracle.world_of(texts, timezone)
    return World(**{f.name: getattr(world, f.name) for f in dataclasses.fields(world)}, written=written)


_HAND = {
    "deals": """
deal_id,created_at,closed_at,outcome,amount,manager_id,pipeline_id,source
D1,2026-03-02 10:00:00,2026-03-10 15:00:00,won,1000,a,S,Web
D2,2026-02-20 09:00:00,2026-03-31 23:59:59,lost,500,b,V,
D3,2026-03-15 12:00:00,,open,,,V,"Fair, spring"
D4,2026-03-15 12:00:00,,open,80,c,S,Ads
D5,2026-02-01 09:00:00,2026-02-10 10:00:00,won,,a,S,Web
D05,2026-02-05 09:00:00,2026-02-10 10:00:00,lost,10,b,S,Web
D6,2026-02-28 23:59:59,2026-03-01 00:00:00,won,200,b,S,Ads
D7,2026-03-04 09:00:00,2026-03-09 09:00:00,lost,70,c,S,NA
D8,2026-02-15 09:00:00,2026-04-01 00:00:00,lost,5,a,S,Web
""",
    "calls": """
call_id,started_at,talk_seconds,direction,manager_id,deal_id,contact_id
c01,2026-03-02 09:00:00,60,in,a,D1,
c02,2026-03-02 08:59:59,30,out,a,D1,
c03,2026-03-05 11:59:59,0,out,b,D1,
c04,2026-03-05 12:00:00,300,out,b,D1,
c05,2026-03-10 15:00:00,90,in,c,D1,
c06,2026-03-08 09:00:00,120,out,b,D2,
c07,2026-03-20 10:00:00,60,out,b,D2,
c08,2026-03-25 10:00:00,60,in,,D2,
c09,2026-03-31 23:59:59,10,out,b,D2,
c10,2026-04-01 00:00:00,600,out,a,D2,
c11,2026-03-20 11:00:00,30,in,a,,k1
c12,2026-03-15 11:00:00,20,in,d,,k1
c13,2026-03-15 10:59:59,5,in,a,,k1
c14,2026-03-12 10:00:00,25,in,c,,k2
c15,2026-03-12 10:00:00.001,15,in,c,,k2
c16,2026-03-16 10:00:00,45,unknown,,D99,
c17,2026-03-09 09:00:00,110,in,d,D99,k3
c18,2026-03-12 12:00:00,70,out,a,,k3
c20,2026-03-05 10:00:00,10,out,c,D7,
c19,2026-03-05 10:00:00,30,out,a,D7,
c21,2026-03-29 03:30:00,50,in,a,D3,
c22,2026-02-28 23:59:59,0,out,d,D6,
""",
    "stage_changes": """
deal_id,changed_at,pipeline_id,stage_id,seq
D1,2026-03-02 10:00:00,S,new,1
D1,2026-03-05 12:00:00,S,offer,2
D1,2026-03-10 15:00:00,S,paid,3
D2,2026-02-20 09:00:00,V,done,1
D2,2026-03-08 09:00:00,V,new,5
D2,2026-03-08 09:00:00,V,done,4
D2,2026-03-20 10:00:00,S,park,7
D2,2026-03-20 10:00:00,S,hold,7
D2,2026-03-20 10:00:00,S,paid,7
D2,2026-03-25 10:00:00,V,limbo,8
D2,2026-03-25 10:00:00,S,park,8
D2,2026-03-31 12:00:00,V,attic,9
D2,2026-03-31 12:00:00,V,limbo,9
D4,2026-03-15 12:00:00,S,new,1
D4,2026-03-15 12:00:00,S,new,1
D5,2026-02-01 09:00:00,S,new,1
D5,2026-02-10 10:00:00,S,paid,2
D6,2026-02-28 23:59:59,S,new,1
D7,2026-03-04 09:00:00,S,new,1
D7,2026-03-05 09:00:00,S,call,2
D7,2026-03-05 09:00:00,S,new,2
""",
    "stages": """
pipeline_id,stage_id,name,position,kind
S,new,New,1,open
S,offer,Offer,2,open
S,paid,Paid,3,won
S,call,Call again,5,open
S,hold,On hold,,open
S,park,Parked,,open
V,new,New,1,open
V,done,Done,2,won
""",
    "managers": """
manager_id,name,team
a,"Ира, офис",East
b,Oleg,East
c,Oleg,
""",
    "deal_contacts": """
deal_id,contact_id
D3,k1
D4,k1
D5,k2
D05,k2
D1,k3
D7,k3
""",
}


def hand_world() -> World:
    """Nine deals and 22 calls in Berlin around March 2026, a month an hour short, with 19 minutes of talk.

    D1 is won on 10 March, D2 lost in the month's last second, D6 won in its first (February in UTC), D8 lost at
    midnight after it; D7 is lost, D3 and D4 are open, D5 was won and D05 lost at one instant in February. Calls:

    * c01-c05 the lead-in, a second more, unanswered a second before a change, at the change, at the win;
    * c06-c10 changes at one instant: by `seq`, by id where positions are null, the undescribed stage last, of two such
      the one that appeared last; the loss; midnight;
    * c11-c13 a contact with two active deals created at one instant; the lead-in, and a second more;
    * c14-c15 a contact with two deals closed at one instant thirty days ago, and a millisecond more;
    * c16-c18 an unknown deal; with a contact, whose deal created last closes as the call begins; and closed first;
    * c19-c20 two people at one instant, on a stage whose position decides; c21 just after the clocks went forward;
    * c22 an unanswered one, all that D6 had.
    """
    return world_of({table: text.lstrip() for table, text in _HAND.items()}, "Europe/Berlin", "naive")


# The strategies: pools of few values, so that instants, people and names meet


@st.composite
def worlds(draw: st.DrawFn, zones: Sequence[str] = ZONES, least: int = 0) -> World:
    """Worlds of up to 12 deals and 25 calls, most of their instants equal or a grain, a lead-in, thirty days apart.

    `least` is how many deals and how many calls there are at least.
    """
    zone = draw(st.sampled_from(zones))
    grain = draw(st.sampled_from((SECOND, MILLISECOND)))
    anchors = [dt.datetime.fromisoformat(a).replace(tzinfo=ZoneInfo(zone)) for a in draw(st.sampled_from(SEASONS))]
    offsets = st.sampled_from((0 * DAY, -grain, grain, -HOUR, 3 * HOUR, -DAY, 2 * DAY, 20 * DAY, -40 * DAY))
    moment = st.builds(lambda a, o: a.astimezone(dt.UTC) + o, st.sampled_from(anchors), offsets)
    moments = draw(st.lists(moment, min_size=2, max_size=5, unique=True))

    managers = draw(_managers())
    stages, entered = draw(_stages())
    deals = draw(_deals(moments, grain, least))
    changes = draw(_changes(deals, moments, entered, bool(stages)))
    links = draw(_links([deal["deal_id"] for deal in deals]))
    moments += [moment - HOUR for moment in moments]
    calls = draw(_calls(_nearby(deals, changes, grain), links, moments, least))

    given: dict[str, Any] = {"calls": calls, "deals": deals, "stage_changes": changes}
    optional = {"stages": stages, "managers": managers, "deal_contacts": links}
    given |= {table: rows for table, rows in optional.items() if rows}
    columns = {table: tuple(rows[0]) for table, rows in given.items() if rows}
    empty = {"calls": "call_id started_at talk_seconds direction manager_id deal_id", "deals": " ".join(MEANT_COLUMNS)}
    for table, names in (empty | {"stage_changes": "deal_id changed_at stage_id"}).items():
        columns.setdefault(table, tuple(names.split()))
    world = World(timezone=zone, columns=columns, **given)

    # A local time without an offset cannot say the second of a repeated hour.
    repeated = any(instant.astimezone(ZoneInfo(zone)).fold for instant in world.instants)
    written = draw(st.sampled_from(("utc", "offset") if repeated else ("utc", "offset", "naive")))
    return dataclasses.replace(world, written=written)


@st.composite
def _managers(draw: st.DrawFn) -> list[Row]:
    ids = draw(st.lists(st.sampled_from(MANAGER_IDS[:-1]), max_size=4, unique=True))
    names, teams = st.sampled_from(NAMES[: draw(st.integers(1, len(NAMES)))]), st.sampled_from(TEAMS)
    return [{"manager_id": i, "name": draw(names), "team": draw(teams)} for i in ids]


@st.composite
def _stages(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """The described stages, and those that deals enter: not all of the former, nor they alone."""
    ids = st.lists(st.sampled_from(STAGE_IDS), min_size=1, max_size=4, unique=True)
    names = st.permutations(("New", "Offer; sent", "Won", "=Lost"))
    position = st.sampled_from((None, *(Decimal(place) for place in (2, 1, 1, 10))))
    kind = st.sampled_from(("open", "won", "lost"))

    def described(names: st.SearchStrategy[Any]) -> list[Row]:
        named = zip(draw(ids), draw(names), strict=False)
        return [{"stage_id": i, "name": name, "position": draw(position), "kind": draw(kind)} for i, name in named]

    way = draw(st.sampled_from(("plain", "pipelines", "pipelines of changes", "pipelines of stages", "undescribed")))
    stages: list[Row] = []
    if way == "pipelines":
        # No name twice in one pipeline: neither the pipeline nor the id might tell it from another pipeline's.
        for pipeline in ("P1", "P2")[: draw(st.integers(1, 2))]:
            stages += [{"pipeline_id": pipeline} | stage for stage in described(names)]
    elif way == "pipelines of stages":
        stages = [{"pipeline_id": draw(st.sampled_from(("P1", "P2")))} | stage for stage in described(names)]
    elif way != "undescribed":
        stages = described(names | st.permutations(("New", "Won", "New", "Won")))
    entered: list[Row] = [{"stage_id": stage_id} for stage_id in STAGE_IDS]
    if way in {"pipelines", "pipelines of changes"}:
        entered = [{"pipeline_id": pipeline} | stage for pipeline in ("P1", "P2") for stage in entered]
    return stages, entered


@st.composite
def _deals(draw: st.DrawFn, moments: Sequence[dt.datetime], grain: dt.timedelta, least: int) -> list[Row]:
    dimensions = draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True))
    values = st.sampled_from((None, *draw(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3, unique=True))))
    lives = (HOUR, 2 * DAY, 30 * DAY, grain, 0 * DAY)
    size = max(least, draw(st.sampled_from((2, 1, 3, 5, 8, 12, 0))))
    deals = []
    for deal_id in draw(st.lists(st.sampled_from(DEAL_IDS), min_size=size, max_size=size, unique=True)):
        created_at = draw(st.sampled_from(moments))
        outcome = draw(st.sampled_from(("won", "lost", "open", "won")))
        ends = [moment for moment in moments if moment >= created_at] + [created_at + life for life in lives]
        closed_at = None if outcome == "open" else draw(st.sampled_from(ends))
        amount, owner = draw(st.sampled_from(AMOUNTS)), draw(st.sampled_from((None, *MANAGER_IDS)))
        deal = dict(zip(MEANT_COLUMNS, (deal_id, created_at, closed_at, outcome, amount, owner), strict=True))
        deals.append(deal | {dimension: draw(values) for dimension in dimensions})
    return deals


@st.composite
def _changes(
    draw: st.DrawFn, deals: Sequence[Row], moments: Sequence[dt.datetime], entered: Sequence[Row], described: bool
) -> list[Row]:
    with_seq = draw(st.booleans())
    changes: list[Row] = []
    for deal in deals:
        instants = [deal["created_at"], deal["closed_at"] or moments[0], *moments[:2]]
        for _ in range(draw(st.sampled_from((2, 0, 1, 3, 4)))):
            stage = draw(st.sampled_from(entered))
            change = {"deal_id": deal["deal_id"], "changed_at": draw(st.sampled_from(instants))} | stage
            if with_seq:
                change["seq"] = Decimal(draw(st.integers(1, 3)))
            tie = [c for c in changes if c | {"pipeline_id": ""} == change | {"pipeline_id": ""}]
            if not (described and tie and tie[0] != change):
                changes.append(change)
    return changes


@st.composite
def _links(draw: st.DrawFn, deal_ids: Sequence[str]) -> list[Row]:
    link = st.tuples(st.sampled_from([*deal_ids, "gone"]), st.sampled_from(("k1", "k2")))
    links = draw(st.lists(link, max_size=10, unique=True))
    return [{"deal_id": deal_id, "contact_id": contact_id} for deal_id, contact_id in links]


def _nearby(deals: Sequence[Row], changes: Sequence[Row], grain: dt.timedelta) -> dict[str, list[dt.datetime]]:
    """The instants at which calls are worth making, by deal."""
    early = (0 * DAY, -grain, grain, -HOUR, -HOUR - grain, -HOUR + grain)
    late = (0 * DAY, -grain, grain, 30 * DAY, 30 * DAY + grain)
    nearby = {deal["deal_id"]: [deal["created_at"] + near for near in early] for deal in deals}
    for deal in deals:
        if deal["closed_at"] is not None:
            nearby[deal["deal_id"]] += [deal["closed_at"] + near for near in late]
    for change in changes:
        nearby[change["deal_id"]] += [change["changed_at"] + near for near in early]
    return nearby


@st.composite
def _calls(
    draw: st.DrawFn,
    nearby: Mapping[str, Sequence[dt.datetime]],
    links: Sequence[Row],
    moments: Sequence[dt.datetime],
    least: int,
) -> list[Row]:
    deals_of = {k: [link["deal_id"] for link in links if link["contact_id"] == k] for k in ("k1", "k2")}
    with_contacts, mark = bool(links) or draw(st.booleans()), draw(st.sampled_from(("c", "", "0")))
    calls: list[Row] = []
    for number in range(max(least, draw(st.sampled_from((5, 1, 10, 16, 25, 25, 0))))):
        deal_id = draw(st.sampled_from((*nearby, None, "gone")))
        contact_id = draw(st.sampled_from(("k1", "k2", None, "nobody"))) if with_contacts else None
        its_deals = [deal_id] if deal_id in nearby else deals_of.get(contact_id or "", [])
        instants = [instant for deal in its_deals for instant in nearby.get(str(deal), [])] or moments
        call: Row = {
            "call_id": f"{mark}{number}",
            "started_at": draw(st.sampled_from(instants)),
            "talk_seconds": draw(st.sampled_from(TALK)),
            "direction": draw(st.sampled_from(("in", "out", "unknown"))),
            "manager_id": draw(st.sampled_from((None, *MANAGER_IDS))),
            "deal_id": deal_id,
        }
        calls.append(call | ({"contact_id": contact_id} if with_contacts else {}))
    return calls


@st.composite
def scopes(draw: st.DrawFn, world: World, lenses: Sequence[str] = ("closed", "lifetime", "created", "called")) -> Scope:
    """What may be asked of `world`: up to three columns, a period in it or around, a lens, a credit, two filters."""
    filtered = ("stage", "manager", *world.dimensions, "owner", "team", "direction", "hour", "weekday")
    zone = ZoneInfo(world.timezone)
    days = sorted({i.astimezone(zone).date() for i in world.instants} | {dt.date(2026, month, 1) for month in (4, 11)})
    start, stop = days[0], days[-1] + DAY
    if draw(st.booleans()):
        start = draw(st.sampled_from(days))
        stop = draw(st.sampled_from((stop, *(day for day in days if day > start), start + DAY)))

    lens = draw(st.sampled_from(lenses))
    credit = "owner" if lens == "called" else draw(st.sampled_from(("owner", "talk", "equal", "first", "last")))
    of_people, of_deals = st.sampled_from(("manager", "team")), st.sampled_from(("owner", "month", *world.dimensions))
    by = draw(
        st.lists(st.sampled_from(("stage", *filtered, "month")), min_size=1, max_size=3, unique=True)
        | st.tuples(of_people)
        | st.tuples(of_deals, of_people)
        | st.just(())
    )
    where = []
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 1, 2)))):
        column = draw(st.sampled_from(filtered))
        known = _values(world, column)
        values = draw(st.lists(st.sampled_from(known), min_size=draw(st.integers(1, len(known))), unique=True))
        where.append(f"{column}={_csv_row(values)}")
    return Scope(tuple(by), start, stop, lens, credit, tuple(where))


@st.composite
def questions(draw: st.DrawFn, world: World) -> list[Scope]:
    """A few scopes for one world, the first two over all its days: one shows where calls stand, one who is credited."""
    stands = Scope(("stage", *world.dimensions), *EVER)
    credit = draw(st.sampled_from(("talk", "equal", "first", "last")))
    credited = Scope(("manager",), *EVER, draw(st.sampled_from(("lifetime", "created"))), credit)
    return [stands, credited, *draw(st.lists(scopes(world), min_size=1, max_size=3))]


def _values(world: World, column: str) -> list[str]:
    """What `column` may be asked for: labels, ids, names that are no label, and a value that matches nothing."""
    people = [row["manager_id"] for row in (*world.managers, *world.calls, *world.deals)]
    hours = [call["started_at"].astimezone(ZoneInfo(world.timezone)).hour for call in world.calls]
    known: dict[str, Iterable[str | None]] = {
        "stage": [
            *(place.stage for place in oracle.placed(world).values()),
            *oracle.stage_labels(world).values(),
            *(stage_id for _, stage_id in oracle.stage_labels(world)),
        ],
        "direction": ["in", "out", "unknown"],
        "hour": [f"{hour:{width}}" for hour in (9, *hours) for width in ("", "02")],
        "weekday": "1234567",
        "team": [NOT_SET, *(m["team"] for m in world.managers)],
        "manager": [*oracle.manager_labels(world).values(), *people, *(m["name"] for m in world.managers), NOT_SET],
    }
    known["owner"] = [*known["manager"], NO_DEAL]
    values = known.get(column) or [NOT_SET, NO_DEAL, *(deal[column] for deal in world.deals)]
    return [*sorted({value for value in values if value is not None}), "nowhere"]


def _csv_row(values: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def narrow(spec: dict[str, Any]) -> dict[str, Any]:
    """The narrow layout of a specification."""

    def patched(target: Any, patch: Any) -> Any:
        if not isinstance(patch, dict):
            return patch
        merged = dict(target) if isinstance(target, dict) else {}
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = patched(merged.get(key), value)
        return merged

    kept = {key: value for key, value in spec.items() if key != "usermeta"}
    found: dict[str, Any] = patched(kept, spec["usermeta"]["callkit"]["narrow"])
    return found
