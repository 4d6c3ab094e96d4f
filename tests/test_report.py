"""The monthly batch's promise: a month is there whole or not at all, is made again only when it must be, and one
section that fails takes no other with it.

The notebooks here are small ones of the tests' own; those of the report are tested with what they show.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from executions import PARAMETERS, SETTINGS, company, notebook, notebooks

from callkit import report
from callkit.errors import CallkitError, UsageError
from callkit.report import Outcome, keeping, manifest, running
from callkit.zones import Period

MARCH, APRIL = Period.of_month("2026-03"), Period.of_month("2026-04")
NAME = "Ромашка-&-Co"


def made(folder: Path, *months: Period, **options: Any) -> list[Outcome]:
    """The report of a folder that holds `tables` and `notebooks`, into its `reports`."""
    told = {"out": folder / "reports", "notebooks": folder / "notebooks"} | options
    return report.run(str(folder / "tables"), months or (MARCH,), **told)


def one(folder: Path, **options: Any) -> Outcome:
    return made(folder, MARCH, **options)[0]


LIGHT = "from callkit.report import running; running._WARM = ('callkit.report.cells',); running.serve()"


@pytest.fixture(autouse=True, scope="module")
def light() -> Iterator[None]:
    """The notebooks here draw no charts: their processes need not import what does, which takes a second a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_SERVE", LIGHT)
        yield


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a company and notebooks of three sections."""
    company(tmp_path / "tables")
    notebooks(tmp_path / "notebooks")
    return tmp_path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """A folder and the outcomes of two months made in it; to be looked at, not changed."""
    folder = tmp_path_factory.mktemp("done")
    company(folder / "tables")
    notebooks(folder / "notebooks")
    return folder, made(folder, MARCH, APRIL, lang="en", where=["source=Ads,Site", "region=North"])


def outputs(path: Path) -> list[Any]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def shown(path: Path) -> str:
    """What an executed notebook printed or displayed, as one text."""
    return "".join("".join(o.get("text") or o.get("data", {}).get("text/html", "")) for o in outputs(path))


def leftovers(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob(".*"))


# What a month leaves


def test_a_month_leaves_notebooks_a_page_a_workbook_and_a_manifest_and_nothing_else(
    done: tuple[Path, list[Outcome]],
) -> None:
    folder, outcomes = done

    assert [str(o.month) for o in outcomes] == ["2026-03", "2026-04"]
    assert [o.folder for o in outcomes] == [folder / "reports" / NAME / month for month in ("2026-03", "2026-04")]
    assert sorted(p.name for p in outcomes[0].folder.iterdir()) == sorted(
        [
            "manifest.json",
            "overview.ipynb",
            "quality.ipynb",
            "sources.ipynb",
            f"{NAME}-2026-03.html",
            f"{NAME}-2026-03.xlsx",
        ]
    )
    assert outcomes[0].html == outcomes[0].folder / f"{NAME}-2026-03.html"
    assert (outcomes[0].failed, outcomes[0].skipped) == ((), False)
    assert leftovers(folder / "reports") == []


def test_every_month_is_run_with_its_own_parameters(done: tuple[Path, list[Outcome]]) -> None:
    folder, outcomes = done

    for outcome, month in zip(outcomes, ("2026-03", "2026-04"), strict=True):
        assert shown(outcome.folder / "sources.ipynb") == f"<p>{month} {folder / 'tables'}</p>"
        assert f"<p>{month} " in outcome.html.read_text(encoding="utf-8")


def test_filters_reach_the_notebook_one_a_line(done: tuple[Path, list[Outcome]]) -> None:
    text = (done[1][0].folder / "sources.ipynb").read_text(encoding="utf-8")

    assert "source=Ads,Site\\\\nregion=North" in text


def test_the_manifest_tells_inputs_parameters_versions_and_files(done: tuple[Path, list[Outcome]]) -> None:
    folder, outcomes = done
    told = manifest.read(outcomes[0].folder)

    assert told["status"] == "finished"
    assert told["inputs"]["calls.csv"]["bytes"] == (folder / "tables" / "calls.csv").stat().st_size == 169
    assert sorted(told["inputs"]) == ["callkit.toml", "calls.csv", "deals.csv", "stage_changes.csv"]
    assert told["parameters"]["month"] == "2026-03"
    assert told["parameters"]["where"] == "source=Ads,Site\nregion=North"
    assert set(told["versions"]) == {"callkit", "python", "duckdb", "pandas", "altair", "papermill"}
    assert set(told["seconds"]) == {"overview", "sources", "quality"}
    assert f"{NAME}-2026-03.html" in told["files"]


def test_the_command_in_the_report_makes_it_again(done: tuple[Path, list[Outcome]]) -> None:
    folder, outcomes = done

    assert manifest.read(outcomes[0].folder)["command"] == (
        f"callkit report {folder}/tables --month 2026-03 --out {folder}/reports --lang en "
        "--where source=Ads,Site --where region=North"
    )


def test_figures_of_the_headlines_are_kept_in_the_manifest(place: Path) -> None:
    told = {"section": "sources", "totals": {"calls": 2, "conversion": None}}
    bundle = {"application/vnd.callkit.section+json": told, "text/html": "<p>x</p>"}
    notebook(place / "notebooks" / "sources.ipynb", f"display({bundle!r}, raw=True)")

    assert manifest.read(one(place).folder)["figures"] == {"sources": {"calls": 2, "conversion": None}}


# Which sections


def test_a_section_whose_column_is_lacking_is_left_out_and_named(place: Path) -> None:
    company(place / "tables", SETTINGS.replace('"sources", ', '"sources", "projects", '))

    outcome = one(place, lang="ru")

    assert not (outcome.folder / "projects.ipynb").exists()
    assert manifest.read(outcome.folder)["left_out"] == ["Раздела «Проекты» нет: в таблице сделок нет столбца project."]
    assert "в таблице сделок нет столбца project" in outcome.html.read_text(encoding="utf-8")


def test_each_further_column_adds_a_page_of_its_own(place: Path) -> None:
    outcome = one(place, by=["region", "source, region"])

    assert shown(outcome.folder / "segment-region.ipynb").endswith("region\n")
    assert shown(outcome.folder / "segment-source,region.ipynb").endswith("source,region\n")


def test_without_further_columns_asked_for_the_first_that_no_section_shows_gets_a_page(place: Path) -> None:
    company(place / "tables", SETTINGS.replace('"quality"', '"segments"'))

    assert (one(place).folder / "segment-region.ipynb").exists()


# What is asked for wrongly


def test_a_parameter_that_a_notebook_does_not_declare_is_named_before_anything_is_run(place: Path) -> None:
    notebook(place / "notebooks" / "quality.ipynb", parameters=PARAMETERS.replace("month =", "mouth ="))

    with pytest.raises(UsageError, match=r"quality\.ipynb knows no parameter 'month'.*Did you mean 'mouth'"):
        one(place)
    assert not (place / "reports").exists()


def test_a_lens_that_a_notebook_cannot_be_told_is_no_report_under_another_lens(place: Path) -> None:
    notebook(place / "notebooks" / "quality.ipynb", parameters='source = "demo"\nmonth = "2026-10"\n')

    assert one(place).failed == ()
    with pytest.raises(UsageError, match="knows no parameter 'lens'"):
        one(place, lens="lifetime")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": ["regoin"]}, "there is no column 'regoin'.*Did you mean 'region'"),
        ({"where": ["sauce=Ads"]}, "there is no column 'sauce'"),
        ({"lens": "open"}, "lens 'open' is not known"),
        ({"lang": "de"}, "language 'de' is not known"),
        ({"timezone": "Moscow"}, "time zone 'Moscow' does not exist"),
        ({"notebooks": Path("/nowhere")}, "cannot be read as a notebook"),
    ],
)
def test_what_is_not_there_is_said_and_leaves_nothing_behind(
    place: Path, options: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        one(place, **options)
    assert not (place / "reports").exists()


def test_a_source_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"):
        report.run(str(tmp_path / "nowhere"), [MARCH], out=tmp_path / "reports")


def test_a_filter_that_matches_nothing_is_noted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one(place, where=["source=Sit"])

    assert "callkit: source='Sit' matches nothing; the nearest: Site" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(place: Path) -> None:
    (place / "reports").write_text("a file, not a folder")

    with pytest.raises(CallkitError, match=r"cannot be written: (Not a directory|File exists)"):
        one(place)


# A section that fails


def test_a_failing_section_keeps_its_traceback_and_the_others_still_run(place: Path) -> None:
    notebook(place / "notebooks" / "sources.ipynb", "print('before')", "1 / 0", "print('after')")

    outcome = one(place)

    assert outcome.failed == ("sources",)
    printed = outputs(outcome.folder / "sources.ipynb")
    assert [o["output_type"] for o in printed] == ["stream", "error"]
    assert printed[1]["ename"] == "ZeroDivisionError"
    assert any("1 / 0" in line or "ZeroDivisionError" in line for line in printed[1]["traceback"])
    page = outcome.html.read_text(encoding="utf-8")
    assert "ZeroDivisionError: division by zero" in page
    assert "Traceback" not in page
    assert shown(outcome.folder / "quality.ipynb").startswith("<p>2026-03")
    assert manifest.read(outcome.folder)["status"] == "failed"
    assert not one(place).skipped, "a month with a failed section is made again"


def test_a_mistake_that_callkit_explains_is_told_in_its_own_words(place: Path) -> None:
    cell = "from callkit.errors import UsageError\nraise UsageError('there is no such grade')"
    notebook(place / "notebooks" / "sources.ipynb", cell)

    page = one(place, lang="en").html.read_text(encoding="utf-8")
    assert "What happened: there is no such grade" in page
    assert "UsageError" not in page


def test_a_notebook_whose_process_dies_is_a_failed_section(place: Path) -> None:
    notebook(place / "notebooks" / "sources.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")

    outcome = one(place)

    assert outcome.failed == ("sources",)
    assert "signal 9" in manifest.read(outcome.folder)["failed"]["sources"]
    assert (outcome.folder / "sources.ipynb").is_file()


# Each notebook by itself


def test_nothing_of_one_notebook_is_left_for_another(place: Path) -> None:
    leave = "import callkit, os\nleft = hasattr(callkit, 'left'), 'LEFT' in os.environ, 'mine' in globals()"
    notebooks(place / "notebooks", leave, "callkit.left = os.environ['LEFT'] = mine = '1'", "print(left)")

    outcome = one(place, jobs=1)

    for section in ("overview", "sources", "quality"):
        assert "(False, False, False)" in shown(outcome.folder / f"{section}.ipynb")


def test_notebooks_run_in_the_interpreter_that_runs_callkit(place: Path) -> None:
    notebooks(place / "notebooks", "import sys, callkit\nprint(sys.executable, callkit.__file__)")

    assert f"{sys.executable} {Path(report.__file__).parent.parent / '__init__.py'}" in shown(
        one(place).folder / "quality.ipynb"
    )


def test_a_long_query_of_a_notebook_draws_no_bar_among_the_lines_of_the_report() -> None:
    question = "SELECT current_setting('enable_progress_bar')"
    asked = f"from callkit.engine import DuckDB; print(DuckDB().query({question!r}))"

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout

    assert told == "[(False,)]\n"


def test_all_notebooks_of_a_run_read_one_store_and_still_name_the_source(place: Path) -> None:
    opened = "from callkit import open_company\ncompany = open_company(source)"
    counted = "print(company.name, company.engine.query('SELECT count(*) FROM calls'))"
    notebooks(place / "notebooks", opened, counted, "import os\nprint(os.environ['CALLKIT_STORE_OF'])")

    said = shown(one(place).folder / "sources.ipynb")

    assert "Ромашка & Co [(3,)]" in said
    assert json.loads(said[said.index("{") : said.index("}") + 1])["source"] == str(place / "tables")


def test_a_store_is_a_source_like_any_other(place: Path) -> None:
    from callkit import build

    build(place / "tables", place / "kept.duckdb")

    outcome = report.run(
        str(place / "kept.duckdb"), [MARCH], out=place / "reports", notebooks=place / "notebooks", by=["region"]
    )[0]

    assert outcome.folder == place / "reports" / NAME / "2026-03"
    assert list(manifest.read(outcome.folder)["inputs"]) == ["kept.duckdb"]


def test_where_there_is_no_fork_the_notebooks_are_run_all_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    notebook(place / "notebooks" / "quality.ipynb", "import os\nos.system('echo from a child')", "1 / 0")
    monkeypatch.setattr(running, "_FORKS", False)

    outcome = one(place)

    assert outcome.failed == ("quality",)
    assert shown(outcome.folder / "sources.ipynb").startswith("<p>2026-03")
    assert "from a child" not in capfd.readouterr().out


KERNEL = """
import sys; sys.modules.setdefault("rfc3987_syntax", None)
import json, papermill, callkit.report.cells
for engine in ("nbclient", "callkit"):
    try:
        papermill.execute_notebook(sys.argv[1], f"{sys.argv[2]}/{engine}.ipynb", {"month": "2026-03"},
            engine_name=engine, kernel_name="python3", language="python", progress_bar=False)
    except papermill.exceptions.PapermillExecutionError:
        pass
