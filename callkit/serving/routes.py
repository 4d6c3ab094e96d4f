"""What the server answers at which address.

`/` is the app, `/section/NAME` a section notebook, `/index` a list of them, `/health` for a watchdog; beside them what
a page needs: its kernel's websocket, the end of that kernel, static files. Everything else is a plain 404.
"""

# mypy: disable-error-code="no-untyped-call"
# Jupyter's own classes are typed in part only.

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from tornado import web
from voila.handler import VoilaHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from callkit.access import NOTHING, Viewer
from callkit.app.view import PAGES
from callkit.serving.door import Keys, link, page
from callkit.serving.sharing import Shared
from callkit.serving.visitors import Kernels, arriving

log = logging.getLogger("callkit")
_KERNEL_ID = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
Route = tuple[Any, ...]


class Host(Protocol):
    """What the handlers need of the server."""

    keys: Keys
    shared: Shared
    notebooks: Path
    first: Path
    root_dir: str
    kernel_manager: Kernels
    static_paths: list[str]
    template_paths: list[str]
    config: Mapping[str, Any]
    voila_configuration: Any
    identity_provider: Any

    def viewer(self, user: str) -> Viewer: ...


def routes(host: Host) -> list[Route]:
    """The addresses of the app, and of what its pages need."""
    told = {
        "template_paths": host.template_paths, "config": host.config, "voila_configuration": host.voila_configuration,
        "host": host,
    }  # fmt: skip
    return [
        (r"/", Page, told),
        (r"/section/(\w+)", Page, told),
        (r"/index", Index, {"host": host}),
        (r"/health", Health, {"host": host}),
        (rf"/api/kernels/{_KERNEL_ID}", OwnKernel),
        (rf"/api/kernels/{_KERNEL_ID}/channels", Channel),
        (r"/voila/api/shutdown/(.*)", Closing),
        (r"/voila/templates/(.*)", TemplateStaticFileHandler),
        (r"/voila/static/(.*)", MultiStaticFileHandler, {"paths": host.static_paths}),
    ]


def rest(host: Host) -> list[Route]:
    """Every other address."""
    return [(r"/.*", Lost, {"host": host})]


class _Owned:
    """Mixed into a handler about one kernel: others' kernels are as good as none."""

    async def prepare(self: Any, *arguments: Any, **named: Any) -> None:
        await super().prepare(*arguments, **named)  # type: ignore[misc]
        kernel_id = self.path_kwargs.get("kernel_id") or self.path_args[0]
        kernel_id = kernel_id.decode() if isinstance(kernel_id, bytes) else kernel_id
        viewer = self.kernel_manager.viewers.get(kernel_id)
        if not self._finished and (viewer is None or viewer.user != self.identity_provider.name(self.current_user)):
            raise web.HTTPError(404)


class OwnKernel(_Owned, KernelHandler):
    """Tells whether a kernel is there, and ends it."""


