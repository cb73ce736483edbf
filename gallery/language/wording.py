"""Texts for people that stand in a module or a class: they are put into a language when they are shown."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.utils import text, translation
from django.utils.functional import lazy

gettext_lazy = cast("Callable[[str], str]", translation.gettext_lazy)  # to its readers a text like any other
pgettext_lazy = cast("Callable[[str, str], str]", translation.pgettext_lazy)
format_lazy = cast("Callable[..., str]", text.format_lazy)  # puts values into one of them as late


def lazy_words[**P](function: Callable[P, str]) -> Callable[P, str]:
    """Call `function` when what it says is shown, and in the language of that moment."""
    return cast("Callable[P, str]", lazy(function, str))


def as_kept(words: object) -> str:
    """`words` as they are written into rows, which people with other languages may read: in English."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(words)
