# The newest Python that can create virtual environments; PYTHON=... overrides it.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$python; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
# Created last, so that the next run repairs an incomplete installation.
INSTALLED := $(VENV)/installed
CLUSTER_INSTALLED := $(VENV)/cluster-installed
# Number of test processes; WORKERS=0 runs one process without pytest-xdist.
WORKERS ?= 3
PARALLEL := $(if $(filter 0,$(WORKERS)),,-n $(WORKERS) --dist loadscope --no-loadscope-reorder)
CONSTRAINTS := $(wildcard constraints.txt)

.PHONY: help install demo ui test check lint screenshots generated bench cluster matrix live docs clean
.DEFAULT_GOAL := help

help: ## Show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(INSTALLED) ## Create .venv and install the development dependencies

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is required; specify it with: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(addprefix -c ,$(CONSTRAINTS)) -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Run the content pipeline on a real Airflow and the emulator (DAG=...: another example)
	@$(BIN)/python -m local_airflow.demo $(if $(DAG),--dag $(DAG))

ui: $(INSTALLED) ## Run the demo and keep Airflow running to explore its UI
	@$(BIN)/python -m local_airflow.demo --stay $(if $(DAG),--dag $(DAG))

test: $(INSTALLED) lint ## Run the linters, the type checker and the whole test suite
	$(BIN)/python -m pytest $(PARALLEL)

check: $(INSTALLED) lint ## Run the linters, the type checker and the quick tests
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow'

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

screenshots: $(INSTALLED) ## Update the screenshots in docs/images
	SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser

generated: $(INSTALLED) ## Update what is generated from the code: parts of the pages in docs, and the known actions
	@UPDATE_DOCS=1 $(BIN)/python -m pytest -q tests/docs/test_emulator_actions.py tests/docs/test_generated.py \
		tests/emulator/test_known_actions.py tests/test_imports.py::test_the_documentation_shows_the_rule

bench: $(INSTALLED) ## Run the benchmarks and write docs/benchmarks.md (BENCH=quick: a short run)
	@$(BIN)/python -m benchmarks $(if $(filter quick,$(BENCH)),--quick)

# A separate stamp file, because only `make cluster` needs the extra.
$(CLUSTER_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $(addprefix -c ,$(CONSTRAINTS)) -e '.[dev,cluster]'
	@touch $@

cluster: $(CLUSTER_INSTALLED) ## Test failures of Airflow with PostgreSQL, Redis and Celery (SCENARIOS="postgres redis": selected ones)
	@$(BIN)/python -m cluster $(SCENARIOS)

matrix: $(INSTALLED) ## Check the package on all supported versions and write docs/compatibility.md (ROWS="3.1.8 3.3.2": selected ones)
	@$(BIN)/python -m matrix $(ROWS)

live: $(INSTALLED) ## Check the facts of conformance/ on the real services (LIVE="--bucket b --yes": options)
	@$(BIN)/python -m conformance $(LIVE)

# -n checks all references, -W turns warnings into errors. The build does not need network access.
docs: $(INSTALLED) ## Build the documentation site in build/docs
	@$(BIN)/sphinx-build -W --keep-going -n -q -E -b html docs build/docs
	@echo "build/docs/index.html"

clean: ## Remove all files that the other commands create
	rm -rf $(VENV) .demo .bench .cluster .matrix .live .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
