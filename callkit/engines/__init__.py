"""Engines beside DuckDB: PostgreSQL, ClickHouse, Spark. `[engine]` of callkit.toml names one; each is an extra.

The tables are placed and measured where they lie; what comes back are sums. A library that is not installed, a server
that does not answer, are told in a sentence.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from callkit.errors import UsageError

if TYPE_CHECKING:
    from callkit.engines.remote import Remote

URL, PASSWORD = "CALLKIT_ENGINE_URL", "CALLKIT_ENGINE_PASSWORD"
_CLASSES = {"postgres": "Postgres", "clickhouse": "ClickHouse", "spark": "Spark"}


def start(told: Mapping[str, Any], place: str = "", *, new: bool = False) -> Remote:
    """The engine that `[engine]` of a callkit.toml tells of, open.

    `place` is where placed tables are: made there where it is `new`; without one they pass away when it is closed.

    Raises UsageError for a library or an address that is missing, CallkitError where the engine does not answer.
    """
    kind = told["kind"]
    try:
        module = importlib.import_module(f"callkit.engines.{kind}")
    except ModuleNotFoundError as error:
        lacking = (error.name or "").partition(".")[0]
        raise UsageError(
            f'[engine] kind = "{kind}" needs {lacking}, which is not installed: pip install "callkit[{kind}]"'
        ) from None
    opened: Remote = getattr(module, _CLASSES[kind]).of(told, place, new)
    return opened
