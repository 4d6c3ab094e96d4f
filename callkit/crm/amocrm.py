"""The pull from amoCRM and Kommo: what is asked, in which order, and how little when nothing is new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callkit.crm import resources, tokens
from callkit.crm.asked import Asked
from callkit.crm.client import Api
from callkit.crm.neutral import write
from callkit.crm.progress import Bar
from callkit.crm.raw import Raw
from callkit.crm.walking import Walk
from callkit.errors import UsageError, did_you_mean
from callkit.settings import Settings

__all__ = ["address", "connect", "fetch", "fields", "pull", "write"]

RATE = 7
DOMAIN = "amocrm.ru"


def pull(raw: Raw, settings: Settings, asked: Asked) -> dict[str, Any]:
    """Brings the raw tables up to date from the account that the settings name; returns what the account told."""
    with connect(asked.folder, settings, asked.code) as api:
        return fetch(api, raw, settings, asked)


def connect(folder: Path, settings: Settings, code: str = "") -> Api:
    """The account's API, signed; with `code`, tokens are exchanged for it first.

    Raises UsageError where the address or the token is missing.
    """
    crm = settings.crm
    base, account = address(crm)
    rate = float(crm.get("requests_per_second", RATE))
    if code:
        with Api(base, tokens.Token("-", "nowhere"), rate) as unsigned:
            tokens.log_in(folder, crm, code, unsigned.exchange)
    return Api(base, tokens.find(folder, crm, account), rate)


def address(crm: Mapping[str, Any]) -> tuple[str, str]:
    """The address of an account, and its name.

    >>> address({"subdomain": "shop", "domain": "kommo.com"})
    ('https://shop.kommo.com', 'shop')
    """
    account = str(crm.get("subdomain") or "")
    if base := crm.get("url"):
        return str(base).rstrip("/"), account or str(base)
    if not account:
        raise UsageError('[source] subdomain is wanted: the first part of your address, "shop" of shop.amocrm.ru')
    return f"https://{account}.{crm.get('domain', DOMAIN)}", account


def fetch(api: Api, raw: Raw, settings: Settings, asked: Asked) -> dict[str, Any]:
    """Brings the raw tables up to date and returns what is known of the account: `timezone`, `currency`, `rows`.

    Every kind of thing is asked for once before anything is written: a token without rights, or a dimension whose
    field is gone, changes nothing on the disk.
    """
    account = api.one("account", {"with": "datetime_settings"})
    zone = ((account.get("_embedded") or {}).get("datetime_settings") or {}).get("timezone") or ""
    fields = [resources.custom_field(row) for row in _all(api, "leads/custom_fields", "_embedded.custom_fields")]
    _known(settings.fields, fields)
    pipelines = _all(api, "leads/pipelines", "_embedded.pipelines", paged=False)
    users, trash = (
        [row for told in _all(api, r.path, r.selector, r.params) if (row := r.row(told))] for r in resources.catalogue()
    )
    chosen = set(settings.fields.values())
    wanted = resources.facts(chosen, {f["field_id"]: f["type"] for f in fields})
    lacking = chosen - set(raw.state("chosen") or [])
    walks = [
        Walk(
            api, raw, resource,
            floor=None if resource.name == "leads" else asked.since,
            anew=asked.full or (resource.name == "leads" and bool(lacking)),
        )
        for resource in wanted
    ]  # fmt: skip

    raw.prepare()
    if asked.full:
        raw.forget({r.name: r.table for r in wanted})
    rows, statuses = resources.stages(pipelines)
    for table, told in (("fields", fields), ("users", users), ("pipelines", rows), ("statuses", statuses)):
        raw.merge(table, told)
    raw.replace("trash", trash)
    with Bar(asked.quiet) as bar:
        for walk in walks:
            bar.name(walk.resource.name)
            walk.run(bar.add)
    for table in {r.table for r in wanted}:
        raw.settle(table)
    raw.keep("chosen", sorted(chosen | set(raw.state("chosen") or [])))
    return {"timezone": zone, "currency": account.get("currency") or "", "requests": api.requests, "read": bar.total}


def fields(folder: Path, settings: Settings) -> list[tuple[int, str, str, int, int]]:
    """The deals' own fields: number, name, type, in how many deals they are filled, and of how many. Writes nothing."""
    filled: dict[int, int] = {}
    deals = 0
    with connect(folder, settings) as api, Bar() as bar:
        known = [resources.custom_field(row) for row in _all(api, "leads/custom_fields", "_embedded.custom_fields")]
        bar.name("leads")
        for page in api.pages("leads", {"limit": 250}, "_embedded.leads"):
            deals += len(page.rows)
            bar.add(len(page.rows))
            for told in page.rows:
                for number in {f.get("field_id") for f in told.get("custom_fields_values") or []}:
                    filled[number] = filled.get(number, 0) + 1
    listed = [(f["field_id"], str(f["name"]), str(f["type"]), filled.get(f["field_id"], 0), deals) for f in known]
    return sorted(listed, key=lambda row: (-row[3], row[1]))


def _known(chosen: Mapping[str, int], fields: list[dict[str, Any]]) -> None:
    names = {f["field_id"]: str(f["name"]) for f in fields}
    for dimension, number in chosen.items():
        if number not in names:
            near = did_you_mean(dimension, names.values())
            raise UsageError(
                f"[dimensions] {dimension}: amoCRM has no field {number} of deals (any more); "
                f"callkit pull --fields lists those it has.{near}"
            )


def _all(
    api: Api, path: str, selector: str, params: Mapping[str, object] | None = None, *, paged: bool = True
) -> list[dict[str, Any]]:
    asked = params if params is not None else ({"limit": 250} if paged else {})
    return [row for page in api.pages(path, asked, selector) for row in page.rows]
