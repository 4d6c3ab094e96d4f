"""Serving promises: in comes only who may, each sees what is his and no more, and no process outlives its page.

The server is the real one, in a process of its own; the hostile visitor speaks to it over the real websocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import websocket
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from test_access import TABLES, write

from callkit import cli, serving
from callkit.errors import UsageError
from callkit.serving import forked

pytestmark = pytest.mark.xdist_group("serving")
PATIENCE = 60
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code", "id": "c1", "metadata": {"tags": ["parameters"]}, "outputs": [],
            "execution_count": None, "source": 'source = "demo"\nlang = ""',
        },
        {
            "cell_type": "code", "id": "c2", "metadata": {}, "outputs": [], "execution_count": None,
            "source": "import callkit.app\ncallkit.app.app(source, lang=lang)",
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
RUN = """
import sys, json
from pathlib import Path
from callkit.errors import CallkitError
from callkit.serving import Serving, run
told = json.loads(sys.argv[1])
for name in ("password_file", "notebook"):
    told[name] = Path(told[name]) if told.get(name) else None
run(Serving(**told))
"""
HIDDEN = ("Boris", "Vera", "South", "Site", "Hidden", '"d2"', '"d4"', '"c4"', '"c5"', '"c7"', '"c8"')


class Server:
    """A running server: its address as printed, its log, its kernels."""

    def __init__(self, folder: Path, **told: Any) -> None:
        notebook = folder / "notebooks" / "app.ipynb"
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
        told = {"port": 0, "preheat": 1, "grace": 2.0, "lang": "en", "notebook": str(notebook), **told}
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", RUN, json.dumps(told)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.printed = self.process.stdout.readline().strip()
        assert self.printed.startswith("http://"), self.log.read_text()
        self.base = self.printed.partition("?")[0].rstrip("/")
        self.preheat = told["preheat"]

    @property
    def kernels(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True)
            return [p for p in found if _is_kernel(p)]
        return []

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def _is_kernel(process: psutil.Process) -> bool:
    """Whether a process is a kernel, forked or started by itself."""
    with contextlib.suppress(psutil.Error):
        return process.name() == "callkit-kernel" or any("ipykernel" in word for word in process.cmdline())
    return False


def until(true: Callable[[], bool]) -> bool:
    """Whether something comes true before patience ends."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if true():
            return True
        time.sleep(0.1)
    return true()


class Visitor:
    """A browser without a screen: cookies, pages, the websocket of a page's kernel."""

    def __init__(self, base: str, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None) -> None:
        self.base, self.headers, self.context = base, headers or {}, context
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.HTTPSHandler(context=context)
        )

    def get(self, path: str, data: dict[str, str] | None = None, method: str | None = None) -> tuple[int, str, str]:
        """The status, the text, and the address arrived at."""
        form = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(self.base + path, data=form, headers=self.headers, method=method)
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode(), answer.geturl()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.url or ""

    def enter(self, password: str, name: str = "") -> tuple[int, str, str]:
        """Signs in through the form, as a browser does."""
        _, form, _ = self.get("/login")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form)
        assert xsrf
        return self.get("/login", {"_xsrf": xsrf[1], "name": name, "password": password})

    def cookie(self) -> str:
        return "; ".join(f"{c.name}={c.value}" for c in self.cookies)

    def channel(self, kernel: str) -> websocket.WebSocket:
        address = self.base.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        options = {"ca_certs": None, "cert_reqs": ssl.CERT_NONE} if self.context else None
        headers = [f"{name}: {value}" for name, value in self.headers.items()]
        return websocket.create_connection(
            address, cookie=self.cookie(), header=headers, timeout=PATIENCE, sslopt=options, origin=self.base
        )


def kernel_of(page: str) -> str:
    found = re.search(r'id="callkit-place">(.*?)</script>', page, re.S)
    assert found, page[:2000]
    return str(json.loads(found[1])["kernel"])


def comm_of(page: str) -> str:
    found = re.search(r'id="callkit-first">(.*?)</script>', page, re.S)
    assert found, page[-3000:]
    return str(json.loads(found[1])["comm"])


def message(kind: str, content: dict[str, Any], channel: str = "shell") -> str:
    header = {
        "msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": "u", "version": "5.3", "date": "",
    }  # fmt: skip
    return json.dumps(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": [], "channel": channel}
    )


