"""A company, opened: its tables checked and its calls placed, ready to be measured, from a folder or from a store.

A *store* holds the placed tables, made once by `build` and only read afterwards, by several processes at a time.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from callkit import building, engines, sources, stored
from callkit import settings as settings_module
from callkit.access import Viewer, looking, people
from callkit.dimensions import CODED_BY_RULE, OTHERS, OTHERS_LABEL, SPECIAL, Dimension, code_label, dimensions
from callkit.engine import DuckDB, Engine
from callkit.errors import CallkitError, UsageError
from callkit.settings import Settings
from callkit.sources import STORE
from callkit.stored import Stored
from callkit.zones import Period, moment, zone

_LATE = dt.timedelta(days=4)
BUNDLED = "demo"
STORE_OF = "CALLKIT_STORE_OF"
Source = str | Path | sources.Frames


@dataclass(frozen=True, eq=False)
class Company:
    """An opened company. `facts` say what was read and when; `zone_declared` whether anybody named the time zone.

    `viewer` is whom the company was opened for: every scope made on it keeps to what he sees. `stored` is the store
    it was opened from, None where there is none.
    """

    engine: Engine
    settings: Settings
    facts: Mapping[str, Any]
    source: str
    viewer: Viewer = field(default_factory=looking)
    stored: Stored | None = None

    @property
    def timezone(self) -> str:
        return self.settings.timezone

    @property
    def name(self) -> str:
        return self.settings.name or Path(self.source).stem

    @functools.cached_property
    def dimensions(self) -> dict[str, Dimension]:
        return dimensions(self.facts["dimensions"])

    @functools.cached_property
    def people(self) -> tuple[int, ...] | None:
        """The codes of the managers whose calls and deals the viewer sees; None for all of them."""
        return people(self)

    @functools.cached_property
    def visible_codes(self) -> dict[str, frozenset[int]]:
        """What `callkit.scope` found out about the viewer: the codes of a dimension that he may see."""
        return {}

    @functools.cached_property
    def codes_of(self) -> dict[tuple[str, str], frozenset[int]]:
        """What `callkit.scope` found out about filter values: the codes that a dimension has for a text."""
        return {}

    @functools.cached_property
    def _label_sets(self) -> dict[str, dict[int, str]]:
        return {}

    def labels(self, dimension: str) -> dict[int, str]:
        """The labels of a coded dimension by code: stages in their order, managers by id, others as texts."""
        if dimension not in self._label_sets:
            # Codes are in this order too, but for those that a store got when it grew.
            ordered = "code" if dimension == "stage" else "id, label"
            sql = f"SELECT code, label FROM labels WHERE dimension = ? ORDER BY {ordered}"
            rows = self.engine.query(sql, [dimension])
            self._label_sets[dimension] = SPECIAL | dict(rows)
        return self._label_sets[dimension]

    def label(self, dimension: Dimension, code: int) -> str:
        """The label of one code of a dimension, as every machine format gives it."""
        if dimension.of == "month" or dimension.labels in CODED_BY_RULE:
            return code_label(dimension.labels, code)
        return OTHERS_LABEL if code == OTHERS else self.labels(dimension.labels)[code]

    def codes(self, dimension: Dimension) -> range:
        """Where the codes of a dimension lie, those among them that no row may have included; not for months."""
        by_rule = CODED_BY_RULE.get(dimension.labels)
        known = by_rule.values() if by_rule else (OTHERS, *self.labels(dimension.labels))
        return range(min(known), max(known) + 1)

    @functools.cached_property
    def span(self) -> tuple[dt.date, dt.date]:
        """The days of the first and the last call, in the account's zone."""
        first, last = self.engine.query("SELECT min(started_us), max(started_us) FROM calls")[0]
        return moment(first, self.timezone).date(), moment(last, self.timezone).date()

    def over(self, period: Period) -> bool:
        """Whether a period is over in the data; its last days may have had no calls."""
        return self.span[1] >= period.stop - _LATE

    def close(self) -> None:
        self.engine.close()

    def __enter__(self) -> Company:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_company(
    source: Source,
    *,
    timezone: str | None = None,
    settings: Settings | None = None,
    memory: str = "",
    engine: Engine | None = None,
) -> Company:
    """Opens a company: reads, checks and places a folder, workbook or pandas frames, or opens a store.

    `source` is a path, `"demo"` for the bundled company, or frames by table name. `timezone` outranks the settings;
    with neither, the zone is UTC and `company.facts["zone_declared"]` is False. `engine` is one to place and measure
    in that is open already, as `engines.spark.Spark(session)`; it is closed with the company.

    Raises UsageError for a source or zone that is not there, ContractError (exit code 3) with every violation.
    """
    own, said = settings or Settings(), "frames"
    if isinstance(source, Mapping):
        read: Path | sources.Frames = source
    else:
        path, said = _placed_already(str(source)) or _path(source), str(source)
        if store := pulled_store(path, settings):
            return replace(_open_store(store, timezone, settings or _pulled_settings(path, store)), source=said)
        if stored.is_store(path):
            return replace(_open_store(path, timezone, settings), source=said)
        own, read = _own_settings(path, settings)
    opened = engine or (engines.start(own.engine) if own.engine else DuckDB(memory=memory))
    try:
        own, facts = building.read_in(read, own.with_timezone(timezone), opened)
        return Company(opened, own, facts, said)
    except BaseException:
        opened.close()
        raise


