#!/bin/sh
# Resolves requirements*.in into requirements*.txt, with hashes, for every platform.
set -eu
cd "$(dirname "$0")/.."
for name in requirements requirements-scale requirements-dev; do
    .venv/bin/uv pip compile --quiet "$name.in" --output-file "$name.txt" \
        --generate-hashes --universal --python-version 3.12 --no-header "$@"
done
