"""Template filters of sums of money. A single price is for `money`, which leaves nothing out."""

from decimal import Decimal

from django import template

from gallery.language.numerals import local
from gallery.templatetags.ui import money

register = template.Library()


@register.filter
def dollars(amount: Decimal | None) -> str:
    """A sum: "$12.58", "$0.0021", "$0"; a dash without one."""
    if amount is None:
        return "–"
    if not amount:
        return "$0"
    return local(f"${amount:,.2f}") if amount >= Decimal("0.1") else money(amount)


@register.filter
def apiece(amount: Decimal | None) -> str:
    """An average: "$0.059"; a dash without one."""
    if amount is None:
        return "–"
    return money(round(amount, 3 if amount >= Decimal("0.01") else 4)) if amount else "$0"


@register.filter
def exactly(amount: Decimal) -> str:
    """A sum to the last place that counts, so that parts add up: "$6.4285", "$0.12", "$0"."""
    if not amount:
        return "$0"
    plain = f"{amount.normalize():f}"
    places = max(2, len(plain.partition(".")[2]))
    return local(f"${amount:,.{places}f}")


@register.filter
def roundly(amount: Decimal) -> str:
    """A limit: "$20", "$7.50"."""
    return local(f"${amount:,.0f}" if amount == int(amount) else f"${amount:,.2f}")
