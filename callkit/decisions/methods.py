"""The methods behind decisions, named: where each comes from, its formula, its limits, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from callkit.decisions.finding import Finding
from callkit.locale import Locale

METHODS = (
    "changed", "simpson", "wilson", "ratio", "shrunk", "shuffled", "limit", "grown", "corrected", "fault", "cohorts",
    "whatif", "best", "costs", "funnel", "wait", "uneven", "runoff",
)  # fmt: skip
OF_KIND: Mapping[str, str] = MappingProxyType(
    {
        "heavy": "shuffled", "light": "shuffled", "after_sale": "shuffled", "manager": "shuffled", "change": "shuffled",
        "stage": "limit", "fault": "fault",
    }
)  # fmt: skip
"""The method that a kind of finding rests on; of the whole, some rest on another (`method_of`)."""


@dataclass(frozen=True)
class Method:
    """What is told of a method beside a number made with it."""

    name: str
    source: str
    formula: str
    limits: str


def method(key: str, locale: Locale) -> Method:
    """A method of `METHODS` in words.

    >>> method("wilson", Locale("en")).source
    'Wilson, JASA 22 (1927)'
    """
    return Method(*(locale.text(f"method.{key}_{part}") for part in ("name", "source", "formula", "limits")))


def method_of(finding: Finding) -> str:
    """The key of the method that a finding rests on."""
    if finding.kind == "change" and finding.measure in ("revenue", "talk_minutes"):
        return "grown"
    if finding.kind == "after_sale" and not finding.by:
        return "limit"
    return OF_KIND[finding.kind]
