"""What is asked of amoCRM, and the row that is kept of each thing it tells: no names or phones of clients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
CALLS = ["call_in", "call_out"]
ENTITIES = ("leads", "contacts", "companies")
KEPT_TYPES = (
    "select", "multiselect", "radiobutton", "checkbox", "date", "date_time", "numeric", "tracking_data", "category",
    "monetary",
)  # fmt: skip
"""The types of custom fields whose values are kept unasked; free text is kept only of fields that are dimensions."""


@dataclass(frozen=True)
class Resource:
    """One listing: where it is, what is asked, the table and the row it goes to.

    `stamp` is the time by which only what is new is asked for; `ordered` says that it can be asked for in that order.
    """

    name: str
    table: str
    path: str
    selector: str
    row: Callable[[Row], Row]
    params: Mapping[str, object] = field(default_factory=dict)
    stamp: str = ""
    ordered: bool = False


def catalogue() -> list[Resource]:
    """What is small and read whole at each pull."""
    return [
        Resource("users", "users", "users", "_embedded.users", _user, {"with": "role,group", "limit": 250}),
        Resource("trash", "trash", "leads", "_embedded.leads", _id, {"with": "only_deleted", "limit": 250}),
    ]


def facts(chosen: Collection[int], types: Mapping[int, str]) -> list[Resource]:
    """What grows: deals, their moves between stages, and calls. `chosen` fields are kept whatever their type."""

    def lead(told: Row) -> Row:
        return _lead(told, chosen, types)

    notes = [
        Resource(
            f"notes of {entity}", "notes", f"{entity}/notes", "_embedded.notes", _note_of(entity),
            {"filter[note_type][]": CALLS, "limit": 250}, "updated_at", ordered=True,
        )
        for entity in ENTITIES
    ]  # fmt: skip
    return [
        Resource(
            "leads", "leads", "leads", "_embedded.leads", lead,
            {"with": "contacts,loss_reason,source_id", "limit": 250}, "updated_at", ordered=True,
        ),
        Resource(
            "events", "events", "events", "_embedded.events", _event,
            {"filter[type][]": "lead_status_changed", "limit": 100}, "created_at",
        ),
        *notes,
    ]  # fmt: skip


def stages(pipelines: list[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of pipelines and of their statuses."""
    rows, statuses = [], []
    for told in pipelines:
        rows.append({"pipeline_id": told["id"], "name": told.get("name"), "sort": told.get("sort")})
        statuses += [
            {
                "pipeline_id": told["id"], "status_id": s["id"], "name": s.get("name"),
                "sort": s.get("sort"), "type": s.get("type"),
            }
            for s in _embedded(told, "statuses")
        ]  # fmt: skip
    return rows, statuses


def custom_field(told: Row) -> Row:
    return {"field_id": told["id"], "name": told.get("name"), "type": told.get("type")}


