# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
DURATION ?= 1200
CASES ?= 100000

# Tests start hundreds of commands: each would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check schema lock bench fuzz soak stories clean
.DEFAULT_GOAL := help

help: ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python pyproject.toml $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	@touch $@

demo: $(VENV)/.runtime ## Start a county of eight departments and the gateway over them
	$(BIN)/credit-gateway demo

test: $(VENV)/.dev ## Run all tests; says what it left out for want of a server
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## Lint, types, schema drift, catalogue lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/credit-gateway schema --check schema.graphql
	$(BIN)/credit-gateway schema --lint schema.graphql
	$(BIN)/credit-gateway catalogue lint

schema: $(VENV)/.runtime ## Export schema.graphql from the catalogue
	$(BIN)/credit-gateway schema --out schema.graphql

bench: $(VENV)/.dev ## Measure against a floor of raw drivers, strawberry and peers from npm: some 20 minutes
	$(BIN)/python -m bench

soak: $(VENV)/.dev ## Kill, hang, slow and restart departments under load; DURATION=1200 seconds
	$(BIN)/python -m tests.soak --seconds $(DURATION)

stories: $(VENV)/.dev ## Play five must-checks from the first call to the last right, and tell them
	$(BIN)/python -m tests.stories

fuzz: $(VENV)/.dev ## Compiled printing against graphql-core; CASES=100000
	$(BIN)/python -m tests.fuzz --cases $(CASES)

lock: ## Renew requirements.lock from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --group dev --no-emit-index-url --no-header \
	  --no-annotate --upgrade --output-file $(LOCK) pyproject.toml

clean: ## Remove what the demo made
	rm -rf var
