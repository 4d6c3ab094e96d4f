"""Tokens of amoCRM: from the environment, a file or the system's keyring, and never anywhere else.

A token file holds either a long-lived token alone, or, for OAuth2, the JSON that amoCRM answered with: each use of a
refresh token makes a new one, which is on the disk before it is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from callkit.errors import CallkitError, UsageError

VARIABLE, SECRET = "CALLKIT_AMOCRM_TOKEN", "CALLKIT_AMOCRM_SECRET"
SERVICE = "callkit"

# What exchanges a refresh token or a code for tokens: the body of the request in, amoCRM's answer out.
Exchange = Callable[[Mapping[str, str]], Mapping[str, Any]]


class Token:
    """A token in use. `text` is what a request carries; it shows nothing of itself when printed."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = _clean(text, where), where

    def renew(self, exchange: Exchange) -> bool:  # noqa: ARG002
        """Gets a fresh token where that is possible; says whether it did."""
        return False

    def __repr__(self) -> str:
        return f"<token from {self.where}>"


class Rotating(Token):
    """OAuth2 tokens in a file, exchanged when the access token has expired."""

    def __init__(self, path: Path, kept: Mapping[str, Any], client: Mapping[str, str]) -> None:
        super().__init__(str(kept.get("access_token") or ""), str(path))
        self._path, self._kept, self._client = path, kept, client

    def renew(self, exchange: Exchange) -> bool:
        """Exchanges the refresh token and writes the new pair before it is used: the old one is spent."""
        body = _request_of(self._client, "refresh_token", str(self._kept.get("refresh_token") or ""))
        self._kept = store(self._path, exchange(body), self._kept)
        self.text = _clean(str(self._kept["access_token"]), self.where)
        return True


def find(folder: Path, crm: Mapping[str, Any], account: str) -> Token:
    """The token of an account: `CALLKIT_AMOCRM_TOKEN`, else `[amocrm] token_file`, else the system's keyring.

    Raises UsageError where there is none.
    """
    if text := os.environ.get(VARIABLE):
        return Token(text, VARIABLE)
    if named := crm.get("token_file"):
        path = folder / Path(named).expanduser()
        try:
            text = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise UsageError(f"the token file {path} does not exist ([amocrm] token_file)") from None
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"the token file {path} cannot be read ([amocrm] token_file)") from None
        if text.startswith("{"):
            return Rotating(path, _parsed(text, path), client(crm))
        return Token(text, str(path))
    if text := _in_keyring(account):
        return Token(text, "the keyring")
    raise UsageError(
        f"no token for {account}: set {VARIABLE}, name a file in [amocrm] token_file, "
        f"or store it with: keyring set {SERVICE} {account}"
    )


def client(crm: Mapping[str, Any]) -> dict[str, str]:
    """What identifies the integration when tokens are exchanged."""
    return {
        "client_id": str(crm.get("client_id") or ""),
        "client_secret": os.environ.get(SECRET, ""),
        "redirect_uri": str(crm.get("redirect_uri") or ""),
    }


def log_in(folder: Path, crm: Mapping[str, Any], code: str, exchange: Exchange) -> Path:
    """Exchanges the code of a fresh OAuth2 integration for tokens, and returns the file they were written to.

    Raises UsageError where `[amocrm]` lacks token_file, client_id or redirect_uri, or the secret is not set.
    """
    if not crm.get("token_file"):
        raise UsageError("[amocrm] token_file is wanted: the file that the tokens will be kept in")
    path = folder / Path(crm["token_file"]).expanduser()
    store(path, exchange(_request_of(client(crm), "authorization_code", code)), {})
    return path


def store(path: Path, answer: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a pair of tokens whole and readable by its owner alone, over the spent one; returns what is kept."""
    fresh = {key: answer[key] for key in ("access_token", "refresh_token") if isinstance(answer.get(key), str)}
    if len(fresh) < 2:
        raise CallkitError("amoCRM answered the exchange of tokens without tokens")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({**kept, **fresh}, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise CallkitError(f"the token file {path} cannot be written: {error.strerror}") from None
    finally:
        aside.unlink(missing_ok=True)
    return {**kept, **fresh}


def _request_of(client: Mapping[str, str], grant: str, given: str) -> dict[str, str]:
    if lacking := [name for name, value in client.items() if not value]:
        told = {"client_id": "[amocrm] client_id", "client_secret": SECRET, "redirect_uri": "[amocrm] redirect_uri"}
        raise UsageError(f"tokens are exchanged with {', '.join(told.values())}; not set: {told[lacking[0]]}")
    return {**client, "grant_type": grant, ("code" if grant == "authorization_code" else grant): given}


def _parsed(text: str, path: Path) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        kept = json.loads(text)
        if isinstance(kept, dict) and kept.get("access_token") and kept.get("refresh_token"):
            return kept
    # The text itself must not be told: it may be a token with a brace lost.
    raise UsageError(f"the token file {path} holds no access_token and refresh_token")


def _clean(text: str, where: str) -> str:
    text = text.strip()
    if not re.fullmatch(r"[!-~]+", text):
        raise UsageError(f"the token from {where} is empty or has spaces or other characters that no token has")
    return text


def _in_keyring(account: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, account) or ""
    except KeyringError:
        return ""
