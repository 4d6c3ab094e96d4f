"""What figures say, in plain sentences. Never causal; small numbers say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callkit.company import Company
from callkit.decisions.changed import changed
from callkit.decisions.clock import LEAST_WAITS
from callkit.decisions.day import LEAST, uneven
from callkit.decisions.whatif import Refusal, best
from callkit.dimensions import UNNAMED
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import NBSP, Locale
from callkit.measures import MEASURES
from callkit.zones import Period

if TYPE_CHECKING:
    from callkit.sections import Section

_EVEN = 0.05  # shares that differ by less than this are called alike


def of_section(section: Section) -> str:
    """The sentence above a section."""
    total, text = section.figures.total, section.locale.text
    if not total["calls"] and not total["deals"]:
        return text("section.no_calls", period=_period(section))
    if section.name == "quality":
        return _of_quality(section)
    if section.name == "stages":
        return _of_stages(section)
    if section.name == "changes":
        return _of_changes(section)
    if section.name == "cohorts":
        return _of_cohorts(section)
    if section.name == "costs":
        return section.costs_said
    if section.name == "whatif":
        return _of_whatif(section)
    if section.name == "day":
        return _of_day(section)
    if section.name == "overview" or not section.by:
        return of_whole(section)
    return " ".join(of_cut(section.figures, section.locale, section.company.settings.min_deals)) or of_whole(section)


def of_whole(section: Section) -> str:
    """The scope in one or two sentences: calls, talk, deals, conversion, revenue, value of a minute."""
    total, locale = section.figures.total, section.locale
    sentence = locale.text(
        "section.whole",
        period=capital(_period(section)),
        calls=locale.plural("section.calls_counted", total["calls"] or 0),
        talk=locale.number((total["talk_minutes"] or 0) / 60, 1),
        won=locale.value("won_deals", total["won_deals"]),
        deals=locale.plural("section.won_of", total["deals"] or 0),
        conversion=locale.percent(total["conversion"]),
        revenue=locale.money(total["revenue"]),
    )
    if total["revenue_per_minute"] is None:
        return sentence
    return f"{sentence} {locale.text('section.whole_minute', value=locale.money(total['revenue_per_minute']))}"


def of_cut(figures: Figures, locale: Locale, min_deals: int) -> list[str]:
    """The segments whose talk and revenue part most, the heavier first; segments with too few deals are left out."""
    rows = [dict(zip(figures.columns, row, strict=True)) for row in figures.rows[:-1]]
    title = " × ".join(locale.title(k) for k in figures.keys)
    if not rows:
        return []
    if all(r["revenue_share"] is None or r["talk_share"] is None for r in rows):
        top = rows[0]
        if top["talk_share"] is None:
            return []
        named = _named(top, figures, locale)
        return [locale.text("section.no_revenue", segment=named, talk_share=locale.percent(top["talk_share"], 0))]
    told = [
        r
        for r in rows
        if not any(r[k] in UNNAMED for k in figures.keys)
        and (r["deals"] or 0) >= min_deals
        and r["revenue_share"] is not None
        and r["talk_share"]
        and r["efficiency"] is not None
    ]
    if not told:
        return [locale.text("section.too_few", n=min_deals)]
    gaps = sorted(told, key=lambda r: r["revenue_share"] - r["talk_share"])
    said = []
    for key, row, gap in (
        ("heavy", gaps[0], gaps[0]["talk_share"] - gaps[0]["revenue_share"]),
        ("light", gaps[-1], gaps[-1]["revenue_share"] - gaps[-1]["talk_share"]),
    ):
        if gap >= _EVEN:
            said.append(
                locale.text(
                    f"section.{key}",
                    column=capital(title),
                    segment=_named(row, figures, locale),
                    talk_share=locale.percent(row["talk_share"], 0),
                    revenue_share=locale.percent(row["revenue_share"], 0),
                    efficiency=locale.number(row["efficiency"], 1),
                    deals=locale.plural("section.deals_counted", row["deals"]),
                )
            )
    return said or [locale.text("section.even", column=title)]


def left_out(section: Section) -> str:
    """How many calls have no deal, with their share of talk; nothing where there are none."""
    rows = {row[0]: dict(zip(section.cut("stage").columns, row, strict=True)) for row in section.cut("stage").rows}
    none = rows.get("(no deal)")
    if not none:
        return ""
    calls, share = section.locale.number(none["calls"]), section.locale.percent(none["talk_share"])
    return section.locale.text("section.left_out", calls=calls, share=share)


def total_line(figures: Figures, locale: Locale) -> str:
    """The whole scope in one line of plain text."""
    t, number = figures.total, locale.number
    line = locale.text(
        "section.total_line",
        calls=number(t["calls"]), talk=number(t["talk_minutes"], 1), deals=number(t["deals"]),
        won=number(t["won_deals"]), revenue=number(t["revenue"], 2),
    )  # fmt: skip
    return line.replace(NBSP, " ")


def change(name: str, now: float | None, before: float | None, locale: Locale) -> tuple[float | None, str]:
    """A figure's change against the period before, as a fraction and in words; shares change in percentage points."""
    if now is None or before is None or (not before and MEASURES[name].kind != "share"):
        return None, ""
    points = MEASURES[name].kind == "share"
    moved = (now - before) if points else (now - before) / abs(before)
    if abs(moved) < 0.0005:
        return 0.0, locale.text("section.no_change")
    sign = "+" if moved > 0 else "\N{MINUS SIGN}"
    if points:
        return moved, locale.text("section.change_points", sign=sign, change=locale.number(abs(moved) * 100, 1))
    return moved, locale.text(
        "section.change", sign=sign, change=locale.percent(abs(moved), 0 if abs(moved) >= 0.1 else 1)
    )


