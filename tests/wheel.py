"""Tries a wheel outside the repository: `python tests/wheel.py callkit-….whl`.

In a folder of its own, with the wheel unpacked in front of the installed libraries, the notebooks and the demo company
must have travelled along: figures, `init` and a whole report come out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main(wheel: Path) -> None:
    """Runs the commands of a first day and looks at what they leave."""
    with tempfile.TemporaryDirectory() as folder:
        place, work = Path(folder, "installed"), Path(folder, "work")
        work.mkdir()
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(place)
        surroundings = os.environ | {"PYTHONPATH": str(place), "PYTHONSAFEPATH": "1"}

        def callkit(*arguments: str) -> str:
            command = [sys.executable, "-m", "callkit", *arguments]
            done = subprocess.run(command, cwd=work, env=surroundings, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"callkit {' '.join(arguments)} failed with {done.returncode}:\n{done.stderr}")
            return done.stdout

        origin = subprocess.run(
            [sys.executable, "-c", "import callkit; print(callkit.__file__)"],
            cwd=work, env=surroundings, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        assert origin.startswith(str(place)), f"the wheel was not what ran, but {origin}"
        assert "(total)" in callkit("metrics", "demo", "--by", "source", "--month", "2026-10", "--format", "csv")
        callkit("init", "mine")
        assert (work / "mine" / "notebooks" / "managers.ipynb").is_file()
        html = Path(callkit("report", "demo", "--month", "2026-10").strip().splitlines()[-1])
        assert (work / html).stat().st_size > 500_000
    print(f"{wheel.name}: works outside the repository")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
