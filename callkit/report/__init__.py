"""The monthly report: every section's notebook run by papermill, and composed into one HTML file and a workbook.

A month is made aside and put into place whole; it is skipped while nothing that it was made from has changed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from callkit import __version__, stored
from callkit.company import STORE_OF, Company, build, open_company
from callkit.decisions import costs, reached
from callkit.locale import Locale
from callkit.report import executed, keeping, manifest, watching
from callkit.report import pdf as printing
from callkit.report.executed import About, Executed
from callkit.report.planning import Inputs, Plan, Planned, Request, find, plan
from callkit.report.running import Crew, Job, Ran, check_parameters
from callkit.scope import Scope, conditions, resolve
from callkit.settings import Settings
from callkit.starting import notebooks_folder
from callkit.zones import Period


@dataclass(frozen=True)
class Outcome:
    """What became of a month: where it lies, which sections failed, whether it was there already.

    `since_last` tells what crossed a line since the last report, where that was asked for.
    """

    month: Period
    folder: Path
    html: Path
    failed: tuple[str, ...] = ()
    skipped: bool = False
    since_last: str = ""


def run(
    source: str,
    months: Sequence[Period],
    *,
    out: Path = Path("reports"),
    lang: str = "",
    by: Sequence[str] = (),
    lens: str = "closed",
    credit: str = "owner",
    where: Sequence[str] = (),
    timezone: str | None = None,
    settings: Settings | None = None,
    force: bool = False,
    pdf: bool = False,
    notebooks: Path | None = None,
    jobs: int = 2,
    since_last: bool = False,
) -> list[Outcome]:
    """Makes the report of each month, `jobs` notebooks at a time, and says what became of it.

    A month goes to `out/<company>/<month>`: the executed notebooks, one HTML file, a workbook, a manifest, and with
    `pdf` and a Chromium a PDF. It is skipped if it is there, whole, and made from the same inputs, parameters,
    notebooks and version; `force` makes it all the same. `by` adds a page for each of its columns (two are parted by
    a comma). `since_last` tells with the last month what crossed a line since the last report of the same lens, credit
    and filters, and writes it into `out/<company>` (`callkit.report.watching`). A section that fails is told in its
    place in the report and in the outcome; its notebook keeps the traceback.

    Raises UsageError for a source, column, filter or notebook that will not do, ContractError for broken tables,
    CallkitError where a file cannot be written; the months shelved by then stay.
    """
    cuts = tuple(",".join(column.strip() for column in cut.split(",")) for cut in by)
    request = Request(source, out, lang, cuts, lens, credit, tuple(where), timezone or "", pdf)
    batch = _Batch(request, find(source, settings, timezone), notebooks or notebooks_folder())
    outcomes = batch.run(months, force, jobs)
    return batch.watch(outcomes, since_last=since_last)


class _Batch:
    """A request being carried out."""

    def __init__(self, request: Request, inputs: Inputs, notebooks: Path) -> None:
        self.request, self.inputs, self.notebooks = request, inputs, notebooks
        self.locale: Locale = inputs.settings.locale(request.lang)
        self.name = inputs.settings.name or Path(inputs.said).stem
        if inputs.is_store:
            with open_company(inputs.path, timezone=request.timezone or None) as company:
                self.locale, self.name = company.settings.locale(request.lang), company.name
        self.place = request.out / keeping.safe_name(self.name)

    def run(self, months: Sequence[Period], force: bool, jobs: int) -> list[Outcome]:
        keeping.clear(self.place)
        todo = [m for m in months if force or not manifest.finished(self.place / str(m), self._digest(m))]
        made = self._make(todo, jobs) if todo else {}
        for month in months:
            if month not in made:
                _say(f"{month}: nothing changed, the report is there already")
        return [made.get(m) or self._outcome(m, skipped=True) for m in months]

    def watch(self, outcomes: Sequence[Outcome], *, since_last: bool) -> list[Outcome]:
        """Keeps what the last month has to be watched, and tells, if asked, what crossed a line since then."""
        *others, last = outcomes
        now = manifest.read(last.folder).get("watched", {})
        scope = (self.request.lens, self.request.credit, *sorted(self.request.where))
        with keeping.told(self.place):
            if since_last:
                told = watching.since_last(self.place, self.name, last.month, scope, now, self.locale)
                last = dataclasses.replace(last, since_last=told)
            watching.keep(self.place, last.month, scope, now)
        return [*others, last]

    def _digest(self, month: Period) -> str:
        """The digest of everything a month is made from."""
        return manifest.digest(
            {
                "inputs": {name: told["sha256"] for name, told in self.inputs.files.items()},
                "settings": dataclasses.asdict(self.inputs.settings),
                "parameters": self.request.parameters(self.inputs.said, month),
                "by": self.request.by,
                "pdf": self.request.pdf and printing.chromium() is not None,
                "notebooks": {p.name: manifest.described(p) for p in sorted(self.notebooks.glob("*.ipynb"))},
                "callkit": __version__,
                # What lies in an engine can only be known by reading it: such a month is always made.
                "drawn": dt.datetime.now().isoformat() if self.inputs.settings.engine.get("tables") else "",
            }
        )

    def _outcome(self, month: Period, failed: Sequence[str] = (), *, skipped: bool = False) -> Outcome:
        folder = self.place / str(month)
        return Outcome(month, folder, folder / f"{self._file(month)}.html", tuple(failed), skipped)

    def _file(self, month: Period) -> str:
        return f"{self.place.name}-{month}"

    def _make(self, months: Sequence[Period], jobs: int) -> dict[Period, Outcome]:
        with ExitStack() as stack:
            scratch = stack.enter_context(keeping.scratch(self.place))
            store = self.inputs.path if self.inputs.is_store else scratch / stored.name(self.inputs.settings.engine)
            told = json.dumps({"source": self.inputs.said, "store": str(store.resolve())})
            crew = stack.enter_context(Crew(jobs, {STORE_OF: told}))
            if not self.inputs.is_store:
                stack.callback(stored.discard, store)
                build(self.inputs.path, store, timezone=self.request.timezone or None, settings=self.inputs.settings)
            company = stack.enter_context(open_company(store, timezone=self.request.timezone or None))
            todo = self._checked(company, months[0])
            declared = self._declared(todo, months[0])
            bar = stack.enter_context(_bar(len(months) * len(todo.sections)))
            started: dict[Period, list[Future[Ran]]] = {}
            for month in months:
                folder = scratch / str(month)
                with keeping.told(self.place):
                    folder.mkdir()
                started[month] = [crew.run(self._job(p, month, folder, declared[p.name])) for p in todo.sections]
                for future in started[month]:
                    future.add_done_callback(lambda _: bar.update())
            _get_ready()
            made = {}
            for month, futures in started.items():
                start = time.perf_counter()
                sections = [
                    _executed(p, scratch / str(month), f.result()) for p, f in zip(todo.sections, futures, strict=True)
                ]
                made[month] = self._compose(company, month, scratch / str(month), sections, todo)
                _say(f"{month}: {len(sections)} sections, {time.perf_counter() - start:.1f} s", bar)
            return made

    def _checked(self, company: Company, month: Period) -> Plan:
        """The plan, once its columns and filters are known to be there; what looks mistaken is said."""
        scope = Scope(month, self.request.lens, self.request.credit, conditions(self.request.where))
        todo = plan(company, self.request.by, self.notebooks, self.locale)
        notes = dict.fromkeys(
            note
            for cut in dict.fromkeys(["", *(p.by for p in todo.sections)])
            for note in resolve(company, scope, cut.split(",") if cut else ()).notes
        )
        if not company.facts["zone_declared"]:
            _say("no time zone is set ([account] timezone, or --timezone); UTC is used")
        for note in [*notes, *reached.unknown(company), *costs.unknown(company)]:
            _say(note)
        return todo

    def _declared(self, todo: Plan, month: Period) -> dict[str, tuple[str, ...]]:
        """The parameters that each section's notebook declares: all that are needed, or it is said which is not."""
        needed = self.request.needed(month)
        by = {p.name: ["by"] if p.section == "segments" else [] for p in todo.sections}
        return {p.name: check_parameters(p.notebook, [*needed, *by[p.name]]) for p in todo.sections}

    def _job(self, planned: Planned, month: Period, folder: Path, declared: Sequence[str]) -> Job:
        values = self.request.parameters(self.inputs.said, month) | {"by": planned.by}
        out = folder.resolve() / f"{planned.name}.ipynb"
        given = {name: value for name, value in values.items() if name in declared and (name != "by" or value)}
        return Job(str(planned.notebook.resolve()), str(out), given)

    def _compose(
        self, company: Company, month: Period, folder: Path, sections: Sequence[Executed], todo: Plan
    ) -> Outcome:
        from callkit.report import page, workbook

        about = self._about(company, month, todo)
        outcome = self._outcome(month, [s.name for s in sections if s.failed])
        name = self._file(month)
        with keeping.told(outcome.folder):
            (folder / f"{name}.html").write_text(page.compose(about, sections, self.locale), encoding="utf-8")
            workbook.write(folder / f"{name}.xlsx", about, sections, self.locale)
            if self.request.pdf and (trouble := printing.write(folder / f"{name}.html", folder / f"{name}.pdf")):
                _say(f"{month}: no PDF, {trouble}")
            manifest.write(folder, self._manifest(about, month, sections))
        keeping.shelve(folder, outcome.folder)
        return outcome

    def _about(self, company: Company, month: Period, todo: Plan) -> About:
        request = self.request
        scope = Scope(month, request.lens, request.credit, conditions(request.where))
        return About(
            company=self.name,
            period=self.locale.period(month.start, month.stop),
            until=month.stop - dt.timedelta(days=1),
            facts=executed.facts(company, scope, self.locale),
            command=request.command(month),
            inputs=self.inputs.files,
            versions=manifest.versions(),
            left_out=todo.left_out,
        )

    def _manifest(self, about: About, month: Period, sections: Sequence[Executed]) -> dict[str, object]:
        failed = {s.name: s.failed for s in sections if s.failed}
        return {
            "company": about.company,
            "month": str(month),
            "status": manifest.FAILED if failed else manifest.FINISHED,
            "failed": failed,
            "left_out": list(about.left_out),
            "digest": self._digest(month),
            "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "command": about.command,
            "inputs": about.inputs,
            "parameters": self.request.parameters(self.inputs.said, month) | {"by": list(self.request.by)},
            "versions": about.versions,
            "watched": watching.watched(sections),
            "figures": {s.name: s.facts["totals"] for s in sections if "totals" in s.facts},
            "seconds": {s.name: round(s.seconds, 3) for s in sections},
        }


def _executed(planned: Planned, folder: Path, ran: Ran) -> Executed:
    path = folder / f"{planned.name}.ipynb"
    return Executed(planned.name, planned.section, planned.title, path, ran.seconds, ran.failed)


def _get_ready() -> None:
    """Imports what composes the report, and makes the chart library, while the first notebooks run."""
    from callkit import show
    from callkit.report import page, workbook  # noqa: F401

    show.vega_bundle()


def _bar(total: int) -> tqdm:
    """A progress bar on a terminal, nothing where standard error is none."""
    return tqdm(total=total, unit="section", file=sys.stderr, disable=None, leave=False)


def _say(text: str, bar: tqdm | None = None) -> None:
    line = f"callkit: {text}"
    if bar is not None and not bar.disable:
        bar.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr)
