"""Where the names stand beside their bubbles: no two overlap, none leaves the plot. Pure geometry, in pixels.

Vega-Lite cannot push labels apart, so the places are found here, before drawing: greedy, the most important label
first, each on the best free spot around its bubble. The same input always gives the same picture.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

LINE_HEIGHT = 1.25
NEAR = 4.0
_RINGS = (NEAR, 12.0, 22.0, 34.0, 48.0, 64.0, 84.0)
_CLOSE_ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)
_LEADER_FROM = 10.0
_WORST = 500.0
"""A name whose leader would run across several bubbles tells less than no name: it is left to hovering."""

# The wider of Liberation Sans (Arial) and DejaVu Sans, measured in em: with any usual font a label then takes no more
# room than was kept for it.
_WIDTHS = (
    (0.30, "',.Iijl| ·\u00a0"),
    (0.40, "-/:;\\f!()[]rt"),
    (0.50, '"*J`sz'),
    (0.55, "?L_cгзсэ–"),
    (0.60, "FTaekovxyабвеёкотухчьяГТ«»"),
    (0.65, "$0123456789EKPSYbdghnpqu{}ийлнпрЕЗРУ₽€"),
    (0.70, "ABCRVXZдцъАБВКСХЧЬЭЯ"),
    (0.75, "DHNUмИЙЛНП"),
    (0.80, "&GOQwыДОЦ"),
    (0.87, "#+<=>M^~фюМФЪ×"),
    (0.95, "%mщжшЫ"),
    (1.10, "@W…—Ш№ЖЩЮ"),
)
_WIDTH_OF = {character: width for width, characters in _WIDTHS for character in characters}


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
    leader: tuple[float, float, float, float] | None = None


def text_width(text: str, size: float = 12) -> float:
    """The most pixels `text` may take at a font size of `size`, whatever the font of the reader's system.

    >>> text_width("Сайт", 10)
    25.5
    """
    return round(sum(_character_width(c) for c in text) * size, 3)


def _character_width(character: str) -> float:
    if character in _WIDTH_OF:
        return _WIDTH_OF[character]
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.75


def clean(text: str) -> str:
    """One line of plain text: control characters become spaces; right-to-left text cannot turn what stands around it.

    >>> clean("two\\nlines\\x00")
    'two lines'
    >>> ascii(clean("\\u202eabc"))
    "'\\\\u2068\\\\u202eabc\\\\u2069'"
    """
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in text)
    line = " ".join(line.split(" ")) if "  " not in line else " ".join(part for part in line.split(" ") if part)
    return _isolated(line.strip(" "))


def _isolated(line: str) -> str:
    turns = any(
        unicodedata.bidirectional(c) in ("R", "AL", "RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI") for c in line
    )
    return f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}" if turns else line


def shorten(text: str, width: float, size: float = 12) -> str:
    """`text` as one line no wider than `width` pixels, cut with an ellipsis where it must be.

    >>> shorten("Холодная база", 80)
    'Холодная…'
    >>> shorten("Сайт", 80)
    'Сайт'
    """
    line = clean(text)
    if text_width(line, size) <= width:
        return line
    bare, used = line.strip("\u2068\u2069"), text_width("…", size)
    kept = ""
    for character in bare:
        used += _character_width(character) * size
        if used > width:
            break
        kept += character
    return _isolated(kept.rstrip(" \u200d") + "…")


def wrap(text: str, width: float, size: float = 12, most: int = 3) -> list[str]:
    """`text` in at most `most` lines, none wider than `width` pixels; what does not fit ends with an ellipsis.

    A word wider than a line is parted, at its hyphen if it has one.

    >>> wrap("Договор согласован и подписан", 80)
    ['Договор', 'согласован', 'и подписан']
    >>> wrap("Выставка «Металлообработка-2026»", 110)
    ['Выставка', '«Металлообраб', 'отка-2026»']
    """
    lines = [""]
    for word in [part for w in clean(text).split(" ") for part in _parted(w, width, size)]:
        joined = f"{lines[-1]} {word}" if lines[-1] and not word.startswith("\x00") else lines[-1] + word
        joined = joined.replace("\x00", "")
        if text_width(joined, size) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word.replace("\x00", ""))
    if len(lines) > most:
        lines[most - 1 :] = [shorten(" ".join(lines[most - 1 :]), width, size)]
    return lines


def _parted(word: str, width: float, size: float) -> list[str]:
    """A word in pieces that fit a line; the pieces after the first begin with a mark that no name can hold."""
    pieces, rest = [], word
    while text_width(rest, size) > width and len(rest) > 1:
        fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or text_width(rest[:n], size) <= width)
        hyphen = rest[:fits].rfind("-") + 1
        pieces.append(rest[: hyphen or fits])
        rest = rest[hyphen or fits :]
    return [pieces[0], *("\x00" + p for p in [*pieces[1:], rest])] if pieces else [rest]


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
            cost += 250
        if label.leader and _near_line(label.leader, other) < other.radius:
            cost += 150
    cost += min(120, 40 * sum(box.overlaps(line) for line in lines))
    return cost + 80 * sum(p.leader is not None and _crosses(p.leader, box) for p in placed)


def _near_line(line: tuple[float, float, float, float], point: Point) -> float:
    """The distance from a bubble's middle to a line."""
    x, y, x2, y2 = line
    length = (x2 - x) ** 2 + (y2 - y) ** 2
    along = 0.0 if length == 0 else min(1.0, max(0.0, ((point.x - x) * (x2 - x) + (point.y - y) * (y2 - y)) / length))
    return math.hypot(point.x - x - along * (x2 - x), point.y - y - along * (y2 - y))


def _crosses(line: tuple[float, float, float, float], box: Box) -> bool:
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
