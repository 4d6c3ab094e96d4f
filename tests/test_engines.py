"""The same statements on every engine: PostgreSQL, ClickHouse and a Spark cluster answer as DuckDB does, row by row.

Servers are the tests' own, on this machine; what is missing skips with a reason, in CI it fails. ClickHouse is chdb
behind a stand-in of its HTTP interface (see `standin.clickhouse`): no server is to be had from a package registry.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import functools
import json
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin import clickhouse, postgres, spark
from standin.lying import lay
from worlds import hand_world, questions
from worlds import worlds as any_worlds

import callkit.engines
from callkit import behind, calls, cli, demo, stored
from callkit.company import Company, build, open_company
from callkit.decisions.capacity import capacity
from callkit.decisions.cohorts import cohorts
from callkit.decisions.costs import costs
from callkit.decisions.evidence import evidence
from callkit.decisions.findings import findings
from callkit.decisions.forecast import forecast
from callkit.decisions.missed import missed
from callkit.decisions.reached import standings
from callkit.decisions.responses import responses
from callkit.errors import CallkitError, ContractError, UsageError
from callkit.figures import Figures
from callkit.measuring import measure
from callkit.quality import oddities
from callkit.scope import CREDITS, LENSES, Scope, conditions
from callkit.settings import Settings, load
from callkit.zones import Period

KINDS = ("postgres", "clickhouse", "spark")
SHARED = Path(os.environ.get("CALLKIT_SHARED", ""))
CASES: list[dict[str, Any]] = []
if "CALLKIT_SHARED" in os.environ:
    CASES = json.loads((SHARED / "conformance" / "cases.json").read_text(encoding="utf-8"))
each_engine = pytest.mark.parametrize("kind", KINDS)
each_server = pytest.mark.parametrize("kind", KINDS[:2])
"""Spark starts a job for every statement: what it is asked in another test already, it is not asked again."""
EVER = Period(dt.date(2011, 1, 1), dt.date(2028, 1, 1))


def _without(what: str) -> None:
    pytest.fail(f"CI must have it: {what}") if os.environ.get("CI") == "true" else pytest.skip(what)


@dataclass
class Engines:
    """The engines that are running: each is started when it is first asked for, and ended with the tests."""

    stack: ExitStack
    told_of: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    cluster: spark.Cluster | None = None
    _session: Any = None

    def told(self, kind: str) -> Mapping[str, Any]:
        """What `[engine]` of a callkit.toml says of an engine."""
        if kind not in self.told_of:
            self.told_of[kind] = getattr(self, f"_{kind}")()
            if kind == "spark":
                self.session()
        return self.told_of[kind]

    def _postgres(self) -> Mapping[str, Any]:
        if not _installed("psycopg"):
            _without("psycopg is not installed: callkit[postgres]")
        import psycopg

        url = self.stack.enter_context(postgres.running())
        # A database that sorts texts as people do, not by code points: no figure may depend on it.
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE shop TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'ru-RU'")
        return {"kind": "postgres", "url": url.removesuffix("postgres") + "shop"}

    def _clickhouse(self) -> Mapping[str, Any]:
        for module in ("clickhouse_connect", "chdb"):
            if not _installed(module):
                _without(f"{module} is not installed: make test installs it")
        return {"kind": "clickhouse", "url": self.stack.enter_context(clickhouse.running())}

    def _spark(self) -> Mapping[str, Any]:
        if lacking := spark.lacking():
            _without(lacking)
        self.cluster = self.stack.enter_context(spark.running())
        return self.cluster.told()

    def session(self) -> Any:
        """The one Spark session of all tests: an engine that is started finds it there."""
        from pyspark.sql import SparkSession

        told = self.told("spark")
        if self._session is None:
            builder = SparkSession.builder.master(told["master"]).appName("tests")
            quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
            for name, value in {**told["options"], **quiet}.items():
                builder = builder.config(name, value)
            self._session = builder.getOrCreate()
            self.stack.callback(self._session.stop)
        return self._session

    def open(self, kind: str, source: Any, timezone: str | None = None, **told: Any) -> Company:
        """A company placed in an engine."""
        own = Settings(engine={**self.told(kind), **told})
        return open_company(source, timezone=timezone, settings=own)


def _installed(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with ExitStack() as stack:
        yield Engines(stack)


@pytest.fixture(scope="module")
def opened(engines: Engines) -> Iterator[Callable[[str, str, str], Company]]:
    """Companies of the shared data by engine: placed once for all cases."""
    with ExitStack() as stack:

        @functools.cache
        def company(kind: str, dataset: str, timezone: str) -> Company:
            source = SHARED / "data" / dataset
            own = open_company(source, timezone=timezone) if kind == "duckdb" else engines.open(kind, source, timezone)
            return stack.enter_context(own)

        yield company


def alike(here: Sequence[Any], there: Sequence[Any]) -> bool:
    """Whether rows are the same: texts and whole numbers to the last digit, sums of fractions to the twelfth."""
    return len(here) == len(there) and all(
        a == b or (isinstance(a, float | int) and isinstance(b, float | int) and math.isclose(a, b, rel_tol=1e-12))
        for row, its in zip(here, there, strict=True)
        for a, b in zip(row, its, strict=True)
    )


def of_every_kind(cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cases that together have every lens with every credit, every column, every filter: Spark takes its time."""

    def kinds(case: dict[str, Any]) -> set[tuple[str, ...]]:
        lens, columns = case["lens"], [w.partition("=")[0] for w in case["where"]]
        had = {(lens, case["credit"]), (lens, case["dataset"]), ("columns", str(len(case["by"])))}
        return had | {("by", b) for b in case["by"]} | {("where", c) for c in columns}

    chosen, left = [], set[tuple[str, ...]]().union(*map(kinds, cases))
    while left:
        chosen.append(max(cases, key=lambda case: len(kinds(case) & left)))
        left -= kinds(chosen[-1])
    return chosen


