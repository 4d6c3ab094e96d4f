"""Many companies' reports in one run: each by a process of its own, as many at a time as there are cores.

A company that is broken, or whose process dies, is told in the summary and stops no other. Months that are there
already are skipped, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from callkit import settings, stored
from callkit.caching import write_whole
from callkit.company import open_company
from callkit.errors import CallkitError, UsageError
from callkit.locale import Locale
from callkit.report import fleet_page, keeping, manifest, watching
from callkit.zones import Period

SUMMARY, FACTS = "index.html", "fleet.json"
MADE, THERE, PARTLY, FAILED = "made", "there", "partly", "failed"
_TABLES = (".csv", ".parquet")
_WHOLE = (".xlsx", *stored.SUFFIXES)


@dataclass(frozen=True)
class Member:
    """A company of a fleet: where it lies, what it is called, and the settings beside it."""

    source: Path
    name: str
    locale: Locale


@dataclass(frozen=True)
class Told:
    """What became of a company: its state, why it failed, seconds, its reports by month, and its whole figures.

    `state` is made, there (nothing had changed), partly (a section failed) or failed. `reports` are paths beside the
    summary; `figures` the measures of the whole scope in the last month that there is a report of.
    """

    name: str
    source: str
    state: str
    reason: str
    seconds: float
    reports: Mapping[str, str]
    figures: Mapping[str, float | None]


def run(
    fleet: Path, months: Sequence[Period], options: Sequence[str], *, out: Path, lang: str = "", jobs: int = 0
) -> tuple[list[Told], Path]:
    """Makes the reports of every company in a folder; returns what became of each, and the path of the summary page.

    A company is a folder with tables or with a `callkit.toml`, a workbook or a store. `options` go to each `callkit
    report` as they are. `jobs` companies are made at a time, as many as there are cores unless said.

    Raises UsageError where there is no company in the folder.
    """
    members = found(fleet, lang)
    twice = {name for name, count in Counter(keeping.safe_name(m.name) for m in members).items() if count > 1}
    months = list(months)

    def one(member: Member) -> Told:
        if keeping.safe_name(member.name) in twice:
            where = f"this one lies in {member.source.name}"
            reason = f"several companies are called {member.name!r}, {where}; [company] name tells them apart"
            return Told(member.name, member.source.name, FAILED, reason, 0.0, {}, {})
        return _made(member, months, options, out)

    told = []
    bar = tqdm(total=len(members), unit="company", file=sys.stderr, disable=None, leave=False)
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool, bar:
        for answer in pool.map(one, members):
            told.append(answer)
            bar.update()
            if answer.state == FAILED:
                bar.write(f"callkit: {answer.name}: {answer.reason}", file=sys.stderr)
    facts = {"months": [str(m) for m in months], "companies": [asdict(t) for t in told]}
    with keeping.told(out):
        write_whole(out / FACTS, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
        locales = {member.source.name: member.locale for member in members}
        write_whole(out / SUMMARY, fleet_page.compose(told, months, locales, Locale(lang or "ru")))
    return told, out / SUMMARY


def since_last(told: Sequence[Told], out: Path) -> list[str]:
    """What crossed a line in each company whose report went through, as `callkit report --since-last` wrote it."""
    places = [out / keeping.safe_name(t.name) / watching.TEXT for t in told if t.state != FAILED]
    return [place.read_text(encoding="utf-8") for place in places if place.is_file()]


def found(fleet: Path, lang: str = "") -> list[Member]:
    """The companies in a folder, by name of file.

    Raises UsageError for what is no folder, and for one without any company.
    """
    if not fleet.is_dir():
        raise UsageError(f"{fleet} is no folder; --fleet wants one with a folder, workbook or store a company")
    sources = sorted(path for path in fleet.iterdir() if _is_company(path))
    if not sources:
        raise UsageError(f"{fleet} holds no company: no folder of tables, no workbook (.xlsx), no store (.duckdb)")
    return [_member(source, lang) for source in sources]


def _is_company(path: Path) -> bool:
    if path.name.startswith((".", "~")):
        return False
    if path.is_dir():
        return any(p.suffix in _TABLES or p.name == settings.FILE for p in path.iterdir())
    return path.suffix in _WHOLE


def _member(source: Path, lang: str) -> Member:
    """A company under the name that its report will have; one that cannot be read fails later, in its own process."""
    try:
        if stored.is_store(source):
            with open_company(source) as company:
                return Member(source, company.name, company.settings.locale(lang))
        file = settings.find(source) if source.is_dir() else None
        own = settings.load(file) if file else settings.Settings()
        return Member(source, own.name or source.stem, own.locale(lang))
    except CallkitError:
        return Member(source, source.stem, Locale(lang or "ru"))


def _made(member: Member, months: Sequence[Period], options: Sequence[str], out: Path) -> Told:
    """Runs `callkit report` for one company, month after month of one range, and reads what it left."""
    start = time.perf_counter()
    span = f"{months[0]}..{months[-1]}" if len(months) > 1 else str(months[0])
    words = ["report", str(member.source), "--month", span, "--out", str(out), "--jobs", "1", *options]
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "callkit", *words], capture_output=True, text=True, env=_environment(), check=False
    )
    seconds = time.perf_counter() - start
    place = out / keeping.safe_name(member.name)
    kept = {str(m): manifest.read(place / str(m)) for m in months}
    reports = {month: _page(place / month, out) for month, facts in kept.items() if facts}
    last = next((facts for facts in reversed(kept.values()) if facts.get("figures")), {})
    figures: Mapping[str, float | None] = next(iter(last.get("figures", {}).values()), {})
    state, reason = _state(ran, len(months))
    return Told(member.name, member.source.name, state, reason, round(seconds, 1), reports, figures)


def _state(ran: subprocess.CompletedProcess[str], months: int) -> tuple[str, str]:
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    told = [line.removeprefix("callkit: ") for line in lines if line.startswith("callkit: ")]
    if ran.returncode == 0:
        return (THERE if sum("nothing changed" in line for line in told) == months else MADE), ""
    if ran.returncode == 1 and ran.stdout.strip():
        return PARTLY, "; ".join(line for line in told if line.startswith("section "))
    if ran.returncode < 0:
        return FAILED, f"its process ended with signal {-ran.returncode}"
    first = next((i for i, line in enumerate(lines) if line.startswith("callkit: ")), 0)
    return FAILED, " ".join(line.removeprefix("callkit: ").strip() for line in lines[first : first + 4])[:500]


def _page(folder: Path, out: Path) -> str:
    """The path of a month's page as the summary links to it."""
    page = next(iter(sorted(folder.glob("*.html"))), folder)
    return page.relative_to(out).as_posix()


def _environment() -> dict[str, str]:
    """This very callkit, whatever folder is the current one."""
    own = str(Path(__file__).resolve().parent.parent.parent)
    paths = [own, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
