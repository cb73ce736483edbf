"""Objects by the ids that forms send."""

import uuid

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext


def find(rows, public_id: str):
    """Find the one of `rows` with this id; 404 when there is none, or when it is no id."""
    try:
        wanted = uuid.UUID(public_id)
    except ValueError as exc:
        raise Http404(gettext("This is not an id.")) from exc
    return get_object_or_404(rows, public_id=wanted)
