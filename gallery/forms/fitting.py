"""How what was typed for one model moves on to another one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from gallery.forms.generate import GenerateForm, values_of, words
from gallery.offers import Offer
from gallery.screens.shapes import nearest, ratio_of

LISTS = ("original", "references")
LOST = {
    "seed": "takes no seed. It is left out.",
    "negative_prompt": "takes no negative prompt. It is left out.",
    "quality": "has one quality only.",
    "resolution": "has one resolution only.",
    "stream": "shows no previews.",
    "mask": "takes no mask. It is left out.",
}


def typed_in(data: QueryDict) -> dict[str, Any]:
    """What was sent, but for the model; ids of pictures as lists."""
    return {name: data.getlist(name) if name in LISTS else data[name] for name in data if name != "model"}


def fit(values: Mapping[str, Any], offer: Offer) -> tuple[dict[str, Any], list[str]]:
    """Carry typed values over to another model. Returns them, and a sentence for each that changed."""
    form = GenerateForm(offer=offer)
    typed = {
        name: str(value)
        for name, value in values.items()
        if value not in (None, "", []) and name not in LISTS
    }
    kept = {name: value for name, value in typed.items() if name in form.fields}
    notes = []
    for name in [name for name in kept if isinstance(form.fields[name], forms.ChoiceField)]:
        if name != form.shape_name:
            notes += _fit_choice(name, kept, form)
    notes += _fit_shape(typed, kept, form)
    notes += _fit_number(kept, form)
    notes += _fit_pictures(values, kept, form)
    lost = [words for name, words in LOST.items() if name in typed.keys() - kept and typed[name] != "auto"]
    notes += [f"{offer.info.label} {words}" for words in lost]
    return kept, notes


def _fit_choice(name, kept, form) -> list[str]:
    """Keep what the other model has too, in its own spelling: xAI's "1k" is Google's "1K"."""
    field, asked = form.fields[name], kept[name]
    spelled = {value.casefold(): value for value in values_of(field)}
    kept[name] = spelled.get(asked.casefold(), field.initial)
    if asked.casefold() in spelled:
        return []
    instead = words(field.initial) if field.initial else "the provider's own"
    return [f"{words(asked)} is not offered by {form.offer.info.label}, using {instead}."]


def _fit_shape(typed, kept, form) -> list[str]:
    """Keep the ratio where the other model counts shapes in another way or lacks the very one."""
    name = form.shape_name
    asked = typed.get("aspect_ratio") or typed.get("size") or ""
    if not name or not asked or asked in values_of(form.fields[name]):
        return []
    kept[name] = nearest(asked, values_of(form.fields[name])) or form.fields[name].initial
    if not ratio_of(asked) or ratio_of(kept[name]) and abs(ratio_of(asked) - ratio_of(kept[name])) < 0.01:
        return []
    return [
        f"{asked.replace('x', ' × ')} is not offered by this model, using {kept[name].replace('x', ' × ')}."
    ]


def _fit_number(kept, form) -> list[str]:
    most, asked = form.abilities.max_n, kept.get("n", "")
    if not asked.isdecimal() or int(asked) <= most:
        return []
    kept["n"] = str(most)
    return [f"{form.offer.info.label} makes {most} at once, not {asked}."]


def _fit_pictures(values, kept, form) -> list[str]:
    """Keep as many references as the model takes, and `mode` where it edits."""
    able, label = form.abilities, form.offer.info.label
    references = values.get("references") or []
    lists = {"original": values.get("original"), "references": references[: able.max_references]}
    kept.update({name: ids for name, ids in lists.items() if ids})
    notes = []
    if references and not able.max_references:
        notes.append(f"{label} takes no reference images. They are left out.")
    elif len(references) > able.max_references:
        left = len(references) - able.max_references
        notes.append(f"{label} takes {able.max_references} reference images. The last {left} are left out.")
    if kept.get("mode") == "edit" and "edit" not in able.modes:
        kept["mode"] = ""
        notes.append(f"{label} does not edit pictures. It makes a new one after those that go along.")
    return notes
