"""The door of the app: who comes in, by a token, a password, or the name a trusted proxy gives; the pages before it."""

# mypy: disable-error-code="no-untyped-call"
# Jupyter's own classes are typed in part only.

from __future__ import annotations

import asyncio
import hmac
import html
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.auth.security import passwd_check
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from traitlets import Any as AnyTrait
from traitlets import Type

from callkit.access import Rules
from callkit.locale import Locale

_PAGE = string.Template((Path(__file__).parent.parent / "static" / "door.html").read_text(encoding="utf-8"))
_ATTEMPTS, _PAUSE_SECONDS = 10, 300


@dataclass
class Keys:
    """What opens the door. `passwords` maps a user to the hash of his password, `""` being one password for all.

    With `rules.header`, a trusted proxy has asked who it is; a token is then the proxy's own, and no visitor's.
    """

    rules: Rules
    token: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict)
    locale: Locale = field(default_factory=Locale)

    @property
    def wanted(self) -> bool:
        """Whether nobody comes in without something."""
        return bool(self.token or self.passwords or self.rules.header)

    @property
    def named(self) -> bool:
        """Whether it is known who comes in."""
        return bool(self.rules.header) or any(self.passwords)


class Door(IdentityProvider):
    """Tells who a request is from. A user is called by his name where names are known, else by a random one."""

    keys: Keys = AnyTrait().tag(config=True)  # type: ignore[assignment]
    logout_handler_class = Type(
        default_value="callkit.serving.door.Exit", klass="jupyter_server.base.handlers.JupyterHandler"
    )

    def __init__(self, **traits: Any) -> None:
        # Voila gives the form of its own.
        super().__init__(**{**traits, "login_handler_class": Entrance})
        self.wrong: dict[tuple[str, str], list[float]] = {}

    @property
    def auth_enabled(self) -> bool:
        return self.keys.wanted

    @property
    def login_available(self) -> bool:
        return True

    def name(self, user: User | None) -> str:
        """Who a user is, empty where that is not known."""
        return user.username if user is not None and self.keys.named else ""

    async def _get_user(self, handler: web.RequestHandler) -> User | None:
        if not self.keys.rules.header:
            user = await super()._get_user(handler)
            # Who was taken out of the file of passwords is out, whatever cookie he has.
            gone = user is not None and any(self.keys.passwords) and user.username not in self.keys.passwords
            return None if gone else user
        # The connection's own address: what a header says of it would be the visitor's word.
        address = handler.request.connection.context.address  # type: ignore[union-attr]
        peer = address[0] if isinstance(address, tuple) else ""
        names = handler.request.headers.get_list(self.keys.rules.header)
        if len(names) != 1 or not names[0].strip() or not self.keys.rules.trusts(peer):
            return None
        if self.keys.token and not self._opens(self.get_token(handler)):
            return None
        return User(names[0].strip())

    async def get_user_token(self, handler: web.RequestHandler) -> User | None:
        if not self._opens(self.get_token(handler)) or any(self.keys.passwords):
            return None
        known = self.get_user_cookie(handler)
        return known if isinstance(known, User) else self.generate_anonymous_user(handler)

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        """The user whose name and password, or whose token, the form gives; None where they are wrong."""
        user, typed = handler.get_argument("name", ""), handler.get_argument("password", "", strip=False)
        if not any(self.keys.passwords):
            stored = self.keys.passwords.get("", "")
            right = self._opens(typed.strip()) or (bool(stored) and passwd_check(stored, typed))
            return self.generate_anonymous_user(handler) if right else None
        # An unknown name takes as long as a wrong password, lest the time tell which names there are.
        stored = self.keys.passwords.get(user) or next(iter(self.keys.passwords.values()))
        right = passwd_check(stored, typed) and user in self.keys.passwords
        return User(user) if right and user else None

    def waits(self, key: tuple[str, str]) -> bool:
        """Whether this name from this address has been wrong too often of late."""
        since = time.monotonic() - _PAUSE_SECONDS
        self.wrong = {k: kept for k, v in self.wrong.items() if (kept := [at for at in v if at > since])}
        return len(self.wrong.get(key, ())) >= _ATTEMPTS

    def _opens(self, given: str | None) -> bool:
        return bool(self.keys.token) and hmac.compare_digest((given or "").encode(), self.keys.token.encode())


def page(keys: Keys, title: str, said: str, more: str = "") -> str:
    """A page before the app: a title, a sentence, and `more`, which is HTML already."""
    return _PAGE.substitute(
        lang=keys.locale.lang, title=html.escape(title), said=f"<p>{html.escape(said)}</p>" if said else "", more=more
    )


def link(keys: Keys, key: str, address: str) -> str:
    return f'<p><a href="{html.escape(address)}">{html.escape(keys.locale.text(key))}</a></p>'


class Entrance(LoginFormHandler):
    """The form that asks for a name and password, or for the token."""

    def _render(self, message: Mapping[str, str] | None = None) -> None:
        keys: Keys = self.identity_provider.keys  # type: ignore[attr-defined]
        text = keys.locale.text
        if keys.rules.header:
            self.write(page(keys, text("access.nothing_title"), text("access.stranger_do")))
            return
        kind = "password" if keys.passwords else "token"
        asked = [("name", "text", "username")] if keys.named else []
        fields = "".join(
            f'<label>{html.escape(text(f"access.{shown}"))}<input name="{name}" type="{type_}" autocomplete="{auto}" '
            "required></label>"
            for name, type_, auto, shown in [
                *((n, t, a, n) for n, t, a in asked),
                ("password", "password", "current-password", kind),
            ]
        )
        wrong = f'<p role="alert" class="wrong">{html.escape(message["error"])}</p>' if message else ""
        following = html.escape(self.get_argument("next", default=self.base_url))
        form = (
            f'<form method="post" action="{self.base_url}login">{self.xsrf_form_html()}'
            f'<input type="hidden" name="next" value="{following}">{wrong}{fields}'
            f"<button>{html.escape(text('access.enter'))}</button></form>"
        )
        said = "" if keys.passwords else text("access.token_do")
        self.write(page(keys, text("access.enter_title"), said, form))

    @allow_unauthenticated
    async def post(self) -> None:
        """Lets in whoever is right; whoever is wrong too often waits."""
        door: Door = self.identity_provider  # type: ignore[assignment]
        attempt = (self.request.remote_ip or "", self.get_argument("name", ""))
        if door.waits(attempt):
            self.set_status(429)
            self._render({"error": door.keys.locale.text("access.wait")})
            return
        # Comparing a password takes a tenth of a second of computing: others are served meanwhile.
        user = await asyncio.get_running_loop().run_in_executor(None, door.process_login_form, self)
        if user is None:
            door.wrong.setdefault(attempt, []).append(time.monotonic())
            self.set_status(401)
            self._render({"error": door.keys.locale.text("access.wrong")})
            return
        self.current_user = user
        door.set_login_cookie(self, user)
        self._redirect_safe(self.get_argument("next", default=self.base_url))


class Exit(JupyterHandler):
    """Forgets who came in."""

    @allow_unauthenticated
    def get(self) -> None:
        self.identity_provider.clear_login_cookie(self)
        self.redirect(f"{self.base_url}login")
