"""`make bench`: measures, compares within one run, and writes a table to var/bench/.

Absolute times depend on the machine; the ratios are what to look at. Each case is a function of `cases`
that yields rows; `python -m tests.bench NAME …` runs some of them.
"""

import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main(names: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="vignette-bench-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_READ_DOT_ENV": "false",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from tests.bench import cases

        rows = []
        for name in names or list(cases.CASES):
            print(f"· {name}", flush=True)
            rows += cases.CASES[name]()
    table = render(rows)
    print(table)
    target = ROOT / "var" / "bench" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(table)
    print(f"Written to {target.relative_to(ROOT)}")
    return 0 if all(row.met for row in rows) else 1


def render(rows) -> str:
    lines = [machine(), "", "| work | measured | against | ratio | goal | met |", "|---|---|---|---|---|---|"]
    lines += [f"| {r.work} | {r.measured} | {r.against} | {r.ratio} | {r.goal} | {r.verdict} |" for r in rows]
    return "\n".join(lines) + "\n"


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%d %B %Y}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
