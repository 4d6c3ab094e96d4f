"""How wide a text will be, and how it is cut or broken into lines that fit: known before anything is drawn."""

from __future__ import annotations

import functools
import unicodedata

# The wider of Liberation Sans (Arial) and DejaVu Sans, measured in em: with any usual font a label then takes no more
# room than was kept for it.
_WIDTHS = (
    (0.30, "',.Iijl| ·\u00a0"),
    (0.40, "-/:;\\f!()[]rt"),
    (0.50, '"*J`sz'),
    (0.55, "?L_cгзсэ–"),
    (0.60, "FTaekovxyабвеёкотухчьяГТ«»"),
    (0.65, "$0123456789EKPSYbdghnpqu{}ийлнпрЕЗРУ₽€"),
    (0.70, "ABCRVXZдцъАБВКСХЧЬЭЯ"),
    (0.75, "DHNUмИЙЛНП"),
    (0.80, "&GOQwыДОЦ"),
    (0.87, "#+<=>M^~фюМФЪ×"),
    (0.95, "%mщжшЫ"),
    (1.10, "@W…—Ш№ЖЩЮ"),
)
_REMEMBERED = 4096  # a chart that is drawn anew has the names it had
_WIDTH_OF = {character: width for width, characters in _WIDTHS for character in characters}


def text_width(text: str, size: float = 12) -> float:
    """The most pixels `text` may take at a font size of `size`, whatever the font of the reader's system.

    >>> text_width("Сайт", 10)
    25.5
    """
    return round(_width(text) * size, 3)


@functools.lru_cache(_REMEMBERED)
def _width(text: str) -> float:
    return sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if character in _WIDTH_OF:
        return _WIDTH_OF[character]
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.75


@functools.lru_cache(_REMEMBERED)
def clean(text: str) -> str:
    """One line of plain text: control characters become spaces; right-to-left text cannot turn what stands around it.

    >>> clean("two\\nlines\\x00")
    'two lines'
    >>> ascii(clean("\\u202eabc"))
    "'\\\\u2068\\\\u202eabc\\\\u2069'"
    """
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in text)
    line = " ".join(line.split(" ")) if "  " not in line else " ".join(part for part in line.split(" ") if part)
    return _isolated(line.strip(" "))


def _isolated(line: str) -> str:
    turns = any(
        unicodedata.bidirectional(c) in ("R", "AL", "RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI") for c in line
    )
    return f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}" if turns else line


def shorten(text: str, width: float, size: float = 12) -> str:
    """`text` as one line no wider than `width` pixels, cut with an ellipsis where it must be.

    >>> shorten("Холодная база", 80)
    'Холодная…'
    >>> shorten("Сайт", 80)
    'Сайт'
    """
    line = clean(text)
    if text_width(line, size) <= width:
        return line
    bare, used = line.strip("\u2068\u2069"), text_width("…", size)
    kept = ""
    for character in bare:
        used += _character_width(character) * size
        if used > width:
            break
        kept += character
    return _isolated(kept.rstrip(" \u200d") + "…")


def wrap(text: str, width: float, size: float = 12, most: int = 3) -> list[str]:
    """`text` in at most `most` lines, none wider than `width` pixels; what does not fit ends with an ellipsis.

    A word wider than a line is parted, at its hyphen if it has one.

    >>> wrap("Договор согласован и подписан", 80)
    ['Договор', 'согласован', 'и подписан']
    >>> wrap("Выставка «Металлообработка-2026»", 110)
    ['Выставка', '«Металлообрабо', 'тка-2026»']
    """
    return list(_wrapped(text, width, size, most))


@functools.lru_cache(_REMEMBERED)
def _wrapped(text: str, width: float, size: float, most: int) -> tuple[str, ...]:
    lines = [""]
    for word in [part for w in clean(text).split(" ") for part in _parted(w, width, size)]:
        joined = f"{lines[-1]} {word}" if lines[-1] and not word.startswith("\x00") else lines[-1] + word
        joined = joined.replace("\x00", "")
        if text_width(joined, size) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word.replace("\x00", ""))
    if len(lines) > most:
        lines[most - 1 :] = [shorten(" ".join(lines[most - 1 :]), width, size)]
    return tuple(lines)


def _parted(word: str, width: float, size: float) -> list[str]:
    """A word in pieces that fit a line; the pieces after the first begin with a mark that no name can hold."""
    pieces, rest = [], word
    while text_width(rest, size) > width and len(rest) > 1:
        fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or text_width(rest[:n], size) <= width)
        hyphen = rest[:fits].rfind("-") + 1
        pieces.append(rest[: hyphen or fits])
        rest = rest[hyphen or fits :]
    return [pieces[0], *("\x00" + p for p in [*pieces[1:], rest])] if pieces else [rest]
