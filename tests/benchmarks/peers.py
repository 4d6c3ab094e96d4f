"""What a careful person would write without callkit: the same work in pandas, Polars and bare DuckDB SQL.

    python peers.py pandas|polars|sql ingest|build|metrics FOLDER OUT

`ingest` reads the CSV files of a generated company into typed tables. `build` goes on: it puts every call on its deal
(by the deal's id, else through the contact) and on its stage, and leaves placed calls and deals in OUT. `metrics` reads
those and prints the figures by manager, source, stage and month, and the calls on every stage, as JSON; `figures.py`
prints the same of callkit's store, and the benchmark compares. None of them checks anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LEAD_IN, REACH = 3600, 30 * 86400
START, STOP, ZONE = "2025-11-01", "2026-11-01", "Europe/Moscow"
"""The year of a generated company, in which the deals that count were closed."""
TABLES = ("calls", "deals", "stage_changes", "stages", "deal_contacts")
CUTS = ("manager", "source", "stage", "month")
NO_DEAL, BEFORE_DEAL, NO_HISTORY = "(no deal)", "(before the deal)", "(no stage history)"


def told(cuts: dict[str, Iterable[Iterable[Any]]], placed: Iterable[tuple[str, int]]) -> None:
    """Prints the figures of every segment, without names and sorted, and how many calls are on every stage."""
    rows = {cut: sorted([round(float(v or 0), 2) for v in row] for row in found) for cut, found in cuts.items()}
    print(json.dumps({"cuts": rows, "placed": {stage: int(n) for stage, n in sorted(placed)}}))


class Pandas:
    """pandas `merge_asof`."""

    def ingest(self, folder: Path, _: Path) -> tuple[Any, ...]:
        import pandas as pd

        text = {"dtype": "str", "keep_default_na": False, "na_values": [""]}
        calls, deals, changes, stages, contacts = (pd.read_csv(folder / f"{name}.csv", **text) for name in TABLES)
        calls["talk_seconds"] = calls["talk_seconds"].astype("float64")
        deals["amount"], stages["position"] = deals["amount"].astype("float64"), stages["position"].astype("float64")
        dated = ((calls, ["started_at"]), (deals, ["created_at", "closed_at"]), (changes, ["changed_at"]))
        for table, columns in dated:
            for column in columns:
                table[column] = pd.to_datetime(table[column], utc=True, format="ISO8601")
        return calls, deals, changes, stages, contacts

    def build(self, folder: Path, out: Path) -> None:
        import pandas as pd

        calls, deals, changes, stages, contacts = self.ingest(folder, out)
        lead_in, reach = pd.Timedelta(seconds=LEAD_IN), pd.Timedelta(seconds=REACH)
        known = calls["deal_id"].isin(deals["deal_id"])
        near = calls.loc[~known, ["call_id", "started_at", "contact_id"]].merge(contacts, on="contact_id")
        near = near.merge(deals[["deal_id", "created_at", "closed_at"]], on="deal_id")
        near = near[near["created_at"] - lead_in <= near["started_at"]]
        near["active"] = near["closed_at"].isna() | (near["closed_at"] > near["started_at"])
        near = near[near["active"] | (near["started_at"] - near["closed_at"] <= reach)]
        near["last"] = near["created_at"].where(near["active"], near["closed_at"])
        near = near.sort_values(["active", "last", "deal_id"]).drop_duplicates("call_id", keep="last")
        through = calls["call_id"].map(near.set_index("call_id")["deal_id"])
        calls["placed_deal"] = calls["deal_id"].where(known, through)

        changes["stage"] = changes["pipeline_id"] + "/" + changes["stage_id"]
        changes = changes.drop_duplicates().merge(stages, on=["pipeline_id", "stage_id"], how="left")
        changes = changes.sort_values(["changed_at", "position", "stage_id"], kind="stable")
        on_deal = calls["placed_deal"].notna()
        placed = pd.merge_asof(
            calls[on_deal].sort_values("started_at"),
            changes[["deal_id", "changed_at", "stage"]],
            left_on="started_at",
            right_on="changed_at",
            left_by="placed_deal",
            right_by="deal_id",
            suffixes=("", "_change"),
        )
        first = changes.drop_duplicates("deal_id").set_index("deal_id")
        early = placed["stage"].isna()
        entered = placed["placed_deal"].map(first["changed_at"])
        led_in = early & (entered - placed["started_at"] <= lead_in)
        placed.loc[led_in, "stage"] = placed.loc[led_in, "placed_deal"].map(first["stage"])
        placed.loc[early & ~led_in, "stage"] = BEFORE_DEAL
        placed.loc[early & entered.isna(), "stage"] = NO_HISTORY
        placed = pd.concat([placed, calls[~on_deal].assign(stage=NO_DEAL)], ignore_index=True)
        local = placed["started_at"].dt.tz_convert(ZONE)
        placed["hour"], placed["weekday"] = local.dt.hour, local.dt.day_of_week
        placed["month"] = local.dt.strftime("%Y-%m")
        placed.to_pickle(out / "calls.pickle")
        deals.to_pickle(out / "deals.pickle")

    def metrics(self, _: Path, out: Path) -> None:
        import pandas as pd

        calls, deals = pd.read_pickle(out / "calls.pickle"), pd.read_pickle(out / "deals.pickle")
        start, stop = (pd.Timestamp(day, tz=ZONE) for day in (START, STOP))
        source = calls["placed_deal"].map(deals.set_index("deal_id")["source"].fillna("(not set)"))
        calls["source"] = source.fillna(NO_DEAL)
        calls = calls.assign(
            answered=calls["talk_seconds"] > 0,
            inbound=calls["direction"] == "in",
            outbound=calls["direction"] == "out",
            manager=calls["manager_id"].fillna("(not set)"),
        )
        calls = calls[(calls["started_at"] >= start) & (calls["started_at"] < stop)]
        closed = deals[(deals["closed_at"] >= start) & (deals["closed_at"] < stop)]
        won = closed["outcome"] == "won"
        closed = closed.assign(
            won=won,
            revenue=closed["amount"].where(won, 0),
            manager=closed["manager_id"].fillna("(not set)"),
            source=closed["source"].fillna("(not set)"),
            month=closed["closed_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m"),
        )
        cuts = {}
        for cut in CUTS:
            spoken = calls.groupby(cut).agg(
                calls=("call_id", "size"), answered=("answered", "sum"), inbound=("inbound", "sum"),
                outbound=("outbound", "sum"), talk=("talk_seconds", "sum"),
            )  # fmt: skip
            spoken["talk"] /= 60
            if cut == "stage":
                joined = spoken.assign(deals=0, won=0, revenue=0)
            else:
                sold = closed.groupby(cut).agg(deals=("won", "size"), won=("won", "sum"), revenue=("revenue", "sum"))
                joined = spoken.join(sold, how="outer").fillna(0)
            cuts[cut] = joined.itertuples(index=False)
        told(cuts, calls["stage"].value_counts().items())


class Polars:
    """Polars, lazily and with its streaming engine where it has one for the step."""

    def _scanned(self, folder: Path) -> tuple[Any, ...]:
        import polars as pl

        def at(*names: str) -> list[Any]:
            return [pl.col(n).str.to_datetime("%Y-%m-%dT%H:%M:%S%:z", time_unit="us", time_zone="UTC") for n in names]

        calls, deals, changes, stages, contacts = (
            pl.scan_csv(folder / f"{name}.csv", infer_schema=False) for name in TABLES
        )
        calls = calls.with_columns(*at("started_at"), pl.col("talk_seconds").cast(pl.Float64))
        deals = deals.with_columns(*at("created_at", "closed_at"), pl.col("amount").cast(pl.Float64))
        stages = stages.with_columns(pl.col("position").cast(pl.Float64))
        return calls, deals, changes.with_columns(*at("changed_at")), stages, contacts

    def ingest(self, folder: Path, _: Path) -> tuple[Any, ...]:
        return tuple(table.collect(engine="streaming") for table in self._scanned(folder))

    def build(self, folder: Path, out: Path) -> None:
        import polars as pl

        calls, deals, changes, stages, contacts = (t.lazy() for t in self.ingest(folder, out))
        lead_in, reach = pl.duration(seconds=LEAD_IN), pl.duration(seconds=REACH)
        closed, started = pl.col("closed_at"), pl.col("started_at")
        ids = deals.select("deal_id", pl.col("deal_id").alias("own"))
        calls = calls.join(ids, on="deal_id", how="left")
        near = (
            calls.filter(pl.col("own").is_null()).select("call_id", "started_at", "contact_id")
            .join(contacts, on="contact_id").join(deals.select("deal_id", "created_at", "closed_at"), on="deal_id")
            .filter(pl.col("created_at") - lead_in <= started, closed.is_null() | (started - closed <= reach))
            .with_columns((closed.is_null() | (closed > started)).alias("active"))
            .with_columns(pl.when("active").then("created_at").otherwise("closed_at").alias("last"))
            .sort("active", "last", "deal_id", descending=True)
            .unique("call_id", keep="first", maintain_order=True).select("call_id", pl.col("deal_id").alias("through"))
        )  # fmt: skip
        calls = calls.join(near, on="call_id", how="left").with_columns(
            pl.coalesce("own", "through").alias("placed_deal")
        )
        changes = (
            changes.unique().join(stages, on=["pipeline_id", "stage_id"], how="left")
            .with_columns((pl.col("pipeline_id") + "/" + pl.col("stage_id")).alias("stage"))
            .sort("changed_at", "position", "stage_id", nulls_last=True)
            .select(pl.col("deal_id").alias("placed_deal"), "changed_at", "stage")
        )  # fmt: skip
        first = changes.unique("placed_deal", keep="first", maintain_order=True).rename(
            {"changed_at": "entered", "stage": "first"}
        )
        placed = (
            calls.sort("started_at")
            .join_asof(changes, left_on="started_at", right_on="changed_at", by="placed_deal", check_sortedness=False)
            .join(first, on="placed_deal", how="left")
            .with_columns(
                pl.when(pl.col("placed_deal").is_null()).then(pl.lit(NO_DEAL))
                .when(pl.col("stage").is_not_null()).then("stage")
                .when(pl.col("entered").is_null()).then(pl.lit(NO_HISTORY))
                .when(pl.col("entered") - started <= lead_in).then("first")
                .otherwise(pl.lit(BEFORE_DEAL)).alias("stage")
            )
        )  # fmt: skip
        local = started.dt.convert_time_zone(ZONE)
        placed = placed.with_columns(
            local.dt.hour().alias("hour"),
            local.dt.weekday().alias("weekday"),
            local.dt.strftime("%Y-%m").alias("month"),
        ).drop("own", "through", "first", "entered", "changed_at")
        placed.sink_parquet(out / "calls.parquet")
        deals.sink_parquet(out / "deals.parquet")

    def metrics(self, _: Path, out: Path) -> None:
        import polars as pl

        def instant(day: str) -> Any:
            return pl.lit(day).str.to_datetime(time_unit="us").dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")

        def within(column: str) -> Any:
            return (pl.col(column) >= instant(START)) & (pl.col(column) < instant(STOP))

        unset, won = pl.lit("(not set)"), pl.col("outcome") == "won"
        deals = pl.scan_parquet(out / "deals.parquet").with_columns(pl.col("source").fill_null(unset))
        calls = pl.scan_parquet(out / "calls.parquet").filter(within("started_at"))
        sources = deals.select(pl.col("deal_id").alias("placed_deal"), "source")
        calls = calls.join(sources, on="placed_deal", how="left").with_columns(
            pl.col("source").fill_null(pl.lit(NO_DEAL)), pl.col("manager_id").fill_null(unset).alias("manager")
        )
        closed = deals.filter(within("closed_at")).with_columns(
            pl.col("manager_id").fill_null(unset).alias("manager"),
            pl.col("closed_at").dt.convert_time_zone(ZONE).dt.strftime("%Y-%m").alias("month"),
        )
        asked = []
        for cut in CUTS:
            spoken = calls.group_by(cut).agg(
                pl.len(), (pl.col("talk_seconds") > 0).sum().alias("answered"),
                (pl.col("direction") == "in").sum().alias("in"), (pl.col("direction") == "out").sum().alias("out"),
                (pl.col("talk_seconds").sum() / 60).alias("talk"),
            )  # fmt: skip
            if cut == "stage":
                asked.append(spoken.with_columns(deals=0, won=0, revenue=0))
                continue
            sold = closed.group_by(cut).agg(
                pl.len().alias("deals"), won.sum().alias("won"), pl.col("amount").filter(won).sum().alias("revenue")
            )
            asked.append(spoken.join(sold, on=cut, how="full", coalesce=True))
        stages = calls.group_by("stage").len()
        *found, placed = pl.collect_all([*asked, stages], engine="streaming")
        told({cut: table.drop(cut).rows() for cut, table in zip(CUTS, found, strict=True)}, placed.rows())


class Sql:
    """Bare DuckDB SQL."""

    def _base(self, file: Path | str, **options: Any) -> Any:
        import duckdb

        base = duckdb.connect(str(file), **options)
        base.execute(f"SET TimeZone = '{ZONE}'")
        return base

    def ingest(self, folder: Path, _: Path) -> None:
        self._read(folder, self._base(":memory:"))

    def _read(self, folder: Path, base: Any) -> None:
        types = dict.fromkeys(("call_id", "deal_id", "manager_id", "contact_id", "stage_id"), "VARCHAR")
        types |= dict.fromkeys(("started_at", "created_at", "closed_at", "changed_at"), "TIMESTAMPTZ")
        types |= dict.fromkeys(("amount", "talk_seconds", "position"), "DOUBLE")
        for name in TABLES:
            header = (folder / f"{name}.csv").open(encoding="utf-8").readline().strip().split(",")
            own = ", ".join(f"'{column}': '{types[column]}'" for column in header if column in types)
            base.execute(f"CREATE TEMP TABLE raw_{name} AS FROM read_csv('{folder}/{name}.csv', types={{{own}}})")

    def build(self, folder: Path, out: Path) -> None:
        base = self._base(out / "bare.duckdb")
        self._read(folder, base)
        base.execute(f"""
            CREATE TABLE calls AS
            WITH near AS (
                SELECT c.call_id, d.deal_id, row_number() OVER (
                    PARTITION BY c.call_id
                    ORDER BY (d.closed_at IS NULL OR d.closed_at > c.started_at) DESC,
                        CASE WHEN d.closed_at IS NULL OR d.closed_at > c.started_at THEN d.created_at
                            ELSE d.closed_at END DESC, d.deal_id DESC
                ) AS nth
                FROM raw_calls AS c
                JOIN raw_deal_contacts AS x USING (contact_id)
                JOIN raw_deals AS d ON d.deal_id = x.deal_id
                LEFT JOIN raw_deals AS own ON own.deal_id = c.deal_id
                WHERE own.deal_id IS NULL AND d.created_at - INTERVAL {LEAD_IN} SECOND <= c.started_at
                    AND (d.closed_at IS NULL OR c.started_at - d.closed_at <= INTERVAL {REACH} SECOND)
            ),
            stays AS (
                SELECT x.deal_id, x.pipeline_id || '/' || x.stage_id AS stage, x.changed_at,
                    lead(x.changed_at) OVER w AS left_at,
                    row_number() OVER w AS nth
                FROM (SELECT DISTINCT * FROM raw_stage_changes) AS x
                LEFT JOIN raw_stages AS s ON s.stage_id = x.stage_id AND s.pipeline_id = x.pipeline_id
                WINDOW w AS (PARTITION BY x.deal_id ORDER BY x.changed_at, s.position, x.stage_id)
            ),
            placed AS (
                SELECT c.*, coalesce(d.deal_id, n.deal_id) AS placed_deal
                FROM raw_calls AS c LEFT JOIN raw_deals AS d ON d.deal_id = c.deal_id
                LEFT JOIN near AS n ON n.call_id = c.call_id AND n.nth = 1
            )
            SELECT p.*, hour(p.started_at) AS hour, isodow(p.started_at) AS weekday,
                strftime(p.started_at, '%Y-%m') AS month,
                CASE WHEN p.placed_deal IS NULL THEN '{NO_DEAL}' WHEN t.stage IS NOT NULL THEN t.stage
                    WHEN h.deal_id IS NULL THEN '{NO_HISTORY}' ELSE '{BEFORE_DEAL}' END AS stage
            FROM placed AS p
            LEFT JOIN (SELECT DISTINCT deal_id FROM raw_stage_changes) AS h ON h.deal_id = p.placed_deal
            LEFT JOIN stays AS t ON t.deal_id = p.placed_deal
                AND p.started_at >=
                    CASE WHEN t.nth = 1 THEN t.changed_at - INTERVAL {LEAD_IN} SECOND ELSE t.changed_at END
                AND (t.left_at IS NULL OR p.started_at < t.left_at)
        """)
        base.execute("CREATE TABLE deals AS FROM raw_deals")
        base.close()

    def metrics(self, _: Path, out: Path) -> None:
        base = self._base(out / "bare.duckdb", read_only=True)
        cuts = {}
        for cut in CUTS:
            spoken = {"manager": "c.manager_id", "stage": "c.stage", "month": "c.month"}.get(cut)
            sold = {"manager": "manager_id", "source": "source", "month": "strftime(closed_at, '%Y-%m')"}.get(cut)
            source = f"CASE WHEN c.placed_deal IS NULL THEN '{NO_DEAL}' ELSE coalesce(d.source, '') END"
            join = "" if spoken else "LEFT JOIN deals AS d ON d.deal_id = c.placed_deal"
            cuts[cut] = base.execute(f"""
                WITH spoken AS (
                    SELECT coalesce({spoken or source}, '') AS segment, count(*) AS calls,
                        count(*) FILTER (c.talk_seconds > 0) AS answered,
                        count(*) FILTER (c.direction = 'in') AS inbound,
                        count(*) FILTER (c.direction = 'out') AS outbound, sum(c.talk_seconds) / 60 AS talk
                    FROM calls AS c {join}
                    WHERE c.started_at >= TIMESTAMPTZ '{START}' AND c.started_at < TIMESTAMPTZ '{STOP}'
                    GROUP BY 1
                ),
                sold AS (
                    SELECT coalesce({sold or "''"}, '') AS segment, count(*) AS deals,
                        count(*) FILTER (outcome = 'won') AS won, sum(amount) FILTER (outcome = 'won') AS revenue
                    FROM deals
                    WHERE {"true" if sold else "false"} AND closed_at >= TIMESTAMPTZ '{START}'
                        AND closed_at < TIMESTAMPTZ '{STOP}'
                    GROUP BY 1
                )
                SELECT calls, answered, inbound, outbound, talk, deals, won, revenue
                FROM spoken FULL JOIN sold USING (segment)
            """).fetchall()
        told(cuts, base.execute("SELECT stage, count(*) FROM calls GROUP BY 1").fetchall())


if __name__ == "__main__":
    peer = {"pandas": Pandas, "polars": Polars, "sql": Sql}[sys.argv[1]]()
    getattr(peer, sys.argv[2])(Path(sys.argv[3]), Path(sys.argv[4]))
