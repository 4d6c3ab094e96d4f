"""A server with the shapes, limits and faults of amoCRM's API v4, filled from a carried world.

What it answers is made by hand from the public documentation, apart from callkit's code: pages and their links, 204
for nothing, `limit` (250; events give 50 to who asks for more than 100), 429 with `Retry-After`, filters, order.
"""

from __future__ import annotations

import bisect
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from oracle import Row
from worlds import MEANT_COLUMNS, World

TOKEN = "eyJ0eXAi.stand-in-token.Hush-Hush"
FIELDS_FROM, PIPELINES_FROM = 901_000, 8_000_001
Told = dict[str, Any]


@dataclass
class Account:
    """What the account holds, in amoCRM's own shapes."""

    timezone: str
    currency: str = "RUB"
    users: list[Told] = field(default_factory=list)
    pipelines: list[Told] = field(default_factory=list)
    fields: list[Told] = field(default_factory=list)
    leads: list[Told] = field(default_factory=list)
    trashed: list[int] = field(default_factory=list)
    events: list[Told] = field(default_factory=list)
    notes: dict[str, list[Told]] = field(default_factory=lambda: {"leads": [], "contacts": [], "companies": []})

    def field_id(self, name: str) -> int:
        return next(int(f["id"]) for f in self.fields if f["name"] == name)

    def settings(self, url: str, **further: str) -> str:
        """A callkit.toml for this account behind `url`."""
        lines = ["[source]", 'kind = "amocrm"', f'url = "{url}"', "[amocrm]", "requests_per_second = 100000"]
        lines += [f"{key} = {value}" for key, value in further.items()]
        lines += ["[dimensions]"]
        lines += [f"{json.dumps(f['name'], ensure_ascii=False)} = {{ field_id = {f['id']} }}" for f in self.fields]
        return "\n".join(lines) + "\n"


def account_of(world: World, *, shuffled: bool = False) -> Account:
    """The account that holds a carried world; `shuffled`: the ids of events say nothing of their order in a second."""
    account, chance = Account(world.timezone), random.Random(1)
    pipelines = _pipelines(world, account)
    dimensions = [c for c in world.columns["deals"] if c not in (*MEANT_COLUMNS, "pipeline_id")]
    account.fields = [
        {"id": FIELDS_FROM + n, "name": name, "type": "select", "code": None} for n, name in enumerate(dimensions)
    ]
    account.users = [
        {
            "id": int(m["manager_id"]), "name": m["name"], "email": f"u{m['manager_id']}@example.com",
            "rights": {"is_active": True}, "_embedded": {"groups": [{"id": 1, "name": m["team"]}] if m["team"] else []},
        }
        for m in world.managers
    ]  # fmt: skip
    _leads(world, account, pipelines, dimensions)
    _events(world, account, pipelines, chance if shuffled else None)
    _notes(world, account)
    return account


def _pipelines(world: World, account: Account) -> dict[str, int]:
    names = dict.fromkeys(row["pipeline_id"] for row in (*world.stages, *world.stage_changes, *world.deals))
    numbers = {name: PIPELINES_FROM + n for n, name in enumerate(names)}
    for name, number in numbers.items():
        statuses = [
            {
                "id": int(s["stage_id"]), "name": s["name"], "sort": float(s["position"]), "type": 0,
                "pipeline_id": number,
            }
            for s in world.stages if s["pipeline_id"] == name
        ]  # fmt: skip
        account.pipelines.append({"id": number, "name": name, "sort": 1, "_embedded": {"statuses": statuses}})
    return numbers


def _leads(world: World, account: Account, pipelines: dict[str, int], dimensions: list[str]) -> None:
    links: dict[str, list[str]] = {}
    for link in world.deal_contacts:
        links.setdefault(link["deal_id"], []).append(link["contact_id"])
    last = {change["deal_id"]: change for change in world.stage_changes}
    for deal in world.deals:
        at = last[deal["deal_id"]]
        status = {"won": 142, "lost": 143}.get(deal["outcome"], int(at["stage_id"]))
        if deal["outcome"] == "open" and status in (142, 143):
            status = 3_999_999
        amount = deal["amount"]
        closed = _seconds(deal["closed_at"])
        told: Told = {
            "id": int(deal["deal_id"]), "name": "Иван Клиентов +79995550011",
            "price": None if amount is None else int(amount),
            "responsible_user_id": int(deal["manager_id"] or 0), "status_id": status,
            "pipeline_id": pipelines[deal["pipeline_id"]], "loss_reason_id": None, "created_by": 0,
            "created_at": _seconds(deal["created_at"]),
            "updated_at": max(_seconds(deal["created_at"]) or 0, closed or 0, _seconds(at["changed_at"]) or 0),
            "closed_at": closed, "is_deleted": False, "account_id": 17079858,
            "custom_fields_values": [
                {
                    "field_id": account.field_id(name), "field_name": name, "field_code": None, "field_type": "select",
                    "values": [{"value": deal[name], "enum_id": 1}],
                }
                for name in dimensions if deal[name] is not None
            ] or None,
            "_embedded": {
                "tags": [], "companies": [], "loss_reason": [],
                "contacts": [{"id": int(c), "is_main": not n} for n, c in enumerate(links.get(deal["deal_id"], []))],
            },
        }  # fmt: skip
        if amount is not None and amount != int(amount):
            told["price_with_minor_units"] = float(amount)
        account.leads.append(told)
    known = {deal["deal_id"] for deal in world.deals}
    account.trashed = sorted({int(c["deal_id"]) for c in world.calls if c["deal_id"] and c["deal_id"] not in known})


