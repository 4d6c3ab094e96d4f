"""What was measured, as text and as a chart: results.json goes in, results.md and results.svg come out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import limits
import plan
from reporting import OF_EIGHT
from running import Run, median
from steps import HUGE, OURS, STEPS
from updating import WHOLE

from callkit.onepass import LEAST_CALLS

Kept = Mapping[str, Mapping[str, Any]]
_SQL, _PANDAS = "bare DuckDB SQL", "pandas"
_QUIET = 10
_FALLS_SHORT, _HOLDS = "**no**", "yes"
TITLES = {
    "ingest": "Reading the tables",
    "build": "Build, from CSV to placed calls on disk",
    "metrics": "Metrics, four tables",
    "update": "A store brought up to date",
}


def write(kept: Kept, out: Path) -> None:
    """Writes the text of all that is kept, and the chart where there are sizes to draw."""
    drawn = {step: runs for step in STEPS if len(runs := _medians(kept, step)) > 1}
    lines = ["<!-- made by `make bench` -->", "## Results", "", *_where(kept), *_judged(kept)]
    if drawn:
        import chart

        (out / "results.svg").write_text(chart.drawn(drawn), encoding="utf-8")
        lines += ["![CPU seconds and memory by calls](results.svg)", ""]
    for step in (*STEPS, "update"):
        lines += _step(kept, step)
    lines += [*_exponents(kept), *_filters(kept), *_reports(kept), *_starts(kept)]
    lines += [line for size in _sizes(kept, "app") for line in kept["app"][str(size)]["lines"]]
    lines += [*_limits(kept), *_plan(kept)]
    (out / "results.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _sizes(kept: Kept, part: str) -> list[int]:
    return sorted(int(size) for size in kept.get(part, {}))


def _medians(kept: Kept, part: str) -> dict[int, dict[str, Run]]:
    """The median of each contender, by size."""
    return {
        size: {name: median([Run(*r) for r in runs]) for name, runs in kept[part][str(size)]["runs"].items()}
        for size in _sizes(kept, part)
        if size and "runs" in kept[part][str(size)]
    }


def _where(kept: Kept) -> list[str]:
    parts = [one for part in kept.values() for one in part.values()]
    machines, days = sorted({one["on"] for one in parts}), sorted(one["at"][:10] for one in parts)
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    lines = [f"{'; '.join(machines)}; {span}. Medians of interleaved rounds.", ""]
    others = max(one["others"] for one in parts)
    if others > _QUIET:
        note = f"**Other programs kept up to {others:.0f} % of the machine busy: seconds by the wall are too long.**"
        lines += [f"{note} Ratios of the same run hold better, those of CPU best.", ""]
    return lines


def _judged(kept: Kept) -> list[str]:
    """What is wanted of 10 and of 100 million calls, beside what was measured: only of what was."""
    rows: list[tuple[str, str, str, bool]] = []
    build, metrics = _medians(kept, "build"), _medians(kept, "metrics")
    size = max((n for n in {*build} & {*metrics} if n < HUGE), default=0)
    if size:
        ours, bare = ([m[size][name] for m in (build, metrics)] for name in (OURS, _SQL))
        for title, of in (("build and metrics", slice(2)), ("build alone", slice(1)), ("metrics alone", slice(1, 2))):
            ratio = sum(r.cpu for r in ours[of]) / sum(r.cpu for r in bare[of])
            rows.append((f"{title}: CPU against bare SQL", "1.15 at most", f"{ratio:.2f}", ratio <= 1.15))
        if _PANDAS in build[size]:
            theirs = [m[size][_PANDAS] for m in (build, metrics)]
            ratio = sum(r.wall for r in theirs) / sum(r.wall for r in ours)
            rows.append(("build and metrics: speed against pandas", "2.2× at least", f"{ratio:.2f}×", ratio >= 2.2))
            share = max(r.megabytes for r in ours) / max(r.megabytes for r in theirs)
            rows.append(("and memory against pandas", "0.5 at most", f"{share:.2f}", share < 0.5))
        for step, found in (("build", build), ("metrics", metrics)):
            if len(usual := {n: runs for n, runs in found.items() if n <= size}) > 1:
                last = _exponent(usual, OURS, "cpu", last=2)
                told = f"{step}: exponent of growth, CPU, the two sizes up to {size:,}"
                rows.append((told, "1.1 at most", f"{last:.2f}", last <= 1.1))
    for largest, found in [*_medians(kept, "update").items()][-1:]:
        ratio = found[WHOLE].cpu / found[OURS].cpu
        told = f"a store of {largest:,} calls brought up to date by 1 %: CPU against building it whole"
        rows.append((told, "4× less at least", f"{ratio:.1f}×", ratio >= 4))
    for largest in [n for n in build if n > HUGE][-1:]:
        peak = build[largest][OURS].megabytes / 1024
        rows.append((f"build of {largest:,} calls: memory, GiB", "under 24", f"{peak:.1f}", peak < 24))
    usual, huge = ([n for n in _sizes(kept, "filters") if (n > HUGE) == large][-1:] for large in (False, True))
    for largest in (*usual, *huge):
        asked = kept["filters"][str(largest)]["asked"][OURS]
        taken = [ms for ms, _ in asked["all"]]
        for name, part, most in (("p95", 0.95, 500),) if largest in huge else (("p50", 0.5, 30), ("p95", 0.95, 180)):
            value, told = _at(taken, part), f"filter to figures, {largest:,} calls: {name}, ms"
            rows.append((told, f"under {most}", f"{value:.0f}", value < most))
        if largest in usual:
            peak = max(asked["peak"])
            rows.append(("memory of the process that reads, MB", "under 400", f"{peak:.0f}", peak < 400))
    for size_, name, title, most in (
        (max(_sizes(kept, "report"), default=0), f"one month, {OF_EIGHT}", "report of one month, 8 sections, s", 20),
        (0, f"12 months, {OF_EIGHT}", "report of the demo company, 12 months of 8 sections, s", 60),
    ):
        runs = kept.get("report", {}).get(str(size_), {}).get("runs", {}).get(name)
        if runs:
            wall = median([Run(*r) for r in runs]).wall
            told = f"{title}{f', {size_:,} calls' if size_ else ''}"
            rows.append((told, f"under {most}", f"{wall:.1f}", wall < most))
    lines = ["| wanted | | measured | holds |", "|---|---|---:|---|"]
    lines += [f"| {a} | {b} | {c} | {_HOLDS if d else _FALLS_SHORT} |" for a, b, c, d in rows]
    return [*lines, ""] if rows else []


def _step(kept: Kept, step: str) -> list[str]:
    lines: list[str] = []
    for size, found in _medians(kept, step).items():
        ours = found[OURS]
        part = kept[step][str(size)]
        lines += [
            f"### {TITLES[step]}, {size:,} calls",
            "",
            "| | wall s | CPU s | peak MB | wall: its / callkit's | CPU: callkit's / its | memory: callkit's / its |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for name, m in found.items():
            ratios = f"{m.wall / ours.wall:.2f}× | {ours.cpu / m.cpu:.2f} | {ours.megabytes / m.megabytes:.2f}"
            lines.append(f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.megabytes:.0f} | {ratios} |")
        rounds = len(next(iter(part["runs"].values())))
        lines += ["", " ".join([f"{rounds} rounds, {part['at']}.", *part["notes"]]), ""]
    return lines


def _exponent(found: Mapping[int, Mapping[str, Run]], name: str, figure: str, last: int = 0) -> float:
    points = {size: getattr(runs[name], figure) for size, runs in found.items() if name in runs}
    return plan.fitted(dict(sorted(points.items())[-last:])).b


def _exponents(kept: Kept) -> list[str]:
    """How CPU and memory grow with the calls: the slope of a line through logarithms."""
    lines = []
    for step in STEPS:
        found = _medians(kept, step)
        for name in dict.fromkeys(name for runs in found.values() for name in runs):
            if sum(name in runs for runs in found.values()) < 2:
                continue
            slopes = (
                _exponent(found, name, "cpu"),
                _exponent(found, name, "cpu", 2),
                _exponent(found, name, "megabytes", 2),
            )
            lines.append(f"| {step} | {name} | {' | '.join(f'{s:.2f}' for s in slopes)} |")
    if not lines:
        return []
    head = [
        "### Growth",
        "",
        "| | | CPU, all sizes | CPU, last two sizes | memory, last two sizes |",
        "|---|---|---:|---:|---:|",
    ]
    note = "Exponents of a power law, least squares of logarithms. Starting up flattens the small sizes; 1 is linear."
    return [*head, *lines, "", note, ""]


def _at(taken: Sequence[float], part: float) -> float:
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _filters(kept: Kept) -> list[str]:
    lines: list[str] = []
    for size in _sizes(kept, "filters"):
        part = kept["filters"][str(size)]
        asked = part["asked"]
        lines += [f"### Filter to figures, {size:,} calls", ""]
        lines += ["| | questions | p50 ms | p95 ms | slowest ms | peak MB |", "|---|---:|---:|---:|---:|---:|"]
        taken = [ms for ms, _ in asked[OURS]["all"]]
        lines.append(_latency("callkit, every lens, ten cuts", taken, max(asked[OURS]["peak"])))
        for name, found in asked.items():
            lines.append(_latency(f"{name}, questions for everybody", found["shared"], max(found["shared_peak"])))
        lenses: dict[str, list[float]] = {}
        for ms, lens in asked[OURS]["all"]:
            lenses.setdefault(lens, []).append(ms)
        said = ", ".join(f"`{lens}` {_at(v, 0.5):.0f} / {_at(v, 0.95):.0f}" for lens, v in sorted(lenses.items()))
        lines += ["", f"callkit by lens, p50 / p95: {said}. {part['at']}.", *part["notes"], ""]
    return lines


def _latency(name: str, taken: Sequence[float], peak: float) -> str:
    return f"| {name} | {len(taken)} | {_at(taken, 0.5):.1f} | {_at(taken, 0.95):.1f} | {max(taken):.0f} | {peak:.0f} |"


def _reports(kept: Kept) -> list[str]:
    lines: list[str] = []
    for size in _sizes(kept, "report"):
        found = {name: median([Run(*r) for r in runs]) for name, runs in kept["report"][str(size)]["runs"].items()}
        title = f"{size:,} calls, from a store" if size else "the demo company"
        lines += [f"### The report, {title}", "", "| | wall s | CPU s | largest process MB |", "|---|---:|---:|---:|"]
        lines += [f"| {name} | {m.wall:.1f} | {m.cpu:.1f} | {m.megabytes:.0f} |" for name, m in found.items()]
        lines += ["", f"{kept['report'][str(size)]['at']}; two notebooks at a time.", ""]
    return lines


def _starts(kept: Kept) -> list[str]:
    if "0" not in kept.get("starts", {}):
        return []
    lines = ["### A command, start to end", "", "| | wall s | CPU s | peak MB |", "|---|---:|---:|---:|"]
    for name, runs in kept["starts"]["0"]["runs"].items():
        m = median([Run(*r) for r in runs])
        lines.append(f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.megabytes:.0f} |")
    return [*lines, ""]


def _limits(kept: Kept) -> list[str]:
    size = max(_sizes(kept, "limits"), default=0)
    return limits.told(size, kept["limits"][str(size)]) if size else []


def _plan(kept: Kept) -> list[str]:
    """What more calls need, from what was measured at two sizes at least; of filters, at sizes answered alike."""
    found, asked = _medians(kept, "build"), kept.get("filters", {})
    sizes = _sizes(kept, "filters")
    alike = [size for size in sizes if (size >= LEAST_CALLS) == (sizes[-1] >= LEAST_CALLS)][-2:]
    if len(found) < 2 or not alike:
        return []
    largest = max(found)
    build = plan.fitted({size: runs[OURS].cpu for size, runs in [*found.items()][-2:]})
    kilobytes = {name: megabytes * 1024 / largest for name, megabytes in kept["build"][str(largest)]["sizes"].items()}
    p95 = plan.fitted({n: _at([ms for ms, _ in asked[str(n)]["asked"][OURS]["all"]], 0.95) / 1000 for n in alike})
    columns = asked[str(alike[-1])].get("sizes", {}).get("columns", 0.0) * 1024 / alike[-1]
    cores = os.cpu_count() or 1
    return plan.told(plan.Measured(build, p95, kilobytes["tables"], kilobytes["store"], cores, columns))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(json.loads((folder / "results.json").read_text(encoding="utf-8")), folder)
