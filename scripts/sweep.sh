#!/bin/sh
# Kills the real worker at every system call of one generation, and looks whether anything is lost or paid twice.
# On SQLite, and on the PostgreSQL server of TEST_DATABASE_URL, in a database of its own.
set -eu
cd "$(dirname "$0")/.."

postgres=${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}
status=0

echo "· SQLite"
env -u DATABASE_URL .venv/bin/python -m tests.crash "$@" || status=1
env -u DATABASE_URL .venv/bin/python -m tests.crash --scenarios || status=1
echo "· PostgreSQL"
DATABASE_URL="$postgres" .venv/bin/python -m tests.crash "$@" || status=1
DATABASE_URL="$postgres" .venv/bin/python -m tests.crash --scenarios || status=1
exit $status
