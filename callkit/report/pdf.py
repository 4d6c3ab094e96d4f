"""The report as a PDF, printed by a Chromium of the machine; none is needed for anything else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_LONGEST = 120  # seconds


def chromium() -> str | None:
    """The Chromium to print with: `CALLKIT_CHROMIUM`, else the first one found on the path, else None."""
    own = os.environ.get("CALLKIT_CHROMIUM")
    if own:
        return shutil.which(own)
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def write(html: Path, out: Path) -> str:
    """Prints an HTML file to a PDF; what kept it from it in a few words, nothing where the PDF is there."""
    program = chromium()
    if program is None:
        return "for no Chromium is found; install one, or name it in CALLKIT_CHROMIUM"
    # Its own sandbox cannot start for the superuser, who has no need to be kept from his own file.
    alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program, "--headless", *alone, "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", "--virtual-time-budget=20000",
            f"--print-to-pdf={out.resolve()}", html.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LONGEST, check=False)
        except subprocess.TimeoutExpired:
            return f"for {program} did not finish within {_LONGEST} seconds"
        except OSError as error:
            return f"for {program} does not start: {error.strerror}"
    if done.returncode or not out.is_file() or not out.read_bytes().startswith(b"%PDF"):
        out.unlink(missing_ok=True)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return f"for {program} failed{': ' + said[-1] if said else ''}"
    return ""
