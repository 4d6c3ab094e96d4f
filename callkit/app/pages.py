"""What stands on which page: the pieces of the section notebooks, laid out for a screen.

A part is a method of the section; `wide` is how many of twelve columns it takes. What is in no notebook of the section
is never computed here: a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callkit.company import Company
from callkit.pieces import Piece
from callkit.report.planning import COLUMN_OF
from callkit.sections import Section
from callkit.show import Shown

MAIN = "main"
"""The part that is one of the charts A, B and C, as the reader wants it."""
NEEDED = "talk_needed"
"""The part that the reader may ask for a number of new deals."""


@dataclass(frozen=True)
class Part:
    """A piece of a page: the section's method, its width, and the column that it adds to the cut itself;
    `call` is the method with what it is given, where it is not the one of that name."""

    name: str
    wide: int = 12
    not_by: str = ""
    call: tuple[str, tuple[object, ...]] | None = None

    def made(self, section: Section) -> Piece | Shown:
        """The part as the section makes it."""
        method, given = self.call or (self.name, ())
        made: Piece | Shown = getattr(section, method)(*given)
        return made


_CUT = (
    Part("headline"),
    Part("cards"),
    Part(MAIN, 7),
    Part("shares", 5),
    Part("values"),
    Part("heatmap", 12, not_by="stage"),
    Part("conversion"),
    Part("sure"),
    Part("calls"),
)
_LAYOUT: dict[str, Sequence[Part]] = {
    "overview": (
        Part("headline"), Part("cards"), Part(MAIN, 8), Part("findings", 4), Part("goals"), Part("shares", 4),
        Part("load", 4),
        Part("trend", 4), Part("values"),
    ),
    "changes": (
        Part("headline"), Part("cards"), Part("changes"),
        Part("waterfall-revenue", 6, call=("waterfall", ("revenue",))),
        Part("waterfall-revenue-segments", 6, call=("waterfall", ("revenue", True))),
        Part("change-revenue", call=("change_table", ("revenue",))),
        Part("waterfall-conversion", 6, call=("waterfall", ("conversion",))),
        Part("waterfall-minute", 6, call=("waterfall", ("revenue_per_minute", True))),
    ),
    "managers": (*_CUT[:5], Part("directions", 12, not_by="direction"), *_CUT[5:]),
    "sources": (*_CUT, Part("after_sale", 12, not_by="stage")),
    "projects": _CUT,
    "grades": _CUT,
    "segments": _CUT,
    "stages": (
        Part("headline"), Part("cards"), Part("load", 7), Part("after_sale", 5, not_by="stage"),
        Part("calls_by_stage"), Part("stage_capacity"), Part(NEEDED), Part("heatmap", 12, not_by="stage"),
        Part("calls_by_segment_and_stage", 12, not_by="stage"),
    ),
    "day": (
        Part("headline"), Part("week-calls", 6, call=("week_map", ("calls",))),
        Part("week-answered", 6, call=("week_map", ("answered",))), Part("hours"), Part("response_times"),
        Part("attempts"), Part("missed_calls"), Part("talk_by_hour", 12, not_by="hour"),
    ),
    "cohorts": (Part("headline"), Part("cards"), Part("cohort_curves", 7), Part("cohort_table", 12)),
    "whatif": (Part("headline"), Part("cards"), Part("suppose"), Part("best_split")),
    "costs": (
        Part("headline"), Part("cost_chart", 8), Part("costs"),
        Part("costs-manager", not_by="manager", call=("costs", ("manager",)))),
    "quality": (Part("headline"), Part("oddities"), Part("odd_ones")),
}  # fmt: skip
QUICK = ("headline", "cards", "oddities")
"""What costs nothing to make: it comes with the view, the charts when they are asked for."""
CUT_FREELY = ("overview", "changes", "segments", "stages", "day", "whatif", "costs")
"""The pages whose cut the reader chooses."""


def parts(page: str, by: Sequence[str]) -> list[Part]:
    """The parts of a page that can be shown with this cut."""
    return [p for p in _LAYOUT[page] if p.not_by not in by]


def laid_out(page: str, by: Sequence[str], company: Company) -> list[Part]:
    """Those of them that have something to show: goals, where the settings state some."""
    return [p for p in parts(page, by) if p.name != "goals" or company.settings.goals]


def first(page: str, by: Sequence[str], *, whole: bool = False, again: bool = False) -> list[str]:
    """The parts that come with the view: those that cost nothing, and with `whole` also the first chart.

    `again` says that the page stands there and is drawn anew: then its words, which need more figures, wait their turn.
    """
    chart = next((p.name for p in parts(page, by) if p.name in (MAIN, "load")), "") if whole else ""
    return [p.name for p in parts(page, by) if p.name in (*QUICK, chart) and not (again and p.name == "headline")]


def available(company: Company) -> list[str]:
    """The pages of a company: those of its settings whose column its deals have."""
    columns = company.facts["dimensions"]
    told = company.settings.costs and company.people is None
    wanted = dict.fromkeys(s for s in [*company.settings.sections, "segments"] if s != "costs" or told)
    return [page for page in _LAYOUT if page in wanted and COLUMN_OF.get(page, "manager") in [*columns, "manager"]]


def usual_cut(page: str, company: Company) -> tuple[str, ...]:
    """What a page cuts by where nobody says anything else."""
    columns = company.facts["dimensions"]
    fixed = {"managers": "manager", "day": "manager", **COLUMN_OF}
    if page in fixed:
        return (fixed[page],)
    if page == "segments":
        named = tuple(c.strip() for c in company.settings.by[0].split(",")) if company.settings.by else ()
        if named and all(c in company.dimensions for c in named):
            return named
        further = sorted((c for c in columns if c not in COLUMN_OF.values()), key=lambda c: c == "pipeline_id")
        return tuple(further[:1]) or ("owner",)
    return (next((c for c in COLUMN_OF.values() if c in columns), "manager"),)
