"""Prompts that are kept by name, in folders."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import SavedPrompt, User
from gallery.models.tag import fold
from gallery.prompting import presets
from gallery.prompting.presets import PresetError

MOST = 2000  # of one person
LONGEST_TEXT = 32_000  # characters
LONGEST_NEGATIVE = 8000
TAKEN_BACK_WITHIN = timedelta(days=1)  # a deleted one; then it goes for good


class SavedPromptError(ValueError):
    """A prompt that cannot be kept like this; `field` is the name of what is wrong."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field, self.message = field, message


def create(
    owner: User,
    *,
    name: str,
    text: str,
    folder: str = "",
    negative_text: str = "",
    recipe: Mapping[str, Any] | None = None,
) -> SavedPrompt:
    """Keep a prompt under a name. Raises `SavedPromptError`."""
    if SavedPrompt.objects.owned_by(owner).kept().count() >= MOST:
        raise SavedPromptError(
            "name",
            gettext("You have {most} saved prompts. Delete one to save another.").format(
                most=thousands(MOST)
            ),
        )
    asked = {"name": name, "text": text, "folder": folder, "negative_text": negative_text}
    return change(SavedPrompt(owner=owner), **asked, recipe=recipe or {})


def change(saved: SavedPrompt, **changes: Any) -> SavedPrompt:
    """Change name, folder, text, negative_text or recipe. Raises `SavedPromptError`."""
    for field, value in changes.items():
        setattr(saved, field, READERS[field](value))
    return _store(saved)


def delete(saved: SavedPrompt) -> None:
    """Delete it so that it can be taken back for a day; those that were deleted before go for good."""
    long_ago = timezone.now() - TAKEN_BACK_WITHIN
    SavedPrompt.objects.owned_by(saved.owner_id).filter(deleted_at__lt=long_ago).delete()
    saved.deleted_at = timezone.now()
    saved.save(update_fields=["deleted_at"])


def restore(saved: SavedPrompt) -> SavedPrompt:
    """Take a deletion back. Raises `SavedPromptError` when its name was given away meanwhile."""
    saved.deleted_at = None
    return _store(saved)


def folders(owner: User) -> list[str]:
    """The folders that have something in them, by name."""
    rows = SavedPrompt.objects.owned_by(owner).kept().exclude(folder="").order_by("folded_folder")
    known: dict[str, str] = {}
    for folded, folder in rows.values_list("folded_folder", "folder"):
        known.setdefault(folded, folder)
    return list(known.values())


def matching(owner: User, text: str):
    """The saved prompts in whose name, folder or text all the words of `text` stand."""
    rows = SavedPrompt.objects.owned_by(owner).kept()
    wanted = fold(text).split()[:20]
    if not wanted:
        return list(rows)
    return [
        saved
        for saved in rows
        if all(word in fold(f"{saved.folder} {saved.name} {saved.text}") for word in wanted)
    ]


def _store(saved: SavedPrompt) -> SavedPrompt:
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as exc:
        where = gettext("in “{folder}” ").format(folder=saved.folder) if saved.folder else ""
        message = gettext("There is a prompt “{name}” {where}already. Choose another name or folder.").format(
            name=saved.name, where=where
        )
        raise SavedPromptError("name", message) from exc
    return saved


def _name(text: str) -> str:
    try:
        return presets.clean_name(text, SavedPrompt.MAX_NAME)
    except PresetError as exc:
        raise SavedPromptError("name", exc.message) from exc


def _folder(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return presets.clean_name(text, SavedPrompt.MAX_NAME)
    except PresetError as exc:
        raise SavedPromptError("folder", exc.message) from exc


def _text(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\0", "")
    if not plain.strip():
        raise SavedPromptError("text", gettext("Write the prompt that is to be kept."))
    return _short(plain, "text", LONGEST_TEXT)


def _negative(text: str) -> str:
    return _short(text.replace("\r\n", "\n").replace("\0", "").strip(), "negative_text", LONGEST_NEGATIVE)


def _short(text: str, field: str, longest: int) -> str:
    if len(text) > longest:
        raise SavedPromptError(
            field,
            gettext("Use at most {longest} characters. Take out {n}.").format(
                longest=thousands(longest), n=thousands(len(text) - longest)
            ),
        )
    return text


def _recipe(values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return presets.clean_parameters(values)
    except PresetError as exc:
        raise SavedPromptError("recipe", exc.message) from exc


READERS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "folder": _folder,
    "text": _text,
    "negative_text": _negative,
    "recipe": _recipe,
}
