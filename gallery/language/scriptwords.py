"""What the scripts say to people, for pages in another language than the English of the scripts.

A test compares these with the texts in `static/js`.
"""

from functools import lru_cache

from django.conf import settings
from django.utils import translation
from django.utils.html import json_script
from django.utils.safestring import SafeString

from gallery.language.wording import gettext_lazy
from gallery.navigation import shortcuts

KINDS = tuple(map(gettext_lazy, ("character", "look", "persona", "chat", "tag")))
MESSAGES = (
    gettext_lazy("You have been logged out. Reload the page to log in again."),
    gettext_lazy("That is more than this server accepts at once."),
    gettext_lazy("Too many requests in a short time. Wait a moment and try again."),
    gettext_lazy("Something broke on our side. Nothing of yours was lost; try again."),
    gettext_lazy("The server did not answer. Check the connection and try again."),
    gettext_lazy("To add pasted pictures, open Add images and paste there."),
    gettext_lazy("↑ ↓ choose · Tab completes · - excludes"),
    gettext_lazy("Copied."),
    gettext_lazy("The browser did not allow copying. The text is selected; press Ctrl and C."),
    gettext_lazy("The large picture could not be loaded. The preview stays."),
    gettext_lazy("{stars} of 5 stars."),
    gettext_lazy("No rating."),
    gettext_lazy("That was the last image."),
    gettext_lazy("Paused. Space goes on."),
    gettext_lazy("Going on."),
)
UPLOAD = (
    gettext_lazy("{n} added"),
    gettext_lazy("{n} already here"),
    gettext_lazy("{n} not added"),
    gettext_lazy("{n} on the way"),
    gettext_lazy("This file is {size}. The limit here is {limit}."),
    gettext_lazy("Reading"),
    gettext_lazy("{loaded} of {total}"),
    gettext_lazy("Waiting"),
    gettext_lazy("Waiting for the server. It goes on by itself."),
    gettext_lazy("Not added"),
    gettext_lazy("That is more than this server takes at once."),
    gettext_lazy("The transfer was too slow and was ended. Add it again."),
    gettext_lazy("You have been logged out. Log in again, then add it once more."),
    gettext_lazy("The disk of the server is full. Nothing was kept."),
    gettext_lazy("The server could not take it. Nothing was kept; add it again."),
)
PARTS = (
    gettext_lazy("{n} characters"),
    gettext_lazy("More images could not be loaded."),
    gettext_lazy("Try again"),
    gettext_lazy("{n} selected"),
    gettext_lazy("{n} selected, with a whole stack"),
    gettext_lazy("{n} selected, with {stacks} whole stacks"),
    gettext_lazy("All {n} in this search are selected"),
    gettext_lazy("All {n} are selected"),
    gettext_lazy("Only the {n} on this page"),
    gettext_lazy("Running"),
    gettext_lazy("Just finished"),
    gettext_lazy("about {span} left"),
    gettext_lazy("{n} % of the picture is painted, and only that changes."),
    gettext_lazy("Nothing painted: the whole picture may change."),
    gettext_lazy("Completions"),
    gettext_lazy("Suggestions"),
    gettext_lazy("Create {kind} “{name}”"),
    gettext_lazy("Remove {name}"),
    gettext_lazy("then"),
)


def texts() -> tuple[str, ...]:
    """Everything that a script may say, in English."""
    keys = (text for each in shortcuts.SHORTCUTS for text in (each.group, each.label))
    spoken = (word for word in shortcuts.SPOKEN.values() if word.isalpha())
    with translation.override(settings.LANGUAGE_CODE):
        return tuple(dict.fromkeys(map(str, (*KINDS, *MESSAGES, *UPLOAD, *PARTS, *keys, *spoken))))


@lru_cache(maxsize=8)
def block(language: str) -> SafeString:
    """The texts in another language as a JSON block for `static/js/words.js`; nothing in English."""
    if language == settings.LANGUAGE_CODE:
        return SafeString("")
    with translation.override(language):
        return json_script({text: translation.gettext(text) for text in texts()}, "words")