ASKED_OF = {kind: of_every_kind(CASES) if kind == "spark" else CASES for kind in KINDS}


@pytest.mark.skipif(not CASES, reason="CALLKIT_SHARED does not name the folder of the conformance cases")
@pytest.mark.parametrize(
    ("kind", "case"),
    [pytest.param(kind, case, id=f"{kind}-{case['name']}") for kind, cases in ASKED_OF.items() for case in cases],
)
def test_the_conformance_case_holds_in_every_engine(
    kind: str, case: dict[str, Any], opened: Callable[[str, str, str], Company]
) -> None:
    period = Period(dt.date.fromisoformat(case["start"]), dt.date.fromisoformat(case["stop"]))
    scope = Scope(period, case["lens"], case["credit"], conditions(case["where"]))
    got, its = (measure(opened(k, case["dataset"], case["timezone"]), scope, case["by"]) for k in (kind, "duckdb"))
    text = (SHARED / "conformance" / "expected" / f"{case['name']}.csv").read_text(encoding="utf-8")
    columns, *wanted = csv.reader(text.splitlines())
    assert list(got.columns) == columns
    assert [row[: len(got.keys)] for row in got.rows] == [tuple(row[: len(got.keys)]) for row in wanted]
    for row, cells in zip(got.rows, wanted, strict=True):
        for value, cell in zip(row[len(got.keys) :], cells[len(got.keys) :], strict=True):
            same = value is None if cell == "" else math.isclose(value, float(cell), rel_tol=1e-9, abs_tol=1e-9)
            assert same, f"{row[: len(got.keys)]}: {value}, wanted {cell!r}"
    assert alike(got.rows, its.rows)


@each_server
def test_the_hand_made_world_is_the_same_call_by_call(kind: str, engines: Engines, tmp_path: Path) -> None:
    world = hand_world()
    folder = world.write_csv(tmp_path)
    with open_company(folder, timezone=world.timezone) as here, engines.open(kind, folder, world.timezone) as there:
        assert_the_same_company(kind, here, there)