def _events(world: World, account: Account, pipelines: dict[str, int], shuffle: random.Random | None) -> None:
    """A move between stages each."""
    before: dict[str, Row] = {}
    numbers = list(range(len(world.stage_changes)))
    for number, change in zip(numbers, world.stage_changes, strict=True):
        if past := before.get(change["deal_id"]):
            account.events.append(
                {
                    "id": f"01pz{shuffle.getrandbits(20) if shuffle else 0:07x}{number:08x}",
                    "type": "lead_status_changed",
                    "entity_id": int(change["deal_id"]), "entity_type": "lead", "created_by": 1,
                    "created_at": _seconds(change["changed_at"]),
                    "value_after": [{"lead_status": _status(change, pipelines)}],
                    "value_before": [{"lead_status": _status(past, pipelines)}],
                }
            )  # fmt: skip
        before[change["deal_id"]] = change


def _status(change: Row, pipelines: dict[str, int]) -> Told:
    return {"id": int(change["stage_id"]), "pipeline_id": pipelines[change["pipeline_id"]]}


def _notes(world: World, account: Account) -> None:
    """A note a call; who spoke is told in three ways, and a call with a deal and a contact is noted on both."""
    people = [u["id"] for u in account.users] or [1]
    for n, call in enumerate(world.calls):
        person, other = int(call["manager_id"] or 0), people[n % len(people)] if call["manager_id"] else 0
        created_by, spoke, owner = [
            (person, None, other), (0, person, other), (0, "+79991112233", person), (person, "Анна", other),
        ][n % 4]  # fmt: skip
        params: Told = {
            "uniq": f"{call['call_id']}-uniq",
            "duration": [int(call["talk_seconds"]), str(call["talk_seconds"])][n % 2],
            "source": "asterisk", "link": f"https://pbx.example.com/{call['call_id']}.mp3", "phone": "+79995550011",
            "call_status": 4 if call["talk_seconds"] else 6,
        }  # fmt: skip
        if spoke:
            params["call_responsible"] = spoke
        note: Told = {
            "created_by": created_by, "responsible_user_id": owner, "created_at": _seconds(call["started_at"]),
            "updated_at": _seconds(call["started_at"]), "params": params,
            "note_type": {"in": "call_in", "out": "call_out"}[call["direction"]],
        }  # fmt: skip
        number = int(call["call_id"])
        if call["contact_id"]:
            twin = number if not call["deal_id"] else number + 10**12
            account.notes["contacts"].append({"id": twin, "entity_id": int(call["contact_id"]), **note})
        if call["deal_id"]:
            account.notes["leads"].append({"id": number, "entity_id": int(call["deal_id"]), **note})


def _seconds(instant: Any) -> int | None:
    return None if instant is None else int(instant.timestamp())


