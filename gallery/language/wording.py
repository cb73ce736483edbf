"""Texts for people that stand in a module or a class: they are put into a language when they are shown."""

from collections.abc import Callable
from typing import cast

from django.utils import text, translation

gettext_lazy = cast("Callable[[str], str]", translation.gettext_lazy)  # to its readers a text like any other
pgettext_lazy = cast("Callable[[str, str], str]", translation.pgettext_lazy)
format_lazy = cast("Callable[..., str]", text.format_lazy)  # puts values into one of them as late
