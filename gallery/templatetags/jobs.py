"""Template tags of providers and their connections: the mark, and the state in a pill."""

from datetime import timedelta

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext

from gallery.screens.cards import PILLS
from gallery.screens.strip import slots
from gallery.work import jobs

register = template.Library()

# Neutral letters: a vendor's logo has rules of its own.
MARKS = {
    "openai": ("AI", "g-oa"),
    "google": ("G", "g-go"),
    "xai": ("x", "g-xa"),
    "openrouter": ("OR", "g-or"),
    "anthropic": ("A", "g-an"),
    "openai_compatible": ("H", "g-lo"),
    "automatic1111": ("A1", "g-lo"),
    "comfyui": ("C", "g-lo"),
    "demo": ("D", "g-demo"),
}


@register.simple_tag
def provider_mark(provider, size=""):
    """The square with a provider's letters. It is silent to readers: the name stands beside it."""
    letters, look = MARKS.get(provider, (provider[:1].upper(), ""))
    classes = " ".join(filter(None, ["glyph", look, size and f"glyph--{size}"]))
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, letters)


@register.simple_tag
def connection_pill(profile):
    """What the last test of a connection said, in a word."""
    if not profile.checked_at:
        return _pill(gettext("Not tested"))
    if profile.check_code == "ok":
        return _pill(gettext("Works"), "ok", "circle-check")
    text, tone, _ = PILLS.get(profile.check_code, (gettext("Does not work"), "bad", ""))
    return _pill(text, tone, "circle-alert")


def _pill(text, tone="", glyph=""):
    return mark_safe(render_to_string("_pill.html", {"text": text, "tone": tone, "glyph": glyph}).strip())  # noqa: S308  a template escaped it


@register.filter
def ago(moment):
    """How long ago, in one unit: "just now", "5 minutes ago"."""
    if timezone.now() - moment < timedelta(minutes=1):
        return gettext("just now")
    return gettext("{span} ago").format(span=timesince(moment, depth=1))


@register.simple_tag(takes_context=True)
def strip(context):
    """What the gallery shows of the queue. Costs a query only while something runs."""
    under_way = jobs.active(context["user"]) if context["side"].active else []
    return {"slots": [slots(card) for card in under_way], "live": jobs.poller(under_way, "strip")}
