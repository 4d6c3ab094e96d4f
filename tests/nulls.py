"""Companies in which nothing is planted: who owns a deal and where it came from are dealt out at random.

Amounts and talk have heavy tails and go together, as they do in life; that makes chance look like findings.
"""

from __future__ import annotations

import numpy as np

from callkit.decisions.evidence import Evidence

COLUMNS = ("source", "project", "grade", "region")
SEGMENTS = {"source": 7, "project": 5, "grade": 3, "region": 6, "manager": 9}


def chance_company(seed: int, deals: int, tail: float, *, months: int = 2) -> list[tuple[Evidence, Evidence]]:
    """The evidence of each month, by the columns of deals and by manager; the same law holds in every month."""
    rng = np.random.default_rng([2026, seed])
    weights = {name: rng.dirichlet(np.full(size, 4.0)) for name, size in SEGMENTS.items()}
    return [_month(rng, rng.poisson(deals), tail, weights) for _ in range(months)]


def _month(
    rng: np.random.Generator, deals: int, tail: float, weights: dict[str, np.ndarray]
) -> tuple[Evidence, Evidence]:
    codes = {name: rng.choice(SEGMENTS[name], deals, p=weights[name]) for name in SEGMENTS}
    size = rng.normal(0, 1, deals)
    closed = rng.random(deals) < 0.75
    won = closed & (rng.random(deals) < 0.25)
    revenue = won * np.exp(11 + tail * (0.6 * size + 0.8 * rng.normal(0, 1, deals)))
    talk = np.exp(2 + tail * (0.6 * size + 0.8 * rng.normal(0, 1, deals))) * (rng.random(deals) < 0.9)
    after = won * rng.lognormal(0.5, tail, deals)
    labels = {name: {i: f"{name} {i}" for i in range(n)} for name, n in SEGMENTS.items()}
    by_deal = _evidence(codes, labels, np.arange(deals), talk + after, after, closed, won, revenue, COLUMNS)
    # One call in ten is taken by somebody else than the owner: a row of the deal without its money.
    helped = np.flatnonzero(rng.random(deals) < 0.2)
    helpers = {name: code[helped] for name, code in codes.items()}
    helpers["manager"] = rng.choice(SEGMENTS["manager"], len(helped), p=weights["manager"])
    both = {name: np.concatenate([codes[name], helpers[name]]) for name in codes}
    own = talk.copy()
    own[helped] /= 2
    none = np.zeros(len(helped))
    by_manager = _evidence(
        both, labels, np.concatenate([np.arange(deals), helped]), np.concatenate([own + after, talk[helped] / 2]),
        np.concatenate([after, none]), np.concatenate([closed, none]), np.concatenate([won, none]),
        np.concatenate([revenue, none]), ("manager", *COLUMNS),
    )  # fmt: skip
    return by_deal, by_manager


def _evidence(
    codes: dict[str, np.ndarray], labels: dict[str, dict[int, str]], deal: np.ndarray, talk: np.ndarray,
    after: np.ndarray, closed: np.ndarray, won: np.ndarray, revenue: np.ndarray, by: tuple[str, ...],
) -> Evidence:  # fmt: skip
    sums = [np.asarray(values, dtype=np.float64) for values in (talk, after, closed, won, revenue)]
    return Evidence(by, deal, {name: codes[name] for name in by}, labels, *sums)
