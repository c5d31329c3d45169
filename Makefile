# Every verb does its own set-up: on a fresh machine `make acceptance` or `make test` is all that is typed.

.DEFAULT_GOAL := help
.PHONY: help setup components hooks fast core acceptance git expected test lint unit system browser compose images dashboards panels grafana grafana-contract secrets \
	backup restore rotate down-volumes doctor translations up down status fresh mutants sabotage bench clean

PYTHON ?= python3
STACK ?= auto
IMAGES ?= auto
GRAFANA ?= auto
ARCHIVE ?=
SHA256 ?=
QUICK ?=
ARGS ?=
BIN := .venv/bin
IN_LEGS := $(BIN)/python -m pytest tests -p acceptance.gates.legs
# Where a machine forbids Python to keep what it has compiled, each program that a test starts would be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this page
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: requirements.lock pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh "$(PYTHON)"

setup: .venv/ready components hooks ## virtual environment, server binaries, git hooks; a second time does nothing

components: .venv/ready
	@$(BIN)/python -m acceptance.stack.binaries

hooks: .venv/ready
	@$(BIN)/python -m acceptance.gates.commits.hooks

fast: setup ## gate: format, lint, types, git, and the tests that start nothing; under a minute
	@$(BIN)/python -m acceptance.gates fast $(if $(ARGS),-- $(ARGS))

core: setup ## gate: every test in tests/; installs Docker and Chromium on Debian
	@scripts/with_docker.sh $(BIN)/python -m acceptance.gates core $(if $(ARGS),-- $(ARGS))

acceptance: setup ## gate: the whole chain on real servers; writes evidence to artifacts/
	@$(BIN)/python -m acceptance.gates e2e --stack $(STACK) --grafana $(GRAFANA) --images $(IMAGES) $(if $(ARGS),-- $(ARGS))

git: .venv/ready ## gate: Korean commit messages, nothing large, generated or secret in git
	@$(BIN)/python -m acceptance.gates git

expected: setup ## write the lists of tests anew: a gate counts only if exactly these pass
	@$(BIN)/python -m acceptance.gates expected --update

test: setup ## everything: all gates and sabotage, on both stacks, into one bundle, with a table at the end
	@scripts/with_docker.sh $(BIN)/python -m acceptance.gates all

lint: .venv/ready ## format, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

unit: setup ## tests of the packages themselves
	@# More processes than cores, because many tests wait for a server.
	$(IN_LEGS) --leg pure --leg servers -n 4 --dist loadfile $(ARGS)

system: setup ## tests that each start a whole stack, a suite, a gate in env live or many processes, without Docker and Chromium
	$(IN_LEGS) --leg system -n 2 --dist loadfile $(ARGS)

translations: .venv/ready ## the catalogue of preflight/locale in step with the source
	@$(BIN)/python -m scripts.translations

browser: setup ## what needs Chromium: the stand-in's pages, screenshots; installs Chromium on Debian
	@scripts/install_browser.sh
	$(IN_LEGS) --leg browser $(ARGS)

compose: setup ## tests that need Docker; installs Docker on Debian
	@# Two files at a time, then those that must have the engine for themselves; what ARGS chooses, one by one.
	scripts/with_docker.sh sh -c '$(BIN)/python -m acceptance.stack.compose.images.choose --only-have && \
		$(if $(ARGS),exec $(IN_LEGS) --leg docker --leg alone "$$@",$(IN_LEGS) --leg docker -n 2 --dist loadfile && \
		exec $(IN_LEGS) --leg alone)' sh $(ARGS)

images: setup ## official images, or ones built here; docker/.env names them for a plain `docker compose`
	@$(BIN)/python -m acceptance.stack.compose.images.choose --images $(IMAGES) --grafana $(GRAFANA)

dashboards: setup ## a picture of every panel, from what Grafana returned; ARGS="--readme" renews the README's
	@$(BIN)/python -m acceptance.dashboards.pictures $(ARGS)

