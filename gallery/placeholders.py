"""The placeholders of a person: `{{weather}}` and what it stands for."""

from collections.abc import Sequence

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
        raise PlaceholderError("name", f"There are {MAX_PLACEHOLDERS:,} already. Delete one first.")
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
        raise PlaceholderError("name", f"A name has 1 to {Placeholder.MAX_NAME} characters and no braces.")
    if fold(name) in TAKEN_BY_THE_CAST:
        raise PlaceholderError("name", f"“{{{{{name}}}}}” stands for the cast. Choose another name.")
    others = Placeholder.objects.owned_by(placeholder.owner_id).exclude(pk=placeholder.pk)
    if others.filter(folded=fold(name)).exists():
        raise PlaceholderError("name", f"There is already a “{{{{{name}}}}}”. Choose another name.")
    return name


def _clean(values: Sequence[str]) -> list[str]:
    texts = [text.replace("\r\n", "\n").replace("\0", "").strip() for text in values]
    texts = list(dict.fromkeys(text for text in texts if text))
    if not texts:
        raise PlaceholderError("values", "Write what it stands for.")
    if len(texts) > MAX_VALUES:
        raise PlaceholderError(
            "values", f"Use at most {MAX_VALUES} values. Take out {len(texts) - MAX_VALUES}."
        )
    if any(len(text) > MAX_TEXT for text in texts):
        raise PlaceholderError("values", f"Use at most {MAX_TEXT:,} characters for each value.")
    return texts