class Server:
    """The account behind a port of this machine; `faults` may answer instead of it.

    `ordered` says whether it minds `order[…]`; `short` gives pages of that many rows; `asked` lists the requests.
    A fault is called with the number of the request and its path, and gives (status, headers) or None.
    """

    def __init__(self, account: Account, *, ordered: bool = True, short: int = 0) -> None:
        self.account, self.ordered, self.short = account, ordered, short
        self.tokens = {TOKEN}
        self.asked: list[str] = []
        self.faults: Callable[[int, str], tuple[int, dict[str, str]] | None] = lambda *_: None
        self.after: Callable[[int, str], object] = lambda *_: None
        self.limit_per_second = 0
        self.date = ""
        self.refresh = ""
        self._lock = threading.Lock()
        self._sorted: dict[tuple[str, bool], tuple[list[int], list[Told]]] = {}
        self._times: list[float] = []
        self.too_many = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address, while it runs."""
        outer = self

        class Handler(_Handler):
            server_of = outer

        httpd = _Quiet(("127.0.0.1", 0), Handler)
        httpd.daemon_threads = True
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            httpd.server_close()
            thread.join()

    def changed(self) -> None:
        """Says that the account's rows are other ones now."""
        self._sorted.clear()

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Told | None]:
        account = self.account
        if path == "account":
            embedded = {"datetime_settings": {"timezone": account.timezone}}
            return 200, {"id": 17079858, "name": "Тест", "currency": account.currency, "_embedded": embedded}
        if path == "leads/pipelines":
            return 200, {"_embedded": {"pipelines": account.pipelines}}
        listed: tuple[str, list[Told], str, int]
        if path == "users":
            listed = "users", account.users, "", 250
        elif path == "leads/custom_fields":
            listed = "custom_fields", account.fields, "", 50
        elif path == "leads" and "only_deleted" in query.get("with", [""])[0]:
            listed = "leads", [{"id": i, "is_deleted": True} for i in account.trashed], "", 250
        elif path == "leads":
            listed = "leads", account.leads, "updated_at", 250
        elif path == "events":
            listed = "events", account.events, "created_at", 100
        elif path.endswith("/notes") and (entity := path.removesuffix("/notes")) in account.notes:
            listed = "notes", account.notes[entity], "updated_at", 250
        else:
            return 404, {"title": "Not Found", "status": 404}
        return self._page(path, query, *listed)

    def _page(
        self, path: str, query: dict[str, list[str]], name: str, rows: list[Told], stamp: str, most: int
    ) -> tuple[int, Told | None]:
        limit = int(query.get("limit", ["50"])[0])
        if limit > most:
            limit = 50 if name == "events" else most
        limit = min(limit, self.short) if self.short else limit
        number = int(query.get("page", ["1"])[0])
        start = (number - 1) * limit
        if stamp:
            rows = self._found(path, query, rows, stamp)
        page = rows[start : start + limit]
        if not page:
            return 204, None
        told: Told = {"_page": number, "_links": {"self": {"href": "…"}}, "_embedded": {name: page}}
        if start + limit < len(rows):
            asked = {k: v for k, v in query.items() if k != "page"}
            # The real links name the account's own host, whatever stands before it.
            href = f"https://example.amocrm.ru/api/v4/{path}?{urlencode({**asked, 'page': number + 1}, doseq=True)}"
            told["_links"]["next"] = {"href": href}
        return 200, told

    def _found(self, path: str, query: dict[str, list[str]], rows: list[Told], stamp: str) -> list[Told]:
        """The rows from a time on: in the order asked for, else by number, events newest first."""
        since = int(query.get(f"filter[{stamp}][from]", ["0"])[0])
        way = query.get(f"order[{stamp}]", [""])[0] if self.ordered and path != "events" else ""
        timely = bool(way) or path == "events"
        with self._lock:
            if (path, timely) not in self._sorted:
                ordered = sorted(rows, key=lambda r: (r[stamp], r["id"]) if timely else r["id"])
                self._sorted[path, timely] = [r[stamp] for r in ordered], ordered
            stamps, ordered = self._sorted[path, timely]
        if not timely:
            return [r for r in ordered if r[stamp] >= since] if since else ordered
        found = ordered[bisect.bisect_left(stamps, since) :] if since else ordered
        return found if way == "asc" else found[::-1]

    def fault(self, path: str, token: str) -> tuple[int, dict[str, str]] | None:
        with self._lock:
            self.asked.append(path)
            number = len(self.asked)
            now = time.monotonic()
            self._times = [t for t in self._times if now - t < 1] + [now]
            if self.limit_per_second and len(self._times) > self.limit_per_second:
                self.too_many += 1
                return 429, {"Retry-After": "1"}
        if told := self.faults(number, path):
            return told
        return None if token in self.tokens else (401, {})


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None: ...


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of: Server

    def log_message(self, *_: object) -> None: ...

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server_of.date or super().date_time_string(timestamp)

    def do_GET(self) -> None:
        stand_in, url = self.server_of, urlsplit(self.path)
        path = url.path.removeprefix("/api/v4/")
        fault = stand_in.fault(self.path, self.headers.get("Authorization", "").removeprefix("Bearer "))
        if fault and fault[0] == 0:
            self.close_connection = True
            self.connection.close()
            return
        if fault:
            self._send(fault[0], {"title": "Error", "status": fault[0]}, fault[1])
            return
        status, told = stand_in.answer(path, parse_qs(url.query))
        self._send(status, told, {})
        stand_in.after(len(stand_in.asked), path)

    def do_POST(self) -> None:
        stand_in = self.server_of
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        given = asked.get("refresh_token") or asked.get("code")
        if self.path != "/oauth2/access_token" or not stand_in.refresh or given != stand_in.refresh:
            self._send(400, {"hint": "Token has been revoked"}, {})
            return
        # Each refresh token serves once.
        turn = len(stand_in.tokens)
        stand_in.refresh = f"refresh-{turn}.Hush-Hush"
        stand_in.tokens = {f"access-{turn}.Hush-Hush"} | {f"spent-{n}" for n in range(turn)}
        answer = {"token_type": "Bearer", "expires_in": 86400, "access_token": f"access-{turn}.Hush-Hush"}
        self._send(200, answer | {"refresh_token": stand_in.refresh}, {})

    def _send(self, status: int, told: Told | None, headers: dict[str, str]) -> None:
        body = b"" if told is None else json.dumps(told, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/hal+json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