def assert_the_same_company(kind: str, here: Company, there: Company) -> None:
    """Every call's place, every oddity, evidence, the lists behind figures, lenses and credits (on Spark, some)."""
    placed = [calls.placed_calls(c).astype(object).where(lambda f: f.notna(), None) for c in (here, there)]
    assert placed[0].to_dict("records") == placed[1].to_dict("records")
    assert [o.kind for o in oddities(here, Scope(EVER))]
    for one, other in zip(*(oddities(c, Scope(EVER)) for c in (here, there)), strict=True):
        assert (one.kind, one.rows, list(one.listed)) == (other.kind, other.rows, list(other.listed))
        assert list(one.effect) == list(other.effect)
        assert alike(*([(*o.effect.values(), o.talk_minutes)] for o in (one, other)))
    few = kind == "spark"
    for lens in ("closed", "called") if few else LENSES:
        one, other = (evidence(c, Scope(EVER, lens), ["stage", "source"]) for c in (here, there))
        assert (one.labels, one.deal.tolist()) == (other.labels, other.deal.tolist())
        assert alike([one.revenue.tolist()], [other.revenue.tolist()])
        assert alike([one.talk_minutes.tolist()], [other.talk_minutes.tolist()])
    assert repr(cohorts(here, Scope(EVER, "created"), [30])) == repr(cohorts(there, Scope(EVER, "created"), [30]))
    assert_the_same_day(here, there)
    people = here.dimensions["manager"]
    somebody = {"manager": [here.label(people, code) for code in (1, 2)]}
    every = [(lens, credit) for lens in LENSES for credit in (CREDITS if lens != "called" else ("owner",))]
    for lens, credit in (("lifetime", "talk"), ("called", "owner")) if few else every:
        for where in ({}, somebody):
            scope = Scope(EVER, lens, credit, where)
            for by in (["manager", "month"],) if few else (["manager"], ["stage", "direction"], ["owner", "month"], []):
                assert alike(*(measure(c, scope, by).rows for c in (here, there))), (lens, credit, where, by)
            assert alike(*(behind.deals(c, scope, sort="-owner").rows for c in (here, there)))
    for sort, search in (("stage", "о"), ("-manager", "OLEG")):
        one, other = (behind.calls(c, Scope(EVER), sort=sort, search=search, size=5, page=0) for c in (here, there))
        assert (one.found, list(one.rows)) == (other.found, list(other.rows))


def assert_the_same_day(here: Company, there: Company) -> None:
    """Responses, attempts, missed calls, the load of stages and what the next month needs."""
    scope, by = Scope(EVER), ["source"] if "source" in here.dimensions else []
    assert repr(responses(here, scope, by)) == repr(responses(there, scope, by))
    assert repr(missed(here, scope, ["manager"])) == repr(missed(there, scope, ["manager"]))
    one, other = (capacity(c, scope, measure(c, scope, ["stage"])) for c in (here, there))
    assert [(s.stage, s.entered) for s in one.stages] == [(s.stage, s.entered) for s in other.stages]
    needs = [forecast(c, scope) for c in (here, there)]
    assert needs[0].months == needs[1].months
    assert (needs[0].need is None) == (needs[1].need is None)


def _few(kind: str) -> int:
    return {"postgres": 25, "clickhouse": 10, "spark": 2}[kind]


