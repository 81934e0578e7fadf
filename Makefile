# The verbs of this project, for people and for CI. `make demo` needs Python 3.11, git and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test test-lakefs test-gpu dev check accuracy bench clean

help:
	@echo "make demo    everything once: models, sample corpus, the whole flow, a dataset"
	@echo "make dev     the Dagster UI on what the demo made"
	@echo "make test    all tests            make check  lint, types, import rings"
	@echo "make accuracy   how right the layers are, into docs/accuracy.md"
	@echo "make bench   what it costs        make clean  remove what was made here"
	@echo "make test-lakefs   the lake's suite on a real lakeFS (needs Docker)"
	@echo "make test-gpu   networks on an NVIDIA GPU (docs/models.md says what to install)"

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

$(STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

demo: $(STAMP)
	@$(BIN)/hour-lake demo

dev: $(STAMP)
	@$(BIN)/hour-lake init
	$(BIN)/dagster dev --host 127.0.0.1 --port 3000

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-lakefs: $(DEV_STAMP)
	PYTHON=$(BIN)/python deploy/test-lakefs

test-gpu: $(DEV_STAMP)
	$(BIN)/python -m pytest -m gpu

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -q hour_lake_tests/test_rings.py

accuracy: $(DEV_STAMP)
	$(BIN)/python -m hour_lake_tests.accuracy

bench: $(DEV_STAMP)
	@$(BIN)/python -m bench

clean:
	rm -rf .venv .hour_lake .env sample
