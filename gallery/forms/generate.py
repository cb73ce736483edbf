"""The generate form, made of what the chosen model takes."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from gallery import batches, tagging
from gallery.forms.add import TagsForm
from gallery.forms.pictures import PicturesForm, parse_id
from gallery.generations import admission, generation, inputs, masks
from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models import Preset, Tag, User
from gallery.offers import Offer
from gallery.prompting import Composition, as_typed
from gallery.screens.shapes import Shape, shapes_of
from gallery.templatetags.ui import money
from providers.base import Choice, Estimate, ImageRequest
from providers.errors import ProviderError
from providers.rules import FORCE

LABELS = {
    "aspect_ratio": gettext_lazy("Shape"),
    "size": gettext_lazy("Shape"),
    "resolution": gettext_lazy("Resolution"),
    "quality": gettext_lazy("Quality"),
    "style": gettext_lazy("Style"),
    "background": gettext_lazy("Background"),
    "output_format": gettext_lazy("File type"),
    "seed": gettext_lazy("Seed"),
    "negative_prompt": gettext_lazy("Avoid"),
    "api": gettext_lazy("Sent through"),
}
CHOICES = ("aspect_ratio", "resolution", "quality", "style", "background", "output_format")
SEGMENTS = ("resolution", "quality", "style")  # shown at once; the rest is under More options
NUMBERS = (1, 2, 4, 8)
PICTURES = ("mode", "original", "references", "mask")
SHAPES = 9  # shown as outlines; more stand under Exact size where any size goes
OPTION = "option_"  # goes before the names of a vendor's own options


def words(value: str) -> str:
    """A vendor's value as a person reads it: "auto" is "Automatic", "png" is "PNG", "high" is "High"."""
    known = {
        "auto": gettext("Automatic"),
        "png": "PNG",
        "jpeg": "JPEG",
        "webp": "WebP",
        "1k": "1K",
        "2k": "2K",
    }
    plain = value.replace("_", " ")
    if value.isupper() and "_" in value:
        plain = plain.lower()  # "BLOCK_ONLY_HIGH", as Google has it
    return known.get(value) or (plain.capitalize() if plain.islower() and plain[0].isalpha() else plain)


