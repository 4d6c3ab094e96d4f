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
    "strong seasons": Shape(season=0.6, months=14),
}
COLUMNS = ("source", "project", "grade", "region", "campaign")


@dataclass(frozen=True)
class Life:
    """What befell the deals: days since 1970, `stays` in days by stage, codes of columns, flags."""

    created: np.ndarray
    stays: np.ndarray
    closed: np.ndarray
    over: np.ndarray
    won: np.ndarray
    size: np.ndarray
    manager: np.ndarray
    codes: dict[str, np.ndarray]

    @property
    def entered(self) -> np.ndarray:
        return self.created[:, None] + np.cumsum(self.stays, axis=1) - self.stays


def _day(month: int) -> float:
    return pd.Timestamp(year=month // 12, month=month % 12 + 1, day=1, tz="UTC").timestamp() / 86400


END = _day(LAST + 1)


def tables(seed: int, shape: Shape, truth: str = "") -> dict[str, Any]:
    """The tables of a company: calls, deals, stage_changes, stages, managers."""
    rng = np.random.default_rng([20261, seed])
    at_work = rng.dirichlet(np.full(shape.managers, shape.uneven))
    life = _life(rng, shape, at_work, truth)
    amount = np.exp(10 + shape.tail * (0.5 * life.size + 0.87 * rng.normal(0, 1, len(life.size))))
    if truth == "light":
        amount[life.codes["source"] == 1] *= 2
    closed = [t if over else None for t, over in zip(_times(life.closed), life.over, strict=True)]
    names = [*STAGES, "Won", "Lost"]
    return {
        "calls": _calls(rng, shape, at_work, life, truth),
        "deals": pd.DataFrame({
            "deal_id": [f"d{i}" for i in range(len(amount))], "created_at": _times(life.created), "closed_at": closed,
            "outcome": np.where(life.over, np.where(life.won, "won", "lost"), "open"), "amount": amount.round(2),
            "manager_id": [f"m{i}" for i in life.manager],
            **{c: [f"{c} {i}" for i in code] for c, code in life.codes.items()},
        }),
        "stage_changes": _changes(life),
        "stages": pd.DataFrame({
            "pipeline_id": "p", "stage_id": names, "name": names, "position": range(len(names)),
            "kind": ["open"] * len(STAGES) + ["won", "lost"],
        }),
        "managers": pd.DataFrame({
            "manager_id": [f"m{i}" for i in range(shape.managers)],
            "name": [f"manager {i}" for i in range(shape.managers)],
        }),
    }  # fmt: skip


def _life(rng: np.random.Generator, shape: Shape, at_work: np.ndarray, truth: str) -> Life:
    phase, made = rng.uniform(0, 2 * np.pi), []
    for month in range(LAST - shape.months + 1, LAST + 1):
        level, days = 1 + shape.season * np.sin(phase + 2 * np.pi * month / 12), _day(month + 1) - _day(month)
        made.append(_day(month) + rng.uniform(0, days, rng.poisson(shape.deals * level * days / 30.4)))
    created = np.concatenate(made)
    n = len(created)
    codes = {
        c: rng.choice(s, n, p=rng.dirichlet(np.full(s, 4.0))) for c, s in zip(COLUMNS, shape.segments, strict=False)
    }
    manager = rng.choice(shape.managers, n, p=at_work)
    if truth == "manager":  # somebody with deals enough to be seen
        manager = np.where(rng.random(n) < 0.2, 2, manager)
    if truth in ("heavy", "light", "after_sale"):
        codes["source"] = np.where(rng.random(n) < 0.2, 1, codes["source"])
    through = np.minimum(rng.geometric(0.4, n), len(STAGES))  # stages that the deal goes through
    stays = rng.gamma(1.0, 5.0, (n, len(STAGES))) * (np.arange(len(STAGES)) < through[:, None])
    closed = created + stays.sum(axis=1)
    chance, one = np.full(n, 0.25), codes["source"] == 1
    if truth in ("heavy", "light"):
        chance[one] = 0.75 if truth == "light" else 0.04
    elif truth == "manager":
        chance = np.where(manager == 2, 0.03, 0.35)
    elif truth == "change":
        chance = np.where(closed >= END - 30, 0.12, 0.4)
    won, size = rng.random(n) < chance, rng.normal(0, 1, n)
    return Life(created, stays, closed, closed < END, won, size, manager, codes)


def _calls(rng: np.random.Generator, shape: Shape, at_work: np.ndarray, life: Life, truth: str) -> pd.DataFrame:
    n, one = len(life.created), life.codes["source"] == 1
    eats = np.power(shape.front, -np.arange(len(STAGES), dtype=np.float64))
    calls = rng.poisson(3.0 * eats / eats.max() * (life.stays > 0) * rng.gamma(2.0, 0.5, (n, 1)))
    after = rng.poisson(np.where(life.won & life.over, 1.0, 0.0))
    if truth == "stage":
        calls[:, 2] = rng.poisson(9.0 * (life.stays[:, 2] > 0))
    elif truth == "heavy":
        calls[one] *= 4
    elif truth == "light":
        calls[one] = rng.binomial(calls[one], 0.3)
    elif truth == "after_sale":
        after[one & life.won & life.over] += 12
    deal, at = [np.repeat(np.arange(n), after)], []
    at.append(life.closed[deal[0]] + rng.exponential(8.0, len(deal[0])))
    for s in range(len(STAGES)):
        who = np.repeat(np.arange(n), calls[:, s])
        deal.append(who)
        at.append(life.entered[who, s] + rng.random(len(who)) * life.stays[who, s])
    whose, when = np.concatenate(deal), np.concatenate(at)
    whose, when = whose[when < END], when[when < END]
    talk = np.exp(5 + 0.8 * shape.tail * (0.4 * life.size[whose] + 0.92 * rng.normal(0, 1, len(whose))))
    talk = (np.minimum(talk, 7200) * (rng.random(len(whose)) < 0.75)).round()
    if truth == "fault":
        talk[rng.choice(np.flatnonzero(when >= END - 25), 8, replace=False)] = 30_000
    other = rng.choice(shape.managers, len(whose), p=at_work)
    spoke = np.where(rng.random(len(whose)) < 0.9, life.manager[whose], other)
    return pd.DataFrame({
        "call_id": [f"c{i}" for i in range(len(whose))], "started_at": _times(when), "talk_seconds": talk,
        "direction": np.where(rng.random(len(whose)) < 0.6, "out", "in"), "manager_id": [f"m{i}" for i in spoke],
        "deal_id": [f"d{i}" for i in whose],
    })  # fmt: skip


def _changes(life: Life) -> pd.DataFrame:
    moved = [(np.flatnonzero(life.stays[:, s] > 0), life.entered[:, s], name) for s, name in enumerate(STAGES)]
    moved += [(np.flatnonzero(life.over & (life.won == won)), life.closed, ("Lost", "Won")[won]) for won in (0, 1)]
    rows = pd.concat(
        pd.DataFrame({"deal_id": [f"d{i}" for i in who], "changed_at": _times(at[who]), "stage_id": name})[
            at[who] < END
        ]
        for who, at, name in moved
    )
    return rows.reset_index(drop=True)


def _times(days: np.ndarray) -> list[str]:
    """Days since 1970 as instants."""
    return [str(t) for t in pd.to_datetime((days * 86_400_000_000).astype(np.int64), unit="us", utc=True)]
