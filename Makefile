# What watches whole nights of the platform (tests/e2e) runs alone, after the rest: its deadlines are those of the product.
# Everything runs from .venv, which is made once and again when pyproject.toml changes.
PYTHON ?= python3
BENCH ?= all
BIN := .venv/bin

.PHONY: help demo test test-slow lint bench lab lab-down lab-elasticsearch lab-elasticsearch-down lab-kubernetes lab-kubernetes-down proof clean

help:
	@echo "make demo      the console on the embedded platform, cycling through every scenario"
	@echo "make test      the tests that need neither root nor network"
	@echo "make test-slow those of them that take long for one property"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make bench     the benches (BENCH=NAME for one)"
	@echo "make lab       real servers on loopback; make lab-down stops them"
	@echo "make lab-kubernetes   a real kube-apiserver on loopback, built at first; make lab-kubernetes-down stops it"
	@echo "make lab-elasticsearch   a real Elasticsearch on loopback, fetched at first; make lab-elasticsearch-down stops it"
	@echo "make proof     the long proofs; writes docs/proof/"
	@echo "make clean     remove .venv and what tools left behind"

.venv/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: midwatch needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -1)." >&2; \
	  echo "make: name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv || { \
	  echo "make: could not make .venv; on Debian: apt-get install python3-venv" >&2; exit 1; }; }
	@echo "installing midwatch and its tools into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: .venv/.ready
	@$(BIN)/midwatch demo --scenario cycle

test: .venv/.ready
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --ignore=tests/e2e
	@$(BIN)/python -m pytest -q tests/e2e

test-slow: .venv/.ready
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m slow

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: .venv/.ready
	@test -e tests/bench || { echo "make: there are no benches yet (tests/bench is missing)" >&2; exit 1; }
	@$(BIN)/python -m tests.bench $(BENCH)

lab: .venv/.ready
	@test -x tests/lab/up.sh || { echo "make: the lab is not built yet (tests/lab/up.sh is missing)" >&2; exit 1; }
	@tests/lab/up.sh

lab-down:
	@test -x tests/lab/down.sh || { echo "make: the lab is not built yet (tests/lab/down.sh is missing)" >&2; exit 1; }
	@tests/lab/down.sh

lab-kubernetes: .venv/.ready
	@tests/lab/kubernetes/up.sh

lab-kubernetes-down:
	@tests/lab/kubernetes/down.sh

lab-elasticsearch: .venv/.ready
	@tests/lab/elasticsearch/up.sh

lab-elasticsearch-down:
	@tests/lab/elasticsearch/down.sh

proof: .venv/.ready
	@test -x tests/proof/run.sh || { echo "make: there are no proofs yet (tests/proof/run.sh is missing)" >&2; exit 1; }
	@tests/proof/run.sh

clean:
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build *.egg-info
	@find console widgets views themes tests -name __pycache__ -type d -prune -exec rm -rf {} +
