"""The command line promises an exit code that tells, one clear message, never a traceback, nothing half-written."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import hand_world

from callkit.cli import main
from callkit.company import build, open_company
from callkit.errors import ContractError, UsageError
from callkit.grammar import grammar

MARCH = ["--month", "2026-03", "--timezone", "Europe/Moscow"]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hand_world().write_csv(tmp_path_factory.mktemp("world"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as stopped:  # argparse stops by itself
        code = int(stopped.code or 0)
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a period is wanted"),
        (["--from", "2026-03-01"], "a period is wanted"),
        (["--month", "2026-03", "--from", "2026-03-01", "--to", "2026-04-01"], "give one period"),
        (["--month", "March"], "month 'March' is not understood; write 2026-03"),
        (["--month", ""], "month '' is not understood"),
        (["--month", "2026-13"], "month '2026-13' is not understood"),
        (["--month", "2026-04..2026-03"], "run backwards"),
        (["--from", "2026-03-01", "--to", "2026-03-01"], "is empty"),
        (["--from", "1 March", "--to", "2026-03-01"], "--from '1 March' is not a day"),
        (["--month", "2026-03", "--by", "sorce"], "Did you mean 'source'"),
        (["--month", "2026-03", "--by", "source", "--by", "source"], "named twice"),
        (["--month", "2026-03", "--where", "source"], "write COLUMN=VALUE"),
        (["--month", "2026-03", "--where", "colour=red"], "there is no column 'colour'"),
        (["--month", "2026-03", "--where", "month=2026-03"], "month cannot be filtered"),
        (["--month", "2026-03", "--lens", "close"], "Did you mean 'closed'"),
        (["--month", "2026-03", "--credit", "boss"], "credit 'boss' is not known"),
        (["--month", "2026-03", "--lens", "called", "--credit", "talk"], "knows no credit"),
        (["--month", "2026-03", "--timezone", "Mars"], "time zone 'Mars' does not exist"),
        (["--month", "2026-03", "--format", "xml"], "invalid choice"),
    ],
)
def test_a_wrong_command_ends_in_exit_code_2_and_says_what_is_allowed(
    world: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    code, out, err = said(capsys, "metrics", str(world), *arguments)
    assert (code, out) == (2, "")
    assert told in err


def test_a_filter_that_matches_nothing_answers_with_nothing_and_the_nearest_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = said(capsys, "metrics", "demo", "--month", "2026-10", "--where", "source=Авита", "--format", "csv")
    assert code == 0
    assert "source='Авита' matches nothing; the nearest: Авито" in err
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["segment"], row["calls"], row["deals"], row["conversion"]) == ("(total)", "0", "0", "")


def test_a_period_without_calls_is_an_answer_of_zeros(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "metrics", str(world), "--month", "1999-01", "--by", "manager", "--format", "csv")
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["manager"], row["calls"], row["talk_share"]) == ("(total)", "0", "")


def test_every_format_holds_the_same_figures(world: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import duckdb

    command = ["metrics", str(world), *MARCH, "--by", "manager"]
    rows = list(csv.DictReader(io.StringIO(said(capsys, *command, "--format", "csv")[1])))
    objects = json.loads(said(capsys, *command, "--format", "json")[1])
    done = subprocess.run(
        [sys.executable, "-m", "callkit", *command, "--format", "parquet"], capture_output=True, check=True
    )
    (tmp_path / "figures.parquet").write_bytes(done.stdout)
    frame = duckdb.connect().execute(f"SELECT * FROM '{tmp_path / 'figures.parquet'}'").fetchall()
    for row, found, kept in zip(rows, objects, frame, strict=True):
        for name, written, other, stored in zip(row, row.values(), found.values(), kept, strict=True):
            if name == "manager":
                assert written == other == stored
            else:
                assert (float(written) if written else None) == other == stored
    assert "(total)" in said(capsys, *command)[1]


def test_check_prints_the_contract_and_the_quality(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "check", "demo", "--lang", "ru")
    assert code == 0
    assert "contract: kept" in out
    assert "Звонки, чьей сделки нет в таблице сделок: 12" in out


def test_check_tells_machines_every_violation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.csv").write_text("call_id,started_at,talk_seconds\nc1,never,-1\n")
    code, out, _ = said(capsys, "check", str(tmp_path), "--format", "json")
    told = json.loads(out)
    assert (code, told["ok"]) == (3, False)
    assert {v["table"] for v in told["violations"]} == {"calls", "deals", "stage_changes"}
    code, out, _ = said(capsys, "check", "demo", "--format", "json")
    told = json.loads(out)
    assert (code, told["ok"], told["tables"]["calls"]) == (0, True, 6000)


def test_a_store_is_written_whole_or_not_at_all(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "company.duckdb"
    assert said(capsys, "build", str(world), "--out", str(store), "--timezone", "Europe/Moscow")[:2] == (
        0,
        f"{store}\n",
    )
    before = store.read_bytes()
    (tmp_path / "calls.csv").write_text("call_id\n")
    assert said(capsys, "build", str(tmp_path), "--out", str(store))[0] == 3
    assert store.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["calls.csv", "company.duckdb"]


def test_a_store_may_be_replaced_while_it_is_read(world: Path, tmp_path: Path) -> None:
    store = build(world, tmp_path / "company.duckdb", timezone="Europe/Moscow")
    with open_company(store) as reader:
        build(world, store, timezone="Europe/Berlin")
        assert reader.timezone == "Europe/Moscow"
        assert reader.engine.query("SELECT count(*) FROM calls")[0][0] == len(hand_world().calls)
    with open_company(store) as reader:
        assert reader.timezone == "Europe/Berlin"


def test_a_store_keeps_its_zone(world: Path, tmp_path: Path) -> None:
    store = build(world, tmp_path / "company.duckdb", timezone="Europe/Moscow")
    with pytest.raises(UsageError, match="was built for Europe/Moscow; for UTC run callkit build again"):
        open_company(store, timezone="UTC")


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(ContractError, match="is no store of callkit's, or is damaged"):
        open_company(tmp_path / "other.duckdb")


def test_a_store_needs_its_ending(world: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = said(capsys, "build", str(world), "--out", str(tmp_path / "company.db"))
    assert code == 2
    assert "must end in .duckdb" in err


def test_a_folder_that_cannot_be_written_is_told(
    world: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    code, _, err = said(capsys, "build", str(world), "--out", str(tmp_path / "taken" / "company.duckdb"))
    assert code == 1
    assert "cannot be written" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_ends_in_exit_code_1_and_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "callkit", "metrics", "demo", "--month", "2026-10"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr


def test_a_reader_that_goes_away_early_is_no_failure_to_speak_of() -> None:
    command = f"'{sys.executable}' -m callkit metrics demo --month 2026-10 --by stage --by manager | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("stage")
    assert done.stderr == ""


def test_init_makes_a_folder_that_works_once_the_tables_are_in(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "shop"
    assert said(capsys, "init", str(shop))[0] == 0
    assert said(capsys, "config", "validate", str(shop / "callkit.toml"))[0] == 0
    for table in world.glob("*.csv"):
        (shop / "tables" / table.name).write_bytes(table.read_bytes())
    code, out, err = said(capsys, "metrics", str(shop), "--month", "2026-03", "--format", "csv")
    assert (code, err) == (0, "")
    assert said(capsys, "metrics", str(world), *MARCH, "--format", "csv")[1] == out
    notebook = (shop / "notebooks" / "managers.ipynb").read_text(encoding="utf-8")
    assert 'source = \\"..\\"' in notebook
    assert said(capsys, "init", str(shop))[0] == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[acount]\n", "[acount] is not known; allowed: company, account"),
        ("[account]\ntimezon = 'UTC'\n", "timezon is not known; allowed: timezone. Did you mean 'timezone'?"),
        ("[company]\nlanguage = 'de'\n", "language = 'de' is not allowed; wanted: 'ru' or 'en'"),
        ("[rules]\nmin_deals = -1\n", "min_deals = -1 is not allowed"),
        ("[rules]\nmin_deals = true\n", "min_deals = True is not allowed"),
        ("[dimensions]\nsource = 3\n", "[dimensions] source = 3 is not allowed"),
        ("[company]\ndeal_url = 'javascript:alert(1)//{deal_id}'\n", "wanted: an address with {deal_id} in it"),
        ("company = 1\n", "[company] must be a table"),
        ("[company\n", "is not valid TOML"),
    ],
)
def test_settings_name_the_file_the_key_and_the_nearest_match(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    file = tmp_path / "callkit.toml"
    file.write_text(text)
    code, _, err = said(capsys, "config", "validate", str(file))
    assert code == 2
    assert str(file) in err
    assert told in err


@pytest.mark.parametrize("verb", ["metrics", "check", "build", "report", "demo", "init"])
def test_every_help_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, verb, "--help")
    assert code == 0
    assert f"example:\n  callkit {verb}" in out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert said(capsys, "--version")[1] == f"callkit {project['project']['version']}\n"


def test_metrics_starts_without_the_slow_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from callkit.cli import main; "
         "main(['metrics', 'demo', '--month', '2026-10']); "
         "print([m for m in ('pandas', 'numpy', 'altair', 'jsonschema', 'papermill') if m in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_grammar_can_be_built_twice() -> None:
    assert grammar() is not grammar()


def test_conformance_cases_of_every_company_agree(shared: Path) -> None:
    """A dozen of them: `.ci/run` asks all."""
    check = shared / "conformance" / "check.py"
    command = f"{sys.executable} -m callkit"
    for part in ("small-0", "pipelines-00", "bpic2012-10"):
        done = subprocess.run(
            [sys.executable, str(check), "--callkit", command, "--only", part],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
