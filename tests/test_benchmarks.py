"""The benchmark measures what it says: peers give callkit's answers, what is missing is told, parts are merged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "benchmarks"
sys.path.append(str(HERE))

import plan  # noqa: E402
import results  # noqa: E402
import steps  # noqa: E402
from running import run  # noqa: E402


def bench(work: Path, *words: str, **env: str) -> str:
    """Runs `make bench` for a company of 2,000 calls, with no package to be had; the results as text."""
    command = [sys.executable, str(HERE / "bench.py"), "--calls", "2000", "--rounds", "1", "--out", str(work)]
    ran = subprocess.run(
        [*command, "--work", str(work), *words],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return (work / "results.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of three parts."""
    work = tmp_path_factory.mktemp("bench")
    bench(work, "--only", "build", "update", "metrics")
    return work


def test_peers_place_every_call_as_callkit_does_and_give_its_figures(measured: Path) -> None:
    answers = [json.loads(path.read_text(encoding="utf-8")) for path in (measured / "built-2000").rglob("metrics.json")]

    assert len(answers) == 3
    assert answers[0] == answers[1] == answers[2]
    assert 1900 < sum(answers[0]["placed"].values()) < 2100
    assert sum(row[0] for row in answers[0]["cuts"]["stage"]) == sum(answers[0]["placed"].values())


def test_a_peer_that_gives_other_answers_ends_the_benchmark(tmp_path: Path) -> None:
    for name, calls in (("callkit", 7), ("pandas", 8)):
        (tmp_path / name).write_text(json.dumps({"placed": {"Won": calls}, "cuts": {}}), encoding="utf-8")

    steps.agree({"callkit": tmp_path / "callkit"})
    with pytest.raises(SystemExit, match="pandas gives other answers"):
        steps.agree({name: tmp_path / name for name in ("callkit", "pandas")})


def test_what_cannot_be_had_is_told_and_parts_are_kept_from_run_to_run(measured: Path) -> None:
    text = bench(measured, "--only", "app", CALLKIT_CHROMIUM=str(measured / "none"))

    assert "polars could not be installed" in text
    assert "Not measured: no Chromium was found" in text
    assert "### Build, from CSV to placed calls on disk, 2,000 calls" in text
    assert "### A store brought up to date, 2,000 calls" in text
    assert "| callkit, built whole |" in text
    assert "| bare DuckDB SQL |" in text
    assert "| Polars |" not in text


def test_more_rounds_are_added_to_those_that_are_kept(measured: Path) -> None:
    before = json.loads((measured / "results.json").read_text(encoding="utf-8"))["metrics"]["2000"]["runs"]

    bench(measured, "--only", "metrics", "--more")

    after = json.loads((measured / "results.json").read_text(encoding="utf-8"))["metrics"]["2000"]["runs"]
    assert {name: len(runs) for name, runs in after.items()} == {name: len(runs) + 1 for name, runs in before.items()}
    assert all(after[name][: len(runs)] == runs for name, runs in before.items())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux alone")
def test_what_a_process_leaves_running_counts_as_its_own() -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    leaves = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {busy!r}])"

    assert run([sys.executable, "-c", leaves]).cpu >= 0.5


def test_a_plan_follows_from_what_was_measured() -> None:
    one_machine = plan.Measured(
        build=plan.fitted({1_000_000: 3.6, 10_000_000: 36.0}),
        filter=plan.fitted({1_000_000: 0.01, 10_000_000: 0.1}),
        tables=0.1, store=0.05, cores=2,
    )  # fmt: skip

    need = plan.need(1_000_000_000, one_machine)

    assert need.core_hours == pytest.approx(1)
    assert need.build_cost == pytest.approx(0.05)
    assert need.filter_seconds == pytest.approx(10)
    assert need.filter_cores == 15  # twenty seconds of one core's work in two seconds, at 70 % of a core's speed
    assert need.disk == pytest.approx(200e6 / 2**20)
    assert need.one_machine
    assert not plan.need(10_000_000_000, one_machine).one_machine
    assert 1_000_000_000 < plan.end(one_machine) < 10_000_000_000


def test_a_plan_does_not_go_by_sizes_that_were_answered_in_another_way() -> None:
    def filters(ms: float, columns: float) -> dict[str, object]:
        return {"asked": {"callkit": {"all": [[ms, "closed"]] * 10, "peak": [300.0]}}, "sizes": {"columns": columns}}

    builds = {
        f"{n}": {"runs": {"callkit": [[n, n, 9.0, 0, 0]]}, "sizes": {"tables": 1, "store": 1}} for n in (10**6, 10**7)
    }
    kept = {"build": builds, "filters": {"1000000": filters(30.0, 14.3), "10000000": filters(27.0, 143.0)}}

    alone = "\n".join(results._plan(kept))
    both = "\n".join(results._plan(kept | {"filters": {**kept["filters"], "100000000": filters(432.0, 1430.0)}}))

    assert "measured at one size" in alone
    assert f"filter (p95) on {os.cpu_count()} cores, s | 0.3 | 2.7 | 27.0 |" in alone
    assert "filters with 1.20" in both
    assert f"filter (p95) on {os.cpu_count()} cores, s | 0.4 | 6.9 | 110.6 |" in both
    assert "packed columns, GB; as much memory keeps them at hand | 1 | 14 | 140 |" in both


def test_every_size_is_judged_by_what_is_wanted_of_it() -> None:
    asked = {"asked": {"callkit": {"all": [[200.0, "closed"]] * 10, "peak": [300.0]}}}
    built = {"runs": {"callkit": [[1, 1, 20_000.0, 0, 0]], "bare DuckDB SQL": [[1, 1, 9.0, 0, 0]]}}
    told = results._judged({
        "build": {"10000000": built, "100000000": built}, "metrics": {"10000000": built, "100000000": built},
        "filters": {"10000000": asked, "100000000": asked},
    })  # fmt: skip

    assert "| filter to figures, 10,000,000 calls: p95, ms | under 180 | 200 | **no** |" in told
    assert "| filter to figures, 100,000,000 calls: p95, ms | under 500 | 200 | yes |" in told
    assert "| build of 100,000,000 calls: memory, GiB | under 24 | 19.5 | yes |" in told
    assert sum("memory of the process" in line for line in told) == 1
