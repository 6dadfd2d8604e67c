# make setup   a virtual environment in .venv, with everything pinned by hash, and `revisit` in it
# make demo    the sample clinic, end to end; options by ARGS, e.g. make demo ARGS=--no-serve
# make test    the tests (make test ARGS="-k quiet_hours" for some of them)
# make check   lint, format, types, import rules, the shipped rooms and their stories
# make chaos   2,000 visits while every process is killed, as a table; minutes; options by ARGS, e.g. make chaos ARGS="--seed 7"
# make soak    half an hour at half of what the machine can do, its providers failing, its processes killed; make soak ARGS="--seconds 120"
# make bench   the benchmarks, as a table and in benchmarks/results.json
# make clean   removes what the other targets made
#
# Needs Python 3.11 or newer and a package registry. Another interpreter: make setup PYTHON=/path/to/python3.12

PYTHON ?= python3
ARGS ?=
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check chaos soak bench clean
.DELETE_ON_ERROR:

setup: $(READY)

# A list of requirements that changed is laid over the environment; one that is broken or half made is made anew.
$(READY): lock.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "Revisit needs Python 3.11 or newer, and there is no '$(PYTHON)' here." >&2; \
	  echo "Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python; or python.org)," >&2; \
	  echo "or name one that you have: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Revisit needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1)." >&2; \
	  echo "Install a newer one (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python; or python.org)," >&2; \
	  echo "and name it: make setup PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments: its venv module is missing." >&2; \
	  echo "Install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@rm -f $(READY)
	$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	if $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" && \
	  VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip sync --system-certs --compile-bytecode --require-hashes lock.txt && \
	  VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip install --system-certs --no-deps --editable .; then :; \
	else \
	  echo "uv cannot be used here; pip does the same, more slowly" >&2; \
	  $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement lock.txt && \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $(READY)

demo: setup
	$(BIN)/revisit demo $(ARGS)

test: setup
	$(BIN)/python -m pytest $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/revisit check
	$(BIN)/revisit test --coverage

chaos: setup
	$(BIN)/python -m tests.chaos $(ARGS)

soak: setup
	$(BIN)/python -m tests.chaos.soak $(ARGS)

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build benchmarks/results.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
