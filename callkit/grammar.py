"""The grammar of the command line: every command with its options, help and an example."""

from __future__ import annotations

import argparse
from pathlib import Path

from callkit import __version__

SOURCE_HELP = "a folder of CSV or Parquet tables, a workbook (.xlsx), a store (.duckdb), or 'demo'"


def grammar() -> argparse.ArgumentParser:
    """The command line's grammar, with examples in every `--help`."""
    top = argparse.ArgumentParser(
        prog="callkit",
        description="Share of talk against share of sales: every call of a CRM joined to the stage its deal stood on.",
        epilog="Exit codes: 0 done, 1 failed, 2 usage or settings, 3 the data breaks the contract, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"callkit {__version__}")
    verbs = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    verb = _verb(verbs, "metrics", "print the figures by segment", "callkit metrics demo --by source --month 2026-10")
    verb.add_argument("source", help=SOURCE_HELP)
    verb.add_argument("--by", action="append", default=[], metavar="COL", help="cut by this column; may repeat")
    verb.add_argument("--month", metavar="2026-10", help="a month, or a range 2026-08..2026-10")
    verb.add_argument("--from", dest="start", metavar="DAY", help="the first day, with --to")
    verb.add_argument("--to", dest="stop", metavar="DAY", help="the day after the last one, with --from")
    _scope_options(verb)
    verb.add_argument("--format", choices=("table", "csv", "json", "parquet"), default="table")

    verb = _verb(verbs, "check", "check the tables and tell what looks odd", "callkit check tables/ --format json")
    verb.add_argument("source", help=SOURCE_HELP)
    verb.add_argument("--timezone", metavar="ZONE", help="the account's zone, as Europe/Moscow")
    verb.add_argument("--lang", choices=("ru", "en"), default="", help="language of the quality part")
    verb.add_argument("--format", choices=("text", "json"), default="text")

    verb = _verb(
        verbs, "pull", "fetch what is new from the CRM, and place it",
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

    verb = _verb(verbs, "build", "place the calls once, into a store", "callkit build tables/ --out company.duckdb")
    verb.add_argument("source", help="a folder of CSV or Parquet tables, or a workbook (.xlsx)")
    verb.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the store to write: .duckdb, or .callkit in an engine"
    )
    verb.add_argument("--timezone", metavar="ZONE", help="the account's zone, as Europe/Moscow")
    verb.add_argument("--memory", default="", metavar="4GB", help="at most this much memory; the rest goes to disk")
    verb.add_argument("--force", action="store_true", help="make it again even if nothing changed")

    _report_options(_verb(
        verbs, "report", "make the monthly report",
        "callkit report demo --month 2026-10\n  callkit report tables/ --month 2026-08..2026-10 --by region --lang en\n"
        "  callkit report --fleet companies/ --month 2026-10\n  callkit report shop/ --month 2026-10 --since-last",
    ))  # fmt: skip

    _app_options(_verb(
        verbs, "app", "serve the report as an app for managers",
        "callkit app demo\n  callkit app shop/ --host 0.0.0.0 --password-file users.txt\n  callkit app --check 8866",
    ))  # fmt: skip

    verb = _verb(verbs, "demo", "write a demo company", "callkit demo shop/ --calls 20000 --months 12 --seed 3")
    verb.add_argument("folder", type=Path, metavar="DIR")
    verb.add_argument("--calls", type=int, default=6000, metavar="N")
    verb.add_argument("--months", type=int, default=6, metavar="N")
    verb.add_argument("--seed", type=int, default=7, metavar="S")
    verb.add_argument("--lang", choices=("ru", "en"), default="ru")

    verb = _verb(
        verbs, "init", "make a folder of your own: settings, notebooks, a place for tables", "callkit init shop/"
    )
    verb.add_argument("folder", type=Path, metavar="DIR")

    config = verbs.add_parser("config", help="settings").add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    verb = _verb(config, "validate", "check a callkit.toml", "callkit config validate shop/callkit.toml")
    verb.add_argument("file", type=Path, nargs="?", default=Path("callkit.toml"))
    return top


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
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
    verb.set_defaults(verb=name)
    return verb


def _report_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("source", nargs="?", default="", help=SOURCE_HELP)
    verb.add_argument("--fleet", type=Path, metavar="DIR", help="every company in this folder, and a summary page")
    verb.add_argument("--month", required=True, metavar="2026-10", help="a month, or a range: a report for each")
    verb.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="default: reports")
    verb.add_argument("--lang", choices=("ru", "en"), default="", help="default: the company's language")
    verb.add_argument("--by", action="append", default=[], metavar="COL", help="one more page cut by this column")
    _scope_options(verb)
    verb.add_argument("--force", action="store_true", help="make it again even if nothing changed")
    verb.add_argument("--pdf", action="store_true", help="a PDF too, where a Chromium is found")
    verb.add_argument("--since-last", action="store_true", help="list what crossed a line since the last report")
    verb.add_argument("--jobs", type=int, default=0, metavar="N", help="notebooks, or companies of a fleet, at a time")


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