@each_engine
def test_figures_are_those_of_a_plain_reading_of_the_rules_in_every_engine(kind: str, engines: Engines) -> None:
    engines.told(kind)

    @settings(
        max_examples=_few(kind), deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        world = data.draw(any_worlds(least=1))
        with tempfile.TemporaryDirectory() as folder:
            world.write_csv(folder)
            with engines.open(kind, folder, str(world.timezone)) as company:
                for scope in data.draw(questions(world)):
                    kept = conditions(scope.where)
                    asked = Scope(Period(scope.start, scope.stop), scope.lens, scope.credit, kept)
                    agree(measure(company, asked, scope.by), *oracle.metrics(world, *scope))

    holds()


def agree(got: Figures, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    assert list(got.columns) == list(columns)
    assert [row[: len(got.keys)] for row in got.rows] == [tuple(row[: len(got.keys)]) for row in rows]
    for mine, theirs in zip(got.rows, rows, strict=True):
        for name, a, b in zip(columns, mine, theirs, strict=True):
            plain = isinstance(a, str) or a is None or b is None
            same = a == b if plain else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
            assert same, f"{mine[: len(got.keys)]} {name}: {a!r}, the plain reading gives {b!r}"


TABLES_BROKEN = {
    "calls": {"talk_seconds": -5.0, "direction": "up", "call_id": "twice"},
    "deals": {"outcome": "maybe", "amount": -1.0, "deal_id": None},
}


@each_engine
def test_tables_that_lie_in_an_engine_are_checked_and_placed_there(
    kind: str, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = hand_world().frames()
    where = lay(kind, engines.told(kind), "crm", frames, tmp_path)
    monkeypatch.setattr("callkit.sources.read", None)  # no file is read, no row passes through this process
    with engines.open(kind, tmp_path, "Europe/Berlin", tables=where) as there:
        monkeypatch.undo()
        with open_company(frames, timezone="Europe/Berlin") as here:
            assert_the_same_company(kind, here, there)


@each_engine
def test_an_engine_finds_every_violation_in_its_own_tables(kind: str, engines: Engines, tmp_path: Path) -> None:
    frames = hand_world().frames()
    for table, columns in TABLES_BROKEN.items():
        for column, value in columns.items():
            frames[table].loc[[2, 3], column] = value
    frames["stage_changes"] = frames["stage_changes"].assign(
        changed_at=frames["stage_changes"]["changed_at"].astype("str")
    )
    where = lay(kind, engines.told(kind), "broken", frames, tmp_path)
    with pytest.raises(ContractError) as there:
        engines.open(kind, tmp_path, "Europe/Berlin", tables=where)
    del frames["stage_changes"]
    with pytest.raises(ContractError) as here:
        open_company(frames, timezone="Europe/Berlin")
    told, wanted = ([v for v in e.value.violations if v.table != "stage_changes"] for e in (there, here))
    assert [(v.table, v.column, v.problem, v.rows) for v in told] == [
        (v.table, v.column, v.problem, v.rows) for v in wanted
    ]
    texts = [v for v in there.value.violations if v.table == "stage_changes"]
    assert [(v.column, v.problem, v.rows) for v in texts] == [("changed_at", "not a date with a time", 21)]
    assert [v.examples for v in told if v.column == "direction"] == [
        v.examples for v in wanted if v.column == "direction"
    ]


def shop(place: Path, told: Mapping[str, Any], *more: str) -> Path:
    """A folder of one's own with the hand-made world's tables and an `[engine]` in its settings."""
    hand_world().write_csv(place / "tables")
    listed = [f"{key} = {json.dumps(value)}" for key, value in told.items() if key != "options"]
    options = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in told.get("options", {}).items()]
    lines = [
        '[company]', 'name = "Shop"', '[account]', 'timezone = "Europe/Berlin"', '[source]', 'path = "tables"', *more,
        *(["[engine]", *listed, "[engine.options]", *options] if told else []),
    ]  # fmt: skip
    (place / "callkit.toml").write_text("\n".join(lines), encoding="utf-8")
    return place


ASKED = ("--month", "2026-03", "--by", "manager", "--credit", "talk", "--format", "csv")


@each_engine
def test_a_store_in_an_engine_is_built_read_replaced_and_removed(
    kind: str, engines: Engines, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plain, there = shop(tmp_path / "plain", {}), shop(tmp_path / "there", engines.told(kind))
    out = tmp_path / "shop.callkit"
    printed = {}
    for source in (plain, there):
        assert cli.main(["metrics", str(source), *ASKED]) == 0
        printed[source] = capfd.readouterr().out
    assert cli.main(["build", str(there), "--out", str(out)]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(out)
    assert cli.main(["metrics", str(out), *ASKED]) == 0
    printed[out] = capfd.readouterr().out
    assert printed[there] == printed[out] == printed[plain]

    before = json.loads(out.read_text(encoding="utf-8"))
    with open_company(out) as reading:
        build(there, out)
        assert reading.span  # whoever reads the old tables goes on
        build(there, out)
        after = json.loads(out.read_text(encoding="utf-8"))
        assert len({before["place"], after["before"], after["place"], ""}) == 4
    told = json.dumps(before)
    (tmp_path / "old.callkit").write_text(told, encoding="utf-8")
    with pytest.raises(ContractError, match="are gone from the engine"):
        open_company(tmp_path / "old.callkit")
    stored.discard(out)
    assert not out.exists()
    assert places(kind, engines, after) == []


def places(kind: str, engines: Engines, note: Mapping[str, Any]) -> list[str]:
    """Which of the places a note names are in the engine."""
    names = [name for name in (note["place"], note["before"]) if name]
    told = engines.told(kind)
    if kind == "spark":
        return [name for name in names if (Path(told["store"]) / name).exists()]
    known = "SELECT schema_name FROM information_schema.schemata"
    with contextlib.closing(callkit.engines.start(told)) as engine:
        there = {row[0] for row in engine.query(known)}
    return [name for name in names if name in there]


@each_engine
def test_a_build_that_fails_leaves_nothing_in_the_engine(kind: str, engines: Engines, tmp_path: Path) -> None:
    there = shop(tmp_path / "there", {**engines.told(kind), "store": f"{engines.told(kind).get('store', 'fail')}_x"})
    (there / "tables" / "calls.csv").write_text("call_id\n1\n", encoding="utf-8")
    with pytest.raises(ContractError):
        build(there, tmp_path / "shop.callkit")
    assert [p for p in tmp_path.iterdir() if p.name.endswith((".callkit", ".part"))] == []
    if kind == "spark":
        assert not list(Path(f"{engines.told(kind)['store']}_x").glob("*"))
    else:
        with contextlib.closing(callkit.engines.start(engines.told(kind))) as engine:
            assert not [
                n for (n,) in engine.query("SELECT schema_name FROM information_schema.schemata") if "fail" in n
            ]


@each_engine
def test_a_report_comes_from_the_engine(kind: str, engines: Engines, tmp_path: Path) -> None:
    from callkit import report

    months = Period.of_month("2026-03").months()
    figures = {}
    for name, told in (("plain", {}), (kind, engines.told(kind))):
        source = shop(tmp_path / name, told, "[report]", 'sections = ["sources"]')
        (outcome,) = report.run(str(source), months, out=tmp_path / f"reports-{name}")
        assert not outcome.failed
        figures[name] = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))["figures"]
    assert figures[kind] == figures["plain"]


@each_engine
def test_what_chance_would_hardly_give_is_found_in_every_engine(kind: str, engines: Engines) -> None:
    october = Scope(Period.of_month("2026-10"))
    with open_company("demo") as here, engines.open(kind, "demo", here.timezone) as there:
        assert repr(findings(there, october)) == repr(findings(here, october)) != ""
        if kind == "spark":
            return  # the hand-made world above had its day; this one's would take Spark a minute
        told = replace(there, settings=replace(there.settings, goals=here.settings.goals, costs=here.settings.costs))
        cuts = [(c, october, functools.partial(_cut, c)) for c in (here, told)]
        one, other = ((standings(*own), costs(*own, ["source"])) for own in cuts)
        assert [(s.goal, s.reached) for s in one[0]] == [(s.goal, s.reached) for s in other[0]] != []
        assert [c.segment for c in one[1]] == [c.segment for c in other[1]]
        assert alike([[c.talk_cost for c in one[1]]], [[c.talk_cost for c in other[1]]])
        assert_the_same_day(here, there)
        needs = [forecast(c, october).need for c in (here, there)]
        assert alike(*([(n.deals, n.minutes, n.low, n.high, *n.rates)] for n in needs if n))


def _cut(company: Company, *by: str) -> Figures:
    return measure(company, Scope(Period.of_month("2026-10")), by)


# On Spark this would take as long as all the rest, an application for the build and one a page; the code is the same.
@each_server
def test_the_app_is_served_from_the_engine(
    kind: str, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from callkit.serving.sharing import Shared

    shared = Shared(str(shop(tmp_path / "shop", engines.told(kind))))
    try:
        assert str(shared.store).endswith(".callkit")
        note = json.loads(Path(str(shared.store)).read_text(encoding="utf-8"))
        for name, value in shared.environment.items():
            monkeypatch.setenv(name, value)
        with open_company(shared.source) as company:
            assert company.stored is not None
            assert measure(company, Scope(EVER)).total["calls"] == len(hand_world().calls)
    finally:
        shared.close()
    assert places(kind, engines, note) == []


def test_a_session_that_is_given_is_used_and_left_alone(engines: Engines, tmp_path: Path) -> None:
    told = engines.told("spark")
    from callkit.engines.spark import Spark

    session = engines.session()
    folder = hand_world().write_csv(tmp_path)
    before = set(Path(told["store"]).iterdir())
    with open_company(folder, timezone="Europe/Berlin", engine=Spark(session, told["store"])) as there:
        assert measure(there, Scope(EVER)).total["calls"] == len(hand_world().calls)
    assert session.sql("SELECT 1").collect()[0][0] == 1
    assert set(Path(told["store"]).iterdir()) == before


def test_a_worker_killed_while_calls_are_placed_changes_nothing_but_time(engines: Engines, tmp_path: Path) -> None:
    told = engines.told("spark")
    assert engines.cluster
    tables = demo.write(tmp_path / "shop", 100_000, 12, 5, "en")
    (tables / "callkit.toml").unlink()
    answers: list[Company] = []
    building = threading.Thread(target=lambda: answers.append(engines.open("spark", tables, "Europe/Moscow")))
    running = engines.session().sparkContext.statusTracker()
    building.start()
    wanted = time.monotonic() + 120
    while not (_writing_calls(Path(told["store"])) and running.getActiveJobsIds()):
        assert building.is_alive()
        assert time.monotonic() < wanted
        time.sleep(0.005)
    engines.cluster.kill_a_worker()
    building.join()
    with open_company(tables, timezone="Europe/Moscow") as here, answers[0] as there:
        for by in (["manager"], ["stage"], ["source", "month"]):
            for lens in LENSES:
                assert alike(*(measure(c, Scope(EVER, lens), by).rows for c in (here, there)))


def _writing_calls(store: Path) -> bool:
    return any(store.glob("callkit_passing_*/calls/_temporary"))


def test_what_an_engine_lacks_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = hand_world().write_csv(tmp_path)

    def told(engine: dict[str, Any]) -> str:
        with pytest.raises(CallkitError) as error:
            open_company(folder, settings=Settings(engine=engine))
        return str(error.value)

    assert "[engine] url is wanted" in told({"kind": "postgres"})
    nobody = {"kind": "postgres", "url": "postgresql://me@127.0.0.1:1/base"}
    assert told(nobody).startswith("PostgreSQL at 127.0.0.1 cannot be reached")
    for kind, module in (("postgres", "psycopg"), ("clickhouse", "clickhouse_connect"), ("spark", "pyspark")):
        for name in [n for n in sys.modules if n.startswith(("callkit.engines.", module))]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        assert told({"kind": kind}) == (
            f'[engine] kind = "{kind}" needs {module}, which is not installed: pip install "callkit[{kind}]"'
        )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('kind = "oracle"', "[engine] kind = 'oracle' is not allowed"),
        ('kind = "postgres"\nurl = "postgresql://me:secret@host/base"', "[engine] url is not allowed"),
        ('url = "postgresql://me@host/base"', "[engine] kind is wanted"),
    ],
)
def test_settings_of_an_engine_that_will_not_do_are_told(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "callkit.toml").write_text(f"[engine]\n{lines}\n", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load(tmp_path / "callkit.toml")
    assert said in str(error.value)
    assert "secret" not in str(error.value)
