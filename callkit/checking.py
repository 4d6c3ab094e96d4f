"""`callkit check`: the contract and the quality of a source, for people or for machines."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import Any

from callkit.company import Company, open_company
from callkit.contract import Violation
from callkit.errors import ContractError
from callkit.quality import Oddity, oddities
from callkit.scope import Scope
from callkit.zones import Period


def run(source: str, timezone: str | None, lang: str, form: str) -> int:
    """Prints what `check` finds; returns the exit code: 0, or 3 where the contract is broken.

    Odd data is told but breaks nothing. In JSON: `ok`, `violations`, `tables`, `dimensions`, `timezone`, `oddities`.
    """
    try:
        with open_company(source, timezone=timezone) as company:
            first, last = company.span
            found = oddities(company, Scope(Period(first, last + dt.timedelta(days=1))))
            told = _as_json(company, found) if form == "json" else _as_text(company, found, lang)
    except ContractError as error:
        if form != "json":
            raise
        violations = [asdict(v) if isinstance(v, Violation) else {"problem": str(v)} for v in error.violations]
        print(
            json.dumps(
                {"ok": False, "violations": violations or [{"problem": str(error)}]}, ensure_ascii=False, indent=1
            )
        )
        return error.exit_code
    print(told)
    return 0


def _as_json(company: Company, found: list[Oddity]) -> str:
    first, last = company.span
    told: dict[str, Any] = {
        "ok": True,
        "violations": [],
        "tables": company.facts["rows"],
        "ignored_columns": company.facts["ignored"],
        "dimensions": company.facts["dimensions"],
        "timezone": company.timezone,
        "timezone_declared": company.facts["zone_declared"],
        "calls_from": str(first),
        "calls_until": str(last),
        "oddities": [
            {
                "kind": o.kind,
                "rows": o.rows,
                "talk_minutes": o.talk_minutes,
                "examples": [row[0] for row in o.listed[:3]],
                "effect": o.effect,
            }
            for o in found
        ],
    }
    if "pulled" in company.facts:
        told["pulled"] = company.facts["pulled"]
    return json.dumps(told, ensure_ascii=False, indent=1)


def _as_text(company: Company, found: list[Oddity], lang: str) -> str:
    locale = company.settings.locale(lang or "en")
    facts = company.facts
    first, last = company.span
    zone = "" if facts["zone_declared"] else " (nobody named it: [account] timezone, or --timezone)"
    lines = [f"contract: kept; {company.source}"]
    lines += [
        f"  {name}: {rows} rows" + (f", {facts['said'][name]}" if name in facts["said"] else "")
        for name, rows in facts["rows"].items()
    ]
    lines += [f"  {name}: columns not read: {', '.join(columns)}" for name, columns in facts["ignored"].items()]
    lines += [
        f"dimensions: {', '.join(facts['dimensions']) or 'none but those of every company'}",
        f"time zone: {company.timezone}{zone}",
        f"calls: {first} to {last}",
        f"quality: {len(found)} kinds of oddities, none of them dropped" if found else "quality: nothing odd",
    ]
    for o in found:
        examples = ", ".join(row[0] for row in o.listed[:3])
        lines.append(f"  {o.title(locale)}: {locale.number(o.rows)}" + (f" ({examples}…)" if examples else ""))
        lines.append(f"    {o.said(locale)}")
    if "pulled" in facts:
        from callkit.crm import telling

        lines += telling.told(facts["pulled"], locale)
    return "\n".join(lines)
