"""The demo company's files: codes become words, seconds become instants with their offset, -1 an empty cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from callkit.demo import cast
from callkit.demo.calls import DIRECTIONS, deal_contacts, draw_calls, draw_contacts
from callkit.demo.chance import DAY, Clock, Draws, Ints
from callkit.demo.deals import (
    EMPTY,
    FIRST_DEAL,
    OPEN,
    OUTCOMES,
    amounts,
    draw_deals,
    manager_ids,
    spoil_deals,
    stage_changes,
)
from callkit.engine import literal
from callkit.locale import Locale
from callkit.zones import zone

CALLS_A_DEAL = 4
_SPEND = {"source_site": 60_000, "source_ads": 180_000, "source_market": 90_000, "source_cold": 45_000,
          "source_fair": 120_000}  # fmt: skip
ZONES, CURRENCIES = {"ru": "Europe/Moscow", "en": "Europe/Berlin"}, {"ru": "RUB", "en": "EUR"}


if TYPE_CHECKING:
    Words = pd.Categorical[str]


def write_files(folder: Path, clock: Clock, calls: int, seed: int, locale: Locale, *, dirt: Mapping[str, int]) -> None:
    """Draws the company and writes its files into `folder`, which is there; `dirt`: how many odd rows of each kind."""
    deals = draw_deals(Draws(seed), clock, max(1, calls // CALLS_A_DEAL))
    without_amount = spoil_deals(deals, dirt)
    contacts = draw_contacts(deals)
    pipelines = [key for key, _ in cast.PIPELINES]

    def words(codes: Ints, keys: Iterable[str]) -> Words:
        return _coded(codes, [locale.text(f"demo.{key}") for key in keys])

    def save(name: str, table: pd.DataFrame) -> None:
        _save(folder / f"{name}.csv", table, clock, ZONES[locale.lang])

    columns = {
        "deal_id": FIRST_DEAL + np.arange(len(deals)),
        "created_at": deals.created,
        "closed_at": np.where(deals.outcome == OPEN, EMPTY, deals.closed),
        "outcome": _coded(deals.outcome, OUTCOMES),
        "amount": amounts(deals, without_amount, dirt["won_deals_of_amount_zero"]),
        "manager_id": manager_ids(deals.owner),
        "pipeline_id": words(deals.pipeline, pipelines),
        "source": words(deals.source, [s.key for s in cast.SOURCES]),
        "project": words(deals.project, [p.key for p in cast.PROJECTS]),
        "grade": words(deals.grade, [g.key for g in cast.GRADES]),
        "region": words(deals.region, [key for key, _, _ in cast.REGIONS]),
    }
    save("deals", pd.DataFrame(columns))
    changes = stage_changes(deals, dirt)
    save("stage_changes", changes.assign(pipeline_id=words(changes["pipeline_id"].to_numpy(), pipelines)))
    save("deal_contacts", deal_contacts(contacts))
    called = draw_calls(deals, contacts, calls, dirt)
    save("calls", called.assign(direction=_coded(called["direction"].to_numpy(), DIRECTIONS)))
    managers = [
        (m.manager_id, locale.text(f"demo.manager_{m.manager_id}"), locale.text(f"demo.{m.team}"))
        for m in cast.MANAGERS
    ]
    save("managers", pd.DataFrame(managers, columns=["manager_id", "name", "team"]))
    stages = [
        (locale.text(f"demo.{pipeline}"), stage_id, locale.text(f"demo.{key}"), position, kind)
        for pipeline, of_pipeline in cast.PIPELINES
        for stage_id, key, position, kind in of_pipeline
    ]
    save("stages", pd.DataFrame(stages, columns=["pipeline_id", "stage_id", "name", "position", "kind"]))
    (folder / "callkit.toml").write_text(_settings(locale), encoding="utf-8", newline="\n")


def _coded(codes: Ints, words: Sequence[str]) -> Words:
    return pd.Categorical.from_codes(codes, pd.Index(words))


def _save(path: Path, table: pd.DataFrame, clock: Clock, timezone: str) -> None:
    chosen = [f"{_written(table, column, clock, timezone)} AS {column}" for column in table.columns]
    with duckdb.connect() as connection:
        connection.register("demo", table)
        connection.execute(f"COPY (SELECT {', '.join(chosen)} FROM demo) TO {literal(str(path))} (FORMAT csv, HEADER)")


def _written(table: pd.DataFrame, column: str, clock: Clock, timezone: str) -> str:
    if column.endswith("_at"):
        seconds = f"nullif({column}, {EMPTY})"
        # Nothing happens at night, when clocks change: the offset at noon is that of the day.
        noons = [dt.datetime.combine(day, dt.time(12), zone(timezone)) for day in clock.days]
        offset = f"[{', '.join(literal(noon.isoformat()[-6:]) for noon in noons)}][{seconds} // {DAY} + 1]"
        written = f"strftime(TIMESTAMP '{clock.days[0]}' + to_seconds({seconds}), '%Y-%m-%dT%H:%M:%S')"
        return f"{written} || {offset}"
    return f"nullif({column}, {EMPTY})" if pd.api.types.is_integer_dtype(table[column]) else column


def _settings(locale: Locale) -> str:
    russian, english = Locale("ru"), Locale("en")
    spend = ", ".join(f'"{locale.text(f"demo.{s.key}")}" = {_SPEND.get(s.key, 0)}' for s in cast.SOURCES)
    goals = "".join(f"manager.{m.manager_id} = {{ conversion = 0.3 }}\n" for m in cast.MANAGERS[:4])
    return f"""# {locale.text("demo.settings_comment")}
[company]
name = "{locale.text("demo.company")}"
language = "{locale.lang}"
currency = "{CURRENCIES[locale.lang]}"
deal_url = "https://example.amocrm.ru/leads/detail/{{deal_id}}"

[account]
timezone = "{ZONES[locale.lang]}"

[dimensions]
source = {{ ru = "{russian.title("source")}", en = "{english.title("source")}" }}
region = {{ ru = "{russian.text("demo.region")}", en = "{english.text("demo.region")}" }}

[goals]
conversion = 0.3
minutes_per_sale = 40
{goals}
[costs]
hour = 1200
managers = {{ 501 = 1500 }}
spend = {{ {spend} }}
"""