def build(
    source: Source,
    out: Path,
    *,
    timezone: str | None = None,
    settings: Settings | None = None,
    memory: str = "",
    facts: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Path:
    """Places the calls of a source once, into a store at `out`; an older store there is replaced whole.

    A DuckDB store that was made by this callkit of the same files and settings stays as it is; one of the same settings
    whose files of calls and stage changes have only grown at their ends grows by what is new (`callkit.growing`). With
    `force` it is made whole. What was done stands in the facts, under `built`.

    `out` ends in `.duckdb`, or in `.callkit` where the settings name another engine.

    `facts` are kept with those of the company, for what its tables do not tell. Of a company that `callkit pull` has
    placed already, the store is copied.

    Raises as `open_company` does; nothing is left at `out` unless the store is complete.
    """
    own = settings or Settings()
    if isinstance(source, Mapping):
        read: Path | sources.Frames = source
    else:
        if store := pulled_store(_path(source), settings):
            return _copied(source, store, out, timezone, settings)
        path = _path(source)
        if path.suffix in stored.SUFFIXES:
            raise UsageError(f"{path} is a store already; give the folder or workbook that it was built from")
        own, read = _own_settings(path, settings)
    building.build(read, own.with_timezone(timezone), out, memory, facts or {}, force=force)
    return out


def bundled() -> Path:
    """The demo company that comes with callkit."""
    package = Path(__file__).parent
    return next(p for p in (package / "demo_company", package.parent / "data" / "demo") if p.is_dir())


def pulled_store(path: Path, settings: Settings | None = None) -> Path | None:
    """The store of a folder that `callkit pull` fills; None for any other source.

    Raises UsageError where nothing has been pulled yet.
    """
    own, _ = _own_settings(path, settings) if path.is_dir() else (Settings(), path)
    if not own.pulled:
        return None
    if not (path / STORE).is_file():
        raise UsageError(f"{path} is fed by {own.kind} and nothing has been pulled yet; run callkit pull {path}")
    return path / STORE


def _pulled_settings(path: Path, store: Path) -> Settings:
    """The folder's settings as they are now, the store's time zone and currency where they name none."""
    own, _ = _own_settings(path, None)
    with _open_store(store, None, None) as company:
        kept = company.settings
    now, then = ((s.lead_in_minutes, s.contact_days, s.fields) for s in (own, kept))
    if now != then or own.timezone not in ("", kept.timezone):
        raise UsageError(
            f"callkit.toml names other rules, fields or another time zone than {store} was built with; "
            f"run callkit pull {path} --rebuild"
        )
    return replace(own, timezone=kept.timezone, currency=own.currency or kept.currency)


def _copied(source: str | Path, store: Path, out: Path, timezone: str | None, settings: Settings | None) -> Path:
    with open_company(source, timezone=timezone, settings=settings) as company:
        own = json.dumps(asdict(company.settings) | {"access": {}}, ensure_ascii=False)
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store, aside)
        engine = DuckDB(aside)
        engine.query("UPDATE facts SET value = ? WHERE key = 'settings'", [own])
        engine.close()
        aside.replace(out)
    except OSError as error:
        raise CallkitError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    return out


def _path(source: str | Path) -> Path:
    return bundled() if str(source) == BUNDLED and not Path(source).exists() else Path(source)


def _placed_already(source: str) -> Path | None:
    """The store that a batch has built of this source for all its notebooks, which go on naming the source itself."""
    told = json.loads(os.environ.get(STORE_OF) or "{}")
    return Path(told["store"]) if told.get("source") == source else None


def _own_settings(path: Path, settings: Settings | None) -> tuple[Settings, Path]:
    file = settings_module.find(path) if path.exists() else None
    own = settings or (settings_module.load(file) if file else Settings())
    return own, (path / own.path if own.path and path.is_dir() else path)


def _open_store(path: Path, timezone: str | None, settings: Settings | None) -> Company:
    found, engine, facts = stored.opened(path)
    if facts.get("version") != stored.VERSION:
        raise UsageError(f"{path} was built by another version of callkit; run callkit build again")
    kept: dict[str, Any] = facts["settings"]
    own = Settings(**(kept | {name: tuple(kept[name]) for name in ("sections", "by")}))
    if timezone and zone(timezone).key != own.timezone:
        raise UsageError(f"{path} was built for {own.timezone}; for {timezone} run callkit build again with --timezone")
    if settings:
        own = replace(settings, timezone=own.timezone)
    return Company(engine, own, facts, str(path), stored=found)
