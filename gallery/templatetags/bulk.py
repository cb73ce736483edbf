from django import template

from gallery.bulk.words import sentence
from gallery.models import BulkAction

register = template.Library()

SHOWN = 20


@register.simple_tag(takes_context=True)
def running_actions(context):
    """What a worker is doing to many pictures of the person, as the rows of the history show it."""
    actions = BulkAction.objects.owned_by(context["request"].user).filter(status__in=BulkAction.ACTIVE)
    return [{"action": action, "text": sentence(action)} for action in actions[:SHOWN]]
