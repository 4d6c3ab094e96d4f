"""A myBI Connect database, written from a carried world: surrogates, placeholders, sentinel dates, naive times."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from oracle import Row
from psycopg import sql
from worlds import MEANT_COLUMNS, World

ACCOUNT = 77
ZONE = "Europe/Moscow"
SENTINEL = dt.datetime(2100, 1, 1)
ATTRIBUTES_FROM = 901_000
NOTES = (
    "id int, account_id int, {}_id int, creator_id int, note_id bigint, note_type text, created_at timestamp, text text"
)

TABLES = {
    "amocrm_calls_facts": "id int, account_id int, dates_id int, users_id int, calls_id int, contacts_id int, "
    "companies_id int, leads_id int, customers_id int, duration int",
    "amocrm_calls": "id int, account_id int, note_id bigint, call_id varchar(64), call_type varchar(16), "
    "call_status varchar(32), call_result text, phone text, link text",
    "amocrm_leads": "id int, account_id int, lead_id bigint, name text, pipeline text, pipeline_id int, status text, "
    "status_id int, status_order int, loss_reason text, is_deleted bool",
    "amocrm_leads_facts": "id int, account_id int, traffic_id int, users_id int, leads_id int, contacts_id int, "
    "companies_id int, unsorteds_id int, created_id int, closed_id int, price numeric(18,2)",
    "amocrm_leads_events": "id int, account_id int, leads_id int, event_id text, type text, created_by int, "
    "created_at timestamp, value_after text, value_before text",
    "amocrm_leads_attributes": "id int, account_id int, leads_id int, attribute_id int, name text, value text",
    "amocrm_leads_notes": NOTES.format("leads"),
    "amocrm_contacts_notes": NOTES.format("contacts"),
    "amocrm_leads_contacts": "id int, account_id int, leads_id int, contacts_id int, main bool",
    "amocrm_contacts": "id int, account_id int, contact_id bigint, name text",
    "amocrm_companies": "id int, account_id int, company_id bigint, name text",
    "amocrm_users": "id int, account_id int, user_id int, login text, name text, phone text, group_name text",
    "amocrm_pipelines": "id int, account_id int, pipeline_id int, name text, sort int",
    "amocrm_statuses": "id int, account_id int, pipeline_id int, status_id int, name text, sort numeric, type int",
    "amocrm_unsorted": "id int, account_id int, source_name text",
    "general_dates": "id int, full_date timestamp, year int, hour int, minute int, time_zone int",
    "general_traffic": "id int, source text, medium text",
    "general_accounts": "id int, account_id int, caption text, service text",
}


class Base:
    """Rows for the tables. `account` is the account's number; `exact` dates carry seconds, else notes tell those."""

    def __init__(self, world: World, *, account: int = ACCOUNT, exact: bool = False, seed: int = 3) -> None:
        self.world, self.account, self.exact = world, account, exact
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._chance = random.Random(seed)
        self._dates: dict[dt.datetime | None, int] = {}
        self._number = account * 1000
        self._fill()

    def write(self, url: str, *, leave_out: Iterable[str] = ()) -> None:
        """Makes the tables in a database and fills them."""
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for table, columns in TABLES.items():
                if table in leave_out:
                    continue
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")  # type: ignore[arg-type]
                if not (rows := self.rows[table]):
                    continue
                names = list(rows[0])
                into = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
                )
                with connection.cursor().copy(into) as copy:
                    for row in rows:
                        copy.write_row([row[name] for name in names])

    def _add(self, table: str, **row: Any) -> int:
        """A row under a surrogate that says nothing."""
        self._number += self._chance.randrange(1, 4)
        own = {} if table.startswith("general_") else {"account_id": self.account}
        self.rows[table].append({"id": self._number, **own, **row})
        return self._number

    def _date(self, instant: dt.datetime | None) -> int:
        naive = None if instant is None else instant
        if naive is not None and naive != SENTINEL:
            naive = self._naive(naive)
            naive = naive if self.exact else naive.replace(second=0)
        if naive not in self._dates:
            hour = None if naive is None else naive.hour
            self._dates[naive] = self._add("general_dates", full_date=naive, hour=hour)
        return self._dates[naive]

    @staticmethod
    def _naive(instant: dt.datetime) -> dt.datetime:
        return instant.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)

    def _fill(self) -> None:
        world = self.world
        users: dict[str | None, int] = {}
        self._add("general_accounts", caption="Тест", service="amocrm")
        for manager in world.managers:
            users[manager["manager_id"]] = self._add(
                "amocrm_users", user_id=int(manager["manager_id"]), name=manager["name"], group_name=manager["team"]
            )
        users[None] = self._add("amocrm_users", user_id=0, name="", group_name=None)
        contacts = self._contacts()
        company = self._add("amocrm_companies", company_id=0, name="")
        numbers = self._pipelines()
        leads = self._leads(users, contacts, company, numbers)
        self._events(leads, numbers)
        self._calls(users, contacts, company, leads)

    def _contacts(self) -> dict[str | None, int]:
        world = self.world
        known = {link["contact_id"] for link in world.deal_contacts} | {call["contact_id"] for call in world.calls}
        found: dict[str | None, int] = {}
        for contact in sorted(known - {None}):
            found[contact] = self._add("amocrm_contacts", contact_id=int(contact), name="Клиентов")
        found[None] = self._add("amocrm_contacts", contact_id=0, name="")
        return found

    def _pipelines(self) -> dict[str, int]:
        rows = (*self.world.stages, *self.world.stage_changes, *self.world.deals)
        numbers = {name: 8_000_001 + n for n, name in enumerate(dict.fromkeys(row["pipeline_id"] for row in rows))}
        for name, number in numbers.items():
            self._add("amocrm_pipelines", pipeline_id=number, name=name, sort=1)
        for s in self.world.stages:
            self._add(
                "amocrm_statuses", pipeline_id=numbers[s["pipeline_id"]], status_id=int(s["stage_id"]), name=s["name"],
                sort=s["position"], type=0,
            )  # fmt: skip
        return numbers

    def _user(self, users: dict[str | None, int], manager: str | None) -> int:
        """A removed user is still among the users, without a name."""
        if manager not in users:
            users[manager] = self._add("amocrm_users", user_id=int(manager or 0), name=None, group_name=None)
        return users[manager]

    def _leads(
        self, users: dict[str | None, int], contacts: dict[str | None, int], company: int, numbers: dict[str, int]
    ) -> dict[str | None, int]:
        world = self.world
        dimensions = [c for c in world.columns["deals"] if c not in (*MEANT_COLUMNS, "pipeline_id")]
        last = {change["deal_id"]: change for change in world.stage_changes}
        traffic = {None: self._add("general_traffic", source="", medium=None)}
        unsorted = self._add("amocrm_unsorted", source_name=None)
        links: dict[str, list[str]] = {}
        for link in world.deal_contacts:
            links.setdefault(link["deal_id"], []).append(link["contact_id"])
        found: dict[str | None, int] = {
            None: self._add("amocrm_leads", lead_id=0, pipeline_id=0, status_id=0, is_deleted=None)
        }
        for deal in world.deals:
            key, source = deal["deal_id"], deal.get("source")
            if source not in traffic:
                traffic[source] = self._add("general_traffic", source=source, medium="cpc")
            found[key] = self._add(
                "amocrm_leads", lead_id=int(key), pipeline_id=numbers[deal["pipeline_id"]],
                status_id=_status(deal, last[key]), is_deleted=False,
            )  # fmt: skip
            self._add(
                "amocrm_leads_facts", traffic_id=traffic[source], users_id=self._user(users, deal["manager_id"]),
                leads_id=found[key], contacts_id=contacts[(links.get(key) or [None])[0]], companies_id=company,
                unsorteds_id=unsorted, created_id=self._date(deal["created_at"]),
                closed_id=self._date(deal["closed_at"] or SENTINEL), price=deal["amount"],
            )  # fmt: skip
            for number, contact in enumerate(links.get(key, [])):
                self._add("amocrm_leads_contacts", leads_id=found[key], contacts_id=contacts[contact], main=not number)
            for number, name in enumerate(dimensions):
                if name != "source" and deal[name] is not None:
                    self._add(
                        "amocrm_leads_attributes", leads_id=found[key], attribute_id=ATTRIBUTES_FROM + number,
                        name=name, value=deal[name],
                    )  # fmt: skip
        for call in world.calls:  # a deal in the trash
            if call["deal_id"] not in found:
                found[call["deal_id"]] = self._add(
                    "amocrm_leads", lead_id=int(call["deal_id"]), pipeline_id=0, status_id=1, is_deleted=True
                )
        return found

    def _events(self, leads: dict[str | None, int], numbers: dict[str, int]) -> None:
        before: dict[str, Row] = {}
        self._add("amocrm_leads_events", leads_id=leads[None], event_id="x", type="lead_added", created_at=None,
                  value_after="[]", value_before="[]")  # fmt: skip
        for number, change in enumerate(self.world.stage_changes):
            if past := before.get(change["deal_id"]):
                old, new = (_value(row, numbers, number) for row in (past, change))
                self._add(
                    "amocrm_leads_events", leads_id=leads[change["deal_id"]], event_id=f"01pz{number:08x}",
                    type="lead_status_changed", created_at=self._naive(change["changed_at"]), value_after=new,
                    value_before=old,
                )  # fmt: skip
            before[change["deal_id"]] = change

    def _calls(
        self, users: dict[str | None, int], contacts: dict[str | None, int], company: int, leads: dict[str | None, int]
    ) -> None:
        spellings = {
            "in": ("call_in", "Incoming", "inbound"),
            "out": ("call_out", "outgoing", "OUT"),
            "unknown": ("?",),
        }
        for number, call in enumerate(self.world.calls):
            spelled = spellings[call["direction"]]
            note = int(call["call_id"])
            key = self._add(
                "amocrm_calls", note_id=note, call_id=f"u{note}" if number % 2 else None,
                call_type=spelled[number % len(spelled)], phone=None, link=None if number % 3 else f"https://pbx/{note}",
            )  # fmt: skip
            self._add(
                "amocrm_calls_facts", dates_id=self._date(call["started_at"]),
                users_id=self._user(users, call["manager_id"]), calls_id=key, contacts_id=contacts[call["contact_id"]],
                companies_id=company, leads_id=leads[call["deal_id"]], duration=int(call["talk_seconds"]),
            )  # fmt: skip
            notes = "amocrm_leads_notes" if call["deal_id"] else "amocrm_contacts_notes"
            self._add(notes, note_id=note, note_type="call_in", created_at=self._naive(call["started_at"]))


def _status(deal: Row, last: Row) -> int:
    status = {"won": 142, "lost": 143}.get(deal["outcome"], int(last["stage_id"]))
    return 3_999_999 if deal["outcome"] == "open" and status in (142, 143) else status


def _value(change: Row, numbers: dict[str, int], way: int) -> str:
    """The value of an event, in one of the ways that bases were seen to hold it."""
    stage, pipeline = change["stage_id"], numbers[change["pipeline_id"]]
    return [
        f'[{{"lead_status":{{"id":{stage},"pipeline_id":{pipeline}}}}}]',
        f'{{"lead_status": {{"id": {stage}, "pipeline_id": {pipeline}}}}}',
        f"[{{'lead_status': {{'pipeline_id': {pipeline}, 'id': {stage}}}}}]",
    ][way % 3]
