# Two commands do all set-up on a machine that has python3.11+ and make: `make check` and `make test`.
# Both build .venv from the pinned files in requirements/, and only again when one of those files changes.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PACKAGE_STAMP := $(VENV)/.package-installed
CHECK_STAMP := $(VENV)/.check-installed
TEST_STAMP := $(VENV)/.test-installed

# Extra arguments for the command behind a target: `make test ARGS="-k sort -x"`.
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help check confirm test slow lint format types contracts docs bench clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: $(CHECK_STAMP) $(PACKAGE_STAMP) ## check every shipped program against its contract
	$(BIN)/rasp check spec/programs $(ARGS)

confirm: $(CHECK_STAMP) $(PACKAGE_STAMP) ## have every proof of `make check` confirmed by somebody else than its finder; minutes
	$(BIN)/python -m benchmarks confirm $(ARGS)

test: $(TEST_STAMP) $(PACKAGE_STAMP) ## run the tests, the slow ones excepted, in two processes
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal $(ARGS)

slow: $(TEST_STAMP) $(PACKAGE_STAMP) ## run the slow tests
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(TEST_STAMP) ## check style and formatting
	$(BIN)/ruff check $(ARGS)
	$(BIN)/ruff format --check

format: $(TEST_STAMP) ## format the code and apply the safe fixes
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

types: $(TEST_STAMP) ## check types with mypy --strict
	$(BIN)/mypy --strict $(ARGS)

contracts: $(TEST_STAMP) ## check the import contracts
	$(BIN)/lint-imports --no-logo $(ARGS)

docs: $(TEST_STAMP) $(PACKAGE_STAMP) ## build the documentation in build/site; a warning is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs . build/site $(ARGS)

bench: $(TEST_STAMP) $(PACKAGE_STAMP) ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove .venv and all caches
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer, with its venv module, is needed; set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(CHECK_STAMP): requirements/check.txt | $(BIN)/python
	$(PIP) install -r $<
	@touch $@

$(TEST_STAMP): requirements/test.txt $(CHECK_STAMP)
	$(PIP) install -r $<
	@touch $@

# Editable: the stamp depends on the metadata only, not on the code.
$(PACKAGE_STAMP): pyproject.toml $(CHECK_STAMP)
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
