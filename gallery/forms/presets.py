"""Presets and saved prompts: their forms, and how they go into a wish for pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from gallery import offers
from gallery.forms.fitting import LOST, fit_wish, without
from gallery.forms.generate import LABELS, OPTION
from gallery.forms.plain import PlainForm
from gallery.generations.generation import Wish
from gallery.language.wording import gettext_lazy
from gallery.models import ConnectionProfile, Preset, SavedPrompt, User
from gallery.offers import Offer, OfferGroup
from gallery.prompting import presets, savedprompts
from gallery.prompting.presets import PresetError
from gallery.prompting.savedprompts import SavedPromptError
from providers.errors import InvalidRequest

SHAPE = ("size", "aspect_ratio")
PLAIN = (*SHAPE, "resolution", "quality", "style", "background", "output_format", "seed", "n", "stream")
NOT_OFFERED = gettext_lazy("The model of “{name}”, {model}, is not offered now. The chosen one stays.")


# --- Into a wish --------------------------------------------------------------------------------


def offer_of(
    values: Mapping[str, Any], name: str, groups: list[OfferGroup], otherwise: Offer
) -> tuple[Offer, list[str]]:
    """The offer that `values` name, else the one that is chosen; and what to know about it."""
    model = values.get("model", "")
    if not model:
        return otherwise, []
    living = [offer for group in groups for offer in group.offers if not offer.is_retired]
    same = [offer for offer in living if offer.info.id == model]
    wanted = [str(values.get("profile", "")), str(otherwise.profile.public_id)]
    same.sort(key=lambda offer: _place(str(offer.profile.public_id), wanted))
    if same:
        return same[0], []
    return otherwise, [NOT_OFFERED.format(name=name, model=model)]


def _place(value: str, wanted: list[str]) -> int:
    return wanted.index(value) if value in wanted else len(wanted)


def typed_values(values: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """`values` as the generate form of `offer` has them."""
    typed = {name: values[name] for name in (*PLAIN, "negative_prompt") if name in values}
    typed |= {OPTION + name: value for name, value in values.get("options", {}).items()}
    rules, size = offer.info.capabilities.size, values.get("size", "")
    if size and rules and rules.free and size not in rules.values and not rules.problem(size):
        typed["exact_size"] = typed.pop("size")
    return typed


def replaced(typed: Mapping[str, Any], values: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """What is typed in the generate form, with `values` in its place. A shape goes as a whole."""
    of_shape = {*SHAPE, "exact_size"} if any(name in values for name in SHAPE) else set()
    return {name: typed[name] for name in typed if name not in of_shape} | typed_values(values, offer)


def for_wish(
    values: Mapping[str, Any], profile: ConnectionProfile, model: str
) -> tuple[dict[str, Any], list[str]]:
    """`values` as fields of a wish, as far as the model takes them, and a sentence for each other one."""
    offer = offers.of(profile, model)
    given = {name: values[name] for name in PLAIN if name in values}
    wish = Wish(profile=profile, prompt="-", model=model, options=values.get("options", {}), **given)
    try:
        fitted, notes = fit_wish(wish, offer)
    except InvalidRequest as exc:
        return {}, [
            gettext("{label} does not take this preset: {message}").format(
                label=offer.info.label, message=exc.message
            )
        ]
    names = {*given, *(SHAPE if any(name in values for name in SHAPE) else ())}
    kept = {name: getattr(fitted, name) for name in names}
    if values.get("options"):
        kept["options"] = fitted.options
    if negative := values.get("negative_prompt"):
        if offer.info.capabilities.negative_prompt:
            kept["negative_prompt"] = negative
        else:
            notes.append(without(offer, LOST["negative_prompt"]))
    return {name: value for name, value in kept.items() if value not in (None, "", {})}, notes


def parameters_in(data: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that a generate form was sent with, to be kept."""
    chosen: dict[str, Any] = {name: data[name] for name in PLAIN if data.get(name)}
    if data.get("exact_size"):
        chosen["size"] = data["exact_size"].lower().replace("×", "x").replace(" ", "")
    profile, _, model = data.get("model", "").partition("/")
    options = {
        name.removeprefix(OPTION): value for name, value in data.items() if name.startswith(OPTION) and value
    }
    return chosen | {"profile": profile if model else "", "model": model, "options": options}


# --- Forms --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """How a preset's parameter is typed on its page."""

    label: str
    help_text: str = ""


FIELDS = {
    "aspect_ratio": Kept(
        gettext_lazy("Shape"),
        gettext_lazy("Such as 2:3. A model that counts in pixels takes the nearest size."),
    ),
    "size": Kept(gettext_lazy("Size"), gettext_lazy("Such as 1024x1536, for models that count in pixels.")),
    "resolution": Kept(LABELS["resolution"], gettext_lazy("Such as 2K.")),
    "quality": Kept(LABELS["quality"], gettext_lazy("Such as high.")),
    "style": Kept(LABELS["style"], gettext_lazy("Such as vivid.")),
    "background": Kept(LABELS["background"], gettext_lazy("Such as transparent.")),
    "output_format": Kept(LABELS["output_format"], gettext_lazy("Such as webp.")),
    "n": Kept(gettext_lazy("Images"), gettext_lazy("How many at once.")),
    "seed": Kept(LABELS["seed"]),
    "negative_prompt": Kept(LABELS["negative_prompt"]),
}


