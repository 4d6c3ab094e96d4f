"""What is written about callkit is true: its files agree with one another, its shape holds, its texts are whole."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from callkit import dictionary
from callkit.contract import CONTRACT
from callkit.dimensions import SPECIAL
from callkit.locale import LANGUAGES, Locale, catalogue
from callkit.measures import MEASURES
from callkit.settings import SECTIONS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(p for p in (ROOT / "callkit").rglob("*.py"))
# conda-forge calls a few packages otherwise
CONDA = {"duckdb": "python-duckdb", "tzdata": "python-tzdata", "psycopg[binary]": "psycopg"}
# The way of the data: a module may import from those before it, never from those after it.
FLOW = [
    "errors",
    "measures",
    "engine",
    "locale",
    "zones",
    "working",
    "contract",
    "reading",
    "goals",
    "spending",
    "settings",
    "sources",
    "engines",
    "stored",
    "tables",
    "labels",
    "dimensions",
    "coding",
    "placing",
    "credit",
    "tailing",
    "loose",
    "growing",
    "building",
    "company",
    "scope",
    "rows",
    "figures",
    "onepass",
    "measuring",
    "calls",
    "quality",
    "decisions",
    "said",
    "charts",
    "show",
    "pieces",
    "scoped",
    "daily",
    "loading",
    "listing",
    "deciding",
    "aiming",
    "costing",
    "decided",
    "sections",
    "report",
]


def requirements() -> dict[str, str]:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = PROJECT["project"]["dependencies"] + extras["dev"] + extras["engines"]
    return dict(re.fullmatch(r"([\w.\-]+(?:\[\w+\])?)(.*)", r).groups() for r in wanted)  # type: ignore[union-attr, misc]


def test_the_conda_environment_asks_for_what_the_project_asks_for() -> None:
    lines = re.findall(
        r"^ +- ([a-z][\w\-]*) ?([<>=].*)?$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.M
    )
    conda = {name: wanted for name, wanted in lines if name not in ("python", "pip", "conda-forge")}
    assert conda == {CONDA.get(name, name): wanted for name, wanted in requirements().items()}


def test_the_locks_pin_every_requirement_with_hashes_and_name_no_address() -> None:
    text = "".join((ROOT / f"{name}.lock").read_text(encoding="utf-8") for name in ("requirements", "engines"))
    pins = re.findall(r"^([\w.\-]+)==\S+(.*?)(?=^\S|\Z)", text, re.M | re.S)
    assert {re.sub(r"\[.*\]", "", name) for name in requirements()} <= {name for name, _ in pins}
    assert all("--hash=sha256:" in rest for _, rest in pins)
    assert not re.search(r"https?://|--index-url|--find-links", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_long_and_every_one_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 305
    assert ast.get_docstring(ast.parse(text))


def test_imports_go_one_way_down_the_flow_of_the_data() -> None:
    rank = {name: i for i, name in enumerate(FLOW)}
    for path in MODULES:
        own = path.relative_to(ROOT / "callkit").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").startswith("callkit.")
                and not _typing_only(path, node)
            ):
                other = str(node.module).split(".")[1]
                if own in rank and other in rank and own != other:
                    assert rank[other] < rank[own], f"{own} imports {other}, which comes after it"


def _typing_only(path: Path, node: ast.ImportFrom) -> bool:
    blocks = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.If)]
    return any(
        isinstance(b.test, ast.Name) and b.test.id == "TYPE_CHECKING" and b.lineno < node.lineno <= b.end_lineno
        for b in blocks
    )  # type: ignore[operator]


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        # a plural has its forms between bars; Russian three, English two
        places = [
            {name for part in text.split("|") for _, name, _, _ in Formatter().parse(part) if name}
            for text in texts.values()
        ]
        assert places[0] == places[1], key
        if "|" in texts["ru"]:
            assert (texts["ru"].count("|"), texts["en"].count("|")) == (2, 1), key


def test_russian_texts_are_russian_and_english_ones_are_not() -> None:
    for key, texts in catalogue().items():
        own = re.sub('ru = "[^"]*"', "", texts["en"])  # but where an example of settings shows both languages
        assert not re.search("[а-яё]", own, re.I), key


def test_every_measure_dimension_and_special_label_has_a_title_in_both_languages() -> None:
    for lang in LANGUAGES:
        locale = Locale(lang)
        assert all(m.label(lang) and m.help(lang) for m in MEASURES.values())
        assert all(locale.segment(label) for label in SPECIAL.values())
    assert Locale("ru").segment("(no deal)") == "(без сделки)"
    assert Locale("ru").segment("(total)") == "Всего"


def test_the_data_dictionary_is_what_the_registries_say() -> None:
    assert (ROOT / "data" / "README.md").read_text(encoding="utf-8") == dictionary.markdown()


def test_the_contract_explains_every_column() -> None:
    assert all(column.meaning for table in CONTRACT.values() for column in table.columns)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_a_notebook_of_few_cells_that_only_composes(section: str) -> None:
    notebook = json.loads((ROOT / "notebooks" / f"{section}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert 4 <= len(code) <= 11
    tree = ast.parse("\n".join("".join(cell["source"]) for cell in code))
    assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda) for n in ast.walk(tree))
    imported = [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
    assert imported == ["callkit"]
    assert not any(isinstance(n, ast.ImportFrom) for n in ast.walk(tree))


@pytest.mark.parametrize("section", SECTIONS)
def test_every_notebook_is_stripped_but_for_one_checked_total(section: str) -> None:
    notebook = json.loads((ROOT / "notebooks" / f"{section}.ipynb").read_text(encoding="utf-8"))
    with_output = [cell for cell in notebook["cells"] if cell.get("outputs")]
    assert len(with_output) == 1
    assert "keep_output" in with_output[0]["metadata"]["tags"]


@pytest.mark.parametrize("section", SECTIONS)
def test_parameters_are_literals_with_a_comment_that_papermill_shows(section: str) -> None:
    notebook = json.loads((ROOT / "notebooks" / f"{section}.ipynb").read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    for line in "".join(cell["source"]).splitlines():
        value, _, comment = line.partition("#")
        assert line.count("=") == 1, "papermill skips a line with two equals signs"
        assert comment.strip()
        ast.literal_eval(value.split("=")[1].strip())


def test_the_top_level_stays_short() -> None:
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed if not name.startswith((".", '"'))}
    assert top <= {
        "notebooks", "callkit", "data", "tests", "environment.yml", "README.md", "pyproject.toml", "Makefile",
        "CHANGELOG.md", "LICENSE", "requirements.lock", "engines.lock",
    }  # fmt: skip


def test_nothing_in_the_package_asks_for_an_address_outside() -> None:
    allowed = (
        "http://www.w3.org",
        "https://example.",
        "https://vega.github.io/schema",
        "http://127.0.0.1",
        "http://localhost",
    )
    for path in [
        p for p in (ROOT / "callkit").rglob("*") if p.suffix in (".py", ".js", ".css", ".toml", ".html", ".j2")
    ]:
        for address in re.findall(r"https?://[^\s\"'`<>)]+", path.read_text(encoding="utf-8")):
            if "{" not in address and not path.is_relative_to(ROOT / "callkit" / "crm"):
                assert address.startswith(allowed) or address in ("https://", "http://"), f"{path.name}: {address}"


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_gives_the_formula_of_every_measure() -> None:
    assert all(f"| `{m.name}` | {m.help_en} |" in README for m in MEASURES.values())


def test_every_command_in_the_readme_is_understood() -> None:
    from callkit.grammar import grammar

    commands = re.findall(r"^callkit ([^#\n]+)", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S)), re.M)
    assert len(commands) >= 7
    for command in commands:
        grammar().parse_args(shlex.split(command))


def test_every_make_command_in_the_readme_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.M)) <= targets


def test_the_readmes_example_in_python_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {}
    exec(example, names)
    figures = names["figures"]
    assert figures["source"].iloc[-1] == "(total)"  # type: ignore[index]
    assert figures["calls"].iloc[-1] == 1276  # type: ignore[index]


def test_every_dependency_has_a_line_in_decisions() -> None:
    decisions = README.split("## Decisions")[1]
    for name in requirements():
        assert f"`{name.split('[')[0]}`" in decisions, name


def test_every_file_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
