"""Pulling promises that a company fed by amoCRM gives the very figures of its own tables, whatever the server does.

The stand-in server is filled from a world as a CRM can carry it (`standin.carried` says what it loses); the same world
is read as CSV beside it, and the figures of both must agree. The token is looked for in every file and message.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from standin.amocrm import TOKEN, Account, Server, account_of
from standin.carried import carried
from standin.comparing import assert_same_figures, contents, figures, raw_rows
from worlds import World, hand_world, world_of
from worlds import worlds as any_worlds

from callkit import cli
from callkit.company import bundled, open_company
from callkit.engine import DuckDB

client = pytest.importorskip("callkit.crm.client", reason="dlt is not installed: callkit[amocrm]")

SECRETS = (TOKEN, "Hush-Hush")
QUIET = 10
"""The requests of a pull that finds nothing new: one a kind of thing, and the account."""
BY = ("stage", "manager", "owner", "source", "pipeline_id", "stage,direction", "hour", "weekday", "month", "")


@pytest.fixture(autouse=True)
def _no_secret_stays(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("CALLKIT_AMOCRM_TOKEN", TOKEN)
    monkeypatch.setattr(client, "PAUSE", 0.01)
    said: list[str] = []
    monkeypatch.setattr(sys.modules[__name__], "SAID", said)
    yield
    told = "".join([*said, *capfd.readouterr()])
    assert not any(secret in told for secret in SECRETS)
    for path in (p for p in tmp_path.rglob("*") if p.is_file() and "token" not in p.name):
        assert not any(secret.encode() in path.read_bytes() for secret in SECRETS), f"a token is in {path}"


SAID: list[str] = []


def callkit(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The exit code of a command and what it said on stdout and stderr."""
    code = cli.main([str(a) for a in arguments])
    out, err = capfd.readouterr()
    SAID.extend((out, err))
    return code, out, err


def folder_of(place: Path, server: Server, url: str, **further: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    (place / "callkit.toml").write_text(server.account.settings(url, **further), encoding="utf-8")
    return place


def both(world: World, place: Path, server: Server | None = None, **further: str) -> tuple[Path, Path]:
    """The world as a folder of CSV files, and the same world pulled from a server."""
    plain = world.write_csv(place / "plain")
    (plain / "callkit.toml").write_text(f'[account]\ntimezone = "{world.timezone}"\n', encoding="utf-8")
    server = server or Server(account_of(world))
    with server.running() as url:
        crm = folder_of(place / "crm", server, url, **further)
        assert cli.main(["pull", str(crm)]) == 0
    return plain, crm


def assert_comes_back(world: World, place: Path, server: Server | None = None, by: tuple[str, ...] = BY) -> None:
    plain, crm = both(world, place, server)
    columns = (*world.columns["deals"], "stage,direction", "stage", "manager", "owner", "hour", "weekday", "month", "")
    with open_company(plain) as one, open_company(crm) as other:
        assert_same_figures(one, other, tuple(c for c in by if c.split(",")[0] in columns))


def demo() -> World:
    texts = {p.stem: p.read_text(encoding="utf-8") for p in bundled().glob("*.csv")}
    return carried(world_of(texts, "Europe/Moscow"))


def shared_world(folder: Path, timezone: str) -> World:
    texts = {p.stem: p.read_text(encoding="utf-8") for p in folder.glob("*.csv")}
    return carried(world_of(texts, timezone))


def hand() -> World:
    return carried(hand_world())


# World, server, pull, build, metrics: the same as world, metrics


def test_the_demo_company_comes_back_whole(tmp_path: Path) -> None:
    assert_comes_back(demo(), tmp_path)


def test_the_small_world_comes_back_whole(tmp_path: Path, shared: Path) -> None:
    assert_comes_back(shared_world(shared / "data" / "small", "Europe/Moscow"), tmp_path)


def test_the_bank_s_calls_come_back_whole(tmp_path: Path, shared: Path) -> None:
    world = shared_world(shared / "data" / "bpic2012", "Europe/Amsterdam")
    assert_comes_back(world, tmp_path, Server(account_of(world, shuffled=True)), by=("stage", "manager"))


def test_stages_that_pipelines_share_come_back_whole(tmp_path: Path) -> None:
    assert_comes_back(hand(), tmp_path, Server(account_of(hand()), short=2))


def test_a_pull_from_a_server_without_order_comes_back_whole(tmp_path: Path) -> None:
    """Neither the order of listings nor that of events within one second is told."""
    server = Server(account_of(demo(), shuffled=True), ordered=False, short=200)
    assert_comes_back(demo(), tmp_path, server, by=("stage",))


# Shrinking pulls hundreds of times: a failing world is shown as it was found.
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.reuse, Phase.generate))
@given(any_worlds(least=1).map(carried))
def test_any_world_comes_back_whole(world: World) -> None:
    with tempfile.TemporaryDirectory() as place:
        assert_comes_back(world, Path(place), Server(account_of(world), short=3), by=("stage", "manager", "source", ""))


