"""A company's settings: `callkit.toml`, read once, every key known, no secrets."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from callkit.errors import UsageError, did_you_mean
from callkit.locale import LANGUAGES, Locale

FILE = "callkit.toml"
SECTIONS = ("overview", "managers", "sources", "projects", "grades", "stages", "segments", "quality")


@dataclass(frozen=True)
class Settings:
    """What `callkit.toml` says, with the defaults for what it leaves out.

    `titles` are the names of dimensions by language; `long_talk_hours` marks talks as odd; `min_deals` is the number
    below which a segment is called too small to judge.
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
    },
    "rules": {
        "lead_in_minutes": ("lead_in_minutes", (int, float), "a number of minutes, 0 or more"),
        "contact_days": ("contact_days", (int, float), "a number of days, 0 or more"),
        "long_talk_hours": ("long_talk_hours", (int, float), "a number of hours above 0"),
        "min_deals": ("min_deals", int, "a whole number, 0 or more"),
    },
    "report": {
        "sections": ("sections", list, f"a list of {', '.join(SECTIONS)}"),
        "by": ("by", list, "a list of columns, each a segment page of its own"),
    },
}
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
            values["titles"] = {
                name: _titles(name, title, where) for name, title in _table(entries, section, where).items()
            }
            continue
        if section not in _KEYS:
            near = did_you_mean(section, [*_KEYS, "dimensions"])
            raise UsageError(f"{where}: [{section}] is not known; allowed: {', '.join([*_KEYS, 'dimensions'])}.{near}")
        for key, value in _table(entries, section, where).items():
            if key not in _KEYS[section]:
                near = did_you_mean(key, _KEYS[section])
                raise UsageError(
                    f"{where}: [{section}] {key} is not known; allowed: {', '.join(_KEYS[section])}.{near}"
                )
            name, kind, wanted = _KEYS[section][key]
            if not isinstance(value, kind) or isinstance(value, bool) or not _allowed(name, value):
                raise UsageError(f"{where}: [{section}] {key} = {value!r} is not allowed; wanted: {wanted}")
            values[name] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)


def _allowed(name: str, value: object) -> bool:
    return name not in _ALLOWED or _ALLOWED[name](value)


def _table(entries: object, section: str, where: str) -> dict[str, Any]:
    if not isinstance(entries, dict):
        raise UsageError(f"{where}: [{section}] must be a table, not {entries!r}")
    return entries


def _titles(name: str, title: object, where: str) -> dict[str, str]:
    if isinstance(title, str) and title:
        return dict.fromkeys(LANGUAGES, title)
    if isinstance(title, dict) and title and all(k in LANGUAGES and isinstance(v, str) for k, v in title.items()):
        return title
    raise UsageError(f"{where}: [dimensions] {name} = {title!r} is not allowed; wanted: a text or {{ ru = …, en = … }}")
