"""The demo company keeps its promises: the planted truths hold, the dirt is counted, and the rest looks like life.

Everything is read back from the CSV files with plain pandas; nothing of callkit's own placing or measuring is used,
except to see that the company opens without a broken contract.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from callkit import demo, settings
from callkit.company import open_company
from callkit.demo import files
from callkit.errors import CallkitError, UsageError

BUNDLED = Path(__file__).parents[1] / "data" / "demo"
NAMES = [
    "callkit.toml",
    "calls.csv",
    "deal_contacts.csv",
    "deals.csv",
    "managers.csv",
    "stage_changes.csv",
    "stages.csv",
]
LAST_MONTH = "2026-10"
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@dataclass(frozen=True)
class World:
    """A demo company as read: `calls` placed on deals and stages, `deals` with the month of their closing."""

    calls: pd.DataFrame
    deals: pd.DataFrame
    changes: pd.DataFrame
    contacts: pd.DataFrame
    managers: pd.DataFrame
    stages: pd.DataFrame


def read(folder: Path, zone: str = "Europe/Moscow") -> World:
    tables = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in folder.glob("*.csv")}
    calls, deals, changes = tables["calls"], tables["deals"], tables["stage_changes"]
    for table, columns in ((calls, ["started_at"]), (deals, ["created_at", "closed_at"]), (changes, ["changed_at"])):
        for column in columns:
            table[column] = pd.to_datetime(table[column].replace("", None), utc=True).dt.tz_convert(zone)
    calls["talk"] = calls["talk_seconds"].astype(int)
    deals["money"] = pd.to_numeric(deals["amount"].replace("", "0"))
    deals["month"] = deals["closed_at"].dt.strftime("%Y-%m")
    calls["month"] = calls["started_at"].dt.strftime("%Y-%m")
    managers = tables["managers"]
    named = managers.set_index("manager_id")["name"] + " " + managers["manager_id"].to_numpy()
    calls["manager"], deals["manager"] = calls["manager_id"].map(named), deals["manager_id"].map(named)
    calls["placed"] = placed(calls, deals, tables["deal_contacts"])
    of_deal = deals[["deal_id", "source", "project", "grade", "created_at", "closed_at"]]
    calls = calls.merge(of_deal.rename(columns={"deal_id": "placed"}), on="placed", how="left")
    calls["stage"] = stood_on(calls, changes)
    return World(calls, deals, changes, tables["deal_contacts"], managers, tables["stages"])


def placed(calls: pd.DataFrame, deals: pd.DataFrame, contacts: pd.DataFrame) -> pd.Series:
    """Section 2 of the contract, in its own words: the deal named, else the contact's live one, else a recent one."""
    named = calls["deal_id"].where(calls["deal_id"].isin(set(deals["deal_id"])))
    rest = calls[named.isna() & (calls["contact_id"] != "")][["call_id", "started_at", "contact_id"]]
    pairs = rest.merge(contacts, on="contact_id").merge(deals[["deal_id", "created_at", "closed_at"]], on="deal_id")
    pairs = pairs[pairs["created_at"] - pd.Timedelta(hours=1) <= pairs["started_at"]]
    pairs["live"] = ~(pairs["closed_at"] <= pairs["started_at"])
    pairs = pairs[pairs["live"] | (pairs["started_at"] - pairs["closed_at"] <= pd.Timedelta(days=30))]
    pairs["since"] = pairs["created_at"].where(pairs["live"], pairs["closed_at"])
    best = pairs.sort_values(["live", "since", "deal_id"]).groupby("call_id")["deal_id"].last()
    return named.fillna(calls["call_id"].map(best))


def stood_on(calls: pd.DataFrame, changes: pd.DataFrame) -> pd.Series:
    """The stage of the last change up to the call."""
    known = calls.dropna(subset=["placed"]).sort_values("started_at")[["call_id", "started_at", "placed"]]
    entered = changes.sort_values("changed_at").rename(columns={"deal_id": "placed"})
    last = pd.merge_asof(known, entered, left_on="started_at", right_on="changed_at", by="placed")
    return calls["call_id"].map(last.set_index("call_id")["stage_id"])


