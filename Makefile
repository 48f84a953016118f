# Needs python3 (3.11 or newer) and make; gets uv by itself where it is missing.
# CONTRIBUTING.md says how to work with it, docs/decisions/0001-lock-file.md why the lock is requirements.lock.

.DEFAULT_GOAL := help
.PHONY: help setup demo livekit test check static format lock docs bench clean
.PHONY: formatted lint types contracts dependencies documented

# Relative names throughout, so that the checkout may lie anywhere, spaces in its path or not.
PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .tools/bin/uv
UV_FILE := .tools/bin/uv
endif

WORKERS ?= 2
PYTEST_ARGS ?=

# Compiled modules make a start several times cheaper than it is without them.
unexport PYTHONDONTWRITEBYTECODE
# uv must install into .venv, whatever environment is active in the caller's shell.
unexport VIRTUAL_ENV
unexport CONDA_PREFIX

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 16

setup: $(INSTALLED) ## install what is locked, and meetctl itself, into .venv

demo: setup ## hold a whole meeting on this machine, and audit what its vision cost
	@.venv/bin/meetctl demo

livekit: setup ## find or build the LiveKit server, once (minutes; kept in the user's cache)
	@.venv/bin/meetctl up --prepare

test: setup livekit ## run every test (PYTEST_ARGS='-k sampler' for some)
	@$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

check: static test ## everything that must hold before a commit

static: formatted lint types contracts dependencies documented ## make check without the tests

formatted: setup
	.venv/bin/ruff format --check .

lint: setup
	.venv/bin/ruff check .

types: setup
	.venv/bin/mypy

contracts: setup
	.venv/bin/lint-imports

dependencies: setup
	.venv/bin/deptry src

documented: setup
	$(PYTHON) scripts/make_docs.py --check

format: setup ## format the code and sort its imports
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: $(UV_FILE) ## rewrite requirements.lock after pyproject.toml changed (UPGRADE=--upgrade for new versions)
	"$(UV)" pip compile pyproject.toml --extra local --group dev --universal --generate-hashes --quiet \
		--no-header --no-annotate --no-emit-index-url $(UPGRADE) --output-file requirements.lock

docs: setup ## rewrite the generated parts of the documentation
	$(PYTHON) scripts/make_docs.py

bench: setup livekit ## measure everything that docs and README state (an hour or two; BENCH_ARGS=--quick tries it)
	$(PYTHON) benchmarks/start_up.py
	$(PYTHON) benchmarks/coverage_accuracy.py
	$(PYTHON) benchmarks/replay_speed.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/logs_speed.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/dashboard_load.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/sampler_cost.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/replay_seek.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/recorder_cpu.py
	$(PYTHON) benchmarks/backend_overhead.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/meeting_load.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/room_recorder.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/worker_load.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/two_workers.py $(BENCH_ARGS)
	$(PYTHON) benchmarks/answer_latency.py --backend $(BENCH_ARGS)

clean: ## remove everything that make made, .venv and .tools included
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# pyproject.toml carries the console script, __init__.py the version: both end up in the installed metadata.
$(INSTALLED): requirements.lock pyproject.toml src/meetctl/__init__.py $(UV_FILE)
	@[ -x $(PYTHON) ] || "$(UV)" venv --quiet --python '>=3.11' .venv || \
		{ echo 'meetctl needs Python 3.11 or newer: install one and put it on PATH as python3' >&2; exit 1; }
	"$(UV)" pip sync --quiet --python $(PYTHON) --require-hashes --compile-bytecode requirements.lock
	"$(UV)" pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@$(PYTHON) -m compileall -q src
	@touch $(INSTALLED)

.tools/bin/uv:
	@echo 'uv is not on PATH: installing it into .tools' >&2
	@python3 -m venv .tools || \
		{ echo 'python3 cannot make virtual environments: install its venv module (Debian: python3-venv) or uv' >&2; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv
