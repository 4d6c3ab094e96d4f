"""The data dictionary, written from the contract and the registries: `python -m callkit.dictionary` prints it."""

from __future__ import annotations

from callkit import demo
from callkit.contract import CONTRACT
from callkit.dimensions import SPECIAL
from callkit.dimensions import dimensions as every_dimension
from callkit.locale import Locale
from callkit.measures import MEASURES

_NARROWS = {
    "call": "calls only",
    "person": "calls by who spoke, deals by credit",
    "deal": "deals, and calls by their deal",
    "month": "nothing: the period does",
}


def markdown() -> str:
    """The whole dictionary as Markdown: input tables, dimensions, measures, the demo company."""
    russian = Locale("ru")
    lines = [
        "<!-- written by `python -m callkit.dictionary > data/README.md`; a test keeps it so -->",
        "# Data dictionary",
        "",
        "## What goes in",
        "",
        "A folder of CSV (UTF-8, `,` or `;`) or Parquet files, or a workbook with a sheet a table. Ids are text. Times",
        "carry an offset, or are read in the account's time zone (`[account] timezone`). Money is in one currency.",
        "",
    ]
    for name, table in CONTRACT.items():
        key = f"; one row per {', '.join(f'`{k}`' for k in table.key)}" if table.key else ""
        lines += [f"### {name}{' (optional)' if table.optional else ''}", ""]
        lines += [f"Columns{key}.", "", "| column | allowed | meaning |", "|---|---|---|"]
        for c in table.columns:
            optional = "; the column may be missing" if c.optional else ""
            lines.append(f"| `{c.name}` | {c.wanted()}{optional} | {c.meaning} |")
        if table.others:
            lines.append("| any other | a text or nothing | a dimension of its own: cut and filter by it |")
        lines.append("")
    lines += ["## What to cut and filter by", "", "| column | по-русски | a filter narrows |", "|---|---|---|"]
    for d in every_dimension(()).values():
        lines.append(f"| `{d.name}` | {russian.title(d.name)} | {_NARROWS[d.of]} |")
    lines += [
        f"| any further column of deals | its title in `callkit.toml` | {_NARROWS['deal']} |",
        "",
        f"Labels in brackets stand for what has no value: {', '.join(f'`{label}`' for label in SPECIAL.values())};",
        "`(total)` is the whole scope.",
        "",
        "## What comes out",
        "",
        "Shares and rates are fractions of 1; an undefined figure is empty, never 0.",
        "",
        "| column | English | по-русски | definition |",
        "|---|---|---|---|",
    ]
    for m in MEASURES.values():
        lines.append(f"| `{m.name}` | {m.en} | {m.ru} | {m.help_en} |")
    lines += ["", "## The demo company in `demo/`", "", "Invented, by `callkit demo`. True in it, in October 2026:", ""]
    lines += [f"* {truth}" for truth in demo.truths("en")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
