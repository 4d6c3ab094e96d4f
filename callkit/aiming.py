"""What goals look like on a page: a row a goal, with how far it is. Nothing is computed here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from callkit import pieces
from callkit.pieces import Column, Piece

if TYPE_CHECKING:
    from callkit.decided import Decided


def goals(section: Decided) -> Piece:
    """Every goal that the scope can be held against: a row a goal, the whole's first; nothing where there are none."""
    text, locale = section.locale.text, section.locale
    if not section.goals_stand:
        return Piece("", "")
    columns = [Column(key, text(f"goals.{key}")) for key in ("whose", "measure", "target", "value", "gap", "state")]
    rows: list[list[Any]] = []
    watched: list[dict[str, Any]] = []
    for s in section.goals_stand:
        measure, value = locale.title(s.goal.measure), locale.value(s.goal.measure, s.value)
        state = {True: "reached", False: "missed", None: "open" if s.value is not None else "unknown"}[s.reached]
        row = [s.whose(locale), measure, s.wanted(locale), value, s.how_far(locale) or None]
        rows.append([*row, text(f"goals.state_{state}")])
        line = text("goals.line", **dict(zip(("whose", "measure", "target", "value", "gap"), row, strict=True)))
        key = f"{s.goal.measure} {s.goal.column} {s.goal.segment}".rstrip()
        watched.append({"key": key, "said": line, "reached": s.reached})
    piece = pieces.table("goals", text("goals.title"), columns, rows, locale, total=False, note=text("goals.note"))
    return replace(piece, data={**piece.data, pieces.WATCH_MIME: {"goals": watched}})
