# Everything that is done with this project. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := $(VENV)-oldest
NEWEST := $(VENV)-newest
TRAIN := $(VENV)-train
READY := $(VENV)/.ready
ADMITTED = $(shell sed -n 's/^ *"\(transformers[^"]*\)".*/\1/p' pyproject.toml)
# A process a core; the tests of one file stay together, as they share what they set up, in the order of tests/conftest.py.
CORES := -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# What Python has compiled is kept: each process that a test starts would compile it anew.
unexport PYTHONDONTWRITEBYTECODE
# On other releases the README's pictures and the documents show other lines. What takes long is tried there as far as it
# hangs on a release: whether models load, run and are recorded and profiled as they were.
ELSEWHERE := -p no:cacheprovider \
	--deselect tests/test_readme.py::test_the_pictures_are_what_make_pictures_draws \
	--deselect tests/test_docs.py::test_the_documents_are_what_make_docs_writes
RELEASES := tests/families tests/loading tests/capture tests/analysis/profiling

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow test-newest newest test-wheel test-oldest fuzz lint format pictures docs bench train clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything that the project needs

# --group is pip's since 25.1; the pip that a new environment brings may be older.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed, $$($(PYTHON) --version) was found"; echo "hint: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	@touch $@

run: $(READY) ## Show a whole forward pass of BERT over two sentences
	$(BIN)/bert-inspect run "I love cats!" "He hates pineapple pizza." --labels 1,0 --no-pager

test: $(READY) ## Run the tests, without those that take more than a second
	$(BIN)/python -m pytest $(CORES) -m "not slow"

test-slow: $(READY) ## Run the tests that take longer: every family and head, pages in Chromium, kills, Ray
	$(BIN)/python -m pytest $(CORES) -m slow

test-newest: $(READY) ## Run the tests on the newest transformers that pyproject.toml admits, if it is newer than ours
	@$(BIN)/python -m pip install --disable-pip-version-check --dry-run --upgrade --no-deps "$(ADMITTED)" | tee $(VENV)/newest
	@if grep -q "Would install" $(VENV)/newest; then $(MAKE) --no-print-directory newest; else echo "make test runs on it"; fi

newest:
	rm -rf $(NEWEST)
	$(PYTHON) -m venv $(NEWEST)
	grep ^torch= constraints.txt > $(NEWEST)/torch.txt
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(NEWEST)/torch.txt . --group test
	$(NEWEST)/bin/python -m pytest $(CORES) $(ELSEWHERE) -m "not slow"
	$(NEWEST)/bin/python -m pytest $(CORES) $(ELSEWHERE) -m slow $(RELEASES)

test-wheel: ## Build the wheel and try it, alone in a new environment, with the oldest dependencies it admits
	rm -rf $(OLDEST)
	$(PYTHON) -m venv $(OLDEST)
	sed -n '/^dependencies/,/^]/ s/^ *"\([a-z0-9]*\)>=\([0-9.]*\).*/\1==\2/p' pyproject.toml | grep -v ^torch= > $(OLDEST)/oldest.txt
	grep ^torch= constraints.txt >> $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(OLDEST)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(OLDEST)/dist .
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/oldest.txt $(OLDEST)/dist/*.whl
	cd $(OLDEST) && bin/python -I $(CURDIR)/tests/installed.py

test-oldest: test-wheel ## Run the tests on those oldest dependencies
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/oldest.txt --group test
	$(OLDEST)/bin/python -m pytest $(CORES) $(ELSEWHERE) -m "not slow"
	$(OLDEST)/bin/python -m pytest $(CORES) $(ELSEWHERE) -m slow $(RELEASES)

fuzz: $(READY) ## Look for trace files and configurations that it stumbles over, for FUZZ_SECONDS (60)
	$(BIN)/python fuzz/fuzz.py

lint: $(READY) ## Check style (ruff) and types (mypy, strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## Write the code as ruff formats it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pictures: $(READY) ## Draw the README's pictures anew, from real runs
	$(BIN)/python pictures/draw.py

docs: $(READY) ## Write docs/inner-workings.md anew, from a real run
	$(BIN)/python docs/make.py

bench: $(READY) ## Measure speed and memory, and write the tables of benchmarks/README.md (three quarters of an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/measure.py
	$(BIN)/python benchmarks/profile_forward.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/explanations.py --only costs --write
	$(BIN)/python benchmarks/effects.py --write
	$(BIN)/python benchmarks/corpus.py --write
	$(BIN)/python benchmarks/explanations.py --quick --only faithful --only shortcut --only sums

# In an environment of its own, without bert-inspect: transformers alone makes the model and measures it.
$(TRAIN)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TRAIN)
	$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group train
	@touch $@

train: $(TRAIN)/.ready ## Train bert-sentiment anew and measure it (half an hour; goes on where it was stopped)
	$(TRAIN)/bin/python training/train.py
	$(TRAIN)/bin/python training/export.py
	$(TRAIN)/bin/python training/repeat.py
	$(TRAIN)/bin/python training/evaluate.py
	$(TRAIN)/bin/python training/card.py

clean: ## Remove what the targets made
	rm -rf $(VENV) $(OLDEST) $(NEWEST) $(TRAIN) training/made .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find bert_inspect tests -name __pycache__ -type d -prune -exec rm -rf {} +
