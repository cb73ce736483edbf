#!/bin/sh
# The lock files must come from the .in files: resolving again, bound to them, changes nothing.
set -eu
cd "$(dirname "$0")/.."
for name in requirements requirements-scale requirements-dev; do
    fresh=$(mktemp)
    cp "$name.txt" "$fresh"
    .venv/bin/uv pip compile --quiet "$name.in" --output-file "$fresh" \
        --generate-hashes --universal --python-version 3.12 --no-header
    cmp -s "$fresh" "$name.txt" || { echo "$name.txt does not fit $name.in. Run: make lock"; exit 1; }
    rm -f "$fresh"
done