def figures(world: World, month: str, column: str, segments: list[str]) -> dict[str, float]:
    """What the segments, together, take and bring under the lens `closed`; no month: over the whole history."""
    calls = world.calls[world.calls["month"] == month] if month else world.calls
    deals = world.deals[world.deals["outcome"] != "open"]
    deals = deals[deals["month"] == month] if month else deals
    talk, money = calls["talk"].sum() / 60, deals["money"][deals["outcome"] == "won"].sum()
    calls, deals = calls[calls[column].isin(segments)], deals[deals[column].isin(segments)]
    won = deals[deals["outcome"] == "won"]
    minutes = calls["talk"].sum() / 60
    return {
        "talk_minutes": minutes,
        "talk_share": minutes / talk,
        "won_stage_share": calls["talk"][calls["stage"] == "142"].sum() / 60 / minutes,
        "deals": len(deals),
        "conversion": len(won) / len(deals),
        "revenue_share": won["money"].sum() / money,
        "revenue_per_minute": won["money"].sum() / minutes,
        "minutes_per_sale": minutes / len(won) if len(won) else float("inf"),
    }


@pytest.fixture(scope="session")
def bundled() -> World:
    return read(BUNDLED)


@pytest.fixture(scope="session", params=["bundled", (6000, 1), (6000, 22), (6000, 333), (30_000, 11)], ids=str)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bundled: World) -> World:
    if request.param == "bundled":
        return bundled
    calls, seed = request.param
    return read(demo.write(tmp_path_factory.mktemp("demo") / "company", calls=calls, seed=seed))


@pytest.fixture(scope="session")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.write(tmp_path_factory.mktemp("demo") / "english", lang="en")


def labels(world: World, column: str, segments: list[str]) -> list[str]:
    if column != "manager":
        return segments
    return [f"{name} {id_}" for id_, name in world.managers[["manager_id", "name"]].to_numpy() if name in segments]


# --- planted truths


@pytest.mark.parametrize("month", [LAST_MONTH, ""], ids=["last month", "whole history"])
@pytest.mark.parametrize("name", demo.PLANTED)
def test_a_planted_truth_holds(world: World, name: str, month: str) -> None:
    truth = demo.PLANTED[name]
    segments = labels(world, truth.column, truth.segments("ru"))
    named = world.calls[truth.column].dropna().replace("", None).dropna().unique()
    if truth.versus:
        rivals = [figures(world, month, truth.column, truth.against("ru"))]
    else:
        rivals = [figures(world, month, truth.column, [other]) for other in named if other not in segments]

    own = figures(world, month, truth.column, segments)

    for measure, (low, high) in truth.bands.items():
        if measure.endswith("_ratio"):
            plain = measure.removesuffix("_ratio")
            figure = own[plain] / min(rival[plain] for rival in rivals)
        else:
            figure = own["won_stage_share" if truth.stages else measure]
        assert low <= figure <= high, f"{measure} is {figure:.3f}"


@pytest.mark.parametrize("month", [LAST_MONTH, ""], ids=["last month", "whole history"])
def test_the_talker_talks_more_than_anybody(world: World, month: str) -> None:
    (talker,) = labels(world, "manager", demo.PLANTED["talker"].segments("ru"))
    calls = world.calls[world.calls["month"] == month] if month else world.calls

    minutes = calls.groupby("manager")["talk"].sum()

    assert minutes.idxmax() == talker
    assert minutes[talker] > 1.1 * minutes.drop(talker).max()


def test_every_planted_segment_of_the_bundled_company_has_thirty_closed_deals_in_its_last_month(
    bundled: World,
) -> None:
    for truth in demo.PLANTED.values():
        segments = labels(bundled, truth.column, truth.segments("ru") + truth.against("ru"))
        assert all(figures(bundled, LAST_MONTH, truth.column, [segment])["deals"] >= 30 for segment in segments)


