"""The command line: `callkit metrics`, `check`, `pull`, `build`, `report`, `app`, `demo`, `init` and `config validate`.

Exit codes: 0 done; 1 failed; 2 usage or settings; 3 the data breaks the contract; 130 interrupted. Slow libraries are
imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from callkit import __version__
from callkit.errors import CallkitError, UsageError

SOURCE_HELP = "a folder of CSV or Parquet tables, a workbook (.xlsx), a store (.duckdb), or 'demo'"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the user's mistakes end in one message on stderr and an exit code, never in a traceback."""
    try:
        arguments = grammar().parse_args(argv)
        code = int(arguments.run(arguments) or 0)
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


def grammar() -> argparse.ArgumentParser:
    """The command line's grammar, with examples in every `--help`."""
    top = argparse.ArgumentParser(
        prog="callkit",
        description="Share of talk against share of sales: every call of a CRM joined to the stage its deal stood on.",
        epilog="Exit codes: 0 done, 1 failed, 2 usage or settings, 3 the data breaks the contract, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"callkit {__version__}")
    verbs = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    verb = _verb(
        verbs, "metrics", _metrics, "print the figures by segment", "callkit metrics demo --by source --month 2026-10"
    )
    verb.add_argument("source", help=SOURCE_HELP)
    verb.add_argument("--by", action="append", default=[], metavar="COL", help="cut by this column; may repeat")
    verb.add_argument("--month", metavar="2026-10", help="a month, or a range 2026-08..2026-10")
    verb.add_argument("--from", dest="start", metavar="DAY", help="the first day, with --to")
    verb.add_argument("--to", dest="stop", metavar="DAY", help="the day after the last one, with --from")
    _scope_options(verb)
    verb.add_argument("--format", choices=("table", "csv", "json", "parquet"), default="table")

    verb = _verb(
        verbs, "check", _check, "check the tables and tell what looks odd", "callkit check tables/ --format json"
    )
    verb.add_argument("source", help=SOURCE_HELP)
    verb.add_argument("--timezone", metavar="ZONE", help="the account's zone, as Europe/Moscow")
    verb.add_argument("--lang", choices=("ru", "en"), default="", help="language of the quality part")
    verb.add_argument("--format", choices=("text", "json"), default="text")

    verb = _verb(
        verbs, "pull", _pull, "fetch what is new from the CRM, and place it",
        "callkit pull shop/\n  callkit pull shop/ --fields",
    )  # fmt: skip
    verb.add_argument("folder", type=Path, metavar="DIR", help="a folder whose callkit.toml names a [source] kind")
    verb.add_argument("--since", default="", metavar="DAY", help="at the first pull, only calls from this day on")
    verb.add_argument("--full", action="store_true", help="read everything again, not only what is new")
    verb.add_argument("--rebuild", action="store_true", help="ask nothing, place again what was pulled before")
    verb.add_argument("--fields", action="store_true", help="list the CRM's own fields and how often they are filled")
    verb.add_argument(
        "--code", default="", metavar="CODE", help="of a fresh OAuth2 integration: exchange it for tokens"
    )

    verb = _verb(
        verbs, "build", _build, "place the calls once, into a store", "callkit build tables/ --out company.duckdb"
    )
    verb.add_argument("source", help="a folder of CSV or Parquet tables, or a workbook (.xlsx)")
    verb.add_argument("--out", type=Path, required=True, metavar="FILE", help="the store to write, ending in .duckdb")
    verb.add_argument("--timezone", metavar="ZONE", help="the account's zone, as Europe/Moscow")
    verb.add_argument("--memory", default="", metavar="4GB", help="at most this much memory; the rest goes to disk")

    verb = _verb(
        verbs, "report", _report, "make the monthly report",
        "callkit report demo --month 2026-10\n  callkit report tables/ --month 2026-08..2026-10 --by region --lang en",
    )  # fmt: skip
    verb.add_argument("source", help=SOURCE_HELP)
    verb.add_argument("--month", required=True, metavar="2026-10", help="a month, or a range: a report for each")
    verb.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="default: reports")
    verb.add_argument("--lang", choices=("ru", "en"), default="", help="default: the company's language")
    verb.add_argument("--by", action="append", default=[], metavar="COL", help="one more page cut by this column")
    _scope_options(verb)
    verb.add_argument("--force", action="store_true", help="make it again even if nothing changed")
    verb.add_argument("--pdf", action="store_true", help="a PDF too, where a Chromium is found")

    _app_options(_verb(
        verbs, "app", _app, "serve the report as an app for managers",
        "callkit app demo\n  callkit app shop/ --host 0.0.0.0 --password-file users.txt\n  callkit app --check 8866",
    ))  # fmt: skip

    verb = _verb(verbs, "demo", _demo, "write a demo company", "callkit demo shop/ --calls 20000 --months 12 --seed 3")
    verb.add_argument("folder", type=Path, metavar="DIR")
    verb.add_argument("--calls", type=int, default=6000, metavar="N")
    verb.add_argument("--months", type=int, default=6, metavar="N")
    verb.add_argument("--seed", type=int, default=7, metavar="S")
    verb.add_argument("--lang", choices=("ru", "en"), default="ru")

    verb = _verb(
        verbs, "init", _init, "make a folder of your own: settings, notebooks, a place for tables", "callkit init shop/"
    )
    verb.add_argument("folder", type=Path, metavar="DIR")

    config = verbs.add_parser("config", help="settings").add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    verb = _verb(config, "validate", _validate, "check a callkit.toml", "callkit config validate shop/callkit.toml")
    verb.add_argument("file", type=Path, nargs="?", default=Path("callkit.toml"))
    return top


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    told: str,
    example: str,
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(
        name,
        help=told,
        description=told[0].upper() + told[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(run=run)
    return verb


def _app_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("source", nargs="?", default="", help=SOURCE_HELP)
    verb.add_argument("--host", default="127.0.0.1", help="the address to listen at; default: this machine alone")
    verb.add_argument("--port", type=int, default=8866, metavar="N", help="default: 8866; 0 finds a free one")
    verb.add_argument("--token", nargs="?", const="", help="let in by this token, or by one made; or CALLKIT_TOKEN")
    verb.add_argument("--password-file", type=Path, metavar="FILE", help="let in by these hashed passwords")
    verb.add_argument("--add-user", default="", metavar="NAME", help="write a user into --password-file")
    verb.add_argument("--preheat", type=int, default=2, metavar="N", help="processes that stand ready; default: 2")
    verb.add_argument("--lang", choices=("ru", "en"), default="", help="default: the company's language")
    verb.add_argument("--check", default="", metavar="PORT", help="ask a running app, by port or address, if it works")
    verb.add_argument("--example", default="", metavar="NAME", help="print an example: systemd or nginx")


def _scope_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--lens", default="closed", metavar="LENS", help="closed (default), lifetime, created or called")
    verb.add_argument("--credit", default="owner", metavar="MODE", help="owner (default), talk, equal, first or last")
    verb.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COL=V[,V]",
        help="keep these values; the values are one CSV row",
    )
    verb.add_argument("--timezone", metavar="ZONE", help="the account's zone, as Europe/Moscow")


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

    out = build(arguments.source, arguments.out, timezone=arguments.timezone, memory=arguments.memory)
    with open_company(out) as company:
        _say_zone(company.facts["zone_declared"])
    print(out)


def _report(arguments: argparse.Namespace) -> int:
    from callkit import report
    from callkit.zones import Period

    outcomes = report.run(
        arguments.source, Period.of_month(arguments.month).months(), out=arguments.out, lang=arguments.lang,
        by=arguments.by, lens=arguments.lens, credit=arguments.credit, where=arguments.where,
        timezone=arguments.timezone, force=arguments.force, pdf=arguments.pdf,
    )  # fmt: skip
    failed = [(outcome, name) for outcome in outcomes for name in outcome.failed]
    for outcome, name in failed:
        print(
            f"callkit: section {name} of {outcome.month} failed; its notebook is in {outcome.folder}", file=sys.stderr
        )
    for outcome in outcomes:
        print(outcome.html)
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
