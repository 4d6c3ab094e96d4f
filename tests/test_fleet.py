"""Promise: a fleet makes every company's reports, each by itself: what is broken is told and stops nobody, what is
there already is not made again, and the summary says what became of whom.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from callkit import demo
from callkit.cli import main
from callkit.report import fleet
from callkit.zones import Period

MONTH = Period.of_month("2026-10")


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good company, one with broken tables, two of one name, and what is no company at all."""
    folder = tmp_path_factory.mktemp("fleet")
    for name, seed in (("north", 1), ("twin", 2)):
        demo.write(folder / name, 400, 2, seed, "ru")
        settings = folder / name / "callkit.toml"
        told = re.sub(r"^name = .*$", f'name = "{name} <b>&"', settings.read_text(encoding="utf-8"), flags=re.M)
        settings.write_text(told, encoding="utf-8")
    again = folder / "twin again"
    again.mkdir()
    for path in (folder / "twin").iterdir():
        (again / path.name).write_bytes(path.read_bytes())
    (folder / "broken").mkdir()
    (folder / "broken" / "calls.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (folder / "notes").mkdir()
    (folder / "read me.txt").write_text("no company", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ran(companies: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[fleet.Told]]:
    out = tmp_path_factory.mktemp("out")
    told, page = fleet.run(companies, [MONTH], ["--lang", "en", "--since-last"], out=out, lang="en", jobs=2)
    return page, json.loads((out / fleet.FACTS).read_text(encoding="utf-8")), told


def test_what_crossed_a_line_is_told_of_each_company_that_has_a_report(
    ran: tuple[Path, dict[str, Any], list[fleet.Told]],
) -> None:
    (told,) = fleet.since_last(ran[2], ran[0].parent)
    assert told.startswith("north <b>&, October 2026: what has changed since the last report")


def test_the_broken_are_told_and_stop_nobody(ran: tuple[Path, dict[str, Any], list[fleet.Told]]) -> None:
    states = {told.source: (told.state, told.reason) for told in ran[2]}

    assert set(states) == {"broken", "north", "twin", "twin again"}
    assert states["north"] == (fleet.MADE, "")
    assert states["broken"][0] == fleet.FAILED
    assert "calls.call_id" in states["broken"][1]
    for twin in ("twin", "twin again"):
        assert states[twin][0] == fleet.FAILED
        assert "several companies are called" in states[twin][1]


def test_the_summary_links_to_the_reports_and_gives_their_figures(
    ran: tuple[Path, dict[str, Any], list[fleet.Told]],
) -> None:
    page, facts, told = ran
    markup = page.read_text(encoding="utf-8")
    north = next(t for t in told if t.source == "north")

    assert [company["name"] for company in facts["companies"]] == [t.name for t in told]
    assert (page.parent / north.reports["2026-10"]).is_file()
    manifest = json.loads((page.parent / north.reports["2026-10"]).with_name("manifest.json").read_text("utf-8"))
    assert dict(north.figures) == manifest["figures"]["overview"]
    assert f'data-value="{north.figures["calls"]!r}"' in markup
    assert "north &lt;b&gt;&amp;" in markup
    assert "<b>&" not in markup
    # Whoever needs somebody stands first.
    assert markup.index("several companies") < markup.index("north &lt;b&gt;")


def test_what_is_there_is_not_made_again(companies: Path, ran: tuple[Path, dict[str, Any], list[fleet.Told]]) -> None:
    page = ran[0]
    report = page.parent / next(t for t in ran[2] if t.source == "north").reports["2026-10"]
    before = report.stat().st_mtime_ns

    told, _ = fleet.run(companies, [MONTH], ["--lang", "en"], out=page.parent, lang="en")

    assert {t.state for t in told if t.source == "north"} == {fleet.THERE}
    assert report.stat().st_mtime_ns == before


def test_a_process_that_dies_is_told_in_a_sentence() -> None:
    died = subprocess.CompletedProcess([], -9, "", "Killed\n")
    assert fleet._state(died, 1) == (fleet.FAILED, "its process ended with signal 9")
    partly = subprocess.CompletedProcess([], 1, "a.html\n", "callkit: section sources of 2026-10 failed; see x\n")
    assert fleet._state(partly, 1) == (fleet.PARTLY, "section sources of 2026-10 failed; see x")


def test_the_command_wants_one_source_or_a_fleet_with_companies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (["demo", "--fleet", str(tmp_path)], "give one of them"),
        (["--fleet", str(tmp_path)], "holds no company"),
        (["--fleet", str(tmp_path / "nowhere")], "is no folder"),
        ([], "what to report on is wanted"),
        (["demo", "--jobs", "-1"], "a number above 0"),
    ):
        assert main(["report", *words, "--month", "2026-10"]) == 2
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