def ask(socket_: websocket.WebSocket, comm: str, **question: Any) -> dict[str, Any]:
    """The page's answer to a question, sent the way the page sends it."""
    number = uuid.uuid4().int % 10**9
    content = {"comm_id": comm, "data": {"method": "custom", "content": {"ask": number, **question}}}
    socket_.send(message("comm_msg", content))
    while True:
        told = json.loads(socket_.recv())
        answer = (told["content"].get("data") or {}).get("content") if told["msg_type"] == "comm_msg" else None
        if isinstance(answer, dict) and answer.get("ask") == number:
            return answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of three managers; Anna sees her own, the lead his team, olga everything."""
    folder = write(tmp_path_factory.mktemp("shop"))
    (folder / "callkit.toml").write_text(
        '[account]\ntimezone = "UTC"\n[access]\neverything = ["olga"]\nteams = { lead = ["North"] }\n'
        'themselves = { anna = "m1" }\n',
        encoding="utf-8",
    )
    users = folder / "users.txt"
    for name in ("olga", "anna", "lead", "stranger"):
        serving.add_user(name, users, f"{name}-password")
    return folder


@pytest.fixture(scope="module")
def server(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("serving")
    with Server(folder, source=str(shop), password_file=str(shop / "users.txt")) as running:
        yield running
        assert running.stop() == 0
        assert until(lambda: not running.kernels)


def signed_in(server: Server, name: str) -> tuple[Visitor, str]:
    visitor = Visitor(server.base)
    status, page, _ = visitor.enter(f"{name}-password", name)
    assert status == 200, page
    return visitor, page


def test_a_password_lets_in_and_a_wrong_one_does_not(server: Server) -> None:
    visitor = Visitor(server.base)
    assert visitor.enter("olga-passwort", "olga")[0] == 401
    assert visitor.enter("anna-password", "olga")[0] == 401
    assert visitor.enter("x", "")[0] == 401
    assert 'name="password"' in visitor.get("/")[1]
    assert visitor.enter("olga-password", "olga")[0] == 200
    assert "Vera" in visitor.get("/?page=managers&period=2026-03")[1]


def test_a_known_user_without_rights_gets_a_sentence_and_no_kernel(server: Server) -> None:
    assert until(lambda: len(server.kernels) == server.preheat)  # those of earlier pages have ended
    before = {kernel.pid for kernel in server.kernels}
    visitor = Visitor(server.base)
    status, page, _ = visitor.enter("stranger-password", "stranger")
    assert (status, "Nothing is open to you here yet." in page, "stranger" in page) == (403, True, True)
    assert "callkit-place" not in page
    time.sleep(2)  # a kernel that was taken would have been replaced by now
    assert {kernel.pid for kernel in server.kernels} == before


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"X-Forwarded-User": "olga"}, ""), ({"Remote-User": "olga"}, "?user=olga&viewer=olga"),
        ({"Cookie": "username=olga; CALLKIT_VIEWER=olga"}, "?CALLKIT_VIEWER=%7B%22sees%22:%22everything%22%7D"),
    ],
)  # fmt: skip
def test_nobody_chooses_who_he_is(server: Server, headers: dict[str, str], query: str) -> None:
    stranger = Visitor(server.base, headers)
    assert 'name="password"' in stranger.get(f"/{query}")[1]
    if "Cookie" not in headers:
        anna, _ = signed_in(server, "anna")
        anna.headers = headers
        page = anna.get(f"/{query or '?'}&page=managers&period=2026-03")[1]
        assert ("Anna" in page, "Vera" in page) == (True, False)


def test_a_hostile_page_gets_nothing_of_others_over_the_websocket(server: Server) -> None:
    anna, page = signed_in(server, "anna")
    comm = comm_of(page)
    assert [word for word in HIDDEN if word in page] == []
    channel = anna.channel(kernel_of(page))
    seen: list[str] = []
    for query in (
        "period=2026-03", "period=2026-03&where.manager=Vera", "period=2026-03&where.owner=Vera&lens=called",
        "period=2026-03&where.manager=m3", "period=2026-03&where.team=South&lens=lifetime&credit=talk",
        "period=2026-03&page=segments&by=client", "period=2026-03&page=quality",
        "period=2026-03&page=segments&by=owner", "period=2026-03&where.client=Hidden+client+4&tab=calls",
        "period=2026-03&sel.manager=Vera&tab=deals&page=managers",
        "period=2026-03&tab=deals&lens=called", "period=2026-03&tab=deals&credit=talk", "period=2026-03&tab=calls",
    ):  # fmt: skip
        # What the visitor himself wrote may come back to him as what was not found.
        sent = urllib.parse.unquote_plus(query)
        asked: list[dict[str, Any]] = [{"what": "view"}, {"what": "save", "kind": "csv"}, {"what": "command"}]
        asked += [{"what": "part", "name": n} for n in ("values", "odd_ones")]
        asked += [
            {"what": "values", "column": c, "search": ""} for c in ("manager", "owner", "team", "client", "source")
        ]
        asked += [
            {"what": "behind", "list": kind, "search": s} for kind in ("calls", "deals") for s in ("", "d4", "Vera")
        ]
        for question in asked:
            answer = json.dumps(ask(channel, comm, query=query, **question), ensure_ascii=False)
            seen.append(answer)
            found = [w for w in HIDDEN if w in answer and w.strip('"') not in sent + json.dumps(question)]
            assert found == [], (query, question, answer)
    assert any("Anna" in answer for answer in seen)
    channel.close()


def test_a_visitor_runs_no_code_makes_no_widget_and_gets_no_traceback(server: Server, tmp_path: Path) -> None:
    anna, page = signed_in(server, "anna")
    comm, mark = comm_of(page), tmp_path / "mark"
    channel = anna.channel(kernel_of(page))
    code = f"open({str(mark)!r}, 'w').write('x')"
    executes = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {"x": code},
        "allow_stdin": False,
    }
    for where in ("shell", "control", "stdin", "iopub"):
        channel.send(message("execute_request", executes, where))
    for kind in ("inspect_request", "complete_request", "history_request", "debug_request", "create_subshell_request"):
        channel.send(message(kind, {"code": code, "cursor_pos": 1, "command": "evaluate"}, "control"))
    channel.send(message("shutdown_request", {"restart": False}, "control"))
    state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "HTMLModel", "value": "x"}
    for target in ("jupyter.widget", "jupyter.widget.control", "nowhere"):
        channel.send(
            message("comm_open", {"comm_id": uuid.uuid4().hex, "target_name": target, "data": {"state": state}})
        )
    for data in (None, [], {"method": "update", "state": {"_esm": "alert(1)", "layout": 7}}, {"method": "custom"}, 7):
        channel.send(message("comm_msg", {"comm_id": comm, "data": data}))
    answer = ask(channel, comm, what="view", query="period=2026-03")
    assert "trouble" not in answer
    channel.settimeout(1.0)
    told = ""
    with contextlib.suppress(websocket.WebSocketTimeoutException):
        while True:
            told += str(channel.recv())
    assert "Traceback" not in told
    assert not mark.exists()
    channel.close()


def test_another_users_kernel_is_as_good_as_none(server: Server) -> None:
    olga, page = signed_in(server, "olga")
    kernel = kernel_of(page)
    channel = olga.channel(kernel)
    anna, _ = signed_in(server, "anna")
    with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
        anna.channel(kernel)
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        Visitor(server.base).channel(kernel)
    assert anna.get(f"/api/kernels/{kernel}")[0] == 404
    assert olga.get(f"/api/kernels/{kernel}")[0] == 200
    channel.close()


@pytest.mark.parametrize(
    "path",
    ["/api/kernels", "/api/contents", "/voila/tree", "/voila/files/callkit.toml", "/voila/render/app.ipynb", "/x"],
)
def test_nothing_else_of_jupyter_is_served(server: Server, path: str) -> None:
    olga, _ = signed_in(server, "olga")
    assert olga.get(path)[0] == 404


def test_a_page_that_closes_leaves_no_kernel(server: Server) -> None:
    assert until(lambda: len(server.kernels) == server.preheat)
    olga, page = signed_in(server, "olga")
    channel = olga.channel(kernel_of(page))
    assert until(lambda: len(server.kernels) == server.preheat + 1)
    channel.close()  # the tab was closed, or the browser died
    assert until(lambda: len(server.kernels) == server.preheat)
    page = olga.get("/")[1]
    assert until(lambda: len(server.kernels) == server.preheat + 1)
    xsrf = next(c.value for c in olga.cookies if c.name == "_xsrf")
    assert (
        olga.get(f"/voila/api/shutdown/{kernel_of(page)}", {"_xsrf": str(xsrf)})[0] == 204
    )  # what a closing page sends
    assert until(lambda: len(server.kernels) == server.preheat)


def test_kernels_share_what_the_nursery_has_loaded_and_end_with_it(server: Server) -> None:
    assert until(lambda: len(server.kernels) == server.preheat)
    nursery = server.kernels[0].parent()
    assert nursery
    assert (nursery.name(), nursery.ppid()) == ("callkit-nursery", server.process.pid)
    olga, page = signed_in(server, "olga")
    channel = olga.channel(kernel_of(page))
    assert until(lambda: len(server.kernels) == server.preheat + 1)
    assert {kernel.parent() for kernel in server.kernels} == {nursery}
    memory = [kernel.memory_full_info() for kernel in server.kernels]
    assert max(m.uss / m.rss for m in memory) < 0.6
    nursery.kill()
    assert until(lambda: not nursery.is_running() or nursery.status() == psutil.STATUS_ZOMBIE)
    channel.close()
    anna, page = signed_in(server, "anna")  # what comes next has a nursery again
    with contextlib.closing(anna.channel(kernel_of(page))) as channel:
        assert "trouble" not in ask(channel, comm_of(page), what="view", query="")
        assert until(lambda: all(k.parent() not in (None, nursery) for k in server.kernels))
        assert {k.parent().name() for k in server.kernels} == {"callkit-nursery"}
    assert until(lambda: len(server.kernels) == server.preheat)


def test_where_nothing_can_be_forked_a_kernel_is_started_as_any(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def launched(self: object, cmd: list[str], **_: object) -> list[str]:
        return cmd

    monkeypatch.setattr(forked, "nursery", forked.Nursery([sys.executable, "-c", "raise SystemExit(1)"]))
    monkeypatch.setattr(LocalProvisioner, "launch_kernel", launched)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "connection.json"]
    assert asyncio.run(forked.Forked().launch_kernel(command, env={}, cwd=".")) == command
    assert "the nursery does not come up" in caplog.text


def test_a_server_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    with Server(tmp_path, source="demo", preheat=2) as server:
        left = psutil.Process(server.process.pid).children(recursive=True)
        assert len(left) == 3
        server.process.kill()
        assert not psutil.wait_procs(left, PATIENCE)[1]


def test_new_data_and_new_rules_are_taken_over_while_pages_are_open(server: Server, shop: Path) -> None:
    olga, page = signed_in(server, "olga")
    channel, comm = olga.channel(kernel_of(page)), comm_of(page)
    assert "trouble" not in ask(channel, comm, what="view", query="period=2026-03")
    calls = shop / "calls.csv"
    try:
        calls.write_text(TABLES["calls"] + "c9,2026-03-06T10:00Z,77,out,m2,NEW-CALL\n", encoding="utf-8")
        said = {"what": "behind", "query": "period=2026-03&tab=calls"}
        assert ask(channel, comm, **said)["calls"] == "8"
        assert until(lambda: ask(channel, comm, **said)["calls"] == "9")
        # Who sees something else from now on begins anew.
        toml = shop / "callkit.toml"
        before = toml.read_text(encoding="utf-8")
        toml.write_text(before.replace('"olga"', '"boss"'), encoding="utf-8")
        assert until(lambda: olga.get("/")[0] == 403)
        assert until(lambda: len(server.kernels) == server.preheat)
        toml.write_text(before, encoding="utf-8")
        assert until(lambda: olga.get("/")[0] == 200)
    finally:
        channel.close()
        calls.write_text(TABLES["calls"], encoding="utf-8")


def test_the_watchdog_is_told_that_all_is_well(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    port = server.base.rpartition(":")[2]
    assert cli.main(["app", "--check", port]) == 0
    assert capsys.readouterr().out == f"http://127.0.0.1:{port}: ok\n"


def test_the_log_holds_no_secret(server: Server) -> None:
    Visitor(server.base).get("/?token=SECRET-TOKEN")
    log = server.log.read_text(encoding="utf-8")
    assert "GET /" in log
    assert "SECRET-TOKEN" not in log
    assert "-password" not in log


def test_a_token_opens_the_app_and_leaves_the_address(tmp_path: Path) -> None:
    with Server(tmp_path, source="demo", token="", preheat=0, lang="ru") as server:
        token = server.printed.partition("?token=")[2]
        assert len(token) >= 32
        visitor = Visitor(server.base)
        assert "callkit app" in visitor.get("/")[1]  # the way to a token is told
        assert 'name="password"' in visitor.get("/?token=wrong")[1]
        status, page, address = visitor.get(f"/?token={token}&page=sources")
        assert (status, address) == (200, f"{server.base}/?page=sources")
        assert token not in page
        kernels = server.kernels
        assert len(kernels) == 1
        assert server.stop(signal.SIGINT) == 0
        assert token not in server.log.read_text(encoding="utf-8")
        assert until(lambda: not any(k.is_running() for k in kernels))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_language_asked_for_is_that_of_a_page_whose_link_names_none(tmp_path: Path, lang: str) -> None:
    with Server(tmp_path, source="demo", preheat=0, lang=lang) as server:
        page = Visitor(server.base).get("/")[1]
        assert f'"lang": "{lang}"' in page


def test_a_strangers_site_cannot_read_the_app_of_this_machine(tmp_path: Path) -> None:
    with Server(tmp_path, source="demo", preheat=0) as server:
        assert Visitor(server.base, {"Host": "rebound.example"}).get("/")[0] == 403


def test_a_watchdog_of_nothing_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert cli.main(["app", "--check", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"callkit: http://127.0.0.1:{port} does not answer")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 is taken"):
            serving.run(serving.Serving("demo", port=port))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--host", "0.0.0.0"], "a secret is wanted"),
        (["demo", "--preheat", "-1"], "--preheat -1 is not allowed"),
        (["demo", "--port", "70000"], "wanted: 0 to 65535"),
        (["demo", "--password-file", "/nowhere/users.txt"], "/nowhere/users.txt cannot be read"),
        (["--check", "shop"], "is not understood; give a port"),
        (["--example", "ngnix"], "Did you mean 'nginx'?"),
        (["--add-user", "olga"], "wants --password-file"),
        ([], "what to serve is wanted"),
    ],
)
def test_a_wrong_command_is_told_in_a_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["app", *words]) == 2
    assert said in capsys.readouterr().err


def test_passwords_are_kept_hashed_for_their_owner_alone(tmp_path: Path) -> None:
    file = serving.add_user("olga", tmp_path / "users.txt", "a long password")
    serving.add_user("anna", file, "another password")
    assert "password" not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    assert list(serving.read_passwords(file)) == ["olga", "anna"]


def test_a_password_in_clear_is_refused_without_being_shown(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text("olga:letmein\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 1 is not understood") as raised:
        serving.read_passwords(file)
    assert "letmein" not in str(raised.value)


def nginx() -> str:
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have it: nginx")
        pytest.skip("no nginx was found")
    return found


def test_behind_nginx_the_proxy_alone_says_who_looks(shop: Path, tmp_path: Path) -> None:
    program = nginx()
    company = tmp_path / "company"
    shutil.copytree(shop, company)
    toml = (company / "callkit.toml").read_text(encoding="utf-8")
    (company / "callkit.toml").write_text(toml.replace("[access]", '[access]\nheader = "X-Forwarded-User"'), "utf-8")
    secret = "the-proxys-secret"
    with Server(tmp_path, source=str(company), token=secret) as server:
        assert secret not in server.printed
        with proxied(program, tmp_path, server.base, secret) as base:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            anna = Visitor(base, {"Authorization": "Basic YW5uYTphbm5h", "X-Forwarded-User": "olga"}, context)
            status, page, _ = anna.get("/?page=managers")
            assert (status, "Anna" in page, "Vera" in page) == (200, True, False)
            channel = anna.channel(kernel_of(page))
            assert "Vera" not in json.dumps(ask(channel, comm_of(page), what="view", query="page=managers"))
            channel.close()
            assert Visitor(base, {"X-Forwarded-User": "olga"}, context).get("/")[0] == 401
        # Past the proxy nobody is anybody, with its header alone or its secret alone.
        for headers in ({"X-Forwarded-User": "olga"}, {"Authorization": f"token {secret}"}, {}):
            assert "Vera" not in Visitor(server.base, headers).get("/")[1]


@contextlib.contextmanager
def proxied(program: str, folder: Path, app: str, secret: str) -> Iterator[str]:
    """nginx with the example that callkit prints, only its names and paths fitted."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        tls, plain = one.getsockname()[1], two.getsockname()[1]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tls.key", "-out",
         folder / "tls.crt", "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True,
    )  # fmt: skip
    (folder / "htpasswd").write_text("anna:{PLAIN}anna\n", encoding="utf-8")
    text = serving.example("nginx").replace("/etc/callkit/", f"{folder}/").replace("PUT-THE-SECRET-HERE", secret)
    text = text.replace("http://127.0.0.1:8866", app).replace("listen 443", f"listen 127.0.0.1:{tls}")
    text = text.replace("listen 80", f"listen 127.0.0.1:{plain}")
    temporary = "".join(f"{k}_temp_path {folder}/{k};\n" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"user root;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary}{text}\n}}\n",
        encoding="utf-8",
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as proxy:
        try:
            assert until(lambda: _answers(tls)), (folder / "nginx.log").read_text()
            yield f"https://127.0.0.1:{tls}"
        finally:
            proxy.terminate()
            proxy.wait(PATIENCE)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_the_unit_for_systemd_asks_the_watchdogs_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["app", "--example", "systemd"]) == 0
    unit = capsys.readouterr().out
    assert "callkit app . --port 8866" in unit
    assert "callkit app --check 8866" in unit
