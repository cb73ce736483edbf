#!/bin/sh
# Everything that is wrong without running a test. Ends at the first thing found.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
DATA_DIR=$(mktemp -d)
export DATA_DIR DJANGO_READ_DOT_ENV=false
trap 'rm -rf "$DATA_DIR"' EXIT

step() { echo "· $*"; }

step "formatter"; ruff format --check --quiet . || { echo "Run: make format"; exit 1; }
step "linter"; ruff check --quiet .
step "templates"; git ls-files 'templates/*.html' | xargs djade --target-version 6.1 --check
step "types"; mypy --no-error-summary
step "migrations"; python manage.py makemigrations --check --dry-run >/dev/null || { echo "Run: .venv/bin/python manage.py makemigrations"; exit 1; }
step "deployment settings"
ALLOWED_HOSTS=pictures.example CSRF_TRUSTED_ORIGINS=https://pictures.example python manage.py check --deploy --fail-level WARNING >/dev/null
step "lock files"; scripts/check_lock.sh
step "known vulnerabilities"; scripts/audit.sh
echo "All checks passed."
