"""A company's settings: `callkit.toml`, read once, every key known, no secrets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from callkit.access import rules_of
from callkit.contract import CONTRACT
from callkit.errors import UsageError, did_you_mean
from callkit.goals import goals_of
from callkit.locale import LANGUAGES, Locale
from callkit.spending import spending_of
from callkit.working import Working, working_of

FILE = "callkit.toml"
KINDS = ("files", "amocrm", "mybi", "sql")
ENGINES = ("duckdb", "postgres", "clickhouse", "spark")
WHO_SPOKE = ("created_by", "call_responsible", "responsible_user")
SECTIONS = (
    "overview", "changes", "managers", "sources", "projects", "grades", "stages", "day", "segments", "cohorts",
    "whatif", "costs", "quality",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What `callkit.toml` says, with the defaults for what it leaves out.

    `titles` are the names of dimensions by language; `long_talk_hours` marks talks as odd; `min_deals` is the number
    below which a segment is called too small to judge. `kind` is where tables come from; `crm` holds what belongs to
    that kind alone, by key, and `fields` the number of the CRM's own field behind a dimension; `access` is what
    `callkit.access` reads; `engine` what `callkit.engines` reads, empty where DuckDB computes; `goals` what
    `callkit.goals` reads, `costs` what `callkit.spending` does, `working` what `callkit.working` does.
    """

    name: str = ""
    language: str = "ru"
    currency: str = ""
    deal_url: str = ""
    timezone: str = ""
    path: str = ""
    decimal: str = "."
    separator: str = ""
    lead_in_minutes: float = 60
    contact_days: float = 30
    long_talk_hours: float = 4
    min_deals: int = 30
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sections: tuple[str, ...] = SECTIONS
    by: tuple[str, ...] = ()
    kind: str = "files"
    crm: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)
    access: Mapping[str, Any] = field(default_factory=dict)
    engine: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    working: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hours(self) -> Working:
        """The working hours."""
        return working_of(self.working)

    @property
    def pulled(self) -> bool:
        """Whether the tables are fetched by `callkit pull`, not read from files."""
        return self.kind != "files"

    def locale(self, lang: str = "") -> Locale:
        return Locale(lang or self.language, self.currency, self.titles)

    def with_timezone(self, timezone: str | None) -> Settings:
        return replace(self, timezone=timezone) if timezone else self