# What a pull asks for


def test_a_pull_with_nothing_new_asks_once_for_each_kind_of_thing(tmp_path: Path) -> None:
    server = Server(account_of(hand()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0
        before, asked = raw_rows(crm), len(server.asked)

        assert cli.main(["pull", str(crm)]) == 0

        assert len(server.asked) - asked == QUIET
        assert raw_rows(crm) == before


def test_what_is_new_changed_or_trashed_comes_with_the_next_pull(tmp_path: Path) -> None:
    world = hand()
    whole, server = account_of(world), Server(account_of(world))
    account = server.account
    late = max(n["created_at"] for n in account.notes["leads"])
    account.notes["leads"] = [n for n in account.notes["leads"] if n["created_at"] < late]
    stale = account.leads[0]
    stale |= {"status_id": 3_999_999, "closed_at": None, "updated_at": stale["created_at"]}
    account.events = [e for e in account.events if e["entity_id"] != stale["id"]]
    account.trashed.append(account.leads[1]["id"])
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0
        touched = max(lead["updated_at"] for lead in whole.leads) + 7200
        account.notes, account.trashed = whole.notes, whole.trashed
        account.leads[0] = whole.leads[0] | {"updated_at": touched}
        account.events = [
            *account.events,
            *({**e, "created_at": e["created_at"]} for e in whole.events if e["entity_id"] == stale["id"]),
        ]
        server.changed()

        # The events are older than the last pull but one: only reading everything again can find them.
        assert cli.main(["pull", str(crm), "--full"]) == 0

    plain = world.write_csv(tmp_path / "plain")
    with open_company(plain, timezone=world.timezone) as one, open_company(crm) as other:
        assert_same_figures(one, other, ("stage", "manager", ""))


def test_a_reopened_deal_is_open_and_a_trashed_one_is_gone(tmp_path: Path) -> None:
    server = Server(account_of(hand()))
    won = next(lead for lead in server.account.leads if lead["status_id"] == 142)
    won["status_id"] = 3_000_001
    server.account.trashed.append(server.account.leads[-1]["id"])
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0

    rows = dict(query(crm / "company.duckdb", "SELECT deal_id, (outcome, closed_us) FROM deals"))
    assert rows[str(won["id"])] == (3, None)
    assert str(server.account.leads[-1]["id"]) not in rows


def test_since_leaves_out_the_calls_before_a_day_until_an_earlier_one_is_asked_for(tmp_path: Path) -> None:
    server = Server(account_of(hand()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm), "--since", "2026-03-20"]) == 0
        some = query(crm / "raw.duckdb", "SELECT count(*), min(created_at) FROM notes")[0]
        assert cli.main(["pull", str(crm), "--since", "2026-03-01"]) == 0
        more = query(crm / "raw.duckdb", "SELECT count(*), min(created_at) FROM notes")[0]

    assert (some, more) == ((6, 1773997200), (22, 1772438399))


def query(file: Path, sql: str) -> list[Any]:
    engine = DuckDB(file, read_only=True)
    try:
        return engine.query(sql)
    finally:
        engine.close()


# A server that behaves badly


@pytest.mark.parametrize("ordered", [True, False])
def test_pages_that_shift_while_they_are_read_lose_and_repeat_nothing(tmp_path: Path, ordered: bool) -> None:
    server = Server(account_of(demo()), ordered=ordered, short=40)
    account = server.account
    moved = iter(sorted(account.leads, key=lambda lead: (lead["updated_at"], lead["id"]))[:30])

    def touch(number: int, path: str) -> None:
        # Each request for deals finds one of the first of them changed: it moves to the end, all others move up.
        if path == "leads" and number % 2 and (lead := next(moved, None)):
            lead["updated_at"] = int(time.time()) - 60
            if not ordered:
                account.leads.remove(lead)
                account.leads.append(lead | {"id": lead["id"]})
            server.changed()

    server.after = touch
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0

    rows = query(crm / "raw.duckdb", "SELECT lead_id, updated_at FROM leads ORDER BY 1")
    assert [row[0] for row in rows] == sorted(lead["id"] for lead in account.leads)


def test_faults_on_the_way_change_nothing_of_what_comes_back(tmp_path: Path) -> None:
    chance = random.Random(5)
    faults = [(429, {"Retry-After": "0"}), (500, {}), (502, {}), (0, {})]
    server = Server(account_of(demo()), short=100)
    hit: set[int] = set()

    def sometimes(number: int, _: str) -> tuple[int, dict[str, str]] | None:
        if number - 1 in hit or chance.random() > 0.2:
            return None
        hit.add(number)
        return chance.choice(faults)

    server.faults = sometimes
    assert_comes_back(demo(), tmp_path, server, by=("stage", "manager", ""))
    assert len(hit) > 20


def test_no_more_requests_go_out_than_the_account_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, sent = [0.0], []
    monkeypatch.setattr(client.HTTPAdapter, "send", lambda *_, **__: sent.append(clock[0]))
    adapter = client._Paced(7, lambda: clock[0], lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    for _ in range(50):
        adapter.send(None)

    assert max(sum(start <= at < start + 1 for at in sent) for start in sent) == 7


# Killed, and two at once


def pull_apart(crm: Path, *further: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "callkit", "pull", str(crm), *further],
        env={**os.environ, "CALLKIT_AMOCRM_TOKEN": TOKEN}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Any]], list[Any], int]:
    """The raw rows and figures of the demo company after a pull that nothing disturbed, and its requests."""
    os.environ["CALLKIT_AMOCRM_TOKEN"] = TOKEN
    server = Server(account_of(demo()), short=60)
    with server.running() as url:
        crm = folder_of(tmp_path_factory.mktemp("undisturbed") / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0
    return raw_rows(crm), figures(crm), len(server.asked)


def test_a_pull_killed_at_any_moment_is_finished_by_the_next(tmp_path: Path, undisturbed: Any) -> None:
    rows, seen, requests = undisturbed
    chance = random.Random(11)
    server = Server(account_of(demo()), short=60)
    doomed: list[subprocess.Popen[bytes]] = []
    fatal = [0]

    def kill(number: int, _: str) -> None:
        if fatal[0] and number >= fatal[0]:
            fatal[0] = 0
            doomed[0].send_signal(signal.SIGKILL)

    server.after = kill
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        for turn in range(10):
            if turn % 5 == 0:  # from the beginning again
                for left in crm.glob("*.duckdb*"):
                    left.unlink()
            # The server waits for the process to be named: it asks for nothing before its imports are done.
            fatal[0] = len(server.asked) + chance.randrange(1, requests // 3)
            doomed[:] = [pull_apart(crm)]
            doomed[0].communicate()
        fatal[0] = 0
        assert cli.main(["pull", str(crm)]) == 0

    assert raw_rows(crm) == rows
    assert figures(crm) == seen
    assert {p.name for p in crm.iterdir()} == {"callkit.toml", "company.duckdb", "raw.duckdb"}


@pytest.mark.parametrize("sign", [".pull.*.part", ".pull.*.part/calls.parquet", ".company.duckdb.*.part"])
def test_a_pull_killed_while_it_builds_leaves_the_old_store_and_is_finished_by_the_next(
    tmp_path: Path, undisturbed: Any, sign: str
) -> None:
    server = Server(account_of(demo()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert cli.main(["pull", str(crm)]) == 0
        before = (crm / "company.duckdb").read_bytes()
        process = pull_apart(crm)
        while process.poll() is None and not any(crm.glob(sign)):
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if any(crm.glob(".company.duckdb.*.part")):
            assert (crm / "company.duckdb").read_bytes() == before

        assert cli.main(["pull", str(crm)]) == 0

    assert figures(crm) == undisturbed[1]
    assert {p.name for p in crm.iterdir()} == {"callkit.toml", "company.duckdb", "raw.duckdb"}


def test_a_second_pull_of_a_company_stops_with_a_word(tmp_path: Path) -> None:
    server = Server(account_of(hand()))
    reached, go_on = threading.Event(), threading.Event()

    def wait(_: int, path: str) -> None:
        if path == "users" and not reached.is_set():
            reached.set()
            go_on.wait(60)

    server.faults = lambda number, path: wait(number, path.split("?")[0].removeprefix("/api/v4/"))  # type: ignore[assignment, func-returns-value]
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        first = pull_apart(crm)
        assert reached.wait(60)
        second = pull_apart(crm)
        told = second.communicate()[1].decode()
        go_on.set()
        first.communicate()

    assert (second.returncode, first.returncode) == (1, 0)
    assert told == f"callkit: another pull of {crm} is running; wait until it is done\n"


# One clear sentence for what goes wrong, and nothing changed


def denied(status: int, only: str = "") -> Any:
    return lambda _, path: (status, {}) if only in path else None


@pytest.mark.parametrize(
    ("faults", "code", "said"),
    [
        (denied(401), 2, "amoCRM refuses the token from CALLKIT_AMOCRM_TOKEN: it is wrong, has expired or was revoked"),
        (denied(402), 1, "is not paid for (HTTP 402)"),
        (denied(403), 2, "the token must be an administrator's"),
        (denied(403, "/events"), 2, "the token must be an administrator's"),
        (denied(404), 2, "is no account of amoCRM's (HTTP 404): check [source] subdomain and domain"),
        (denied(302), 2, "is no account of amoCRM's (HTTP 302)"),
        (denied(500), 1, "answers HTTP 500 (a fault of its own) again and again"),
        (denied(0), 1, "cannot be reached: check the network and [source] subdomain"),
        (denied(418, "/companies"), 1, "answers HTTP 418"),
    ],
)
@pytest.mark.parametrize("before", ["nothing", "a pull"])
def test_a_refusal_is_one_sentence_and_changes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], faults: Any, code: int, said: str, before: str
) -> None:
    server = Server(account_of(hand()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        if before == "a pull":
            assert callkit(capfd, "pull", crm)[0] == 0
        held = contents(crm)
        server.faults = faults

        got, out, err = callkit(capfd, "pull", crm)

    assert (got, out) == (code, "")
    assert err.startswith("callkit: ")
    assert err.count("\n") == 1
    assert said in err
    assert contents(crm) == held


def test_a_page_that_is_no_json_is_told_as_a_wrong_address(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = Server(account_of(hand()))
    server.answer = lambda *_: (200, "<html>")  # type: ignore[method-assign, assignment, return-value]
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        code, _, err = callkit(capfd, "pull", crm)
    assert (code, "Traceback" in err, err.count("\n")) == (2, False, 1)


def test_a_clock_that_is_off_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = Server(account_of(hand()))
    server.date = "Sat, 01 Jan 2000 00:00:00 GMT"
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        held = contents(crm)
        code, _, err = callkit(capfd, "pull", crm)
    assert code == 1
    assert "minutes ahead of amoCRM's; set it right" in err
    assert contents(crm) == held


def test_a_field_that_is_gone_is_named_before_anything_is_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = Server(account_of(hand()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert callkit(capfd, "pull", crm)[0] == 0
        held = contents(crm)
        server.account.fields = [f | {"id": 7} for f in server.account.fields]
        code, _, err = callkit(capfd, "pull", crm)
    assert code == 2
    assert "[dimensions] source: amoCRM has no field 901000 of deals (any more); callkit pull --fields lists" in err
    assert "Did you mean 'source'?" in err
    assert contents(crm) == held


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[source]\nkind = "amocrm"\n', "[source] subdomain is wanted"),
        ('[source]\nkind = "amo"\n', "kind = 'amo' is not allowed; wanted: one of files, amocrm, mybi, sql"),
        ("[source]\n", '[source] kind is wanted: one of "amocrm", "mybi", "sql"'),
        ('[source]\nkind = "amocrm"\nsubdomain = "a.b"\n', "subdomain = 'a.b' is not allowed"),
        ('[source]\nkind = "amocrm"\nsubdomain = "shop"\ntoken = "x"\n', "[source] token is not known"),
        ('[source]\nkind = "amocrm"\nurl = "https://a:b@host"\n', "[source] url is not allowed; wanted: an address; no"),  # noqa: E501
        ('[dimensions]\ngrade = { field_id = "7" }\n', "is not allowed; wanted: a text or { ru = …,"),
    ],
)  # fmt: skip
def test_settings_that_will_not_do_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], settings: str, said: str
) -> None:
    (tmp_path / "callkit.toml").write_text(settings, encoding="utf-8")
    code, _, err = callkit(capfd, "pull", tmp_path)
    assert code == 2
    assert said in err


def test_a_folder_that_nothing_was_pulled_into_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "callkit.toml").write_text('[source]\nkind = "amocrm"\nsubdomain = "shop"\n', encoding="utf-8")
    code, _, err = callkit(capfd, "metrics", tmp_path, "--month", "2026-03")
    assert code == 2
    assert f"nothing has been pulled yet; run callkit pull {tmp_path}" in err


def test_the_core_asks_for_the_extra_that_is_missing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "callkit.toml").write_text('[source]\nkind = "amocrm"\nsubdomain = "shop"\n', encoding="utf-8")
    for name in [
        n for n in sys.modules if n.split(".")[0] == "dlt" or n in ("callkit.crm.amocrm", "callkit.crm.client")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dlt", None)
    monkeypatch.delattr("callkit.crm.client", raising=False)
    monkeypatch.delattr("callkit.crm.amocrm", raising=False)
    code, _, err = callkit(capfd, "pull", tmp_path)
    assert code == 2
    assert err == (
        'callkit: [source] kind = "amocrm" needs dlt, which is not installed: pip install "callkit[amocrm]"\n'
    )


# Tokens


def without_token(monkeypatch: pytest.MonkeyPatch, found: str | None = None) -> None:
    import keyring

    monkeypatch.delenv("CALLKIT_AMOCRM_TOKEN")
    monkeypatch.setattr(keyring, "get_password", lambda service, _: found if service == "callkit" else None)


def test_a_token_may_lie_in_a_file_or_in_the_keyring(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(account_of(hand()))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url, token_file='"../token"')
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        without_token(monkeypatch)
        assert callkit(capfd, "pull", crm)[0] == 0
        folder_of(crm, server, url)
        without_keyring = callkit(capfd, "pull", crm)
        monkeypatch.setenv("CALLKIT_AMOCRM_TOKEN", "")
        without_token(monkeypatch, TOKEN)
        assert callkit(capfd, "pull", crm)[0] == 0
    assert without_keyring[0] == 2
    assert (
        "set CALLKIT_AMOCRM_TOKEN, name a file in [amocrm] token_file, or store it with: keyring set"
        in without_keyring[2]
    )


def test_a_token_with_a_gap_is_refused_without_being_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLKIT_AMOCRM_TOKEN", "Hush-Hush Hush-Hush")
    (tmp_path / "callkit.toml").write_text('[source]\nkind = "amocrm"\nsubdomain = "shop"\n', encoding="utf-8")
    code, _, err = callkit(capfd, "pull", tmp_path)
    assert (code, "no token has" in err) == (2, True)


def test_refresh_tokens_rotate_and_are_on_the_disk_before_they_are_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(account_of(hand()))
    server.refresh = "code-0.Hush-Hush"
    file = tmp_path / "oauth-token.json"
    without_token(monkeypatch)
    monkeypatch.setenv("CALLKIT_AMOCRM_SECRET", "hush.Hush-Hush")
    told = {"token_file": f'"{file}"', "client_id": '"c-1"', "redirect_uri": '"https://example.com"'}
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url, **told)
        assert callkit(capfd, "pull", crm, "--code", "code-0.Hush-Hush")[0] == 0
        first = file.read_text()
        server.tokens.clear()
        server.tokens.add("expired")
        server.faults = lambda _, path: (0, {}) if path.endswith("companies/notes") else None

        assert callkit(capfd, "pull", crm)[0] == 0

        second = file.read_text()
        server.tokens.clear()
        server.refresh = "used by somebody else"
        code, _, err = callkit(capfd, "pull", crm)
    assert "access-1.Hush-Hush" in first
    assert "access-1.Hush-Hush" in second
    assert first != second or "refresh-1" in second
    assert file.stat().st_mode & 0o777 == 0o600
    assert (code, err.count("\n")) == (2, 1)
    assert "amoCRM does not exchange the tokens (HTTP 400)" in err


# What is kept, and what is made of it


def test_no_name_or_phone_of_a_client_is_kept(tmp_path: Path) -> None:
    _, crm = both(hand(), tmp_path)
    for path in crm.glob("*.duckdb"):
        for secret in ("Клиентов", "9995550011", "pbx.example.com", "example.com"):
            assert secret.encode() not in path.read_bytes()


def an_account(notes: list[dict[str, Any]], fields: list[dict[str, Any]] | None = None) -> Account:
    """Two deals of one contact and a few notes."""
    account = Account("Europe/Moscow")
    status = {"name": "Новая", "sort": 10, "type": 0, "pipeline_id": 1}
    account.pipelines = [{"id": 1, "name": "Продажи", "_embedded": {"statuses": [{"id": 10, **status}]}}]
    account.users = [{"id": u, "name": f"Менеджер {u}", "_embedded": {"groups": []}} for u in (501, 502)]
    account.fields = [{"id": f["field_id"], "name": f["name"], "type": f["type"]} for f in fields or []]
    lead: dict[str, Any] = {
        "pipeline_id": 1, "status_id": 10, "price": 5, "responsible_user_id": 501, "created_at": 1_770_000_000,
        "updated_at": 1_770_000_000, "closed_at": 0, "is_deleted": False, "custom_fields_values": fields,
        "_embedded": {"contacts": [{"id": 77}], "companies": [{"id": 88}], "tags": [{"name": "б"}, {"name": "а"}]},
    }  # fmt: skip
    account.leads = [{"id": i, **lead} for i in (1, 2)]
    for number, note in enumerate(notes, 1000):
        told = {
            "id": number, "created_by": 501, "responsible_user_id": 502, "created_at": 1_770_000_100,
            "updated_at": 1_770_000_100, "note_type": "call_in", "entity_id": 1, **note,
        }  # fmt: skip
        account.notes[str(told.pop("on", "leads"))].append(told)
    return account


def calls_of(tmp_path: Path, account: Account, **further: str) -> list[Any]:
    server = Server(account)
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url, **further)
        assert cli.main(["pull", str(crm)]) == 0
    return query(
        crm / "company.duckdb",
        "SELECT c.call_id, g.manager_id, c.talk_seconds, c.direction, d.deal_id, c.started_us // 1000000 "
        "FROM calls AS c LEFT JOIN managers AS g ON g.manager = c.manager LEFT JOIN deals AS d ON d.deal_key = c.deal_key ORDER BY 1",  # noqa: E501
    )


