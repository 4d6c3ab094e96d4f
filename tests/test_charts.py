"""Promise: a chart shows the figures it is given and nothing else: true areas, lines and limits, what is unsure told as
unsure, what is left out counted, names that never overlap, the same colour for a segment everywhere, in both languages.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import narrow

import callkit
from callkit.charts import bubble, colours, describe, directions, fair_share, funnel, heatmap, shares, stage_load, trend
from callkit.charts.funnel import LIMITS, outside
from callkit.charts.labels import Point, place
from callkit.charts.layout import difference
from callkit.charts.lettering import shorten, text_width, wrap
from callkit.charts.scales import fitting
from callkit.charts.theme import GREY, LOOKS, OKABE_ITO
from callkit.errors import UsageError
from callkit.figures import Figures
from callkit.locale import NBSP, Locale
from callkit.measures import MEASURES, wilson

RU, EN = Locale("ru", "RUB"), Locale("en", "EUR")
HOSTILE = ("<img src=x onerror=hacked=1>", "</script><script>hacked=1</script>", "Ж" * 300, "\u202eabc", "a\nb")


def made(by: Sequence[str], rows: Sequence[Mapping[str, Any]], **total: float) -> Figures:
    """Figures of rows that name the measures they have; the others are undefined."""
    whole = dict.fromkeys(by, "(total)") | total
    return Figures(tuple(by), [tuple(row.get(c) for c in (*by, *MEASURES)) for row in (*rows, whole)])


def source(name: str, talk: float, deals: float, won: float, revenue: float, **more: Any) -> dict[str, Any]:
    """A source whose share of talk is `talk` per cent of 1000 minutes."""
    shares = {"talk_share": talk / 100, "call_share": talk / 100}
    counts = {"calls": talk * 4, "talk_minutes": talk * 10, "deals": deals, "won_deals": won, "revenue": revenue}
    return {"source": name, **counts, **shares, "conversion": won / deals if deals else None, **more}


def interval(low: float, high: float) -> dict[str, float]:
    return {"conversion_low": low, "conversion_high": high}


def returns(revenue_share: float, efficiency: float) -> dict[str, float]:
    return {"revenue_share": revenue_share, "efficiency": efficiency}


FOUR = made(
    ["source"],
    [
        source("Холодная база", 50, 400, 20, 100_000, **returns(0.1, 0.2), **interval(0.033, 0.076)),
        source("Сайт", 30, 200, 60, 500_000, **returns(0.5, 1.667), **interval(0.241, 0.367)),
        source("Выставка", 15, 20, 5, 400_000, **returns(0.4, 2.667), **interval(0.112, 0.469)),
        source("Партнёры", 5, 40, 0, 0, **returns(0, 0), **interval(0, 0.088)),
    ],
    **{"calls": 400, "talk_minutes": 1000, "deals": 660, "won_deals": 85, "conversion": 0.13},
    **interval(0.106, 0.157),
)


def rows_of(chart: Any, name: str = "segments") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chart.to_dict()["datasets"][name]
    return found


def by_name(chart: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows_of(chart)}


def layers(chart: Any) -> list[dict[str, Any]]:
    spec = chart.to_dict()
    return [layer for part in spec.get("vconcat", [spec]) for layer in part["layer"]]


def styled(chart: Any, style: str) -> list[dict[str, Any]]:
    return [layer for layer in layers(chart) if layer["mark"].get("style") == style]


def inline(layer: Mapping[str, Any], spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = layer["data"]
    found: list[dict[str, Any]] = data["values"] if "values" in data else spec["datasets"][data["name"]]
    return found


def lines(chart: Any, style: str = "whole") -> list[dict[str, Any]]:
    return [row for layer in styled(chart, style) for row in inline(layer, chart.to_dict())]


def captions(chart: Any) -> list[str]:
    return [row["text"] for layer in styled(chart, "note") for row in inline(layer, chart.to_dict())]


def notes(chart: Any) -> str:
    return " ".join(chart.to_dict()["title"].get("subtitle", []))


def drawn_texts(spec: Mapping[str, Any], version: str = "6.4") -> list[str]:
    """Every text of the drawing, lines joined."""
    kept = {key: value for key, value in spec.items() if key != "usermeta"}
    root = ET.fromstring(vl_convert.vegalite_to_svg(kept, vl_version=version))
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


# Colours and looks


def test_a_segment_keeps_its_colour_whatever_the_month_shows() -> None:
    palette = colours(["Сайт", "Выставка", "Холодная база", "Партнёры"])
    june = made(["source"], [source("Партнёры", 60, 50, 5, 10), source("Сайт", 40, 50, 5, 20)], conversion=0.1)

    may_colours = {row["name"]: row["colour"] for row in rows_of(bubble(FOUR, RU, colours=palette))}
    june_colours = {row["name"]: row["colour"] for row in rows_of(funnel(june, RU, colours=palette))} | {
        row["name"]: row["colour"] for row in rows_of(bubble(june, EN, colours=palette, theme="dark"))
    }

    assert may_colours["Сайт"] == june_colours["Сайт"] == "#0072B2"
    assert may_colours["Партнёры"] == june_colours["Партнёры"] == "#D55E00"


def test_seven_segments_are_coloured_and_the_eighth_is_grey() -> None:
    found = colours([f"s{i}" for i in range(9)])

    assert list(found.values()) == [*OKABE_ITO, GREY, GREY]


def test_what_is_no_segment_of_its_own_is_grey_and_takes_no_colour() -> None:
    found = colours(["(no deal)", "Ads", "(not set) · Ads", "Site"])

    assert list(found.values()) == [GREY, "#0072B2", GREY, "#E69F00"]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 has it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_enough_from_its_ground(theme: Any) -> None:
    look = LOOKS[theme]
    texts = [look["axis"]["labelColor"], look["title"]["subtitleColor"], look["title"]["color"]]
    texts += [look["style"][name]["color"] for name in ("name", "note")]

    assert min(contrast(text, look["background"]) for text in texts) >= 4.5
    assert min(contrast(look["style"]["name"]["color"], cell) for cell in look["range"]["heatmap"]) >= 4.5


def test_light_and_dark_say_the_same_things_so_that_either_covers_the_other() -> None:
    def keys(look: Any) -> Any:
        return {key: keys(value) if isinstance(value, Mapping) else None for key, value in look.items()}

    assert keys(LOOKS["light"]) == keys(LOOKS["dark"])


def test_a_chart_has_no_colour_of_a_theme_outside_its_config() -> None:
    charts = [bubble(FOUR, RU, theme=theme).to_dict() for theme in ("light", "dark")]

    light, dark = ({key: value for key, value in c.items() if key not in ("config", "usermeta")} for c in charts)
    assert light == dark


def test_axes_write_numbers_in_the_language_of_the_reader() -> None:
    russian, english = (bubble(FOUR, locale).to_dict()["config"]["locale"] for locale in (RU, EN))

    assert russian["number"] == {
        "decimal": ",", "thousands": NBSP, "grouping": [3], "currency": ["", f"{NBSP}₽"], "percent": f"{NBSP}%",
    }  # fmt: skip
    assert english["number"]["currency"] == ["€", ""]
    assert (russian["time"]["months"][4], russian["time"]["shortMonths"][4]) == ("май", "май")
    assert russian["time"]["days"][1] == "понедельник"


def test_every_text_of_charts_is_there_in_both_languages_with_the_same_gaps() -> None:
    path = Path(callkit.__file__).parent / "texts" / "charts.toml"
    for name, text in tomllib.loads(path.read_text(encoding="utf-8")).items():
        gaps = [sorted(set(re.findall(r"{\w+}", text[lang]))) for lang in ("ru", "en")]
        assert gaps[0] == gaps[1], name
        assert all(text[lang].strip() for lang in ("ru", "en")), name


# Names beside bubbles


points = st.lists(
    st.builds(
        Point,
        st.floats(0, 640),
        st.floats(0, 420),
        st.floats(2, 34),
        st.sampled_from(["", "Сайт", "Холодная база", "Рекомендации", "x" * 24, "Партнёры (мало сделок)"]),
    ),
    max_size=24,
)


@settings(max_examples=60, deadline=None)
@given(points)
def test_placed_names_never_overlap_never_leave_the_plot_and_cover_no_named_bubble(bubbles: list[Point]) -> None:
    placed = place(bubbles, 640, 420)

    found = [label for label in placed if label]
    for label in found:
        assert label.box.left >= 0
        assert label.box.right <= 640
        assert label.box.top >= 0
        assert label.box.bottom <= 420
    assert not any(one.box.overlaps(other.box) for one, other in itertools.combinations(found, 2))
    named = [b for b in bubbles if b.text]
    assert not any(label.box.covers_circle(b.x, b.y, b.radius) for label in found for b in named)
    assert [label is None for label in placed].count(False) <= len(named)
    assert placed == place(bubbles, 640, 420)


def test_a_name_stands_beside_its_bubble_where_there_is_room() -> None:
    [label] = place([Point(100, 100, 20, "Сайт")], 640, 420)

    assert label is not None
    assert (label.x, label.y, label.align, label.leader) == (124, 100, "left", None)


def test_a_name_moves_to_the_left_at_the_right_edge_of_the_plot() -> None:
    [label] = place([Point(630, 100, 8, "Рекомендации")], 640, 420)

    assert label is not None
    assert (label.x, label.align) == (618, "right")


def test_a_name_that_had_to_move_is_led_to_its_bubble() -> None:
    crowd = [Point(300 + 30 * i, 200 + 30 * j, 14, "a") for i in (-1, 0, 1) for j in (-1, 0, 1)]

    middle = place([Point(300, 200, 14, "Сайт"), *[p for p in crowd if (p.x, p.y) != (300, 200)]], 640, 420)[0]

    assert middle is not None
    assert middle.leader is not None


def test_a_name_of_300_letters_is_cut_with_an_ellipsis() -> None:
    cut = shorten("Ж" * 300, 120)

    assert cut.endswith("Ж…")
    assert text_width(cut) <= 120


def test_right_to_left_marks_turn_nothing_but_their_own_name() -> None:
    cut = shorten("\u202e" + "a" * 300, 60)

    assert cut.startswith("\N{FIRST STRONG ISOLATE}\u202e")
    assert cut.endswith("…\N{POP DIRECTIONAL ISOLATE}")


@given(st.text(max_size=80), st.integers(30, 300))
def test_lines_of_a_broken_name_are_never_wider_than_their_column(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert 1 <= len(lines) <= 3
    assert all(text_width(line) <= width or len(line.strip("\u2068\u2069")) <= 1 for line in lines)
    assert not any("\n" in line or "\x00" in line for line in lines)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(2, 34)), min_size=1, max_size=30))
def test_every_bubble_lies_whole_inside_its_scale(bubbles: list[tuple[float, float]]) -> None:
    scale = fitting([v for v, _ in bubbles], [r for _, r in bubbles], 300)

    assert all(scale.pixel(v) - r >= -0.5 and scale.pixel(v) + r <= 300.5 for v, r in bubbles)


# A: the bubble chart


def test_a_bubble_stands_at_share_of_talk_and_conversion_and_its_area_is_its_sales() -> None:
    chart = bubble(FOUR, RU)

    site = by_name(chart)["Сайт"]
    assert (site["x"], site["y"], site["area"]) == (0.3, 0.3, 60)
    size = next(layer["encoding"]["size"] for layer in layers(chart) if "size" in layer["encoding"])
    assert size["scale"]["domain"] == [0, 60]
    assert size["scale"]["range"][0] == 0


def test_the_switches_take_the_share_of_calls_and_the_revenue() -> None:
    chart = bubble(
        made(["source"], [source("A", 30, 100, 10, 7000, call_share=0.45)], conversion=0.1),
        EN,
        x="call_share",
        size="revenue",
    )

    assert (by_name(chart)["A"]["x"], by_name(chart)["A"]["area"]) == (0.45, 7000)
    assert "Further right: takes more calls" in notes(chart)


def test_lines_stand_at_the_wholes_conversion_and_at_the_equal_share_and_say_so() -> None:
    chart = bubble(FOUR, RU)

    assert [line["x"] for line in lines(chart) if line["x"] == line["x2"]] == [0.25]
    assert [line["y"] for line in lines(chart) if line["y"] == line["y2"]] == [0.13]
    assert {f"в целом 13,0{NBSP}%", f"поровну: 25,0{NBSP}%"} <= set(captions(chart))


def test_only_top_left_and_bottom_right_are_tinted_and_named() -> None:
    chart = bubble(FOUR, EN)

    [push], [look] = lines(chart, "push"), lines(chart, "look")
    assert (push["x2"], push["y"]) == (0.25, 0.13)
    assert (look["x"], look["y2"]) == (0.25, 0.13)
    said = [text.replace("\n", " ") for text in captions(chart)]
    assert "much time, sells badly: look into" in said
    assert any(text in said for text in ("little time, sells well: push", "push"))


@pytest.mark.parametrize(("segments", "whiskers"), [(12, 12), (13, 0)])
def test_whiskers_are_drawn_for_at_most_twelve_segments(segments: int, whiskers: int) -> None:
    many = [source(f"s{i}", 5, 100, 10, 10, conversion_low=0.06, conversion_high=0.17) for i in range(segments)]

    chart = bubble(made(["source"], many, conversion=0.1), RU)

    assert len(rows_of(chart, "whiskers")) == whiskers
    assert ("95 % интервал" in notes(chart)) == bool(whiskers)


def test_fewer_deals_than_the_minimum_are_hollow_dashed_and_told() -> None:
    chart = bubble(FOUR, RU)

    rows = by_name(chart)
    assert [name for name, row in rows.items() if row["few"]] == ["Выставка"]
    assert rows["Выставка"]["hollow"]
    assert not rows["Сайт"]["hollow"]
    assert "Выставка (мало сделок)" in [row["text"] for row in rows_of(chart, "names")]
    assert "меньше 30, судить рано" in notes(chart)


def test_exactly_the_minimum_of_deals_is_enough() -> None:
    chart = bubble(made(["source"], [source("A", 100, 30, 10, 1)], conversion=0.33), EN, min_deals=30)

    assert not by_name(chart)["A"]["few"]


def test_no_sales_are_a_small_ring_and_no_invisible_bubble() -> None:
    chart = bubble(FOUR, EN)

    partners = by_name(chart)["Партнёры"]
    assert partners["hollow"]
    assert not partners["few"]
    assert 0 < partners["area"] < 3
    assert "Small ring: no sales." in notes(chart)


def test_the_legend_of_sizes_has_three_round_values() -> None:
    big = made(["source"], [source("A", 60, 900, 214, 9), source("B", 40, 100, 10, 5)], conversion=0.2)

    legend = next(
        layer["encoding"]["size"]["legend"] for layer in layers(bubble(big, EN)) if "size" in layer["encoding"]
    )

    assert legend["values"] == [10, 50, 200]
    assert legend["title"] == "Area: won deals"


def test_money_in_the_legend_is_written_short() -> None:
    big = made(["source"], [source("A", 100, 900, 214, 2_600_000)], conversion=0.2)

    assert {f"100 тыс.{NBSP}₽", f"500 тыс.{NBSP}₽", f"2 млн{NBSP}₽"} <= set(
        drawn_texts(bubble(big, RU, size="revenue").to_dict())
    )


@pytest.mark.parametrize(("least", "log"), [(2.0, False), (1.99, True)])
def test_the_scale_of_talk_is_logarithmic_only_beyond_fifty_times_and_says_so(least: float, log: bool) -> None:
    chart = bubble(made(["source"], [source("A", 100, 50, 5, 1), source("B", least, 50, 5, 1)], conversion=0.1), EN)

    spec = chart.to_dict()
    kinds = {layer["encoding"]["x"]["scale"].get("type", "linear") for layer in layers(chart)}
    assert kinds == {"log" if log else "linear"}
    assert any("log scale" in text for text in drawn_texts(spec)) == log
    assert any("log scale" in text for text in drawn_texts(narrow(spec))) == log


def test_a_segment_without_talk_has_its_own_place_on_a_logarithmic_scale() -> None:
    three = [source("A", 90, 50, 5, 1), source("B", 1, 50, 5, 1), source("C", 0, 50, 5, 1)]

    chart = bubble(made(["source"], three, conversion=0.1), RU)

    assert 0 < by_name(chart)["C"]["x"] < 0.01
    assert "0" in drawn_texts(chart.to_dict())


def test_a_few_deals_all_won_do_not_squash_the_others() -> None:
    two = [source("A", 90, 400, 40, 9), source("B", 10, 1, 1, 1)]

    chart = bubble(made(["source"], two, conversion=0.102), EN)

    assert by_name(chart)["B"]["y"] < 0.2
    assert "B (↑ 100%, too few deals)" in [row["text"] for row in rows_of(chart, "names")]
    assert by_name(chart)["B"]["told_conversion"].startswith("100.0%")


def test_the_trail_is_the_last_six_months_of_the_chosen_segment_with_its_ends_named() -> None:
    months = [
        (
            f"2026-0{m}",
            made(["source"], [source("Сайт", 10 + m, 100, 10 + m, 1), source("Б", 5, 100, 1, 1)], conversion=0.1),
        )
        for m in range(1, 9)
    ]

    chart = bubble(FOUR, RU, trail=months, trail_segment="Сайт")

    trail = rows_of(chart, "trail")
    assert [round(p["x"], 2) for p in trail] == [0.13, 0.14, 0.15, 0.16, 0.17, 0.18]
    assert [round(p["y"], 2) for p in trail] == [0.13, 0.14, 0.15, 0.16, 0.17, 0.18]
    texts = [row["text"] for row in rows_of(chart, "names")]
    assert {"март 2026", "август 2026"} <= set(texts)
    assert not any("июнь" in text for text in texts)


def test_only_the_twelve_segments_of_most_revenue_are_named() -> None:
    many = [source(f"s{i:02}", 5, 100, 4 * i + 1, 100 * i) for i in range(20)]

    chart = bubble(made(["source"], many, conversion=0.4), EN)

    named = {row["text"] for row in rows_of(chart, "names")}
    assert named <= {f"s{i:02}" for i in range(8, 20)}
    assert len(named) > 6
    assert "Up to 12 segments of most revenue are named" in notes(chart)


def test_the_tooltip_tells_every_measure_for_people() -> None:
    before = made(["source"], [source("Сайт", 20, 100, 25, 250_000)])

    chart = bubble(FOUR, RU, previous=before)

    hint = next(layer["encoding"]["tooltip"] for layer in layers(chart) if "tooltip" in layer["encoding"])
    shown = {entry["field"] for entry in hint}
    assert shown == {"name", "told_change"} | {
        f"told_{m}" for m in MEASURES if m not in ("conversion_low", "conversion_high")
    }
    site = by_name(chart)["Сайт"]
    assert site["told_revenue"] == f"500{NBSP}000{NBSP}₽ (+100{NBSP}%)"
    assert site["told_talk_share"] == f"30,0{NBSP}% (+10,0 п. п.)"
    assert site["told_conversion"] == f"30,0{NBSP}% (+5,0 п. п.); 95 %: от 24,1{NBSP}% до 36,7{NBSP}%; n = 200"
    assert by_name(chart)["Выставка"]["told_revenue"] == f"400{NBSP}000{NBSP}₽"
    assert site["told_minutes_per_sale"] == "–"


def test_undefined_segments_are_left_out_and_counted() -> None:
    some = [source("A", 50, 50, 5, 1), source("(no deal)", 30, 0, 0, 0), source("B", 20, 0, 0, 0)]
    figures = made(["source"], some, conversion=0.1)

    assert list(by_name(bubble(figures, RU))) == ["A"]
    assert "Не показаны 2 сегмента, для которых показатели не определены." in notes(bubble(figures, RU))
    assert "2 segments with undefined values are left out." in notes(bubble(figures, EN))


@pytest.mark.parametrize(
    ("locale", "text"),
    [(RU, "Нет данных за этот период при этих фильтрах"), (EN, "No data in this period under these filters")],
)
def test_no_segments_give_a_chart_that_says_so(locale: Locale, text: str) -> None:
    empty, stages, cells = (made(by, []) for by in (["source"], ["stage"], ["source", "stage"]))
    charts = [
        bubble(empty, locale), fair_share(empty, locale), funnel(empty, locale), shares(empty, locale),
        stage_load(stages, locale), heatmap(cells, locale), trend(made(["month"], []), locale),
    ]  # fmt: skip

    whole = text.replace(" ", "")  # lines are joined without a space
    assert all(whole in "".join(drawn_texts(chart.to_dict())).replace(" ", "") for chart in charts)
    assert all(whole in "".join(drawn_texts(narrow(chart.to_dict()))).replace(" ", "") for chart in charts)


def test_calls_without_deals_give_a_chart_that_says_why_it_is_empty() -> None:
    figures = made(["stage"], [{"stage": "Новая", "talk_minutes": 5, "talk_share": 1}], talk_minutes=5)

    assert any("одновременно" in text for text in drawn_texts(bubble(figures, RU).to_dict()))


def test_an_unknown_axis_is_a_usage_error_with_what_is_allowed() -> None:
    with pytest.raises(
        UsageError, match=r"x 'talk_shares' cannot be drawn; allowed: talk_share, call_share. Did you mean"
    ):
        bubble(FOUR, RU, x="talk_shares")
    with pytest.raises(UsageError, match="size 'deals' cannot be drawn"):
        bubble(FOUR, RU, size="deals")


# B: fair share


def test_fair_share_sets_revenue_against_talk_with_rays_at_half_one_and_two() -> None:
    chart = fair_share(FOUR, EN)

    assert (by_name(chart)["Сайт"]["x"], by_name(chart)["Сайт"]["y"]) == (0.3, 0.5)
    rays = rows_of(chart, "rays")
    assert [round(ray["y2"] / ray["x2"], 6) for ray in rays] == [0.5, 1, 2]
    assert [ray["diagonal"] for ray in rays] == [False, True, False]
    assert {"0.5×", "1×: as much as it takes", "2×"} <= set(captions(chart))


# C: the funnel


def test_the_limits_of_chance_around_a_fifth_are_those_of_the_score_test() -> None:
    assert outside({"conversion": 0.2785, "deals": 100}, 0.2, LIMITS[0][1])
    assert not outside({"conversion": 0.2783, "deals": 100}, 0.2, LIMITS[0][1])
    assert outside({"conversion": 0.3237, "deals": 100}, 0.2, LIMITS[1][1])
    assert not outside({"conversion": 0.3235, "deals": 100}, 0.2, LIMITS[1][1])


@given(st.integers(1, 400), st.floats(0.02, 0.98), st.data())
def test_a_segment_lies_outside_exactly_when_its_wilson_interval_misses_the_whole(
    deals: int, whole: float, data: st.DataObject
) -> None:
    won = data.draw(st.integers(0, deals))
    low, high = wilson(won, deals)
    if min(abs(low - whole), abs(high - whole)) > 1e-9:
        assert outside({"conversion": won / deals, "deals": deals}, whole, LIMITS[0][1]) == (not low < whole < high)


def test_the_funnel_draws_both_limits_on_both_sides_and_fills_what_lies_outside() -> None:
    chart = funnel(FOUR, RU)

    limits = rows_of(chart, "limits")
    assert {row["limit"] for row in limits} == {"0.95 1", "0.95 -1", "0.998 1", "0.998 -1"}
    assert [name for name, row in by_name(chart).items() if row["apart"]] == ["Холодная база", "Сайт", "Партнёры"]
    assert {f"95{NBSP}%", f"99,8{NBSP}%"} <= set(captions(chart))


def test_fractions_of_deals_get_no_limits_and_the_chart_says_so() -> None:
    split = made(
        ["manager"], [{"manager": "Иван", "deals": 40.5, "conversion": 0.1, "talk_minutes": 9}], conversion=0.1
    )

    chart = funnel(split, RU)

    assert rows_of(chart, "limits") == []
    assert "дробные" in notes(chart)


# Bars, dots, cells, months


STAGES = made(
    ["stage", "direction"],
    [
        {"stage": "Сделка", "direction": "out", "talk_minutes": 600.0, "talk_share": 0.6, "calls": 9},
        {"stage": "Новая", "direction": "in", "talk_minutes": 250.0, "talk_share": 0.25, "calls": 5},
        {"stage": "(no deal)", "direction": "in", "talk_minutes": 100.0, "talk_share": 0.1, "calls": 3},
        {"stage": "Новая", "direction": "out", "talk_minutes": 50.0, "talk_share": 0.05, "calls": 2},
    ],
    talk_minutes=1000,
)


def test_stages_stand_in_the_pipelines_order_and_those_it_does_not_name_follow() -> None:
    chart = stage_load(STAGES, RU, order=["Новая", "Встреча", "Сделка"])

    assert [row["text"] for row in rows_of(chart, "rows")] == ["Новая", "Сделка", "(без сделки)"]
    assert [(row["minutes"], row["text"]) for row in rows_of(chart, "ends")] == [
        (300, f"300 · 30{NBSP}%"), (600, f"600 · 60{NBSP}%"), (100, f"100 · 10{NBSP}%"),
    ]  # fmt: skip


def test_stage_bars_are_split_by_direction_in_words() -> None:
    bars = rows_of(stage_load(STAGES, RU, order=["Новая", "Сделка"]), "bars")

    assert sorted((b["row"], b["direction"], b["minutes"]) for b in bars) == [
        (0, "входящие", 250), (0, "исходящие", 50), (1, "исходящие", 600), (2, "входящие", 100),
    ]  # fmt: skip


def test_segments_are_split_by_direction_the_one_with_most_talk_first() -> None:
    figures = Figures(("manager", "direction"), STAGES.rows)
    chart = directions(figures, RU)

    assert [row["text"] for row in rows_of(chart, "rows")] == ["Сделка", "Новая", "(без сделки)"]
    assert sorted((b["row"], b["direction"], b["minutes"]) for b in rows_of(chart, "bars")) == [
        (0, "исходящие", 600), (1, "входящие", 250), (1, "исходящие", 50), (2, "входящие", 100),
    ]  # fmt: skip
    assert chart.to_dict()["title"]["text"] == ["Менеджер: входящие и исходящие"]


def test_of_many_segments_the_thirty_with_most_talk_are_drawn_and_the_chart_says_so() -> None:
    rows = [{"manager": f"М{i}", "direction": "in", "talk_minutes": float(i), "calls": 1} for i in range(1, 41)]
    chart = directions(made(["manager", "direction"], rows, talk_minutes=820), RU)

    assert [row["text"] for row in rows_of(chart, "rows")] == [f"М{i}" for i in range(40, 10, -1)]
    assert "Показаны 30 из 40" in notes(chart)


def test_figures_by_something_else_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="needs figures by a column and direction"):
        directions(FOUR, RU)
    with pytest.raises(UsageError, match="needs figures by stage"):
        stage_load(FOUR, RU)
    with pytest.raises(UsageError, match="needs figures by a segment and stage"):
        heatmap(FOUR, RU)
    with pytest.raises(UsageError, match="needs figures by month"):
        trend(FOUR, RU)


def test_shares_puts_talk_sales_and_revenue_on_one_line_each() -> None:
    two = made(["source"], [source("A", 40, 10, 1, 1, win_share=0.1, revenue_share=0.09, efficiency=0.225)])

    chart = shares(two, EN)

    assert [(d["series"], d["share"]) for d in rows_of(chart, "dots")] == [
        ("Share of talk", 0.4), ("Share of sales", 0.1), ("Share of revenue", 0.09),
    ]  # fmt: skip
    assert rows_of(chart, "links") == [{"row": 0, "low": 0.09, "high": 0.4}]
    assert [end["text"] for end in rows_of(chart, "ends")] == ["0.23×"]


def test_more_than_thirty_segments_are_cut_and_counted() -> None:
    many = made(["source"], [source(f"s{i}", 2, 10, 1, 1) for i in range(41)])

    chart = shares(many, RU)

    assert len(rows_of(chart, "rows")) == 30
    assert "Показаны 30 из 41" in notes(chart)


def test_the_heat_map_has_a_cell_only_where_there_was_talk_with_the_minutes_in_it() -> None:
    cells = [
        {"source": "Сайт", "stage": "Сделка", "talk_minutes": 1234.0, "calls": 7},
        {"source": "Сайт", "stage": "Новая", "talk_minutes": 10.0, "calls": 1},
        {"source": "Авито", "stage": "Новая", "talk_minutes": 2000.0, "calls": 3},
        {"source": "Авито", "stage": "Сделка", "talk_minutes": 0.0, "calls": 1},
    ]

    chart = heatmap(made(["source", "stage"], cells), RU, order=["Новая", "Сделка"])

    assert [row["text"] for row in rows_of(chart, "rows")] == ["Авито", "Сайт"]
    assert [row["text"] for row in rows_of(chart, "columns")] == ["Новая", "Сделка"]
    found = {(c["row"], c["column"]): c["text"] for c in rows_of(chart, "cells")}
    assert found == {(0, 0): f"2{NBSP}000", (1, 0): "10", (1, 1): f"1{NBSP}234"}
    assert next(c["part"] for c in rows_of(chart, "cells") if c["text"] == "10") == f"0,8{NBSP}%"


MONTHS = made(
    ["month"],
    [
        {"month": "2026-02", "talk_minutes": 300.0, "revenue": 2_000_000.0, "conversion": 0.2},
        {"month": "2025-11", "talk_minutes": 200.0, "revenue": 1_500_000.0, "conversion": None},
        {"month": "2025-12", "talk_minutes": 100.0, "revenue": 900_000.0, "conversion": 0.1},
    ],
)


def test_the_trend_is_two_charts_one_over_the_other_with_a_scale_each() -> None:
    spec = trend(MONTHS, RU).to_dict()

    above, below = spec["vconcat"]
    assert above["layer"][0]["encoding"]["y"]["axis"]["title"] == "Минуты разговора"
    assert below["layer"][0]["encoding"]["y"]["axis"]["title"] == "Сумма успешных сделок"
    assert [row["value"] for row in spec["datasets"]["monthly"]] == [1_500_000, 900_000, 2_000_000]


def test_months_stand_in_order_in_the_readers_language_and_a_missing_one_stays_empty() -> None:
    spec = trend(MONTHS, RU, measure="conversion").to_dict()

    assert spec["params"] == [{"name": "months", "value": [["ноя", "2025"], ["дек"], ["янв", "2026"], ["фев"]]}]
    assert [row["month"] for row in spec["datasets"]["above"]] == [0, 1, 3]
    assert [(row["month"], row["told"]) for row in spec["datasets"]["monthly"]] == [
        (1, f"10,0{NBSP}%"),
        (3, f"20,0{NBSP}%"),
    ]
    assert {"ноя2025", "фев"} <= set(drawn_texts(spec))


def test_a_measure_the_trend_cannot_show_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"measure 'revenu' cannot be set under talk; .* Did you mean 'revenue'"):
        trend(MONTHS, RU, measure="revenu")


# Words instead of a picture


def test_every_chart_has_a_sentence_in_both_languages() -> None:
    assert describe("bubble", FOUR, RU) == (
        "Время и конверсия, разрез «Источник», 4 сегмента: больше всего разговоров у «Холодная база» – "
        f"50{NBSP}% времени при конверсии 5,0{NBSP}%; конверсия в целом 13,0{NBSP}%."
    )
    assert describe("fair_share", FOUR, EN) == (
        "Shares of talk and revenue by Source, 4 segments: most talk is on “Холодная база”, 50% of the time and 10% of "
        "the revenue; the highest return on time is that of “Выставка”, 2.67×."
    )
    assert describe("funnel", FOUR, EN).endswith("overall conversion 13.0%, outside the 95% limits: 3.")
    assert describe("stage_load", STAGES, RU) == (
        f"Нагрузка по этапам, 3 этапа, всего 1{NBSP}000 мин: больше всего на этапе «Сделка» – 600 мин, "
        f"60{NBSP}% разговоров."
    )
    assert describe("directions", Figures(("source", "direction"), STAGES.rows), EN) == (
        "Inbound and outbound by Source, 3 segments, 1,000 min in all: most for “Сделка”, 600 min, 60% of the talk."
    )
    assert describe("trend", MONTHS, EN) == (
        "By month: November 2025, 200 min of talk and revenue of €1,500,000; February 2026, 300 min and €2,000,000."
    )
    assert describe("shares", made(["source"], []), RU) == "Нет данных за этот период при этих фильтрах."


def test_a_chart_nobody_knows_cannot_be_described() -> None:
    with pytest.raises(UsageError, match=r"chart 'buble' is not known; .* Did you mean 'bubble'"):
        describe("buble", FOUR, RU)


# Drawing


def awkward() -> list[Any]:
    """Every chart, of names that would do harm as markup."""
    talk = 100 / len(HOSTILE)
    rows = [
        source(name, talk, 40, 4 + 7 * i, 100 - i, win_share=0.1, revenue_share=0.1 * i)
        for i, name in enumerate(HOSTILE)
    ]
    figures = made(["source"], rows, talk_minutes=1000, conversion=0.15, conversion_low=0.1, conversion_high=0.2)
    cells = [
        {"source": a, "stage": b, "talk_minutes": 10.0, "calls": 1} for a, b in itertools.product(HOSTILE, repeat=2)
    ]
    stages = [{"stage": name, "talk_minutes": 10.0, "talk_share": 0.2, "calls": 1} for name in HOSTILE]
    inbound = [{"manager": name, "direction": "in", "talk_minutes": 10.0, "calls": 1} for name in HOSTILE]
    return [
        bubble(figures, RU), fair_share(figures, EN, theme="dark"), funnel(figures, RU), shares(figures, EN),
        stage_load(made(["stage"], stages), RU), heatmap(made(["source", "stage"], cells), EN),
        directions(made(["manager", "direction"], inbound), RU),
    ]  # fmt: skip


@pytest.mark.parametrize("chart", awkward(), ids=lambda chart: chart.title.text[0][:12])
def test_hostile_names_are_drawn_as_text_in_both_layouts(chart: Any) -> None:
    spec = chart.to_dict()

    for layout in (spec, narrow(spec)):
        texts = drawn_texts(layout)
        assert any("<img" in text for text in texts)
        assert not any("\n" in text or "NaN" in text or "undefined" in text for text in texts)


@pytest.mark.parametrize(
    "chart",
    [
        bubble(FOUR, RU, trail=[("2026-01", FOUR), ("2026-02", FOUR)], trail_segment="Сайт"), fair_share(FOUR, RU),
        funnel(FOUR, EN), shares(FOUR, RU), stage_load(STAGES, EN), trend(MONTHS, RU),
    ],
    ids=["bubble", "fair_share", "funnel", "shares", "stage_load", "trend"],
)  # fmt: skip
@pytest.mark.parametrize("version", ["5.8", "6.4"])
def test_vega_lite_of_jupyterlab_and_of_today_draw_the_same_texts(chart: Any, version: str) -> None:
    spec = chart.to_dict()

    assert sorted(drawn_texts(spec, version)) == sorted(drawn_texts(spec))
    assert len(drawn_texts(narrow(spec), version)) > 5


def test_the_narrow_layout_travels_as_a_patch_that_repeats_no_data() -> None:
    spec = bubble(FOUR, RU).to_dict()

    patch = spec["usermeta"]["callkit"]["narrow"]
    assert patch["width"] == 300
    assert "segments" not in patch["datasets"]
    assert narrow(spec)["datasets"]["segments"] == spec["datasets"]["segments"]


values = st.integers() | st.lists(st.integers()) | st.dictionaries(st.sampled_from("xy"), st.integers())
specifications = st.dictionaries(st.sampled_from("abc"), values)


@given(specifications, specifications)
def test_a_patch_makes_one_specification_of_another(before: dict[str, Any], after: dict[str, Any]) -> None:
    spec = {**before, "usermeta": {"callkit": {"narrow": difference(before, after)}}}

    assert json.dumps(narrow(spec), sort_keys=True) == json.dumps(after, sort_keys=True)