"""
CELLS = (
    "import sys\nprint('out'); print('out again')\nprint('err', file=sys.stderr)",
    "from IPython.display import HTML, clear_output, display, update_display\n1 + 1\nmonth",
    "display({'a': 1}); display(HTML('<b>x</b>'), metadata={'text/html': {'isolated': True}})\nHTML('<i>y</i>')",
    "h = display('first', display_id='d')\nprint('between')\nupdate_display('second', display_id='d')",
    "print('gone')\nclear_output()\nprint('stays')",
    "import asyncio\nawait asyncio.sleep(0)\n_",
    "None;\n7;",
    "x = 3  # nothing to show",
    "def broken():\n    raise ValueError('with\\ntwo lines')\nbroken()",
    "print('never')",
)


def test_a_notebook_shows_what_it_shows_in_an_ordinary_kernel(tmp_path: Path) -> None:
    path = notebook(tmp_path / "all.ipynb", *CELLS)
    subprocess.run(
        [sys.executable, "-c", KERNEL, str(path), str(tmp_path)], check=True, capture_output=True, timeout=60
    )

    def of(engine: str) -> list[Any]:
        kept = outputs(tmp_path / f"{engine}.ipynb")
        for output in kept:
            # Colours apart.
            output["traceback"] = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in output.get("traceback", [])]
        return kept

    assert of("callkit") == of("nbclient")
    assert [o["output_type"] for o in of("callkit")][-1] == "error"


# Again, and again


def test_a_finished_month_is_skipped_until_something_that_it_is_made_of_changes(place: Path) -> None:
    def made_again(**options: Any) -> bool:
        again = not one(place, **options).skipped
        assert one(place, **options).skipped
        return again

    assert made_again()
    with (place / "tables" / "calls.csv").open("a") as file:
        file.write("c4,2026-03-05 10:00:00,60,out,m1,d1\n")
    assert made_again(), "a call more"
    company(place / "tables", SETTINGS.replace("RUB", "EUR"))
    assert made_again(), "other settings, and the call gone"
    notebook(place / "notebooks" / "quality.ipynb", "print(1)")
    assert made_again(), "another notebook"
    assert made_again(lang="en", by=["region"]), "other parameters"


def test_a_month_that_is_not_whole_counts_as_not_made(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("page")

    def kept(**own: Any) -> bool:
        manifest.write(tmp_path, {"status": "finished", "digest": "d"} | own)
        return manifest.finished(tmp_path, "d")

    assert kept()
    assert not kept(status="failed")
    assert not kept(digest="other")
    assert kept()
    (tmp_path / "page.html").write_text("torn")
    assert not manifest.finished(tmp_path, "d")
    assert kept()
    (tmp_path / "page.html").unlink()
    assert not manifest.finished(tmp_path, "d")
    assert kept()
    (tmp_path / "manifest.json").write_text("{")
    assert not manifest.finished(tmp_path, "d")


def test_force_makes_a_month_again_though_nothing_changed(place: Path) -> None:
    first = one(place)
    before = first.html.stat().st_ino

    again = one(place, force=True)

    assert not again.skipped
    assert again.html.stat().st_ino != before


def test_of_several_months_only_those_are_made_that_are_not_there(place: Path) -> None:
    made(place, APRIL)

    assert [(str(o.month), o.skipped) for o in made(place, MARCH, APRIL)] == [("2026-03", False), ("2026-04", True)]


# Killed, interrupted, printed

# What is started in the background of a script is told to ignore Ctrl-C, and so is what it starts.
RUN = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from callkit import cli, report
from callkit.report import running
running._SERVE = {LIGHT!r}
from callkit.zones import Period
cli._RUN["report"] = lambda _: print(*report.run(sys.argv[2], Period.of_month("2026-03..2026-04").months(), force=True,
    out=Path(sys.argv[3]), notebooks=Path(sys.argv[4]))) or 0
sys.exit(cli.main(["report", "x", "--month", "2026-03"]))
"""


