"""The placeholders of a person: `{{weather}}` and what it stands for."""

from collections.abc import Sequence

from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Placeholder, User
from gallery.models.tag import fold

MAX_TEXT = 20_000  # characters
MAX_VALUES = 200
MAX_PLACEHOLDERS = 1000  # of one person
TAKEN_BY_THE_CAST = ("char", "user")


class PlaceholderError(ValueError):
    """A placeholder that cannot be kept; `field` is the name of what is wrong."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field
        self.message = message


def create(owner: User, *, name: str, values: Sequence[str]) -> Placeholder:
    """Keep a new placeholder. Raises `PlaceholderError`."""
    if Placeholder.objects.owned_by(owner).count() >= MAX_PLACEHOLDERS:
        raise PlaceholderError(
            "name",
            gettext("There are {max_placeholders} already. Delete one first.").format(
                max_placeholders=thousands(MAX_PLACEHOLDERS)
            ),
        )
    return change(Placeholder(owner=owner), name=name, values=values)


def change(
    placeholder: Placeholder, *, name: str | None = None, values: Sequence[str] | None = None
) -> Placeholder:
    """Give it another name or other values. Raises `PlaceholderError`."""
    if name is not None:
        placeholder.name = _free_name(placeholder, name)
    if values is not None:
        placeholder.values = _clean(values)
    placeholder.save()
    return placeholder


def _free_name(placeholder: Placeholder, name: str) -> str:
    name = " ".join(name.split()).removeprefix("{{").removesuffix("}}").strip()
    if not name or len(name) > Placeholder.MAX_NAME or set(name) & set("{}"):
        raise PlaceholderError(
            "name",
            gettext("A name has 1 to {max_name} characters and no braces.").format(
                max_name=Placeholder.MAX_NAME
            ),
        )
    if fold(name) in TAKEN_BY_THE_CAST:
        raise PlaceholderError(
            "name", gettext("“{{{{{name}}}}}” stands for the cast. Choose another name.").format(name=name)
        )
    others = Placeholder.objects.owned_by(placeholder.owner_id).exclude(pk=placeholder.pk)
    if others.filter(folded=fold(name)).exists():
        raise PlaceholderError(
            "name", gettext("There is already a “{{{{{name}}}}}”. Choose another name.").format(name=name)
        )
    return name


def _clean(values: Sequence[str]) -> list[str]:
    texts = [text.replace("\r\n", "\n").replace("\0", "").strip() for text in values]
    texts = list(dict.fromkeys(text for text in texts if text))
    if not texts:
        raise PlaceholderError("values", gettext("Write what it stands for."))
    if len(texts) > MAX_VALUES:
        raise PlaceholderError(
            "values",
            gettext("Use at most {max_values} values. Take out {n}.").format(
                max_values=MAX_VALUES, n=len(texts) - MAX_VALUES
            ),
        )
    if any(len(text) > MAX_TEXT for text in texts):
        raise PlaceholderError(
            "values",
            gettext("Use at most {max_text} characters for each value.").format(max_text=thousands(MAX_TEXT)),
        )
    return texts