def test_one_call_noted_several_times_counts_once_and_stays_on_the_deal(tmp_path: Path) -> None:
    notes = [
        {"on": "contacts", "entity_id": 77, "params": {"uniq": "a", "duration": 60}},
        {"params": {"uniq": "a", "duration": 60}},
        {"params": {"link": "https://pbx/b", "duration": 30}},
        {"params": {"link": "https://pbx/b", "duration": "30"}, "entity_id": 2},
        {"params": {"phone": "+7 912 345-67-89", "duration": 20}},
        {"params": {"phone": "89123456789", "duration": 20}, "created_at": 1_770_000_119},
        {"params": {"phone": "89123456789", "duration": 20}, "created_at": 1_770_000_120},
        {"params": {"duration": 5}},
        {"params": {"duration": 5}},
    ]
    called = calls_of(tmp_path, an_account(notes))

    at = 1_770_000_100
    assert called == [
        ("1001", "501", 60.0, 1, "1", at), ("1002", "501", 30.0, 1, "1", at), ("1004", "501", 20.0, 1, "1", at),
        ("1006", "501", 20.0, 1, "1", at + 20), ("1007", "501", 5.0, 1, "1", at), ("1008", "501", 5.0, 1, "1", at),
    ]  # fmt: skip


def test_calls_on_a_contact_or_a_company_go_to_its_deal_created_last(tmp_path: Path) -> None:
    notes = [
        {"on": "contacts", "entity_id": 77, "params": {"uniq": "a", "duration": 1}},
        {"on": "companies", "entity_id": 88, "params": {"uniq": "b", "duration": 1}},
        {"on": "companies", "entity_id": 89, "params": {"uniq": "c", "duration": 1}},
    ]
    assert [row[4] for row in calls_of(tmp_path, an_account(notes))] == ["2", "2", None]