def won_stages(company: Company) -> set[str]:
    """The labels of the stages of kind won."""
    codes = {code for (code,) in company.engine.query("SELECT stage FROM stages WHERE kind = 'won'")}
    return {label for code, label in company.labels("stage").items() if code in codes}


def _of_changes(section: Section) -> str:
    """What became of the revenue since the period before."""
    if section.earlier is None:
        return of_whole(section)
    try:
        return changed("revenue", section.figures, section.earlier).said(section.locale) or of_whole(section)
    except UsageError:  # by a column of calls a deal's revenue cannot be split
        return of_whole(section)


def _of_cohorts(section: Section) -> str:
    """What share of all the months' new deals is won within so many days, and what open ones hide as yet."""
    text, locale = section.locale.text, section.locale
    if not section.cohorts:
        return of_whole(section)
    *months, whole = section.cohorts
    within = [
        text(
            "decisions.cohorts_within",
            days=locale.plural("charts.days_counted", point.days),
            won=locale.percent(point.won),
            low=locale.percent(point.low),
            high=locale.percent(point.high),
        )
        for point in whole.within[1:]
        if point.won is not None
    ]
    first, last = (Period.of_month(months[i].month) for i in (0, -1))
    said = text(
        "decisions.cohorts_sentence" if within else "decisions.cohorts_short",
        period=capital(locale.period(first.start, last.stop)),
        deals=locale.plural("decisions.cohorts_of", whole.deals),
        within=", ".join(within),
    )
    if not whole.open_deals:
        return said
    open_deals, naive = locale.plural("decisions.cohorts_open", whole.open_deals), locale.percent(whole.naive)
    return f"{said} {text('decisions.cohorts_naive', open=open_deals, naive=naive)}"


def _of_whatif(section: Section) -> str:
    """The best split of the same minutes: what is to be expected of it, and between which segments they would move."""
    if not section.by:
        return of_whole(section)
    figures, locale = section.figures, section.locale
    told = best(figures, min_deals=section.company.settings.min_deals)
    if isinstance(told, Refusal):
        return told.said(locale)
    named = [locale.segments(m.segment, section.by) for m in told.moved]
    moves = [m.minutes_after - m.minutes_before for m in told.moved]
    most, least = moves.index(max(moves)), moves.index(min(moves))
    return locale.text(
        "decisions.whatif_sentence",
        before=locale.money(told.before), expected=locale.money(told.expected), low=locale.money(told.low),
        high=locale.money(told.high), elasticity=locale.number(told.elasticity, 2),
        more=named[most], gained=locale.number(moves[most]), less=named[least], given=locale.number(-moves[least]),
    )  # fmt: skip


