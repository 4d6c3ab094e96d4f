"""The command line: `callkit metrics`, `check`, `build`, `report`, `demo`, `init`, `config`.

Exit codes: 0 done; 1 failed; 2 usage or settings; 3 the data breaks the contract; 130 interrupted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from callkit.errors import CallkitError, UsageError

if TYPE_CHECKING:
    from callkit.company import Company
    from callkit.figures import Figures
    from callkit.zones import Period


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the user's mistakes end in one message on stderr and an exit code, never in a traceback."""
    try:
        arguments = parser().parse_args(argv)
        return int(arguments.run(arguments) or 0)
    except CallkitError as error:
        print(f"callkit: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("callkit: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): silence the flush at exit too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="callkit", description="Share of talk against share of sales, from a CRM's calls.")
    verbs = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    metrics = verbs.add_parser("metrics")
    metrics.add_argument("source")
    metrics.add_argument("--by", action="append", default=[])
    metrics.add_argument("--where", action="append", default=[])
    metrics.add_argument("--month"); metrics.add_argument("--from", dest="start"); metrics.add_argument("--to", dest="stop")
    metrics.add_argument("--lens", default="closed"); metrics.add_argument("--credit", default="owner")
    metrics.add_argument("--timezone"); metrics.add_argument("--format", default="table")
    metrics.set_defaults(run=_metrics)
    return top


def _metrics(arguments: argparse.Namespace) -> None:
    from callkit.company import open_company
    from callkit.measure import measure_resolved
    from callkit.scope import Scope, conditions, resolve

    from callkit.zones import Period
    period = Period.of_month(arguments.month) if arguments.month else Period.of_days(arguments.start, arguments.stop)
    scope = Scope(period, arguments.lens, arguments.credit, conditions(arguments.where))
    with open_company(arguments.source, timezone=arguments.timezone) as company:
        resolved = resolve(company, scope, arguments.by)
        for note in resolved.notes:
            print(f"callkit: {note}", file=sys.stderr)
        figures = measure_resolved(company, resolved)
    w = csv.writer(sys.stdout, lineterminator="\n")
    w.writerow(figures.columns)
    w.writerows(figures.rows)
