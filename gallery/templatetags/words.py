"""The texts of the scripts, in the language of the page."""

from django import template
from django.utils.translation import get_language

from gallery.language import scriptwords

register = template.Library()


@register.simple_tag
def script_words():
    return scriptwords.block(get_language())
