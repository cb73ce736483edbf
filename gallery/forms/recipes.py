"""How pictures were asked for, as values of the generate form: once more, one more like it, or changed."""

import base64
from typing import Any

from django.utils.translation import gettext, ngettext

from gallery.forms.generate import OPTION
from gallery.forms.pictures import TITLE
from gallery.generations import inputs
from gallery.models import Generation, Image, Preset

KEPT = ("size", "aspect_ratio", "resolution", "quality", "style", "background", "output_format")


def of_generation(row: Generation) -> dict[str, Any]:
    """Everything that a generation was asked with."""
    options = {OPTION + name: value for name, value in row.params.get("options", {}).items()}
    plain = {name: value for name, value in row.params.items() if name != "options"}
    style = {"preset": row.receipt["preset"]["id"]} if "preset" in row.receipt else {}
    return plain | options | style | {"prompt": row.prompt, "n": row.n} | _pictures_of(row)


def gone_of(row: Generation) -> list[str]:
    """A sentence for each thing that `row` was asked with and that is there no more."""
    of_cast = {pick["id"] for pick in row.receipt.get("references", [])}
    notes = []
    deleted = 0
    for reference in row.references.select_related("image"):
        image = reference.image
        if image is None:
            deleted += 1
        elif image.trashed_at and str(image.public_id) not in of_cast:
            notes.append(
                gettext("The picture “{n}” is in the trash, so it does not go along.").format(
                    n=str(image)[:TITLE]
                )
            )
    if deleted:
        words = ngettext(
            "{n} reference picture was deleted since and cannot go along.",
            "{n} reference pictures were deleted since and cannot go along.",
            deleted,
        )
        notes.append(words.format(n=deleted))
    style = row.receipt.get("preset")
    if style and not Preset.objects.owned_by(row.owner_id).filter(public_id=style["id"]).exists():
        notes.append(
            gettext("The style “{n}” was deleted since. Its words are left out.").format(n=style["name"])
        )
    return notes


def _pictures_of(row: Generation) -> dict[str, Any]:
    ids = [str(reference.image.public_id) for reference in _references_of(row)]
    if row.mode in ("variation", "again"):
        return {"original": ids[:1], "references": ids[1:]} | _mask_of(row)
    return {"mode": "edit" if row.mode == "edit" else "", "references": ids} | _mask_of(row)


def _references_of(row: Generation):
    """What was chosen by hand: the cast's own pictures come along by themselves."""
    of_cast = [pick["id"] for pick in row.receipt.get("references", [])]
    chosen = row.references.filter(image__isnull=False, image__trashed_at=None).select_related("image")
    return chosen.exclude(image__public_id__in=of_cast) if of_cast else chosen


def _mask_of(row: Generation) -> dict[str, str]:
    mask = inputs.mask_of(row)
    return {"mask": f"data:image/png;base64,{base64.b64encode(mask).decode()}"} if mask else {}


def like(image: Image) -> dict[str, Any]:
    """One more like `image`: its recipe, but for the seed, which would only draw it again."""
    values = of_generation(image.generation) if image.generation else _said_of(image)
    values |= {"n": 1, "original": [str(image.public_id)]}
    values.pop("seed", None)
    if not image.generation or image.generation.mode == "variation":
        values["references"] = []
    return values


def _said_of(image: Image) -> dict[str, Any]:
    """The recipe of a picture that was made elsewhere, as far as its file tells it."""
    told = {name: image.params.get(name) for name in KEPT}
    return told | {"prompt": image.prompt, "negative_prompt": image.negative_prompt}


def changing(image: Image) -> dict[str, Any]:
    """`image` with something different."""
    return {"mode": "edit", "references": [str(image.public_id)]}


def after(image: Image) -> dict[str, Any]:
    """A new picture for which `image` is looked at."""
    return {"references": [str(image.public_id)]}
