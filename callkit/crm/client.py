"""amoCRM over HTTP: pages by their next link, not more often than it bears, and its faults in one sentence each.

dlt's REST client does the asking: retries with growing pauses, `Retry-After`, links between pages.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.helpers.rest_client.paginators import BaseNextUrlPaginator
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from callkit.crm.tokens import Token
from callkit.errors import CallkitError, UsageError

Params = Mapping[str, object]
MOST_CLOCK_SECONDS = 300
FIRST_ATTEMPTS, ATTEMPTS = 3, 8
PAUSE, LONGEST_PAUSE = 0.5, 600
TIMEOUTS = (10, 60)


@dataclass(frozen=True)
class Page:
    """One page of rows, and the link to the next one, empty on the last."""

    rows: list[dict[str, Any]]
    link: str


class _ExpiredError(Exception):
    """The token was refused (401)."""


class _Links(BaseNextUrlPaginator):
    """Follows `_links.next.href`, but never away from the account: the token goes along."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.link = base, ""

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        told = response.json()
        if not isinstance(told, dict):
            raise requests.exceptions.InvalidJSONError("no object")
        href = ((told.get("_links") or {}).get("next") or {}).get("href")
        self.link = self.at_home(str(href)) if href else ""
        self._next_reference = self.link or None

    def at_home(self, href: str) -> str:
        told, base = urlsplit(href), urlsplit(self.base)
        return told._replace(scheme=base.scheme, netloc=base.netloc).geturl()


class _Signed(AuthBase):
    """Puts the token into the header, as it is at the moment of the request."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.text}"
        return request


class _Paced(HTTPAdapter):
    """Sends at most `rate` requests a second, first tries and repeated ones alike."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__()
        self._clock, self._sleep = clock, sleep
        # A fiftieth more than even spacing: the server's second must not hold one request more than ours.
        self._gap, self._next, self._lock = 1.02 / rate, 0.0, threading.Lock()

    def send(self, *given: Any, **named: Any) -> requests.Response:
        with self._lock:
            now = self._clock()
            pause, self._next = max(0.0, self._next - now), max(now, self._next) + self._gap
        if pause:
            self._sleep(pause)
        return super().send(*given, **named)


class Api:
    """An account's API. `requests` counts what was asked; the token goes into the header and nowhere else."""

    def __init__(self, base: str, token: Token, rate: float) -> None:
        self.base, self.token, self.requests = base.rstrip("/"), token, 0
        self._pace = _Paced(rate)
        self._first, self._steady = self._client(FIRST_ATTEMPTS), self._client(ATTEMPTS)
        self._reached = False

    def one(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """A single resource; empty where there is none."""
        rows = next(self.pages(path, params or {}, "$"), Page([], "")).rows
        return rows[0] if rows else {}

    def pages(self, path: str, params: Params, selector: str) -> Iterator[Page]:
        """The pages of a resource from its first on, or, given a next link as `path`, from that one on.

        An empty answer (204) ends them. Raises UsageError or CallkitError with what is wrong and what to do.
        """
        renewed = False
        while True:
            try:
                for page in self._paginate(path, params, selector):
                    renewed, path, params = False, page.link, {}
                    yield page
                return
            except _ExpiredError:
                if renewed or not self._renewed():
                    raise UsageError(
                        f"amoCRM refuses the token from {self.token.where}: it is wrong, has expired or was revoked"
                    ) from None
                renewed = True

    def _paginate(self, path: str, params: Params, selector: str) -> Iterator[Page]:
        links = _Links(self.base)
        client = self._steady if self._reached else self._first
        found = client.paginate(
            path, params=dict(params) or None, paginator=links, data_selector=selector,
            hooks={"response": [self._judge]}, allow_redirects=False, timeout=TIMEOUTS,
        )  # fmt: skip
        with _told(self.base):
            for page in found:
                self._reached = True
                yield Page([row for row in page if isinstance(row, dict)], links.link)

    def exchange(self, body: Mapping[str, str]) -> Mapping[str, Any]:
        """Exchanges a refresh token or a code for tokens."""
        with _told(self.base):
            answer = self._first.session.post(f"{self.base}/oauth2/access_token", json=dict(body), timeout=TIMEOUTS)
            if answer.status_code != 200:
                raise UsageError(
                    f"amoCRM does not exchange the tokens (HTTP {answer.status_code}): "
                    "make a new code for the integration and run callkit pull with --code"
                )
            told = answer.json()
        return told if isinstance(told, dict) else {}

    def close(self) -> None:
        """Hangs up."""
        for client in (self._first, self._steady):
            client.session.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _renewed(self) -> bool:
        return self.token.renew(self.exchange)

    def _client(self, attempts: int) -> RESTClient:
        client = Client(
            raise_for_status=False, request_max_attempts=attempts,
            request_backoff_factor=PAUSE, request_max_retry_delay=LONGEST_PAUSE,
        )  # fmt: skip
        session = client.session
        session.mount("http://", self._pace)
        session.mount("https://", self._pace)
        # Its own configuration, so that dlt looks for none in the folder callkit happens to be started in.
        own = RuntimeConfiguration()
        return RESTClient(f"{self.base}/api/v4", auth=_Signed(self.token), session=session, config=own)

    def _judge(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self.requests += 1
        response.content  # noqa: B018 - an answer that is left unread keeps its connection from the next request
        status = response.status_code
        if status == 200:
            if not self._reached:
                _check_clock(response.headers.get("Date", ""))
            return
        if status == 204:
            self._reached = True
            raise IgnoreResponseException
        if status == 401:
            raise _ExpiredError
        if status == 429 or status >= 500:
            raise requests.HTTPError(f"HTTP {status}", response=response)  # the client waits and asks again
        raise _fault(status, self.base)


def _fault(status: int, base: str) -> CallkitError:
    if status == 402:
        return CallkitError(f"{base} is not paid for (HTTP 402): amoCRM gives its data again once it is")
    if status == 403:
        return UsageError(
            f"{base} denies the data (HTTP 403): the token must be an administrator's; "
            "after too many requests amoCRM also blocks the address for a while"
        )
    if status in (301, 302, 303, 307, 308, 404):
        return UsageError(f"{base} is no account of amoCRM's (HTTP {status}): check [source] subdomain and domain")
    return CallkitError(f"{base} answers HTTP {status}, which callkit does not understand")


def _check_clock(date: str) -> None:
    try:
        theirs = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return
    apart = (dt.datetime.now(dt.UTC) - theirs).total_seconds()
    if abs(apart) > MOST_CLOCK_SECONDS:
        way = "ahead of" if apart > 0 else "behind"
        raise CallkitError(f"this machine's clock is {abs(apart) / 60:.0f} minutes {way} amoCRM's; set it right")


class _told:  # noqa: N801
    """Turns what the network does into sentences. No error's own text is passed on: it may hold an address or more."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, requests.HTTPError):
            status = error.response.status_code if error.response is not None else 0
            why = "too many requests" if status == 429 else "a fault of its own"
            raise CallkitError(
                f"{self.base} answers HTTP {status} ({why}) again and again; what was read is kept, pull again later"
            ) from None
        if isinstance(error, requests.exceptions.SSLError):
            raise CallkitError(f"{self.base} cannot be trusted: its certificate does not hold") from None
        if isinstance(error, requests.exceptions.InvalidJSONError):
            raise UsageError(f"{self.base} answers something else than amoCRM: check [source] subdomain") from None
        if isinstance(error, requests.exceptions.RequestException):
            raise CallkitError(
                f"{self.base} cannot be reached: check the network and [source] subdomain; what was read is kept"
            ) from None
