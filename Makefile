# Every target is one plain command that works without make; docs/install.md gives them for Windows.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN = .venv/Scripts
else
BIN = .venv/bin
endif

LINT = $(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check . && $(BIN)/python -m mypy && $(BIN)/lint-imports
# On all cores; the tests of a file stay together, for they share what is slow to make, and
# tests/conftest.py orders the files.
PYTEST = $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder
# A floor holds for the whole suite alone, so it is not set for a choice of tests.
COVERAGE = --cov=mnist_helpers $(if $(ARGS),,--cov-fail-under=90)

.DEFAULT_GOAL := help
.PHONY: help install run quick test stress lint docs bench study lab refresh clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

install: $(BIN)/.installed  ## make .venv with the locked packages and the project

$(BIN)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(0 if (3,11) <= sys.version_info < (3,14) else 'This project needs Python 3.11, 3.12 or 3.13 and found %d.%d; name one with: make run PYTHON=python3.13' % sys.version_info[:2])"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m jupyterlab.labextensions disable @jupyterlab/apputils-extension:announcements
	@touch $@

run: install  ## train and evaluate: notebooks 01 to 05 into runs/<date>/
	$(BIN)/python -m mnist_helpers run $(ARGS)

quick: install  ## the whole series on 2,000 images, to see it work
	$(BIN)/python -m mnist_helpers run --quick $(ARGS)

test: install  ## lint, types, unit tests, the notebooks under nbval, and coverage
	$(LINT) && $(PYTEST) $(COVERAGE) $(ARGS)

stress: install  ## the promises of SECURITY.md at length, about 20 minutes
	$(BIN)/python -m tests.stress $(ARGS)

lint: install  ## lint, formatting, types and the rules of imports
	$(LINT)

docs: install  ## the site of notebooks and API in site/html, links checked
	rm -rf site docs/api
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs -d site/doctrees . site/html
	$(BIN)/python docs/check_links.py site/html

bench: install  ## measure what docs/benchmarks.md states (PyTorch's rows need the group bench)
	for part in augmentation training_speed step_profile prediction widgets time_to_accuracy full_run scaling; do \
		echo "$$part"; PYTHONPATH=. $(BIN)/python benchmarks/$$part.py || exit 1; done
	$(BIN)/python benchmarks/update_readme.py

study: install  ## train and test thirty seeds; continues where it stopped
	seq 0 29 | xargs -n 1 -P "$$(getconf _NPROCESSORS_ONLN)" $(BIN)/python benchmarks/accuracy.py --threads 1 --seeds
	$(BIN)/python benchmarks/accuracy.py --report
	$(BIN)/python benchmarks/update_readme.py

lab: install  ## open JupyterLab on this machine
	$(BIN)/python -m jupyterlab --ip=127.0.0.1 --ServerApp.root_dir=. --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.default_url=/lab/tree/notebooks/01_data_exploration.ipynb

refresh: install  ## renew the committed notebooks, model, table and figure by a full run
	$(BIN)/python -m mnist_helpers run --dataset mnist --name refresh && $(BIN)/python benchmarks/refresh.py refresh

clean:  ## remove .venv and the site (runs and models stay)
	rm -rf .venv site docs/api
