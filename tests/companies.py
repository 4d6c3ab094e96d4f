"""Whole companies generated with or without a planted truth, for whoever asks what findings make of them.

Nothing in a company of chance alone depends on who owns a deal or where it came from; what is alike in all of life is
there: talk falls mostly on the first stage, some managers have more deals than others, months differ, amounts and talk
have heavy tails. A truth is planted by name: see `TRUTHS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

STAGES = ("New", "Talked", "Offer", "Contract")
LAST = 2026 * 12 + 8
"""The last month: September 2026, as months since the year 0."""
TRUTHS = {
    "heavy": ("source", "source 1"),
    "light": ("source", "source 1"),
    "stage": ("stage", "Offer"),
    "after_sale": ("source", "source 1"),
    "manager": ("manager", "manager 2"),
    "change": ("", ""),
    "fault": ("", ""),
}
"""What can be planted, by the kind of the finding, and where it is found."""


@dataclass(frozen=True)
class Shape:
    """What a company looks like: deals a month, spread of amounts and of talk, calls by stage, and its dimensions.

    `front` is how many calls a stage has for each call on the next, `uneven` how unequal managers are, `season` how far
    months go up and down, `segments` how many each column has.
    """

    deals: int = 150
    months: int = 6
    tail: float = 1.0
    front: float = 1.5
    uneven: float = 4.0
    season: float = 0.0
    segments: tuple[int, ...] = (6, 4, 3)
    managers: int = 8


SHAPES = {
    "plain": Shape(),
    "front-loaded": Shape(front=4.0),
    "uneven managers": Shape(uneven=0.7, managers=12),
    "seasons": Shape(season=0.35, months=10),
    "heavy tails": Shape(tail=1.5),
    "few deals": Shape(deals=40),
    "many segments": Shape(deals=250, segments=(25, 15, 10, 8, 6)),
    "back-loaded": Shape(front=0.8),
}
COLUMNS = ("source", "project", "grade", "region", "campaign")


def tables(seed: int, shape: Shape, truth: str = "") -> dict[str, Any]:
    """The tables of a company: calls, deals, stage_changes, stages, managers."""
    rng = np.random.default_rng([20261, seed])
    at_work = rng.dirichlet(np.full(shape.managers, shape.uneven))
    weights = [rng.dirichlet(np.full(n, 4.0)) for n in shape.segments]
    phase = rng.uniform(0, 2 * np.pi)
    made: list[np.ndarray] = []
    for month in range(LAST - shape.months + 1, LAST + 1):
        level = 1 + shape.season * np.sin(phase + 2 * np.pi * month / 12)
        start = pd.Timestamp(year=month // 12, month=month % 12 + 1, day=1, tz="UTC")
        days = start.days_in_month
        n = rng.poisson(shape.deals * level * days / 30.4)
        made.append(start.timestamp() / 86400 + rng.uniform(0, days, n))
    created = np.concatenate(made)
    n = len(created)
    end = pd.Timestamp(year=LAST // 12, month=LAST % 12 + 2, day=1, tz="UTC").timestamp() / 86400
    codes = {c: rng.choice(size, n, p=w) for c, size, w in zip(COLUMNS, shape.segments, weights, strict=False)}
    manager = rng.choice(shape.managers, n, p=at_work)
    if truth == "manager":  # somebody with deals enough to be seen
        manager = np.where(rng.random(n) < 0.2, 2, manager)
    if truth in ("heavy", "light", "after_sale"):
        codes["source"] = np.where(rng.random(n) < 0.2, 1, codes["source"])
    one = codes["source"] == 1
    reached = np.minimum(rng.geometric(0.4, n), len(STAGES))  # stages that the deal goes through
    stays = rng.gamma(1.0, 5.0, (n, len(STAGES))) * (np.arange(len(STAGES)) < reached[:, None])
    closed = created + stays.sum(axis=1)
    chance = np.full(n, 0.25)
    if truth == "light":
        chance[one] = 0.7
    if truth == "heavy":
        chance[one] = 0.1
    if truth == "manager":
        chance = np.where(manager == 2, 0.03, 0.35)
    if truth == "change":
        chance = np.where(closed >= end - 30, 0.12, 0.4)
    won = rng.random(n) < chance
    over = closed < end
    size = rng.normal(0, 1, n)
    amount = np.exp(10 + shape.tail * (0.5 * size + 0.87 * rng.normal(0, 1, n)))
    eats = np.power(shape.front, -np.arange(len(STAGES), dtype=np.float64))
    eats /= eats.max()
    calls = rng.poisson(3.0 * eats * (stays > 0) * rng.gamma(2.0, 0.5, (n, 1)))
    if truth == "stage":
        calls[:, 2] = rng.poisson(9.0 * (stays[:, 2] > 0))
    if truth == "heavy":
        calls[one] *= 4
    if truth == "light":
        calls[one] = rng.binomial(calls[one], 0.4)
    after = rng.poisson(np.where(won & over, 1.0, 0.0))
    if truth == "after_sale":
        after[one & won & over] += 8
    deal, stage, at = [], [], []
    entered = created[:, None] + np.concatenate([np.zeros((n, 1)), np.cumsum(stays, axis=1)[:, :-1]], axis=1)
    for s in range(len(STAGES)):
        who = np.repeat(np.arange(n), calls[:, s])
        deal.append(who)
        stage.append(np.full(len(who), s))
        at.append(entered[who, s] + rng.random(len(who)) * stays[who, s])
    who = np.repeat(np.arange(n), after)
    deal.append(who)
    at.append(closed[who] + rng.exponential(8.0, len(who)))
    whose, when = np.concatenate(deal), np.concatenate(at)
    talk = np.exp(5 + 0.8 * shape.tail * (0.4 * size[whose] + 0.92 * rng.normal(0, 1, len(whose)))).round() + 1
    talk = np.minimum(talk, 7200) * (rng.random(len(whose)) < 0.75)
    if truth == "fault":
        talk[rng.choice(np.flatnonzero((when >= end - 25) & (when < end)), 8, replace=False)] = 30_000
    seen = when < end
    order = np.argsort(when[seen], kind="stable")
    whose, when, talk = whose[seen][order], when[seen][order], talk[seen][order]
    spoke = np.where(rng.random(len(whose)) < 0.9, manager[whose], rng.choice(shape.managers, len(whose), p=at_work))
    changes = [(np.arange(n)[stays[:, s] > 0], entered[stays[:, s] > 0, s], STAGES[s]) for s in range(len(STAGES))]
    changes += [(np.flatnonzero(over & won), closed[over & won], "Won")]
    changes += [(np.flatnonzero(over & ~won), closed[over & ~won], "Lost")]
    moved = pd.concat(
        pd.DataFrame({"deal_id": [f"d{i}" for i in d], "changed_at": _times(t), "stage_id": name, "t": t})
        for d, t, name in changes
    )
    moved = moved[moved["t"] < end].drop(columns="t")
    return {
        "calls": pd.DataFrame({
            "call_id": [f"c{i}" for i in range(len(whose))], "started_at": _times(when), "talk_seconds": talk,
            "direction": np.where(rng.random(len(whose)) < 0.6, "out", "in"), "manager_id": [f"m{i}" for i in spoke],
            "deal_id": [f"d{i}" for i in whose],
        }),
        "deals": pd.DataFrame({
            "deal_id": [f"d{i}" for i in range(n)], "created_at": _times(created),
            "closed_at": [t if o else None for t, o in zip(_times(closed), over, strict=True)],
            "outcome": np.where(over, np.where(won, "won", "lost"), "open"), "amount": amount.round(2),
            "manager_id": [f"m{i}" for i in manager],
            **{c: [f"{c} {i}" for i in code] for c, code in codes.items()},
        }),
        "stage_changes": moved,
        "stages": pd.DataFrame({
            "pipeline_id": "p", "stage_id": [*STAGES, "Won", "Lost"], "name": [*STAGES, "Won", "Lost"],
            "position": range(len(STAGES) + 2), "kind": ["open"] * len(STAGES) + ["won", "lost"],
        }),
        "managers": pd.DataFrame({
            "manager_id": [f"m{i}" for i in range(shape.managers)],
            "name": [f"manager {i}" for i in range(shape.managers)],
        }),
    }  # fmt: skip


def _times(days: np.ndarray) -> list[str]:
    """Days since 1970 as instants."""
    return [str(t) for t in pd.to_datetime((days * 86_400_000_000).astype(np.int64), unit="us", utc=True)]
