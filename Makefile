# Two commands do all the set-up: `make report` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ENGINES := $(VENV)/.engines
MONTH  ?= 2026-10

.PHONY: report app lab test test-suite test-engines lint bench lock picture clean

report: $(READY)  ## the monthly report of the demo company
	@$(BIN)/callkit report demo --month $(MONTH)

app: $(READY)  ## the demo company's app for managers, in the browser
	$(BIN)/callkit app demo

lab: $(READY)  ## the notebooks, in JupyterLab
	$(BIN)/jupyter lab notebooks

test: $(READY) $(ENGINES)  ## everything but the benchmarks; engines, which wait more than they compute, beside the rest
	@$(MAKE) --no-print-directory -j 2 test-suite test-engines
	$(BIN)/python -m pytest -q -W default -p no:cacheprovider --nbval-lax -n 2 --dist loadfile notebooks

test-suite: $(READY)
	$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/test_engines.py

test-engines: $(ENGINES)
	@$(BIN)/python -m pytest tests/test_engines.py > $(VENV)/engines.log 2>&1 || { cat $(VENV)/engines.log; exit 1; }
	@tail -n 1 $(VENV)/engines.log

lint: $(READY)  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## speed and memory against peers, in one run
	$(BIN)/python tests/benchmarks/bench.py

picture: $(READY)  ## the README's picture, from the report itself
	$(BIN)/python tests/picture.py

lock: $(READY)  ## pin what is installed, with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra engines -c requirements.lock pyproject.toml -o engines.lock

clean:
	rm -rf $(VENV) reports build dist

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callkit needs Python 3.11 or later: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(ENGINES): engines.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r engines.lock
	@touch $@
