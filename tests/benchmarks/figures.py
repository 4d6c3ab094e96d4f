"""What callkit does in the steps that `peers.py` has too, from its own interface: `python figures.py ingest|metrics …`.

`ingest FOLDER` reads and checks the tables of a company; `metrics STORE` prints the figures of a store as `peers.py`
does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from peers import CUTS, START, STOP, told

from callkit import settings
from callkit.company import open_company
from callkit.engine import DuckDB
from callkit.measuring import measure
from callkit.scope import Scope
from callkit.tables import admit
from callkit.zones import Period

COLUMNS = (
    "calls", "answered_calls", "inbound_calls", "outbound_calls", "talk_minutes", "deals", "won_deals", "revenue",
)  # fmt: skip
_PLACED = """
    SELECT coalesce(s.pipeline_id || '/' || s.stage_id, l.label), count(*)
    FROM calls AS c LEFT JOIN stages AS s ON s.stage = c.stage
    LEFT JOIN labels AS l ON l.dimension = 'special' AND l.code = c.stage
    GROUP BY 1
"""


def ingest(folder: Path) -> None:
    admit(folder, settings.load(folder / settings.FILE), DuckDB())


def metrics(store: Path) -> None:
    with open_company(store) as company:
        scope = Scope(Period.of_days(START, STOP))
        rows = {cut: measure(company, scope, [cut]).records() for cut in CUTS}
        cuts = {cut: [[row[name] for name in COLUMNS] for row in found] for cut, found in rows.items()}
        told(cuts, company.engine.query(_PLACED))


if __name__ == "__main__":
    {"ingest": ingest, "metrics": metrics}[sys.argv[1]](Path(sys.argv[2]))
