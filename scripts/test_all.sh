#!/bin/sh
# The whole suite: embedded, with a real S3 server and a real browser, and again on PostgreSQL.
# A missing service is named with the way to get it; with CI=true that is a failure.
set -eu
cd "$(dirname "$0")/.."

missing=0
lacks() {
    echo "Missing: $1. $2" >&2
    missing=1
}

if [ "${CI:-}" = true ] && ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null
fi

browser=yes
command -v chromium >/dev/null || {
    lacks "Chromium" "Debian: sudo apt install chromium"
    browser=
}
postgres=${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}
.venv/bin/python -c "import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=3).close()" "$postgres" 2>/dev/null || {
    lacks "PostgreSQL" "Start one and name it in TEST_DATABASE_URL; $postgres did not answer."
    postgres=
}
if [ $missing = 1 ] && [ "${CI:-}" = true ]; then
    exit 1
fi

echo "· SQLite, an S3 server and workers that are killed"
if [ "${EMBEDDED_TESTED:-}" = yes ]; then  # `make test` has just run
    embedded="s3 or crash"
else
    embedded="not postgres and not browser"
fi
.venv/bin/python -m pytest -q -n 2 -m "$embedded"
if [ -n "$browser" ]; then
    echo "· Chromium"  # by itself: its driver keeps an event loop running in the process
    .venv/bin/python -m pytest -q -n 2 -m browser --reruns 1 -rR tests/e2e
fi
if [ -n "$postgres" ]; then
    echo "· PostgreSQL"
    DATABASE_URL="$postgres" .venv/bin/python -m pytest -q -n 2 -m "not s3 and not browser and not crash"
fi
[ $missing = 0 ] || echo "Some services were missing, see above; their tests did not run."
