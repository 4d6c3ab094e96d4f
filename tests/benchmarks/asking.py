"""From a filter to its figures: one process asks a store question after question, and prints the milliseconds.

    python asking.py ours STORE QUESTIONS    random scopes and cuts of `filters.py`; then the questions for everybody
    python asking.py sql|polars OUT QUESTIONS    the same questions, of what `peers.py build` left in OUT

The questions for everybody have the lens `closed` and filters by manager and by the deals' columns. `ours` draws them
and writes them down; every contender prints its answers to them, which the benchmark compares, and the milliseconds.

`ours` asks as a visitor's process of `callkit app` does: where the server would have columns of the store packed, they
are, by another process, before the first question.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from peers import NO_DEAL, ZONE

SCOPES, SHARED_SCOPES = 50, 20
SHARED_CUTS = ("", "manager", "source", "project", "stage", "month")
OF_DEALS = ("source", "project", "grade", "region")
Row = tuple[float, ...]
Question = Mapping[str, Any]


def ours(store: Path, questions: Path) -> dict[str, Any]:
    import filters

    from callkit.company import open_company
    from callkit.measuring import measure

    columns = ("calls", "talk_minutes", "deals", "won_deals", "revenue")
    asyncio.run(filters.as_the_app(store))
    with open_company(store) as company:
        taken = []
        for scope in filters.scopes(company, SCOPES):
            for cut in filters.CUTS:
                start = time.perf_counter()
                measure(company, scope, cut)
                taken.append((round(1000 * (time.perf_counter() - start), 2), scope.lens))
        peak = _peak()
        ids = dict(company.engine.query("SELECT label, id FROM labels WHERE dimension = 'manager'"))
        shared, scopes = [], []
        for drawn in filters.scopes(company, 3 * SHARED_SCOPES, seed=6):
            where = {c: kept for c, v in drawn.where.items() if (kept := [x for x in v if not x.startswith("(")])}
            if len(shared) < SHARED_SCOPES * len(SHARED_CUTS) and set(where) <= {"manager", *OF_DEALS}:
                scope = replace(drawn, lens="closed", where=where)
                days = {"start": f"{scope.period.start}", "stop": f"{scope.period.stop}"}
                raw = {c: [ids[x] for x in v] if c == "manager" else v for c, v in where.items()}
                shared += [{**days, "where": raw, "cut": cut} for cut in SHARED_CUTS]
                scopes += [(scope, cut) for cut in SHARED_CUTS]
        questions.write_text(json.dumps(shared, ensure_ascii=False), encoding="utf-8")

        def answer(number: int) -> Sequence[Sequence[float]]:
            scope, cut = scopes[number]
            found = measure(company, scope, [cut] if cut else [])
            return [[row[c] or 0 for c in columns] for row in (found.records() if cut else [found.total])]

        return {"all": taken, "peak": peak, **_asked(answer, range(len(scopes)))}


def sql(out: Path, questions: Path) -> dict[str, Any]:
    import duckdb

    base = duckdb.connect(str(out / "bare.duckdb"), read_only=True)
    base.execute(f"SET TimeZone = '{ZONE}'")
    spoken = {"": "''", "manager": "c.manager_id", "stage": "c.stage", "month": "c.month"}
    sold = {"": "''", "manager": "d.manager_id", "month": "strftime(d.closed_at, '%Y-%m')", "stage": "''"}

    def answer(question: Question) -> Sequence[Row]:
        cut, where, values = question["cut"], question["where"], {"start": question["start"], "stop": question["stop"]}
        of_deals = [f"list_contains(${c}, d.{c})" for c in where if c != "manager"]
        by_person = ["list_contains($manager, {}.manager_id)"] if "manager" in where else []
        calls = [*of_deals, *(p.format("c") for p in by_person)]
        deals = [*of_deals, *(p.format("d") for p in by_person), *(["false"] if cut == "stage" else [])]
        segment = f"CASE WHEN c.placed_deal IS NULL THEN '{NO_DEAL}' ELSE d.{cut} END"
        join = "LEFT JOIN deals AS d ON d.deal_id = c.placed_deal" if of_deals or cut not in spoken else ""
        return list(base.execute(f"""
            WITH spoken AS (
                SELECT coalesce({spoken.get(cut, segment)}, '') AS segment, count(*) AS calls,
                    sum(c.talk_seconds) / 60 AS talk
                FROM calls AS c {join}
                WHERE c.started_at >= $start::DATE AND c.started_at < $stop::DATE
                    {"".join(f" AND {one}" for one in calls)}
                GROUP BY 1
            ),
            sold AS (
                SELECT coalesce({sold.get(cut, f"d.{cut}")}, '') AS segment, count(*) AS deals,
                    count(*) FILTER (d.outcome = 'won') AS won, sum(d.amount) FILTER (d.outcome = 'won') AS revenue
                FROM deals AS d
                WHERE d.closed_at >= $start::DATE AND d.closed_at < $stop::DATE
                    {"".join(f" AND {one}" for one in deals)}
                GROUP BY 1
            )
            SELECT calls, talk, deals, won, revenue FROM spoken FULL JOIN sold USING (segment)
        """, values | where).fetchall())  # fmt: skip

    return _asked(answer, json.loads(questions.read_text(encoding="utf-8")))


def polars(out: Path, questions: Path) -> dict[str, Any]:
    import polars as pl

    coded = pl.col("manager_id", *OF_DEALS).cast(pl.Categorical)
    deals = pl.scan_parquet(out / "deals.parquet").select(
        "deal_id", "closed_at", "outcome", "amount", coded,
        pl.col("closed_at").dt.convert_time_zone(ZONE).dt.strftime("%Y-%m").cast(pl.Categorical).alias("month"),
    ).collect(engine="streaming")  # fmt: skip
    calls = (
        pl.scan_parquet(out / "calls.parquet")
        .select(
            "placed_deal", "started_at", "talk_seconds", pl.col("manager_id", "stage", "month").cast(pl.Categorical)
        )
        .join(deals.lazy().select(pl.col("deal_id").alias("placed_deal"), *OF_DEALS), on="placed_deal", how="left")
        .with_columns(pl.col("placed_deal").is_not_null().alias("on_deal")).drop("placed_deal")
        .collect(engine="streaming")
    )  # fmt: skip

    def answer(question: Question) -> Sequence[Row]:
        def within(column: str) -> Any:
            start, stop = (
                pl.lit(question[name]).str.to_datetime("%Y-%m-%d", time_unit="us").dt.replace_time_zone(ZONE)
                .dt.convert_time_zone("UTC") for name in ("start", "stop")
            )  # fmt: skip
            return (pl.col(column) >= start) & (pl.col(column) < stop)

        cut = "manager_id" if question["cut"] == "manager" else question["cut"]
        kept = [
            pl.col("manager_id" if c == "manager" else c).is_in(pl.lit(pl.Series(v, dtype=pl.Categorical)).implode())
            for c, v in question["where"].items()
        ]
        keys = [cut, "on_deal"] if cut in OF_DEALS else [cut] if cut else [pl.lit("").alias("whole")]
        spoken = (
            calls.lazy().filter(within("started_at"), *kept)
            .group_by(keys).agg(pl.len().alias("calls"), (pl.col("talk_seconds").sum() / 60).alias("talk"))
        )  # fmt: skip
        won = pl.col("outcome") == "won"
        sums = [pl.len().alias("deals"), won.sum().alias("won"), pl.col("amount").filter(won).sum().alias("revenue")]
        sold = deals.lazy().with_columns(on_deal=True).filter(within("closed_at"), *kept)
        if cut == "stage":
            joined = spoken.with_columns(deals=0, won=0, revenue=0.0)
        else:
            on = [cut, "on_deal"] if cut in OF_DEALS else [cut or "whole"]
            joined = spoken.join(sold.group_by(keys).agg(sums), on=on, how="full", coalesce=True, nulls_equal=True)
        return list(joined.select("calls", "talk", "deals", "won", "revenue").collect().rows())

    return _asked(answer, json.loads(questions.read_text(encoding="utf-8")))


def _asked(answer: Callable[[Any], Sequence[Sequence[float]]], questions: Sequence[Any]) -> dict[str, Any]:
    taken, answers = [], []
    for question in questions:
        start = time.perf_counter()
        found = answer(question)
        taken.append(round(1000 * (time.perf_counter() - start), 2))
        rows = (tuple(round(float(value or 0), 2) for value in row) for row in found)
        answers.append(sorted(row for row in rows if any(row)))
    return {"shared": taken, "answers": answers, "shared_peak": _peak()}


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    print(json.dumps({"ours": ours, "sql": sql, "polars": polars}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))))
