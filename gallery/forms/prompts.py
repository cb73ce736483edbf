"""What a person keeps for all prompts: house style, their persona, placeholders."""

from django import forms
from django.utils.translation import gettext

from gallery.forms.plain import PlainForm
from gallery.language.wording import gettext_lazy
from gallery.models import Placeholder, Tag, User
from gallery.prompting import housestyle, placeholders


class PersonaField(forms.ModelChoiceField):
    """One of the person's own personas, by its id."""

    def label_from_instance(self, obj) -> str:
        return obj.name


class StyleForm(PlainForm, forms.Form):
    """The house style, whom `@me` means, and what becomes of what is to be avoided."""

    scene = forms.CharField(
        label=gettext_lazy("Every picture"),
        required=False,
        max_length=housestyle.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Added behind each new prompt, such as “oil painting, muted colours”."),
    )
    people = forms.CharField(
        label=gettext_lazy("Pictures with somebody of the cast"),
        required=False,
        max_length=housestyle.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Added when a prompt names somebody with @."),
    )
    avoid_in_words = forms.BooleanField(
        label=gettext_lazy("Write what to avoid into the prompt, where a model has no field for it"),
        required=False,
    )

    def __init__(self, data, *, owner: User):
        self.owner = owner
        style = housestyle.of(owner)
        initial = {
            "scene": style.scene,
            "people": style.people,
            "persona": owner.persona and owner.persona.public_id,
            "avoid_in_words": owner.avoid_in_words,
        }
        super().__init__(data, initial=initial)
        self.fields["persona"] = PersonaField(
            label=gettext("Who @me is"),
            queryset=Tag.objects.owned_by(owner).filter(kind=Tag.Kind.PERSONA, alias_of=None),
            to_field_name="public_id",
            required=False,
            empty_label=gettext("Nobody"),
        )

    def save(self) -> None:
        typed = self.cleaned_data
        housestyle.keep(self.owner, scene=typed["scene"], people=typed["people"])
        self.owner.persona, self.owner.avoid_in_words = typed["persona"], typed["avoid_in_words"]
        self.owner.save(update_fields=["persona", "avoid_in_words"])


class PlaceholderForm(PlainForm, forms.Form):
    """A name in braces, and what it stands for."""

    name = forms.CharField(
        max_length=Placeholder.MAX_NAME + 4,
        help_text=gettext_lazy("Written {{weather}} in a prompt."),
        label=gettext_lazy("Name"),
    )
    values = forms.CharField(
        label=gettext_lazy("Stands for"),
        max_length=placeholders.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One value on each line. A single prompt takes the first."),
    )

    def save(self, owner: User, placeholder: Placeholder | None = None) -> bool:
        """Keep it; False, with the error at its field, when it cannot be kept."""
        values = {"name": self.cleaned_data["name"], "values": self.cleaned_data["values"].splitlines()}
        try:
            if placeholder:
                placeholders.change(placeholder, **values)
            else:
                placeholders.create(owner, **values)
        except placeholders.PlaceholderError as error:
            self.add_error(error.field, error.message)
        return not self.errors
