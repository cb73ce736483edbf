"""The life of a text: asked for in a web request, sent once by a worker, kept whether or not somebody waits.

    asked (with its money reserved) → sent (committed before the request goes out) → finished

A slow vendor holds a worker's thread and no web server's, and a browser that was closed loses nothing paid.
"""

import logging
import time
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from gallery import tasks, vendors
from gallery.models import Assist, ConnectionProfile, Image, User
from gallery.money import costs
from gallery.texts import suggestions, writing
from providers import errors
from providers.base import Completion, DescribeRequest, Description, Provider, TextRequest
from providers.errors import InvalidRequest, ProviderError

log = logging.getLogger(__name__)

STALE = timedelta(minutes=10)  # after that nobody waits for a text, and a worker that has it is gone
PATIENCE = 8.0  # seconds that a page waits for a text before it says that it is still being written
LOOK = 1.0  # seconds that it waits each time it looks again
SLACK = 20.0  # seconds beyond the vendor's own limit that a program waits
UNSENT = "No worker took this up, so it was not sent. Nothing was charged. Try again."
LOST = "This server was stopped while it waited for the text, which is lost."
SLOW = "The text takes longer than usual. When it comes, it is kept: look at the picture's page in a while."


class Interrupted(ProviderError):
    code = "interrupted"
    retryable = True


KINDS = {
    kind.code: kind
    for kind in (
        errors.AuthError, errors.PermissionDenied, errors.BillingError, errors.RateLimited, errors.Refused,
        errors.ModelUnavailable, errors.InvalidRequest, errors.Overloaded, errors.ServerError,
        errors.ConnectionLost, errors.DeadlineExceeded, errors.BadResponse, errors.Cancelled, Interrupted,
    )
}  # fmt: skip


# --- Asking ---------------------------------------------------------------------------------------


def ask_prompt(
    owner: User, profile: ConnectionProfile, model: str, text: str, *, longest: int | None = None
) -> Assist:
    """Have a better prompt written. `longest`: characters the model takes that will draw.

    Raises `ProviderError` with a sentence for what is not sent at all.
    """
    provider = vendors.provider_for(profile)
    writing.refuse_the_mute(owner, provider)
    request = writing.draft_request(owner, model or writing.first_model(provider), text, longest=longest)
    asked = {"text": text, "longest": longest}
    return _ask(profile, provider, request, Assist(owner=owner, purpose=Assist.Purpose.PROMPT, asked=asked))


def ask_description(owner: User, image: Image, profile: ConnectionProfile, model: str) -> Assist:
    """Have a picture described; while that is under way for the picture, nothing is asked anew."""
    if under_way := pending_for(image):
        return under_way
    provider = vendors.provider_for(profile)
    writing.refuse_the_mute(owner, provider, vision=True)
    writing.check_stored(image)
    model = model or writing.first_model(provider, vision=True)
    request = DescribeRequest(image=writing.SEEN, model=model)
    return _ask(profile, provider, request, Assist(owner=owner, purpose=Assist.Purpose.DESCRIBE, image=image))


def _ask(
    profile: ConnectionProfile, provider: Provider, request: TextRequest | DescribeRequest, assist: Assist
) -> Assist:
    """Reserve the money, keep the row, wake a worker."""
    if not request.model:
        raise InvalidRequest("Name the model that should write.", field="model")
    provider.check_text(request)
    assist.profile, assist.provider, assist.model = profile, profile.provider, request.model
    assist.estimated_cost_usd = provider.estimate_text(request).usd
    with transaction.atomic():
        costs.reserve(profile, assist.estimated_cost_usd)
        assist.save()
        wake(assist)
    return assist


def wake(assist: Assist) -> None:
    tasks.write_text.using(priority=10).enqueue(assist.pk)  # somebody looks at the page meanwhile


# --- Waiting --------------------------------------------------------------------------------------


def pending_for(image: Image) -> Assist | None:
    """The description of `image` that is being written."""
    fresh = Assist.objects.owned_by(image.owner_id).filter(created_at__gt=timezone.now() - STALE)
    return fresh.filter(image=image, purpose=Assist.Purpose.DESCRIBE, finished_at=None).first()


def wait_for(assist: Assist, seconds: float) -> Assist:
    """The row as it is once it is finished, or after so many seconds."""
    until = time.monotonic() + seconds
    assist.refresh_from_db()
    while assist.finished_at is None and time.monotonic() < until:
        time.sleep(0.1)
        assist.refresh_from_db()
    return assist


def improve_prompt(owner: User, profile: ConnectionProfile, model: str, text: str, **wish: int) -> Assist:
    """A better prompt in `answer["text"]`, waited for. Raises `ProviderError` with a sentence."""
    return _awaited(ask_prompt(owner, profile, model, text, **wish))


