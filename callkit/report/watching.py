"""Watching: what has crossed a line since the last report made for a company, in words for the mail.

What is watched comes from the pieces of the report (`pieces.WATCH_MIME`): goals, findings, faults of the data. A small
file in the company's folder of reports keeps that of the last report made of the same calls and deals.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callkit.caching import write_whole
from callkit.locale import Locale
from callkit.pieces import WATCH_MIME
from callkit.report.executed import Executed
from callkit.zones import Period

KINDS = ("goals", "findings", "faults")
STATE, TEXT, PAGE = "watch.json", "since-last.txt", "since-last.html"
_MOST = 12
Watched = dict[str, list[dict[str, Any]]]
_STYLE = (
    "body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#1f2430;background:#fff;"
    "max-width:44rem;margin:24px auto;padding:0 16px}h1{font-size:20px;line-height:1.3}"
    "h2{font-size:16px;margin:20px 0 6px}"
    "ul{margin:0;padding-left:1.2em}li{margin:0 0 6px}p{color:#5a6170}"
)


@dataclass(frozen=True)
class Told:
    """What is told of a report: a title, a sentence or none, and lines under headings."""

    title: str
    sentence: str
    lists: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def text(self) -> str:
        """The whole as plain text."""
        blocks = [self.title, *filter(None, [self.sentence])]
        blocks += ["\n".join([heading, *(f"- {line}" for line in lines)]) for heading, lines in self.lists]
        return "\n\n".join(blocks) + "\n"

    def page(self, lang: str) -> str:
        """The same as a page of one file, which asks nothing of any network."""
        e = html.escape
        lists = "".join(
            f"<h2>{e(heading)}</h2><ul>{''.join(f'<li>{e(line)}</li>' for line in lines)}</ul>"
            for heading, lines in self.lists
        )
        sentence = f"<p>{e(self.sentence)}</p>" if self.sentence else ""
        return (
            f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8"><title>{e(self.title)}</title>\n'
            f"<style>{_STYLE}</style></head>\n<body><h1>{e(self.title)}</h1>{sentence}{lists}</body>\n</html>\n"
        )


def watched(sections: Sequence[Executed]) -> Watched:
    """What the pieces of a report have to be watched: lists of `goals`, `findings`, `faults`, each with its `key`.

    Nothing where no piece has any; of two pieces that tell of one kind, the first counts.
    """
    found: Watched = {}
    for section in sections:
        for piece in () if section.failed else section.pieces:
            for kind, told in piece.get(WATCH_MIME, {}).items():
                found.setdefault(kind, told)
    return found


def since_last(place: Path, company: str, month: Period, scope: Sequence[object], now: Watched, locale: Locale) -> str:
    """What crossed a line since the last report of the same `scope` in a company's folder, written there as two files.

    `now` is what `watched` gave for `month`. Returns the text. Raises OSError where the folder cannot be written.
    """
    last = _kept(place).get(_key(scope))
    told = compared(company, month, now, last, locale)
    write_whole(place / TEXT, told.text)
    write_whole(place / PAGE, told.page(locale.lang))
    return told.text


def keep(place: Path, month: Period, scope: Sequence[object], now: Watched) -> None:
    """Keeps what is watched of the report just made, as the last one of its scope; nothing where nothing is watched."""
    if not now:
        return
    kept = _kept(place) | {_key(scope): {"month": str(month), "watched": now}}
    write_whole(place / STATE, json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def compared(company: str, month: Period, now: Watched, last: Mapping[str, Any] | None, locale: Locale) -> Told:
    """What of `now` differs from the `last` report, or how things stand where there is none."""
    text = locale.text
    title = text("goals.since_title", company=company, period=locale.period(month.start, month.stop))
    if not now:
        return Told(title, text("goals.since_untold"))
    goals, findings, faults = (now.get(kind, []) for kind in KINDS)
    if last is None:
        missed = [goal["said"] for goal in goals if goal["reached"] is False]
        standing = [("now_missed", missed), ("now_found", _only(findings, [])), ("now_faults", _only(faults, []))]
        return Told(title, text("goals.since_first"), _lists(standing, locale))
    old_goals, old_findings, old_faults = (last["watched"].get(kind, []) for kind in KINDS)
    former = {goal["key"]: goal["reached"] for goal in old_goals}
    crossed: dict[bool, list[str]] = {True: [], False: []}
    for goal in goals:
        if None not in (goal["reached"], before := former.get(goal["key"])) and goal["reached"] != before:
            crossed[goal["reached"]].append(goal["said"])
    lists = [
        ("missed", crossed[False]),
        ("reached", crossed[True]),
        ("faults", _only(faults, old_faults)),
        ("mended", _only(old_faults, faults)),
        ("found", _only(findings, old_findings)),
        ("gone", _only(old_findings, findings)),
    ]
    former_month = Period.of_month(last["month"])
    sentence = text("goals.since_against", period=locale.period(former_month.start, former_month.stop))
    told = _lists(lists, locale)
    return Told(title, sentence if told else f"{sentence} {text('goals.since_none')}", told)


def _only(these: Sequence[Mapping[str, Any]], those: Sequence[Mapping[str, Any]]) -> list[str]:
    known = {one["key"] for one in those}
    return [one["said"] for one in these if one["key"] not in known]


def _lists(lists: Sequence[tuple[str, list[str]]], locale: Locale) -> list[tuple[str, list[str]]]:
    """The lists that have lines, under their headings; of a long one, how many more there are."""
    told = []
    for name, lines in lists:
        more = [locale.text("goals.since_more", n=len(lines) - _MOST)] if len(lines) > _MOST else []
        if lines:
            told.append((locale.text(f"goals.since_{name}"), [*lines[:_MOST], *more]))
    return told


def _key(scope: Sequence[object]) -> str:
    return json.dumps(list(scope), ensure_ascii=False)


def _kept(place: Path) -> dict[str, Any]:
    """What is kept of the last reports; nothing where that cannot be read, as after a change of this program."""
    try:
        kept = json.loads((place / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {key: told for key, told in kept.items() if isinstance(told, dict) and {"month", "watched"} <= set(told)}
