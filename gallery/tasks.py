"""What the worker is woken for. Each task takes an id, looks at the rows, and says nothing back."""

from datetime import datetime

from django.tasks import task


@task
def run_call(call_id: int) -> None:
    from gallery.generations import calls

    calls.run(call_id)


@task
def write_text(assist_id: int) -> None:
    from gallery.texts import assists

    assists.carry_out(assist_id)


@task
def run_import(import_id: int) -> None:
    from gallery.imports import importing

    importing.run(import_id)


@task
def run_bulk(action_id: int) -> None:
    from gallery import bulk

    bulk.run(action_id)


@task
def feed_batch(batch_id: int) -> None:
    from gallery import batches

    batches.feed(batch_id)


@task
def compare_pictures(owner_id: int) -> None:
    from gallery.pictures import duplicates

    duplicates.search(owner_id)


@task
def empty_trash(owner_id: int, moment: str) -> None:
    from gallery.pictures import trashing

    trashing.empty_up_to(owner_id, datetime.fromisoformat(moment))


@task
def look_through_originals() -> None:
    from gallery.files import scrubbing

    scrubbing.make_round()


@task
def refresh_models(profile_id: int) -> None:
    from gallery import vendors

    vendors.refresh_by_itself(profile_id)


@task
def measure_usage() -> None:
    from gallery.files import usage

    usage.measure()
