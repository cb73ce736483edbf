from django import forms
from django.utils.translation import gettext

from gallery.forms.plain import PlainForm
from gallery.language.wording import gettext_lazy
from gallery.models import Image


class ImageForm(PlainForm, forms.ModelForm):
    """What a person says about a picture. Fields that were not sent stay as they are."""

    class Meta:
        model = Image
        fields = ("title", "notes", "rating", "sensitive")
        error_messages = {
            "title": {"max_length": gettext_lazy("A title has at most 200 characters. Shorten it.")}
        }

    def __init__(self, data, **kwargs):
        super().__init__(data, **kwargs)
        for name in set(self.fields) - self._sent(data):
            del self.fields[name]

    def _sent(self, data) -> set[str]:
        # An unticked box is not sent, so the form says by "fields" which ones it shows.
        return set(data) | set(data.getlist("fields"))

    def clean_rating(self):
        rating = self.cleaned_data["rating"] or 0
        if rating > 5:
            raise forms.ValidationError(gettext("A rating is 0 to 5 stars."))
        return rating
