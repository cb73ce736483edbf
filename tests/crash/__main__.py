"""`make sweep`: kill the real worker at every system call of one generation, and look what is left.

    python -m tests.crash [--every N] [--from K] [--to K] [--list]
    python -m tests.crash --scenarios [NAME …]

`DATABASE_URL` names the database; left out, a SQLite file of its own. Prints a table, and ends with status 1
when a promise was broken. docs/security.md has what is promised.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.crash import traps, vendor
from tests.crash.report import Outcome, Sweep, table

CANNOT = 3  # exit status
IMPOSSIBLE = "This kernel lets no process watch the system calls of another. Linux 5.5 and newer do."


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if not traps.are_possible():
        sys.stdout.write(f"{IMPOSSIBLE}\n")
        return CANNOT
    with tempfile.TemporaryDirectory(prefix="vignette-crash-") as folder, own_database():
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_READ_DOT_ENV": "false",
        }
        with vendor.running(Path(folder)) as (address, ledger):
            os.environ["ALLOWED_PRIVATE_HOSTS"] = address.split("/")[2]
            return carry_out(address, ledger, options)


def carry_out(address: str, ledger: Path, options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.db import connections

    from tests.crash import stage

    profile = stage.set_up(address)
    try:
        if options.list:
            return show_calls(profile)
        if options.scenarios is not None:
            from tests.crash import scenarios

            return scenarios.tell(profile, ledger, options.scenarios)
        sweep = sweep_over(profile, ledger, options)
    finally:
        connections.close_all()
    sys.stdout.write(table(sweep))
    return 0 if sweep.outcomes and not sweep.broken else 1


@contextmanager
def own_database():
    """Beside the PostgreSQL database that DATABASE_URL names, another one for as long as this takes."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        os.environ.pop("DATABASE_URL", None)  # then the SQLite file in the data folder
        yield
        return
    import psycopg
    from psycopg import sql

    name = f"vignette_crash_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        yield
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--every", type=int, default=1, help="kill at every N-th call only")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first call to kill at")
    parser.add_argument("--to", type=int, default=100_000, dest="last")
    parser.add_argument("--list", action="store_true", help="only list the calls of one generation")
    parser.add_argument("--scenarios", nargs="*", help="tell these stories instead; none named: all")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(arguments)


def sweep_over(profile, ledger: Path, options: argparse.Namespace) -> Sweep:
    from tests.crash import rules
    from tests.crash.points import kill_and_recover

    sweep, begun = Sweep(), time.monotonic()
    for number in range(options.first, options.last + 1, options.every):
        outcome = tried_twice(lambda number=number: kill_and_recover(profile, ledger, number))
        if outcome is None:
            break  # the generation was over before that many calls
        sweep.outcomes.append(outcome)
        if outcome.broken or options.verbose:
            sys.stdout.write(f"{number}: {outcome}\n")
            sys.stdout.flush()
    sweep.disagreements = rules.disagreements()
    sweep.seconds = time.monotonic() - begun
    return sweep


def tried_twice(kill: Callable[[], Outcome | None]) -> Outcome | None:
    """A machine that is busy with other things may be late once."""
    try:
        return kill()
    except TimeoutError as exc:
        sys.stdout.write(f"Once more: {exc}\n")
        return kill()


def show_calls(profile) -> int:
    from tests.crash.points import trace

    for number, call in enumerate(trace(profile), 1):
        sys.stdout.write(f"{number:4} {call.name:10} {call.target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
