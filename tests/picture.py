"""Draws the README's picture, the bubble chart of the demo company: `python tests/picture.py`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import callkit
from callkit import demo

PICTURE = Path(__file__).parent.parent / "data" / "bubbles.png"


def main() -> None:
    """Draws the sources of October 2026 of the English demo company."""
    import vl_convert

    with tempfile.TemporaryDirectory() as folder:
        company = demo.write(Path(folder, "company"), lang="en")
        page = callkit.section("sources", str(company), month="2026-10", lang="en")
        spec = {**page.bubble().spec, "background": "white", "padding": 12}
    PICTURE.write_bytes(vl_convert.vegalite_to_png(json.dumps(spec), scale=1.5))
    print(PICTURE)


if __name__ == "__main__":
    main()
