# Two commands matter: `make run` starts the demo county, `make test` proves everything.
.DEFAULT_GOAL := help
.PHONY: help secrets run test test-sqlite test-postgres lint bench build wheelhouse tools lock clean

# The fastest here that is new enough, where none is named.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
HELM_VERSION := v3.20.2
# More than the cores: browsers and processes under test keep a worker waiting.
PYTEST_WORKERS ?= 3

help: ## what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: $(VENV)/.run build ## start Yimen and the demo county, and print where to go
	$(BIN)/yimen demo --port $(PORT)

test: lint test-sqlite test-postgres ## everything: lint, types, secrets, the suite on SQLite (with browsers) and on PostgreSQL; tells the coverage

test-sqlite: $(VENV)/.dev build tools
	YIMEN_TEST_DATABASE=sqlite $(BIN)/python -m pytest -p tests.coverage_report -n $(PYTEST_WORKERS) --dist loadgroup

test-postgres: $(VENV)/.dev build
	YIMEN_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup

lint: $(VENV)/.dev ## ruff, mypy --strict, the secret scanner
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# Status 3 says only that known findings moved to other lines; the copy keeps the check from rewriting the file.
	cp .secrets.baseline .secrets.checked; $(BIN)/detect-secrets-hook --baseline .secrets.checked \
		$$(git ls-files | grep -vE '(^|/)package-lock.json$$|^requirements/|^.secrets.baseline$$') >.secrets.found; status=$$?; \
		if [ $$status -ne 0 ] && [ $$status -ne 3 ]; then cat .secrets.found; fi; \
		rm -f .secrets.checked .secrets.found; [ $$status -eq 0 ] || [ $$status -eq 3 ]

secrets: $(VENV)/.dev ## accept what the secret scanner finds now; look at every new line before committing it
	$(BIN)/detect-secrets scan $$(git ls-files | grep -vE '(^|/)package-lock.json$$|^requirements/|^.secrets.baseline$$') >.secrets.baseline

bench: $(VENV)/.dev build ## rates beside peers and raw limits, into docs/performance.md; BENCH="--help" tells more
	$(BIN)/python -m tests.bench $(BENCH)

build: web/static/built/manifest.json demo/clients/spa/built/index.html

web/static/built/manifest.json: package-lock.json $(shell find web/assets web/templates web/build -type f 2>/dev/null)
	npm ci --no-audit --no-fund --loglevel=error
	npm run --silent build

demo/clients/spa/built/index.html: demo/clients/package-lock.json $(shell find demo/clients/spa -path '*/built' -prune -o -type f -print 2>/dev/null)
	npm ci --prefix demo/clients --no-audit --no-fund --loglevel=error
	npm run --silent --prefix demo/clients build

wheelhouse: $(VENV)/.run build ## every wheel that an installation without internet needs, in wheelhouse/
	rm -rf wheelhouse build
	@# With pip itself, which pipx wants to have from the same place.
	$(BIN)/pip download --quiet --no-deps --only-binary :all: --require-hashes -r requirements/run.txt -r requirements/build.txt --dest wheelhouse
	$(BIN)/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir wheelhouse .

tools: ## what the tests of the chart need beside Python: helm, where Go is there to build it
	@if [ ! -x .tools/helm ] && command -v go >/dev/null; then \
		GOBIN=$(CURDIR)/.tools go install -ldflags "-s -w" helm.sh/helm/v3/cmd/helm@$(HELM_VERSION) || true; fi

$(VENV)/bin/python:
	$(or $(PYTHON),$$(python3 tests/bench/fastest_python.py python3)) -m venv $(VENV)

$(VENV)/.run: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/demo.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	touch $@ $(VENV)/.run

LOCK = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

lock: ## write the hashed locks again from pyproject.toml (needs uv; `make lock UPGRADE=--upgrade` takes newer versions)
	$(LOCK) $(UPGRADE) pyproject.toml -o requirements/run.txt
	$(LOCK) $(UPGRADE) --group build --group install -o requirements/build.txt
	$(LOCK) $(UPGRADE) -c requirements/run.txt --extra demo --group build pyproject.toml -o requirements/demo.txt
	$(LOCK) $(UPGRADE) -c requirements/run.txt --extra demo --extra dev --group build pyproject.toml -o requirements/dev.txt

clean:
	rm -rf $(VENV) .tools wheelhouse build node_modules demo/clients/node_modules web/static/built demo/clients/spa/built