def test_every_truth_is_told_in_both_languages() -> None:
    assert len(demo.truths("ru")) == len(demo.truths("en")) == len(demo.PLANTED) == 6
    assert all(CYRILLIC.search(sentence) for sentence in demo.truths("ru"))
    assert not any(CYRILLIC.search(sentence) for sentence in demo.truths("en"))


# --- planted dirt


def odd_rows(world: World) -> dict[str, int]:
    calls, deals, changes = world.calls, world.deals, world.changes
    won = deals["outcome"] == "won"
    spoken = calls[calls["manager_id"] != ""]
    listed = [*world.managers["manager_id"], ""]
    return {
        "calls_of_unknown_deals": ((calls["deal_id"] != "") & ~calls["deal_id"].isin(set(deals["deal_id"]))).sum(),
        "calls_by_nobody": (calls["manager_id"] == "").sum(),
        "calls_by_missing_manager": (~calls["manager_id"].isin(listed)).sum(),
        "calls_of_unknown_direction": (calls["direction"] == "unknown").sum(),
        "calls_at_one_second": spoken.duplicated(["manager_id", "started_at"], keep=False).sum(),
        "talks_over_four_hours": (calls["talk"] > 14_400).sum(),
        "deals_without_source": (deals["source"] == "").sum(),
        "deals_without_grade": (deals["grade"] == "").sum(),
        "deals_of_missing_manager": (~deals["manager_id"].isin(listed)).sum(),
        "deals_without_history": (~deals["deal_id"].isin(set(changes["deal_id"]))).sum(),
        "won_deals_of_amount_zero": (won & (deals["amount"] == "0")).sum(),
        "won_deals_without_amount": (won & (deals["amount"] == "")).sum(),
        "changes_to_undescribed_stage": (~changes["stage_id"].isin(set(world.stages["stage_id"]))).sum(),
        "repeated_stage_changes": changes.duplicated().sum(),
    }


def test_the_dirt_of_the_bundled_company_is_what_is_written(bundled: World) -> None:
    assert odd_rows(bundled) == demo.DIRT


def test_the_dirt_of_any_company_is_what_is_written(world: World) -> None:
    assert odd_rows(world) == demo.dirt(len(world.calls))


def test_dirt_grows_with_the_company() -> None:
    assert demo.dirt(30_000)["calls_of_unknown_deals"] == 60
    assert demo.dirt(1)["calls_of_unknown_deals"] == 0


def test_the_contract_is_kept(world: World) -> None:
    deals, calls = world.deals, world.calls
    closed = deals["outcome"] != "open"

    assert calls["call_id"].is_unique
    assert deals["deal_id"].is_unique
    assert world.managers["manager_id"].is_unique
    assert not world.stages.duplicated(["pipeline_id", "stage_id"]).any()
    assert not world.contacts.duplicated().any()
    assert set(deals["outcome"]) == {"won", "lost", "open"}
    assert set(calls["direction"]) == {"in", "out", "unknown"}
    assert (deals["closed_at"].notna() == closed).all()
    assert (deals["closed_at"] >= deals["created_at"])[closed].all()
    assert (calls["talk"] >= 0).all()
    assert (deals["money"] >= 0).all()


def test_callkit_opens_the_bundled_company() -> None:
    with open_company(BUNDLED) as company:
        assert company.name == "Северный ветер"
        assert company.timezone == "Europe/Moscow"
        assert company.facts["rows"]["calls"] == 6000
        assert set(company.facts["dimensions"]) == {"pipeline_id", "source", "project", "grade", "region"}


# --- likeness to life


def test_a_quarter_of_the_calls_and_more_of_the_cold_ones_are_missed(world: World) -> None:
    missed = world.calls["talk"] == 0

    assert 0.25 <= missed.mean() <= 0.30
    assert missed[world.calls["source"] == "Холодная база"].mean() > 0.4
    assert missed[world.calls["source"] == "Рекомендации"].mean() < 0.2


def test_calls_keep_office_hours_with_a_lunch_dip(world: World) -> None:
    hours = world.calls["started_at"].dt.hour.value_counts()

    assert hours[hours.index.isin(range(9, 19))].sum() > 0.999 * len(world.calls)
    assert hours[13] < 0.6 * hours[11]
    assert hours[13] < 0.7 * hours[15]


