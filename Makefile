# What people type. CI runs `make check` and `make test` (.ci/run). Everything runs in .venv, made by `make setup`.
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format faults fuzz bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the hash-pinned lock (does nothing when it is up to date)
	@sh requirements/setup.sh

demo: setup ## Run a three-week campaign in minutes on real parts: Kafka, PostgreSQL, SMTP
	@.venv/bin/touchline demo $(ARGS)

# Two files at a time, what runs whole stacks against the clock after the rest.
test: setup ## Run every test (ARGS="tests/unit -k limits" for some)
	@$(PY) -m pytest $(or $(ARGS),tests/unit tests/integration tests/contract -n 2 --dist loadfile)
	@$(if $(ARGS),true,$(PY) -m pytest tests/acceptance -n 2 --dist loadfile)

check: setup ## Format, lint, types, import layers, drift of what is generated
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports
	@$(PY) -m schemas.contract --check
	@$(PY) -m streams.settings --check .env.example
	@$(PY) -m api.metric_list --check

format: setup ## Write the code the way `make check` wants it
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

faults: setup ## Kill workers, broker and database under load, and count what was lost or sent twice
	@$(PY) -m bench.faults $(ARGS)

fuzz: setup ## Read ten thousand hostile mails, and say what the worst of them cost (ARGS="--mails 1000 --seed 7")
	@$(PY) -m tests.support.mail_fuzz $(ARGS)

bench: setup ## Measure: one JSON line a metric
	@$(PY) -m bench.bench $(ARGS)

lock: ## Write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" $(ARGS) --extra local pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" $(ARGS) --extra dev -c requirements/run.txt pyproject.toml \
		-o requirements/dev.txt

clean: ## Remove what was made here: .venv, caches, the local stack's data
	rm -rf .venv .touchline .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
