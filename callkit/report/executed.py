"""What an executed notebook shows: its pieces in order, the tables and the facts of the section among them.

The page and the workbook are composed from this alone; nothing is computed again.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callkit import __version__
from callkit.company import Company
from callkit.locale import Locale
from callkit.pieces import SECTION_MIME, TABLE_MIME
from callkit.scope import Scope
from callkit.zones import zone

CHART_MIME = "application/vnd.vegalite.v5+json"


@dataclass(frozen=True)
class About:
    """What a report says of itself: whose it is, of which period, on what it was computed, how to make it again.

    `period` is in words, `until` its last day; `facts` are labelled lines in the order they are read; `inputs` gives
    each file's `bytes` and `sha256`; `left_out` says why sections are missing.
    """

    company: str
    period: str
    until: dt.date
    facts: Mapping[str, str]
    command: str
    inputs: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    left_out: Sequence[str] = ()


def facts(company: Company, scope: Scope, locale: Locale) -> dict[str, str]:
    """What a report or a view was computed on, as labelled lines: lens, credit, filters, zone, data, making."""
    text = locale.text
    filters = ", ".join(
        f"{locale.title(c)} = {', '.join(locale.segment(v, c) for v in kept)}" for c, kept in scope.where.items()
    )
    told = {
        "lens": text(f"section.lens_{scope.lens}"),
        "credit": text(f"section.credit_{scope.credit}") if scope.lens != "called" else "",
        "where": filters or text("report.no_filters"),
        "zone": company.timezone,
        "data": f"{locale.day(company.span[0])} – {locale.day(company.span[1])}",
        "made": f"{locale.moment(dt.datetime.now(zone(company.timezone)))}, callkit {__version__}",
    }
    return {text(f"report.fact_{name}"): line for name, line in told.items() if line}


@dataclass(frozen=True)
class Executed:
    """A section of the report as its notebook left it.

    `name` is unique in the report and names the notebook, `section` is one of the known sections, `title` what it is
    called where it has no headline; `failed` says in a line what stopped it, nothing where it went through.
    """

    name: str
    section: str
    title: str
    path: Path
    seconds: float = 0.0
    failed: str = ""

    @functools.cached_property
    def pieces(self) -> Sequence[Mapping[str, Any]]:
        """What was shown, as MIME bundles; nothing where the notebook failed before, or was never written.

        >>> Executed("sources", "sources", "Sources", Path("nowhere.ipynb")).pieces
        ()
        """
        if not self.path.is_file():
            return ()
        cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        return tuple(_bundle(o["data"]) for o in outputs if o["output_type"] in ("display_data", "execute_result"))

    @functools.cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the section's headline says of itself, empty where there is none."""
        return next((p[SECTION_MIME] for p in self.pieces if SECTION_MIME in p), {})

    @property
    def tables(self) -> list[Mapping[str, Any]]:
        """The tables shown, as raw numbers with named and titled columns."""
        return [p[TABLE_MIME] for p in self.pieces if TABLE_MIME in p]

    @property
    def heading(self) -> str:
        """What the section is called for people."""
        return str(self.facts.get("title") or self.title)


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    """A MIME bundle with its texts whole: the format of notebooks may keep a text as a list of lines."""
    return {
        mime: "".join(value) if isinstance(value, list) and not mime.endswith("json") else value
        for mime, value in data.items()
    }