def test_few_call_on_saturday_and_almost_nobody_on_sunday(world: World) -> None:
    weekdays = world.calls["started_at"].dt.day_of_week.value_counts(normalize=True)

    assert 0.01 < weekdays[5] < 0.04
    assert weekdays.get(6, 0) < 0.005
    assert weekdays[[0, 1, 2, 3, 4]].min() > 0.15


def test_the_company_grows_and_its_months_differ(world: World) -> None:
    months = world.calls.groupby("month").size()

    assert list(months.index) == ["2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
    assert months["2026-10"] > 1.2 * months["2026-05"]
    assert months["2026-08"] < months["2026-09"]


def test_talks_are_mostly_short_and_sometimes_long(world: World) -> None:
    talks = world.calls["talk"][world.calls["talk"] > 0]

    assert 100 < talks.median() < 200
    assert talks.mean() > 1.4 * talks.median()


def test_nine_managers_of_three_teams_share_the_load_unevenly_and_two_are_namesakes(world: World) -> None:
    assert len(world.managers) == 9
    assert world.managers["team"].nunique() == 3
    assert world.managers["name"].value_counts().head(2).to_list() == [2, 1]
    deals = world.deals["manager"].value_counts()
    assert deals.max() > 2 * deals.min()


def test_some_calls_are_logged_on_contacts_only(world: World) -> None:
    on_contact = (world.calls["deal_id"] == "") & (world.calls["contact_id"] != "")
    several = world.contacts.groupby("contact_id")["deal_id"].nunique() > 1

    assert 0.10 < on_contact.mean() < 0.25
    assert 0.02 < world.calls["placed"].isna().mean() < 0.05
    assert several.sum() > 50
    assert world.contacts.groupby("deal_id").size().max() == 2


def test_contacts_with_two_live_deals_leave_a_choice(world: World) -> None:
    rest = world.calls[(world.calls["deal_id"] == "") & (world.calls["contact_id"] != "")]
    pairs = rest[["call_id", "started_at", "contact_id"]].merge(world.contacts, on="contact_id")
    pairs = pairs.merge(world.deals[["deal_id", "created_at", "closed_at"]], on="deal_id")
    live = pairs[(pairs["created_at"] <= pairs["started_at"]) & ~(pairs["closed_at"] <= pairs["started_at"])]

    assert (live.groupby("call_id").size() > 1).sum() > 0


def test_deals_move_back_are_reopened_and_stay_open(world: World) -> None:
    ordered = world.changes.drop_duplicates().sort_values(["deal_id", "changed_at"], kind="stable")
    sales = ordered[ordered["pipeline_id"] == "Продажи"]
    before = sales.groupby("deal_id")["stage_id"].shift()
    back = (sales["stage_id"] < before) & ~sales["stage_id"].isin(["142", "143"]) & ~before.isin(["142", "143"])
    reopened = (ordered.groupby("deal_id")["stage_id"].shift() == "143").sum()

    assert back.sum() > 30
    assert reopened > 20
    assert 0.02 < (world.deals["outcome"] == "open").mean() < 0.10


def test_a_closed_deal_ends_on_the_stage_of_its_outcome_and_an_open_one_does_not(world: World) -> None:
    last = world.changes.sort_values("changed_at", kind="stable").groupby("deal_id").last()
    deals = world.deals.set_index("deal_id").loc[last.index]

    assert (last["stage_id"][deals["outcome"] == "won"] == "142").all()
    assert (last["stage_id"][deals["outcome"] == "lost"] == "143").all()
    assert not last["stage_id"][deals["outcome"] == "open"].isin(["142", "143"]).any()
    assert (last["changed_at"] == deals["closed_at"])[deals["outcome"] != "open"].all()


def test_many_deals_close_in_a_later_month_than_they_began(world: World) -> None:
    closed = world.deals.dropna(subset=["closed_at"])

    assert (closed["created_at"].dt.strftime("%Y-%m") != closed["month"]).mean() > 0.1


def test_grades_differ_in_how_soon_they_buy(world: World) -> None:
    won = world.deals[world.deals["outcome"] == "won"]
    days = (won["closed_at"] - won["created_at"]).dt.total_seconds() / 86_400

    by_grade = days.groupby(won["grade"]).median()

    assert by_grade["AA"] < 1.5
    assert 2 < by_grade["BB"] < 7
    assert by_grade["CC"] > 14


def test_incoming_calls_create_deals_and_some_calls_come_long_before(world: World) -> None:
    ahead = world.calls["created_at"] - world.calls["started_at"]
    creating = (ahead > pd.Timedelta(0)) & (ahead <= pd.Timedelta(minutes=10))

    assert (world.calls["direction"][creating] == "in").all()
    assert 0.15 * len(world.deals) < creating.sum() < 0.45 * len(world.deals)
    assert (ahead > pd.Timedelta(hours=1)).sum() > 10


def test_sources_differ_in_their_load_after_the_sale(world: World) -> None:
    shares = {
        source: figures(world, "", "source", [source])["won_stage_share"]
        for source in ("Авито", "Холодная база", "Рекомендации")
    }

    assert shares["Авито"] > 2 * shares["Рекомендации"]
    assert shares["Авито"] > 4 * shares["Холодная база"]


def test_two_pipelines_share_the_ids_of_won_and_lost(world: World) -> None:
    ends = world.stages[world.stages["stage_id"].isin(["142", "143"])]

    assert sorted(ends["pipeline_id"]) == ["Повторные продажи"] * 2 + ["Продажи"] * 2
    assert list(ends["kind"]) == ["won", "lost", "won", "lost"]
    assert 0.04 < (world.deals["pipeline_id"] == "Повторные продажи").mean() < 0.12


def test_amounts_are_round_as_prices_are(world: World) -> None:
    amounts = world.deals["money"][world.deals["money"] > 0]

    assert (amounts % 100 == 0).all()
    assert (amounts[amounts >= 100_000] % 1000 == 0).all()
    assert amounts.mean() > 1.2 * amounts.median()


# --- the files


def test_the_bundled_company_is_what_is_written_today(tmp_path: Path) -> None:
    written = demo.write(tmp_path / "demo")

    assert sorted(path.name for path in BUNDLED.iterdir()) == NAMES
    assert sorted(path.name for path in written.iterdir()) == NAMES
    for name in NAMES:
        assert (BUNDLED / name).read_bytes() == (written / name).read_bytes(), name


def test_the_bundled_company_is_small() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 1_200_000


def test_another_seed_is_another_company(tmp_path: Path) -> None:
    one = demo.write(tmp_path / "one", calls=500)
    other = demo.write(tmp_path / "other", calls=500, seed=8)

    assert (one / "calls.csv").read_bytes() != (other / "calls.csv").read_bytes()


@pytest.mark.parametrize(("calls", "months"), [(1, 1), (2, 3), (7, 1), (40, 24), (999, 2)])
def test_a_company_of_any_size_has_exactly_its_calls(tmp_path: Path, calls: int, months: int) -> None:
    written = read(demo.write(tmp_path / "small", calls=calls, months=months, last_month="2025-01"))

    assert len(written.calls) == calls
    assert written.calls["started_at"].is_monotonic_increasing
    assert written.calls["started_at"].max() < pd.Timestamp("2025-02-01", tz="Europe/Moscow")
    first = pd.Timestamp("2025-02-01", tz="Europe/Moscow") - pd.DateOffset(months=months)
    assert written.calls["started_at"].min() >= first


def test_instants_carry_the_offset_of_moscow_to_the_second() -> None:
    first = (BUNDLED / "calls.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]

    assert re.fullmatch(r"2026-05-\d\dT\d\d:\d\d:\d\d\+03:00", first)


def test_the_settings_say_what_the_company_is(english: Path) -> None:
    russian = settings.load(BUNDLED / "callkit.toml")
    own = settings.load(english / "callkit.toml")

    assert (russian.name, russian.language, russian.currency) == ("Северный ветер", "ru", "RUB")
    assert russian.deal_url == "https://example.amocrm.ru/leads/detail/{deal_id}"
    assert russian.timezone == "Europe/Moscow"
    assert russian.titles["source"] == {"ru": "Источник", "en": "Source"}
    assert russian.titles["region"] == {"ru": "Регион", "en": "Region"}
    assert (own.name, own.language, own.currency) == ("North Wind", "en", "EUR")
    assert own.timezone == "Europe/Berlin"
    assert (BUNDLED / "callkit.toml").read_text(encoding="utf-8").startswith("# Настройки")


def test_the_english_company_has_the_same_numbers_under_english_names(english: Path) -> None:
    for path in english.glob("*.csv"):
        theirs, ours = (pd.read_csv(folder / path.name, dtype=str) for folder in (english, BUNDLED))
        words = [c for c in theirs if c in {"source", "project", "region", "pipeline_id", "name", "team"}]
        same = theirs.drop(columns=words).map(wall_clock).equals(ours.drop(columns=words).map(wall_clock))
        assert same, path.name
        assert not CYRILLIC.search(path.read_text(encoding="utf-8"))
        for column in words:
            assert theirs[column].nunique() == ours[column].nunique()


def wall_clock(cell: object) -> object:
    return cell[:19] if isinstance(cell, str) and "T" in cell else cell


def test_the_english_company_keeps_the_clock_of_berlin(english: Path) -> None:
    started = pd.read_csv(english / "calls.csv", dtype=str)["started_at"]

    assert set(started[started < "2026-10-25"].str[19:]) == {"+02:00"}
    assert set(started[started >= "2026-10-25"].str[19:]) == {"+01:00"}


# --- the folder


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for folder in (tmp_path / "empty", tmp_path / "new" / "nested"):
        assert demo.write(folder, calls=50) == folder
        assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match=r"is not empty; name a new folder"):
        demo.write(tmp_path, calls=50)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "company").write_text("mine")

    with pytest.raises(UsageError, match=r"is a file; name a new folder"):
        demo.write(tmp_path / "company", calls=50)


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "empty folder"])
@pytest.mark.parametrize(
    ("failure", "told"),
    [(OSError(28, "No space left on device"), CallkitError), (KeyboardInterrupt("No more"), KeyboardInterrupt)],
    ids=["disk", "ctrl-c"],
)
def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, failure: BaseException, told: type[BaseException]
) -> None:
    folder = tmp_path / "company"
    if there:
        folder.mkdir()

    def fail(*_: object) -> str:
        raise failure

    monkeypatch.setattr(files, "_settings", fail)

    with pytest.raises(told, match="No "):
        demo.write(folder, calls=50)

    assert [path.name for path in tmp_path.iterdir()] == (["company"] if there else [])
    assert not there or not any(folder.iterdir())


def test_a_failure_while_the_files_are_moved_leaves_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fail_on_the_last(path: Path, target: Path) -> Path:
        if path.name == "stages.csv":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_the_last)

    with pytest.raises(CallkitError, match="Input/output error"):
        demo.write(tmp_path, calls=50)

    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calls": 0}, r"number of calls must be from 1 to 30000000, not 0"),
        ({"calls": -5}, r"number of calls"),
        ({"calls": 30_000_001}, r"number of calls"),
        ({"months": 0}, r"number of months must be from 1 to 240, not 0"),
        ({"months": -1}, r"number of months"),
        ({"months": 241}, r"number of months"),
        ({"seed": -1}, r"seed must be a whole number, 0 or more, not -1"),
        ({"lang": "de"}, r"language 'de' is not known; allowed: ru, en"),
        ({"last_month": "2026-13"}, r"'2026-13' must be written as YYYY-MM, as 2026-10"),
        ({"last_month": "10.2026"}, r"YYYY-MM"),
        ({"last_month": ""}, r"YYYY-MM"),
    ],
)
def test_an_argument_out_of_range_is_refused_in_words(tmp_path: Path, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        demo.write(tmp_path / "company", **arguments)

    assert not any(tmp_path.iterdir())
