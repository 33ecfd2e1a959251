# The short form of the commands. Needs Python 3.11 or newer and make; makes .venv on first use.
#   make export   EfficientNet-Lite0 from torch to int8 files, checked, benchmarked here, one report
#   make ship     the network onto two emulated boards: signed, tested there, switched; a bad version goes back
#   make test     the tests          make test-slow   the long ones     make check   lint, types, arrows, docs
#   make bench | report | docs | benchmarks | benchmarks-quantizers | clean

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
MODEL ?= efficientnet-lite0
ROOMS := inputs models graph export quantize runtime devices check report ship pipeline cli

.DEFAULT_GOAL := help
.PHONY: help export bench ship report test test-slow check docs benchmarks benchmarks-quantizers clean

help:
	@sed -n 's/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# A C compiler for the board that no runtime's wheel fits.
$(VENV)/.native: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[native]'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# mypy wants the package under its own name, whatever this folder is called.
.house/sepia:
	@mkdir -p .house && ln -sfn .. $@

export: $(VENV)/.installed
	@$(BIN)/sepia run sepia.toml

bench: $(VENV)/.installed
	@$(BIN)/sepia bench build/$(MODEL) $(foreach target,$(TARGETS),--target $(target))

build/$(MODEL)/model.int8.onnx:
	@$(MAKE) export

ship: $(VENV)/.native build/$(MODEL)/model.int8.onnx
	@$(BIN)/sepia ship rehearse build/$(MODEL)

report: $(VENV)/.installed
	@$(BIN)/sepia report build/$(MODEL)/results.json -o build/$(MODEL)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not slow' $(PYTEST)

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow $(PYTEST)

check: $(VENV)/.dev .house/sepia
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -m sepia -m sepia.errors -m sepia.files $(foreach room,$(ROOMS),-p sepia.$(room))
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet --site-dir build/site

docs: $(VENV)/.dev
	$(BIN)/mkdocs serve

benchmarks: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(BENCHMARKS)

benchmarks-quantizers: $(VENV)/.installed
	$(BIN)/python -m benchmarks.quantizers $(BENCHMARKS)

clean:
	rm -rf build .house
