"""The deals of the demo company and their ways through the stages, as codes and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from callkit.demo import cast
from callkit.demo.chance import DAY, Clock, Draws, Flags, Floats, Ints, settled

OUTCOMES = ("won", "lost", "open")
WON, LOST, OPEN = 0, 1, 2
EMPTY = -1
FIRST_DEAL = 40_100_000


@dataclass
class Deals:
    """The deals by their creation, an array a column, with the chance and the calendar they were drawn from.

    `begun` and `ended` are positions on the clock's axis; `ended` may lie beyond it. `created` and `closed` are
    seconds, `contact` is the place of the first deal of the same client, the rest are codes.
    """

    draws: Draws
    clock: Clock
    begun: Ints
    ended: Ints
    created: Ints
    closed: Ints
    month_closed: Ints
    outcome: Ints
    pipeline: Ints
    source: Ints
    project: Ints
    grade: Ints
    region: Ints
    owner: Ints
    contact: Ints

    def __len__(self) -> int:
        return len(self.begun)


def factor(parts: Sequence[tuple[object, ...]], field: str, code: Ints) -> Floats:
    """The number `field` of the part of the cast that each code means; 1 where the code is none (-1)."""
    return np.array([*(getattr(part, field) for part in parts), 1.0], dtype=np.float64)[code]


def manager_ids(code: Ints) -> Ints:
    """Ids by code; the code after the last manager is the one who left, -1 nobody."""
    ids = np.array([*(m.manager_id for m in cast.MANAGERS), cast.LEFT_THE_COMPANY, EMPTY], dtype=np.int64)
    return np.asarray(ids[code], dtype=np.int64)


def unplanted(source: Ints, manager: Ints) -> Flags:
    """Rows of which no planted truth about sources or people speaks: dirt goes there."""
    planted = np.isin(source, (cast.HOT, cast.COLD, cast.AFTER_SALE)) | (manager == cast.TALKER)
    return np.asarray(~planted, dtype=np.bool_)


def draw_deals(draws: Draws, clock: Clock, count: int) -> Deals:
    """`count` deals, begun in the rhythm of the clock; those that would end after it are still open."""
    begun = np.sort((draws.uniform("deal begun", count) * clock.total).astype(np.int64))
    source = draws.choice("source", [part.weight for part in cast.SOURCES], count)
    grades = np.cumsum([s.grades for s in cast.SOURCES], axis=1)[:, :-1]
    grade = (draws.uniform("grade", count)[:, None] >= grades[source]).sum(axis=1)
    soonest, latest = factor(cast.GRADES, "soonest", grade), factor(cast.GRADES, "latest", grade)
    days = soonest + (latest - soonest) * draws.uniform("deal days", count)
    ended = begun + np.maximum((days * clock.day).astype(np.int64), 1)
    created, closed = clock.seconds(begun), clock.seconds(np.minimum(ended, clock.total - 1))
    deals = Deals(
        draws=draws,
        clock=clock,
        begun=begun,
        ended=ended,
        created=created,
        closed=closed,
        month_closed=clock.month(closed),
        outcome=np.where(ended < clock.total, LOST, OPEN),
        pipeline=((source == cast.REPEAT) & (draws.uniform("pipeline", count) < 0.8)).astype(np.int64),
        source=source,
        project=draws.choice("project", [part.weight for part in cast.PROJECTS], count),
        grade=grade.astype(np.int64),
        region=draws.choice("region", [weight for _, weight, _ in cast.REGIONS], count),
        owner=draws.choice("owner", [part.weight for part in cast.MANAGERS], count),
        contact=_contact_of(draws, source),
    )
    _win(deals)
    return deals


def _win(deals: Deals) -> None:
    """Win as many deals of each month, source and grade as its chances promise, give or take one.

    Coins tossed deal by deal would blur the planted truths: a month has three won deals from the cold list or none.
    """
    chance = factor(cast.GRADES, "conversion", deals.grade) * factor(cast.SOURCES, "conversion", deals.source)
    chance *= factor(cast.PROJECTS, "conversion", deals.project) * factor(cast.MANAGERS, "conversion", deals.owner)
    order = np.lexsort((deals.project, deals.grade, deals.source, deals.month_closed, deals.outcome))
    order = order[deals.outcome[order] == LOST]
    reached = np.cumsum(np.minimum(chance, 0.95)[order]) + 0.5
    deals.outcome[order[np.diff(np.floor(reached), prepend=0) > 0]] = WON


def _contact_of(draws: Draws, source: Ints) -> Ints:
    """The contact of each deal: its own one, or that of an earlier deal where a client came again."""
    place = np.arange(len(source))
    again = (source == cast.REPEAT) | (draws.uniform("client again", len(source)) < 0.04)
    again[0] = False
    back = draws.uniform("client of", len(source))
    own = np.maximum.accumulate(np.where(again, 0, place))
    earlier = np.maximum(place - 1 - (back * back * place * 0.6).astype(np.int64), 0)
    return np.where(again, own[earlier], place)


def spoil_deals(deals: Deals, dirt: Mapping[str, int]) -> Ints:
    """Spoil dimensions of some deals; the won deals that are to have no amount are returned, the zeros first."""
    draws = deals.draws
    plain = unplanted(deals.source, deals.owner)
    deals.owner[draws.pick("left", plain, dirt["deals_of_missing_manager"])] = len(cast.MANAGERS)
    deals.source[draws.pick("no source", plain, dirt["deals_without_source"])] = EMPTY
    deals.grade[draws.pick("no grade", plain, dirt["deals_without_grade"])] = EMPTY
    without = dirt["won_deals_of_amount_zero"] + dirt["won_deals_without_amount"]
    return draws.pick("no amount", (deals.outcome == WON) & plain & (deals.project != cast.SMART), without)


def amounts(deals: Deals, without: Ints, zeros: int) -> Ints:
    """What each deal is worth, rounded as prices are.

    Of the deals `without` an amount, the first `zeros` get 0 and the others EMPTY.
    """
    amount = factor(cast.PROJECTS, "amount", deals.project) * deals.draws.lognormal("amount", len(deals), 0.45)
    amount *= factor(cast.GRADES, "amount", deals.grade)
    amount *= factor(cast.MANAGERS, "amount", deals.owner)
    amount *= np.array([dearer for _, _, dearer in cast.REGIONS])[deals.region]
    amount[without] = 0
    won = deals.outcome == WON
    classes = {
        "project": (deals.project == cast.SMART).astype(np.int64),
        "grade": grade_class(deals.grade),
        "manager": (deals.owner == cast.TALKER).astype(np.int64),
    }
    exact = settled(np.where(won, amount, 0), won, deals.month_closed, classes, cast.REVENUE_SHARES)
    amount = np.where(won, exact, amount)
    step = np.select([amount < 20_000, amount < 100_000, amount < 500_000], [100, 500, 1_000], 5_000)
    rounded = np.rint(amount / step).astype(np.int64) * step
    # A request lost early was never priced; 0 is what amoCRM has for that.
    unpriced = (deals.outcome != WON) & (deals.draws.uniform("unpriced", len(deals)) < 0.35)
    rounded[unpriced] = 0
    rounded[without[zeros:]] = EMPTY
    return np.asarray(rounded, dtype=np.int64)


def grade_class(grade: Ints) -> Ints:
    """The classes of the planted shares: 1 for AA, 2 for BB and CC, 0 for no grade."""
    return np.asarray(np.array([1, 2, 2, 0])[grade], dtype=np.int64)


def stage_changes(deals: Deals, dirt: Mapping[str, int]) -> pd.DataFrame:
    """Every deal's way through the stages: the first change at its creation, the last of a closed one at its end."""
    draws, clock = deals.draws, deals.clock
    deal, step, steps, stage = _ways(deals)
    ends = (deals.outcome != OPEN)[deal] & (step == steps - 1)
    inner = (step > 0) & ~ends
    # A way is walked slower and slower; an open deal has gone a part of it only.
    gone = (step + inner * (draws.uniform("step", len(deal)) - 0.5) * 0.8) / (steps - (deals.outcome != OPEN)[deal])
    span = np.minimum(deals.ended, clock.total - 1)[deal] - deals.begun[deal]
    at = np.where(ends, deals.closed[deal], clock.seconds(deals.begun[deal] + (gone * gone * span).astype(np.int64)))

    silent = draws.pick("no history", (deals.outcome == LOST) & (deals.pipeline == 0), dirt["deals_without_history"])
    kept = ~np.isin(deal, silent)
    early = inner & kept & (deals.pipeline[deal] == 0) & (at < len(clock.days) * DAY // 2)
    stage[draws.pick("deleted stage", early, dirt["changes_to_undescribed_stage"])] = cast.DELETED_STAGE
    twice = draws.pick("noted twice", inner & kept & (stage != cast.DELETED_STAGE), dirt["repeated_stage_changes"])
    rows = np.sort(np.concatenate([np.flatnonzero(kept), twice]))
    rows = rows[np.argsort(at[rows], kind="stable")]
    columns = {"deal_id": FIRST_DEAL + deal, "changed_at": at, "stage_id": stage, "pipeline_id": deals.pipeline[deal]}
    return pd.DataFrame({name: column[rows] for name, column in columns.items()})


def _ways(deals: Deals) -> tuple[Ints, Ints, Ints, Ints]:
    """A row a step of each deal's way: the deal, the number of the step, the number of its steps, the stage entered."""
    ways = [(group, way) for group, paths in cast.PATHS.items() for way in paths]
    longest = max(len(way) for _, way in ways)
    stages = np.array([[_stage_id(p, letter) for letter in way.ljust(longest, "1")] for (p, _), way in ways])
    chosen = np.zeros(len(deals), dtype=np.int64)
    for (pipeline, outcome), paths in cast.PATHS.items():
        here = np.flatnonzero((deals.pipeline == pipeline) & (deals.outcome == OUTCOMES.index(outcome)))
        drawn = deals.draws.choice(f"way {pipeline} {outcome}", list(paths.values()), len(here))
        chosen[here] = ways.index(((pipeline, outcome), next(iter(paths)))) + drawn
    steps = np.array([len(way) for _, way in ways])[chosen]
    deal = np.repeat(np.arange(len(deals)), steps)
    step = np.arange(len(deal)) - np.repeat(np.cumsum(steps) - steps, steps)
    return deal, step, steps[deal], stages[chosen[deal], step]


def _stage_id(pipeline: int, letter: str) -> int:
    return {"W": cast.WON, "L": cast.LOST}.get(letter) or cast.PIPELINES[pipeline][1][int(letter) - 1][0]
