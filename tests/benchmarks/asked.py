"""Filter latency: one process a contender asks its store, one after another in every round."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from running import HERE, run
from steps import OURS, STORE, ensure_built

PEERS = {"bare DuckDB SQL": "sql", "Polars, in memory": "polars"}


def filters(size: int, rounds: int, work: Path) -> dict[str, Any]:
    """Milliseconds of every question, by contender, and the peak of the process that asks."""
    folders, pythons, notes = ensure_built(size, work)
    made = folders[OURS] / STORE
    questions, told = work / "questions.json", work / "asked.json"
    asked: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for name in (OURS, *PEERS):
            known = name.partition(",")[0]
            if known not in folders:
                continue
            where = made if name == OURS else folders[known]
            python = sys.executable if name == OURS else pythons[known]
            run([python, str(HERE / "asking.py"), PEERS.get(name, "ours"), str(where), str(questions)], told)
            found = json.loads(told.read_text(encoding="utf-8"))
            answers = found.pop("answers")
            if name == OURS:
                wanted = answers
            elif answers != wanted:
                at = next(i for i, (a, b) in enumerate(zip(answers, wanted, strict=True)) if a != b)
                raise SystemExit(f"{name} answers question {at} with {answers[at]}; callkit: {wanted[at]}; {made}")
            kept = asked.setdefault(name, {"all": [], "shared": [], "peak": [], "shared_peak": []})
            for key, value in found.items():
                kept[key] += value if isinstance(value, list) else [value]
    packed = max(made.parent.glob(f".{made.name}.*.columns"), key=lambda path: path.stat().st_mtime, default=None)
    sizes = {"columns": round(packed.stat().st_size / (1 << 20), 1)} if packed else {}
    return {"asked": asked, "notes": notes, "sizes": sizes}
