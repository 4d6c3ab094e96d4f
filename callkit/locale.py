"""Everything that is written for people in Russian or English: texts, column titles, numbers, dates.

Texts live in `texts/*.toml`, a table a text with the keys `ru` and `en`; `text("charts.whole")` reads `whole` of
`charts.toml`. Spaces inside numbers are no-break ones, so that no number is torn by the end of a line.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callkit.errors import UsageError, did_you_mean
from callkit.measures import MEASURES

LANGUAGES = ("ru", "en")
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
CURRENCY_SIGNS = {"RUB": "₽", "EUR": "€", "USD": "$", "GBP": "£", "KZT": "₸", "UAH": "₴", "BYN": "Br", "TRY": "₺"}
MISSING = "–"
_MONTHS = {
    "ru": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "en": "January February March April May June July August September October November December",
}
_MONTHS_GENITIVE = _MONTHS | {"ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"}
_BRACKETED = {
    "(total)": {"ru": "Всего", "en": "Total"},
    "(no deal)": {"ru": "(без сделки)", "en": "(no deal)"},
    "(not set)": {"ru": "(не указано)", "en": "(not set)"},
    "(before the deal)": {"ru": "(до сделки)", "en": "(before the deal)"},
    "(no stage history)": {"ru": "(нет истории этапов)", "en": "(no stage history)"},
    "(others' deals)": {"ru": "(чужие сделки)", "en": "(others' deals)"},
}
_DIRECTIONS = {
    "in": {"ru": "входящие", "en": "inbound"},
    "out": {"ru": "исходящие", "en": "outbound"},
    "unknown": {"ru": "неизвестно", "en": "unknown"},
}
_WEEKDAYS = {
    "ru": ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every text by its key, `charts.whole` → `{"ru": …, "en": …}`."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((Path(__file__).parent / "texts").glob("*.toml")):
        for name, languages in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}.{name}"] = languages
    return found


@dataclass(frozen=True)
class Locale:
    """A language, a currency and the titles of a company's own dimensions.

    >>> Locale("ru", "RUB").value("revenue", 1234567.4).replace(NBSP, " ")
    '1 234 567 ₽'
    >>> Locale("en", "EUR").value("conversion", 0.1234)
    '12.3%'
    >>> Locale("en").value("conversion", None)
    '–'
    """

    lang: str = "ru"
    currency: str = ""
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            raise UsageError(f"language {self.lang!r} is not known; allowed: {', '.join(LANGUAGES)}")

    def text(self, key: str, **values: object) -> str:
        """The text `key` in this language, its `{placeholders}` filled.

        Raises KeyError for a key that is in no catalogue: that is a bug, not a user's mistake.
        """
        texts = catalogue()
        if key not in texts:
            raise KeyError(f"no text {key!r}.{did_you_mean(key, texts)}")
        return texts[key][self.lang].format(**values) if values else texts[key][self.lang]

    def plural(self, key: str, count: float, **values: object) -> str:
        """The text `key` with its forms parted by `|` (ru: 1 | 2-4 | 5+; en: one | many), `{n}` being the number."""
        forms = self.text(key).split("|")
        return forms[_plural_form(count, self.lang)].format(n=self.number(count), **values)

    def title(self, column: str) -> str:
        """How a column, measure or dimension, is headed."""
        if column in MEASURES:
            return MEASURES[column].label(self.lang)
        own = self.titles.get(column, {})
        known = catalogue().get(f"dimensions.{column}", {})
        return own.get(self.lang) or known.get(self.lang) or next(iter(own.values()), column)

    def segment(self, value: str, column: str = "") -> str:
        """A segment's label: the bracketed words and directions, weekdays, months are translated, the rest is data."""
        if value in _BRACKETED:
            return _BRACKETED[value][self.lang]
        if column == "direction" and value in _DIRECTIONS:
            return _DIRECTIONS[value][self.lang]
        if column == "weekday" and value in "1234567":
            return _WEEKDAYS[self.lang][int(value) - 1]
        if column == "hour" and value.isdigit():
            return f"{value}:00"
        if column == "month" and len(value) == 7:
            return self.month(value)
        return value

    def segments(self, values: Iterable[str], columns: Iterable[str]) -> str:
        """The label of a segment of several columns: its parts' labels, joined.

        >>> Locale("en").segments(["Site", "in"], ["source", "direction"])
        'Site · inbound'
        """
        return " · ".join(self.segment(value, column) for value, column in zip(values, columns, strict=True))

    def number(self, value: float | None, digits: int = 0) -> str:
        """`1 234,5` in Russian, `1,234.5` in English; an undefined value is a dash."""
        if value is None or math.isnan(value):
            return MISSING
        plain = f"{value:,.{digits}f}"
        if float(plain.replace(",", "")) == 0:
            plain = plain.replace("-", "")
        plain = plain.replace("-", MINUS)
        return plain.replace(",", NBSP).replace(".", ",") if self.lang == "ru" else plain

    def percent(self, share: float | None, digits: int = 1) -> str:
        if share is None or math.isnan(share):
            return MISSING
        return self.number(share * 100, digits) + (f"{NBSP}%" if self.lang == "ru" else "%")

    def money(self, amount: float | None, digits: int | None = None) -> str:
        if amount is None or math.isnan(amount):
            return MISSING
        if digits is None:
            digits = 0 if abs(amount) >= 100 or amount == 0 else 2
        sign = CURRENCY_SIGNS.get(self.currency, self.currency)
        written = self.number(amount, digits)
        if not sign:
            return written
        if self.lang == "ru" or len(sign) > 1:
            return f"{written}{NBSP}{sign}"
        return f"{MINUS}{sign}{written[1:]}" if written.startswith(MINUS) else f"{sign}{written}"

    def duration(self, seconds: float | None) -> str:
        """`4:05` in minutes and seconds, with hours from one hour on: `1:04:05`."""
        if seconds is None or math.isnan(seconds):
            return MISSING
        minutes, second = divmod(round(seconds), 60)
        hours, minute = divmod(minutes, 60)
        return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"

    def value(self, measure: str, value: float | None) -> str:
        """A figure of `measure` as people read it, with its unit."""
        return self.written(MEASURES[measure].kind, value)

    def written(self, kind: str, value: float | None) -> str:
        """A figure of a kind (count, minutes, seconds, share, money, ratio) as people read it."""
        if value is None or math.isnan(value):
            return MISSING
        if kind == "share":
            return self.percent(value)
        if kind == "money":
            return self.money(value)
        if kind == "seconds":
            return self.duration(value)
        if kind == "ratio":
            return self.number(value, 2) + "×"
        if kind == "minutes":
            return self.number(value, 0 if abs(value) >= 100 else 1)
        return self.number(value, 0 if float(value).is_integer() else 1)

    def month(self, month: str) -> str:
        """`2026-05` → `май 2026`, `May 2026`."""
        year, number = month.split("-")
        return f"{_MONTHS[self.lang].split()[int(number) - 1]} {year}"

    def day(self, day: dt.date) -> str:
        """`1 мая 2026`, `1 May 2026`."""
        return f"{day.day}{NBSP}{_MONTHS_GENITIVE[self.lang].split()[day.month - 1]} {day.year}"

    def period(self, start: dt.date, stop: dt.date) -> str:
        """The period `[start, stop)` in words: a month, several months, or the first and the last day."""
        last = stop - dt.timedelta(days=1)
        if start.day == 1 and stop.day == 1:
            first_month, last_month = self.month(f"{start:%Y-%m}"), self.month(f"{last:%Y-%m}")
            return first_month if first_month == last_month else f"{first_month} – {last_month}"
        return self.day(start) if start == last else f"{self.day(start)} – {self.day(last)}"

    def moment(self, moment: dt.datetime) -> str:
        """A moment to the minute: `01.05.2026 09:30`, `2026-05-01 09:30`."""
        return f"{moment:%d.%m.%Y %H:%M}" if self.lang == "ru" else f"{moment:%Y-%m-%d %H:%M}"


def _plural_form(count: float, lang: str) -> int:
    if lang == "en":
        return 0 if count == 1 else 1
    if count != int(count):
        return 1
    tens, ones = int(abs(count)) % 100, int(abs(count)) % 10
    if ones == 1 and tens != 11:
        return 0
    return 1 if 2 <= ones <= 4 and not 12 <= tens <= 14 else 2
