"""Charts: each takes a result and draws it, light or dark, in Russian or English; none computes a measure."""

import sys

# jsonschema, which altair imports, loads this optional grammar of IRIs: one second of CPU in every process, and never
# used here. None in sys.modules makes that import fail at once, which jsonschema expects. It must come before altair.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from callkit.charts.bars import directions, shares, stage_load  # noqa: E402
from callkit.charts.bubble import bubble  # noqa: E402
from callkit.charts.cohorts import cohort_curves  # noqa: E402
from callkit.charts.costs import costs_per_sale  # noqa: E402
from callkit.charts.day import week_map  # noqa: E402
from callkit.charts.description import describe  # noqa: E402
from callkit.charts.fair_share import fair_share  # noqa: E402
from callkit.charts.funnel import funnel  # noqa: E402
from callkit.charts.heatmap import heatmap  # noqa: E402
from callkit.charts.theme import colours  # noqa: E402
from callkit.charts.trend import trend  # noqa: E402
from callkit.charts.waterfall import waterfall  # noqa: E402

__all__ = [
    "bubble",
    "cohort_curves",
    "colours",
    "costs_per_sale",
    "describe",
    "directions",
    "fair_share",
    "funnel",
    "heatmap",
    "shares",
    "stage_load",
    "trend",
    "waterfall",
    "week_map",
]
