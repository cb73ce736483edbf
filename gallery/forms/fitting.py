"""How what was typed for one model moves on to another one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, gettext_noop

from gallery.forms.generate import CHOICES, OPTION, GenerateForm, values_of, words
from gallery.generations.generation import Wish
from gallery.language.sentences import Sentence
from gallery.offers import Offer
from gallery.screens.shapes import nearest, ratio_of
from providers.errors import InvalidRequest
from providers.rules import FORCE

OWN = "own:"  # goes before the names of settings that are for one of several models alone
LISTS = ("original", "references")
PICTURES = (*LISTS, "mode", "mask")
SHAPE = {"aspect_ratio", "size", "exact_size"}
LOST = {
    "seed": gettext_noop("takes no seed. It is left out."),
    "negative_prompt": gettext_noop("takes no negative prompt. It is left out."),
    "quality": gettext_noop("has one quality only."),
    "resolution": gettext_noop("has one resolution only."),
    "stream": gettext_noop("shows no previews."),
    "mask": gettext_noop("takes no mask. It is left out."),
}


def typed_in(data: QueryDict) -> dict[str, Any]:
    """What was sent, but for the model; ids of pictures as lists."""
    return {name: data.getlist(name) if name in LISTS else data[name] for name in data if name != "model"}


def own_in(data: Mapping[str, Any], offer: Offer) -> dict[str, str]:
    """What was chosen for one of several models alone: {"quality": "high"}."""
    head = own_name(offer, "")
    return {name.removeprefix(head): str(data[name]) for name in data if name.startswith(head) and data[name]}


def own_name(offer: Offer, field: str) -> str:
    """The name in the form of a setting that is for one model alone."""
    return f"{OWN}{offer.value}:{field}"


def has_own(form: GenerateForm) -> list[str]:
    """The settings that can be chosen for the model of `form` alone."""
    return [
        name
        for name, field in form.fields.items()
        if isinstance(field, forms.ChoiceField)
        and (name == form.shape_name or name in CHOICES or name.startswith(OPTION))
    ]


def own_of(asked: Mapping[str, Any], values: Mapping[str, Any], offer: Offer) -> dict[str, str]:
    """What `asked`, the recipe of this model, has otherwise than `values` would have been fitted to it."""
    form = GenerateForm(offer=offer)
    common, _ = fit(values, offer)
    chosen = {name: _chosen(asked, form, name) for name in has_own(form)}
    return {name: value for name, value in chosen.items() if value and value != _chosen(common, form, name)}


def _chosen(values: Mapping[str, Any], form: GenerateForm, name: str) -> str:
    """A choice by `values`, or by the form where these leave it open; empty for one it does not have."""
    value = str(values.get(name) or form.fields[name].initial or "")
    return value if value in values_of(form.fields[name]) else ""


def with_own(values: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Any]:
    """`values` with those of one model alone in their place. A shape goes as a whole."""
    replaced = SHAPE if SHAPE & own.keys() else set()
    return {name: value for name, value in values.items() if name not in replaced} | dict(own)


def fit(values: Mapping[str, Any], offer: Offer) -> tuple[dict[str, Any], list[str]]:
    """Carry typed values over to another model. Returns them, and a sentence for each that changed."""
    form = GenerateForm(offer=offer)
    typed = {
        name: str(value)
        for name, value in values.items()
        if value not in (None, "", []) and name not in LISTS
    }
    kept = {name: value for name, value in typed.items() if name in form.fields}
    notes: list[str] = []
    for name in [name for name in kept if isinstance(form.fields[name], forms.ChoiceField)]:
        if name != form.shape_name:
            notes += _fit_choice(name, kept, form)
    notes += _fit_shape(typed, kept, form)
    notes += _fit_number(kept, form)
    notes += _fit_pictures(values, kept, form)
    lost = [words for name, words in LOST.items() if name in typed.keys() - kept and typed[name] != "auto"]
    notes += [without(offer, words) for words in lost]
    return kept, notes


def without(offer: Offer, lost: str) -> Sentence:
    """What a model does not do: `lost` is one of the words below."""
    return Sentence("{label} {lost}", label=offer.info.label, lost=Sentence(lost))


def _fit_choice(name, kept, form) -> list[str]:
    """Keep what the other model has too, in its own spelling: xAI's "1k" is Google's "1K"."""
    field, asked = form.fields[name], kept[name]
    spelled = {value.casefold(): value for value in values_of(field)}
    kept[name] = spelled.get(asked.casefold(), field.initial)
    if asked.casefold() in spelled:
        return []
    instead = _said(field.initial) if field.initial else Sentence(gettext_noop("the provider's own"))
    return [
        Sentence(
            gettext_noop("{words} is not offered by {label}, using {instead}."),
            words=_said(asked), label=form.offer.info.label, instead=instead,
        )
    ]  # fmt: skip


def _said(value: str) -> str:
    return Sentence("Automatic") if value == "auto" else words(value)


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
        Sentence(
            gettext_noop("{asked} is not offered by this model, using {instead}."),
            asked=asked.replace("x", " × "), instead=kept[name].replace("x", " × "),
        )
    ]  # fmt: skip


def _fit_number(kept, form) -> list[str]:
    most, asked = form.abilities.max_n, kept.get("n", "")
    if not asked.isdecimal() or int(asked) <= most:
        return []
    kept["n"] = str(most)
    return [
        Sentence(
            gettext_noop("{label} makes {most} at once, not {asked}."),
            label=form.offer.info.label, most=most, asked=asked,
        )
    ]  # fmt: skip


def _fit_pictures(values, kept, form) -> list[str]:
    """Keep as many references as the model takes, and `mode` where it edits."""
    able, label = form.abilities, form.offer.info.label
    references = values.get("references") or []
    lists = {"original": values.get("original"), "references": references[: able.max_references]}
    kept.update({name: ids for name, ids in lists.items() if ids})
    notes: list[str] = []
    if references and not able.max_references:
        none = gettext_noop("{label} takes no reference images. They are left out.")
        notes.append(Sentence(none, label=label))
    elif len(references) > able.max_references:
        left = len(references) - able.max_references
        few = gettext_noop("{label} takes {max_references} reference images. The last {left} are left out.")
        notes.append(Sentence(few, label=label, max_references=able.max_references, left=left))
    if kept.get("mode") == "edit" and "edit" not in able.modes:
        kept["mode"] = ""
        new = gettext_noop("{label} does not edit pictures. It makes a new one after those that go along.")
        notes.append(Sentence(new, label=label))
    return notes


# --- A wish that was made for one model, carried over to another one ------------------------------

DROPPED = {
    "style": gettext_noop("has no styles. It is left out."),
    "background": gettext_noop("has one background only."),
    "output_format": gettext_noop("chooses the file type itself."),
}
ANY = {"auto", "opaque", "png"}  # what a model does that cannot be told


def fit_wish(wish: Wish, offer: Offer, own: Mapping[str, str] | None = None) -> tuple[Wish, list[str]]:
    """Carry a wish over to another model. Returns it, and a sentence for each thing that changed.

    `own` is what was chosen for this model alone, which is fitted to nothing. Raises `InvalidRequest` when
    the model cannot do what is meant at all.
    """
    values = with_own(_values_of(wish, offer), _taken(own or {}, offer))
    kept, notes = fit(values, offer)
    notes += _also_lost(wish, kept, offer)
    form = GenerateForm(
        {name: kept[name] for name in kept if name not in PICTURES} | {"prompt": "-"}, offer=offer
    )
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidRequest(str(errors[0]), field=field)
    chosen: dict[str, Any] = (
        dict.fromkeys((*CHOICES, "size", "seed")) | {"stream": False, "n": 1} | form.parameters()
    )
    chosen |= _pictures_kept(wish, kept, offer)
    if not wish.expand and not offer.info.capabilities.negative_prompt:
        chosen["negative_prompt"] = None  # else what to avoid is put into words
    return replace(wish, profile=offer.profile, model=offer.info.id, **chosen), notes


def _taken(own: Mapping[str, str], offer: Offer) -> Mapping[str, str]:
    """`own`, which has to be what the model takes."""
    form = GenerateForm({**own, "prompt": "-"}, offer=offer)
    if foreign := next((name for name in own if name not in form.fields), None):
        sentence = gettext("{label} has no setting “{name}”.")
        raise InvalidRequest(sentence.format(label=offer.info.label, name=foreign), field=foreign)
    if form.errors:
        field, errors = next(iter(form.errors.items()))
        raise InvalidRequest(str(errors[0]), field=field)
    return own


def _values_of(wish: Wish, offer: Offer) -> dict[str, Any]:
    """A wish as the form of `offer` would have been filled in."""
    values = {name: getattr(wish, name) for name in (*CHOICES, "size", "seed", "n")}
    values |= {OPTION + name: value for name, value in wish.options.items() if name != FORCE}
    values["seed"] = None if wish.seed == -1 else wish.seed  # any seed
    values |= {"stream": wish.stream or None, "force": wish.options.get(FORCE), "mask": wish.mask and "mask"}
    rules = offer.info.capabilities.size
    if wish.size and rules and rules.free and wish.size not in rules.values and not rules.problem(wish.size):
        values["exact_size"] = values.pop("size")
    ids = [str(image.public_id) for image in wish.references]
    if wish.mode in ("variation", "again"):
        return values | {"original": ids[:1], "references": ids[1:]}
    edits = bool(ids) and wish.mode in ("edit", None)
    return values | {"references": ids, "mode": "edit" if edits else ""}


def _also_lost(wish: Wish, kept, offer: Offer) -> list[str]:
    lost: list[str] = [
        without(offer, said)
        for name, said in DROPPED.items()
        if getattr(wish, name) and getattr(wish, name) not in ANY and name not in kept
    ]
    if wish.negative_prompt and not wish.expand and not offer.info.capabilities.negative_prompt:
        lost.append(without(offer, LOST["negative_prompt"]))
    options = [name for name in wish.options if name != FORCE and OPTION + name not in kept]
    foreign = gettext_noop("{label} has no option “{name}”. It is left out.")
    return [*lost, *(Sentence(foreign, label=offer.info.label, name=name) for name in options)]


def _pictures_kept(wish: Wish, kept, offer: Offer) -> dict[str, Any]:
    """The wish's fields for pictures, as far as the model goes."""
    able, label = offer.info.capabilities, offer.info.label
    by_id = {str(image.public_id): image for image in wish.references}
    original, references = (tuple(by_id[key] for key in kept.get(name, ())) for name in LISTS)
    if wish.references and wish.mode != "generate" and not able.max_references:
        raise InvalidRequest(
            gettext("{label} takes no pictures along, so it cannot change one.").format(label=label),
            field="references",
        )
    if original and "variation" in able.modes:
        return {"mode": "variation", "references": original, "mask": None}
    mask = wish.mask if kept.get("mask") and references else None
    if original:
        return {"mode": "again", "references": original + references, "mask": mask}
    mode = "edit" if mask or kept.get("mode") == "edit" else "generate"
    return {"mode": mode if references else None, "references": references, "mask": mask}
