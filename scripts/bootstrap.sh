#!/bin/sh
# Makes .venv with the locked packages of the named requirements files. Quick when nothing has changed.
set -eu
cd "$(dirname "$0")/.."

MIN_MINOR=12
MAX_MINOR=14

find_python() {
    for name in python3.14 python3.13 python3.12 python3; do
        "$name" -c "
import sys, sqlite3, venv, ensurepip
ok = sys.version_info[0] == 3 and $MIN_MINOR <= sys.version_info[1] <= $MAX_MINOR
raise SystemExit(0 if ok and sqlite3.sqlite_version_info >= (3, 37) else 1)" >/dev/null 2>&1 && {
            echo "$name"
            return
        }
    done
    echo "Python 3.$MIN_MINOR to 3.$MAX_MINOR with its venv module is needed and was not found." \
        "Install one (Debian 13, Ubuntu 24.04: sudo apt install python3 python3-venv;" \
        "macOS: brew install python@3.13; anywhere: uv python install 3.13) and run the same command again." >&2
    exit 1
}

stamp=$(cat "$@" | cksum)
if [ -x .venv/bin/python ] && [ "$(cat .venv/.installed-"$(echo "$*" | cksum | cut -d' ' -f1)" 2>/dev/null || true)" = "$stamp" ]; then
    exit 0
fi

[ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' >/dev/null 2>&1 || {
    python=$(find_python)
    echo "Making .venv with $("$python" --version) …"
    "$python" -m venv .venv || {
        echo "The folder .venv cannot be made here. Make this folder writable and run the same command again." >&2
        exit 1
    }
}
echo "Installing the locked packages …"
arguments=""
for file in "$@"; do arguments="$arguments -r $file"; done
# shellcheck disable=SC2086  the arguments are file names of ours
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes --no-deps $arguments || {
    echo "The packages could not be installed. Check the connection to the package index and try again." >&2
    exit 1
}
echo "$stamp" > .venv/.installed-"$(echo "$*" | cksum | cut -d' ' -f1)"
