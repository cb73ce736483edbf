"""The generate form, sent to several models at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from gallery import offers, tagging
from gallery.forms import recipes
from gallery.forms.fitting import own_in, own_name, own_of
from gallery.forms.generate import GenerateForm
from gallery.generations import admission, comparisons
from gallery.language.wording import gettext_lazy
from gallery.models import Comparison, ComparisonColumn, Tag, User
from gallery.offers import Offer, OfferGroup
from providers.errors import InvalidRequest

TICKED = "compare"  # the field of the models beside the chosen one
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


def again(row: Comparison, groups: list[OfferGroup]) -> tuple[Offer, dict[str, Any], list[str]]:
    """The form as it was filled in for `row`: its first model, the values, and what to know about them."""
    listed = [(column, _offer_of(column, groups)) for column in row.columns.all()]
    known = [(column, offer) for column, offer in listed if offer]
    offer = known[0][1] if known else offers.first_choice(groups)
    rows = [column.generation for column, _ in [*known[:1], *listed] if column.generation]
    values = recipes.of_generation(rows[0]) if rows else {"prompt": row.prompt}
    notes = [_gone(column) for column, found in listed if not found]
    notes += recipes.gone_of(rows[0]) if rows else []
    own = _own(values, known[1:])
    tags = {"tags": rows[0].tags.all() if rows else Tag.objects.none()}
    return offer, values | own | tags | {TICKED: [other.value for _, other in known[1:]]}, notes


def _offer_of(column: ComparisonColumn, groups: list[OfferGroup]) -> Offer | None:
    profile = column.profile
    return offers.pick(groups, f"{profile.public_id}/{column.model}") if profile else None


def _gone(column: ComparisonColumn) -> str:
    return gettext("{name} is not offered now. It is left out.").format(name=column.model)


def _own(values: dict[str, Any], others: Sequence[tuple[ComparisonColumn, Offer]]) -> dict[str, str]:
    """What each of the others was asked for alone, by the names of the form."""
    asked = [(offer, column.generation) for column, offer in others if column.generation]
    return {
        own_name(offer, name): value
        for offer, made in asked
        for name, value in own_of(recipes.of_generation(made), values, offer).items()
    }
