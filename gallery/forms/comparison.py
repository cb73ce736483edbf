"""The generate form, sent to several models at once."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from gallery import offers, tagging
from gallery.forms.fitting import own_in
from gallery.forms.generate import GenerateForm
from gallery.generations import admission, comparisons
from gallery.language.wording import gettext_lazy
from gallery.models import Comparison, User
from gallery.offers import Offer, OfferGroup
from providers.errors import InvalidRequest

GONE = gettext_lazy(
    "A model that was ticked is no longer offered. Look at the list, and press Generate again."
)


def ticked(groups: list[OfferGroup], chosen: Offer, values: Sequence[str]) -> list[Offer]:
    """The chosen offer and those that are ticked, each once. What is not offered any more is left out."""
    found = (offers.pick(groups, value) for value in dict.fromkeys(values))
    return [chosen, *(offer for offer in found if offer and offer.value != chosen.value)]


def submit(form: GenerateForm, owner: User, groups: list[OfferGroup], values: Sequence[str]) -> Comparison:
    """Send what a valid form says to its own model and to those of `values`.

    Raises `ProviderError` or `IdempotencyConflict`.
    """
    if not all(offers.pick(groups, value) for value in values):
        raise InvalidRequest(str(GONE))
    asked = ticked(groups, form.offer, values)
    pairs = [(offer.profile, offer.info.id) for offer in asked]
    own = [{}, *(own_in(form.data, offer) for offer in asked[1:])]
    comparisons.check(pairs)
    wish = form.clean_wish()
    key = form.cleaned_data["key"] or None
    # Together: where nothing can be sent, no tags are left behind.
    with admission.at_the_door(owner, is_repeatable=bool(key)), transaction.atomic():
        wish = replace(wish, tags=tuple(tagging.resolve(owner, form.cleaned_data["tags"])))
        return comparisons.submit(owner, wish, pairs, own=own, idempotency_key=key)
