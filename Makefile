# Two commands: `make repro` sets up and runs the chain, `make test` sets up and runs the tests.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/.installed

export PATH := $(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
# Idle OpenMP threads sleep instead of spinning: on a busy machine that is several times faster.
export OMP_WAIT_POLICY := passive

.PHONY: help setup browser repro serve test postgres check static quick format clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11, 5) <= v < (3, 14) else f"error: Millrace needs Python 3.11.5 to 3.13, and $(PYTHON) is {v.major}.{v.minor}.{v.micro}: name another with make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); } || { rm -rf $(VENV); echo "error: $(PYTHON) cannot make a virtual environment: install its venv package (Debian: python3-venv)" >&2; exit 1; }
	@echo "installing the pinned packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-}}" $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(INSTALLED) ## .venv with the pinned packages

browser: $(INSTALLED)
	@$(BIN)/python -m scrapers.browser_setup

repro: browser ## set up, then run every stage that is out of date
	@$(BIN)/dvc repro

serve: $(INSTALLED) ## serve the exported models on http://127.0.0.1:8000
	@$(BIN)/millrace serve

test: browser ## set up, then run every test
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

postgres: ## install PostgreSQL for the tests of studies that many machines share, where Debian's packages can be had
	@if command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then exit 0; \
	elif [ "$$(id -u)" != 0 ]; then echo "no PostgreSQL here, and installing it takes root: tests on it are skipped" >&2; \
	elif ! command -v apt-get > /dev/null; then echo "no PostgreSQL here, and no apt-get to install it: tests on it are skipped" >&2; \
	elif ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql > /dev/null; }; then \
		echo "no PostgreSQL here, and apt-get could not install it: tests on it are skipped" >&2; fi

check: $(INSTALLED) ## format, lint, types, import contracts, quick tests
	@$(MAKE) --no-print-directory -j2 static quick

static:
	@$(BIN)/ruff format --check --quiet . || { echo "error: run make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache > $(VENV)/.imports.log || { cat $(VENV)/.imports.log; exit 1; }
	@$(BIN)/mypy

quick:
	@$(BIN)/pytest -m 'not slow' --numprocesses 2 --dist loadfile

format: $(INSTALLED) ## format and sort imports
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format --quiet .

clean: ## remove what the chain wrote, not the packages
	@rm -rf data artifacts reports
