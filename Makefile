# The newest Python that can make a virtual environment; PYTHON=... overrides.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$python; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
# Made last, so that a broken installation is repaired by the next run.
INSTALLED := $(VENV)/installed
CLUSTER_INSTALLED := $(VENV)/cluster-installed
# How many processes run the tests; WORKERS=0: one, without pytest-xdist.
WORKERS ?= 3
PARALLEL := $(if $(filter 0,$(WORKERS)),,-n $(WORKERS) --dist loadgroup --no-loadscope-reorder)
CONSTRAINTS := $(wildcard constraints.txt)

.PHONY: help install demo ui test check lint screenshots bench cluster matrix docs clean
.DEFAULT_GOAL := help

help: ## Say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

install: $(INSTALLED) ## Make .venv, with all that the others need

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name it: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(addprefix -c ,$(CONSTRAINTS)) -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Run the content pipeline on a real Airflow and the emulator
	@$(BIN)/python -m local_airflow.demo

ui: $(INSTALLED) ## The same, and keep Airflow up to look around
	@$(BIN)/python -m local_airflow.demo --stay

test: $(INSTALLED) lint ## Lint, check types and run the whole test suite
	$(BIN)/python -m pytest $(PARALLEL)

check: $(INSTALLED) lint ## Lint, check types and run the quick tests
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow'

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

screenshots: $(INSTALLED) ## Take the pictures in docs/images again
	SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser

bench: $(INSTALLED) ## Run the benchmarks and write docs/benchmarks.md (BENCH=quick: a short try)
	@$(BIN)/python -m benchmarks $(if $(filter quick,$(BENCH)),--quick)

# The extra comes on top, so that nobody else needs it.
$(CLUSTER_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(addprefix -c ,$(CONSTRAINTS)) -e '.[dev,cluster]'
	@touch $@

cluster: $(CLUSTER_INSTALLED) ## Run Airflow with PostgreSQL, Redis and Celery, and take parts of it away (SCENARIOS="...": some)
	@$(BIN)/python -m cluster $(SCENARIOS)

matrix: $(INSTALLED) ## Check every supported Airflow and Python, write docs/compatibility.md (ROWS="3.1.8 3.3.2": some)
	@$(BIN)/python -m matrix $(ROWS)

# -n wants every reference to lead somewhere, -W takes a warning as an error. No network is needed.
docs: $(INSTALLED) ## Build the documentation site into build/docs
	@$(BIN)/sphinx-build -W --keep-going -n -q -E -b html docs build/docs
	@echo "build/docs/index.html"

clean: ## Remove everything that the others have made
	rm -rf $(VENV) .demo .bench .cluster .matrix .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
