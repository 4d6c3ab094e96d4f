"""Showing a chart, offline: in JupyterLab, in Voila, in the output of papermill, and in a page that is one file.

JupyterLab 4.6 and Voila 0.5 carry a renderer of Vega-Lite 5 of their own, so in both a chart is just data of that type:
no widget, no trust, no network. A page of ours carries the newest Vega once, see `vega_bundle`, and draws lazily.
"""

from __future__ import annotations

import contextlib
import functools
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt

from callkit.caching import cache_folder, write_whole
from callkit.charts import swift
from callkit.charts.layout import Chart
from callkit.charts.theme import LOOKS

VEGA_LITE_MIME = "application/vnd.vegalite.v5+json"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
# A transparent pixel, see Shown.
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII="


@dataclass(frozen=True)
class Shown:
    """A chart as a notebook shows it: its specification, the same in words, and what `pieces.how` gave.

    The renderer of JupyterLab and Voila draws the specification, then makes a PNG of it and writes that into the
    output, unless there is one already. In Voila that fails under each chart ("setData is not a function"), and in an
    Output widget it never ends; in JupyterLab it would change every notebook that is merely looked at. So a PNG is
    there: one transparent pixel, which nothing that can draw the chart shows.
    """

    spec: Mapping[str, Any]
    alt: str
    how: str = ""

    def _ipython_display_(self) -> None:
        if not self.how:
            raise NotImplementedError  # IPython then asks for the bundle
        from IPython.display import display

        data, told = self._repr_mimebundle_()
        # An output shows one of its forms alone: the methods below a chart are an output of their own.
        display(data, metadata=told, raw=True)  # type: ignore[no-untyped-call]
        display({"text/html": self.how, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {VEGA_LITE_MIME: dict(self.spec), "image/png": _PIXEL, "text/plain": self.alt}
        return data, {VEGA_LITE_MIME: {"embed_options": {"renderer": "svg", "actions": False}}}

    def __repr__(self) -> str:
        return self.alt


def show(chart: Chart, alt: str, how: str = "") -> Shown:
    """The chart as something that shows itself when it is the value of a cell; `alt` is the picture in words.

    The width is the chart's own, in pixels: `container` would give nothing in a hidden tab, where it measures 0.
    """
    # Whether charts keep Vega-Lite's schema is for the tests to say: checking it again takes a quarter of a section.
    with swift.drawing_own():
        return Shown({**chart.to_dict(validate=False), "$schema": _SCHEMA, "description": alt}, alt, how)


def chart_html(spec: Mapping[str, Any], alt: str, identifier: str) -> str:
    """A chart as a piece of a page that holds `vega_bundle()` and `EMBED_SCRIPT`; until it is drawn, it is in words.

    `spec` is a specification as `show(…).spec` has it, `identifier` the id of the figure and the name of its download.

    >>> print(chart_html({"mark": "bar"}, "A <b>chart</b>", "talk"))
    <figure class="callkit-chart" id="talk" role="img" aria-label="A &lt;b&gt;chart&lt;/b&gt;">
    <div class="callkit-chart-drawing">A &lt;b&gt;chart&lt;/b&gt;</div>
    <script type="application/json">{"mark":"bar"}</script>
    </figure>
    """
    kept = {key: value for key, value in spec.items() if key not in ("$schema", "description")}
    words = html.escape(alt)
    return (
        f'<figure class="callkit-chart" id="{html.escape(identifier)}" role="img" aria-label="{words}">\n'
        f'<div class="callkit-chart-drawing">{words}</div>\n'
        f'<script type="application/json">{script_json(kept)}</script>\n'
        "</figure>"
    )


def script_json(value: object) -> str:
    """JSON that may stand in a `<script>`: nothing in it ends the script, opens a comment or breaks a line.

    >>> script_json({"name": "</script><!--"})
    '{"name":"\\\\u003c/script>\\\\u003c!--"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in ("<", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _embed_script() -> str:
    here = Path(__file__).parent
    template = (here / "charts" / "embed.js").read_text(encoding="utf-8")
    template = template.replace("/*PATCHED*/", (here / "static" / "patched.js").read_text(encoding="utf-8"))
    return template.replace("{/*LOOKS*/}", script_json({name: _plain(look) for name, look in LOOKS.items()}))


def _plain(look: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) if isinstance(value, Mapping) else value for key, value in look.items()}


EMBED_SCRIPT: str = _embed_script()
"""The script that draws the figures of a page: put it after `vega_bundle()`, once."""


@functools.cache
def vega_bundle() -> str:
    """The JavaScript that draws charts, 0.9 MB, without any import; it sets one global, `vegaEmbed`.

    It takes 1.7 s to make, so it is kept in the user's cache folder (`$XDG_CACHE_HOME/callkit`), under the version it
    was made of; where that cannot be written, it is made anew in every process.
    """
    import vl_convert

    kept = cache_folder() / f"vega-lite-{_VEGA_LITE}-vl-convert-{version('vl-convert-python')}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (found := kept.read_text(encoding="utf-8")).endswith(_BUNDLE_END):
            return found
    # An immediately called function: the bundle names its insides n, t, e, which must not become globals of the page.
    bundle = vl_convert.javascript_bundle("globalThis.vegaEmbed = vegaEmbed;", vl_version=_VEGA_LITE)
    bundle = f"(function () {{\n{bundle}{_BUNDLE_END}".replace("</script", "<\\/script")
    with contextlib.suppress(OSError):
        write_whole(kept, bundle)
    return bundle


_BUNDLE_END = "\n})();\n"