def start(place: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-X",
        "faulthandler",
        "-c",
        RUN,
        "x",
        *(str(place / name) for name in ("tables", "reports", "notebooks")),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def alive(place: Path) -> list[str]:
    """The processes that know of this folder by their environment, as notebooks do."""
    known = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(place).encode() in (entry / "environ").read_bytes():
                    known.append((entry / "cmdline").read_text().replace("\0", " ")[:80])
            except OSError:
                continue
    return known


def gone(place: Path) -> bool:
    """Whether every process of a run ends within a few seconds."""
    if not Path("/proc").is_dir():
        return True
    until = time.monotonic() + 10
    while alive(place) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(place)


def found(place: Path, pattern: str) -> set[tuple[Path, int]]:
    """What is in the reports by this name, and which one of that name it is."""
    paths = set()
    for path in (place / "reports").glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            paths.add((path, path.stat().st_ino))
    return paths


def until_there(place: Path, pattern: str, before: set[tuple[Path, int]]) -> None:
    """Waits until something new of this name is in the reports."""
    latest = time.monotonic() + 30
    while not found(place, pattern) - before and time.monotonic() < latest:
        time.sleep(0.005)


MOMENTS = ("*/.run.*", "*/.run.*/*.duckdb", "*/.run.*/*/*.ipynb", "*/.run.*/*/*.html", "*/2026-03")


def test_a_run_killed_at_any_moment_leaves_no_half_written_month_and_the_next_one_completes(place: Path) -> None:
    for moment in MOMENTS:
        before = found(place, moment)
        process = start(place)
        until_there(place, moment, before)
        process.kill()
        process.communicate()
        for folder in (place / "reports").glob("*/2026-*"):
            told = manifest.read(folder)
            assert manifest.finished(folder, told.get("digest", "")), f"half a month after {moment}"

    outcomes = made(place, MARCH, APRIL)

    assert [o.failed for o in outcomes] == [(), ()]
    assert leftovers(place / "reports") == []
    assert gone(place)


def test_an_interrupted_run_ends_its_notebooks_and_clears_up_behind_itself(place: Path) -> None:
    notebook(place / "notebooks" / "sources.ipynb", "import time\ntime.sleep(600)")
    process = start(place)
    until_there(place, "*/.run.*/*/sources.ipynb", set())

    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # leaves the stack of every thread
        _, said = process.communicate()

    assert process.returncode == 130, said.decode()
    assert said.decode().strip().splitlines()[-1] == "callkit: interrupted"
    assert leftovers(place) == []
    assert not (place / "reports").exists() or list((place / "reports").iterdir()) == []
    assert gone(place)


def test_two_runs_at_once_both_complete(place: Path) -> None:
    processes = [start(place), start(place)]

    assert [(p.communicate(timeout=60)[1].decode()[-300:], p.returncode)[1] for p in processes] == [0, 0]
    assert leftovers(place / "reports") == []
    assert sorted(p.name for p in (place / "reports" / NAME).iterdir()) == ["2026-03", "2026-04"]


def test_without_a_terminal_a_line_a_month_is_said_and_no_bar_drawn(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(place, MARCH, APRIL)
    lines = capsys.readouterr().err.splitlines()

    assert [line.rpartition(",")[0] for line in lines] == [
        "callkit: 2026-03: 3 sections", "callkit: 2026-04: 3 sections",
    ]  # fmt: skip


def test_a_pdf_is_printed_where_a_chromium_is_found(
    place: Path, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLKIT_CHROMIUM", chromium)

    outcome = one(place, pdf=True)

    assert (outcome.folder / f"{NAME}-2026-03.pdf").read_bytes().startswith(b"%PDF")
    assert f"{NAME}-2026-03.pdf" in manifest.read(outcome.folder)["files"]


def test_without_a_chromium_the_rest_is_made_and_it_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLKIT_CHROMIUM", "/nowhere/chromium")

    outcome = one(place, pdf=True)

    assert outcome.html.is_file()
    assert not list(outcome.folder.glob("*.pdf"))
    assert "no PDF, for no Chromium is found" in capsys.readouterr().err


# Names and leftovers


@pytest.mark.parametrize(
    ("company_name", "folder"),
    [
        ("ООО «Ромашка»", "ООО-«Ромашка»"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d", "a-b-c-d"),
        (".hidden", "hidden"),
        ("tab\tand\nline\x00end\u202e", "tab-and-line-end"),
        ("Й", "Й"),
        ("CON", "CON-"),
        ("...", "company"),
        ("", "company"),
    ],
)
def test_the_name_of_a_company_makes_a_safe_name_of_a_folder(company_name: str, folder: str) -> None:
    assert keeping.safe_name(company_name) == folder


def test_a_long_name_is_cut_to_eighty_characters() -> None:
    assert keeping.safe_name("я" * 300) == "я" * 80


def test_what_a_dead_run_left_is_cleared_and_an_old_month_caught_in_between_comes_back(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, alive = tmp_path / f".run.{dead.pid}.1f.part", tmp_path / f".run.{os.getppid()}.1f.part"
    (left / "2026-03.old").mkdir(parents=True)
    (left / "2026-03.old" / "kept").write_text("old")
    (left / "2026-04").mkdir()
    alive.mkdir()

    keeping.clear(tmp_path)

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([alive.name, "2026-03"])
    assert (tmp_path / "2026-03" / "kept").read_text() == "old"
