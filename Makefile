# Each target makes its own virtual environment, .venv, when there is none, and installs there
# what it needs. An activated environment is neither used nor changed.
#   make search PYTHON=python3.12     the interpreter to make .venv with
#   make search VENV=.venv-other      another place for it
#   make test ARGS="-k space"         further arguments for the program that the target runs
PYTHON ?=
VENV ?= .venv
ARGS ?=
PY := $(abspath $(VENV))/bin/python

export PYTHON VENV
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

.PHONY: help search test test-fast test-lowest check format lint types layers docs wheel bench clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "%-12s %s\n", $$1, $$2}'

search: ## search an architecture for the digits: the main example
	@tools/venv.sh examples
	$(PY) examples/quickstart.py $(ARGS)

TESTS := tests docs --doctest-modules keras_glove
# Files of tests run side by side, in at most four processes; PARALLEL= for one after the other.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile

test: ## every test, the quick ones first, and every example in a docstring
	@tools/venv.sh tests
	$(PY) -m pytest $(TESTS) $(PARALLEL) $(ARGS)

test-fast: ## the same without the slow ones
	@tools/venv.sh tests
	$(PY) -m pytest $(TESTS) -m "not slow" $(PARALLEL) $(ARGS)

test-lowest: ## every test, with the lowest supported version of each dependency
	@tools/venv.sh tests
	@PINS="$$($(PY) tools/lowest.py)" VENV=.venv-lowest tools/venv.sh tests
	.venv-lowest/bin/python -m pytest $(TESTS) $(PARALLEL) $(ARGS)

check: lint types layers docs wheel ## formatting, lint, types, layers, documentation, wheel

format: ## format the sources, and repair what ruff can repair
	@tools/venv.sh dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lint:
	@tools/venv.sh dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

# The unpacked wheel: there callbacks/ and tpu/ stand where they are installed, for mypy,
# import-linter and the reference pages to see.
.PHONY: tree
tree:
	@tools/venv.sh dev
	@rm -rf build/dist build/tree
	@mkdir -p build
	$(PY) -m build --outdir build/dist . > build/build.log 2>&1 || { cat build/build.log; exit 1; }
	$(PY) -m zipfile -e build/dist/*.whl build/tree

types: tree
	cd build/tree && $(PY) -m mypy --config-file ../../pyproject.toml -p keras_glove

layers: tree
	cd build/tree && $(dir $(PY))lint-imports --no-logo ../../pyproject.toml

docs: tree ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

wheel: tree
	tools/check_wheel.sh

bench: ## the benchmarks
	@tools/venv.sh bench
	for file in $(filter-out benchmarks/spaces.py, $(wildcard benchmarks/*.py)); do \
		$(PY) $$file $(ARGS) || exit 1; \
	done  # symbolic.py measures spaces, too

clean: ## remove what the targets made, .venv included
	rm -rf build dist site .venv-lowest *.egg-info
	if [ -f $(VENV)/made-by-make ]; then rm -rf $(VENV); fi
