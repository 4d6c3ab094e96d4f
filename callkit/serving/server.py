"""The server of the app: Voila, in this process, with a door, a kernel a visitor, and nothing else of Jupyter's open.

What is answered at which address is in `routes`; new data and changed rules of access are looked for all the time.
"""

# mypy: disable-error-code="no-untyped-call"
# Jupyter's own classes are typed in part only.

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado import web
from tornado.httpserver import HTTPServer
from traitlets import Any as AnyTrait
from traitlets.config import Config
from voila.app import Voila

from callkit.access import Viewer
from callkit.app import TEMPLATE, data_folders
from callkit.app.shelf import FOLDER
from callkit.errors import CallkitError
from callkit.serving import routes
from callkit.serving.door import Door, Keys
from callkit.serving.preparing import Preparing
from callkit.serving.sharing import Shared
from callkit.serving.visitors import Kernels, OwnPython

log = logging.getLogger("callkit")
_WIDGETS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/jupyterlab-preview", "anywidget"]
_IDLE_SECONDS = 4 * 3600
_LOOK_SECONDS = 3.0
_LONGEST_FOLDER = 30  # the name of a socket has a hundred characters, and 70 of them are spoken for
_SECRET = re.compile(r"((?:token|password|_xsrf)=)[^&\s\"']+", re.IGNORECASE)


class App(Voila):  # type: ignore[misc]
    """Voila with callkit's own door, kernels and routes."""

    keys: Keys = AnyTrait()  # type: ignore[assignment]
    shared: Shared = AnyTrait()  # type: ignore[assignment]
    notebooks: Path = AnyTrait()  # type: ignore[assignment]
    first: Path = AnyTrait()  # type: ignore[assignment]
    sockets: list[socket.socket] = AnyTrait()  # type: ignore[assignment]

    def init_handlers(self) -> list[tuple[Any, ...]]:
        # Of Voila's own routes only the front end's parts are kept: no notebooks, no files, no list of kernels.
        parts = [h for h in super().init_handlers() if "labextensions" in h[0]]
        return [*routes.routes(self), *self.identity_provider.get_handlers(), *parts, *routes.rest(self)]

    def listen(self) -> None:
        self.app.settings["log_function"] = _log_request
        self.server = HTTPServer(self.app, max_body_size=1 << 20)
        self.server.add_sockets(self.sockets)

    def viewer(self, user: str) -> Viewer:
        """What a user sees by the settings as they are now; where these will not do, as they were."""
        try:
            self.keys.rules = self.shared.rules()
        except CallkitError as error:
            log.warning("%s; who sees what stays as it was", error)
        return self.keys.rules.viewer(user)

    async def close(self) -> None:
        self.server.stop()
        await self.kernel_manager.close()
        await self.server.close_all_connections()


async def serve(
    shared: Shared, keys: Keys, sockets: list[socket.socket], notebook: Path, *, preheat: int, grace: float,
    announce: Callable[[], None], local_only: bool,
) -> None:  # fmt: skip
    """Serves until the process is told to stop, then leaves no kernel behind; `announce` is called when all is up."""
    folders = [*map(str, data_folders()), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, folders))
    template = TEMPLATE if (Path(folders[0]) / "voila" / "templates" / TEMPLATE / "conf.json").is_file() else "lab"
    # What the server itself was started with is no visitor's.
    os.environ |= shared.environment
    config = Config()
    config.VoilaConfiguration = Config(
        template=template, allow_template_override="NO", allow_theme_override="NO", file_allowlist=[],
        multi_kernel_manager_class=Kernels, kernel_spec_manager_class=OwnPython, extension_allowlist=_WIDGETS,
        show_tracebacks=False, prelaunch_hook=routes.with_parameters,
    )  # fmt: skip
    config.Kernels = Config(
        preheat=preheat, grace=grace, cull_idle_timeout=_IDLE_SECONDS, cull_interval=300, cull_connected=True
    )
    config.Door = Config(keys=keys)
    room = tempfile.mkdtemp(prefix="callkit-")
    # Kernels of a service neither write into anybody's home nor run what lies there.
    os.environ["IPYTHONDIR"] = room
    os.environ[FOLDER] = str(Path(room) / "shelf")
    if os.name == "posix" and len(room) <= _LONGEST_FOLDER:
        # Sockets in a folder of this user alone: other users of the machine cannot even connect to a kernel.
        config.KernelManager = Config(transport="ipc")
    app = App(
        config=config, keys=keys, shared=shared, notebooks=notebook.parent, first=notebook, sockets=sockets,
        notebook_path=str(notebook), root_dir=str(notebook.parent), config_file_paths=[], connection_dir_root=room,
        identity_provider_class=Door, open_browser=False, log_level=logging.ERROR,
        tornado_settings={
            "allow_remote_access": not local_only, "websocket_ping_interval": 30, "websocket_ping_timeout": 30,
            "ws_ping_interval": 0,
        },
    )  # fmt: skip
    stopped, preparing = asyncio.Event(), Preparing(shared.placed)
    try:
        await preparing.wanted()  # whoever is started from here on knows
        app.initialize([])
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        app.start()
        app.kernel_manager.warm_up()
        await app.kernel_manager.ready()
        announce()
        watching = asyncio.create_task(_watch(app, preparing))
        await stopped.wait()
        watching.cancel()
    finally:
        log.info("stopping")
        await preparing.close()
        with contextlib.suppress(AttributeError):  # it never came to listening
            await app.close()
        shutil.rmtree(room, ignore_errors=True)


async def _watch(app: App, preparing: Preparing) -> None:
    """Looks for new data and for users who see something else now."""
    while True:
        await preparing.look()
        before = app.shared.signature()
        await asyncio.sleep(_LOOK_SECONDS)
        # Files that are still being written are left alone until they rest.
        if app.shared.changed() and app.shared.settled(before):
            failed = await asyncio.to_thread(app.shared.rebuild)
            log.log(logging.ERROR if failed else logging.INFO, "new data: %s", failed or "taken over")
        for kernel_id, viewer in list(app.kernel_manager.viewers.items()):
            if app.viewer(viewer.user) != viewer:
                log.info("%s sees something else now, kernel %s ends", viewer.user, kernel_id[:8])
                await app.kernel_manager.shutdown_kernel(kernel_id)


def quiet_logs() -> None:
    """What happens, on stderr, a line each; no secrets in it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.INFO)
    for name in ("Voila", "traitlets"):
        logging.getLogger(name).handlers = [handler]
        logging.getLogger(name).propagate = False


class _Discreet(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1…", super().format(record))


def _log_request(handler: web.RequestHandler) -> None:
    request, status = handler.request, handler.get_status()
    if status >= 400 or isinstance(handler, routes.Page):
        log.info("%s %s %s %.0f ms", request.method, request.path, status, request.request_time() * 1000)
