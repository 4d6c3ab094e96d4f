"""A page of the same content as callkit's overview, in Streamlit: what a good user of that tool would write.

A filter by manager, eight value cards against the month before, a bubble chart by source, the table of values. It reads
the placed calls and the deals that `peers.py sql` left on disk, by SQL; figures are kept by month and managers.
Run as `streamlit run peer_streamlit.py -- STORE MANAGERS.csv`.
"""

import datetime as dt
import sys

import altair as alt
import duckdb
import pandas as pd
import streamlit as st

STORE, MANAGERS = sys.argv[1:3]
ADDED = ["calls", "talk_minutes", "deals", "won_deals", "revenue"]
CARDS = {
    "talk_minutes": ("Talk, min", "{:,.0f}"),
    "calls": ("Calls", "{:,.0f}"),
    "deals": ("Deals", "{:,.0f}"),
    "won_deals": ("Won deals", "{:,.0f}"),
    "conversion": ("Conversion", "{:.1%}"),
    "revenue": ("Revenue", "{:,.0f} ₽"),
    "revenue_per_minute": ("Value of a minute", "{:,.0f} ₽"),
    "minutes_per_sale": ("Minutes per sale", "{:,.0f}"),
}
SUMS = """
    WITH spoken AS (
        SELECT CASE WHEN c.placed_deal IS NULL THEN '(no deal)' ELSE coalesce(d.source, '(not set)') END AS source,
            count(*) AS calls, sum(c.talk_seconds) / 60 AS talk_minutes
        FROM calls AS c LEFT JOIN deals AS d ON d.deal_id = c.placed_deal
        WHERE c.started_at >= $start::DATE AND c.started_at < $stop::DATE
            AND (len($managers) = 0 OR list_contains($managers, c.manager_id))
        GROUP BY ALL
    ),
    closed AS (
        SELECT coalesce(source, '(not set)') AS source, count(*) AS deals,
            count(*) FILTER (outcome = 'won') AS won_deals,
            coalesce(sum(amount) FILTER (outcome = 'won'), 0) AS revenue
        FROM deals
        WHERE closed_at >= $start::DATE AND closed_at < $stop::DATE
            AND (len($managers) = 0 OR list_contains($managers, manager_id))
        GROUP BY ALL
    )
    FROM spoken FULL JOIN closed USING (source)
    SELECT source, coalesce(calls, 0) AS calls, coalesce(talk_minutes, 0) AS talk_minutes,
        coalesce(deals, 0) AS deals, coalesce(won_deals, 0) AS won_deals, coalesce(revenue, 0) AS revenue
"""


@st.cache_resource
def store():
    base = duckdb.connect(STORE, read_only=True)
    base.execute("SET GLOBAL TimeZone = 'Europe/Moscow'")
    return base


@st.cache_data
def managers() -> dict[str, str]:
    listed = pd.read_csv(MANAGERS, dtype="str")
    namesakes = listed["name"].duplicated(keep=False)
    shown = listed["name"].where(~namesakes, listed["name"] + " (" + listed["manager_id"] + ")")
    return dict(zip(shown, listed["manager_id"], strict=True))


@st.cache_data
def last_month() -> dt.date:
    return store().cursor().execute("SELECT date_trunc('month', max(started_at))::DATE FROM calls").fetchone()[0]


@st.cache_data(max_entries=200)
def sums(start: dt.date, stop: dt.date, chosen: tuple[str, ...]) -> pd.DataFrame:
    asked = {"start": start, "stop": stop, "managers": list(chosen)}
    return store().cursor().execute(SUMS, asked).df()


def with_ratios(figures: pd.DataFrame, whole: pd.Series) -> pd.DataFrame:
    return figures.assign(
        talk_share=figures["talk_minutes"] / whole["talk_minutes"],
        win_share=figures["won_deals"] / whole["won_deals"],
        revenue_share=figures["revenue"] / whole["revenue"],
        conversion=figures["won_deals"] / figures["deals"],
        revenue_per_minute=figures["revenue"] / figures["talk_minutes"],
        minutes_per_sale=figures["talk_minutes"] / figures["won_deals"],
    ).assign(efficiency=lambda f: f["revenue_share"] / f["talk_share"])


def cards(now: pd.DataFrame, before: pd.DataFrame) -> None:
    for column, (name, (title, form)) in zip(st.columns(len(CARDS)), CARDS.items(), strict=True):
        change = now[name].iloc[0] / before[name].iloc[0] - 1
        column.metric(title, form.format(now[name].iloc[0]), f"{change:+.1%}")


def bubble(segments: pd.DataFrame) -> alt.LayerChart:
    label = segments["source"] + segments["conversion"].map(lambda c: f" · {c:.1%}")
    drawn = alt.Chart(segments.assign(label=label).dropna(subset="conversion")).encode(
        x=alt.X("talk_share", title="Share of talk", axis=alt.Axis(format="%")),
        y=alt.Y("conversion", title="Conversion", axis=alt.Axis(format="%")),
        tooltip=["source", "won_deals", *(alt.Tooltip(c, format=".1%") for c in ("conversion", "talk_share"))],
    )
    circles = drawn.mark_circle(opacity=0.7).encode(
        size=alt.Size("won_deals", title="Won deals", scale=alt.Scale(range=[30, 2500])),
        color=alt.Color("source", legend=None),
    )
    return (circles + drawn.mark_text(dy=-18).encode(text="label")).properties(height=420)


def page() -> None:
    st.set_page_config(page_title="Overview", layout="wide")
    known = managers()
    st.title("Overview")
    chosen = st.pills("Manager", list(known), selection_mode="multi")
    ids = tuple(sorted(known[name] for name in chosen))
    start = last_month()
    stop, earlier = (start + dt.timedelta(days=31)).replace(day=1), (start - dt.timedelta(days=1)).replace(day=1)
    now, before = sums(start, stop, ids), sums(earlier, start, ids)
    whole, former = now[ADDED].sum(), before[ADDED].sum()
    cards(with_ratios(whole.to_frame().T, whole), with_ratios(former.to_frame().T, former))
    segments = with_ratios(now.sort_values("talk_minutes", ascending=False), whole)
    st.altair_chart(bubble(segments))
    share, money = st.column_config.NumberColumn(format="percent"), st.column_config.NumberColumn(format="%,.0f")
    values = [
        "source", "talk_minutes", "talk_share", "win_share", "revenue_share", "deals", "won_deals", "revenue",
        "revenue_per_minute", "minutes_per_sale", "efficiency",
    ]  # fmt: skip
    st.dataframe(
        segments[values],
        hide_index=True,
        column_config={
            **dict.fromkeys(("talk_share", "win_share", "revenue_share"), share),
            **dict.fromkeys(("talk_minutes", "revenue", "revenue_per_minute", "minutes_per_sale"), money),
        },
    )


page()
