# Two commands matter: `make report` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
DATA   ?=
OUT    ?=
ROWS   ?= 316824
TARGET ?= api
BASE   ?=
PLATFORM ?=
MODEL  ?= runs/first
LOANS  ?= 250000
URL    ?=
ARGS   ?=
QUARTO_CLI := quarto-cli==1.10.19

.DEFAULT_GOAL := help
.PHONY: help report extras quarto test test-fast test-long test-image image audit lint lab clean-notebooks docs bench bench-scale bench-tuning validate lock clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-15s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "loantap needs Python 3.11 or newer, and %s is %s. Name another one with PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	$(PYTHON) -m venv $(VENV)

# Bytecode is kept: tests start hundreds of processes and kernels.
export PYTHONDONTWRITEBYTECODE =

# A stamp holds until the lock or the project's metadata changes, so a second run installs nothing.
$(VENV)/.report: requirements/report.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/report.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(VENV)/.report
	$(PIP) install --require-hashes -r requirements/dev.lock
	@$(BIN)/python tools/clean_notebooks.py --install
	@touch $@

$(VENV)/.tools: requirements/tools.lock | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/deploy-tools
	$(VENV)/deploy-tools/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/tools.lock
	@touch $@

report: $(VENV)/.report ## run the whole job and render the report [DATA=FILE] [OUT=DIR]
	@$(BIN)/loantap run $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)")

extras: $(VENV)/.dev ## add what JupyterLab, serving, tracking, AWS and the tests need, as locked

# Its wheel is not locked: it fetches Quarto's program while it installs.
quarto: $(VENV)/.report ## try to add Quarto to the environment; reports are rendered without it too
	@$(BIN)/loantap doctor --has-quarto || $(BIN)/python tools/install_quarto.py $(QUARTO_CLI)

test: $(VENV)/.dev $(VENV)/.tools ## lint, check types, and meet every kind of fault once
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

test-fast: $(VENV)/.dev ## data, statistics, model and report, without what takes long: for a person at work
	$(BIN)/python -m pytest -m "not slow and not long" tests/test_*.py tests/data tests/analysis tests/model tests/scoring tests/policy tests/watchlist tests/runs tests/pages

test-long: $(VENV)/.dev $(VENV)/.tools ## repetitions, sizes and long campaigns of what make test shows
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m pytest -m slow tests/sources/test_spark.py

lint: $(VENV)/.dev ## ruff, mypy, and the manner of the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/notebook_lines.py
	$(BIN)/mypy

image: ## build the image of TARGET=api|dashboard|report into build/loantap-TARGET.tar [BASE=IMAGE] [PLATFORM=linux/amd64]
	@BASE="$(BASE)" PLATFORM="$(PLATFORM)" deploy/build_image.sh "$(TARGET)"

test-image: $(VENV)/.dev ## build the images with buildah on a base of Debian's packages, and run them (needs root)
	$(BIN)/python -m pytest -m "image and not long"

# pip-audit would ask pypi.org, whatever index pip uses. What stands in for that in many networks serves packages and no vulnerabilities, and
# a package that is not known is passed over without --strict. OSV holds what PyPI and GitHub know, and its address can be changed.
AUDITED := $(wildcard requirements/image-*.lock)
audit: $(VENV)/.dev ## known vulnerabilities, bills of materials and licences of the images, into build/
	@mkdir -p build
	$(BIN)/python tools/licences.py --out build/licences.md
	$(foreach image,api dashboard report,$(BIN)/cyclonedx-py requirements requirements/image-$(image).lock --pyproject pyproject.toml --output-reproducible --output-file build/$(image).cdx.json &&) true
	$(BIN)/pip-audit --strict --vulnerability-service osv --progress-spinner off --disable-pip --require-hashes $(foreach lock,$(AUDITED),--requirement $(lock)) \
	  || { echo "make audit: expected that OSV answers and knows of no vulnerability; what came is above. If it was not reached, let this machine ask https://api.osv.dev, or name another address in PIP_AUDIT_OSV_URL." >&2; exit 1; }

lab: $(VENV)/.dev ## open JupyterLab at the project, notebooks first [ARGS="--port 9999"]
	@$(BIN)/python tools/clean_notebooks.py --install
	$(BIN)/loantap lab $(ARGS)

clean-notebooks: $(VENV)/.dev ## take out of the notebooks what git does not keep: outputs, counts, notes of a session
	$(BIN)/python tools/clean_notebooks.py

docs: $(VENV)/.dev ## the reference of `import loantap` with a tutorial, into build/docs
	$(BIN)/python tools/reference.py

bench: $(VENV)/.dev ## time and memory of the job, as a table
	$(BIN)/python tools/bench.py

bench-scale: $(VENV)/.dev ## live loans watched inside a database [MODEL=RUN] [LOANS=250000,1000000] [URL=...]
	$(BIN)/python tools/bench_scale.py --model "$(MODEL)" --loans "$(LOANS)" $(if $(URL),--url "$(URL)")

bench-tuning: $(VENV)/.dev ## the search against scikit-learn's GridSearchCV, without and with its cache [ROWS=316824], half an hour
	$(BIN)/python tools/bench_tuning.py --rows $(ROWS)

validate: $(VENV)/.dev ## simulate loans of known truth and hold the statistics against it (minutes)
	$(BIN)/python tools/validate.py

# One version of each package whatever the Python: numbers of 3.11 are numbers of 3.13.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header
LOCK    := $(COMPILE) pyproject.toml
lock: $(BIN)/python ## resolve pyproject.toml into requirements/*.lock
	$(PIP) install uv
	# The larger set first: what it takes, the smaller one can take too.
	$(LOCK) --extra report --extra sources --extra lab --extra dev --output-file requirements/dev.lock
	$(LOCK) --extra report --constraint requirements/dev.lock --output-file requirements/report.lock
	# What the images hold.
	$(LOCK) --extra api --constraint requirements/dev.lock --output-file requirements/image-api.lock
	$(LOCK) --extra dashboard --constraint requirements/dev.lock --output-file requirements/image-dashboard.lock
	$(LOCK) $(foreach extra,report sources aws databricks mlflow postgresql s3,--extra $(extra)) --constraint requirements/dev.lock --output-file requirements/image-report.lock
	$(COMPILE) requirements/tools.in --output-file requirements/tools.lock
	$(COMPILE) requirements/deploy.in --constraint requirements/dev.lock --constraint requirements/image-build.lock --output-file requirements/deploy.lock

clean: ## remove the environment and all caches (runs are kept)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build src/*.egg-info
