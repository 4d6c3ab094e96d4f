"""The placed calls as they come back: one row a call, with the columns that placing added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callkit.company import Company, Source, open_company
from callkit.dimensions import OTHERS, OTHERS_LABEL, code_label
from callkit.engine import quoted
from callkit.placing import NOWHERE, ON_CLOSED_CONTACT, ON_CONTACT, ON_CONTACT_AMBIGUOUS, ON_DEAL
from callkit.scope import seen, shown
from callkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

HOW = {
    NOWHERE: "nowhere",
    ON_DEAL: "deal",
    ON_CONTACT: "contact",
    ON_CONTACT_AMBIGUOUS: "contact, ambiguous",
    ON_CLOSED_CONTACT: "contact, closed",
}


def place(source: Source, *, timezone: str | None = None, settings: Settings | None = None) -> pd.DataFrame:
    """Every call of a source on its deal and stage; frames in, a frame out.

    One row a call, by time: `call_id`, `started_at` (in the account's zone), `talk_seconds`, `direction`, `manager`,
    `deal_id` (None without a deal), `stage`, `placed` (how the call came to its deal), and the deal's own dimensions.
    Labels are those of `callkit metrics`.

    Raises as `open_company` does.
    """
    with open_company(source, timezone=timezone, settings=settings) as company:
        return placed_calls(company)


def placed_calls(company: Company) -> pd.DataFrame:
    """`place` for an opened company; the calls that its viewer sees."""
    import pandas as pd

    own = [shown(company, d) for d in company.dimensions.values() if d.of == "deal" and d.name != "owner"]
    listed = "".join(f", {d.calls} AS {quoted(d.name)}" for d in own)
    his = seen(company)
    deal_id = "d.deal_id" if his.all else f"CASE WHEN {his.deals} THEN d.deal_id END"
    frame = company.engine.frame(f"""
        SELECT c.call_id AS call_id, c.started_us AS started_at, c.talk_seconds AS talk_seconds,
            c.direction AS direction, c.manager AS manager, {deal_id} AS deal_id, c.stage AS stage,
            c.how AS placed{listed}
        FROM calls AS c LEFT JOIN deals AS d ON d.deal_key = c.deal_key
        WHERE {his.calls}
        ORDER BY c.started_us, c.call_id
    """)
    frame["started_at"] = pd.to_datetime(frame["started_at"], unit="us", utc=True).dt.tz_convert(company.timezone)
    frame["direction"] = [code_label("direction", code) for code in frame["direction"]]
    frame["placed"] = frame["placed"].map(HOW)
    for name in ("manager", "stage", *(d.name for d in own)):
        frame[name] = frame[name].map(company.labels(name) | {OTHERS: OTHERS_LABEL})
    return frame
