"""One prompt on up to six models at once. (`comparing` sets two pictures beside each other.)"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from gallery import bulk, offers
from gallery.forms.fitting import fit_wish
from gallery.generations import generation
from gallery.generations.generation import IDEMPOTENCY_LIFE, IdempotencyConflict, Wish
from gallery.models import (
    BulkAction,
    Comparison,
    ComparisonColumn,
    ConnectionProfile,
    Generation,
    Image,
    ImageTag,
    Tag,
    User,
)
from gallery.models.generation import Status
from gallery.pictures import stacks
from providers.errors import InvalidRequest, ProviderError

WITH_PICTURES = (Status.DONE, Status.PARTIAL)
COUNTED = 500  # newest comparisons that are looked at for what was kept most
type Pair = tuple[ConnectionProfile, str]  # a connection, and a model of it; "": its own
type Own = Mapping[str, str]  # settings of one model alone, by the names of the form: {"quality": "high"}


@dataclass(frozen=True, kw_only=True)
class Record:
    """How often a model was kept, of the comparisons in which something was."""

    provider: str
    model: str
    kept: int
    tried: int
    each: Decimal | None  # US dollars for a picture, over all tries whose price is known


def submit(
    owner: User,
    wish: Wish,
    pairs: Sequence[Pair],
    *,
    own: Sequence[Own] = (),
    idempotency_key: str | None = None,
) -> Comparison:
    """Ask every model of `pairs` for what `wish` says; its own profile and model do not count.

    `own` has for each pair what goes to its model alone. What a model does not take of the wish is fitted for
    its column alone, and one that refuses has its sentence there.
    The same key within 24 hours answers with the same comparison. Raises `ProviderError` when nothing at all
    could be sent, and `IdempotencyConflict` when the key came with another wish.
    """
    check(pairs)
    own = own or [{}] * len(pairs)
    digest = _digest(wish, pairs, own)
    if idempotency_key and (known := _known(owner, idempotency_key, digest)):
        return known
    try:
        with transaction.atomic():
            comparison = Comparison.objects.create(
                owner=owner,
                prompt=wish.prompt,
                idempotency_key=idempotency_key or None,
                request_digest=digest,
            )
            asked = enumerate(zip(pairs, own, strict=True))
            errors = [_add(comparison, position, wish, *one) for position, one in asked]
            if all(errors):
                raise next(filter(None, errors))
            return comparison
    except IntegrityError:
        if idempotency_key and (known := _known(owner, idempotency_key, digest)):
            return known
        raise


def check(pairs: Sequence[Pair]) -> None:
    """Raise `InvalidRequest` unless these are two to six different models."""
    named = [(profile.pk, offers.of(profile, model).info.id) for profile, model in pairs]
    if not 2 <= len(named) <= Comparison.MOST:
        raise InvalidRequest(
            gettext("Compare two to {most} models, not {n}.").format(most=Comparison.MOST, n=len(named)),
            field="profiles",
        )
    if len(set(named)) < len(named):
        raise InvalidRequest(gettext("A model is named twice. Name each one once."), field="profiles")


def _add(comparison: Comparison, position: int, wish: Wish, pair: Pair, own: Own) -> ProviderError | None:
    """Save a column and send its generation. Returns why that was not possible."""
    profile, model = pair
    offer = offers.of(profile, model)
    column = ComparisonColumn.objects.create(
        comparison=comparison,
        position=position,
        profile=profile,
        provider=profile.provider,
        model=offer.info.id,
    )
    try:
        fitted, column.said = fit_wish(wish, offer, own)
        made = generation.submit(comparison.owner, fitted)
    except ProviderError as exc:
        column.error_code, column.error_message = exc.code, exc.message
        column.save(update_fields=["notes", "error_code", "error_message"])
        return exc
    Generation.objects.filter(pk=made.pk).update(column=column)
    column.save(update_fields=["notes"])
    return None


def _digest(wish: Wish, pairs: Sequence[Pair], own: Sequence[Own]) -> str:
    """SHA-256 of everything that was asked of whom."""
    whom = "".join(f"\n{profile.pk}/{model}" for profile, model in pairs)
    whom += json.dumps(list(own), sort_keys=True) if any(own) else ""
    return hashlib.sha256((generation.digest_of(wish) + whom).encode()).hexdigest()


def _known(owner: User, key: str, digest: str) -> Comparison | None:
    known = Comparison.objects.owned_by(owner).filter(idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < timezone.now() - IDEMPOTENCY_LIFE:
        Comparison.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    if known.request_digest != digest:
        raise IdempotencyConflict
    return known


# --- Keeping one ----------------------------------------------------------------------------------


def can_be_kept(row: Generation | None) -> bool:
    """Whether a column has ended with pictures, of which one is still there."""
    if row is None or row.status not in WITH_PICTURES:
        return False
    return any(result.image.trashed_at is None for result in row.results.all())


@transaction.atomic
def keep(comparison: Comparison, chosen: Generation) -> None:
    """Mark what `chosen` brought, and lay it over what the other models made. Raises `InvalidRequest`."""
    locked = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    if not can_be_kept(chosen):
        raise InvalidRequest(gettext("There is no picture to keep in this column yet."), field="generation")
    if locked.kept_id == chosen.pk:
        return
    _lay_back(locked)
    locked.kept = chosen
    locked.lay = stacks.lay_over(_pictures([chosen.pk]), _pictures(_generations(locked)))
    locked.save(update_fields=["kept", "lay"])


@transaction.atomic
def keep_none(comparison: Comparison) -> None:
    """Take it back that one was kept: every picture lies where it lay before."""
    locked = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    _lay_back(locked)


def discard(comparison: Comparison, chosen: Generation) -> BulkAction:
    """Move what `chosen` brought to the trash; the other columns stay. Raises `BulkError`."""
    shown = [image.pk for image in _pictures([chosen.pk]) if image.trashed_at is None]
    return bulk.begin(bulk.Selection(owner=comparison.owner, keys=shown), BulkAction.Action.TRASH)


def _lay_back(comparison: Comparison) -> None:
    laid, comparison.kept, comparison.lay = comparison.lay, None, {}
    comparison.save(update_fields=["kept", "lay"])
    if not laid:
        return
    stacks.lay_back(comparison.owner, laid)
    known = {key for key, *_ in laid["lay"]}
    late = [image for image in _pictures(_generations(comparison)) if image.pk not in known]
    for image in late:
        if image.stack == laid["stack"]:
            image.stack = None
            image.save(update_fields=["stack"])
            stacks.join(image)


def _generations(comparison: Comparison) -> Iterable[int]:
    return Generation.objects.filter(column__comparison=comparison).values_list("pk", flat=True)


def _pictures(generations: Iterable[int]) -> list[Image]:
    return list(Image.objects.filter(results__generation__in=list(generations)).distinct().order_by("pk"))


# --- What was kept over time ----------------------------------------------------------------------


def records_of(tag: Tag) -> list[Record]:
    """Which models were kept how often for pictures of `tag`, those kept most first. One query."""
    tagged = ImageTag.objects.filter(tag=tag, image__results__generation=OuterRef("kept"))
    decided = Comparison.objects.owned_by(tag.owner_id).filter(Exists(tagged))[:COUNTED]
    rows = Generation.objects.filter(column__comparison__in=decided.values("pk"))
    asked = rows.annotate(pictures=Count("results")).values_list(
        "provider", "model", "column__comparison", "column__comparison__kept", "pk", "cost_usd", "pictures"
    )
    found: dict[tuple[str, str], list] = {}
    for provider, model, *row in asked:
        found.setdefault((provider, model), []).append(row)
    records = [_record(*names, rows) for names, rows in found.items()]
    return sorted(records, key=lambda record: (-record.kept, -record.tried, record.model))


def _record(provider: str, model: str, rows: list) -> Record:
    known = [(usd, pictures) for *_, usd, pictures in rows if usd is not None and pictures]
    number = sum(pictures for _, pictures in known)
    return Record(
        provider=provider,
        model=model,
        kept=len({comparison for comparison, kept, key, *_ in rows if kept == key}),
        tried=len({comparison for comparison, *_ in rows}),
        each=sum((usd for usd, _ in known), Decimal(0)) / number if number else None,
    )