def describe(owner: User, image: Image, profile: ConnectionProfile, model: str) -> Assist:
    """Caption and tags in `answer`, waited for. Raises `ProviderError` with a sentence."""
    return _awaited(ask_description(owner, image, profile, model))


def _awaited(assist: Assist) -> Assist:
    assist = wait_for(assist, Provider.text_deadline + SLACK)
    if assist.finished_at is None:
        raise errors.DeadlineExceeded(SLOW)
    if problem := problem_of(assist):
        raise problem
    return assist


def problem_of(assist: Assist) -> ProviderError | None:
    """What went wrong, from its row."""
    if not assist.error_code:
        return None
    return KINDS.get(assist.error_code, ProviderError)(
        assist.error_message,
        request_id=assist.request_id,
        may_have_been_charged=assist.may_have_been_charged,
        cost_usd=assist.cost_usd,
    )


# --- Writing, in a worker -------------------------------------------------------------------------


def carry_out(assist_id: int) -> None:
    """Send what was asked and keep what comes. A second time, or in two places, it does nothing."""
    assist = Assist.objects.select_related("owner", "profile", "image").get(pk=assist_id)
    assist.sent_at = timezone.now()
    fresh = Assist.objects.filter(pk=assist.pk, sent_at=None, finished_at=None)
    if not fresh.update(sent_at=assist.sent_at):
        return
    try:
        if assist.profile is None:
            raise errors.Cancelled("The connection was deleted before this was sent. Nothing was charged.")
        _write(assist, vendors.provider_for(assist.profile))
    except ProviderError as exc:
        _fail(assist, exc)
    except Exception:
        log.exception("Text %s failed", assist.public_id)
        _fail(assist, errors.BadResponse("The answer cannot be read here."))


def _write(assist: Assist, provider: Provider) -> None:
    try:
        if assist.purpose == Assist.Purpose.PROMPT:
            completion = _improved(assist, provider)
            _finish(assist, completion, {"text": _plain(completion.text)})
        else:
            description = _described(assist, provider)
            _finish(assist, description, suggestions.answer_of(assist.owner, description))
    except ProviderError as exc:
        provider.as_billed(exc)
        raise


def _improved(assist: Assist, provider: Provider) -> Completion:
    asked = assist.asked
    request = writing.draft_request(assist.owner, assist.model, asked["text"], longest=asked["longest"])
    _let_go_of_the_database()
    return provider.complete(request)


def _described(assist: Assist, provider: Provider) -> Description:
    """What the vendor sees in a small copy of the picture, never in the file itself."""
    if assist.image is None:
        raise InvalidRequest("The picture was deleted, so it was not looked at.")
    with writing.copy_of(assist.image) as copy:
        request = writing.describe_request(assist.owner, assist.model, copy)
        _let_go_of_the_database()
        return provider.describe(request)


def _let_go_of_the_database() -> None:
    """A vendor may take minutes, and needs no connection of ours to do so."""
    if not connection.in_atomic_block:
        connection.close()


@transaction.atomic
def _finish(assist: Assist, result: Completion | Description, answer: dict) -> None:
    if assist.purpose == Assist.Purpose.DESCRIBE:
        earlier = Assist.objects.owned_by(assist.owner).filter(image=assist.image_id, is_open=True)
        earlier.update(is_open=False)
        assist.is_open = True
    assist.answer, assist.usage = answer, dict(result.usage.raw)
    assist.cost_usd, assist.cost_source = result.usage.cost_usd, result.usage.cost_source
    assist.model, assist.request_id = result.model or assist.model, result.request_id
    assist.finished_at = timezone.now()
    assist.save()


def _fail(assist: Assist, exc: ProviderError) -> None:
    assist.error_code, assist.error_message, assist.request_id = exc.code, exc.sentence, exc.request_id
    assist.may_have_been_charged, assist.cost_usd = exc.may_have_been_charged, exc.cost_usd
    if exc.cost_usd is not None:
        assist.cost_source = exc.cost_source
    assist.finished_at = timezone.now()
    assist.save()


def _plain(text: str) -> str:
    """The prompt without the quotes that some models put around it."""
    text = text.strip()
    quoted = len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("“", "”")}
    return text[1:-1].strip() if quoted else text


def recover() -> None:
    """End what no worker will finish any more. Nothing is sent a second time."""
    now = timezone.now()
    old = Assist.objects.filter(finished_at=None, created_at__lt=now - STALE)
    old.filter(sent_at=None).update(finished_at=now, error_code="cancelled", error_message=UNSENT)
    for assist in old.filter(sent_at__lt=now - STALE).select_related("profile"):
        provider = vendors.declared_by(assist.profile) if assist.profile else None
        charged = not (provider and provider.is_free)
        Assist.objects.filter(pk=assist.pk, finished_at=None).update(
            finished_at=now, error_code=Interrupted.code, error_message=LOST, may_have_been_charged=charged
        )
