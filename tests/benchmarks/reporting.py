"""The report: one month of a large company from its store, and a year of the demo company; eight sections and all.

Beside them, the same eight notebooks of the demo company by `papermill` itself, with ordinary kernels, two at a time.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from running import CALLKIT, HERE, Run, interleaved, run, store

NOTEBOOKS = HERE.parent.parent / "notebooks"
EIGHT = ("overview", "managers", "sources", "projects", "grades", "stages", "segments", "quality")
ALL, OF_EIGHT = "all 13 sections", "8 sections"
_MONTH, _YEAR = "2026-10", "2025-11..2026-10"


def large(size: int, rounds: int, work: Path) -> dict[str, Any]:
    """One month from the store of a company of some size."""
    whole = store(size, work)
    eight = _copied(whole, work / f"eight-{size}.duckdb")
    contenders = {f"one month, {name}": _report(made, _MONTH, work) for name, made in ((OF_EIGHT, eight), (ALL, whole))}
    return {"runs": interleaved(contenders, rounds)}


def demo(rounds: int, work: Path) -> dict[str, Any]:
    """The demo company: a month, and the year."""
    eight = work / "demo-eight"
    shutil.rmtree(eight, ignore_errors=True)
    shutil.copytree(HERE.parent.parent / "data" / "demo", eight)
    with (eight / "callkit.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[report]\nsections = {list(EIGHT)}\n")
    asked = (("one month", _MONTH), ("12 months", _YEAR))
    contenders: dict[str, Callable[[], Run]] = {
        f"{said}, {name}": _report(source, months, work)
        for said, months in asked
        for name, source in ((OF_EIGHT, eight), (ALL, "demo"))
    }
    contenders[f"papermill and its kernels: one month, {OF_EIGHT}"] = partial(_papermill, work)
    return {"runs": interleaved(contenders, rounds)}


def _report(source: object, months: str, work: Path) -> Callable[[], Run]:
    command = [*CALLKIT, "report", str(source), "--month", months, "--force", "--out", str(work / "reports")]
    return partial(run, command)


def _copied(whole: Path, made: Path) -> Path:
    """A store whose settings ask for the eight sections alone."""
    import json

    import duckdb

    shutil.copyfile(whole, made)
    with duckdb.connect(str(made)) as base:
        (kept,) = base.execute("SELECT value FROM facts WHERE key = 'settings'").fetchone() or ("{}",)
        told = json.dumps(json.loads(kept) | {"sections": list(EIGHT)}, ensure_ascii=False)
        base.execute("UPDATE facts SET value = ? WHERE key = 'settings'", [told])
    return made


def _papermill(work: Path) -> Run:
    """The eight notebooks, two at a time, and nothing composed of them."""
    script = "import sys, reporting; reporting.by_papermill(sys.argv[1])"
    return run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); {script}", str(work)])


def by_papermill(work: str) -> None:
    """What `_papermill` measures, in a process of its own."""
    import papermill

    def one(name: str) -> None:
        given = {"source": "demo", "month": _MONTH} | ({"by": "region"} if name == "segments" else {})
        out = Path(work) / f"by-papermill-{name}.ipynb"
        papermill.execute_notebook(NOTEBOOKS / f"{name}.ipynb", out, given, kernel_name="python3", progress_bar=False)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, EIGHT))
