"""Pictures that go along with a request of the API: references and masks."""

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404

from gallery.api.problems import Invalid
from gallery.generations import masks
from gallery.models import Image, User


def references_of(owner: User, ids: Sequence[UUID], field: str = "references") -> tuple[Image, ...]:
    """The caller's pictures, in order. 404 for one that is not theirs, 422 for one in the trash."""
    found = {image.public_id: image for image in Image.objects.owned_by(owner).filter(public_id__in=ids)}
    if len(found) < len(set(ids)):
        raise Http404
    if any(image.trashed_at for image in found.values()):
        raise Invalid(field, "One of these pictures is in the trash. Restore it, or send another.")
    return tuple(found[public_id] for public_id in ids)


def mask_of(owner: User, mask: str | None, references: Sequence[Image]) -> bytes | None:
    """The mask as a clean PNG. 404 for a foreign picture, 422 with a sentence for what cannot be a mask."""
    if not mask:
        return None
    if not references:
        raise Invalid("mask", "A mask needs the picture that it belongs to. Send its id in “references”.")
    try:
        image = Image.objects.owned_by(owner).get(public_id=UUID(mask))
    except ValueError:
        return masks.clean(masks.bytes_of(mask), references[0])
    except Image.DoesNotExist as exc:
        raise Http404 from exc
    return masks.clean(masks.stored_bytes_of(image), references[0])
