"""What a careful person would write without callkit: the same placing in pandas and in bare DuckDB SQL.

Both read the CSV files of a generated company, put every call on its deal (by the deal's id, else through the
contact) and on its stage, and leave the placed calls and the deals on disk. Neither checks anything.
Run as `python peers.py pandas|sql FOLDER OUT`.
"""

from __future__ import annotations

import sys
from pathlib import Path

LEAD_IN, REACH = 3600, 30 * 86400


def with_pandas(folder: Path, out: Path) -> None:
    import pandas as pd

    text = {"dtype": "str", "keep_default_na": False, "na_values": [""]}
    calls = pd.read_csv(folder / "calls.csv", **text)
    deals = pd.read_csv(folder / "deals.csv", **text)
    changes = pd.read_csv(folder / "stage_changes.csv", **text).drop_duplicates()
    stages = pd.read_csv(folder / "stages.csv", **text)
    contacts = pd.read_csv(folder / "deal_contacts.csv", **text)
    calls["talk_seconds"], deals["amount"] = calls["talk_seconds"].astype("float64"), deals["amount"].astype("float64")
    for table, columns in ((calls, ["started_at"]), (deals, ["created_at", "closed_at"]), (changes, ["changed_at"])):
        for column in columns:
            table[column] = pd.to_datetime(table[column], utc=True, format="ISO8601")
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

    changes = changes.merge(stages, on=["pipeline_id", "stage_id"], how="left")
    changes = changes.sort_values(["changed_at", "position"], kind="stable")
    on_deal = calls[calls["placed_deal"].notna()].sort_values("started_at")
    placed = pd.merge_asof(
        on_deal,
        changes[["deal_id", "changed_at", "pipeline_id", "stage_id", "name"]],
        left_on="started_at",
        right_on="changed_at",
        left_by="placed_deal",
        right_by="deal_id",
        suffixes=("", "_change"),
    )
    first = changes.drop_duplicates("deal_id").set_index("deal_id")
    early = placed["stage_id"].isna()
    entered = placed["placed_deal"].map(first["changed_at"])
    led_in = early & (entered - placed["started_at"] <= lead_in)
    placed.loc[led_in, "name"] = placed.loc[led_in, "placed_deal"].map(first["name"])
    placed.loc[early & ~led_in, "name"] = "(before the deal)"
    placed.loc[early & entered.isna(), "name"] = "(no stage history)"
    local = placed["started_at"].dt.tz_convert("Europe/Moscow")
    placed["hour"], placed["weekday"] = local.dt.hour, local.dt.day_of_week
    placed["month"] = local.dt.strftime("%Y-%m")
    placed.to_pickle(out / "calls.pickle")
    deals.to_pickle(out / "deals.pickle")


def with_sql(folder: Path, out: Path) -> None:
    import duckdb

    base = duckdb.connect(str(out / "bare.duckdb"))
    base.execute("SET TimeZone = 'Europe/Moscow'")
    for name in ("calls", "deals", "stage_changes", "stages", "deal_contacts"):
        ids = "'call_id': 'VARCHAR', 'deal_id': 'VARCHAR', 'manager_id': 'VARCHAR', 'contact_id': 'VARCHAR', "
        ids += "'stage_id': 'VARCHAR', 'started_at': 'TIMESTAMPTZ', 'created_at': 'TIMESTAMPTZ', "
        ids += "'closed_at': 'TIMESTAMPTZ', 'changed_at': 'TIMESTAMPTZ', 'amount': 'DOUBLE', 'talk_seconds': 'DOUBLE'"
        header = (folder / f"{name}.csv").open(encoding="utf-8").readline().strip().split(",")
        types = ", ".join(t for t in ids.split(", ") if t.split("'")[1] in header)
        base.execute(f"CREATE TEMP TABLE raw_{name} AS FROM read_csv('{folder}/{name}.csv', types={{{types}}})")
    base.execute(f"""
        CREATE TABLE calls AS
        WITH near AS (
            SELECT c.call_id, d.deal_id, row_number() OVER (
                PARTITION BY c.call_id
                ORDER BY (d.closed_at IS NULL OR d.closed_at > c.started_at) DESC,
                    CASE WHEN d.closed_at IS NULL OR d.closed_at > c.started_at THEN d.created_at ELSE d.closed_at END
                    DESC, d.deal_id DESC
            ) AS nth
            FROM raw_calls AS c
            JOIN raw_deal_contacts AS x USING (contact_id)
            JOIN raw_deals AS d ON d.deal_id = x.deal_id
            WHERE c.deal_id IS NULL AND d.created_at - INTERVAL {LEAD_IN} SECOND <= c.started_at
                AND (d.closed_at IS NULL OR c.started_at - d.closed_at <= INTERVAL {REACH} SECOND)
        ),
        stays AS (
            SELECT x.deal_id, s.name, x.changed_at,
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
        SELECT p.*, coalesce(t.name, '(no stage)') AS stage, hour(p.started_at) AS hour,
            isodow(p.started_at) AS weekday, strftime(p.started_at, '%Y-%m') AS month
        FROM placed AS p
        LEFT JOIN stays AS t ON t.deal_id = p.placed_deal
            AND p.started_at >= CASE WHEN t.nth = 1 THEN t.changed_at - INTERVAL {LEAD_IN} SECOND ELSE t.changed_at END
            AND (t.left_at IS NULL OR p.started_at < t.left_at)
    """)
    base.execute("CREATE TABLE deals AS FROM raw_deals")
    base.close()


if __name__ == "__main__":
    {"pandas": with_pandas, "sql": with_sql}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
