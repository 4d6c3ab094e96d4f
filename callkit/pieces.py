"""The pieces a page is made of: headline, cards, tables. They write results for people and compute no measure.

A piece shows itself in JupyterLab, in Voila and in the output of papermill as HTML, and carries the raw numbers
beside it, from which the one-file report and the workbook are composed. Every text of the data is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callkit.decisions.methods import method
from callkit.locale import MISSING, Locale
from callkit.measures import MEASURES

TABLE_MIME = "application/vnd.callkit.table+json"
SECTION_MIME = "application/vnd.callkit.section+json"
WATCH_MIME = "application/vnd.callkit.watch+json"
_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Piece:
    """Something shown: an HTML fragment, the same in plain words, and raw data by MIME type."""

    html: str
    plain: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": self.html, "text/plain": self.plain, **self.data}

    def __repr__(self) -> str:
        return self.plain


@dataclass(frozen=True)
class Column:
    """A column of a table: `kind` is text, moment or the kind of a measure; `bar` draws the value as a data bar."""

    name: str
    title: str
    kind: str = "text"
    help: str = ""
    bar: bool = False


def column(name: str, locale: Locale, *, bar: bool = False) -> Column:
    """The column of a measure or a dimension, titled and explained from the registries.

    >>> column("talk_share", Locale("en")).help
    'Talk ÷ all talk in scope.'
    """
    if name in MEASURES:
        m = MEASURES[name]
        return Column(name, m.label(locale.lang), m.kind, m.help(locale.lang), bar)
    return Column(name, locale.title(name))


def headline(section: Mapping[str, Any], facts: Sequence[str], note: str) -> Piece:
    """The top of a section: its title, the sentence that says what is seen, and what it was computed on."""
    title, sentence = section["title"], section["sentence"]
    listed = "".join(f"<li>{html.escape(f)}</li>" for f in facts)
    body = (
        f'<style>{_style()}</style><header class="ck-headline"><h2>{html.escape(title)}</h2>'
        f'<p class="ck-sentence">{html.escape(sentence)}</p><ul class="ck-facts">{listed}</ul>'
        f'<p class="ck-note">{html.escape(note)}</p></header>'
    )
    return Piece(body, "\n".join([title, sentence, " · ".join(facts), note]), {SECTION_MIME: dict(section)})


@dataclass(frozen=True)
class Card:
    """One figure on its own: `change` against the period before; `better` is 1 where more is good, -1 where less is.

    `goal` tells its goal and how far that is, `reached` whether it is reached, None where that is open.
    """

    name: str
    value: str
    change: float | None = None
    change_text: str = ""
    better: int = 0
    goal: str = ""
    reached: bool | None = None


def cards(shown: Sequence[Card], locale: Locale) -> Piece:
    """Cards side by side, each with its label, value, formula and change."""
    parts, words = [], []
    for card in shown:
        label, explained = locale.title(card.name), MEASURES[card.name].help(locale.lang)
        way = "flat" if not card.change or not card.better else ("up" if card.change * card.better > 0 else "down")
        change = (
            f'<span class="ck-card-change {way}">{html.escape(card.change_text)}</span>' if card.change_text else ""
        )
        parts.append(
            f'<div class="ck-card"><span class="ck-card-label">{html.escape(label)} {explain(explained)}</span> '
            f'<span class="ck-card-value">{html.escape(card.value)}</span> {change}{_goal(card)}</div>'
        )
        words.append(" ".join(filter(None, [f"{label}: {card.value}", card.change_text, card.goal])))
    return Piece(f'<div class="ck-cards">{"".join(parts)}</div>', "\n".join(words))


def _goal(card: Card) -> str:
    if not card.goal:
        return ""
    way = {True: "up", False: "down", None: "flat"}[card.reached]
    return f'<span class="ck-card-change ck-card-goal {way}">{html.escape(card.goal)}</span>'


def table(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    locale: Locale,
    *,
    note: str = "",
    total: bool = True,
    small: Sequence[int] = (),
    small_note: str = "",
    how: str = "",
) -> Piece:
    """A table with a title, data bars and explained headings; `total` says that its last row is the whole.

    `rows` hold raw values, None where undefined; `small` are the numbers of rows resting on too few deals,
    `how` is what `how` gave.
    """
    head = "".join(
        f'<th scope="col" data-kind="{c.kind}">{html.escape(c.title)}{" " + explain(c.help) if c.help else ""}</th>'
        for c in columns
    )
    body = []
    for number, row in enumerate(rows):
        kind = "total" if total and number == len(rows) - 1 else "small" if number in small else ""
        told = f' title="{html.escape(small_note)}"' if kind == "small" else ""
        cells = "".join(_cell(c, v, locale, first=i == 0) for i, (c, v) in enumerate(zip(columns, row, strict=True)))
        body.append(f'<tr class="{kind}"{told}>{cells}</tr>' if kind else f"<tr>{cells}</tr>")
    noted = f'<p class="ck-note">{html.escape(note)}</p>' if note else ""
    markup = (
        f'<figure class="ck-block"><figcaption>{html.escape(title)}</figcaption><div class="ck-scroll" tabindex="0">'
        f'<table class="ck-table"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
        f"{noted}{how}</figure>"
    )
    data = {
        "name": name,
        "title": title,
        "note": note,
        "columns": [{"name": c.name, "title": c.title, "kind": c.kind, "help": c.help} for c in columns],
        "rows": [[_plain(v) for v in row] for row in rows],
        "total": total,
    }
    return Piece(markup, _as_text(columns, rows, locale), {TABLE_MIME: data})


def sentences(title: str, texts: Sequence[str], views: Sequence[str] = (), how: str = "") -> Piece:
    """A short list of sentences; `views` are the addresses of what stands behind each, `how` is what `how` gave."""
    opened = [f' data-view="{html.escape(view)}"' if view else "" for view in views] or [""] * len(texts)
    items = "".join(f"<li{view}>{html.escape(t)}</li>" for t, view in zip(texts, opened, strict=True))
    markup = f'<div class="ck-block ck-findings"><h3>{html.escape(title)}</h3><ul>{items}</ul>{how}</div>'
    return Piece(markup, "\n".join([title, *(f"- {t}" for t in texts)]))


def warning(text: str) -> Piece:
    """A plain message where something could not be shown."""
    return Piece(f'<p class="ck-warning" role="note">{html.escape(text)}</p>', text)


def explain(text: str) -> str:
    """The mark that gives a formula when pointed at or focused."""
    return f'<abbr class="ck-explain" tabindex="0" title="{html.escape(text)}">i</abbr>'


def how(keys: Sequence[str], locale: Locale, intro: str = "") -> str:
    """The methods behind a piece, folded under their names: formula, limits and source of each; markup for the piece.

    `keys` are of `decisions.methods.METHODS`, none for nothing; `intro` stands before them.

    >>> how(["best"], Locale("en")).split("</summary>")[0]
    '<details class="ck-how"><summary>How this is made: Best split of minutes'
    """
    if not keys:
        return ""
    methods = [method(key, locale) for key in keys]
    names = "; ".join(m.name for m in methods)
    told = "".join(
        f"<dt>{html.escape(m.name)}</dt><dd>{html.escape(m.formula)}</dd>"
        f"<dd><b>{html.escape(locale.text('section.how_limits'))}</b> {html.escape(m.limits)}</dd>"
        f"<dd><b>{html.escape(locale.text('section.how_source'))}</b> {html.escape(m.source)}</dd>"
        for m in methods
    )
    before = f"<p>{html.escape(intro)}</p>" if intro else ""
    title = html.escape(locale.text("section.how", names=names))
    return f'<details class="ck-how"><summary>{title}</summary>{before}<dl>{told}</dl></details>'


def _cell(column: Column, value: Any, locale: Locale, *, first: bool) -> str:
    if column.kind in ("text", "moment"):
        written = html.escape(MISSING if value is None else str(value))
        return f'<th scope="row">{written}</th>' if first else f"<td>{written}</td>"
    written = html.escape(locale.written(column.kind, value))
    raw = "" if _plain(value) is None else f' data-value="{value!r}"'
    if column.bar and _plain(value) is not None:
        return f'<td class="num bar" style="--part:{min(max(value, 0), 1):.4f}"{raw}>{written}</td>'
    return f'<td class="num"{raw}>{written}</td>'


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _as_text(columns: Sequence[Column], rows: Sequence[Sequence[Any]], locale: Locale) -> str:
    written = [[c.title for c in columns]]
    for row in rows:
        written.append(
            [
                str(MISSING if v is None else v) if c.kind in ("text", "moment") else locale.written(c.kind, v)
                for c, v in zip(columns, row, strict=True)
            ]
        )
    widths = [max(len(line[i]) for line in written) for i in range(len(columns))]
    return "\n".join(
        "  ".join(t.ljust(w) if c.kind == "text" else t.rjust(w) for t, w, c in zip(line, widths, columns, strict=True))
        for line in written
    )


def _style() -> str:
    path = _STATIC / "report.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
