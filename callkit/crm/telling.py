"""What `callkit check` tells of a company that was pulled: what was merged or set right, how sure a myBI base is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callkit.crm import neutral, probes
from callkit.locale import Locale


def told(pulled: Mapping[str, Any], locale: Locale) -> list[str]:
    """Lines for people from the facts of a pulled company; none where there are none."""
    counts = {name: pulled[name] for name in neutral.COUNTED if name in pulled}
    lines = neutral.described(counts, locale)
    if "probes" in pulled:
        lines += [f"{locale.text('crm.probes')}:", *(f"  {line}" for line in probes.told(pulled["probes"], locale))]
    return lines
