"""Many pictures of one prompt: the generate form with lists of what is to vary."""

from dataclasses import replace
from functools import cached_property

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from gallery import batches, tagging
from gallery.batches.orders import lists_in
from gallery.forms.generate import GenerateForm
from gallery.generations import admission
from gallery.generations.generation import Wish
from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models import Batch, Placeholder, Tag, User
from gallery.prompting.mentions import Cast
from gallery.screens.shapes import Shape, shapes_of
from providers.errors import InvalidRequest, ProviderError

LINES = 1000  # of the list; far more than fit


class ManyForm(GenerateForm):
    """What the generate form has, and the lists."""

    words = forms.CharField(
        label=gettext_lazy("A list, one on each line"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Each goes to the end of the prompt, or where {} stands in it."),
    )
    each = forms.BooleanField(label=gettext_lazy("Each value of the placeholders"), required=False)
    in_shapes = forms.MultipleChoiceField(required=False)
    looks = forms.ModelMultipleChoiceField(
        queryset=Tag.objects.none(), to_field_name="public_id", required=False
    )
    seen = forms.CharField(required=False, max_length=20)  # the number of pictures that was shown
    batch_key = forms.CharField(required=False, max_length=64)

    def __init__(self, data=None, **kwargs):
        super().__init__(data, **kwargs)
        mine = Tag.objects.owned_by(self.offer.profile.owner_id).filter(kind=Tag.Kind.LOOK)
        looks, shapes = self.fields["looks"], self.fields["in_shapes"]
        looks.queryset = mine.select_related("parent")  # type: ignore[attr-defined]
        looks.error_messages["invalid_choice"] = gettext("A look was deleted. Choose again.")
        looks.error_messages["invalid_pk_value"] = gettext("A look was deleted. Choose again.")
        shapes.choices = [(one.value, one.label) for one in self.all_shapes()]  # type: ignore[attr-defined]
        shapes.error_messages["invalid_choice"] = gettext("This model has other shapes. Choose again.")

    def clean_prompt(self):
        prompt = self.cleaned_data["prompt"].replace("\r\n", "\n")
        if not prompt.strip():
            raise ValidationError(self.fields["prompt"].error_messages["required"])
        return prompt  # how long it may be, each of the prompts is asked

    def clean_words(self):
        lines = (line.strip() for line in self.cleaned_data["words"].splitlines())
        words = list(dict.fromkeys(filter(None, lines)))
        if len(words) > LINES:
            raise ValidationError(
                gettext("These are {n} lines. At most {most} pictures fit.").format(
                    n=thousands(len(words)), most=batches.MOST
                )
            )
        return words

    # What the template asks

    def all_shapes(self) -> list[Shape]:
        """The shapes that may be ticked: those with an outline."""
        if not self.shape_name:
            return []
        values = [str(value) for value, _ in self.fields[self.shape_name].widget.choices]  # type: ignore[attr-defined]
        return [shape for shape in shapes_of(values, "") if shape.width]

    @cached_property
    def ticked(self) -> set[str]:
        """Values of the shapes and ids of the looks that are ticked."""
        data = self.data
        return {*data.getlist("in_shapes"), *data.getlist("looks")} if hasattr(data, "getlist") else set()

    @cached_property
    def looks_of_named(self) -> list[Tag]:
        """The looks of everybody whom the prompt names."""
        owner, prompt = self.offer.profile.owner, self.value_of("prompt")
        cast = Cast(owner, [prompt], owner.persona) if "@" in prompt else None
        named = {mention.tag.pk for mention in cast.mentions(prompt)} if cast else set()
        looks = cast.looks.values() if cast else ()
        return [look for look in dict.fromkeys(looks) if look.parent_id in named]

    @cached_property
    def lists(self) -> list[Placeholder]:
        """The placeholders in the prompt that have several values."""
        return lists_in(self.offer.profile.owner, self.value_of("prompt"))

    # What was ordered

    def order(self, wish: Wish) -> batches.Order:
        typed = self.cleaned_data
        return batches.Order(
            wish=wish,
            placeholders=tuple(self.lists) if typed.get("each") else (),
            looks=tuple(typed.get("looks", ())),
            words=tuple(typed.get("words", ())),
            shapes=tuple(typed.get("in_shapes", ())),
        )

    def layout(self) -> batches.Layout | None:
        """Number and price so far; None, with a sentence on the form, when there is none."""
        if not self.is_valid():
            return None
        try:
            return batches.lay_out(self.order(self.wish(self.known_tags)), in_full=False)
        except ProviderError as exc:
            self.blame(exc)
            return None

    def begin(self, owner: User) -> Batch:
        """Write the batch down. Raises `ProviderError`, or `IdempotencyConflict`."""
        order = self.order(self.clean_wish(self.known_tags))
        laid = batches.lay_out(order)  # before any tag is made, and any row locked
        if self.cleaned_data["seen"] != str(laid.pictures):
            sentence = gettext(
                "These are {pictures} pictures now. Look at the price, and press again."
            ).format(pictures=thousands(laid.pictures))
            raise InvalidRequest(sentence)
        batches.see_that_it_is_paid_for(laid)
        key = self.cleaned_data["batch_key"] or None
        with admission.at_the_door(owner, is_repeatable=True):
            tags = tuple(tagging.resolve(owner, self.cleaned_data["tags"]))
            order = replace(order, wish=replace(order.wish, tags=tags))
            return batches.create(owner, order, idempotency_key=key, laid=laid)
