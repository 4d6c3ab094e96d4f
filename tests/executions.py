"""Small notebooks, executed ones, and a company of three calls: what the tests of the report are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callkit.pieces import SECTION_MIME, TABLE_MIME
from callkit.report.executed import Executed

PARAMETERS = """\
source = "demo"  # where from
month = "2026-10"  # which
lens = "closed"  # how
credit = "owner"  # whose
where = ""  # what
lang = ""  # said how
timezone = ""  # when
"""
CALLS = """\
call_id,started_at,talk_seconds,direction,manager_id,deal_id
c1,2026-03-02 10:00:00,60,out,m1,d1
c2,2026-03-03 10:00:00,120,in,m1,d2
c3,2026-04-02 10:00:00,30,out,m2,d3
"""
DEALS = """\
deal_id,created_at,closed_at,outcome,amount,manager_id,source,region
d1,2026-03-01 09:00:00,2026-03-20 09:00:00,won,1000,m1,Ads,North
d2,2026-03-01 09:00:00,2026-03-21 09:00:00,lost,,m1,Site,South
d3,2026-04-01 09:00:00,,open,500,m2,Site,North
"""
CHANGES = """\
deal_id,changed_at,stage_id
d1,2026-03-01 09:00:00,new
d2,2026-03-01 09:00:00,new
d3,2026-04-01 09:00:00,new
"""
SETTINGS = """\
[company]
name = "Ромашка & Co"
currency = "RUB"
[account]
timezone = "Europe/Moscow"
[report]
sections = ["overview", "sources", "quality"]
"""


def company(folder: Path, settings: str = SETTINGS) -> Path:
    """A company of three calls and three deals, with the columns source and region."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("calls", CALLS), ("deals", DEALS), ("stage_changes", CHANGES)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "callkit.toml").write_text(settings, encoding="utf-8")
    return folder


def notebook(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook of code cells, the first one with its parameters."""
    sources = [(parameters, ["parameters"]), *((cell, []) for cell in cells)]
    written = [
        {
            "cell_type": "code", "execution_count": None, "id": f"cell-{number}", "metadata": {"tags": tags},
            "outputs": [], "source": source,
        }
        for number, (source, tags) in enumerate(sources)
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": written, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def notebooks(folder: Path, *cells: str) -> Path:
    """A folder with a notebook for each section of `SETTINGS`, and one for further segments, all alike."""
    said = [*cells, "from IPython.display import display\ndisplay({'text/html': f'<p>{month} {source}</p>'}, raw=True)"]
    for section in ("overview", "sources", "quality"):
        notebook(folder / f"{section}.ipynb", *said)
    notebook(folder / "segments.ipynb", *said, "print(by)", parameters=PARAMETERS + 'by = "region"  # cut by\n')
    return folder


def facts(**own: Any) -> dict[str, Any]:
    """What a headline says of its section."""
    return {"section": "sources", "title": "Источники", "company": "Ромашка", "totals": {"calls": 3}} | own


def table(rows: Sequence[Sequence[Any]], columns: Sequence[Mapping[str, str]], **own: Any) -> dict[str, Any]:
    """A table piece's raw data; a column is given by the keys that differ from a text without help."""
    kinds = [{"name": f"c{i}", "title": f"c{i}", "kind": "text", "help": ""} | dict(c) for i, c in enumerate(columns)]
    told = {"name": "values", "title": "Показатели", "note": "", "columns": kinds, "total": False}
    return told | {"rows": [list(row) for row in rows]} | own


def executed(folder: Path, *pieces: Mapping[str, Any], name: str = "sources", failed: str = "") -> Executed:
    """An executed notebook that showed these MIME bundles."""
    outputs = [{"output_type": "display_data", "metadata": {}, "data": dict(piece)} for piece in pieces]
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}, ensure_ascii=False), "utf-8")
    return Executed(name, name.partition("-")[0], name.capitalize(), path, 0.5, failed)


__all__ = ["SECTION_MIME", "TABLE_MIME", "company", "executed", "facts", "notebook", "notebooks", "table"]