panels: setup ## what the panels of your dashboards display on Grafana 12 and 13: DASHBOARDS=DIR GRAFANA_URL=...
	@$(if $(and $(DASHBOARDS),$(GRAFANA_URL)),,$(error give DASHBOARDS=DIR and GRAFANA_URL=http://HOST:PORT, and GRAFANA_LOGIN=FILE if it asks for a login))
	@$(BIN)/python -m acceptance.proof "$(DASHBOARDS)" --grafana-url "$(GRAFANA_URL)" $(if $(GRAFANA_LOGIN),--grafana-login "$(GRAFANA_LOGIN)") $(ARGS)

grafana-contract: .venv/ready ## hold a running Grafana against the recorded one: GRAFANA_URL=... GRAFANA_LOGIN=FILE
	@$(if $(and $(GRAFANA_URL),$(GRAFANA_LOGIN)),,$(error give GRAFANA_URL=http://HOST:PORT and GRAFANA_LOGIN=FILE with lines user=... and password=...))
	@$(BIN)/python -m tests.acceptance.world.grafana.contract "$(GRAFANA_URL)" "$(GRAFANA_LOGIN)"

grafana: .venv/ready ## unpack an official Grafana that you name: ARCHIVE=... SHA256=... (without them: how)
	@$(BIN)/python -m acceptance.stack.binaries.grafana_archive $(if $(ARCHIVE),--archive "$(ARCHIVE)") $(if $(SHA256),--sha256 "$(SHA256)")

secrets: .venv/ready ## the secret files of the compose stack, made once
	@$(BIN)/python -m acceptance.stack.compose.secrets

backup: .venv/ready ## the compose stack's data as one file in backups/; FILE=... names it, DRY_RUN=1 only looks
	@$(BIN)/python -m acceptance.stack.compose.operate.backup backup $(if $(FILE),--file "$(FILE)") $(if $(DRY_RUN),--dry-run)

restore: .venv/ready ## FILE=...: bring such a file back, into volumes of its own; DRY_RUN=1 only looks
	@$(BIN)/python -m acceptance.stack.compose.operate.backup restore $(if $(FILE),--file "$(FILE)") $(if $(DRY_RUN),--dry-run)

rotate: .venv/ready ## SECRET=...: another value for one secret of the running compose stack; DRY_RUN=1 only looks
	@$(BIN)/python -m acceptance.stack.compose.operate.rotate --secret "$(SECRET)" $(if $(DRY_RUN),--dry-run)

down-volumes: .venv/ready ## name the data that the compose stack would lose; SURE=yes deletes it
	@$(BIN)/python -m acceptance.stack.compose.operate.drop $(if $(filter yes,$(SURE)),--sure)

doctor: .venv/ready ## would the compose stack start here, and if not, which command mends it
	@$(BIN)/python -m acceptance.stack.compose.operate.doctor

up: setup ## start the local stack on 9090, 3000, 9100, 9101, 6379, 5432 and leave it running
	@$(BIN)/python -m acceptance.stack.embedded.local up --grafana $(GRAFANA)

down: .venv/ready ## stop what `make up` started
	@$(BIN)/python -m acceptance.stack.embedded.local down

status: .venv/ready ## what of the local stack is running
	@$(BIN)/python -m acceptance.stack.embedded.local status

fresh: ## the README's commands on a bare Debian made for it (root, debootstrap; half an hour or more)
	scripts/run_fresh.sh $(ARGS)

.venv-mutants/ready: tests/mutation/requirements.lock
	$(PYTHON) -m venv --clear .venv-mutants
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

mutants: .venv/ready .venv-mutants/ready ## what no test would miss (many hours); QUICK=1: a sample (a quarter of an hour)
	.venv-mutants/bin/python -m tests.mutation $(if $(QUICK),--sample 300) $(ARGS)

sabotage: setup ## break copies of the checkout in a hundred ways: each has to be caught, and for its own reason
	@$(BIN)/python -m acceptance.sabotage $(ARGS)

bench: setup ## side-by-side measurements: what ours cost beside the least that could do it
	$(BIN)/python -m bench $(ARGS)

clean: ## remove the virtual environment, caches of tools and evidence; the component cache stays
	rm -rf .venv .venv-mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage artifacts *.egg-info
