# Every target installs what it needs into .venv.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: help demo test test-browser test-vta property verify-models check lint format lit examples bench \
        bench-kernels clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-13s %s\n", $$1, $$2}'

$(VENV)/core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/core

$(VENV)/bench: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[bench]'
	@touch $@ $(VENV)/core

$(VENV)/browser: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev,browser]'
	@touch $@ $(VENV)/core $(VENV)/dev

demo: $(VENV)/core  ## a real network on this machine, and kernels on an accelerator
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/accelerator.py

test: $(VENV)/dev  ## all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-browser: $(VENV)/browser  ## the page of `dovetail explain`, in Chromium
	$(BIN)/python -m pytest -rs tests/browser

verify-models: $(VENV)/dev  ## nine networks, run before and after each pass (half an hour)
	$(BIN)/python tests/support/verify_models.py

SEQUENCES ?= 20000
SEED ?= 0
property: $(VENV)/dev  ## random programs under random schedules (SEQUENCES=, SEED=; hours)
	$(BIN)/python tests/support/schedule_property.py $(SEQUENCES) $(SEED)

test-vta: $(VENV)/dev  ## random streams and kernels of VTA: simulator, verifier, compiler
	$(BIN)/python tests/support/vta_streams.py 10000
	$(BIN)/python tests/support/vta_interleavings.py 2000
	$(BIN)/python tests/support/vta_matmul.py 50
	$(BIN)/python tests/support/vta_kernels.py 300
	$(BIN)/python tests/support/vta_tokens.py 50

check: $(VENV)/dev lint  ## the fast part: lint, types, filecheck and unit tests
	$(BIN)/python -m pytest -n 2 tests/filecheck tests/unit

lint: $(VENV)/dev  ## style, types, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

format: $(VENV)/dev  ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lit: $(VENV)/dev  ## the filecheck files under plain lit
	$(BIN)/lit -q tests/filecheck

examples: $(VENV)/dev  ## rewrite what comes out in the examples beside the passes
	$(BIN)/python -m pytest tests/unit/test_pass_examples.py --update-examples

bench: $(VENV)/bench  ## latency of nine networks against onnxruntime
	$(BIN)/dovetail bench suite --against onnxruntime

bench-kernels: $(VENV)/core  ## single kernels as shares of what this machine can do (ten minutes)
	$(BIN)/dovetail bench kernels

clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist
