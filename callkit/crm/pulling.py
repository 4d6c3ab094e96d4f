"""`callkit pull`: brings a company's raw tables up to date and builds its store from them."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from callkit import settings as settings_module
from callkit.company import build
from callkit.crm.asked import Asked
from callkit.crm.raw import Raw
from callkit.errors import CallkitError, UsageError
from callkit.settings import Settings
from callkit.sources import STORE
from callkit.zones import Period

EXTRAS = {"amocrm": "amocrm", "mybi": "sql", "sql": "sql"}
PART = ".pull."


def run(
    folder: Path, *, since: str = "", full: bool = False, rebuild: bool = False, code: str = "", quiet: bool = False
) -> Path:
    """Pulls what is new and builds the store, whose path is returned.

    `since` is the first day whose calls are wanted, `full` reads everything again, `rebuild` asks nothing and builds
    from what was pulled before, `code` is a fresh OAuth2 integration's.

    Raises UsageError (2) where settings, token or rights will not do, CallkitError (1) where the source fails; what
    was read by then is kept, and the store stays as it was.
    """
    own = settings_of(folder)
    module = _module(own)
    day = _day(since, own) if since else None
    try:
        with Raw(folder) as raw:
            _sweep(folder)
            if not rebuild:
                told = module.pull(raw, own, Asked(folder, day, full, code, quiet))
                raw.keep("told", told)
                print(f"callkit: {told['read']} rows read", file=sys.stderr)
            elif raw.state("told") is None:
                raise UsageError(f"{folder} holds nothing that was pulled whole; run callkit pull {folder} first")
            return _build(folder, raw, own, module)
    except OSError as error:
        raise CallkitError(f"{folder} cannot be written: {error.strerror}") from error


def fields(folder: Path) -> list[tuple[int, str, str, int, int]]:
    """The CRM's own fields of deals: number, name, type, how many deals fill it, of how many. Nothing is written."""
    own = settings_of(folder)
    module = _module(own)
    if not hasattr(module, "fields"):
        raise UsageError(f'[source] kind = "{own.kind}" has no fields to list; name the columns in its queries')
    found: list[tuple[int, str, str, int, int]] = module.fields(folder, own)
    return found


def listed(folder: Path) -> str:
    """The CRM's own fields as a table for people."""
    locale = settings_of(folder).locale()
    rows = [[locale.text(f"crm.field_{column}") for column in ("id", "name", "type", "filled")]]
    for number, name, kind, filled, deals in fields(folder):
        rows.append([str(number), name, kind, locale.percent(filled / deals if deals else None)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", locale.text("crm.fields_hint")])


def settings_of(folder: Path) -> Settings:
    """The settings of a company that is pulled.

    Raises UsageError where the folder or its callkit.toml is missing, or names no CRM.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; a folder with a callkit.toml is wanted")
    own = settings_module.load(folder / settings_module.FILE)
    if not own.pulled:
        wanted = ", ".join(f'"{kind}"' for kind in EXTRAS)
        raise UsageError(f"{folder / settings_module.FILE}: [source] kind is wanted: one of {wanted}")
    return own


def _module(own: Settings) -> ModuleType:
    try:
        return importlib.import_module(f"callkit.crm.{own.kind if own.kind != 'sql' else 'queries'}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("callkit"):
            raise UsageError(f'[source] kind = "{own.kind}" is not to be had in this version; "amocrm" is') from None
        extra, lacking = EXTRAS[own.kind], (error.name or "").partition(".")[0]
        raise UsageError(
            f'[source] kind = "{own.kind}" needs {lacking}, which is not installed: pip install "callkit[{extra}]"'
        ) from None


def _build(folder: Path, raw: Raw, own: Settings, module: ModuleType) -> Path:
    told: Mapping[str, Any] = raw.state("told")
    zone, currency = own.timezone or told.get("timezone", ""), own.currency or told.get("currency", "")
    own = replace(own, path="", timezone=zone, currency=currency)
    aside = folder / f"{PART}{os.getpid()}.part"
    try:
        aside.mkdir(parents=True)
        notes = module.write(raw, aside, own)
        facts = {"kind": own.kind, **{k: v for k, v in told.items() if k != "requests"}, **notes}
        return build(aside, folder / STORE, settings=replace(own, kind="files", crm={}), facts={"pulled": facts})
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Takes away what a pull that was killed has left."""
    for left in (*folder.glob(f"{PART}*.part"), *folder.glob(f".{STORE}.*.part*")):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def _day(text: str, own: Settings) -> int:
    try:
        period = Period.of_days(text, "9999-12-31")
    except UsageError:
        raise UsageError(f"--since {text!r} is not a day; write 2026-03-01") from None
    return period.instants(own.timezone or "UTC")[0] // 1_000_000
