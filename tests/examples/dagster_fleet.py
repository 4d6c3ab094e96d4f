"""A fleet of companies as a Dagster job: callkit's own section notebooks, run by Dagster's papermill operator.

    pip install callkit dagster dagster-webserver dagstermill    # in an environment of its own: jupyter-client < 8
    CALLKIT_COMPANIES=companies dagster dev -f dagster_fleet.py  # then Jobs > fleet > Materialize all…

Every folder of CALLKIT_COMPANIES is a partition, and so a run of its own: what breaks in one company stops no other,
and one that failed goes on from where it failed (`Re-execute from failure`). Sections are steps, none waiting for
another. Executed notebooks lie in CALLKIT_REPORTS, the notebook of a section that failed too. `monthly` runs every
company on the first day of each month, for the last whole month with calls.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster
import papermill
from dagstermill import ConfigurableLocalOutputNotebookIOManager, define_dagstermill_op

from callkit.starting import notebooks_folder

COMPANIES = Path(os.environ.get("CALLKIT_COMPANIES", "companies")).resolve()
REPORTS = Path(os.environ.get("CALLKIT_REPORTS", "reports")).resolve()
SECTIONS = ("overview", "managers", "sources", "projects", "grades", "stages", "quality")

companies = dagster.StaticPartitionsDefinition(sorted(p.name for p in COMPANIES.iterdir() if p.is_dir()))


@dagster.op
def source(context: dagster.OpExecutionContext) -> str:
    """The folder of the run's company."""
    return str(COMPANIES / context.partition_key)


@dagster.op(config_schema={"month": dagster.Field(str, default_value="last")})
def month(context: dagster.OpExecutionContext) -> str:
    """The month as callkit writes it: 2026-10, or the last whole one with calls."""
    return str(context.op_config["month"])


def section(name: str) -> Any:
    """A section's notebook as a step.

    Dagster puts its own cell in place of the notebook's parameters, so it is given them all: `source` and `month` from
    the steps before, the others as the notebook has them.
    """
    notebook = str(notebooks_folder() / f"{name}.ipynb")
    own = {key: ast.literal_eval(told["default"]) for key, told in papermill.inspect_notebook(notebook).items()}
    given = {"source": dagster.In(str), "month": dagster.In(str)}
    return define_dagstermill_op(
        name,
        notebook_path=notebook,
        ins={key: dagster.In(str, default_value=value) for key, value in own.items()} | given,
        output_notebook_name="notebook",
        save_notebook_on_failure=True,
    )


OPS = [section(name) for name in SECTIONS]


@dagster.graph
def sections() -> None:
    """All sections of one company, none waiting for another."""
    folder, wanted = source(), month()
    for made in OPS:
        made(source=folder, month=wanted)


fleet = sections.to_job(
    name="fleet",
    partitions_def=companies,
    resource_defs={"output_notebook_io_manager": ConfigurableLocalOutputNotebookIOManager(base_dir=str(REPORTS))},
    executor_def=dagster.multiprocess_executor.configured({"max_concurrent": os.cpu_count() or 2}),
)


@dagster.schedule(job=fleet, cron_schedule="0 6 1 * *")
def monthly() -> Iterator[Any]:
    """A run a company."""
    for name in companies.get_partition_keys():
        yield dagster.RunRequest(run_key=None, partition_key=name)


definitions = dagster.Definitions(jobs=[fleet], schedules=[monthly])
