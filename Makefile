.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/.installed
PYTHON ?= python3

.PHONY: help install run demo tools test test-crash test-canaries fuzz check bench openapi docs lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

install: $(STAMP) ## Put everything into .venv, from the lock file and with hashes

$(STAMP): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "No virtual environment could be made: Python 3.11+ with venv is needed (Debian: apt-get install python3-venv)"; exit 1; }
	$(PY) -m pip install --require-hashes -r requirements-uv.lock
	.venv/bin/uv pip install --python $(PY) --require-hashes -r requirements.lock
	.venv/bin/uv pip install --python $(PY) --no-deps -e .
	@touch $@

run: install ## Run everything on this machine; the first start makes a demo number and calls it
	@ONEINBOX_LOG_LEVEL=$${ONEINBOX_LOG_LEVEL:-warning} .venv/bin/oneinbox up --progress

demo: install ## Call the demo number, and judge what the caller hears
	@ONEINBOX_LOG_LEVEL=$${ONEINBOX_LOG_LEVEL:-warning} .venv/bin/oneinbox demo

openapi: install ## Write openapi.json anew
	.venv/bin/oneinbox openapi > openapi.json

docs: install ## Write docs/configuration.md anew
	.venv/bin/oneinbox configuration > docs/configuration.md

tools: ## Install the Debian programs that the tests call with (sipp, baresip, sox, sipvicious, nftables, gcc)
	@missing=""; for p in sipp:sip-tester baresip:baresip sox:sox svwar:sipvicious nft:nftables cc:gcc; do command -v $${p%%:*} >/dev/null || missing="$$missing $${p##*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y $$missing; \
	else echo "The tests need these Debian packages; as root: apt-get install$$missing"; exit 1; fi

test: install tools ## Run the tests
	$(PY) -m pytest

test-crash: install ## Break off every registration, change and release at every step; prints N of N
	@$(PY) -m tests.crash

test-canaries: install ## Plant secrets everywhere and look for them everywhere else; prints N of N
	@$(PY) -m tests.canaries

fuzz: install ## Look for messages that the SIP edge stumbles over, a minute for each kind
	.venv/bin/uv pip install --python $(PY) atheris==3.0.0
	for target in message stream sdp digest; do $(PY) -m tests.edge.fuzz $$target 60 || exit 1; done

check: install ## Check style, types, floors and the shape of the tree
	.venv/bin/ruff check src tests bench
	.venv/bin/ruff format --check src tests bench
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -q tests/architecture

bench: install ## Measure what is reached on this machine; ONLY=register,turns for parts of it
	$(PY) -m bench $(if $(ONLY),--only $(ONLY))

lock: ## Renew the lock file
	.venv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --prerelease=if-necessary-or-explicit --upgrade -o requirements.lock

clean: ## Remove what make has put here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
