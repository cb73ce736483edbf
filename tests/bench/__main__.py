"""`make bench`: measures, compares within one run, and writes a table to var/bench/.

Absolute times depend on the machine; the ratios are what to look at. Each case is a function of `cases`
that yields rows; `python -m tests.bench NAME …` runs some of them. With `--document` the rows replace those
of docs/performance.md as well.
"""

import argparse
import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import facts as machine

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="vignette-bench-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_READ_DOT_ENV": "false",
        }
        import django

        django.setup()
        from django.core.management import call_command

        from tests.bench import cases, report

        options = _options(list(cases.CASES))
        call_command("migrate", verbosity=0)
        where, rows, broken = machine(), [], []
        for name in options.names or cases.CASES:
            print(f"· {name}", flush=True)
            try:
                rows += cases.CASES[name]()
            except Exception:  # noqa: BLE001  the others took long
                traceback.print_exc()
                broken.append(name)
    _keep(report.whole(rows, where))
    if options.document:
        report.document(ROOT / "docs" / "performance.md", rows, where)
    if broken:
        print(f"Not measured: {', '.join(broken)}")
    return 0 if all(row.met for row in rows) and not broken else 1


def _options(names: list[str]):
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--document", action="store_true", help="Replace the rows of docs/performance.md.")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


def _keep(table: str) -> None:
    print(table)
    target = ROOT / "var" / "bench" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(table)
    print(f"Written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    raise SystemExit(main())
