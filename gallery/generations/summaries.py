"""A generation's state, cost and error, summed up from its calls."""

from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from gallery import tasks
from gallery.models import Batch, BatchCell, Generation, GenerationCall
from gallery.models.generation import Status

State = GenerationCall.State
OPEN = {State.QUEUED, State.SENT, State.ANSWERED}
# What went wrong is told by the call that matters most to the person who pays.
BY_WEIGHT = (State.UNKNOWN, State.REFUSED, State.FAILED, State.CANCELLED)


def refresh(generation_id: int) -> None:
    """Bring the generation in line with its calls; call it in the transaction that changed one."""
    generation = Generation.objects.select_for_update().get(pk=generation_id)
    calls = list(generation.calls.all())
    generation.status = status_of(calls, generation.n)
    _sum_costs(generation, calls)
    _tell_error(generation, calls)
    sent = [call.sent_at for call in calls if call.sent_at]
    generation.started_at = min(sent, default=None)
    generation.finished_at = None if generation.is_active else generation.finished_at or timezone.now()
    generation.revision = F("revision") + 1
    generation.save(
        update_fields=[
            "status", "cost_usd", "cost_source", "started_at", "finished_at", "revision", "error_code",
            "error_message", "provider_message", "request_id", "retryable", "may_have_been_charged",
            "retry_at",
        ]
    )  # fmt: skip
    if not generation.is_active:
        _make_room(generation_id)


def _make_room(generation_id: int) -> None:
    """The batch that the generation belongs to may send its next one."""
    of_it = BatchCell.objects.filter(generation=generation_id, batch__state=Batch.State.RUNNING)
    for batch_id in of_it.values_list("batch_id", flat=True):
        tasks.feed_batch.enqueue(batch_id)


def status_of(calls: list[GenerationCall], n: int) -> Status:
    states = {call.state for call in calls}
    if states & OPEN:
        return _active_status(states)
    received = sum(call.images_received for call in calls)
    if received >= n or states == {State.DONE}:
        return Status.DONE if received >= n else Status.PARTIAL
    if received or State.DONE in states:  # a picture that arrived damaged is none of those received
        return Status.PARTIAL
    worst = next(state for state in BY_WEIGHT if state in states)
    return Status(worst.value)


def _active_status(states: set[str]) -> Status:
    if State.SENT in states:
        return Status.RUNNING
    if State.ANSWERED in states:
        return Status.SAVING
    return Status.QUEUED if states == {State.QUEUED} else Status.RUNNING


def _sum_costs(generation: Generation, calls: list[GenerationCall]) -> None:
    priced = [call for call in calls if call.cost_usd is not None]
    generation.cost_usd = (
        sum((call.cost_usd or Decimal(0) for call in priced), Decimal(0)) if priced else None
    )
    sources = {call.cost_source for call in priced}
    # One figure made of several kinds is only as good as the least sure of them.
    generation.cost_source = next((s for s in ("table", "computed", "reported") if s in sources), "unknown")


def _tell_error(generation: Generation, calls: list[GenerationCall]) -> None:
    troubled = [call for state in BY_WEIGHT for call in calls if call.state == state]
    waiting = [call for call in calls if call.state in OPEN and call.error_code]
    short = [call for call in calls if call.state == State.DONE and call.error_message]
    told = next(iter(troubled + waiting + short), None)
    generation.error_code = told.error_code if told else ""
    generation.error_message = told.error_message if told else ""
    generation.provider_message = told.provider_message if told else ""
    generation.request_id = next((call.request_id for call in [told, *calls] if call and call.request_id), "")
    generation.retryable = told.retryable if told else False
    generation.retry_at = min((call.run_after for call in waiting), default=None)
    generation.may_have_been_charged = any(call.may_have_been_charged for call in calls)
