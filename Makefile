# Everything a fresh machine needs: `make run` starts the dashboard, `make test` tests it.
PYTHON ?= python3
ADDRESS ?= 127.0.0.1
PORT ?= 8501
# A host without a GPU may take PyTorch's smaller build:
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PYTEST_ARGS ?= -n 4 --dist loadfile

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test test-cluster test-ecosystem test-oldest lint format bench bench-gpu load fuzz screenshots clean

run: $(VENV)/.runs
	$(BIN)/python -m streamlit run dashboard/app.py --server.address $(ADDRESS) --server.port $(PORT)

test: $(VENV)/.tests $(VENV)/.browser
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-cluster: $(VENV)/.cluster
	$(BIN)/python -m pytest -m cluster tests/cluster

# In an environment of its own: these packages ask for other versions of what Forelight uses.
test-ecosystem: .venv-ecosystem/.packages
	.venv-ecosystem/bin/python -m pytest -m ecosystem tests/ecosystem

# The oldest torch that will do, and no Streamlit: what the engine's own tests need, and those of threats that ask it alone.
test-oldest: .venv-oldest/.packages
	.venv-oldest/bin/python -m pytest -n 2 tests/engine $$(grep -L 'streamlit\|dashboard' tests/threats/test_*.py)

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy engine dashboard

format: $(VENV)/.tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/.tests $(VENV)/.browser
	$(BIN)/python -m tests.browser.screenshots

bench: $(VENV)/.tests $(VENV)/.browser
	$(BIN)/python -m tests.bench

# On a machine with a GPU; `make bench-gpu SMALL=--small` runs anywhere, in a minute or two.
bench-gpu: $(VENV)/.tests
	$(BIN)/python -m tests.bench gpu $(SMALL)

# 50 visitors at once for five minutes; LOAD="60 20" for less.
load: $(VENV)/.tests
	$(BIN)/python -m tests.bench.load $(LOAD)

# A million inputs at the guards in front of the readers; writes docs/fuzzing.md.
fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tests.fuzz

clean:
	rm -rf $(VENV) .venv-ecosystem .venv-oldest .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzzing

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Forelight needs Python 3.11 or later; found $$($(PYTHON) --version). Name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python cannot make environments here. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	touch $@

# torch and torchvision in one command: builds from different indexes do not work together.
$(VENV)/.runs: $(VENV)/.made requirements.txt
	@echo "Installing what is needed into $(VENV); the first time takes some minutes and some gigabytes."
	$(PIP) 'torch>=2.11' 'torchvision>=0.26' $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PIP) --requirement requirements.txt
	touch $@

$(VENV)/.tests: $(VENV)/.runs requirements-dev.txt
	$(PIP) --requirement requirements-dev.txt
	touch $@

$(VENV)/.cluster: $(VENV)/.tests requirements-cluster.txt requirements-s3.txt
	$(PIP) --requirement requirements-cluster.txt --requirement requirements-s3.txt 'moto[server]>=5' # an S3 server
	touch $@

$(VENV)/.fuzz: $(VENV)/.tests requirements-fuzz.txt
	$(PIP) --requirement requirements-fuzz.txt
	touch $@

$(VENV)/.browser: $(VENV)/.tests
	$(BIN)/python tests/browser/install.py
	touch $@

.venv-ecosystem/.packages: requirements.txt requirements-ecosystem.txt
	$(MAKE) VENV=.venv-ecosystem .venv-ecosystem/.runs
	.venv-ecosystem/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-ecosystem.txt
	touch $@

.venv-oldest/.packages: requirements.txt requirements-dev.txt
	$(MAKE) VENV=.venv-oldest .venv-oldest/.made
	grep -v '^streamlit' requirements.txt > .venv-oldest/requirements.txt
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.11.*' 'torchvision==0.26.*' \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --requirement .venv-oldest/requirements.txt \
		--requirement requirements-dev.txt 'torch==2.11.*'
	touch $@
