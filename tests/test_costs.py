"""Costs promise: an hour of talk costs what its manager's hour costs, parts add up to the whole, what the settings do
not state is unknown and never 0, and who sees part of the company sees none of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World, narrow, worlds

import callkit
from callkit import Company, Period, Scope, UsageError, measure, open_company
from callkit.access import Viewer
from callkit.app.pages import available
from callkit.charts import costs_per_sale
from callkit.decisions.costs import Cost, costs, unknown
from callkit.locale import LANGUAGES, Locale
from callkit.pieces import TABLE_MIME
from callkit.report.planning import plan
from callkit.sections import Section
from callkit.settings import parse
from callkit.spending import spending_of
from callkit.starting import notebooks_folder

MARCH = Period.of_month("2026-03")
# Anna rang an hour on Ads (a deal won, 9000) and half an hour on Site (lost); Boris two hours on Ads (won, 1000), and
# half an hour on no deal at all. Fair money was spent on, and nobody came. Old closed before.
TABLES = {
    "managers": "manager_id,name,team\nm1,Anna,North\nm2,Boris,South\n",
    "deals": (
        "deal_id,created_at,closed_at,outcome,amount,manager_id,source,grade\n"
        "d1,2026-03-02T08:00Z,2026-03-20T12:00Z,won,9000,m1,Ads,A\n"
        "d2,2026-03-02T08:00Z,2026-03-21T12:00Z,lost,0,m1,Site,A\n"
        "d3,2026-03-02T08:00Z,2026-03-22T12:00Z,won,1000,m2,Ads,B\n"
    ),
    "stage_changes": "deal_id,changed_at,stage_id\n" + "".join(f"d{n},2026-03-02T08:00Z,new\n" for n in (1, 2, 3)),
    "calls": (
        "call_id,started_at,talk_seconds,direction,manager_id,deal_id\n"
        "c1,2026-03-03T09:00Z,3600,out,m1,d1\n"
        "c2,2026-03-03T10:00Z,1800,out,m1,d2\n"
        "c3,2026-03-04T09:00Z,7200,in,m2,d3\n"
        "c4,2026-03-05T09:00Z,1800,in,m2,\n"
    ),
}
STATED = {
    "hour": 1000,
    "managers": {"m2": 600},
    "spend": {"Ads": 4000, "Site": {"2026-03": 500}, "Fair": 310},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with open_company(folder) as company:
        yield costing(company, STATED)


def costing(company: Company, stated: dict[str, Any]) -> Company:
    return replace(company, settings=replace(company.settings, costs=stated))


def told(company: Company, *by: str, scope: Scope | None = None) -> dict[str, Cost]:
    own = scope or Scope(MARCH)
    return {" · ".join(cost.segment): cost for cost in costs(company, own, lambda *c: measure(company, own, c), by)}


def page(company: Company, lang: str = "en", **more: Any) -> Section:
    return Section("costs", company, Scope(MARCH, **more), ("source",), Locale(lang))


def test_each_segment_costs_what_its_talk_and_its_source_cost(shop: Company) -> None:
    found = told(shop, "source")

    assert {name: (c.talk_cost, c.spend, c.cost) for name, c in found.items()} == {
        "Ads": (1000 + 2 * 600, 4000, 6200),
        "Site": (500, 500, 1000),
        "(no deal)": (300, None, None),
        "Fair": (0, 310, 310),
        "(total)": (3000, 4810, 7810),
    }
    ads, whole = found["Ads"], found["(total)"]
    assert (ads.cost_per_sale, ads.return_on_talk, ads.return_on_spend) == (3100, 10_000 / 2200, 2.5)
    assert (found["Site"].cost_per_sale, found["Site"].return_on_talk) == (None, 0)
    assert (found["Fair"].cost_per_sale, found["Fair"].return_on_talk, found["Fair"].return_on_spend) == (None, None, 0)
    assert (whole.cost_per_sale, whole.return_on_spend) == (3905, 10_000 / 4810)


def test_a_manager_is_known_by_id_or_name_and_before_his_team(shop: Company) -> None:
    for stated, boris in (
        ({"managers": {"Boris": 600}, "teams": {"South": 1}}, 1500),
        ({"teams": {"South": 400}}, 1000),
        ({"teams": {"North": 400}}, 2500),
    ):
        found = told(costing(shop, {"hour": 1000} | stated), "manager")
        assert found["Boris"].talk_cost == boris


def test_what_is_not_stated_is_unknown_and_so_is_what_rests_on_it(shop: Company) -> None:
    spent = told(costing(shop, {"spend": {"Ads": 4000}}), "source")
    assert (spent["Ads"].talk_cost, spent["Ads"].cost_per_sale, spent["Ads"].return_on_talk) == (None, 2000, None)
    assert (spent["Site"].spend, spent["(total)"].spend, spent["(total)"].cost_per_sale) == (None, None, None)
    talked = told(costing(shop, {"hour": 1200}), "source")
    assert (talked["Ads"].cost_per_sale, talked["(total)"].spend) == (1800, None)
    free = told(costing(shop, {"hour": 1200, "spend": {"Ads": 0, "Site": 0}}), "source")
    assert (free["Ads"].cost_per_sale, free["Ads"].return_on_spend, free["(total)"].spend) == (1800, None, 0)
    other = told(costing(shop, STATED | {"spend": {"Ads": {"2026-02": 5}, "Site": 5}}), "source")
    assert (other["Ads"].spend, other["Ads"].cost, other["Site"].spend) == (None, None, 5)


def test_spend_is_told_by_source_alone_and_not_under_other_filters(shop: Company) -> None:
    assert {c.spend for c in told(shop, "grade").values()} == {None}
    narrowed = told(shop, "source", scope=Scope(MARCH, where={"grade": ("A",)}))
    assert {c.spend for c in narrowed.values()} == {c.cost_per_sale for c in narrowed.values()} == {None}
    assert narrowed["Ads"].talk_cost == 1000
    ads = told(shop, "source", scope=Scope(MARCH, where={"source": ("Ads",)}))
    assert (list(ads), ads["(total)"].spend, ads["(total)"].cost_per_sale) == (["Ads", "(total)"], 4000, 3100)


def test_part_of_the_minutes_is_not_set_against_all_of_the_money(shop: Company) -> None:
    inbound = told(shop, "source", scope=Scope(MARCH, where={"direction": ("in",)}))
    assert inbound["Ads"].talk_cost == 1200
    assert {(c.cost_per_sale, c.return_on_talk) for c in inbound.values()} == {(None, None)}
    staged = told(shop, "stage")
    assert (staged["new"].talk_cost, staged["new"].return_on_talk) == (2700, None)
    assert staged["(total)"].return_on_talk == 10_000 / 3000


def test_spend_of_part_of_a_month_is_its_share_of_the_days(shop: Company) -> None:
    ten = told(shop, "source", scope=Scope(Period.of_days("2026-03-22", "2026-04-01")))
    assert ten["Fair"].spend == pytest.approx(100)
    both = told(shop, "source", scope=Scope(Period.of_month("2026-03..2026-04")))
    assert (both["Ads"].spend, both["Fair"].spend) == (8000, 620)
    assert both["Site"].spend is None  # nothing is said of April


@settings(max_examples=25)
@given(worlds(least=2), st.sampled_from(["manager", "team", "stage", "source"]), st.sampled_from(["closed", "created"]))
def test_the_cost_of_talk_adds_up_to_the_whole_however_it_is_cut(world: World, by: str, lens: str) -> None:
    with open_company(world.frames(), timezone=world.timezone) as company:
        if by not in company.dimensions:
            return
        stated = {"hour": 700, "managers": {"m1": 1100, "m2": 0}}
        span = Period.of_days("2000-01-01", "2050-01-01")
        *rows, whole = told(costing(company, stated), by, scope=Scope(span, lens)).values()
        same = told(costing(company, {"hour": 60}), by, scope=Scope(span, lens)).values()
    assert math.fsum(cost.talk_cost or 0 for cost in rows) == pytest.approx(whole.talk_cost or 0, rel=1e-9, abs=1e-9)
    assert all(cost.talk_cost == pytest.approx(cost.talk_minutes) for cost in same)


@pytest.mark.parametrize(
    ("stated", "wrong"),
    [
        ({"costs": {"our": 5}}, r"\[costs\] our is not known.*Did you mean 'hour'"),
        ({"costs": {"hour": -1}}, "hour = -1 is not allowed; wanted: a number, 0 or more"),
        ({"costs": {"hour": True}}, "a number, 0 or more"),
        ({"costs": {"teams": {"North": 5}}}, "hour is wanted too"),
        ({"costs": {"hour": 1, "managers": 5}}, "managers = 5 is not allowed; wanted: a table"),
        ({"costs": {"spend": 5}}, "wanted: a table, as"),
        ({"costs": {"spend": {"Ads": "much"}}}, r'\[costs.spend\] "Ads" = \'much\' is not allowed'),
        ({"costs": {"spend": {"Ads": {"2026-13": 5}}}}, "'2026-13' is no month"),
        ({"costs": {"spend": {"Ads": {"2026-10": None}}}}, "a number, 0 or more"),
    ],
)
def test_a_cost_that_will_not_do_is_refused_by_its_name(stated: dict[str, Any], wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        parse(stated, "callkit.toml")


def test_costs_of_what_is_not_there_are_named(shop: Company) -> None:
    stated = {"hour": 1, "managers": {"Borys": 1, "m1": 1}, "teams": {"Nord": 1}, "spend": {"Adz": 1, "Ads": 1}}
    assert unknown(costing(shop, stated)) == [
        '[costs.managers] "Borys" matches no manager; the nearest: Boris',
        '[costs.teams] "Nord" matches no team; the nearest: North',
        '[costs.spend] "Adz" matches no source; the nearest: Ads',
    ]
    assert spending_of({}).rate() is None


# The page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_the_very_costs(shop: Company, lang: str) -> None:
    table = page(shop, lang).costs().data[TABLE_MIME]
    named = [c["name"] for c in table["columns"]]
    ads = dict(zip(named, table["rows"][0], strict=True))
    assert (ads["source"], ads["talk_cost"], ads["spend"], ads["cost_per_sale"]) == ("Ads", 2200, 4000, 3100)
    assert 'class="ck-how"' in page(shop, lang).costs().html
    by_manager = page(shop, lang).costs("manager").data[TABLE_MIME]
    assert "spend" not in [c["name"] for c in by_manager["columns"]]


def test_the_headline_tells_what_a_sale_comes_to(shop: Company) -> None:
    few = replace(shop, settings=replace(shop.settings, min_deals=1))
    said = page(few).headline().plain.splitlines()[1]
    assert (
        said == "The period's talk was 4.0 h, at a cost of 3,000. Spend on sources was 4,810. That is 3,905 per sale."
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_settings_the_page_says_which_to_write_and_the_report_has_none(shop: Company, lang: str) -> None:
    bare = costing(shop, {})
    why = Locale(lang).text("costs.unstated")
    assert why in page(bare, lang).costs().plain
    assert why in page(bare, lang).headline().plain
    assert "hour = 1200" in why
    assert "costs" not in available(bare)
    planned = plan(bare, [], notebooks_folder(), Locale(lang))
    assert "costs" not in [section.name for section in planned.sections]
    assert any(why in sentence for sentence in planned.left_out)
    assert "costs" in available(shop)
    assert "costs" in [s.name for s in plan(shop, [], notebooks_folder(), Locale(lang)).sections]


def test_who_sees_part_of_the_company_sees_no_costs(tmp_path: Path) -> None:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    with open_company(tmp_path) as company:
        own = replace(costing(company, STATED), viewer=Viewer("anna", "themselves", ("m1",)))
        assert "costs" not in available(own)
        shown = page(own).costs().html + page(own).costs("manager").html + page(own).headline().plain
        assert told(own, "source") == {}
    assert "Costs are the whole company" in shown
    assert "1,000" not in shown


def test_the_demo_company_has_the_page() -> None:
    section = callkit.section("costs", "demo", month="2026-10", lang="en")
    assert "per sale" in section.headline().plain


def test_the_chart_has_a_bar_a_part_the_dearest_first_against_the_whole(shop: Company) -> None:
    found = costs(shop, Scope(MARCH), lambda *c: measure(shop, Scope(MARCH), c), ["source"])
    more = [*found[:-1], replace(found[0], segment=("Cheap",), talk_cost=20.0, spend=0.0, cost=20.0), found[-1]]
    spec = costs_per_sale(more, ["source"], Locale("en"), few=[("Cheap",)]).to_dict()
    for layout in (spec, narrow(spec)):
        data = layout["datasets"]
        assert [bar["part"] for bar in data["bars"]] == [1100, 2000, 10, 0]
        assert [bar["name"] for bar in data["bars"]][::2] == ["Ads", "Cheap (too few deals)"]
        assert [end["text"] for end in data["ends"]] == ["3,100", "10.00"]
        assert "overall 3,905" in str(layout)
        assert "3 segments with undefined values" in " ".join(layout["title"]["subtitle"])


def test_a_chart_without_any_cost_per_sale_says_so(shop: Company) -> None:
    for company in (costing(shop, {}), shop):
        section = Section("costs", company, Scope(MARCH), ("stage",), Locale("en"))
        assert "The cost per sale is undefined here" in str(section.cost_chart().spec)
