"""Template tags of the house look: icons, money, and the marks of tag kinds."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from gallery import vendors
from gallery.language.numerals import images, local, thousands
from gallery.models import Tag

register = template.Library()
register.filter(thousands)
register.filter(images)
register.filter(vendors.told_of)

SPRITE = "vendor/lucide/icons.svg"
KIND_ICONS = {
    Tag.Kind.CHARACTER: "drama",
    Tag.Kind.LOOK: "palette",
    Tag.Kind.PERSONA: "id-card",
    Tag.Kind.CHAT: "messages-square",
    Tag.Kind.TAG: "tag",
}
KIND_CLASSES = {
    Tag.Kind.CHARACTER: "k-char",
    Tag.Kind.LOOK: "k-char",
    Tag.Kind.PERSONA: "k-pers",
    Tag.Kind.CHAT: "k-chat",
    Tag.Kind.TAG: "",
}
IMAGE = '<img class="face {}" src="{}" width="{}" height="{}" alt="{}" decoding="async"{}>'
PART = (  # of a picture: style attributes are forbidden, an SVG crops by its view box
    '<svg class="face {}" viewBox="{}" width="{}" height="{}" preserveAspectRatio="xMidYMid slice" {}>'
    '<image href="{}" width="{}" height="{}" preserveAspectRatio="none"/></svg>'
)


@register.simple_tag
def sprite():
    """The address of the icons' file, for scripts that draw some."""
    return static(SPRITE)


@register.simple_tag
@lru_cache(maxsize=1000)  # a page has fifty of them
def icon(name, size="", fill=False):
    """Draw the icon `name` of tools/vendor/icons.txt; `size` is "s", "l" or empty. Screen readers skip it."""
    classes = " ".join(filter(None, ["i", size and f"i--{size}", fill and "i--fill"]))
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static(SPRITE), name
    )


@register.simple_tag
def kind_icon(kind, size=""):
    return icon(KIND_ICONS.get(kind, "tag"), size)


@register.filter
def kind_class(kind):
    return KIND_CLASSES.get(kind, "")


@register.simple_tag
def face(shown, classes="", width=24, height=0, alt="", lazy=False):
    """Draw a Face of gallery.screens.faces, `width` by `height` pixels; a square when no height is given."""
    height = height or width
    if not shown.box:
        loading = mark_safe(' loading="lazy"') if lazy else ""
        return format_html(IMAGE, classes, shown.url, width, height, alt, loading)
    named = format_html('role="img" aria-label="{}"', alt) if alt else mark_safe('aria-hidden="true"')
    part = (shown.box, width, height, named, shown.url, shown.width, shown.height)
    return format_html(PART, classes, *part)


@register.filter
def midsentence(words: str) -> str:
    """A label as it stands within a sentence: small in English; German nouns stay as they are."""
    return str(words).lower() if get_language() == settings.LANGUAGE_CODE else str(words)


@register.filter
def last_day(moment: datetime | None) -> str:
    """The day of `moment`, as short as it can be told: "Today", "Tuesday", "12 Nov", "October 2025"."""
    if moment is None:
        return ""
    day, today = timezone.localdate(moment), timezone.localdate()
    if day >= today - timedelta(days=1):
        return gettext("Yesterday") if day < today else gettext("Today")
    near = "l" if day > today - timedelta(days=7) else gettext("j M") if day.year == today.year else "F Y"
    return date_format(day, near)


@register.filter
def as_list(value):
    """Wrap a single text for places that take several; empty stays empty."""
    return [value] if value else []


@register.filter
def money(amount: Decimal | None) -> str:
    """`amount` in dollars: "$12.58", "$0.063", "free"; "price not known" without one."""
    if amount is None:
        return gettext("price not known")
    if amount == 0:
        return gettext("free")
    if amount >= Decimal("0.1") and amount == round(amount, 2):
        return local(f"${amount:,.2f}")
    digits = f"{amount:,.4f}".rstrip("0")
    return local(f"${amount:,.2f}" if len(digits.partition(".")[2]) < 2 else f"${digits}")
