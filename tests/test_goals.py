"""Goals promise: a target is read or refused with a reason, held against the very figure it is for, and told with how
far it is; of two reports, what crossed a line is told and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from executions import SETTINGS, notebook
from executions import company as small_company

from callkit import Company, Period, Scope, UsageError, cli, open_company
from callkit.access import Viewer
from callkit.app.desk import Desk
from callkit.app.view import View
from callkit.decisions.reached import Standing, months, of_scope, standings, unknown
from callkit.goals import Goal, goals_of
from callkit.locale import LANGUAGES, NBSP, Locale
from callkit.pieces import TABLE_MIME, WATCH_MIME
from callkit.report import watching
from callkit.sections import Section
from callkit.settings import parse

OCTOBER = Period.of_month("2026-10")
DEALS = Path(__file__).parent.parent / "data" / "demo" / "deals.csv"
STATED = {
    "conversion": 0.25,
    "minutes_per_sale": 40,
    "revenue": 20_000_000,
    "manager": {"502": {"conversion": 0.3}, "Анна Соколова": {"won_deals": 10}},
    "source": {"Авито": {"conversion": 0.5}},
}


@pytest.fixture(scope="module")
def demo() -> Iterator[Company]:
    with open_company("demo") as company:
        yield aiming(company, STATED)


def aiming(company: Company, stated: dict[str, Any]) -> Company:
    return replace(company, settings=replace(company.settings, goals=stated))


def page(company: Company, lang: str = "ru", scope: Scope | None = None) -> Section:
    return Section("overview", company, scope or Scope(OCTOBER), ("source",), company.settings.locale(lang))


def stand(company: Company, scope: Scope | None = None) -> dict[tuple[str, str], Standing]:
    own = page(company, scope=scope)
    return {(s.goal.segment, s.goal.measure): s for s in standings(company, own.scope, own.cut)}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"goals": {"conversio": 0.2}}, r"\[goals\] conversio is not known.*Did you mean 'conversion'"),
        ({"goals": {"talk_share": 0.2}}, "talk_share is not known; there are goals for calls"),
        ({"goals": {"conversion": 25}}, "a share from 0 to 1, as 0.25"),
        ({"goals": {"revenue": 0}}, "a number above 0"),
        ({"goals": {"revenue": "a lot"}}, "a number above 0"),
        ({"goals": {"calls": True}}, "a number above 0"),
        ({"goals": {"revenue": float("inf")}}, "a number above 0"),
        ({"goals": {"manager": {"Anna": 5}}}, r'\[goals.manager."Anna"\] = 5 is not allowed; wanted: a table'),
        ({"goals": {"stage": {"New": {"calls": 5}}}}, "there are goals for managers, teams and columns of deals"),
        ({"goals": 5}, r"\[goals\] must be a table"),
        ({"goal": {}}, "Did you mean 'goals'"),
    ],
)
def test_a_goal_that_will_not_do_is_refused_by_its_name(stated: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse(stated, "callkit.toml")


def test_goals_are_kept_as_they_were_stated() -> None:
    assert parse({"goals": STATED}, "callkit.toml").goals == STATED
    assert goals_of(STATED)[3] == Goal("conversion", 0.3, "manager", "502")


def test_each_goal_is_held_against_its_own_figure(demo: Company) -> None:
    deals = pd.read_csv(DEALS)
    closed = deals[deals["closed_at"].str.startswith("2026-10", na=False)]
    found = stand(demo)
    for segment, rows in (
        ("", closed), ("Виктор Громов", closed[closed["manager_id"] == 502]),
        ("Авито", closed[closed["source"] == "Авито"]),
    ):  # fmt: skip
        assert found[segment, "conversion"].value == pytest.approx((rows["outcome"] == "won").mean())
    assert found["", "revenue"].value == pytest.approx(closed.loc[closed["outcome"] == "won", "amount"].sum())
    anna = closed[(closed["manager_id"] == 503) & (closed["outcome"] == "won")]
    assert found["Анна Соколова", "won_deals"].value == len(anna)


def test_more_is_better_but_for_minutes_per_sale() -> None:
    for measure, value, reached in (
        ("conversion", 0.3, True), ("conversion", 0.2, False), ("conversion", 0.25, True),
        ("minutes_per_sale", 0.3, False), ("minutes_per_sale", 0.2, True), ("minutes_per_sale", 0.25, True),
    ):  # fmt: skip
        assert Standing(Goal(measure, 0.25), 0.25, value).reached is reached
    assert Standing(Goal("conversion", 0.25), 0.25, None).reached is None


def test_a_goal_of_a_sum_is_for_a_month_and_a_ratio_for_any_time(demo: Company) -> None:
    quarter = stand(demo, Scope(Period.of_month("2026-08..2026-10")))
    assert quarter["", "revenue"].target == pytest.approx(60_000_000)
    assert quarter["", "conversion"].target == 0.25
    assert months(Period.of_days("2026-02-15", "2026-03-16")) == pytest.approx(14 / 28 + 15 / 31)


def test_a_sum_has_not_missed_its_goal_before_the_period_is_over(demo: Company) -> None:
    aims = {"revenue": 1e12, "calls": 1, "conversion": 0.99}
    running = stand(aiming(demo, aims), Scope(Period.of_days("2026-10-01", "2026-11-20")))
    assert {measure: s.reached for (_, measure), s in running.items()} == {
        "revenue": None, "calls": True, "conversion": False,
    }  # fmt: skip
    assert stand(aiming(demo, aims))["", "revenue"].reached is False


def test_a_ratio_on_few_deals_is_told_only_when_the_period_is_over(demo: Company) -> None:
    begun, over = Scope(Period.of_days("2026-10-31", "2026-11-30")), Scope(Period.of_days("2026-10-30", "2026-11-01"))
    for scope, reached in ((begun, None), (over, False)):
        own = stand(aiming(demo, {"conversion": 0.99}), scope)["", "conversion"]
        assert own.value is not None
        assert own.reached is reached


def test_under_filters_there_are_no_goals_but_those_of_the_very_segment(demo: Company) -> None:
    assert not stand(demo, Scope(OCTOBER, where={"grade": ("AA",)}))
    assert not stand(demo, Scope(OCTOBER, where={"source": ("Авито", "Сайт")}))
    assert not stand(demo, Scope(OCTOBER, where={"source": ("Авито",), "grade": ("AA",)}))
    own = page(demo, scope=Scope(OCTOBER, where={"source": ("Авито",)}))
    assert list(own.goals_of_scope) == ["conversion"]
    assert "Цель ≥ 50,0 %" in own.cards().plain.replace(NBSP, " ")
    assert own.goals_of_scope["conversion"].value == own.figures.total["conversion"]


def test_a_viewer_sees_the_goals_of_his_own_people_alone(demo: Company) -> None:
    for names, sees, whole in ((("502",), "themselves", ["conversion"]), (("Команда",), "teams", [])):
        viewer = Viewer("somebody", sees, names)
        with open_company("demo") as company:
            own = replace(company, viewer=viewer, settings=replace(company.settings, goals=STATED))
            section = page(own)
            found = standings(own, section.scope, section.cut)
            shown = section.goals().html + section.cards().html
        assert {s.goal.segment for s in found} <= {"Виктор Громов"}
        assert list(of_scope(own, section.scope, found)) == whole
        assert "Анна" not in shown


def test_goals_of_what_is_not_there_are_named_with_the_nearest(demo: Company) -> None:
    stated = {"sorce": {"Сайт": {"calls": 1}}, "source": {"Сайтт": {"calls": 1}}, "manager": {"502": {"calls": 1}}}
    assert unknown(aiming(demo, stated)) == [
        "[goals.sorce]: there is no such column; the nearest: source",
        '[goals.source."Сайтт"] matches nothing; the nearest: Сайт',
    ]
    assert list(stand(aiming(demo, stated))) == [("Виктор Громов", "calls")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_cards_and_the_table_tell_how_far_each_goal_is(demo: Company, lang: str) -> None:
    section = page(demo, lang)
    conversion = section.figures.total["conversion"] or 0
    apart = Locale(lang).number(abs(conversion - 0.25) * 100, 1)
    cards, table = section.cards(), section.goals()

    assert f"(+{apart}" in cards.plain
    assert 'ck-card-goal up">' in cards.html
    assert 'ck-card-goal down">' in cards.html
    assert len(table.data[TABLE_MIME]["rows"]) == 6
    keys = [goal["key"] for goal in table.data[WATCH_MIME]["goals"]]
    assert keys[:1] == ["conversion"]
    assert "conversion manager Виктор Громов" in keys


def test_without_goals_nothing_of_them_is_shown(demo: Company) -> None:
    bare = aiming(demo, {})
    assert page(bare).goals().html == ""
    assert "ck-card-goal" not in page(bare).cards().html
    query = {"what": "view", "query": "period=2026-10"}
    assert "goals" not in [part["name"] for part in Desk(bare, View()).answer(query)["parts"]]
    assert "goals" in [part["name"] for part in Desk(demo, View()).answer(query)["parts"]]


# What crossed a line


def goal(key: str, reached: bool | None) -> dict[str, Any]:
    return {"key": key, "said": f"{key} said", "reached": reached}


def seen(*keys: str) -> list[dict[str, Any]]:
    return [{"key": key, "said": f"{key} said"} for key in keys]


def told(now: dict[str, Any], before: dict[str, Any] | None, lang: str = "en") -> watching.Told:
    last = None if before is None else {"month": "2026-09", "watched": before}
    return watching.compared("Shop", OCTOBER, now, last, Locale(lang))


def test_each_line_crossed_is_told_under_its_heading_and_nothing_else() -> None:
    before = {
        "goals": [
            goal("up", False),
            goal("down", True),
            goal("same", True),
            goal("open", True),
            goal("was open", None),
        ],
        "findings": seen("old", "kept"),
        "faults": seen("mended"),
    }
    now = {
        "goals": [
            goal("up", True), goal("down", False), goal("same", True), goal("open", None), goal("was open", False),
            goal("stated since", False),
        ],
        "findings": seen("kept", "new"),
        "faults": seen("fresh"),
    }  # fmt: skip

    lists = dict(told(now, before).lists)

    assert lists == {
        "Goals no longer reached": ["down said"],
        "Goals reached": ["up said"],
        "New faults in the data": ["fresh said"],
        "Faults in the data that are gone": ["mended said"],
        "New findings": ["new said"],
        "No longer seen (as the last report had it)": ["old said"],
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_nothing_crossed_it_is_said(lang: str) -> None:
    same = {"goals": [goal("a", True)], "findings": seen("x"), "faults": []}
    assert told(same, same, lang).lists == []
    assert Locale(lang).text("goals.since_none") in told(same, same, lang).text
    assert told({}, same, lang).sentence == Locale(lang).text("goals.since_untold")


def test_the_first_report_tells_how_things_stand() -> None:
    first = told({"goals": [goal("a", True), goal("b", False)], "findings": seen("x"), "faults": []}, None)
    assert dict(first.lists) == {"Goals not reached": ["b said"], "Findings": ["x said"]}


def test_a_long_list_tells_how_many_more_there_are() -> None:
    ((_, lines),) = told({"findings": seen(*map(str, range(30)))}, {"findings": []}).lists
    assert (len(lines), lines[-1]) == (13, "and 18 more")


def test_what_is_kept_is_of_one_scope_and_may_be_spoilt(tmp_path: Path) -> None:
    one, other = ("closed", "owner"), ("closed", "owner", "source=Ads")
    watching.keep(tmp_path, OCTOBER, one, {"findings": seen("x")})
    watching.keep(tmp_path, OCTOBER, one, {})  # nothing watched: the last report stays
    for scope, first in ((one, False), (other, True)):
        text = watching.since_last(tmp_path, "Shop", OCTOBER, scope, {"findings": seen("x")}, Locale("en"))
        assert ("There is no earlier report" in text) is first
        assert ("No goal has crossed its line" in text) is not first
    (tmp_path / watching.STATE).write_text("{ spoilt", encoding="utf-8")
    text = watching.since_last(tmp_path, "Shop", OCTOBER, one, {"findings": seen("x")}, Locale("en"))
    assert "There is no earlier report" in text


def test_what_data_says_stays_text_in_the_mail() -> None:
    hostile = {"findings": [{"key": "x", "said": "<script>alert(1)</script>"}]}
    assert "<script" not in told(hostile, {"findings": []}).page("en")


def test_the_command_tells_what_crossed_since_the_last_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    goals = "[goals]\nconversion = 0.4\n[goals.source.Sites]\ncalls = 5\n"
    tables, folder = small_company(tmp_path / "tables", SETTINGS + goals), tmp_path / "notebooks"
    show = "import callkit\npage = callkit.section('overview', source, month=month, lang=lang)\npage.goals()"
    for name in ("overview", "sources", "quality"):
        notebook(folder / f"{name}.ipynb", show if name == "overview" else "1")
    monkeypatch.setattr("callkit.report.notebooks_folder", lambda: folder)

    def run(month: str, *more: str) -> tuple[str, str]:
        words = ["report", str(tables), "--month", month, "--out", str(tmp_path / "out"), "--lang", "en", *more]
        assert cli.main(words) == 0
        said = capsys.readouterr()
        return said.out, said.err

    first, noted = run("2026-03", "--since-last")
    assert "no earlier report" in first
    assert '[goals.source."Sites"] matches nothing; the nearest: Site' in noted
    lost = (tables / "deals.csv").read_text("utf-8").replace("won,1000", "lost,1000")
    (tables / "deals.csv").write_text(lost, "utf-8")
    quiet, _ = run("2026-03", "--since-last", "--out", str(tmp_path / "elsewhere"))
    crossed, _ = run("2026-03", "--since-last")
    again, _ = run("2026-03", "--since-last")

    assert "no earlier report" in quiet
    assert (
        "Goals no longer reached\n- The whole company, Conversion: 0.0%, the goal is ≥ 40.0% (−40.0 pp)\n"
        in crossed.replace(NBSP, " ")
    )
    assert crossed.splitlines()[-1].endswith("2026-03.html")
    assert "No goal has crossed its line" in again
    place = next((tmp_path / "out").iterdir())
    assert (place / watching.TEXT).read_text("utf-8") in again
    assert "<li>" not in (place / watching.PAGE).read_text("utf-8")
    assert json.loads((place / watching.STATE).read_text("utf-8"))
    assert not [p for p in place.iterdir() if p.name.startswith(".")]
