# `make run` starts Vignette. The other targets are for development; CONTRIBUTING.md explains them.
.DEFAULT_GOAL := help
.PHONY: help run test test-all check format lock bench sweep soak screens install install-dev

PYTHON := .venv/bin/python

# The tests start many processes; compiled code is kept for them also where the surroundings say otherwise.
test test-all sweep: export PYTHONDONTWRITEBYTECODE :=

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

install:
	@scripts/bootstrap.sh requirements.txt

install-dev:
	@scripts/bootstrap.sh requirements.txt requirements-dev.txt

## run       start web and worker; PORT and HOST choose the address
run: install
	@exec $(PYTHON) manage.py serve

## test      the embedded test suite: SQLite, local files; two minutes
test: install-dev
	@$(PYTHON) -m pytest -q -n 3 -m "not postgres and not s3 and not browser and not crash and not thorough" --ignore=tests/fake_vendors

## test-all  adds whole tables of routes and faults, PostgreSQL, a real S3 server and a real browser
test-all: install-dev
	@scripts/test_all.sh

## check     formatter, linters, types, migrations, deployment settings, lock files
check: install-dev
	@scripts/check.sh

## format    bring code and templates into shape
format: install-dev
	@$(PYTHON) -m ruff check --fix-only --quiet . ; $(PYTHON) -m ruff format --quiet .
	@git ls-files 'templates/*.html' | xargs $(PYTHON) -m djade --target-version 6.1

## lock      resolve requirements*.in again
lock: install-dev
	@scripts/lock.sh

## sweep     kill the worker at every system call of a generation, on SQLite and on PostgreSQL
sweep: install-dev
	@scripts/sweep.sh

## bench     benchmarks; the table goes to var/bench/
bench: install-dev
	@$(PYTHON) -m tests.bench

## soak      people at work for ten minutes; SECONDS=60 for a short form, MACHINES=redis or rabbitmq for several
soak: install-dev
	@$(PYTHON) -m tests.soak --seconds $(or $(SECONDS),600) $(if $(MACHINES),--machines $(MACHINES))

## screens   take the screenshots in docs/screens/ anew
screens: install-dev
	@$(PYTHON) -m tests.screens
