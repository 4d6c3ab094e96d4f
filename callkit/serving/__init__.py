"""`callkit app`: what is asked for, checked before anything starts; the watchdog's question; examples to copy."""

from __future__ import annotations

import asyncio
import errno
import getpass
import ipaddress
import json
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callkit.errors import CallkitError, UsageError, did_you_mean
from callkit.locale import Locale
from callkit.starting import notebooks_folder

PORT = 8866
PREHEAT = 2
TOKEN = "CALLKIT_TOKEN"
EXAMPLES = {"systemd": "callkit-app.service", "nginx": "nginx.conf"}
_HASHED = ("argon2:", "sha1:", "sha256:")


@dataclass(frozen=True)
class Serving:
    """What `callkit app` was asked for. `token` None wants none, an empty one wants one made.

    `notebook` is the app's own unless named; `grace` is how many seconds a kernel outlives its page.
    """

    source: str
    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = None
    password_file: Path | None = None
    preheat: int = PREHEAT
    lang: str = ""
    notebook: Path | None = None
    grace: float = 60.0


def run(asked: Serving) -> None:
    """Serves the app until it is told to stop; the address is the last line printed.

    Raises UsageError for an address that is taken or not this machine's, for a missing secret, and for rules of
    access that nothing can tell a user by; as `callkit.build` does for the data.
    """
    passwords = read_passwords(asked.password_file) if asked.password_file else {}
    if asked.preheat < 0:
        raise UsageError(f"--preheat {asked.preheat} is not allowed; wanted: 0 or more")
    if not 0 <= asked.port <= 65535:
        raise UsageError(f"--port {asked.port} is not allowed; wanted: 0 to 65535")
    secret = os.environ.get(TOKEN) if asked.token is None else asked.token
    token = secrets.token_urlsafe(24) if secret == "" else secret or ""
    loopback = _loopback(asked.host)
    if not loopback and not token and not passwords:
        raise UsageError(
            f"on {asked.host} others can reach the app, so a secret is wanted: --token, or --password-file FILE "
            "(callkit app --add-user NAME --password-file FILE writes one)"
        )
    sockets = _bound(asked.host, asked.port)
    notebook = asked.notebook or notebooks_folder() / "app.ipynb"
    if not notebook.is_file():
        raise UsageError(f"{notebook} does not exist; a notebook to serve is wanted")
    # altair and nbformat need jsonschema, and that loads a grammar for a second, for a check that is never made.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from callkit.serving import server
    from callkit.serving.door import Keys
    from callkit.serving.sharing import Shared

    shared = Shared(asked.source)
    try:
        rules = shared.rules()
        keys = Keys(rules, token, passwords, Locale(asked.lang or shared.language))
        if rules.users and not keys.named:
            raise UsageError(
                "[access] names users, but nothing tells who looks: name the header of a proxy in [access], or give a "
                "--password-file with names"
            )
        if not shared.zone_declared:
            print("callkit: no time zone is set ([account] timezone); UTC is used", file=sys.stderr)
        server.quiet_logs()
        port = sockets[0].getsockname()[1]
        shown = f"[{asked.host}]" if ":" in asked.host else asked.host
        # A proxy's token is the proxy's own: nobody opens the app with it.
        ticket = f"?token={token}" if token and secret == "" and not rules.header else ""
        asyncio.run(
            server.serve(
                shared, keys, sockets, notebook.resolve(), preheat=asked.preheat, grace=asked.grace,
                announce=lambda: print(f"http://{shown}:{port}/{ticket}", flush=True),
                local_only=loopback and not keys.wanted,
            )
        )  # fmt: skip
    finally:
        shared.close()


def check(address: str) -> str:
    """Asks a running app whether it works; `address` is a port of this machine, or an address.

    The answer is one line; raises CallkitError (exit code 1) where it does not work.
    """
    base = f"http://127.0.0.1:{address}" if address.isdigit() else address.partition("?")[0].rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise UsageError(
            f"--check {address!r} is not understood; give a port, or an address as http://127.0.0.1:{PORT}"
        )
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=10) as answer:
            told = json.loads(answer.read())["callkit"]
    except urllib.error.HTTPError as error:
        raise CallkitError(f"{base} does not work: it answers {error.code}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CallkitError(f"{base} does not answer: {getattr(error, 'reason', error)}") from None
    return f"{base}: {told}"


def example(name: str) -> str:
    """The text of an example to copy: a systemd unit, or an nginx configuration.

    Raises UsageError for any other.
    """
    if name not in EXAMPLES:
        near = did_you_mean(name, EXAMPLES)
        raise UsageError(f"there is no example {name!r}; there are {', '.join(EXAMPLES)}.{near}")
    return (Path(__file__).parent.parent / "static" / EXAMPLES[name]).read_text(encoding="utf-8").rstrip()


def add_user(name: str, file: Path, password: str | None = None) -> Path:
    """Writes a user with the hash of his password into a file; a user who is there gets the new one.

    The password is asked for at the keyboard unless given. Raises UsageError for a name that will not do.
    """
    from jupyter_server.auth.security import passwd

    if name != name.strip() or ":" in name or not name.isprintable():
        raise UsageError(f"user name {name!r} is not allowed; no colon, no spaces around it")
    password = password if password is not None else getpass.getpass("Password: ")
    if len(password) < 8:
        raise UsageError("a password has at least 8 characters")
    known = {**(read_passwords(file) if file.exists() else {}), name: passwd(password)}  # type: ignore[no-untyped-call]
    text = "".join(f"{user}:{hashed}\n" if user else f"{hashed}\n" for user, hashed in known.items())
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    return file


def read_passwords(file: Path) -> Mapping[str, str]:
    """The hashed passwords of a file by user: lines `name:hash`, or one line with a hash that is for everybody.

    Raises UsageError for a line that is neither; a password in clear is told by its line's number alone.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        name, hashed = ("", line) if line.startswith(_HASHED) else line.partition(":")[::2]
        if not hashed.startswith(_HASHED) or name in found:
            raise UsageError(
                f"{file}, line {number} is not understood; wanted: one line a user, NAME:HASH, as "
                "callkit app --add-user NAME --password-file FILE writes it"
            )
        found[name] = hashed
    if not found or ("" in found and len(found) > 1):
        raise UsageError(f"{file} must hold lines NAME:HASH, or one hash for everybody")
    return found


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> list[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        told = f"port {port} on {host} is taken" if taken else f"{host}:{port}: {error.strerror or error}"
        raise UsageError(f"{told}; choose another with --port (0 finds a free one) or --host") from None
    bound.setblocking(False)
    return [bound]
