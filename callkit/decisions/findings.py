"""Findings: what figures show that chance would hardly give, ranked by the money at stake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from callkit.company import Company
from callkit.decisions import comparing, looking
from callkit.decisions.chance import corrected
from callkit.decisions.evidence import Evidence, evidence, with_columns
from callkit.decisions.finding import Finding
from callkit.dimensions import NO_DEAL
from callkit.measuring import emptied
from callkit.quality import oddities
from callkit.rows import call_rows
from callkit.scope import Scope, resolve, seen
from callkit.working import Working
from callkit.zones import Period, instant

RATE = 0.01
"""The rate of false findings that is allowed."""
_LIKE = ("grade", "source", "project", "pipeline_id")  # what makes deals comparable, in this order; then the rest
_NARROWS_CALLS = frozenset({"stage", "direction", "hour", "weekday"})
_BENDS = {"long_talk": 0.1, "same_second": 0.1, "won_for_nothing": 0.1, "no_deal": 0.25}


@dataclass(frozen=True)
class Findings:
    """What was found, the most money at stake first, and how many things were looked at."""

    found: Sequence[Finding]
    looked: int


def findings(company: Company, scope: Scope, *, rate: float = RATE) -> Findings:
    """Looks at every column of the deals, at managers, stages, the period before and the data's faults.

    Of all that was looked at, what is told holds at a rate of false findings of `rate` (Benjamini and Hochberg).
    Changes are told under the lens `closed` alone, where the period is over and the data reaches back two periods more:
    under the others the later deals have had less time. Segments of fewer than `min_deals` deals are left out.

    >>> from callkit import open_company
    >>> from callkit.locale import Locale
    >>> seen = findings(open_company("demo"), Scope(Period.of_month("2026-10")))
    >>> print(seen.found[0].kind, seen.found[0].by, seen.found[0].segment)
    light grade AA
    """
    least = company.settings.min_deals
    columns = like_columns(company)
    by_manager, rows = _gathered(company, scope, columns)
    talk, revenue = float(rows.talk_minutes.sum()), float(rows.revenue.sum())
    worth = revenue / talk if revenue and talk else 1.0
    with_minutes = talk > 0 and "revenue_per_minute" not in emptied(resolve(company, scope))[1]
    whole_deals = scope.credit not in ("talk", "equal")
    looked = look(rows, by_manager, columns, least, worth, whole_deals=whole_deals, with_minutes=with_minutes)
    if not _NARROWS_CALLS & set(scope.where):
        looked += looking.stages(_stage_load(company, scope), worth, least)
    if (before := _before(company, scope)) is not None:
        former_managers, former = _gathered(company, before, columns)
        looked += look_back(
            rows, former, by_manager, former_managers, columns, least, worth,
            _exposures(scope.period, before.period, company.settings.hours),
            whole_deals=whole_deals, with_minutes=with_minutes,
        )  # fmt: skip
    held = [replace(f, lens=scope.lens) for f in holding(looked, rate)]
    return Findings(ranked([*held, *_faults(company, scope, worth, talk)]), len(looked))


def like_columns(company: Company) -> list[str]:
    """The columns of the deals that are looked at, those first that make deals comparable."""
    own = [d.name for d in company.dimensions.values() if d.of == "deal" and d.name != "owner"]
    return sorted(own, key=lambda name: (_LIKE.index(name) if name in _LIKE else len(_LIKE), name))


def look(
    rows: Evidence,
    by_manager: Evidence | None,
    columns: Sequence[str],
    least: int,
    worth: float,
    *,
    whole_deals: bool = True,
    with_minutes: bool = True,
) -> list[Finding]:
    """All that is looked at within one period, on the evidence of deals alone."""
    looked: list[Finding] = []
    if with_minutes:
        looked += looking.after_sale_whole(rows, worth)
        looked += looking.time_and_money(rows, columns, least)
        looked += looking.after_sale(rows, columns, least, worth)
    if by_manager is not None:
        looked += comparing.managers(by_manager, columns, least, whole_deals=whole_deals, with_minutes=with_minutes)
    return looked


def look_back(
    now: Evidence,
    before: Evidence,
    managers_now: Evidence | None,
    managers_before: Evidence | None,
    columns: Sequence[str],
    least: int,
    worth: float,
    exposures: Sequence[float],
    *,
    whole_deals: bool = True,
    with_minutes: bool = True,
) -> list[Finding]:
    """All that is looked at against the period before."""
    looked = comparing.totals(now, before, exposures, worth) if with_minutes else []
    for column in ("", *columns):
        looked += comparing.changes(now, before, column, least, whole_deals=whole_deals, with_minutes=with_minutes)
    if managers_now is not None and managers_before is not None:
        looked += comparing.changes(
            managers_now, managers_before, "manager", least, whole_deals=whole_deals, with_minutes=with_minutes
        )
    return looked


def holding(looked: Sequence[Finding], rate: float = RATE) -> list[Finding]:
    """Those of the findings that hold at a rate of false ones of `rate`, and are worth a sentence."""
    q_values = corrected([f.p if f.p is not None else 0.0 for f in looked])
    return [replace(f, q=q) for f, q in zip(looked, q_values, strict=True) if q <= rate and f.material]


def ranked(found: Iterable[Finding]) -> list[Finding]:
    """The most money at stake first, as much of it as chance leaves; one finding of a kind about a segment."""
    kept: dict[tuple[str, ...], Finding] = {}
    for finding in sorted(found, key=lambda f: (-f.certain, f.kind, f.by, f.segment, f.measure)):
        told_apart = "" if finding.by else finding.measure + (finding.oddity.kind if finding.oddity else "")
        kept.setdefault((finding.kind, finding.by, finding.segment, told_apart), finding)
    return list(kept.values())


def _gathered(company: Company, scope: Scope, columns: Sequence[str]) -> tuple[Evidence | None, Evidence]:
    """The evidence by manager, where there is any, and by the columns of the deals: the engine sums but once."""
    if scope.lens == "called":
        return None, evidence(company, scope, columns)
    by_manager = evidence(company, scope, ["manager"])
    rows = with_columns(company, by_manager, columns)
    return by_manager.beside(rows), rows


def _before(company: Company, scope: Scope) -> Scope | None:
    """The scope of the period before, where a comparison is fair."""
    before = scope.period.previous()
    first, _ = company.span
    if scope.lens != "closed" or not company.over(scope.period) or first.replace(day=1) > before.previous().start:
        return None
    return replace(scope, period=before)


def _exposures(period: Period, before: Period, working: Working) -> tuple[float, float]:
    """How much longer a period is than another: in days, and in working days."""
    days, working_days = (
        [max(1, count(p)) for p in (period, before)] for count in (lambda p: (p.stop - p.start).days, working.days_in)
    )
    return days[0] / days[1], working_days[0] / working_days[1]


def _stage_load(company: Company, scope: Scope) -> looking.Stages:
    """Talk by deal and open stage, and the stages in their order.

    Stays and time are those of the deals that were called, in the period where the lens dates calls. The order is that
    of the pipeline, or where it does not say, of how soon deals come to a stage.
    """
    resolved = resolve(company, scope)
    calls = call_rows(resolved, "c.deal_key AS deal_key, c.stage AS stage, c.talk_seconds AS talk_seconds", [])
    start, stop = resolved.instants
    if scope.lens not in ("closed", "called"):
        start, stop = 0, instant(dt.datetime.combine(company.span[1] + dt.timedelta(days=1), dt.time(), dt.UTC))
    is_open = "s.stage = y.stage AND (s.kind = 'open' OR s.kind IS NULL)"
    double = company.engine.types["DOUBLE"]
    deal, stage, minutes = company.engine.arrays(
        3,
        f"""
        SELECT y.deal_key AS deal_key, y.stage AS stage, CAST(sum(y.talk_seconds) AS {double}) / 60 AS minutes
        FROM ({calls.text}) AS y JOIN stages AS s ON {is_open}
        WHERE y.deal_key IS NOT NULL
        GROUP BY y.deal_key, y.stage ORDER BY y.deal_key, y.stage
        """,
        calls.values,
    )
    stays = company.engine.query(
        f"""
        SELECT y.stage, s.pipeline_id, s.position, count(*),
            sum(CAST(least(y.left_us, ?) - greatest(y.entered_us, ?) AS {double})),
            avg(CAST(y.entered_us - d.created_us AS {double}))
        FROM stays AS y JOIN stages AS s ON {is_open} JOIN deals AS d ON d.deal_key = y.deal_key
        WHERE y.entered_us < ? AND y.left_us > ? AND y.deal_key IN (SELECT deal_key FROM ({calls.text}) AS called)
        GROUP BY y.stage, s.pipeline_id, s.position ORDER BY y.stage
        """,
        [stop, start, stop, start, *calls.values],
    )
    labels = company.labels("stage")
    known = np.array([row[0] for row in stays], dtype=np.int64)  # in their order
    kept = np.isin(stage, known)
    counts = np.array([[float(n), float(time)] for *_, n, time, _ in stays]).reshape(-1, 2)
    unordered = {pipeline for _, pipeline, position, *_ in stays if position is None}
    comes = [(p, float(soon if p in unordered else position)) for _, p, position, _, _, soon in stays]
    return looking.Stages(
        np.asarray(minutes[kept], dtype=np.float64),
        deal[kept].astype(np.int64),
        np.searchsorted(known, stage[kept].astype(np.int64)),
        [labels[int(code)] for code in known],
        counts[:, 0],
        (counts / np.maximum(counts.sum(axis=0), 1e-9)).max(axis=1, initial=0.0),
        [[j for j, other in enumerate(comes) if other[0] == own[0] and other[1] < own[1]] for own in comes],
    )


def _faults(company: Company, scope: Scope, worth: float, talk: float) -> list[Finding]:
    """Faults of the data that bend a figure by a tenth or more: counted, not inferred."""
    found = []
    bent_kinds = [kind for kind, bent in _bent(company, scope).items() if bent >= _BENDS[kind]]
    for odd in oddities(company, scope, kinds=bent_kinds) if talk and bent_kinds else ():
        minutes = float(odd.effect.get("minutes") or odd.talk_minutes or 0.0)
        bent = float(odd.effect["share"] or 0.0) if odd.kind == "won_for_nothing" else minutes / talk
        found.append(
            Finding(
                "fault", "revenue_per_minute", stake=bent * talk * worth, talk_minutes=minutes, oddity=odd,
                lens=scope.lens,
            )
        )  # fmt: skip
    return found


def _bent(company: Company, scope: Scope) -> dict[str, float]:
    """How much of the talk, or of the won deals, each kind of fault holds: cheaper to ask than which rows they are."""
    start, stop = scope.period.instants(company.timezone)
    own, engine = seen(company), company.engine
    period = f"c.started_us >= {start} AND c.started_us < {stop} AND {own.calls}"
    long = f"c.talk_seconds > {company.settings.long_talk_hours * 3600}"
    talk, over, loose, by_somebody = engine.query(f"""
        SELECT sum(c.talk_seconds), sum(CASE WHEN {long} THEN c.talk_seconds ELSE 0 END),
            sum(CASE WHEN c.stage = {NO_DEAL} THEN c.talk_seconds ELSE 0 END),
            sum(CASE WHEN c.manager > 0 THEN c.talk_seconds ELSE 0 END)
        FROM calls AS c WHERE {period}
    """)[0]
    once = engine.query(f"""
        SELECT sum(most) FROM (
            SELECT max(c.talk_seconds) AS most FROM calls AS c WHERE c.manager > 0 AND {period}
            GROUP BY c.manager, CAST(floor(c.started_us / 1000000.0) AS BIGINT)
        ) AS seconds
    """)[0][0]
    won, empty = engine.query(f"""
        SELECT count(*), sum(CASE WHEN d.amount = 0 THEN 1 ELSE 0 END) FROM deals AS d
        WHERE d.outcome = 1 AND d.closed_us >= {start} AND d.closed_us < {stop} AND {own.deals}
    """)[0]
    parts = {"long_talk": over, "no_deal": loose, "same_second": (by_somebody or 0) - (once or 0)}
    shares = {kind: float(part or 0) / float(talk) if talk else 0.0 for kind, part in parts.items()}
    return shares | {"won_for_nothing": float(empty or 0) / won if won else 0.0}