def _of_stages(section: Section) -> str:
    figures, locale = section.cut("stage"), section.locale
    share = {row[0]: dict(zip(figures.columns, row, strict=True))["talk_share"] or 0 for row in figures.rows[:-1]}
    special = {"(no deal)": "no_deal", "(before the deal)": "before", "(no stage history)": ""}
    staged = {label: s for label, s in share.items() if label not in special}
    if not staged:
        return of_whole(section)
    top = max(staged, key=lambda label: staged[label])
    said = [locale.text("section.stage_most", stage=top, share=locale.percent(staged[top], 0))]
    after = sum(s for label, s in share.items() if label in won_stages(section.company))
    parts = [("section.stage_post_sale", after)]
    parts += [(f"section.stage_{key}", share.get(label, 0)) for label, key in special.items() if key]
    return " ".join(said + [locale.text(key, share=locale.percent(s, 0)) for key, s in parts if s >= 0.005])


def _of_day(section: Section) -> str:
    """The answer rate and its best and worst hour, the missed calls, the wait of new deals."""
    locale, text, whole = section.locale, section.locale.text, section.week.whole
    said = []
    unanswered = whole.outbound > whole.answered or whole.missed
    if not unanswered and whole.calls >= LEAST:
        said.append(text("day.said_all_answered", n=locale.plural("section.calls_counted", whole.calls)))
    elif whole.outbound:
        n = locale.plural("day.outbound_counted", whole.outbound)
        said.append(text("day.said_answered", share=locale.percent(whole.answer_rate, 0), n=n))
        if uneven(section.week.hours):
            hours = [t for t in section.week.hours if t.outbound >= LEAST]
            best, worst = (f(hours, key=lambda t: t.answer_rate or 0) for f in (max, min))
            at = {"best": best.hour, "after": (best.hour or 0) + 1, "worst": worst.hour, "late": (worst.hour or 0) + 1}
            shares = {"share": locale.percent(best.answer_rate, 0), "low": locale.percent(worst.answer_rate, 0)}
            said.append(text("day.said_best", **at, **shares))
        elif sum(t.outbound >= LEAST for t in section.week.hours) > 1:
            said.append(text("day.said_even"))
    if whole.inbound and (unanswered or whole.calls < LEAST):
        n, lost = locale.plural("day.inbound_counted", whole.inbound), section.missed.whole
        counts = {name: locale.number(getattr(lost, name)) for name in ("missed", "followed")}
        counts |= {"back": locale.number(lost.called_back), "through": locale.number(lost.got_through)}
        key = "day.said_missed" if whole.missed else "day.said_none_missed"
        said.append(text(key, n=n, share=locale.percent(whole.missed_share, 0), **counts))
    wait = section.responses.whole.wait
    if wait.waits >= LEAST_WAITS:
        n = locale.plural("day.deals_of", wait.waits)
        key = "day.said_waited_long" if wait.median is None else "day.said_waited"
        within = {"limit": wait.within[1].minutes, "share": locale.percent(wait.within[1].share, 0)}
        said.append(text(key, n=n, median=_waited(wait.median or 0, locale), **within))
    return " ".join(said) or of_whole(section)


def _waited(minutes: float, locale: Locale) -> str:
    if minutes < 100:
        return locale.text("day.minutes_counted", n=locale.number(minutes, 0 if minutes >= 10 else 1))
    return locale.text("day.hours_counted", n=locale.number(minutes / 60, 1))


def _of_quality(section: Section) -> str:
    total, odd = section.figures.total, section.odd
    nowhere = next((o.rows for o in odd if o.kind == "no_deal"), 0)
    calls = total["calls"] or 0
    key = "section.quality_sentence" if odd else "section.quality_clean"
    number = section.locale.number
    return section.locale.text(key, calls=number(calls), placed=number(calls - nowhere), kinds=len(odd))


def _period(section: Section) -> str:
    return section.locale.period(section.scope.period.start, section.scope.period.stop)


def _named(row: dict[str, Any], figures: Figures, locale: Locale) -> str:
    return locale.segments((row[k] for k in figures.keys), figures.keys)


def capital(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
