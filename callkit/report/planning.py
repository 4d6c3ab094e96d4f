"""What a report is to be made of: the request, its source, the sections that the company has something to show for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callkit import settings as settings_module
from callkit import stored
from callkit.company import BUNDLED, Company, bundled
from callkit.errors import UsageError
from callkit.locale import Locale
from callkit.report import keeping, manifest
from callkit.settings import Settings
from callkit.sources import files
from callkit.zones import Period

COLUMN_OF = {"sources": "source", "projects": "project", "grades": "grade"}
"""The column of deals without which a section has nothing to show."""
_CUT_FREELY = ("overview", "changes", "stages", "cohorts", "whatif", "costs")
_DEFAULTS = {"lens": "closed", "credit": "owner", "where": "", "lang": "", "timezone": ""}
_OUT = Path("reports")


@dataclass(frozen=True)
class Request:
    """What was asked for, as it was asked."""

    source: str
    out: Path
    lang: str = ""
    by: tuple[str, ...] = ()
    lens: str = "closed"
    credit: str = "owner"
    where: tuple[str, ...] = ()
    timezone: str = ""
    pdf: bool = False

    def command(self, month: Period) -> str:
        """The command line that makes this month again, quoted for a shell.

        >>> request = Request("my tables", Path("reports"), lang="en", where=("source=Site,Ads",))
        >>> request.command(Period.of_month("2026-10"))
        "callkit report 'my tables' --month 2026-10 --lang en --where source=Site,Ads"
        """
        words = ["callkit", "report", self.source, "--month", str(month)]
        words += ["--out", str(self.out)] if self.out != _OUT else []
        words += ["--lang", self.lang] if self.lang else []
        words += [word for column in self.by for word in ("--by", column)]
        words += ["--lens", self.lens] if self.lens != _DEFAULTS["lens"] else []
        words += ["--credit", self.credit] if self.credit != _DEFAULTS["credit"] else []
        words += [word for condition in self.where for word in ("--where", condition)]
        words += ["--timezone", self.timezone] if self.timezone else []
        words += ["--pdf"] if self.pdf else []
        return shlex.join(words)

    def parameters(self, source: str, month: Period) -> dict[str, str]:
        """The values of the notebooks' parameters, `by` apart."""
        return {
            "source": source, "month": str(month), "lens": self.lens, "credit": self.credit,
            "where": "\n".join(self.where), "lang": self.lang, "timezone": self.timezone,
        }  # fmt: skip

    def needed(self, month: Period) -> list[str]:
        """The parameters that a notebook must declare, lest a report be made of something else than was asked for."""
        asked = self.parameters("", month)
        return [name for name, value in asked.items() if _DEFAULTS.get(name) != value]


@dataclass(frozen=True)
class Inputs:
    """A source, found: how notebooks name it from any folder, its settings, and its files by name."""

    said: str
    path: Path
    settings: Settings
    files: Mapping[str, dict[str, Any]]

    @property
    def is_store(self) -> bool:
        return stored.is_store(self.path)


@dataclass(frozen=True)
class Planned:
    """A section to run: a unique name, its notebook, its columns to cut by where it takes any, its title."""

    name: str
    section: str
    notebook: Path
    title: str
    by: str = ""


@dataclass(frozen=True)
class Plan:
    """The sections of a report, and for those left out a sentence each that says why."""

    sections: Sequence[Planned]
    left_out: Sequence[str] = field(default=())


def plan(company: Company, by: Sequence[str], notebooks: Path, locale: Locale) -> Plan:
    """The sections to run for a company: those of its settings whose column it has, and a page for each of `by`.

    Without `by`, the settings' columns get a page, and without those the first further column that no section shows.
    """
    settings, columns = company.settings, company.facts["dimensions"]
    usual = next((c for c in COLUMN_OF.values() if c in columns), "manager")
    sections, left_out = [], []

    def add(name: str, section: str, cut: str = "") -> None:
        title = locale.text(f"section.{section}", columns=" × ".join(locale.title(c) for c in cut.split(",")))
        sections.append(Planned(name, section, notebooks / f"{section}.ipynb", title, cut))

    for section in dict.fromkeys([*settings.sections, *(["segments"] if by else [])]):
        lacking = COLUMN_OF.get(section)
        if section == "segments":
            further = [c for c in columns if c not in COLUMN_OF.values()]
            # A pipeline is cut by only where there is nothing that says more.
            further.sort(key=lambda c: c == "pipeline_id")
            cuts = dict.fromkeys(by or settings.by or further[:1])
            for name, cut in zip(_names(cuts), cuts, strict=True):
                add(name, section, cut)
        elif section == "costs" and not settings.costs:
            title = locale.text("section.costs")
            left_out.append(locale.text("report.left_out_settings", section=title, why=locale.text("costs.unstated")))
        elif lacking and lacking not in columns:
            title = locale.text(f"section.{section}")
            left_out.append(locale.text("report.left_out", section=title, column=lacking))
        else:
            add(section, section, usual if section in _CUT_FREELY else "")
    return Plan(sections, left_out)


def _names(cuts: Mapping[str, None]) -> list[str]:
    names: list[str] = []
    for cut in cuts:
        name = f"segment-{keeping.safe_name(cut, 'column')}"
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


def find(source: str, settings: Settings | None, timezone: str | None) -> Inputs:
    """The source of a report, its own settings read unless others are given; its files are hashed.

    Raises UsageError for a source or settings that are not there or will not do.
    """
    path = bundled() if source == BUNDLED and not Path(source).exists() else Path(source)
    file = settings_module.find(path) if path.exists() else None
    own = (settings or (settings_module.load(file) if file else Settings())).with_timezone(timezone)
    tables = path / own.path if own.path and path.is_dir() else path
    if not tables.exists():
        raise UsageError(
            f"{tables} does not exist; a folder of tables, a workbook (.xlsx) or a store (.duckdb) is wanted"
        )
    # Notebooks are run again from any folder: they name the source by its whole path.
    said = source if path == bundled() else str(path.resolve())
    found = [*files(tables), *([file] if file else [])]
    try:
        return Inputs(said, path, own, {p.name: manifest.described(p) for p in found})
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
