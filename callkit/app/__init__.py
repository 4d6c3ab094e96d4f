"""The app for managers: the report as pages that answer, served by Voila, or a widget in JupyterLab.

`app(source)` is the whole app in one call, see `notebooks/app.ipynb`; a section notebook becomes a page of the same
kind where a front end asks, see `asked_by`. The kernel holds a `Desk`; the page asks it questions.

**How Voila finds the template.** Voila looks for `voila/templates/<name>/` in every folder of `JUPYTER_PATH` (and in
Jupyter's own data folders), and for the static files of a template in `voila/templates/<name>/static/` of the same
folders, the first that has the file. The folder to name in `JUPYTER_PATH` is therefore the one that *holds* `voila/`:
this package, and beside it the folder into which `data_folders()` writes the chart library (0.9 MB, made once, kept in
the user's cache). So a server runs with

    JUPYTER_PATH = os.pathsep.join(str(folder) for folder in callkit.app.data_folders())
    voila notebooks/app.ipynb --template=callkit

Without the second folder everything works too: the page then asks its kernel for the library. The template needs none
of Voila's own scripts. `CALLKIT_APP_SOURCE` in the environment of the kernels outranks the notebook's `source`, and
`CALLKIT_APP_TIMEZONE` its `timezone`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callkit.errors import CallkitError

if TYPE_CHECKING:
    from callkit.app.view import View
    from callkit.company import Company
    from callkit.sections import Section

SOURCE, TIMEZONE = "CALLKIT_APP_SOURCE", "CALLKIT_APP_TIMEZONE"
TEMPLATE = "callkit"
_LOG = logging.getLogger("callkit.app")


def app(source: str, *, lang: str = "", timezone: str = "", page: str = "overview") -> Any:
    """The whole app, as the value of a notebook's cell.

    `source` is a folder, workbook, store, or `"demo"`, as in `callkit.section`. What the company lacks or its settings
    leave out has no page. Where the source cannot be opened the page says why, in a sentence; the log has the rest.
    """
    from callkit.app.view import View

    named, zone = os.environ.get(SOURCE) or source, os.environ.get(TIMEZONE) or timezone
    return _page(functools.partial(_open, named, zone), View(page=page, lang=lang))


def live(section: Section) -> Any:
    """The page of one section, beginning with the section's own view; asked for by a front end, see `asked_by`."""
    from callkit.app.view import View

    scope = section.scope
    start = View(
        page=section.name, period=str(scope.period), lens=scope.lens, credit=scope.credit, by=section.by,
        where={column: tuple(kept) for column, kept in scope.where.items()}, lang=section.locale.lang,
    )  # fmt: skip
    return _page(lambda: section.company, start, [section.name])


def asked_by() -> str:
    """Who asks for the cell that runs: `"voila"`, `"lab"`, or nobody that could show a page that answers.

    Papermill, nbval and `jupyter execute` also run cells in a kernel. What tells them from a front end: Voila names
    itself in the environment of its kernels, and a front end in which somebody presses a key says, with every cell,
    which one it is.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return ""
    if "VOILA_PREHEAT" in os.environ:
        return "voila"
    with contextlib.suppress(Exception):
        if "cellId" in kernel.get_parent("shell").get("metadata", {}):
            return "lab"
    return ""


def data_folders() -> list[Path]:
    """The folders that `JUPYTER_PATH` must name for Voila to find the template and its chart library.

    The second is made where it is not there yet; where it cannot be written, only the first is given.
    """
    package = Path(__file__).parent.parent
    name = bundle_name()
    try:
        from callkit.caching import cache_folder, write_whole
        from callkit.show import vega_bundle

        folder = cache_folder() / "jupyter"
        kept = folder / "voila" / "templates" / TEMPLATE / "static" / name
        if not kept.is_file():
            write_whole(kept, vega_bundle())
    except OSError:
        return [package]
    return [package, folder]


def bundle_name() -> str:
    """The file name of the chart library: another version, another name, so that browsers may keep it for ever."""
    from importlib.metadata import version

    return f"vega-{version('vl-convert-python')}-{version('altair')}.js"


def _open(source: str, timezone: str) -> Company:
    from callkit.company import open_company

    return open_company(source, timezone=timezone or None)


def _page(opening: Callable[[], Company], start: View, shown: Sequence[str] = ()) -> Any:
    from callkit.app.desk import Desk
    from callkit.app.widget import Page, script, style

    in_voila = asked_by() == "voila"
    if in_voila:
        _log_to_the_server()
    try:
        desk = Desk(opening(), start, shown)
    except CallkitError as error:
        _LOG.warning("the app did not open: %s", error)
        return _stopped(str(error))
    except Exception:
        _LOG.exception("the app did not open")
        return _stopped("")
    if not in_voila:
        return Page(desk)
    _close_other_doors()
    # A link names its view; in a kernel started beforehand there is no link yet, and the page asks for its view itself.
    query = os.environ.get("QUERY_STRING", "")
    first = desk.answer({"what": "view", "query": query, "whole": True})
    told = {"view": first, "asked": query, "script": script(), "style": style(), "bundle": bundle_name()}
    return Page(desk, told)


def _close_other_doors() -> None:
    """Takes away the way by which a visitor's browser could make widgets of its own in the kernel."""
    import IPython

    with contextlib.suppress(Exception):
        manager = IPython.get_ipython().kernel.comm_manager
        manager.unregister_target("jupyter.widget", None)


def _log_to_the_server() -> None:
    """Sends every log where the kernel's own goes: to the server.

    What a kernel writes to standard error in the ordinary way goes to the visitor's browser, and so would a traceback
    that Jupyter's comms log for a message they cannot understand.
    """
    import IPython

    with contextlib.suppress(Exception):
        log = IPython.get_ipython().kernel.log
        while not log.handlers and log.parent:
            log = log.parent
        logging.getLogger().handlers = list(log.handlers)


def _stopped(reason: str) -> Any:
    from callkit import pieces
    from callkit.locale import Locale

    locale = Locale("ru")
    told = locale.text("app.stopped", reason=reason) if reason else locale.text("app.failed_page")
    return pieces.warning(told)
