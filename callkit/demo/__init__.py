"""The demo company: a made-up sales department, with known truths and known dirt, written as a folder of CSV files."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb

from callkit.demo.chance import Clock
from callkit.demo.files import write_files
from callkit.engine import reason
from callkit.errors import CallkitError, UsageError, did_you_mean
from callkit.locale import LANGUAGES, Locale

CALLS, MONTHS, SEED, LANG, LAST_MONTH = 6000, 6, 7, "ru", "2026-10"
"""What the bundled company is written with."""
MOST_CALLS, MOST_MONTHS = 30_000_000, 240


@dataclass(frozen=True)
class Planted:
    """A truth about some segments of a dimension, together; its sentence is the text `demo.planted_…`.

    `bands` hold the lowest and the highest allowed figure by measure. A `…_ratio` is taken against the segments
    `versus`, together, or, where that is empty, against the lowest of the other named segments. With `stages`, the
    share of talk is that of the stages of this kind in the segments' own talk.
    """

    column: str
    keys: tuple[str, ...]
    bands: Mapping[str, tuple[float, float]]
    versus: tuple[str, ...] = ()
    stages: str = ""

    def segments(self, lang: str) -> list[str]:
        """How the segments are called in the files.

        >>> PLANTED["late_grades"].segments("ru")
        ['BB', 'CC']
        """
        return [Locale(lang).text(f"demo.{key}") for key in self.keys]

    def against(self, lang: str) -> list[str]:
        """How the segments of `versus` are called.

        >>> PLANTED["cold_source"].against("en")
        ['Referrals']
        """
        return [Locale(lang).text(f"demo.{key}") for key in self.versus]


PLANTED: Mapping[str, Planted] = MappingProxyType(
    {
        "heavy_product": Planted(
            "project", ("project_smart",), {"talk_share": (0.36, 0.44), "revenue_share": (0.08, 0.12)}
        ),
        "cold_source": Planted(
            "source",
            ("source_cold",),
            {"conversion": (0.02, 0.12), "minutes_per_sale_ratio": (6, 60)},
            versus=("source_referral",),
        ),
        "hot_source": Planted("source", ("source_referral",), {"conversion": (0.4, 0.65)}),
        "late_grades": Planted(
            "grade",
            ("grade_bb", "grade_cc"),
            {"talk_minutes_ratio": (1.4, 1.9), "revenue_share": (0.17, 0.23)},
            versus=("grade_aa",),
        ),
        "talker": Planted(
            "manager", ("manager_502",), {"talk_share": (0.22, 0.28), "revenue_per_minute_ratio": (0.02, 0.5)}
        ),
        "after_sale": Planted("source", ("source_market",), {"talk_share": (0.28, 0.38)}, stages="won"),
    }
)
"""What must hold in the last month and over the whole history, under the lens `closed`."""

DIRT: Mapping[str, int] = MappingProxyType(
    {
        "calls_of_unknown_deals": 12,
        "calls_by_nobody": 15,
        "calls_by_missing_manager": 18,
        "calls_of_unknown_direction": 20,
        "calls_at_one_second": 6,
        "talks_over_four_hours": 3,
        "deals_without_source": 12,
        "deals_without_grade": 24,
        "deals_of_missing_manager": 5,
        "deals_without_history": 3,
        "won_deals_of_amount_zero": 2,
        "won_deals_without_amount": 2,
        "changes_to_undescribed_stage": 10,
        "repeated_stage_changes": 8,
    }
)
"""How many odd rows of each kind a company of 6000 calls has; they break no contract."""


def truths(lang: str) -> list[str]:
    """What is planted, a sentence each.

    >>> truths("en")[0]
    'Smart home takes about 40% of the talk and brings about 10% of the revenue.'
    """
    return [Locale(lang).text(f"demo.planted_{name}") for name in PLANTED]


def dirt(calls: int) -> dict[str, int]:
    """How many odd rows of each kind a company of `calls` calls has; calls at one second come in pairs.

    >>> dirt(60_000)["talks_over_four_hours"], dirt(2_000)["calls_at_one_second"]
    (30, 2)
    """
    rows = {kind: (count * calls + CALLS // 2) // CALLS for kind, count in DIRT.items()}
    rows["calls_at_one_second"] -= rows["calls_at_one_second"] % 2
    return rows


def write(
    folder: Path,
    calls: int = CALLS,
    months: int = MONTHS,
    seed: int = SEED,
    lang: str = LANG,
    last_month: str = LAST_MONTH,
) -> Path:
    """Writes the demo company into `folder`, which must be new or empty, and returns the folder.

    Exactly `calls` calls in the `months` months up to and with `last_month` (`YYYY-MM`), names in `lang`; the same
    arguments give the same bytes on every machine. `PLANTED` holds where a month has about a thousand calls or more.
    The folder is written whole or not at all.

    Raises UsageError for a folder that holds something and for arguments out of range, CallkitError when the disk
    refuses.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     written = write(Path(place) / "company", calls=300, months=2)
    ...     print(*sorted(path.name for path in written.iterdir()))
    ...     print((written / "stages.csv").read_text(encoding="utf-8").splitlines()[1])
    callkit.toml calls.csv deal_contacts.csv deals.csv managers.csv stage_changes.csv stages.csv
    Продажи,41205010,Новая заявка,10,open
    """
    clock = _clock(calls, months, last_month)
    if lang not in LANGUAGES:
        near = did_you_mean(lang, LANGUAGES)
        raise UsageError(f"language {lang!r} is not known; allowed: {', '.join(LANGUAGES)}.{near}")
    if not isinstance(seed, int) or seed < 0:
        raise UsageError(f"the seed must be a whole number, 0 or more, not {seed!r}")
    target = Path(folder).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = "is not empty" if target.is_dir() else "is a file"
        raise UsageError(f"{folder} {what}; name a new folder for the demo company, or empty this one first")
    # A folder that exists is filled from within: it may be the one the user stands in, or a mounted disk.
    aside = target / ".part" if target.exists() else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        aside.mkdir(parents=True)
        write_files(aside, clock, calls, seed, Locale(lang), dirt=dirt(calls))
        if aside.parent == target:
            _move_up(aside)
        else:
            aside.rename(target)
    except OSError as error:
        raise CallkitError(f"{folder} cannot be written: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise CallkitError(f"{folder} cannot be written: {reason(error)}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Path(folder)


def _clock(calls: int, months: int, last_month: str) -> Clock:
    if not isinstance(calls, int) or not 1 <= calls <= MOST_CALLS:
        raise UsageError(f"the number of calls must be from 1 to {MOST_CALLS}, not {calls!r}")
    if not isinstance(months, int) or not 1 <= months <= MOST_MONTHS:
        raise UsageError(f"the number of months must be from 1 to {MOST_MONTHS}, not {months!r}")
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", last_month):
        raise UsageError(f"the last month {last_month!r} must be written as YYYY-MM, as {LAST_MONTH}")
    year, month = map(int, last_month.split("-"))
    first = year * 12 + month - months
    return Clock(dt.date(first // 12, first % 12 + 1, 1), dt.date(year + month // 12, month % 12 + 1, 1))


def _move_up(aside: Path) -> None:
    moved: list[Path] = []
    try:
        for path in sorted(aside.iterdir()):
            moved.append(path.rename(aside.parent / path.name))
    except BaseException:
        for path in moved:
            path.unlink()
        raise
