"""The one place where the page's questions are answered: a plain question in, a plain answer out.

A question names a view by its address and what is wanted of it. Whatever comes is checked first, and whatever happens
is answered in a sentence: the other side may be anybody.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from callkit import deciding
from callkit.app import choices, listing, pages
from callkit.app.redrawing import Live, Memory
from callkit.app.shelf import Shelf
from callkit.app.view import View, period_of, read
from callkit.charts import layout as layouts
from callkit.charts import segments, swift
from callkit.charts.theme import LOOKS
from callkit.company import Company
from callkit.errors import CallkitError
from callkit.freshness import fresh
from callkit.locale import Locale
from callkit.pieces import TABLE_MIME, Piece, warning
from callkit.scope import resolve
from callkit.show import Shown
from callkit.zones import zone

_LOG = logging.getLogger("callkit.app")
_SECTIONS = 6
_LONGEST_SEARCH = 100
_NAMED_SEGMENTS = 1000
Answer = dict[str, Any]


class Desk:
    """Answers the questions of one visitor about one company.

    `company` is opened, and taken anew when its store has been exchanged; `start` is the view of an empty address;
    `shown` are the pages there are, all of the company's without it.
    """

    def __init__(self, company: Company, start: View, shown: Sequence[str] = ()) -> None:
        self._only = tuple(shown)
        self.company = company
        self._sections: OrderedDict[object, Live] = OrderedDict()
        self._shelf = Shelf(company)
        self._memory = Memory(self._shelf)
        self._stale = False
        self.pages = self._only or tuple(pages.available(self.company))
        self.start = start if start.page in self.pages else replace(start, page=self.pages[0])
        self._handlers: Mapping[str, Callable[[View, Live, Mapping[str, Any]], Answer]] = {
            "view": self._view,
            "part": self._part,
            "values": self._values,
            "behind": self._behind,
            "save": self._save,
            "command": self._command,
            "suppose": self._suppose,
            "bundle": self._bundle,
        }

    def answer(self, question: object) -> Answer:
        """The answer to a question: a mapping with `what` and the `query` of a view, and what the kind needs.

        `ask` is given back as it came where it is a number. Anything that is no question, or fails, gives `trouble`,
        a sentence for the page; the log has the rest.
        """
        asked = question.get("ask") if isinstance(question, Mapping) else None
        marked = {"ask": asked} if isinstance(asked, int) else {}
        locale = self.company.settings.locale(self.start.lang)
        try:
            if not isinstance(question, Mapping) or _text(question, "what") not in self._handlers:
                return {**marked, "trouble": locale.text("app.not_understood")}
            self._look_for_new_data()
            view, notes = read(_text(question, "query"), self.company, self.start, self.pages)
            locale = self._locale(view)
            section = self._section(view)
            told = self._handlers[question["what"]](view, section, question)
            if question["what"] == "view":
                told["notes"] = choices.notes(notes, locale)
            return {**marked, "what": question["what"], **told}
        except Exception:
            _LOG.exception("a question could not be answered")
            return {**marked, "trouble": locale.text("app.failed")}

    def _look_for_new_data(self) -> None:
        """Takes up the data of a store that was exchanged for another file; one that is no good changes nothing."""
        try:
            now, self._stale = fresh(self.company), False
        except CallkitError as error:
            if not self._stale:
                _LOG.warning("the new data cannot be read, the old is shown: %s", error)
            self._stale = True
            return
        if now is not self.company:
            self.company = now
            self._sections.clear()
            self._shelf = Shelf(now)
            self._memory = Memory(self._shelf)
            self.pages = self._only or tuple(pages.available(now))

    def _locale(self, view: View) -> Locale:
        return self.company.settings.locale(view.lang)

    def _section(self, view: View) -> Live:
        """The section that a view shows, kept for the next questions."""
        cut = view.by if view.page in pages.CUT_FREELY and view.by else self._cut(view.page)
        where = tuple(view.where.items())
        selected = " · ".join(view.selected[c] for c in cut) if set(view.selected) == set(cut) else ""
        key = (view.page, view.period, view.compare, view.lens, view.credit, cut, where, view.lang, selected)
        if key not in self._sections:
            scope = view.scope(self.company)
            resolve(self.company, scope, cut)
            made = self._sections[key] = Live(
                view.page, self.company, scope, cut, self._locale(view),
                compare=view.compare, selected=selected, memory=self._memory, key=key,
            )  # fmt: skip
            made.measure()
            if len(self._sections) > _SECTIONS:
                self._sections.popitem(last=False)
        self._sections.move_to_end(key)
        return self._sections[key]

    def _cut(self, page: str) -> tuple[str, ...]:
        return self.start.by if page == self.start.page and self.start.by else pages.usual_cut(page, self.company)

    def _view(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:
        company, locale = self.company, section.locale
        told: Answer = {
            "query": view.query(self.start),
            "lang": locale.lang,
            "theme": view.theme,
            "page": view.page,
            "title": section.title,
            "company": company.name,
            "data": self._data(locale),
            "seen": company.viewer.said(locale),
            "pages": [{"name": p, "title": self._page_title(p, locale)} for p in self.pages],
            "controls": choices.controls(view, company, locale, section.by),
            "chips": choices.chips(view, locale),
            "deal_url": company.settings.deal_url,
            "selected": dict(view.selected),
            "tab": view.tab,
            "segments": _segments(section),
            "parts": [{"name": p.name, "wide": p.wide} for p in pages.laid_out(view.page, section.by, company)],
        }
        whole, again = question.get("whole") is True, bool(question.get("layouts"))
        wanted = pages.first(view.page, section.by, whole=whole, again=again)
        told["shown"] = {name: self._shown(name, view, section, _layout(question, name)) for name in wanted}
        if question.get("words") != locale.lang:
            told |= {"words": choices.words(locale), "names": self._names(locale), "looks": _plain(LOOKS)}
        return told

    def _page_title(self, page: str, locale: Locale) -> str:
        return locale.text("app.segments" if page == "segments" else f"section.{page}")

    def _data(self, locale: Locale) -> str:
        """Of when the data is."""
        day, stored = locale.day(self.company.span[1]), self.company.stored
        if self._stale:
            return locale.text("app.data_stale", day=day)
        if stored is None:
            return locale.text("app.data_until", day=day)
        made = stored.at_moment.astimezone(zone(self.company.timezone))
        return locale.text("app.data_made", day=day, moment=locale.moment(made))

    def _names(self, locale: Locale) -> dict[str, dict[str, str]]:
        """What people read for labels that are not data, column by column, turned round."""
        first, last = self.company.span
        months = {f"{y:04}-{m:02}" for y in range(first.year, last.year + 1) for m in range(1, 13)}
        known: dict[str, Sequence[str]] = {
            "": ("(no deal)", "(not set)", "(before the deal)", "(no stage history)", "(others' deals)"),
            "direction": ("in", "out", "unknown"),
            "weekday": "1234567",
            "hour": [f"{h:02}" for h in range(24)],
            "month": sorted(months),
        }
        found = {column: {locale.segment(raw, column): raw for raw in raws} for column, raws in known.items()}
        # Charts write names without the marks that would break a line.
        stages = self.company.labels("stage").values()
        return found | {"stage": {segments.title([raw], ["stage"], locale): raw for raw in stages}}

    def _part(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:
        name = _text(question, "name")
        if name not in [p.name for p in pages.parts(view.page, section.by)]:
            return {"trouble": section.locale.text("app.not_understood")}
        return {"name": name, "shown": self._shown(name, view, section, _layout(question, name))}

    def _shown(self, name: str, view: View, section: Live, layout: layouts.Wanted) -> Answer:
        """One part of a page, kept for when it is asked for again; what fails is told in its place."""
        own = (layout, view.chart, view.x, view.size) if name == pages.MAIN else (layout,)
        own = (*own, view.new_deals) if name == pages.NEEDED else own
        if (name, *own) in section.parts:
            return section.parts[name, *own]
        try:
            key = ("part", section.key, name, own)
            told: Answer = self._shelf.once(key, lambda: self._drawn(name, view, section, layout))
        except Exception:
            _LOG.exception("the part %s could not be made", name)
            return {"kind": "html", "html": warning(section.locale.text("app.failed")).html, "table": None}
        section.parts[name, *own] = told
        return told

    def _drawn(self, name: str, view: View, section: Live, layout: layouts.Wanted) -> Answer:
        with swift.drawing(), layouts.only(layout):
            made = self._made(name, view, section)
        if isinstance(made, Shown):
            chart = view.chart if name == pages.MAIN else name
            return {
                "kind": "chart", "spec": made.spec, "alt": made.alt, "name": chart, "layout": layout, "how": made.how
            }  # fmt: skip
        table = made.data.get(TABLE_MIME)
        columns = {"columns": [c["name"] for c in table["columns"]], "total": table["total"]} if table else None
        # A headline brings the style sheet along for notebooks; the page has it.
        return {"kind": "html", "html": re.sub(r"<style>.*?</style>", "", made.html, flags=re.S), "table": columns}

    def _made(self, name: str, view: View, section: Live) -> Piece | Shown:
        if name == pages.MAIN:
            if view.chart == "bubble":
                return section.bubble(view.x, view.size)
            return section.fair_share() if view.chart == "fair_share" else section.funnel()
        if name == pages.NEEDED:
            return section.talk_needed(view.new_deals)
        return next(p for p in pages.parts(view.page, section.by) if p.name == name).made(section)

    def _values(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:
        column = _text(question, "column")
        if column not in self.company.dimensions or column == "month":
            return {"trouble": section.locale.text("app.not_understood")}
        return choices.values(section, view, column, _text(question, "search")[:_LONGEST_SEARCH])

    def _behind(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:
        search, page = _text(question, "search")[:_LONGEST_SEARCH], question.get("page", 0)
        number = page if isinstance(page, int) and 0 <= page < 1_000_000 else 0
        return listing.answer(self.company, view, section.locale, _text(question, "sort"), search, number)

    def _save(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:
        from callkit.app import downloads

        kind = _text(question, "kind")
        if kind == "page":
            made = [self._made(p.name, view, section) for p in pages.parts(view.page, section.by)]
            shown = [piece for piece in made if isinstance(piece, Piece)]
            return downloads.workbook(self.company, section.scope, shown, section.locale, section.title)
        if kind in ("csv", "xlsx"):
            search, sort = _text(question, "search")[:_LONGEST_SEARCH], _text(question, "sort")
            return listing.saved(self.company, view, section.locale, sort, search, kind)
        return {"trouble": section.locale.text("app.not_understood")}

    def _command(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:  # noqa: ARG002
        from callkit.app import downloads

        period = period_of(view.period, self.company)
        months = downloads.whole_months(period)
        told = section.locale.period(months.start, months.stop)
        note = section.locale.text("app.command_months", month=told) if months != period else ""
        by = section.by if view.page == "segments" else ()
        return {"command": downloads.command(self.company, section.scope, by), "note": note}

    def _suppose(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:  # noqa: ARG002
        giver, taker, minutes = question.get("giver"), question.get("taker"), question.get("minutes")
        keys = [k for k in (giver, taker) if isinstance(k, list) and k and all(isinstance(v, str) for v in k)]
        if len(keys) < 2 or isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
            return {"trouble": section.locale.text("app.not_understood")}
        return {"told": deciding.suppose(section, keys[0], keys[1], float(minutes))}

    def _bundle(self, view: View, section: Live, question: Mapping[str, Any]) -> Answer:  # noqa: ARG002
        """The library that draws charts, for a page that cannot fetch it as a file."""
        from callkit.show import vega_bundle

        return {"script": vega_bundle()}


def _segments(section: Live) -> dict[str, list[str]]:
    """The labels of the page's segments, as the data and as people have them, with their keys."""
    if not section.by:
        return {}
    width, found = len(section.by), {}
    for row in section.figures.rows[:-1][:_NAMED_SEGMENTS]:
        keys = list(row[:width])
        found[segments.title(keys, section.by, section.locale)] = keys
        found[" · ".join(keys)] = keys
    return found


def _layout(question: Mapping[str, Any], name: str) -> layouts.Wanted:
    """The layout that the page has room for, where it knows; else both."""
    told = question.get("layouts")
    wanted = told.get(name) if isinstance(told, Mapping) else None
    return "narrow" if wanted == "narrow" else "wide" if wanted == "wide" else "both"


def _plain(value: Any) -> Any:
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _text(question: Mapping[str, Any], key: str) -> str:
    value = question.get(key, "")
    return value if isinstance(value, str) else ""
