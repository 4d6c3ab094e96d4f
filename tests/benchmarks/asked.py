"""Filter latency: one process a contender asks its store, one after another in every round."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from running import HERE, run, store
from steps import ensure_built

PEERS = {"bare DuckDB SQL": "sql", "Polars, in memory": "polars"}


def filters(size: int, rounds: int, work: Path) -> dict[str, Any]:
    """Milliseconds of every question, by contender, and the peak of the process that asks."""
    if importlib.util.find_spec("filters") is None:
        return {"notes": ["Not measured: filters.py is not there."]}
    source, made = work / f"company-{size}", store(size, work)
    folders, pythons, notes = ensure_built(size, work)
    questions, told = work / "questions.json", work / "asked.json"
    asked: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for name in ("callkit", *PEERS):
            known = name.partition(",")[0]
            if name != "callkit" and known not in pythons:
                continue
            where = [str(made)] if name == "callkit" else [str(folders[known])]
            python = sys.executable if name == "callkit" else pythons[known]
            run([python, str(HERE / "asking.py"), PEERS.get(name, "ours"), *where, str(questions)], told)
            found = json.loads(told.read_text(encoding="utf-8"))
            answers = found.pop("answers")
            if name == "callkit":
                wanted = answers
            elif answers != wanted:
                at = next(i for i, (a, b) in enumerate(zip(answers, wanted, strict=True)) if a != b)
                raise SystemExit(f"{name} answers question {at} with {answers[at]}; callkit: {wanted[at]}; {source}")
            kept = asked.setdefault(name, {"all": [], "shared": [], "peak": [], "shared_peak": []})
            for key, value in found.items():
                kept[key] += value if isinstance(value, list) else [value]
    return {"asked": asked, "notes": notes}
