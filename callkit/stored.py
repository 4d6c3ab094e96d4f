"""A store: placed tables, made once and only read afterwards, under the name of one file.

Of DuckDB the file `.duckdb` is the store itself. Of another engine it is a note `.callkit` that says which engine, and
where in it the placed tables are; passwords are the environment's. Either is written aside and renamed whole.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from callkit import __version__, engines
from callkit.engine import DuckDB, Engine, literal, reason
from callkit.errors import CallkitError, ContractError, UsageError
from callkit.settings import Settings
from callkit.sources import STORE, files

VERSION = 4
FILE, NOTE = ".duckdb", ".callkit"
SUFFIXES = (FILE, NOTE)
_PLACE = "callkit"
_POOL = "25%"
"""The part of its memory that a build keeps from one query to the next: to give it back and ask anew takes time."""


@dataclass(frozen=True)
class Stored:
    """A store's file as it was when it was opened: another file under the same name is new data."""

    path: Path
    inode: int
    changed_ns: int

    @classmethod
    def at(cls, path: Path) -> Stored:
        found = path.stat()
        return cls(path, found.st_ino, found.st_mtime_ns)

    @property
    def at_moment(self) -> dt.datetime:
        """When the store was made: of when the data is."""
        return dt.datetime.fromtimestamp(self.changed_ns / 1e9, dt.UTC)


def is_store(path: Path) -> bool:
    """Whether a path is that of a store."""
    return path.suffix in SUFFIXES and path.is_file()


def name(engine: Mapping[str, Any]) -> str:
    """The file name of a company's store under an engine, as `[engine]` tells of it."""
    return f"company{NOTE if engine else FILE}"


def opened(path: Path) -> tuple[Stored, Engine, dict[str, Any]]:
    """A store's file as it is now, the engine over its tables, and the facts kept with them.

    Raises ContractError where the file is no store, and what `engines.start` raises.
    """
    if path.suffix == NOTE:
        return _opened_by_note(path)
    try:
        found, engine = Stored.at(path), DuckDB(path, read_only=True)
        return found, engine, _facts(engine)
    except (duckdb.Error, CallkitError, OSError) as error:
        raise ContractError(f"{path} is no store of callkit's, or is damaged: {reason(error)}") from None


def _opened_by_note(path: Path) -> tuple[Stored, Engine, dict[str, Any]]:
    found, note = Stored.at(path), _note(path)
    engine = engines.start(note["engine"], note["place"])
    if not engine.has("facts"):
        engine.close()
        raise ContractError(f"{path}: the tables {note['place']} are gone from the engine; run callkit build again")
    return found, engine, _facts(engine)


def kept(out: Path) -> dict[str, Any]:
    """The facts of a DuckDB store, empty where there is none that can be read."""
    if out.suffix != FILE or not out.is_file():
        return {}
    with contextlib.suppress(ContractError):
        _, engine, facts = opened(out)
        engine.close()
        return facts
    return {}


def made_of(source: Path, settings: Settings) -> str:
    """What a store would be made of: this callkit, the settings, and every file as the file system knows it.

    Times of change cannot be set back, so that whatever was written to or replaced since is another file; reading it
    to know would cost a tenth of a build.
    """
    found = [(f.name, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for f in files(source) for s in [f.stat()]]
    told = [__version__, VERSION, asdict(settings), [f for f in found if f[0] != STORE]]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, default=str).encode()).hexdigest() if found else ""


def _facts(engine: Engine) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in engine.query("SELECT key, value FROM facts")}


@contextlib.contextmanager
def being_built(out: Path, told: Mapping[str, Any], memory: str = "", *, grows: bool = False) -> Iterator[Engine]:
    """The engine over a new store at `out`, whole at the block's end, or not there at all.

    One that `grows` begins as a copy of the store there. In an engine the tables of the store before it stay, for
    whoever reads them now, until the next store is built.
    """
    wanted = NOTE if told else FILE
    if out.suffix != wanted:
        raise UsageError(f"{out} is no name for a store: it must end in {wanted}")
    if told and memory:
        raise UsageError(f"--memory is for DuckDB; what {told['kind']} may take stands in [engine] options")
    aside = _aside(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if grows:
            _copy(out, aside)
        with _noted(out, aside, told) if told else _filed(aside, memory) as engine:
            yield engine
        aside.replace(out)
    except OSError as error:
        raise CallkitError(f"{out} cannot be written: {error.strerror}") from error
    except duckdb.Error as error:
        raise CallkitError(f"{out} cannot be written: {reason(error)}") from error
    finally:
        shutil.rmtree(_spill(aside), ignore_errors=True)
        for left in (aside, aside.with_name(aside.name + ".wal")):
            with contextlib.suppress(OSError):
                left.unlink()


def room(out: Path) -> Path:
    """A folder beside a store for what it grows by, while it does."""
    return out.with_name(f"{_aside(out).name}.new")


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.{os.getpid()}.part")


def _copy(path: Path, to: Path) -> None:
    """Copies a file, by reference where the file system can."""
    with path.open("rb", buffering=0) as source, to.open("wb", buffering=0) as target:
        left = os.fstat(source.fileno()).st_size
        try:
            while left and (done := os.copy_file_range(source.fileno(), target.fileno(), left)):
                left -= done
        except (AttributeError, OSError):  # another system, or another file system
            shutil.copyfileobj(source, target, 1 << 20)


def discard(path: Path) -> None:
    """Removes a store, its tables in an engine too; one that is not there is no error."""
    with contextlib.suppress(OSError, CallkitError):
        if path.suffix == NOTE:
            note = _note(path)
            engine = engines.start(note["engine"])
            for place in filter(None, (note["place"], note["before"])):
                engine.discard(place)
            engine.close()
        path.unlink()


def _spill(aside: Path) -> Path:
    """Where DuckDB puts what does not fit into memory: beside the store, where there must be room anyway."""
    return aside.with_name(f"{aside.name}.spill")


@contextlib.contextmanager
def _filed(aside: Path, memory: str) -> Iterator[Engine]:
    engine = DuckDB(memory=memory, spill=_spill(aside))
    try:
        if not memory:
            engine.query(f"SET block_allocator_memory = '{_POOL}'")
        engine.query(f"ATTACH {literal(str(aside))} AS store")
        engine.query("USE store")
        yield engine
        engine.query("USE memory")
        engine.query("DETACH store")
    finally:
        engine.close()


@contextlib.contextmanager
def _noted(out: Path, aside: Path, told: Mapping[str, Any]) -> Iterator[Engine]:
    old: dict[str, Any] = _note(out) if out.is_file() else {"engine": {}, "place": "", "before": ""}
    begins = _PLACE if told["kind"] == "spark" else told.get("store", _PLACE)  # Spark's `store` is a folder
    place = f"{begins}_{dt.datetime.now(dt.UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
    engine = engines.start(told, place, new=True)
    try:
        yield engine
        before: str = old["place"] if old["engine"] == told else ""
        note = {"callkit": "store", "engine": dict(told), "place": place, "before": before}
        aside.write_text(json.dumps(note, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if before and old["before"]:
            engine.discard(old["before"])
    except BaseException:
        with contextlib.suppress(Exception):
            engine.discard(place)
        raise
    finally:
        engine.close()


def _note(path: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"engine": dict(note["engine"]), "place": str(note["place"]), "before": str(note["before"])}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ContractError(f"{path} is no store of callkit's, or is damaged: {error}") from None
