"""Upload and Import: what was typed and chosen there."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from gallery.forms.plain import PlainForm
from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.tagging import tagspec

MAX_ADDRESSES = 500  # in one import
MAX_FILES = settings.DATA_UPLOAD_MAX_NUMBER_FILES


class TagsForm(PlainForm, forms.Form):
    """Reads the field `tags` as a list of specs, and refuses what cannot be a tag."""

    tags = forms.CharField(label=gettext_lazy("Tags"), required=False, max_length=2000)

    def clean_tags(self):
        try:
            specs = tagspec.split_specs(self.cleaned_data["tags"])
            for spec in specs:
                tagspec.parse_spec(spec)
        except tagspec.TagError as exc:
            raise ValidationError(str(exc)) from exc
        return specs


class UploadForm(TagsForm):
    """Tags for uploaded files. The files are judged one by one, so that a bad one stops no other."""


class ImportForm(TagsForm):
    """Addresses, one on each line, or an archive."""

    addresses = forms.CharField(
        label=gettext_lazy("Web addresses"),
        required=False,
        max_length=MAX_ADDRESSES * 2000,
        widget=forms.Textarea(
            attrs={"rows": 6, "class": "area mono", "spellcheck": "false", "inputmode": "url"}
        ),
    )
    archive = forms.FileField(
        label=gettext_lazy("Archive"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".zip,.charx,application/zip"}),
    )

    def clean_addresses(self):
        lines = (line.strip() for line in self.cleaned_data["addresses"].splitlines())
        addresses = list(dict.fromkeys(filter(None, lines)))
        if len(addresses) > MAX_ADDRESSES:
            raise ValidationError(
                gettext("These are {n} addresses. Import at most {max_addresses} at once.").format(
                    n=thousands(len(addresses)), max_addresses=MAX_ADDRESSES
                )
            )
        return addresses

    def clean_archive(self):
        archive = self.cleaned_data["archive"]
        if archive is not None and not archive.size:
            raise ValidationError(gettext("{name} is empty. Choose another file.").format(name=archive.name))
        return archive

    def clean(self):
        cleaned = super().clean() or {}
        given = bool(cleaned.get("addresses")), bool(cleaned.get("archive"))
        if self.errors:
            return cleaned
        if not any(given):
            raise ValidationError(gettext("Write at least one address, or choose a ZIP or CHARX file."))
        if all(given):
            raise ValidationError(
                gettext("Import the addresses and the archive one after the other, not both at once.")
            )
        return cleaned


def upload_limit() -> str:
    """The largest file, as a person reads it: "64 MB"."""
    return filesizeformat(settings.MAX_UPLOAD_BYTES).replace(".0", "").replace("\xa0", " ")
