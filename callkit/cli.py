"""The command line: `callkit metrics`, `check`, `pull`, `build`, `report`, `app`, `demo`, `init` and `config validate`.

Exit codes: 0 done; 1 failed; 2 usage or settings; 3 the data breaks the contract; 130 interrupted. Slow libraries are
imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from callkit.errors import CallkitError, UsageError
from callkit.grammar import grammar


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the user's mistakes end in one message on stderr and an exit code, never in a traceback."""
    try:
        arguments = grammar().parse_args(argv)
        code = int(_RUN[arguments.verb](arguments) or 0)
        sys.stdout.flush()
    except CallkitError as error:
        print(f"callkit: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("callkit: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # a reader that went away (`| head`) needs no word
            print(f"callkit: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        # What is still unwritten would fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _metrics(arguments: argparse.Namespace) -> None:
    from callkit import writing
    from callkit.company import open_company
    from callkit.measuring import measure_resolved
    from callkit.scope import Scope, conditions, resolve
    from callkit.zones import Period

    if arguments.month and (arguments.start or arguments.stop):
        raise UsageError("give one period: either --month, or --from and --to")
    if arguments.month is not None:
        period = Period.of_month(arguments.month)
    elif arguments.start is not None and arguments.stop is not None:
        period = Period.of_days(arguments.start, arguments.stop)
    else:
        raise UsageError("a period is wanted: --month 2026-10, or --from 2026-10-01 --to 2026-11-01")
    scope = Scope(period, arguments.lens, arguments.credit, conditions(arguments.where))
    with open_company(arguments.source, timezone=arguments.timezone) as company:
        _say_zone(company.facts["zone_declared"])
        resolved = resolve(company, scope, arguments.by)
        for note in resolved.notes:
            print(f"callkit: {note}", file=sys.stderr)
        figures = measure_resolved(company, resolved)
    writing.write(figures, arguments.format)


def _say_zone(declared: bool) -> None:
    if not declared:
        print("callkit: no time zone is set ([account] timezone, or --timezone); UTC is used", file=sys.stderr)


def _check(arguments: argparse.Namespace) -> int:
    from callkit import checking

    return checking.run(arguments.source, arguments.timezone, arguments.lang, arguments.format)


def _pull(arguments: argparse.Namespace) -> None:
    from callkit.crm import pulling

    if arguments.fields:
        print(pulling.listed(arguments.folder))
        return
    print(
        pulling.run(
            arguments.folder, since=arguments.since, full=arguments.full, rebuild=arguments.rebuild, code=arguments.code
        )
    )


def _build(arguments: argparse.Namespace) -> None:
    from callkit.company import build, open_company
    from callkit.stored import Stored

    there = Stored.at(arguments.out) if arguments.out.is_file() else None
    out = build(
        arguments.source, arguments.out, timezone=arguments.timezone, memory=arguments.memory, force=arguments.force
    )
    if Stored.at(out) == there:
        print(f"callkit: nothing has changed since {out} was built; --force builds it again", file=sys.stderr)
    with open_company(out) as company:
        if Stored.at(out) != there:
            _say_built(company.facts.get("built", {}))
        _say_zone(company.facts["zone_declared"])
    print(out)


def _say_built(built: Mapping[str, Any]) -> None:
    if "calls" in built:
        print(f"callkit: {built['calls']:,} new calls, {built['deals']:,} deals placed anew", file=sys.stderr)
    elif built.get("whole"):
        print(f"callkit: built whole: {built['whole']}", file=sys.stderr)


def _report(arguments: argparse.Namespace) -> int:
    from callkit import report
    from callkit.zones import Period

    if arguments.jobs < 0:
        raise UsageError(f"--jobs {arguments.jobs}: a number above 0 is wanted")
    if arguments.fleet:
        return _fleet(arguments)
    if not arguments.source:
        raise UsageError("what to report on is wanted: callkit report SOURCE …, or --fleet DIR")
    outcomes = report.run(
        arguments.source, Period.of_month(arguments.month).months(), out=arguments.out, lang=arguments.lang,
        by=arguments.by, lens=arguments.lens, credit=arguments.credit, where=arguments.where,
        timezone=arguments.timezone, force=arguments.force, pdf=arguments.pdf, jobs=arguments.jobs or 2,
        since_last=arguments.since_last,
    )  # fmt: skip
    failed = [(outcome, name) for outcome in outcomes for name in outcome.failed]
    for outcome, name in failed:
        print(
            f"callkit: section {name} of {outcome.month} failed; its notebook is in {outcome.folder}", file=sys.stderr
        )
    for outcome in outcomes:
        if outcome.since_last:
            print(outcome.since_last)
    for outcome in outcomes:
        print(outcome.html)
    return 1 if failed else 0


def _fleet(arguments: argparse.Namespace) -> int:
    from callkit.report import fleet
    from callkit.zones import Period

    if arguments.source:
        raise UsageError(f"give one of them: the source {arguments.source}, or --fleet {arguments.fleet}")
    options = ["--lens", arguments.lens, "--credit", arguments.credit]
    options += ["--lang", arguments.lang] if arguments.lang else []
    options += ["--timezone", arguments.timezone] if arguments.timezone else []
    options += [word for column in arguments.by for word in ("--by", column)]
    options += [word for condition in arguments.where for word in ("--where", condition)]
    options += [f"--{name}" for name in ("force", "pdf") if getattr(arguments, name)]
    options += ["--since-last"] if arguments.since_last else []
    told, page = fleet.run(
        arguments.fleet, Period.of_month(arguments.month).months(), options,
        out=arguments.out, lang=arguments.lang, jobs=arguments.jobs,
    )  # fmt: skip
    failed = [t.name for t in told if t.state in (fleet.FAILED, fleet.PARTLY)]
    if arguments.since_last:
        print("\n".join(fleet.since_last(told, arguments.out)))
    print(f"callkit: {len(told) - len(failed)} of {len(told)} companies are in order", file=sys.stderr)
    print(page)
    return 1 if failed else 0


def _app(arguments: argparse.Namespace) -> None:
    from callkit import serving

    if arguments.example:
        print(serving.example(arguments.example))
    elif arguments.check:
        print(serving.check(arguments.check))
    elif arguments.add_user:
        if not arguments.password_file:
            raise UsageError("--add-user wants --password-file FILE, the file to write to")
        print(serving.add_user(arguments.add_user, arguments.password_file))
    elif not arguments.source:
        raise UsageError("what to serve is wanted: callkit app SOURCE, as callkit app demo")
    else:
        serving.run(
            serving.Serving(
                arguments.source, arguments.host, arguments.port, arguments.token, arguments.password_file,
                arguments.preheat, arguments.lang,
            )
        )  # fmt: skip


def _demo(arguments: argparse.Namespace) -> None:
    from callkit import demo

    print(demo.write(arguments.folder, arguments.calls, arguments.months, arguments.seed, arguments.lang))


def _init(arguments: argparse.Namespace) -> None:
    from callkit import starting

    print(starting.init(arguments.folder))


def _validate(arguments: argparse.Namespace) -> None:
    from callkit import settings

    settings.load(arguments.file)
    print(f"{arguments.file}: in order")


_RUN: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "metrics": _metrics,
    "check": _check,
    "pull": _pull,
    "build": _build,
    "report": _report,
    "app": _app,
    "demo": _demo,
    "init": _init,
    "validate": _validate,
}
