# Commands of the project; `make` alone lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
TORCH := torch==2.13.0
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
CUDA ?=
RATIOS ?= 0.25 0.5 0.75
INSTALLED := $(VENV)/.installed
CUDA_LIBRARIES := ^(torch|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+|triton)==

# Stages are `python -m tasks.X`: that python must be the one of the virtual environment.
export PATH := $(abspath $(BIN)):$(PATH)
export DO_NOT_TRACK := true

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-docs test-install lint docs check params profile estimate serve mlflow compare keep gc lock \
        clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

venv: $(INSTALLED) ## install into .venv, once (CUDA=1: torch with CUDA)

demo: venv ## the whole pipeline on generated data, then its tables and where the report is
	@$(BIN)/python -m flows.run
	@$(BIN)/python -m flows.track
	@$(BIN)/python -m headshrink.report.summary artifacts
	@echo "next: make compare RATIOS=\"0.25 0.5\" | make serve | make profile NAME=folder SET=... (README.md)"

test: venv ## the test suite, two tests at a time; without test-docs and test-install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup --ignore tests/install --ignore tests/docs

test-docs: venv ## every snippet of README and docs, the generated pages and the notebook
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup tests/docs --timeout 900

test-install: venv ## every exported form in a new environment with only what it needs
	$(BIN)/pytest tests/install --timeout 900

lint: venv docs ## ruff, mypy and the documentation
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: venv ## the documentation as a site, in site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
	@echo "site/index.html; with search: $(BIN)/python -m http.server --directory site 8000"

check: venv ## dvc.lock matches the code and the parameters
	$(BIN)/python .ci/lockgate.py

params: venv ## print all parameters with defaults, allowed values and descriptions
	@$(BIN)/python -m tasks.reference

profile: export override SET := $(value SET)
profile: venv ## NAME=folder SET="teacher.path=/models/my x corpus.path=/data": make a profile the parameters; spaces may stay
	$(BIN)/python -m tasks.profile $(NAME)

estimate: venv ## time, memory and disk of each stage with these parameters, from a sample; before anything is started
	@$(BIN)/python -m tasks.estimate

serve: venv ## Prefect: server, UI and the weekly deployment (PORT=4200 HOST=127.0.0.1)
	$(BIN)/python -m flows.serve $(if $(PORT),--port $(PORT)) $(if $(HOST),--host $(HOST))

mlflow: venv ## MLflow's UI on this machine, and the link that opens the runs (PORT=5000)
	$(BIN)/python -m flows.mlflow_ui $(if $(PORT),--port $(PORT))

compare: venv ## RATIOS="0.25 0.5 0.75": one student per ratio, timed against each other
	$(BIN)/python -m flows.compare --ratios "$(RATIOS)"

keep: venv ## NAME=x: copy the report to reports/x, for git
	$(BIN)/python -m tasks.keep $(NAME)

gc: venv ## what current and tagged results do not need, checkpoints too; YES=1 removes it
	@$(BIN)/python -m tasks.gc $(if $(YES),--yes)

lock: venv ## resolve the dependencies of pyproject.toml anew into requirements.lock
	@head -2 requirements.lock > requirements.lock.new
	$(BIN)/uv pip compile pyproject.toml --all-extras --python-version 3.11 --universal --no-annotate --no-header --quiet \
		| grep -vE '$(CUDA_LIBRARIES)' >> requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean: ## remove .work (worktrees, kept runs, checkpoints, Prefect's database) and tool caches; no artifacts
	rm -rf .work .mypy_cache .ruff_cache .pytest_cache .hypothesis
	git worktree prune

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
		|| { echo "error: $(PYTHON) is not Python 3.11 or 3.12; set PYTHON=..." >&2; exit 2; }
	@echo "installing into $(VENV); this takes some minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet $(UV)
	@$(MAKE) --no-print-directory torch
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --compile-bytecode --no-deps --requirement requirements.lock
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(INSTALLED)

# pip for torch, because it also looks where pip.conf says (a local wheel, a mirror). The CPU index is tried only where it
# answers; elsewhere PyPI's build is what there is, and on Linux that is the one with CUDA, which is said.
.PHONY: torch
torch:
ifeq ($(CUDA)$(shell uname -s),Linux)
	@if $(BIN)/python -c 'import urllib.request as r; r.urlopen("$(TORCH_CPU_INDEX)/torch/", timeout=5)' 2>/dev/null; then \
		$(BIN)/pip install --quiet --no-deps --index-url $(TORCH_CPU_INDEX) $(TORCH); \
	else $(BIN)/pip install --quiet --no-deps $(TORCH); fi
	@$(BIN)/pip show torch | grep '^Version: .*+cpu' > /dev/null || { \
		echo "note: $(TORCH_CPU_INDEX) cannot be reached; installing PyPI's torch with its CUDA libraries (2.7 GB)"; \
		$(BIN)/pip install --quiet $(TORCH); }
else
	$(BIN)/pip install --quiet $(TORCH)
endif
