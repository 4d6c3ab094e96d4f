"""What tests need from outside: the shared worlds, a Chromium. Missing, they skip with a reason; in CI they fail."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is no matter of right and wrong: machines are shared.
settings.register_profile("callkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("callkit")

# A page in Streamlit, which runs where that is installed: in an environment of its own that `make bench` makes.
collect_ignore = ["benchmarks/peer_streamlit.py"]


def _without(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared worlds and conformance cases."""
    folder = Path(os.environ.get("CALLKIT_SHARED") or "/nowhere")
    if not folder.is_dir():
        pytest.skip("the shared worlds are not here: CALLKIT_SHARED names no folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    names = (os.environ.get("CALLKIT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        _without("no Chromium was found; name one in CALLKIT_CHROMIUM")
    return str(found)


class BlackHole:
    """A network that drops everything: whoever goes out by this proxy is heard and never answered."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self.asked: list[bytes] = []
        self.server = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._swallow, daemon=True).start()

    def _swallow(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._kept.append(connection)
                threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while heard := connection.recv(65536):
                self.asked.append(heard)

    def close(self) -> None:
        for kept in (self._listening, *self._kept):
            with contextlib.suppress(OSError):
                kept.shutdown(socket.SHUT_RDWR)
            kept.close()


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    """A proxy that never answers."""
    hole = BlackHole()
    yield hole
    hole.close()