def whole(value: object) -> int | None:
    """A whole number, given as one or as text; None for anything else.

    >>> whole("130"), whole(130), whole(True), whole("Anna"), whole(None)
    (130, 130, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError):
        return None


def price(told: Row) -> float | None:
    """A deal's amount; the one with minor units where it is given, whether it counts them or has them as a fraction.

    >>> price({"price": 100}), price({"price": 100, "price_with_minor_units": 100.5})
    (100.0, 100.5)
    >>> price({"price": 100, "price_with_minor_units": 10050}), price({"price": None})
    (100.5, None)
    """
    plain, exact = _number(told.get("price")), _number(told.get("price_with_minor_units"))
    if exact is None or plain is None:
        return plain if exact is None else exact
    counted = exact.is_integer() and abs(exact / 100 - plain) < 1 < abs(exact - plain)
    return exact / 100 if counted else exact


def hashed(text: object) -> str | None:
    """What stands for a text that only has to be recognised: never the text itself.

    >>> hashed("865a950a"), hashed("")
    ('05b956e08a41b9b860a52192', None)
    """
    written = str(text or "")
    return hashlib.sha256(b"callkit:" + written.encode()).hexdigest()[:24] if written else None


def hashed_phone(text: object) -> str | None:
    """The same for a phone number, which is known by its last ten digits.

    >>> hashed_phone("+7 (912) 345-67-89") == hashed_phone("8 912 345 67 89")
    True
    """
    digits = "".join(c for c in str(text or "") if c.isdigit())
    return hashed(digits[-10:] or text)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _embedded(told: Row, name: str) -> list[Row]:
    """What is embedded under a name, a list even where amoCRM gives a single thing or null."""
    found = (told.get("_embedded") or {}).get(name) or []
    return [f for f in (found if isinstance(found, list) else [found]) if isinstance(f, dict)]


def _id(told: Row) -> Row:
    # A listing that passed over `only_deleted` would put every deal in the trash.
    return {"lead_id": told["id"]} if told.get("is_deleted", True) else {}


def _user(told: Row) -> Row:
    groups = _embedded(told, "groups")
    active = (told.get("rights") or {}).get("is_active")
    return {
        "user_id": told["id"], "name": told.get("name"), "active": active,
        "team": groups[0].get("name") if groups else None,
    }  # fmt: skip


def _lead(told: Row, chosen: Collection[int], types: Mapping[int, str]) -> Row:
    reasons, sources = _embedded(told, "loss_reason"), _embedded(told, "source")
    source = (sources[0].get("name") or sources[0].get("id")) if sources else None
    return {
        "lead_id": told["id"], "price": price(told), "owner": whole(told.get("responsible_user_id")),
        "status_id": told.get("status_id"), "pipeline_id": told.get("pipeline_id"),
        "created_at": told.get("created_at"), "updated_at": told.get("updated_at"),
        "closed_at": whole(told.get("closed_at")), "deleted": bool(told.get("is_deleted")),
        "loss_reason": reasons[0].get("name") if reasons else None,
        "source": None if source is None else str(source),
        "tags": [str(tag.get("name")) for tag in _embedded(told, "tags") if tag.get("name")],
        "contacts": [contact["id"] for contact in _embedded(told, "contacts")],
        "companies": [company["id"] for company in _embedded(told, "companies")],
        "fields": [_value(f, chosen, types) for f in told.get("custom_fields_values") or []],
    }  # fmt: skip


def _value(told: Row, chosen: Collection[int], types: Mapping[int, str]) -> Row:
    number = told["field_id"]
    if number not in chosen and types.get(number, told.get("field_type")) not in KEPT_TYPES:
        return {"field_id": number, "value": None}
    values = [v.get("value") for v in told.get("values") or [] if isinstance(v, dict)]
    texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in values if v is not None]
    return {"field_id": number, "value": ", ".join(texts) or None}


def _event(told: Row) -> Row:
    before, after = (_status(told.get(side)) for side in ("value_before", "value_after"))
    return {
        "event_id": str(told["id"]), "lead_id": told.get("entity_id"), "created_at": told.get("created_at"),
        "before_pipeline": before.get("pipeline_id"), "before_status": before.get("id"),
        "after_pipeline": after.get("pipeline_id"), "after_status": after.get("id"),
    }  # fmt: skip


def _status(values: object) -> Row:
    first = values[0] if isinstance(values, list) and values else values
    found = first.get("lead_status") if isinstance(first, dict) else None
    return found if isinstance(found, dict) else {}


def _note_of(entity: str) -> Callable[[Row], Row]:
    def row(told: Row) -> Row:
        params = told.get("params") if isinstance(told.get("params"), dict) else {}
        assert isinstance(params, dict)
        responsible = params.get("call_responsible")
        if not isinstance(responsible, int) or isinstance(responsible, bool):
            responsible = None  # a text here is a name or a phone, even where it is all digits
        return {
            "entity": entity, "note_id": told["id"], "entity_id": told.get("entity_id"),
            "note_type": str(told.get("note_type")), "created_by": whole(told.get("created_by")),
            "owner": whole(told.get("responsible_user_id")), "responsible": responsible,
            "created_at": told.get("created_at"), "updated_at": told.get("updated_at"),
            "duration": _number(params.get("duration")),
            # The key of a call may be a phone number or an address with one in it.
            "uniq": hashed(params.get("uniq")), "link": hashed(params.get("link")),
            "phone": hashed_phone(params.get("phone")),
        }  # fmt: skip

    return row
