"""The one-file report: a page that draws its charts, sorts its tables and reads well with the network refused.

Everything is inside: style, scripts, the chart library, the data. A Content-Security-Policy forbids the page to fetch
anything, and lets only the scripts named by their hash run: whatever text the data held, it stays text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callkit.locale import Locale
from callkit.pieces import SECTION_MIME
from callkit.report.executed import CHART_MIME, About, Executed
from callkit.show import EMBED_SCRIPT, chart_html, vega_bundle

_STATIC = Path(__file__).parent.parent / "static"
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2f6690"/>'
    '<circle cx="12" cy="12" r="5" fill="#fff"/><circle cx="22" cy="21" r="3.4" fill="#9cc3de"/></svg>'
)
_HALF_MOON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" '
    'stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/></svg>'
)
# Vega compiles its expressions to functions, which the policy forbids; asked to, it interprets them.
_WITHOUT_EVAL = """(() => {
  const embed = globalThis.vegaEmbed;
  globalThis.vegaEmbed = (place, chart, options) => embed(place, chart, { ...options, ast: true });
})();"""
_IMAGES = ("image/png", "image/jpeg")


def compose(about: About, sections: Sequence[Executed], locale: Locale) -> str:
    """The whole page, in the language of `locale`: heading, contents, sections in their order, how to make it again.

    What a notebook showed as HTML goes in as it is, charts are drawn alive, pictures are taken in; plain text is left
    out. A section that failed is a box that says so.
    """
    text = locale.text
    charts = any(CHART_MIME in piece for section in sections for piece in section.pieces)
    scripts = [
        *([vega_bundle(), _WITHOUT_EVAL, EMBED_SCRIPT] if charts else []),
        f"{static('sortable.js')}{static('report.js')}",
    ]
    names = _identifiers(sections)
    title = text("report.title", company=about.company, period=about.period)
    body = "\n".join(
        [
            f'<a class="ck-skip" href="#main">{_e(text("report.skip"))}</a>',
            f'<div class="ck-frame">{_top(about, locale)}<div class="ck-body">',
            _contents(sections, names, locale),
            '<main id="main" class="ck-main">',
            *(_section(section, name, locale) for section, name in zip(sections, names, strict=True)),
            _again(about, locale),
            "</main></div></div>",
        ]
    )
    return document(title, body, scripts, locale, about.versions.get("callkit", ""))


def document(title: str, body: str, scripts: Sequence[str], locale: Locale, version: str) -> str:
    """A page of one file: style and scripts inside, nothing fetched, no script but these run; `body` is markup."""
    told = {key: locale.text(f"report.{key}") for key in ("sort", "csv", "more")}
    data = " ".join(f'data-{key}="{_e(value)}"' for key, value in told.items())
    return (
        f'<!doctype html>\n<html lang="{locale.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="callkit {_e(version)}">\n'
        f"<title>{_e(title)}</title>\n"
        f'<link rel="icon" href="data:image/svg+xml;base64,{base64.b64encode(_ICON.encode()).decode()}">\n'
        f"<style>\n{static('report.css')}</style>\n</head>\n"
        f'<body class="ck-page" {data}>\n{body}\n'
        + "\n".join(f"<script>{script}</script>" for script in scripts)
        + "\n</body>\n</html>\n"
    )


def _policy(scripts: Sequence[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _identifiers(sections: Sequence[Executed]) -> list[str]:
    """A name for each section that an address can end in; pages of any segment are numbered."""
    seen: dict[str, int] = {}
    names = []
    for section in sections:
        seen[section.section] = seen.get(section.section, 0) + 1
        number = f"-{seen[section.section]}" if section.section == "segments" else ""
        names.append(f"{section.section}{number}")
    return names


def _top(about: About, locale: Locale) -> str:
    facts = "".join(f"<div><dt>{_e(label)}</dt><dd>{_e(told)}</dd></div>" for label, told in about.facts.items())
    label = _e(locale.text("report.theme"))
    return (
        '<header class="ck-top"><div class="ck-top-line"><div>'
        f'<p class="ck-kicker">{_e(locale.text("report.kicker"))}</p>'
        f"<h1>{_e(about.company)} <span>{_e(about.period)}</span></h1></div>"
        f'<button class="ck-theme" type="button" title="{label}" aria-label="{label}">{_HALF_MOON}</button></div>'
        f'<dl class="ck-about">{facts}</dl></header>'
    )


def _contents(sections: Sequence[Executed], names: Sequence[str], locale: Locale) -> str:
    links = [
        f'<li><a href="#{name}"{" class=failed" if section.failed else ""}>{_e(section.heading)}</a></li>'
        for section, name in zip(sections, names, strict=True)
    ]
    links.append(f'<li><a href="#again">{_e(locale.text("report.again"))}</a></li>')
    title = _e(locale.text("report.contents"))
    return (
        f'<nav aria-label="{title}"><details class="ck-contents" open><summary>{title}</summary>'
        f"<ol>{''.join(links)}</ol></details></nav>"
    )


def _section(section: Executed, name: str, locale: Locale) -> str:
    heading = _e(section.heading)
    if section.failed:
        reason = locale.text("report.failed", reason=section.failed)
        where = locale.text("report.failed_where", notebook=section.path.name)
        inside = (
            f'<h2>{heading}</h2><div class="ck-failed" role="note"><p>{_e(locale.text("report.failed_title"))}</p>'
            f"<p>{_e(reason)}</p><p>{_e(where)}</p></div>"
        )
    else:
        shown = [_piece(piece, f"{name}-{number}") for number, piece in enumerate(section.pieces, 1)]
        inside = ("" if section.facts else f"<h2>{heading}</h2>") + "\n".join(filter(None, shown))
    return f'<section class="ck-section" id="{name}" aria-label="{heading}">\n{inside}\n</section>'


def _piece(piece: Mapping[str, Any], identifier: str) -> str:
    if CHART_MIME in piece:
        chart = chart_html(piece[CHART_MIME], str(piece.get("text/plain", "")), identifier)
        return f'<div class="ck-chart">{chart}</div>'
    if "text/html" in piece:
        fragment = str(piece["text/html"])
        # A headline brings the style sheet along for notebooks; the page has it once.
        return re.sub(r"<style>.*?</style>", "", fragment, count=1, flags=re.S) if SECTION_MIME in piece else fragment
    for mime in _IMAGES:
        if mime in piece:
            data, alt = re.sub(r"\s", "", str(piece[mime])), _e(str(piece.get("text/plain", "")))
            return f'<img class="ck-picture" src="data:{mime};base64,{_e(data)}" alt="{alt}">'
    return ""


def _again(about: About, locale: Locale) -> str:
    text = locale.text
    rows = "".join(
        f'<tr><th scope="row">{_e(name)}</th>'
        f'<td class="num" data-value="{told["bytes"]}">{locale.number(told["bytes"])}</td>'
        f'<td class="ck-hash">{_e(told["sha256"])}</td></tr>'
        for name, told in about.inputs.items()
    )
    heads = (("input_file", "text"), ("input_bytes", "count"), ("input_hash", "text"))
    head = "".join(f'<th scope="col" data-kind="{kind}">{_e(text(f"report.{key}"))}</th>' for key, kind in heads)
    versions = "".join(f"<div><dt>{_e(name)}</dt><dd>{_e(told)}</dd></div>" for name, told in about.versions.items())
    missing = "".join(f"<li>{_e(sentence)}</li>" for sentence in about.left_out)
    left_out = f"<h3>{_e(text('report.left_out_title'))}</h3><ul>{missing}</ul>" if missing else ""
    return (
        f'<section class="ck-section ck-again" id="again" aria-label="{_e(text("report.again"))}">'
        f"<h2>{_e(text('report.again'))}</h2>{left_out}<p>{_e(text('report.again_how'))}</p>"
        f'<div class="ck-command"><pre><code>{_e(about.command)}</code></pre>'
        f'<button class="ck-copy" type="button" data-done="{_e(text("report.copied"))}">{_e(text("report.copy"))}'
        "</button></div>"
        f'<h3>{_e(text("report.inputs"))}</h3><div class="ck-block"><div class="ck-scroll" tabindex="0">'
        f'<table class="ck-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>'
        f'<h3>{_e(text("report.versions"))}</h3><dl class="ck-versions">{versions}</dl></section>'
    )


def static(name: str) -> str:
    """A script or style sheet of the package."""
    return (_STATIC / name).read_text(encoding="utf-8")


def _e(text: str) -> str:
    return html.escape(text)
