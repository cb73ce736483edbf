"""What the generate form begins with, by its address: `?again=`, `?comparison=`, `?saved=`, `?from=` …"""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from gallery import offers
from gallery.forms import comparison, presets, recipes
from gallery.forms.comparison import TICKED
from gallery.forms.fitting import OWN, fit
from gallery.forms.generate import GenerateForm, values_of
from gallery.forms.pictures import parse_id
from gallery.language.wording import gettext_lazy
from gallery.models import Comparison, Generation, Image, Preset, SavedPrompt, User
from gallery.offers import Offer, OfferGroup
from gallery.screens import compared
from gallery.screens.shapes import nearest
from providers.base import Capabilities

type Beginning = tuple[Offer, dict[str, Any], list[str]]  # the model, the values, and what to know about them

TAKEN: dict[str, Callable[[User], QuerySet]] = {  # what can be put into what is typed, by its id
    "saved": lambda owner: SavedPrompt.objects.owned_by(owner).kept(),
    "preset": Preset.objects.owned_by,
    "prompt_of": Generation.objects.owned_by,
}
NOT_HERE = {
    "model",
    "key",
    "again",
    "comparison",
    "from",
    "in",
    "mode",
    "references",
    "original",
    "mask",
    *TAKEN,
}
GONE = gettext_lazy("That model is no longer offered here.")
NOBODY = gettext_lazy("None of your connections takes pictures along. Add one that does, and come back.")
NO_PROMPT = gettext_lazy(
    "No prompt was saved with this picture, so it is the one to change. Say what should be different."
)


def begin(request, groups: list[OfferGroup], tags: str) -> Beginning:
    """Read the address. 404 for a picture or a generation of somebody else."""
    given: dict[str, Any] = {name: value for name, value in request.GET.items() if name not in NOT_HERE}
    given["tags"] = tags
    given |= {"compare": request.GET.getlist("compare")}
    if before := named(request):
        return _compared(groups, given, before)
    if "again" in request.GET:
        return _again(request, groups, given)
    if "from" in request.GET:
        return _from_image(request, groups, given)
    asked = request.GET.get("model", "")
    offer = offers.pick(groups, asked) or offers.first_choice(groups)
    gone = bool(asked) and asked != offer.value
    notes = [gettext("{gone} Using {label}.").format(gone=GONE, label=offer.info.label)] if gone else []
    for kind in TAKEN:
        if kind in request.GET:
            offer, given, more = take(request.user, groups, offer, given, kind, request.GET[kind])
            notes += more
    return _fitted(offer, given, notes)


def take(owner, groups, offer: Offer, typed: dict[str, Any], kind: str, wanted: str) -> Beginning:
    """Put a saved prompt, a preset or an earlier prompt into what is typed. 404 for somebody else's."""
    if kind not in TAKEN:
        raise Http404(gettext("There is nothing of this kind to take."))
    row = get_object_or_404(TAKEN[kind](owner), public_id=parse_id(wanted))
    if isinstance(row, Generation):
        return offer, typed | {"prompt": row.prompt}, []
    if isinstance(row, Preset) and row.kind == Preset.Kind.STYLE:
        return offer, typed | {"preset": str(row.public_id)}, []
    values = row.values if isinstance(row, Preset) else row.recipe
    offer, notes = presets.offer_of(values, row.name, groups, offer)
    typed = presets.replaced(typed, values, offer)
    if isinstance(row, SavedPrompt):
        typed |= {"prompt": row.text}
        typed |= {"negative_prompt": row.negative_text} if row.negative_text else {}
    return offer, typed, notes


def _again(request, groups, given) -> Beginning:
    rows = Generation.objects.owned_by(request.user).prefetch_related("tags")
    rows = rows.select_related("column__comparison")
    row = get_object_or_404(rows, public_id=parse_id(request.GET["again"]))
    if row.column and not given["compare"]:
        return _compared(groups, given, row.column.comparison)
    offer = offers.first_choice(groups, row.profile_id, row.model)
    values = recipes.of_generation(row) | given | {"tags": given["tags"] or specs(row.tags.all())}
    notes = _instead_of(row.model, gettext("is not offered now"), offer)
    return _fitted(offer, values, [*notes, *recipes.gone_of(row)])


def named(request) -> Comparison | None:
    """The comparison in the address. 404 for one of somebody else."""
    if "comparison" not in request.GET:
        return None
    rows = Comparison.objects.owned_by(request.user).prefetch_related(*compared.READ)
    return get_object_or_404(rows, public_id=parse_id(request.GET["comparison"]))


def _compared(groups, given, row: Comparison) -> Beginning:
    """All models of a comparison, each with what was chosen for it alone."""
    offer, values, notes = comparison.again(row, groups)
    tags = given["tags"] or specs(values["tags"])
    return _fitted(offer, values | given | {"tags": tags, TICKED: values[TICKED]}, notes)


def _from_image(request, groups, given) -> Beginning:
    rows = Image.objects.owned_by(request.user).live().select_related("generation").prefetch_related("tags")
    image = get_object_or_404(rows, public_id=parse_id(request.GET["from"]))
    own = offers.first_choice(groups, image.profile_id, image.model)
    given["tags"] = given["tags"] or specs(image.tags.all())
    mode = request.GET.get("mode", "")
    if mode == "variation" and (image.prompt or "variation" in own.info.capabilities.modes):
        return _fitted(own, recipes.like(image) | given)
    notes = [NO_PROMPT] if mode == "variation" else []
    edits = mode in ("variation", "edit")
    offer = offers.first_able(groups, own, _edits if edits else _looks)
    if offer is None:
        return _fitted(own, given, [NOBODY])
    values = recipes.changing(image) if edits else recipes.after(image)
    problem = gettext("does not edit pictures") if edits else gettext("takes no reference images")
    notes += _instead_of(own.info.label, problem, offer) if offer is not own else []
    return _fitted(offer, _shape_of(image, offer) | values | given, notes)


def _edits(able: Capabilities) -> bool:
    return "edit" in able.modes and able.max_references > 0


def _looks(able: Capabilities) -> bool:
    return able.max_references > 0


def _instead_of(name: str, problem: str, offer: Offer) -> list[str]:
    return (
        []
        if name == offer.info.id
        else [
            gettext("{name} {problem}, using {label}.").format(
                name=name, problem=problem, label=offer.info.label
            )
        ]
    )


def _shape_of(image: Image, offer: Offer) -> dict[str, str]:
    """The shape that is nearest to the picture's own."""
    form = GenerateForm(offer=offer)
    if not form.shape_name:
        return {}
    shape = nearest(f"{image.width}x{image.height}", values_of(form.fields[form.shape_name]))
    return {form.shape_name: shape} if shape else {}


def _fitted(offer: Offer, values: dict[str, Any], notes: list[str] | None = None) -> Beginning:
    fitted, changes = fit(values, offer)
    of_others = {name: value for name, value in values.items() if name == TICKED or name.startswith(OWN)}
    return offer, fitted | of_others, [*(notes or []), *changes]


def specs(tags) -> str:
    return ", ".join(tag.spec for tag in tags.select_related("parent"))
