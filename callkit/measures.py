"""The registry of measures: one list feeds computing, labels, formats, tooltips, tables and the data dictionary.

A *measure* adds up over segments (it has an SQL expression over calls or over deals); a *metric* divides one
measure by another, last. The names, their order and their meaning are the contract of `callkit metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WILSON_Z = 1.959963984540054
SUMMED_FIRST = {
    "calls": ("direction, answered", "count(*) AS many, sum(talk_seconds) AS talk"),
    "deals": ("outcome", "sum(weight) AS parts, sum(weight * amount) AS worth"),
}
"""By fact: what its rows are grouped by, beside the segments, before measures are summed, and the sums of a group.

Groups are few, so that a row costs one count and one sum, however many measures there are.
"""


@dataclass(frozen=True)
class Measure:
    """One column of figures.

    `fact` names the table an additive measure is summed over (`calls` or `deals`) by the SQL in `sums`, which speaks of
    the columns of `SUMMED_FIRST`; a metric has a `numerator` and a `denominator` instead, the latter taken from the
    whole scope where `of_scope` is set. `kind` is how it is written for people: count, minutes, seconds, share, money
    or ratio.
    """

    name: str
    ru: str
    en: str
    kind: str
    help_ru: str
    help_en: str
    fact: str = ""
    sums: str = ""
    numerator: str = ""
    denominator: str = ""
    of_scope: bool = False

    def label(self, lang: str) -> str:
        return self.ru if lang == "ru" else self.en

    def help(self, lang: str) -> str:
        return self.help_ru if lang == "ru" else self.help_en


_LIST = [
    Measure(
        "calls", "Звонки", "Calls", "count",
        "Число звонков в выборке, и состоявшихся, и без ответа.",
        "Calls in scope, answered or not.",
        fact="calls", sums="sum(many)",
    ),
    Measure(
        "answered_calls", "Состоявшиеся", "Answered", "count",
        "Звонки, в которых был разговор: длительность больше нуля.",
        "Calls with talk: more than zero seconds.",
        fact="calls", sums="sum(case when answered = 1 then many else 0 end)",
    ),
    Measure(
        "inbound_calls", "Входящие", "Inbound", "count",
        "Звонки от клиентов.", "Calls from clients.",
        fact="calls", sums="sum(case when direction = 1 then many else 0 end)",
    ),
    Measure(
        "outbound_calls", "Исходящие", "Outbound", "count",
        "Звонки клиентам.", "Calls to clients.",
        fact="calls", sums="sum(case when direction = 2 then many else 0 end)",
    ),
    Measure(
        "talk_minutes", "Минуты разговора", "Talk, min", "minutes",
        "Сумма времени разговоров в минутах.", "Sum of talk, in minutes.",
        fact="calls", sums="sum(talk) / 60.0",
    ),
    Measure(
        "mean_call_seconds", "Средняя продолжительность", "Mean call", "seconds",
        "Время разговоров ÷ состоявшиеся звонки.", "Talk ÷ answered calls.",
        numerator="talk_seconds", denominator="answered_calls",
    ),
    Measure(
        "call_share", "Пропорция звонков", "Share of calls", "share",
        "Звонки сегмента ÷ все звонки выборки.", "Calls ÷ all calls in scope.",
        numerator="calls", denominator="calls", of_scope=True,
    ),
    Measure(
        "talk_share", "Пропорция продолжительности", "Share of talk", "share",
        "Минуты разговора сегмента ÷ все минуты выборки.", "Talk ÷ all talk in scope.",
        numerator="talk_minutes", denominator="talk_minutes", of_scope=True,
    ),
    Measure(
        "deals", "Сделки", "Deals", "count",
        "Сделки, от которых считается конверсия; какие именно, решает взгляд на период.",
        "The deals that conversion is counted on; which, the lens decides.",
        fact="deals", sums="sum(parts)",
    ),
    Measure(
        "won_deals", "Успешные сделки", "Won deals", "count",
        "Сделки, закрытые успешно.", "Deals closed as won.",
        fact="deals", sums="sum(case when outcome = 1 then parts else 0 end)",
    ),
    Measure(
        "open_deals", "В работе", "Open deals", "count",
        "Сделки, которые ещё не закрыты.", "Deals not closed yet.",
        fact="deals", sums="sum(case when outcome = 3 then parts else 0 end)",
    ),
    Measure(
        "conversion", "CV в успех", "Conversion", "share",
        "Успешные сделки ÷ сделки.", "Won deals ÷ deals.",
        numerator="won_deals", denominator="deals",
    ),
    Measure(
        "conversion_low", "CV, нижняя граница", "Conversion, low", "share",
        "Нижняя граница 95 % интервала Уилсона для конверсии.",
        "Lower end of the 95 % Wilson score interval.",
    ),
    Measure(
        "conversion_high", "CV, верхняя граница", "Conversion, high", "share",
        "Верхняя граница 95 % интервала Уилсона для конверсии.",
        "Upper end of the 95 % Wilson score interval.",
    ),
    Measure(
        "win_share", "Пропорция продаж", "Share of sales", "share",
        "Успешные сделки сегмента ÷ все успешные сделки выборки.", "Won deals ÷ all won deals in scope.",
        numerator="won_deals", denominator="won_deals", of_scope=True,
    ),
    Measure(
        "revenue", "Сумма успешных сделок", "Revenue", "money",
        "Сумма бюджетов успешных сделок.", "Sum of the amounts of won deals.",
        fact="deals", sums="sum(case when outcome = 1 then worth else 0 end)",
    ),
    Measure(
        "revenue_share", "Пропорция выручки", "Share of revenue", "share",
        "Сумма успешных сделок сегмента ÷ вся сумма выборки.", "Revenue ÷ all revenue in scope.",
        numerator="revenue", denominator="revenue", of_scope=True,
    ),
    Measure(
        "revenue_per_minute", "Ценность минуты", "Value of a minute", "money",
        "Сумма успешных сделок ÷ минуты разговора, включая разговоры по проигранным и открытым сделкам.",
        "Revenue ÷ talk minutes, talk on lost and open deals included.",
        numerator="revenue", denominator="talk_minutes",
    ),
    Measure(
        "minutes_per_sale", "Минут на продажу", "Minutes per sale", "minutes",
        "Минуты разговора ÷ успешные сделки.", "Talk minutes ÷ won deals.",
        numerator="talk_minutes", denominator="won_deals",
    ),
    Measure(
        "efficiency", "Отдача времени", "Return on time", "ratio",
        "Пропорция выручки ÷ пропорция продолжительности: 1 значит «приносит столько же, сколько занимает».",
        "Share of revenue ÷ share of talk: 1 = earns what it takes.",
        numerator="revenue_share", denominator="talk_share",
    ),
]  # fmt: skip

MEASURES: Mapping[str, Measure] = MappingProxyType({m.name: m for m in _LIST})
"""Every measure by name, in the order of the columns of `callkit metrics`."""

DEAL_COLUMNS = tuple(m for m in MEASURES if list(MEASURES).index(m) >= list(MEASURES).index("deals"))
"""From `deals` to `efficiency`: what rests on deals."""

DIVIDED_BY_WHOLE_OR_MINUTES = ("win_share", "revenue_share", "revenue_per_minute", "minutes_per_sale", "efficiency")
SET_AGAINST_MINUTES = ("revenue_per_minute", "minutes_per_sale", "efficiency")


def wilson(won: float, deals: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of `won` successes in `deals` trials, as fractions of 1.

    Source: E. B. Wilson, JASA 22 (1927) 209-212. `deals` must be above zero.

    >>> low, high = wilson(4, 10)
    >>> round(low, 6), round(high, 6)
    (0.16818, 0.687326)
    """
    share, z2 = won / deals, WILSON_Z**2
    middle = (share + z2 / (2 * deals)) / (1 + z2 / deals)
    reach = WILSON_Z / (1 + z2 / deals) * (share * (1 - share) / deals + z2 / (4 * deals**2)) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)