def test_who_spoke_is_the_human_who_noted_the_call_else_the_one_it_names_else_who_is_responsible(
    tmp_path: Path,
) -> None:
    notes = [
        {"params": {"duration": 1}},
        {"created_by": 0, "params": {"duration": 1, "call_responsible": 777}},
        {"created_by": 0, "params": {"duration": 1, "call_responsible": "79123456789"}},
        {"created_by": 0, "responsible_user_id": 0, "params": {"duration": None, "call_responsible": "Анна"}},
    ]
    assert [row[1] for row in calls_of(tmp_path / "usual", an_account(notes))] == ["501", "777", "502", None]
    turned = calls_of(tmp_path / "turned", an_account(notes), who_spoke='["responsible_user", "created_by"]')
    assert [row[1] for row in turned] == ["502", "502", "502", None]


def test_a_note_made_at_the_end_of_a_call_gives_its_start(tmp_path: Path) -> None:
    notes: list[dict[str, Any]] = [{"note_type": "call_out", "params": {"duration": 90}}]
    assert calls_of(tmp_path, an_account(notes), call_time='"end"')[0][3:] == (2, "1", 1_770_000_010)


def test_fields_become_dimensions_by_number_whatever_their_type(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fields: list[dict[str, Any]] = [
        {"field_id": 1, "name": "Источник", "type": "select", "values": [{"value": "Сайт", "enum_id": 3}]},
        {"field_id": 2, "name": "Услуги", "type": "multiselect", "values": [{"value": "Б"}, {"value": "А"}]},
        {"field_id": 3, "name": "Договор", "type": "checkbox", "values": [{"value": True}]},
        {"field_id": 4, "name": "Замер", "type": "date", "values": [{"value": 1_769_979_600}]},
        {"field_id": 5, "name": "Адрес", "type": "text", "values": [{"value": "Тверская, 1"}]},
    ]
    server = Server(an_account([{"params": {"duration": 1}}], fields))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        assert callkit(capfd, "pull", crm)[0] == 0
        code, listed, _ = callkit(capfd, "pull", crm, "--fields")
    with open_company(crm) as company:
        values = {name: list(company.labels(name).values())[-1] for name in company.facts["dimensions"]}
    assert values == {
        "pipeline_id": "Продажи", "tags": "а, б", "Источник": "Сайт", "Услуги": "Б, А", "Договор": "да",
        "Замер": "2026-02-02", "Адрес": "Тверская, 1",
    }  # fmt: skip
    assert code == 0
    assert "5           Адрес     text         100,0" in listed


def test_free_text_is_kept_only_of_fields_that_are_dimensions(tmp_path: Path) -> None:
    fields: list[dict[str, Any]] = [
        {"field_id": 5, "name": "address", "type": "text", "values": [{"value": "Tverskaya"}]}
    ]
    server = Server(an_account([{"params": {"duration": 1}}], fields))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        chosen = (crm / "callkit.toml").read_text(encoding="utf-8")
        (crm / "callkit.toml").write_text(chosen.split("[dimensions]")[0], encoding="utf-8")
        assert cli.main(["pull", str(crm)]) == 0
        assert query(crm / "raw.duckdb", "SELECT DISTINCT fields[1].value FROM leads") == [(None,)]
        (crm / "callkit.toml").write_text(chosen, encoding="utf-8")
        assert cli.main(["pull", str(crm)]) == 0
        assert query(crm / "raw.duckdb", "SELECT DISTINCT fields[1].value FROM leads") == [("Tverskaya",)]


def test_a_rebuild_of_a_pull_cut_short_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = Server(account_of(demo()), short=100)
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        server.faults = lambda number, _: (500, {}) if number > 25 else None
        assert callkit(capfd, "pull", crm)[0] == 1
        code, _, err = callkit(capfd, "pull", crm, "--rebuild")
    assert (code, "holds nothing that was pulled whole; run callkit pull" in err) == (2, True)


def test_a_rebuild_with_a_field_that_was_not_kept_asks_for_a_pull(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fields: list[dict[str, Any]] = [
        {"field_id": 5, "name": "address", "type": "text", "values": [{"value": "Tverskaya"}]}
    ]
    server = Server(an_account([{"params": {"duration": 1}}], fields))
    with server.running() as url:
        crm = folder_of(tmp_path / "crm", server, url)
        chosen = (crm / "callkit.toml").read_text(encoding="utf-8")
        (crm / "callkit.toml").write_text(chosen.split("[dimensions]")[0], encoding="utf-8")
        assert callkit(capfd, "pull", crm)[0] == 0
        (crm / "callkit.toml").write_text(chosen, encoding="utf-8")
        code, _, err = callkit(capfd, "pull", crm, "--rebuild")
    assert code == 2
    assert "[dimensions] address: the values of field 5 have not been pulled; run callkit pull" in err


def test_other_rules_ask_for_a_rebuild_which_asks_the_server_for_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, crm = both(hand(), tmp_path)
    capfd.readouterr()
    with (crm / "callkit.toml").open("a", encoding="utf-8") as file:
        file.write("[rules]\nlead_in_minutes = 0\n")
    told = callkit(capfd, "metrics", crm, "--month", "2026-03")
    assert told[0] == 2
    assert f"run callkit pull {crm} --rebuild" in told[2]
    assert callkit(capfd, "pull", crm, "--rebuild")[0] == 0
    assert callkit(capfd, "metrics", crm, "--month", "2026-03")[0] == 0