class Closing(_Owned, VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends a kernel when its page is closed."""


class Channel(_Owned, VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """The websocket between a page and its kernel; what a kernel complains of goes to the log, not to the page."""

    async def open(self, *arguments: str, **named: str) -> None:
        # An answer comes as several small messages: without this the second waits 40 ms for the first one's receipt.
        self.set_nodelay(True)
        await super().open(*arguments, **named)

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> Any:
        told = _complaint(message)
        if told is None:
            return super().write_message(message, binary)
        if told:
            log.warning("kernel %s: %s", self.kernel_id[:8], told)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Page(VoilaHandler):  # type: ignore[misc]
    """A notebook as a page, for whoever asks."""

    def initialize(self, host: Host, **told: Any) -> None:
        super().initialize(**told)
        self.host = host

    @web.authenticated
    async def get(self, name: str = "") -> None:
        if "token" in self.request.query_arguments:
            # The cookie is set: the token must not stay in the address bar, nor in a link that is passed on.
            rest = re.sub(r"(^|&)token=[^&]*", "", self.request.query).lstrip("&")
            self.redirect(self.request.path + (f"?{rest}" if rest else ""))
            return
        keys, user = self.host.keys, self.host.identity_provider.name(self.current_user)
        viewer = self.host.viewer(user)
        if viewer.sees == NOTHING:
            text = keys.locale.text
            do = text("access.nothing_do", user=user) if user else text("access.stranger_do")
            self.set_status(403)
            self.write(page(keys, text("access.nothing_title"), f"{text('access.nothing')} {do}"))
            return
        notebook = self.host.notebooks / f"{name}.ipynb" if name else self.host.first
        if not notebook.is_file():
            raise web.HTTPError(404)
        # Asking for the token sets its cookie, without which a closing page may not end its kernel.
        _ = self.xsrf_token
        self.set_header("Referrer-Policy", "same-origin")
        self.notebook_path = os.path.relpath(notebook, self.host.root_dir)
        arriving.set(viewer)
        pieces: AsyncIterator[str] = self.get_generator()
        async for piece in pieces:
            self.write(piece)
            self.flush()

    def write_error(self, status_code: int, **_: Any) -> None:
        _told_error(self, self.host.keys, status_code)


def with_parameters(page: Page, notebook: NotebookNode, **_: object) -> NotebookNode:
    """A notebook that looks at what is served, in the language that is asked for, instead of at the demo company."""
    cells = notebook.cells
    at = next((i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", ())), None)
    if at is not None:
        told = {"source": page.host.shared.source, "lang": page.host.keys.locale.lang}
        lines = [
            f"{name} = {value!r}" for name, value in told.items() if re.search(rf"^{name} =", cells[at].source, re.M)
        ]
        cells.insert(at + 1, new_code_cell("\n".join(lines)))
    return notebook


class Index(JupyterHandler):
    """The sections of the report, each a page of its own."""

    def initialize(self, host: Host) -> None:
        self.host = host

    @web.authenticated
    def get(self) -> None:
        keys = self.host.keys
        there = {p.stem for p in self.host.notebooks.glob("*.ipynb") if p != self.host.first}
        titles = {name: keys.locale.text("app.segments" if name == "segments" else f"section.{name}") for name in PAGES}
        own = {name: name for name in sorted(there - set(PAGES)) if re.fullmatch(r"\w+", name)}
        links = "".join(
            f'<li><a href="section/{name}">{title}</a></li>' for name, title in (titles | own).items() if name in there
        )
        app = link(keys, "access.index_app", self.base_url)
        self.write(page(keys, keys.locale.text("access.index_title"), "", f"{app}<ul>{links}</ul>"))


class Health(JupyterHandler):
    """Whether the app works, in one word, for a watchdog."""

    def initialize(self, host: Host) -> None:
        self.host = host

    @allow_unauthenticated
    def get(self) -> None:
        failing = bool(self.host.kernel_manager.failure)
        self.set_status(503 if failing else 200)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"callkit": "no kernel starts" if failing else "ok"}))


class Lost(JupyterHandler):
    """Any other address."""

    def initialize(self, host: Host) -> None:
        self.host = host

    @allow_unauthenticated
    def get(self) -> None:
        raise web.HTTPError(404)

    def write_error(self, status_code: int, **_: Any) -> None:
        _told_error(self, self.host.keys, status_code)


def _told_error(handler: Any, keys: Keys, status: int) -> None:
    kind = "lost" if status == 404 else "failed"
    text = keys.locale.text
    handler.set_header("Content-Type", "text/html")
    handler.finish(
        page(keys, text(f"access.{kind}_title"), text(f"access.{kind}_do"), link(keys, "access.home", handler.base_url))
    )


def _complaint(message: bytes | str | dict[str, Any]) -> str | None:
    """What a kernel writes on its standard streams or fails with; None for every other message."""
    try:
        if isinstance(message, bytes):
            parts = int.from_bytes(message[:8], "little")
            at = [int.from_bytes(message[8 * i : 8 * i + 8], "little") for i in range(1, parts + 1)]
            header, content = json.loads(message[at[1] : at[2]]), message[at[3] : at[4]]
        else:
            whole = json.loads(message) if isinstance(message, str) else message
            header, content = whole["header"], json.dumps(whole["content"], default=str).encode()
        if header["msg_type"] not in ("stream", "error"):
            return None
        told = json.loads(content)
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return str(told.get("text") or "\n".join(told.get("traceback", ()))).strip()