class PresetForm(PlainForm, forms.Form):
    """A preset of one kind."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=Preset.MAX_NAME)

    def __init__(self, data=None, *, kind: str, groups: list[OfferGroup], preset: Preset | None = None):
        self.kind, self.preset, self.offers = kind, preset, groups
        kept = preset.values if preset else {}
        initial = {"name": preset.name if preset else "", **kept, "model": _offer_value(kept)}
        super().__init__(data, initial=initial)
        if kind == Preset.Kind.STYLE:
            self._add_style()
        else:
            self._add_parameters()

    def _add_style(self):
        self.fields["words"] = forms.CharField(
            label=gettext("Words"),
            required=False,
            max_length=presets.LONGEST_WORDS,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=gettext(
                "Write {prompt} where your own words go: “oil painting of {prompt}, muted colours”. "
                "Without it, the words go on a line behind them."
            ),
        )
        self.fields["negative"] = forms.CharField(
            label=LABELS["negative_prompt"],
            required=False,
            max_length=presets.LONGEST_WORDS,
            widget=forms.Textarea(attrs={"rows": 2}),
        )

    def _add_parameters(self):
        listed = [
            (offer.value, f"{offer.info.label} · {group.profile.name}")
            for group in self.offers
            for offer in group.living
        ]
        own = self.initial["model"]
        if own and own not in dict(listed):
            listed.append((own, gettext("{n} (not offered now)").format(n=own.partition("/")[2])))
        choices = [("", gettext("Whichever is chosen")), *listed]
        self.fields["model"] = forms.ChoiceField(label=gettext("Model"), choices=choices, required=False)
        for name, kept in FIELDS.items():
            longest = presets.LONGEST_WORDS if name == "negative_prompt" else presets.LONGEST_VALUE
            self.fields[name] = forms.CharField(
                label=kept.label, help_text=kept.help_text, required=False, max_length=longest
            )

    @property
    def others(self) -> list[forms.BoundField]:
        """The fields below the name."""
        return [self[name] for name in self.fields if name != "name"]

    def values(self) -> dict[str, Any]:
        typed = {name: value for name, value in self.cleaned_data.items() if name != "name" and value}
        profile, _, model = typed.pop("model", "").partition("/")
        kept = self.preset.values if self.preset and self.kind == Preset.Kind.PARAMETERS else {}
        unseen = {name: kept[name] for name in ("options", "stream") if name in kept}
        return unseen | typed | ({"profile": profile, "model": model} if model else {})

    def save(self, owner: User) -> bool:
        """Keep it; False, with the error at its field, when it cannot be kept."""
        name = self.cleaned_data["name"]
        try:
            if self.preset:
                presets.change(self.preset, name=name, values=self.values())
            else:
                presets.create(owner, name=name, kind=self.kind, values=self.values())
        except PresetError as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
        return not self.errors


def _offer_value(values: Mapping[str, Any]) -> str:
    return f"{values.get('profile', '')}/{values['model']}" if values.get("model") else ""


class SavedPromptForm(PlainForm, forms.Form):
    """A prompt with its name and folder."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=SavedPrompt.MAX_NAME)
    folder = forms.CharField(
        label=gettext_lazy("Folder"),
        required=False,
        max_length=SavedPrompt.MAX_NAME,
        help_text=gettext_lazy("Empty: in no folder."),
    )
    text = forms.CharField(
        label=gettext_lazy("Prompt"),
        strip=False,
        max_length=savedprompts.LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("Write the prompt that is to be kept.")},
    )
    negative_text = forms.CharField(
        label=LABELS["negative_prompt"],
        required=False,
        max_length=savedprompts.LONGEST_NEGATIVE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    recipe = forms.CharField(required=False, max_length=100_000, widget=forms.HiddenInput)

    def clean_recipe(self) -> dict[str, Any]:
        try:
            values = json.loads(self.cleaned_data["recipe"] or "{}")
            return presets.clean_parameters(values if isinstance(values, dict) else {})
        except (ValueError, RecursionError) as exc:  # a `PresetError` is one too
            raise ValidationError(
                gettext("The settings cannot be read. Save the prompt from the form again.")
            ) from exc

    def save(self, owner: User, saved: SavedPrompt | None = None) -> SavedPrompt | None:
        """Keep it; None, with the error at its field, when it cannot be kept."""
        try:
            if saved:
                return savedprompts.change(saved, **self.cleaned_data)
            return savedprompts.create(owner, **self.cleaned_data)
        except SavedPromptError as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
            return None
