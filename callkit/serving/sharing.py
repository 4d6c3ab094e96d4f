"""The store that all visitors of the app share: built once, and again when the files it was built from change."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from callkit import settings as settings_module
from callkit import sources, stored
from callkit.access import Rules, rules_of
from callkit.company import BUNDLED, STORE_OF, bundled, open_company
from callkit.errors import CallkitError, UsageError
from callkit.settings import Settings

SOURCE = "CALLKIT_APP_SOURCE"


class Shared:
    """A source, made ready to be opened by many processes at once.

    Of a folder of tables or a workbook a store is built, beside nothing of the user's; a store, and a folder that
    `callkit pull` fills, are opened as they are: `placed` is the store either way. `close` removes what was built.

    Raises as `callkit.build` does.
    """

    def __init__(self, source: str) -> None:
        here = bundled() if source == BUNDLED and not Path(source).exists() else Path(source).resolve()
        if not here.exists():
            raise UsageError(f"{source} does not exist; a folder of tables, a workbook or a store (.duckdb) is wanted")
        self.source = source if here == bundled() else str(here)
        self._path = here
        self._settings_file = settings_module.find(here)
        self._folder: Path | None = None
        settings = self.settings()
        if not settings.pulled and not stored.is_store(here):
            self._name = stored.name(settings.engine)
            self._folder = Path(tempfile.mkdtemp(prefix="callkit-app-"))
        self._made_of = self._signature()
        try:
            if self._folder and (failed := self.rebuild()):
                raise failed
            # One look before anybody is let in: what is wrong with the data is told now, at the keyboard.
            with open_company(str(self.store or self._path)) as company:
                assert company.stored
                self.placed = company.stored.path
                self.zone_declared: bool = company.facts["zone_declared"]
                self.name, self.language = (
                    company.name if not self._folder else settings.name,
                    company.settings.language,
                )
        except BaseException:
            self.close()
            raise

    @property
    def store(self) -> Path | None:
        """The store that was built, None where the source is opened as it is."""
        return self._folder / self._name if self._folder else None

    @property
    def environment(self) -> dict[str, str]:
        """What a process that opens the source must find in its environment."""
        told = {SOURCE: self.source}
        if self.store:
            told[STORE_OF] = json.dumps({"source": self.source, "store": str(self.store)})
        return told

    def settings(self) -> Settings:
        """The settings beside the source, as they are now; raises UsageError where they will not do."""
        return settings_module.load(self._settings_file) if self._settings_file else Settings()

    def rules(self) -> Rules:
        """Who sees what, as the settings say now; raises UsageError where they will not do."""
        return rules_of(self.settings().access, str(self._settings_file))

    def changed(self) -> bool:
        """Whether the files that the store was built from are others than they were when it was last asked to be."""
        return self._folder is not None and self._signature() != self._made_of

    def settled(self, before: object) -> bool:
        """Whether the files are as they were at an earlier `signature`: nobody is writing them now."""
        return self._signature() == before

    def signature(self) -> object:
        return self._signature()

    def rebuild(self) -> CallkitError | None:
        """Builds the store again in a process of its own and renames it into place; the error where it cannot be."""
        self._made_of = self._signature()
        command = [sys.executable, "-m", "callkit", "build", self.source, "--out", str(self.store)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
        told = done.stderr.strip().removeprefix("callkit: ")
        error = CallkitError(told or f"callkit build ended with {done.returncode}")
        error.exit_code = done.returncode if done.returncode in (1, 2, 3) else 1
        return error

    def close(self) -> None:
        if self._folder and self.store:
            stored.discard(self.store)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _signature(self) -> object:
        tables = self._path
        with contextlib.suppress(CallkitError):
            own = self.settings()
            tables = self._path / own.path if own.path and self._path.is_dir() else self._path
        found = [*sources.files(tables), *([self._settings_file] if self._settings_file else [])]
        signature = []
        for path in found:
            with contextlib.suppress(OSError):
                told = path.stat()
                signature.append((str(path), told.st_ino, told.st_size, told.st_mtime_ns))
        return signature
