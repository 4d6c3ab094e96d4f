"""A store is made within the memory it is given, leaves nothing beside itself, and is made again only if it must."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from worlds import World, hand_world, worlds

from callkit import building, stored
from callkit.cli import main
from callkit.company import build
from callkit.engine import DuckDB, Engine
from callkit.errors import UsageError
from callkit.settings import Settings
from callkit.stored import Stored
from callkit.tables import Checked


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hand_world().write_csv(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("memory", ["4", "much", "-4GB", "4 cows", "GB", "1e3GB", "499MiB", "0GB"])
def test_a_memory_that_is_none_is_told_with_what_is_wanted(memory: str, world: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write a size as 4GB or 800MB|at least 500MiB are wanted"):
        build(world, tmp_path / "company.duckdb", memory=memory)
    assert not list(tmp_path.iterdir())


def test_memory_is_told_for_duckdb_alone(world: Path, tmp_path: Path) -> None:
    engine = Settings(engine={"kind": "postgres", "url": "postgresql://nobody@example/base"})
    with pytest.raises(UsageError, match=r"--memory is for DuckDB; .* \[engine\] options"):
        build(world, tmp_path / "company.callkit", settings=engine, memory="4GB")


SORTS = """
import sys
from pathlib import Path
from callkit.engine import DuckDB
engine = DuckDB(memory="500MiB", spill=Path(sys.argv[1]))
drawn = "SELECT hash(i) AS a, hash(i + 1) AS b, hash(i + 2) AS c FROM range(15000000) AS n(i) ORDER BY 1"
engine.create("drawn", drawn)
assert any(Path(sys.argv[1]).iterdir()), "nothing was spilled"
status = Path("/proc/self/status").read_text()  # resource.getrusage also tells what its parent had when it was started
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_a_process_keeps_to_its_memory_and_puts_the_rest_where_it_is_told_to(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SORTS, str(tmp_path / "spill")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) <= 500  # the rows, and as many sorted, are 720 MB
    assert not [p for p in tmp_path.iterdir() if p.name != "spill"]


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_spilled_beside_a_store_is_gone_when_it_is_made_or_has_failed(
    fails: bool, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    placed = building.place

    def place(checked: Checked, settings: Settings, engine: Engine, *, once: bool = False) -> None:
        assert isinstance(engine, DuckDB)
        (folder,) = engine.query("SELECT current_setting('temp_directory')")[0]
        assert Path(folder).parent == tmp_path
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "spilled").write_bytes(b"rows")
        seen.append(folder)
        if fails:
            raise KeyboardInterrupt
        placed(checked, settings, engine, once=once)

    monkeypatch.setattr(building, "place", place)
    if fails:
        with pytest.raises(KeyboardInterrupt):
            build(world, tmp_path / "company.duckdb", timezone="UTC", memory="1GB")
    else:
        build(world, tmp_path / "company.duckdb", timezone="UTC", memory="1GB")
    assert seen
    assert [p.name for p in tmp_path.iterdir()] == ([] if fails else ["company.duckdb"])


def rows_of(store: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a store, in order; of the facts those that tell of the data."""
    with closing(DuckDB(store, read_only=True)) as engine:
        tables = [name for (name,) in engine.query("SELECT table_name FROM duckdb_tables() ORDER BY 1")]
        kept = {name: engine.query(f"SELECT * FROM {name}") for name in tables}
    kept["facts"] = [row for row in kept["facts"] if row[0] != "made_of"]
    return {name: sorted(rows, key=repr) for name, rows in kept.items()}


@settings(max_examples=15)
@given(before=worlds(zones=("Europe/Moscow",), least=1), after=worlds(zones=("Europe/Moscow",), least=1))
def test_a_store_built_over_another_is_what_it_is_when_built_alone(before: World, after: World) -> None:
    with TemporaryDirectory() as place:
        folder, store = Path(place) / "tables", Path(place) / "company.duckdb"
        build(before.write_csv(folder), store, timezone="Europe/Moscow")
        for file in folder.iterdir():
            if file.stem not in after.columns:
                file.unlink()
        build(after.write_csv(folder), store, timezone="Europe/Moscow")
        assert rows_of(store) == rows_of(build(folder, Path(place) / "alone.duckdb", timezone="Europe/Moscow"))


def changed_in_place(folder: Path) -> None:
    """One call's talk, in as many bytes and with the file's time set back."""
    file = folder / "calls.csv"
    was, text = file.stat(), file.read_text(encoding="utf-8")
    file.write_text(text.replace(",300,out", ",301,out"), encoding="utf-8")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def replaced(folder: Path) -> None:
    copy = folder / "copy"
    shutil.copy2(folder / "calls.csv", copy)
    copy.rename(folder / "calls.csv")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a call changed in place, the file's time set back": changed_in_place,
    "a file replaced": replaced,
    "a table gone": lambda folder: (folder / "managers.csv").unlink(),
    "a table of another name": lambda folder: (folder / "stages.csv").rename(folder / "stages.bak"),
    "a rule changed": lambda folder: (folder / "callkit.toml").write_text("[rules]\nlead_in_minutes = 5\n"),
    "another name": lambda folder: (folder / "callkit.toml").write_text('[company]\nname = "Shop"\n'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_store_is_made_again_when_anything_changed_and_only_then(change: str, tmp_path: Path) -> None:
    folder, store = hand_world().write_csv(tmp_path / "tables"), tmp_path / "company.duckdb"
    first = Stored.at(build(folder, store, timezone="Europe/Moscow"))
    assert Stored.at(build(folder, store, timezone="Europe/Moscow")) == first
    time.sleep(0.02)  # the grain of a file system's clock

    CHANGES[change](folder)

    assert Stored.at(build(folder, store, timezone="Europe/Moscow")) != first
    alone = build(folder, tmp_path / "alone.duckdb", timezone="Europe/Moscow")
    assert rows_of(store) == rows_of(alone)


def test_another_zone_another_callkit_and_force_make_a_store_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "company.duckdb"
    made = [Stored.at(build(world, store, timezone="Europe/Moscow"))]
    made.append(Stored.at(build(world, store, timezone="Europe/Berlin")))
    made.append(Stored.at(build(world, store, timezone="Europe/Berlin", force=True)))
    monkeypatch.setattr(stored, "__version__", "another")
    made.append(Stored.at(build(world, store, timezone="Europe/Berlin")))
    assert len(set(made)) == 4


def test_the_command_says_that_nothing_has_changed(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["build", str(world), "--out", str(tmp_path / "company.duckdb"), "--timezone", "Europe/Moscow"]
    told = [(main(arguments), capsys.readouterr().err) for arguments in (command, command, [*command, "--force"])]
    assert [code for code, _ in told] == [0, 0, 0]
    assert ["nothing has changed" in err for _, err in told] == [False, True, False]


def test_a_file_in_the_stores_place_that_is_none_is_replaced(world: Path, tmp_path: Path) -> None:
    (tmp_path / "company.duckdb").write_bytes(b"not a database" * 1000)
    assert rows_of(build(world, tmp_path / "company.duckdb", timezone="UTC"))["calls"]