# section, key -> field, what it must be, in words
_KEYS: dict[str, dict[str, tuple[str, type | tuple[type, ...], str]]] = {
    "company": {
        "name": ("name", str, "a text"),
        "language": ("language", str, "'ru' or 'en'"),
        "currency": ("currency", str, "a currency code, as 'RUB'"),
        "deal_url": ("deal_url", str, "an address with {deal_id} in it"),
    },
    "account": {"timezone": ("timezone", str, "an IANA name, as 'Europe/Moscow'")},
    "source": {
        "path": ("path", str, "a path, relative to this file"),
        "decimal": ("decimal", str, "'.' or ','"),
        "separator": ("separator", str, "',' or ';'"),
        "kind": ("kind", str, f"one of {', '.join(KINDS)}"),
        "subdomain": ("crm.subdomain", str, "the first part of the account's address, as 'example'"),
        "domain": ("crm.domain", str, "the rest of the account's address, as 'amocrm.ru' or 'kommo.com'"),
        "url": ("crm.url", str, "an address; no password in it"),
    },
    "amocrm": {
        "token_file": ("crm.token_file", str, "a path, relative to this file"),
        "client_id": ("crm.client_id", str, "the integration's id"),
        "redirect_uri": ("crm.redirect_uri", str, "the address the integration was registered with"),
        "requests_per_second": ("crm.requests_per_second", (int, float), "a number above 0; amoCRM bears 7"),
        "call_time": ("crm.call_time", str, "'start' or 'end': what the time of a call note is"),
        "who_spoke": ("crm.who_spoke", list, f"a list of {', '.join(WHO_SPOKE)}, the first that is known counts"),
        "pipelines": ("crm.pipelines", str, "'name' or 'id': how pipelines are called"),
    },
    "mybi": {
        "timezone": ("crm.timezone", str, "an IANA name: the zone that the database writes times in"),
        "schema": ("crm.schema", str, "the schema of the tables"),
        "account": ("crm.account", int, "the account_id, where the database holds several accounts"),
        "source": ("crm.source", str, "'traffic', 'unsorted' or 'none': where a deal's source lies"),
        "call_time": ("crm.call_time", str, "'start' or 'end': what the time of a call is"),
        "seconds": ("crm.seconds", str, "'notes' or 'none': whether call notes tell a call's seconds"),
        "pipelines": ("crm.pipelines", str, "'name' or 'id': how pipelines are called"),
        "directions": ("crm.directions", dict, 'a table of spellings, as { входящий = "in" }'),
    },
    "queries": {table: (f"crm.query.{table}", str, "an SQL query") for table in CONTRACT},
    "access": {
        "header": ("access.header", str, "the name of a header, as 'X-Forwarded-User'"),
        "trusted": ("access.trusted", list, "a list of addresses or networks, as '10.0.0.5' or '10.0.0.0/8'"),
        "everything": ("access.everything", list, "a list of users"),
        "teams": ("access.teams", dict, 'users with lists of teams, as { vera = ["North"] }'),
        "themselves": ("access.themselves", dict, 'users with a manager\'s id or name each, as { ivan = "m7" }'),
    },
    "engine": {
        "kind": ("engine.kind", str, f"one of {', '.join(ENGINES)}"),
        "url": ("engine.url", str, "an address; no password in it"),
        "master": ("engine.master", str, "a Spark master, as 'spark://host:7077'"),
        "tables": ("engine.tables", str, "where the tables lie: a schema, a database, for Spark a folder of Parquet"),
        "store": ("engine.store", str, "where placed tables are kept: how names of schemas begin; for Spark a folder"),
        "options": ("engine.options", dict, "settings of the engine's own, names with values"),
    },
    "rules": {
        "lead_in_minutes": ("lead_in_minutes", (int, float), "a number of minutes, 0 or more"),
        "contact_days": ("contact_days", (int, float), "a number of days, 0 or more"),
        "long_talk_hours": ("long_talk_hours", (int, float), "a number of hours above 0"),
        "min_deals": ("min_deals", int, "a whole number, 0 or more"),
    },
    "working": {
        "days": ("working.days", list, 'a list of days, as ["mon", "tue", "wed", "thu", "fri"]'),
        "from": ("working.from", str, "a time of day, as '09:00'"),
        "to": ("working.to", str, "a time of day, as '18:00'"),
        "holidays": ("working.holidays", list, 'a list of days, as ["2026-01-02", "05-09"]: of one year, or of each'),
    },
    "report": {
        "sections": ("sections", list, f"a list of {', '.join(SECTIONS)}"),
        "by": ("by", list, "a list of columns, each a segment page of its own"),
    },
}
_READ_APART: dict[str, Callable[[Any, str], object]] = {"goals": goals_of, "costs": spending_of}
"""Sections whose keys are the company's own: who reads them says what is wrong with them."""
_ALLOWED: dict[str, Callable[[Any], bool]] = {
    "language": lambda v: v in LANGUAGES,
    "decimal": lambda v: v in (".", ","),
    "separator": lambda v: v in (",", ";", "\t", ""),
    "lead_in_minutes": lambda v: v >= 0,
    "contact_days": lambda v: v >= 0,
    "long_talk_hours": lambda v: v > 0,
    "min_deals": lambda v: v >= 0,
    "sections": lambda v: bool(v) and all(s in SECTIONS for s in v),
    "by": lambda v: all(isinstance(b, str) and b for b in v),
    "kind": lambda v: v in KINDS,
    "crm.subdomain": lambda v: bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", v)),
    "crm.domain": lambda v: bool(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", v)),
    "crm.url": lambda v: "://" in v and not urlsplit(v).password,
    "crm.requests_per_second": lambda v: v > 0,
    "crm.call_time": lambda v: v in ("start", "end"),
    "crm.who_spoke": lambda v: bool(v) and all(w in WHO_SPOKE for w in v),
    "crm.pipelines": lambda v: v in ("name", "id"),
    "crm.source": lambda v: v in ("traffic", "unsorted", "none"),
    "crm.seconds": lambda v: v in ("notes", "none"),
    "crm.directions": lambda v: all(d in ("in", "out", "unknown") for d in v.values()),
    "engine.kind": lambda v: v in ENGINES,
    "engine.url": lambda v: "://" in v and not urlsplit(v).password,
    "engine.store": bool,
    "engine.tables": bool,
    "engine.options": lambda v: all(isinstance(o, str | int | float) for o in v.values()),
    "access.header": lambda v: bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", v)),
    "access.trusted": lambda v: bool(v) and _texts(v),
    "access.everything": lambda v: _texts([*v]),
    "access.teams": lambda v: all(u and isinstance(t, list) and bool(t) and _texts(t) for u, t in v.items()),
    "access.themselves": lambda v: _texts([*v, *v.values()]),
    "deal_url": lambda v: v == "" or ("{deal_id}" in v and v.startswith(("https://", "http://"))),
}


def find(source: Path) -> Path | None:
    """The settings file that belongs to a source: inside a folder, beside a file."""
    place = source if source.is_dir() else source.parent
    return place / FILE if (place / FILE).is_file() else None


def load(path: Path) -> Settings:
    """The settings in a file.

    Raises UsageError naming file, key and nearest known key for what is not known or not allowed.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return parse(tables, str(path))


def parse(tables: Mapping[str, Any], where: str) -> Settings:
    """Settings from the tables of a TOML file; `where` names it in errors."""
    values: dict[str, Any] = {}
    for section, entries in tables.items():
        if section == "dimensions":
            told = {name: _dimension(name, value, where) for name, value in _table(entries, section, where).items()}
            values["titles"] = {name: titles for name, (titles, _) in told.items() if titles}
            values["fields"] = {name: number for name, (_, number) in told.items() if number}
            continue
        if section in _READ_APART:
            _READ_APART[section](_table(entries, section, where), where)
            values[section] = entries
            continue
        if section not in _KEYS:
            known = [*_KEYS, "dimensions", *_READ_APART]
            near = did_you_mean(section, known)
            raise UsageError(f"{where}: [{section}] is not known; allowed: {', '.join(known)}.{near}")
        for key, value in _table(entries, section, where).items():
            if key not in _KEYS[section]:
                near = did_you_mean(key, _KEYS[section])
                raise UsageError(
                    f"{where}: [{section}] {key} is not known; allowed: {', '.join(_KEYS[section])}.{near}"
                )
            name, kind, wanted = _KEYS[section][key]
            if not isinstance(value, kind) or isinstance(value, bool) or not _allowed(name, value):
                shown = "" if key == "url" else f" = {value!r}"  # a password may stand in it
                raise UsageError(f"{where}: [{section}] {key}{shown} is not allowed; wanted: {wanted}")
            group, _, own = name.rpartition(".")
            if group in ("access", "engine", "working"):
                # what a store keeps is text: a date of TOML as well
                values.setdefault(group, {})[own] = [*map(str, cast(list[Any], value))] if own == "holidays" else value
            elif name.startswith("crm."):
                values.setdefault("crm", {})[name.removeprefix("crm.")] = value
            else:
                values[name] = tuple(value) if isinstance(value, list) else value
    rules_of(values.get("access", {}), where)
    working_of(values.get("working", {}), where)
    made = Settings(**values)
    if made.engine.get("kind", "duckdb") == "duckdb":
        if set(made.engine) - {"kind"}:
            raise UsageError(
                f"{where}: [engine] kind is wanted: postgres, clickhouse, spark; DuckDB needs nothing else"
            )
        return replace(made, engine={})
    if made.pulled:
        raise UsageError(
            f'{where}: [engine] is for tables in files or in the engine; "{made.kind}" is placed in DuckDB'
        )
    return made


def _texts(values: list[object]) -> bool:
    return all(isinstance(v, str) and v.strip() for v in values)


def _allowed(name: str, value: object) -> bool:
    return name not in _ALLOWED or _ALLOWED[name](value)


def _table(entries: object, section: str, where: str) -> dict[str, Any]:
    if not isinstance(entries, dict):
        raise UsageError(f"{where}: [{section}] must be a table, not {entries!r}")
    return entries


def _dimension(name: str, value: object, where: str) -> tuple[dict[str, str], int]:
    """The titles of a dimension by language, and the number of the CRM's field that it is taken from, 0 for none."""
    if isinstance(value, str) and value:
        return dict.fromkeys(LANGUAGES, value), 0
    if isinstance(value, dict) and value:
        titles, number = {k: v for k, v in value.items() if k != "field_id"}, value.get("field_id", 0)
        known = all(k in LANGUAGES and isinstance(v, str) for k, v in titles.items())
        if known and isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            return titles, number
    raise UsageError(
        f"{where}: [dimensions] {name} = {value!r} is not allowed; wanted: a text or {{ ru = …, en = …, field_id = … }}"
    )
