"""The result of measuring: what charts, tables, workbook and notebooks take. Nothing here computes a measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from callkit.measures import MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from callkit.scope import Scope

TOTAL = "(total)"


@dataclass(frozen=True)
class Figures:
    """Measures by segment.

    `by` are the columns cut by (none: one column `segment`). `rows` hold a label per `by` column, then every measure of
    `MEASURES` in that order, None where undefined; segments by talk minutes falling, and last the `(total)` row,
    computed on the scope itself. `scope` says what they were computed on.
    """

    by: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    scope: Scope | None = field(default=None, compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        return self.by or ("segment",)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.keys + tuple(MEASURES)

    @property
    def total(self) -> Mapping[str, float | None]:
        """The whole scope's figures by measure."""
        return dict(zip(MEASURES, self.rows[-1][len(self.keys) :], strict=True))

    def records(self) -> list[dict[str, Any]]:
        """The segments without the total, each by column: its keys, `label` (the keys joined by ` · `), every measure.

        Measures are floats, None where undefined.
        """
        width = len(self.keys)
        return [
            dict(zip(self.keys, row[:width], strict=True))
            | {"label": " · ".join(row[:width])}
            | {m: _defined(value) for m, value in zip(MEASURES, row[width:], strict=True)}
            for row in self.rows[:-1]
        ]

    def frame(self) -> pd.DataFrame:
        """All rows, `(total)` last: key columns as text, measures as float64, NaN where undefined."""
        import pandas as pd

        frame = pd.DataFrame(list(self.rows), columns=list(self.columns))
        return frame.astype(dict.fromkeys(MEASURES, "float64") | dict.fromkeys(self.keys, "str"))

    def segments(self) -> pd.DataFrame:
        """The segments without the total, with one more text column `label`: the keys joined by ` · `."""
        segments = self.frame().iloc[:-1].copy()
        segments["label"] = [" · ".join(keys) for keys in segments[list(self.keys)].itertuples(index=False)]
        return segments


def _defined(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
