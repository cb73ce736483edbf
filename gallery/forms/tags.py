"""What people type about a tag: its names and texts, the square of its face, its fragments."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from django import forms
from django.db import transaction
from django.utils.translation import gettext

from gallery import tagging
from gallery.forms.plain import PlainForm
from gallery.language.wording import gettext_lazy
from gallery.models import Fragment, Image, Tag
from gallery.models.tag import fold
from gallery.prompting import fragments, housestyle
from gallery.screens.faces import WHOLE, measure
from gallery.tagging import aliases, implications

MOST = 2000  # characters in a field with several names
ROOM = 10_000  # parts that the way of the square across the picture has
FREE_TIERS = 2  # empty rows for shorter wordings


class TagForm(PlainForm, forms.Form):
    """Everything of a tag that is written in words."""

    name = forms.CharField(
        max_length=100,
        error_messages={"required": gettext_lazy("A name is needed. Write at least one letter or number.")},
    )
    kind = forms.ChoiceField(choices=Tag.Kind.choices, required=False)
    character = forms.CharField(
        label=gettext_lazy("Look of"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("The character. Only a look has one."),
    )
    description = forms.CharField(widget=forms.Textarea, required=False, max_length=20_000)
    color = forms.CharField(
        label=gettext_lazy("Colour"),
        required=False,
        max_length=7,
        help_text=gettext_lazy("A dot beside its name, such as #8a2a66."),
    )
    aliases = forms.CharField(
        label=gettext_lazy("Other spellings"),
        required=False,
        max_length=MOST,
        help_text=gettext_lazy("Separated by commas. They find this one too."),
    )
    brings = forms.CharField(
        required=False,
        max_length=MOST,
        help_text=gettext_lazy("Who puts this on a picture puts these on it too."),
    )

    scene = forms.CharField(
        label=gettext_lazy("House style of this chat"),
        required=False,
        max_length=housestyle.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "Added behind each new prompt that is saved with this chat, in place of your own."
        ),
    )
    people = forms.CharField(
        label=gettext_lazy("With somebody of the cast"),
        required=False,
        max_length=housestyle.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Added when a prompt names somebody with @."),
    )

    monthly_budget_usd = forms.DecimalField(
        label=gettext_lazy("Monthly limit in US dollars"),
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        error_messages={"min_value": gettext_lazy("Write 0 or more.")},
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
        help_text=gettext_lazy(
            "For what is made in this chat. What would go over it is not sent. Leave it empty for no limit."
        ),
    )

    def __init__(self, data, *, tag: Tag):
        self.tag = tag
        style = housestyle.of(tag.owner, tag)
        initial = {
            "name": tag.name,
            "kind": tag.kind,
            "character": tag.parent.name if tag.parent else "",
            "description": tag.description,
            "color": tag.color,
            "aliases": ", ".join(map(_quoted, tag.aliases.values_list("name", flat=True))),
            "brings": ", ".join(each.spec for each in implications.of(tag)),
            "scene": style.scene,
            "people": style.people,
            "monthly_budget_usd": tag.monthly_budget_usd,
        }
        super().__init__(data, initial=initial)
        if tag.kind != Tag.Kind.CHAT:
            del self.fields["scene"], self.fields["people"], self.fields["monthly_budget_usd"]

    def clean_color(self):
        color = self.cleaned_data["color"].strip().lower()
        if color and not (len(color) == 7 and color[0] == "#" and set(color[1:]) <= set("0123456789abcdef")):
            raise forms.ValidationError(gettext("A colour is written like #8a2a66."))
        return color

    def clean_kind(self):
        return self.cleaned_data["kind"] or self.tag.kind

    def save(self) -> bool:
        """Make the tag what was typed, or nothing of it: False, with the error at its field."""
        field = "name"
        try:
            with transaction.atomic():
                for field, change in self._changes():  # noqa: B007  it is used in the handler
                    change()
        except tagging.TagError as error:
            self.add_error(field, str(error))
            with suppress(Tag.DoesNotExist):  # somebody else may have deleted it
                self.tag.refresh_from_db()
            return False
        return True

    def _changes(self) -> Iterator[tuple[str, Callable[[], object]]]:
        tag, data = self.tag, self.cleaned_data
        yield "description", lambda: self._save_texts(data)
        if self._is_other_kind():
            yield "kind", lambda: tagging.change_kind(tag, data["kind"], self._character())
        if "name" in self.changed_data:
            yield "name", lambda: tagging.rename(tag, data["name"])
        if "aliases" in self.changed_data:
            yield "aliases", lambda: aliases.replace(tag, _names(data["aliases"]))
        if "brings" in self.changed_data:
            yield "brings", lambda: implications.replace(tag, self._brought())
        if {"scene", "people"} & set(self.changed_data):
            style = {name: data[name] for name in ("scene", "people")}
            yield "scene", lambda: housestyle.keep(tag.owner, chat=tag, **style)

    def _is_other_kind(self) -> bool:
        kind, character = self.cleaned_data["kind"], self.cleaned_data["character"]
        other_parent = self.tag.parent and fold(character) != self.tag.parent.folded
        return kind != self.tag.kind or (kind == Tag.Kind.LOOK and bool(other_parent))

    def _save_texts(self, data) -> None:
        texts = {"description": data["description"], "color": data["color"]}
        if "monthly_budget_usd" in data:
            texts["monthly_budget_usd"] = data["monthly_budget_usd"]
        if not Tag.objects.filter(pk=self.tag.pk, alias_of=None).update(**texts):
            raise tagging.TagError(
                gettext("“{name}” has just been deleted or merged. Load the page again.").format(
                    name=self.tag.name
                )
            )

    def _character(self) -> Tag | None:
        name = self.cleaned_data["character"]
        if self.cleaned_data["kind"] != Tag.Kind.LOOK or not name:
            return None
        found = tagging.resolve(self.tag.owner, [f'{Tag.Kind.CHARACTER}:"{name}"'], create=False)
        if not found:
            raise tagging.TagError(
                gettext("There is no character “{name}”. Write its name as it is in the cast.").format(
                    name=name
                )
            )
        return found[0]

    def _brought(self) -> list[Tag]:
        return tagging.resolve(self.tag.owner, tagging.split_specs(self.cleaned_data["brings"]))


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def _names(text: str) -> list[str]:
    return [name.strip('"') for name in tagging.split_specs(text)]


class CropForm(PlainForm, forms.Form):
    """The square of a picture that is shown as a face. Its place counts in parts of the way there is."""

    zoom = forms.IntegerField(min_value=100, max_value=1000)  # percent
    across = forms.IntegerField(min_value=0, max_value=ROOM)
    down = forms.IntegerField(min_value=0, max_value=ROOM)

    def __init__(self, *args, image: Image, **kwargs):
        self.picture = measure(image.width, image.height)
        super().__init__(*args, **kwargs)

    @property
    def crop(self) -> tuple[int, int, int]:
        """Left, top and side of a valid form's square, in thousandths of the shorter side."""
        data, (width, height) = self.cleaned_data, self.picture
        side = WHOLE * 100 // data["zoom"]
        return (width - side) * data["across"] // ROOM, (height - side) * data["down"] // ROOM, side

    @classmethod
    def values(cls, image: Image, crop: list[int] | None) -> dict[str, int]:
        """What the fields hold for `crop`; without one the largest square, a little below the top."""
        if not crop:
            return {"zoom": 100, "across": ROOM // 2, "down": ROOM // 5}
        left, top, side = crop
        width, height = measure(image.width, image.height)
        across, down = (place * ROOM // max(1, edge - side) for place, edge in ((left, width), (top, height)))
        return {"zoom": WHOLE * 100 // side, "across": across, "down": down}


class FragmentForm(PlainForm, forms.Form):
    """A piece of prompt text with its shorter wordings, each in two fields: `max_chars-0`, `text-0` …"""

    name = forms.CharField(max_length=Fragment.MAX_NAME)
    use = forms.ChoiceField(
        label=gettext_lazy("Sent"), choices=Fragment.Use.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(widget=forms.Textarea)

    def __init__(self, *args, tiers: list[fragments.Tier], **kwargs):
        super().__init__(*args, **kwargs)
        self.rows = min(len(tiers) + FREE_TIERS, fragments.MAX_TIERS)
        for row in range(self.rows):
            tier = tiers[row] if row < len(tiers) else {"max_chars": None, "text": ""}
            limit = forms.IntegerField(min_value=1, max_value=fragments.MAX_TEXT, required=False)
            text = forms.CharField(widget=forms.Textarea, required=False)
            limit.initial, text.initial = tier["max_chars"], tier["text"]
            self.fields |= {f"max_chars-{row}": limit, f"text-{row}": text}

    @property
    def tier_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"max_chars-{row}"], self[f"text-{row}"]) for row in range(self.rows)]

    def clean(self):
        data = self.cleaned_data
        for row in range(self.rows):
            limit, text = data.get(f"max_chars-{row}"), data.get(f"text-{row}", "").strip()
            if text and not limit and f"max_chars-{row}" not in self.errors:
                self.add_error(
                    f"max_chars-{row}", gettext("How many characters may it have? Write a number.")
                )
        return data

    @property
    def values(self) -> dict:
        """What a valid form says, as `fragments.create` and `change` take it. A row without text is none."""
        data = self.cleaned_data
        tiers = [
            {"max_chars": data[f"max_chars-{row}"], "text": data[f"text-{row}"]}
            for row in range(self.rows)
            if data[f"text-{row}"].strip()
        ]
        return {"name": data["name"], "use": data["use"], "text": data["text"], "tiers": tiers}

    def refuse(self, error: fragments.FragmentError) -> None:
        """Show why a fragment was not kept, at its field or above all of them."""
        self.add_error(error.field if error.field in self.fields else None, str(error))
