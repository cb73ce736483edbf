"""What forms say about wrong values: never the framework's own words."""

import pytest
from django import forms

from gallery.forms import account, add, costs, images, plain, profiles, tags
from gallery.forms.generate import GenerateForm
from gallery.models import ConnectionProfile, Image, Tag
from gallery.offers import offer_groups

STOCK = (
    "Ensure",
    "Enter a",
    "This field",
    "Select a valid",
    "No file was",
    "The submitted",
    "Null characters",
)


def every_form(owner):
    profile = ConnectionProfile(owner=owner, name="A", provider="automatic1111")
    profile.save()
    yield from (account.TokenForm({}), account.AppearanceForm({}), account.OwnerForm({}))
    yield from (add.UploadForm({}), add.ImportForm({}), costs.LimitForm({}, instance=owner))
    yield profiles.ConnectionForm({}, instance=profile)
    mirel = Tag.objects.create(owner=owner, kind="character", name="Mirel")
    yield from (tags.TagForm({}, tag=mirel), tags.FragmentForm({}, tiers=[]))
    yield from (account.GalleryForm({}, instance=owner), account.PrivacyForm({}, instance=owner))
    for group in offer_groups(owner):
        for offer in group.offers:
            yield GenerateForm({}, offer=offer)


def test_no_form_speaks_in_the_words_of_the_framework(owner):
    for form in every_form(owner):
        form.full_clean()
        for name, field in form.fields.items():
            said = {code: str(text) for code, text in field.error_messages.items()}
            # These two can only come from a broken page, not from a person.
            said = {
                code: text for code, text in said.items() if code not in ("contradiction", "invalid_image")
            }
            assert [text for text in said.values() if text.startswith(STOCK)] == [], (type(form), name)
        assert not str(form.errors.as_data()).count("This field is required")


def test_the_title_of_a_picture_has_words_of_its_own(owner, rf):
    data = rf.post("/", {"title": "x" * 300}).POST
    form = images.ImageForm(data, instance=Image(owner=owner))
    assert form.errors["title"] == ["A title has at most 200 characters. Shorten it."]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (forms.IntegerField(min_value=2), "1", "Choose 2 or more."),
        (forms.IntegerField(max_value=2), "3", "Choose 2 or less."),
        (forms.IntegerField(), "x", "Write a whole number."),
        (forms.DecimalField(max_digits=3), "x", "Write a number, such as 12.50."),
        (forms.DecimalField(max_digits=3), "1234", "This number is too long. Use at most 3 digits."),
        (forms.FloatField(), "x", "Write a number, such as 0.8."),
        (forms.CharField(max_length=2), "abc", "This is too long. Use at most 2 characters."),
        (forms.CharField(), "", "This is needed. Fill it in."),
        (
            forms.ChoiceField(choices=[("a", "A")]),
            "b",
            "This is not on offer any more. Choose one of the list.",
        ),
        (forms.CharField(error_messages={"required": "Write a name."}), "", "Write a name."),
    ],
)
def test_each_fault_has_a_plain_sentence(field, value, sentence):
    plain.speak_plainly(field)
    with pytest.raises(forms.ValidationError) as caught:
        field.clean(value)
    assert caught.value.messages == [sentence]
