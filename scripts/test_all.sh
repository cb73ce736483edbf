#!/bin/sh
# The whole suite: embedded, with a real S3 server and a real browser, and again on PostgreSQL, with Celery.
# A missing service is named with the way to get it; with CI=true that is a failure.
set -eu
cd "$(dirname "$0")/.."

missing=0
lacks() {
    echo "Missing: $1. $2" >&2
    missing=1
}

PATH=$PATH:/usr/sbin
has_all() { command -v chromium >/dev/null && command -v firefox-esr >/dev/null && command -v nginx >/dev/null; }
if [ "${CI:-}" = true ] && ! has_all && command -v apt-get >/dev/null; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium firefox-esr nginx-light) >/dev/null
fi

browser=yes
command -v chromium >/dev/null || {
    lacks "Chromium" "Debian: sudo apt install chromium"
    browser=
}
firefox=yes
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || {
    lacks "Firefox" "Debian: sudo apt install firefox-esr"
    firefox=
}
machines=yes
command -v nginx >/dev/null || {
    lacks "nginx" "Debian: sudo apt install nginx-light"
    machines=
}
postgres=${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}
.venv/bin/python -c "import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=3).close()" "$postgres" 2>/dev/null || {
    lacks "PostgreSQL" "Start one and name it in TEST_DATABASE_URL; $postgres did not answer."
    postgres=
}
without_brokers=
command -v redis-server >/dev/null || {
    lacks "Redis" "Debian: sudo apt install redis-server"
    without_brokers="and not celery"
    machines=
}
rabbitmq=${TEST_RABBITMQ_URL:-amqp://guest:guest@127.0.0.1:5672//}
.venv/bin/python -c "import kombu, sys; kombu.Connection(sys.argv[1], connect_timeout=3).connect()" "$rabbitmq" 2>/dev/null || {
    lacks "RabbitMQ" "Start one (Debian: sudo apt install rabbitmq-server) and name it in TEST_RABBITMQ_URL; it did not answer."
    without_brokers="and not celery"
}
if [ $missing = 1 ] && [ "${CI:-}" = true ]; then
    exit 1
fi

echo "· SQLite, an S3 server, workers that are killed"
if [ "${EMBEDDED_TESTED:-}" = yes ]; then  # `make test` has just run
    embedded="(s3 or crash or thorough) and not postgres and not browser"
else
    embedded="not postgres and not browser"
fi
.venv/bin/python -m pytest -q -n 2 -m "$embedded"
echo "· People at work"
# A hundred waiting requests of one person are enough here: each is drawn before it ends.
MAX_QUEUED_PER_USER=100 .venv/bin/python -m tests.soak --seconds 45 --databases sqlite
if [ -n "$browser" ]; then
    echo "· Chromium"  # by itself: its driver keeps an event loop running in the process; mostly it waits
    .venv/bin/python -m pytest -q -n 3 -m "browser and not firefox" tests/e2e
fi
if [ -n "$firefox" ]; then
    echo "· Firefox"
    .venv/bin/python -m pytest -q -n 0 -m firefox tests/e2e
fi
if [ -n "$postgres" ]; then
    echo "· PostgreSQL, and Celery on Redis and RabbitMQ"
    DATABASE_URL="$postgres" .venv/bin/python -m pytest -q -n 2 \
        -m "not s3 and not browser and not crash and (not thorough or engines or postgres) $without_brokers" \
        --ignore=tests/providers --ignore=tests/fake_vendors  # these know no database
fi
if [ -n "$postgres" ] && [ -n "$machines" ]; then
    echo "· Two web servers and two workers, which are killed while their broker goes and comes"
    TEST_DATABASE_URL="$postgres" .venv/bin/python -m tests.soak --machines redis --seconds 25 --requests 0
fi
[ $missing = 0 ] || echo "Some services were missing, see above; their tests did not run."