class GenerateForm(PicturesForm, TagsForm):
    """A wish for pictures from one offer. Its fields are the abilities of the offer's model."""

    use_required_attribute = False
    prompt = forms.CharField(
        label=gettext_lazy("Prompt"),
        strip=False,
        max_length=32_000,
        widget=forms.Textarea(attrs={"rows": 5, "class": "area"}),
        error_messages={"required": gettext_lazy("Write what the picture should show.")},
    )
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    preset = forms.CharField(label=gettext_lazy("Style preset"), required=False, max_length=40)

    def __init__(self, data=None, *, offer: Offer, **kwargs):
        super().__init__(data, **kwargs)
        self.offer = offer
        self.abilities = offer.info.capabilities
        self._add_choices()
        self._add_size()
        self._add_texts()
        self._add_switches()
        self._add_vendor_options()
        self.add_pictures()
        self.fields["prompt"].required = not self.is_vendor_variation
        most = self.abilities.max_n
        self.fields["n"] = forms.IntegerField(
            label=gettext("Images"),
            min_value=1,
            max_value=most,
            initial=1,
            required=False,
            error_messages=in_range(
                gettext("Choose 1 to {most} pictures.").format(most=most)
                if most > 1
                else gettext("Choose 1 picture.")
            ),
        )

    def _add_choices(self):
        for name in CHOICES:
            choice = getattr(self.abilities, name)
            if choice:
                self.fields[name] = choice_field(LABELS[name], choice)

    def _add_size(self):
        rules = self.abilities.size
        if not rules:
            return
        if rules.values:
            self.fields["size"] = choice_field(
                LABELS["size"], Choice(values=rules.values, default=rules.default)
            )
        if rules.free:
            more = (
                gettext(" {names} fit well.").format(names=", ".join(rules.values[SHAPES:]))
                if rules.values[SHAPES:]
                else ""
            )
            self.fields["exact_size"] = forms.CharField(
                label=gettext("Exact size"),
                required=False,
                help_text=gettext(
                    "Width x height in pixels, such as 1024x1536. It goes before the shape.{more}"
                ).format(more=more),
            )

    def _add_texts(self):
        if self.abilities.negative_prompt:
            self.fields["negative_prompt"] = forms.CharField(
                label=LABELS["negative_prompt"],
                required=False,
                max_length=8000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        if self.abilities.seed:
            self.fields["seed"] = forms.IntegerField(
                label=LABELS["seed"],
                required=False,
                min_value=0,
                max_value=2**63 - 1,
                help_text=gettext("The same seed and settings give a similar picture."),
                error_messages=in_range(
                    gettext("A seed is a whole number from 0 to {n}.").format(n=2**63 - 1)
                ),
            )

    def _add_vendor_options(self):
        for name, choice in self.abilities.options.items():
            label = LABELS.get(name) or name.replace("_", " ").capitalize()
            self.fields[OPTION + name] = choice_field(label, choice, optional=True)

    def _add_switches(self):
        if self.abilities.stream:
            self.fields["stream"] = forms.BooleanField(
                label=gettext("Live previews"), required=False, help_text=self._price_of_previews()
            )
        if self.offer.can_be_forced:
            self.fields["force"] = forms.BooleanField(
                label=gettext("Send anyway"),
                required=False,
                help_text=self._fate(),
            )

    def _fate(self) -> str:
        """What became of a model that its maker retired."""
        successor = (
            gettext(" Its successor is {successor}.").format(successor=self.offer.successor)
            if self.offer.successor
            else ""
        )
        retired = gettext("{label} was retired by its maker.{successor}").format(
            label=self.offer.info.label, successor=successor
        )
        return gettext("{retired} Your own server may still have it.").format(retired=retired)

    def _price_of_previews(self) -> str:
        plain = ImageRequest(prompt="", model=self.offer.info.id)
        without, including = (
            self.offer.provider.estimate(request).usd for request in (plain, replace(plain, stream=True))
        )
        shown = gettext("Shows the picture while it is drawn.")
        if without is None or including is None or including <= without:
            return shown
        return gettext("{shown} Adds about {usd} an image.").format(
            shown=shown, usd=money(including - without)
        )

    def anew(self, data):
        """The same form with other data."""
        return type(self)(data, offer=self.offer)

    # What the templates ask

    def value_of(self, name: str) -> str:
        return str(self[name].value() if self[name].value() is not None else "")

    @property
    def has_choices(self) -> bool:
        """Whether the prompt stands for several, of which "Many from one prompt" makes a picture each."""
        return batches.has_choices(self.value_of("prompt"))

    @property
    def shape_name(self) -> str:
        """The field that the shape radios write to."""
        return "aspect_ratio" if "aspect_ratio" in self.fields else "size" if "size" in self.fields else ""

    def shapes(self) -> list[Shape]:
        """The outlines to choose from, always with the chosen one."""
        if not self.shape_name:
            return []
        values, chosen = values_of(self.fields[self.shape_name]), self.value_of(self.shape_name)
        if "exact_size" in self.fields:
            values = [value for index, value in enumerate(values) if index < SHAPES or value == chosen]
        return shapes_of(values, chosen)

    def segments(self) -> list[forms.BoundField]:
        return [self[name] for name in SEGMENTS if name in self.fields]

    def more(self) -> list[forms.BoundField]:
        """The fields under More options."""
        shown = {"prompt", "tags", "key", "preset", "n", "force", self.shape_name, *SEGMENTS, *PICTURES}
        return [self[name] for name in self.fields if name not in shown]

    def more_has_errors(self) -> bool:
        return any(field.errors for field in self.more())

    def numbers(self) -> list[int]:
        """How many pictures the segments offer: 1, 2, 4, 8 as far as the model goes, and the chosen one."""
        most = self.abilities.max_n
        chosen = self.value_of("n")
        extra = {int(chosen)} if chosen.isdecimal() and 1 <= int(chosen) <= most else set()
        return sorted({number for number in NUMBERS if number <= most} | {min(most, NUMBERS[-1])} | extra)

    # What was typed

    def clean_prompt(self):
        prompt = self.cleaned_data["prompt"].replace("\r\n", "\n")
        if not prompt.strip() and self.fields["prompt"].required:
            raise ValidationError(self.fields["prompt"].error_messages["required"])
        most = self.abilities.max_prompt
        if most and len(prompt) > most:
            raise ValidationError(
                gettext("{label} takes {most} characters. Take out {n}.").format(
                    label=self.offer.info.label, most=thousands(most), n=thousands(len(prompt) - most)
                )
            )
        return prompt

    def clean_preset(self) -> Preset | None:
        """The style that was chosen. It is looked for only when one is."""
        wanted = self.cleaned_data["preset"]
        if not wanted:
            return None
        styles = Preset.objects.owned_by(self.offer.profile.owner_id).filter(kind=Preset.Kind.STYLE)
        known = styles.filter(public_id=parse_id(wanted)).first()
        if known is None:
            raise ValidationError(gettext("This style was deleted. Choose another one, or none."))
        return known

    def clean_exact_size(self):
        size = "x".join(self.cleaned_data["exact_size"].lower().replace("×", "x").replace(" ", "").split("x"))
        rules = self.abilities.size
        problem = rules.problem(size) if size and rules else None
        if problem:
            raise ValidationError(problem)
        return size

    def clean_n(self):
        return self.cleaned_data["n"] or 1

    def parameters(self) -> dict[str, Any]:
        """The request's fields, without prompt, model and tags; only what was chosen."""
        names = (*CHOICES, "size", "seed", "negative_prompt", "stream", "n")
        chosen = {
            name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name) not in (None, "")
        }
        if self.cleaned_data.get("exact_size"):
            chosen["size"] = self.cleaned_data["exact_size"]
        options = {name: self.cleaned_data.get(OPTION + name) for name in self.abilities.options}
        if self.cleaned_data.get("force"):
            options[FORCE] = True
        return chosen | {
            "options": {name: value for name, value in options.items() if value not in (None, "")}
        }

    def wish(self, tags: Iterable[Tag] = ()) -> generation.Wish:
        """What is asked, with tags that exist."""
        return generation.Wish(
            profile=self.offer.profile,
            model=self.offer.info.id,
            prompt=self.cleaned_data.get("prompt", ""),
            tags=tuple(tags),
            preset=self.cleaned_data.get("preset") or None,
            **self.parameters() | self.pictures(),
        )

    @cached_property
    def known_tags(self) -> list[Tag]:
        """Those of the typed tags that exist."""
        self.is_valid()
        return tagging.resolve(self.offer.profile.owner, self.cleaned_data.get("tags", ()), create=False)

    @cached_property
    def composed(self) -> Composition:
        """The prompt as it would be sent, whatever else is wrong in the form."""
        self.is_valid()
        try:
            return generation.composition_of(self.wish(self.known_tags), self.offer.provider)
        except ProviderError:  # a mask that is none, which is said elsewhere
            return as_typed(self.cleaned_data.get("prompt", ""))

    def estimate(self) -> Estimate:
        """The price of what is chosen so far; not known while a value is wrong."""
        self.is_valid()
        composed = self.composed
        of_cast = tuple(inputs.announced(pick.image) for pick in composed.references)
        asked = self.parameters() | {"negative_prompt": composed.negative or None}
        try:
            pictures = self.announced()
            asked |= pictures | {"references": (*pictures.get("references", ()), *of_cast)}
            return self.offer.provider.estimate(
                ImageRequest(prompt=composed.text, model=self.offer.info.id, **asked)
            )
        except ProviderError:
            return Estimate(usd=None)

    def clean_wish(self, tags: Iterable[Tag] = ()) -> generation.Wish:
        """What is asked, with a mask that was looked at. Raises `InvalidRequest` when it is none."""
        wish = self.wish(tags)
        if not wish.mask:
            return wish
        changed = inputs.outgoing(wish.mode, wish.references)[0]
        return replace(wish, mask=masks.clean(wish.mask, changed))

    def submit(self, owner: User):
        """Save the wish and queue it. Raises `ProviderError` or `IdempotencyConflict`."""
        wish = self.clean_wish()
        generation.plan(wish)  # before any tag is made
        key = self.cleaned_data["key"] or None
        with admission.at_the_door(owner, is_repeatable=bool(key)):
            wish = replace(wish, tags=tuple(tagging.resolve(owner, self.cleaned_data["tags"])))
            return generation.submit(owner, wish, idempotency_key=key)

    def blame(self, error: ProviderError) -> None:
        """Put a provider's error beside the field it names, or above the form."""
        hidden = {"size": "exact_size", "mode": "references"}
        names = (hidden.get(error.field, error.field), error.field, OPTION + error.field)
        self.add_error(next((name for name in names if name in self.fields), None), error.message)


