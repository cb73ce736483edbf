"""A batch is begun: its cells are written down, and a worker is woken."""

import hashlib
import json

from django.db import IntegrityError, transaction
from django.utils import timezone

from gallery.batches import feeding
from gallery.batches.orders import Layout, Order, lay_out, see_that_it_is_paid_for
from gallery.batches.recipes import recipe_of
from gallery.generations import admission, generation
from gallery.generations.generation import IDEMPOTENCY_LIFE, IdempotencyConflict
from gallery.language.wording import as_kept
from gallery.models import Batch, BatchCell


def create(owner, order: Order, *, idempotency_key: str | None = None, laid: Layout | None = None) -> Batch:
    """Write a batch down and begin it. Nothing of it is sent when a part of it cannot be.

    Laying it out takes up to a second, so whoever holds locks meanwhile gives `laid`. The same key within 24
    hours answers with the same batch. Raises `ProviderError` with a sentence, and `IdempotencyConflict` when
    the key came with another order.
    """
    digest = digest_of(order)
    if idempotency_key and (known := _known(owner, idempotency_key, digest)):
        return known
    laid = laid or lay_out(order)
    see_that_it_is_paid_for(laid)
    try:
        with transaction.atomic():
            admission.admit_batch(owner)
            return _write_down(owner, order, laid, idempotency_key, digest)
    except IntegrityError:
        if idempotency_key and (known := _known(owner, idempotency_key, digest)):
            return known
        raise


def digest_of(order: Order) -> str:
    """SHA-256 of everything that was ordered."""
    lists = [
        order.prompts, order.words, order.shapes,
        [look.pk for look in order.looks], [row.pk for row in order.placeholders],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps([generation.digest_of(order.wish), lists]).encode()).hexdigest()


def _known(owner, key: str, digest: str) -> Batch | None:
    known = Batch.objects.owned_by(owner).filter(idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < timezone.now() - IDEMPOTENCY_LIFE:
        Batch.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    if known.request_digest != digest:
        raise IdempotencyConflict
    return known


def _write_down(owner, order: Order, laid: Layout, idempotency_key: str | None, digest: str) -> Batch:
    batch = Batch.objects.create(
        owner=owner,
        profile=order.wish.profile,
        prompt=order.wish.prompt or order.prompts[0],
        recipe=recipe_of(order.wish) | {"looks": [look.pk for look in order.looks]},
        axes=[
            {
                "kind": axis.kind,
                "name": as_kept(axis.name),
                "labels": [axis.label(at) for at in range(len(axis.values))],
            }
            for axis in laid.axes
        ],
        size=len(laid.cells),
        idempotency_key=idempotency_key or None,
        request_digest=digest,
        estimated_cost_usd=laid.usd,
        begun_at=timezone.now(),
    )
    rows = [
        BatchCell(
            batch=batch, index=cell.index, row=cell.row, column=cell.column, prompt=cell.prompt,
            params=cell.shape,
        )
        for cell in laid.cells
    ]  # fmt: skip
    BatchCell.objects.bulk_create(rows)
    feeding.wake(batch.pk)
    return batch
