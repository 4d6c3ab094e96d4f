"""`callkit init`: a folder of one's own, with commented settings, the notebooks and a place for the tables."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from callkit.errors import CallkitError, UsageError

SETTINGS = """\
# Settings of one company. Uncomment and change what differs; secrets never belong here.

[company]
name = "My company"
language = "ru"          # ru or en
currency = "RUB"
# deal_url = "https://example.amocrm.ru/leads/detail/{deal_id}"

[account]
timezone = "Europe/Moscow"   # the zone of days, months and of times that carry none

[source]
path = "tables"          # where calls.csv, deals.csv, stage_changes.csv … lie, relative to this file
# kind = "amocrm"        # instead of path: fetched by `callkit pull` from amocrm, mybi or sql (a query a table)
# subdomain = "example"  # https://example.amocrm.ru; the token stands in CALLKIT_AMOCRM_TOKEN, never here
# decimal = ","          # if numbers are written 12,5
# separator = ";"        # only if the first line does not tell

[rules]
# lead_in_minutes = 60   # a call this long before the deal's first stage still belongs to it
# contact_days = 30      # a call on a contact goes to the deal closed last within so many days
# long_talk_hours = 4    # longer talks are told as odd
# min_deals = 30         # segments with fewer deals are called too small to judge

[working]                # when somebody answers: the speed of answers counts these hours alone
# days = ["mon", "tue", "wed", "thu", "fri"]
# from = "09:00"
# to = "18:00"
# holidays = ["01-01", "2026-05-11"]   # days when nobody works: of every year, or of one

[dimensions]             # titles of the columns of deals
source = { ru = "Источник", en = "Source" }
project = { ru = "Проект", en = "Project" }
grade = { ru = "Грейд клиента", en = "Client grade" }

[goals]                  # told on the cards and by `callkit report --since-last`; sums are for a month
# conversion = 0.25      # a share, 0 to 1
# minutes_per_sale = 60  # at most; every other measure: at least
# manager."Anna" = { conversion = 0.3, calls = 200 }
# source."Site" = { revenue_per_minute = 3000 }

[costs]                  # with these there is a section about costs; what is not given is unknown, not zero
# hour = 1200            # an hour of a manager
# teams = { "North" = 1000 }     # of whom it differs, as managers = { "Anna" = 1500 }
# spend = { "Ads" = 150000, "Site" = { 2026-10 = 90000 } }   # on a source a month, or by month; 0 where nothing is

[engine]                 # where the calls are placed and measured, if not in DuckDB
# kind = "postgres"      # or clickhouse, spark; the password is in CALLKIT_ENGINE_PASSWORD
# url = "postgresql://callkit@localhost/sales"

[report]
# sections = [            # all of them, in the order of the report
#     "overview", "changes", "managers", "sources", "projects", "grades", "stages", "day", "segments", "cohorts",
#     "whatif", "costs", "quality",
# ]
# by = ["region"]        # one more page for each of these columns
"""
TABLES = """\
Put the tables here, as CSV (UTF-8) or Parquet: calls, deals, stage_changes; and if you have them stages, managers,
deal_contacts. `callkit check` in the folder above tells what is missing.
"""


def notebooks_folder() -> Path:
    """Where the notebooks of the report lie: inside the installed package, or beside it in the repository."""
    package = Path(__file__).parent
    return next(p for p in (package / "notebooks", package.parent / "notebooks") if p.is_dir())


def init(folder: Path) -> Path:
    """Makes `folder` with callkit.toml, notebooks/ and tables/; whole or not at all.

    Raises UsageError where something is there already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        (aside / "tables").mkdir(parents=True)
        (aside / "callkit.toml").write_text(SETTINGS, encoding="utf-8")
        (aside / "tables" / "README.txt").write_text(TABLES, encoding="utf-8")
        (aside / "notebooks").mkdir()
        for path in sorted(notebooks_folder().glob("*.ipynb")):
            (aside / "notebooks" / path.name).write_text(_own(path.read_text(encoding="utf-8")), encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise CallkitError(f"{folder} cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _own(notebook: str) -> str:
    """The notebook looking at the folder above it instead of at the demo company, its outputs gone."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        cell["source"] = [
            line.replace('source = "demo"', 'source = ".."').replace('month = "2026-10"', 'month = "last"')
            for line in cell["source"]
        ]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