def in_range(sentence: str) -> dict[str, str]:
    """One sentence for a number that is too small, too large or none."""
    return dict.fromkeys(("min_value", "max_value", "invalid"), sentence)


def choice_field(label: str, choice: Choice, *, optional: bool = False) -> forms.Field:
    if choice.minimum is not None and choice.maximum is not None:
        number = forms.FloatField if choice.decimals else forms.IntegerField
        return number(
            label=label,
            required=False,
            min_value=choice.minimum,
            max_value=choice.maximum,
            help_text=gettext("{minimum} to {maximum}. Empty: the provider's own.").format(
                minimum=choice.minimum, maximum=choice.maximum
            ),
            error_messages=in_range(
                gettext("Choose {minimum} to {maximum}.").format(
                    minimum=choice.minimum, maximum=choice.maximum
                )
            ),
        )
    blank = [("", gettext("The provider's own"))] if optional else []
    field = forms.ChoiceField(
        label=label,
        required=False,
        choices=[*blank, *((value, words(value)) for value in choice.values)],
        error_messages={
            "invalid_choice": gettext("{label} must be one of {names}.").format(
                label=label, names=", ".join(choice.values)
            )
        },
    )
    field.initial = "" if optional else choice.default or next(iter(choice.values), "")
    return field


def values_of(field: forms.Field) -> list[str]:
    """The values that a choice field takes; none for other fields."""
    return [str(value) for value, _ in field.widget.choices] if isinstance(field, forms.ChoiceField) else []
