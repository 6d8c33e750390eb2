# Everything a developer does here. `make help` lists the targets; each makes what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BUILT := $(VENV)/.built
PEERS := $(VENV)/.peers
ECOSYSTEM := $(VENV)/ecosystem
SOURCES := $(wildcard httpstream/*.pyx httpstream/*.pxd) setup.py vendor/llhttp/pin.txt

.DEFAULT_GOAL := help
.PHONY: help run test check build bench ecosystem annotate fuzz wheels docs llhttp clean

help:  ## List the targets, a sentence each.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(BUILT)  ## Build, then stream 1 GiB and more over loopback, or with URL=https://... that address to a file.
	$(BIN)/httpstream $(if $(URL),fetch "$(URL)",demo)

test: $(BUILT)  ## Run all tests, or with FAST=1 only those that take no time (ARGS="..." goes to pytest).
	$(BIN)/python -m pytest $(if $(FAST),-m "not slow") $(ARGS)

check: $(READY)  ## Check formatting, lint, types, floors, and the lengths of files and functions.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict httpstream
	$(BIN)/python -m pytest -q tests/test_architecture.py

build: $(BUILT)  ## Make the virtual environment and compile the extensions where the tests find them.

bench: $(BUILT) $(PEERS)  ## Measure every scenario beside its limits and its peers, or with ONLY=name that one.
	$(BIN)/python -m bench $(if $(ONLY),--only "$(ONLY)") $(ARGS)

ecosystem: $(BUILT) $(ECOSYSTEM)/.ready  ## Try current releases of libraries that import httpx, unchanged, with httpstream in its place.
	cd tests/ecosystem && PYTHONPATH="$(CURDIR)/tests/ecosystem/site:$(CURDIR)" $(CURDIR)/$(ECOSYSTEM)/bin/python -m pytest -c pytest.ini $(ARGS)

annotate: $(READY)  ## Write Cython's annotated HTML, in which yellow lines call Python, and say where it is.
	HTTPSTREAM_ANNOTATE=1 $(BIN)/python setup.py -q build_ext --inplace
	@for page in build/cython/httpstream/*.html; do echo "file://$(CURDIR)/$$page"; done

fuzz: $(BUILT)  ## Feed the parser, the splitters and the decoders with broken input for a bounded time.
	$(BIN)/python -m tests.fuzz $(ARGS)

wheels: $(READY)  ## Build and repair wheels for the interpreters at hand, and check what is in them.
	$(BIN)/python tools/wheels.py

docs: $(BUILT)  ## Check that links in the Markdown files lead somewhere and that their Python examples compile.
	$(BIN)/python tools/docs.py

llhttp: $(READY)  ## Move the pin of llhttp to the newest release, or with VERSION=x to that one of httptools.
	$(BIN)/python vendor/llhttp/fetch.py --move $(VERSION)

clean:  ## Remove all that was built, but neither the virtual environment nor llhttp's sources.
	rm -rf build dist wheelhouse *.egg-info demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	rm -f httpstream/_*.so httpstream/_*.pyd $(BUILT)
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The editable install makes the `httpstream` command; the extensions are left to the rule below it, which runs again
# whenever one of their sources changed. "compat", of which setuptools warns, is a plain path entry: the other modes
# put an import hook into every start of Python.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --group dev
	PYTHONWARNINGS=ignore HTTPSTREAM_ONLY_PYTHON=1 $(BIN)/python -m pip install --quiet --no-build-isolation \
	    --config-settings editable_mode=compat --editable '.[all]'
	touch $@

# A peer that cannot be installed here costs its row in the results, not the benchmark.
$(PEERS): $(READY) bench/requirements.txt
	$(BIN)/python -m pip install --quiet --requirement bench/requirements.txt || echo "some peers are missing: see pip's message above"
	touch $@

# An environment of its own, with the real httpx in it: no library of ours is installed there, the path leads to it.
$(ECOSYSTEM)/.ready: tests/ecosystem/requirements.txt $(READY)
	test -x $(ECOSYSTEM)/bin/python || $(BIN)/python -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/python -m pip install --quiet --upgrade pip
	$(ECOSYSTEM)/bin/python -m pip install --quiet --upgrade --requirement tests/ecosystem/requirements.txt
	touch $@

$(BUILT): $(READY) $(SOURCES)
	$(BIN)/python setup.py -q build_ext --inplace
	touch $@
