"""A ClickHouse of the tests' own: chdb, which is ClickHouse as a library, behind what is needed of its HTTP interface.

No server is to be had from the package registries. The engine is the same; what stands in is the network part alone.
Run as a program it serves one session of chdb on the port it is given, one request after another.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_OF_HTTP = {"query", "database", "query_id", "session_id", "client_protocol_version", "wait_end_of_query", "role"}
_OF_HTTP |= {
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a fresh server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="callkit-clickhouse-") as folder:
        process = subprocess.Popen([sys.executable, __file__, str(port), folder])
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
            yield f"clickhouse://default@127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _serve(port: int, folder: str) -> None:
    from chdb import session

    chdb: Any = session.Session(str(Path(folder) / "data"))
    known: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(200, b"Ok.\n")

        def do_POST(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            body = self._body()
            try:
                chdb.query(f'USE "{asked.get("database") or "default"}"')
                for name in [name for name in known if name not in asked]:
                    chdb.query(f"SET {name} = DEFAULT")
                    del known[name]
                for name, value in asked.items():
                    if name not in _OF_HTTP and not name.startswith("param_") and known.get(name) != value:
                        chdb.query(f"SET {name} = '{value}'")
                        known[name] = value
                if "query" in asked:  # rows come in
                    (Path(folder) / "rows").write_bytes(body)
                    head, _, form = asked["query"].rpartition(" FORMAT ")
                    chdb.query(f"{head} SELECT * FROM file('{folder}/rows', {form.split()[0]})")
                    return self._answer(200, b"")
                values = {
                    name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")
                }
                found = chdb.query(body.decode(), "TabSeparated", params=values or None)
                self._answer(200, bytes(found.bytes()) if found is not None else b"")
            except Exception as error:
                self._answer(500, str(error).encode())

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            return b"".join(parts)

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-ClickHouse-Timezone", "UTC")
            self.end_headers()
            self.wfile.write(body)

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
