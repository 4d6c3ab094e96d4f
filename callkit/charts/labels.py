"""Where the names stand beside their bubbles: no two overlap, none leaves the plot. Pure geometry, in pixels.

Vega-Lite cannot push labels apart, so the places are found here, before drawing: greedy, the most important label
first, each on the best free spot around its bubble. The same input always gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from callkit.charts.lettering import text_width

LINE_HEIGHT = 1.25
NEAR = 4.0
_RINGS = (NEAR, 12.0, 22.0, 34.0, 48.0, 64.0, 84.0)
_CLOSE_ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)
_LEADER_FROM = 10.0
_WORST = 500.0
"""A name on another's bubble, or led across several, tells less than no name: it is left to hovering."""
_DOT = 6.0

_Line = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y growing downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def covers_circle(self, x: float, y: float, radius: float) -> bool:
        """Whether any of the disc lies under the rectangle."""
        near_x, near_y = min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)
        return (near_x - x) ** 2 + (near_y - y) ** 2 < radius**2


@dataclass(frozen=True)
class Point:
    """A bubble in pixels and the name it wants; an empty text wants none."""

    x: float
    y: float
    radius: float
    text: str = ""


@dataclass(frozen=True)
class Label:
    """A placed name: `x`, `y` is the middle of its left edge, right edge or centre, as `align` says.

    `leader` is the line from the bubble's edge to the name, `(x, y, x2, y2)`, or None where the name stands beside it.
    """

    text: str
    x: float
    y: float
    align: Literal["left", "center", "right"]
    box: Box
    leader: _Line | None = None


def place(
    points: Sequence[Point],
    width: float,
    height: float,
    *,
    size: float = 12,
    texts: Sequence[Box] = (),
    lines: Sequence[Box] = (),
) -> list[Label | None]:
    """A place for the name of every point, in the order of importance given, or None where there is no room.

    `points` are all bubbles of a plot of `width` × `height` pixels, also those without a text, which names would rather
    not cover. `texts` is the room that other texts take, which names never enter; `lines` is what they had better not
    cross. Labels that are placed never overlap one another, never leave the plot and never cover another named bubble.

    >>> [label] = place([Point(50, 50, 10, "Сайт")], 200, 100)
    >>> label.x, label.y, label.align, label.leader
    (64.0, 50.0, 'left', None)
    """
    placed: list[Label | None] = []
    for i, point in enumerate(points):
        if not point.text:
            placed.append(None)
            continue
        others = [p for j, p in enumerate(points) if j != i]
        best: tuple[float, Label] | None = None
        for rank, candidate in enumerate(_candidates(point, size)):
            if best and best[0] <= rank:
                break  # a spot costs at least its rank
            if _may_stand(candidate, others, [p for p in placed if p], texts, width, height):
                cost = _cost(candidate, rank, others, [p for p in placed if p], lines)
                if cost <= _WORST and (best is None or cost < best[0]):
                    best = cost, candidate
        placed.append(best[1] if best else None)
    return placed


def _candidates(point: Point, size: float) -> Iterator[Label]:
    """The spots around a bubble: beside it first, then on wider and wider rings, with a leader line."""
    wide, high = text_width(point.text, size), size * LINE_HEIGHT
    for ring in _RINGS:
        for angle in _CLOSE_ANGLES if ring == NEAR else range(0, 360, 20):
            across, down = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
            x = round(point.x + across * (point.radius + ring), 1)
            y = round(point.y + down * (point.radius + ring + high / 2 * abs(down)), 1)
            if across > 0.3:
                align, left = "left", x
            elif across < -0.3:
                align, left = "right", x - wide
            else:
                align, left = "center", x - wide / 2
            box = Box(left, y - high / 2, left + wide, y + high / 2)
            if box.covers_circle(point.x, point.y, point.radius):
                continue
            leader = None
            if ring > _LEADER_FROM:
                end_x, end_y = min(max(point.x, left), left + wide), min(max(point.y, box.top + 2), box.bottom - 2)
                reach = math.hypot(end_x - point.x, end_y - point.y)
                edge = point.radius / reach
                start_x, start_y = point.x + (end_x - point.x) * edge, point.y + (end_y - point.y) * edge
                leader = (start_x, start_y, end_x, end_y)
            yield Label(point.text, x, y, align, box, leader)  # type: ignore[arg-type]


def _may_stand(
    label: Label, others: Sequence[Point], placed: Sequence[Label], texts: Sequence[Box], width: float, height: float
) -> bool:
    box, leader = label.box, label.leader
    if box.left < 0 or box.top < 0 or box.right > width or box.bottom > height:
        return False
    if any(other.text and box.covers_circle(other.x, other.y, other.radius + 1) for other in others):
        return False
    taken = [p.box for p in placed] + list(texts)
    return not any(box.overlaps(t) or (leader and _crosses(leader, t)) for t in taken)


def _cost(label: Label, rank: int, others: Sequence[Point], placed: Sequence[Label], lines: Sequence[Box]) -> float:
    """How bad a spot is: how far out, and what it covers or crosses."""
    box, cost = label.box, float(rank)
    for other in others:
        if box.covers_circle(other.x, other.y, other.radius + 1):
            cost += 250 if other.radius <= _DOT else 2 * _WORST
        elif box.covers_circle(other.x, other.y, other.radius + 2 * NEAR):
            cost += 30  # so close that the name could be taken for the other's
        if label.leader and _near_line(label.leader, other) < other.radius:
            cost += 150
    cost += min(30, 15 * sum(box.overlaps(line) for line in lines))
    for leader in (p.leader for p in placed if p.leader):
        cost += 80 * _crosses(leader, box) + 60 * bool(label.leader and _meet(leader, label.leader))
    return cost


def _near_line(line: _Line, point: Point) -> float:
    """The distance from a bubble's middle to a line."""
    x, y, x2, y2 = line
    length = (x2 - x) ** 2 + (y2 - y) ** 2
    along = 0.0 if length == 0 else min(1.0, max(0.0, ((point.x - x) * (x2 - x) + (point.y - y) * (y2 - y)) / length))
    return math.hypot(point.x - x - along * (x2 - x), point.y - y - along * (y2 - y))


def _meet(line: _Line, other: _Line) -> bool:
    """Whether two lines cross."""

    def side(a: float, b: float, of: _Line) -> float:
        return (of[2] - of[0]) * (b - of[1]) - (of[3] - of[1]) * (a - of[0])

    return side(*line[:2], other) * side(*line[2:], other) < 0 and side(*other[:2], line) * side(*other[2:], line) < 0


def _crosses(line: _Line, box: Box) -> bool:
    """Whether a line enters a rectangle (Liang and Barsky's clipping)."""
    x, y, x2, y2 = line
    cuts = [0.0, 1.0]
    for start, change, low, high in ((x, x2 - x, box.left, box.right), (y, y2 - y, box.top, box.bottom)):
        if change == 0:
            if not low < start < high:
                return False
        else:
            enter, leave = sorted(((low - start) / change, (high - start) / change))
            cuts = [max(cuts[0], enter), min(cuts[1], leave)]
    return all(a < b for a, b in pairwise(cuts))
