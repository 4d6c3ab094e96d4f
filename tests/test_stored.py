"""A store is made within the memory it is given, and leaves nothing beside itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from worlds import hand_world

from callkit import company
from callkit.company import build
from callkit.engine import DuckDB, Engine
from callkit.errors import UsageError
from callkit.settings import Settings
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
import resource, sys
from pathlib import Path
from callkit.engine import DuckDB
engine = DuckDB(memory="500MiB", spill=Path(sys.argv[1]))
drawn = "SELECT hash(i) AS a, hash(i + 1) AS b, hash(i + 2) AS c FROM range(15000000) AS n(i) ORDER BY 1"
engine.create("drawn", drawn)
assert any(Path(sys.argv[1]).iterdir()), "nothing was spilled"
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
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
    placed = company.place

    def place(checked: Checked, settings: Settings, engine: Engine) -> None:
        assert isinstance(engine, DuckDB)
        (folder,) = engine.query("SELECT current_setting('temp_directory')")[0]
        assert Path(folder).parent == tmp_path
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "spilled").write_bytes(b"rows")
        seen.append(folder)
        if fails:
            raise KeyboardInterrupt
        placed(checked, settings, engine)

    monkeypatch.setattr(company, "place", place)
    if fails:
        with pytest.raises(KeyboardInterrupt):
            build(world, tmp_path / "company.duckdb", timezone="UTC", memory="1GB")
    else:
        build(world, tmp_path / "company.duckdb", timezone="UTC", memory="1GB")
    assert seen
    assert [p.name for p in tmp_path.iterdir()] == ([] if fails else ["company.duckdb"])
