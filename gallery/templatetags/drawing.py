"""Parts of a page that are drawn once and kept: the side bar, the menus, what every page loads."""

from django import template
from django.template.base import Node, NodeList, Parser, Token, token_kwargs
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

MOST = 200  # drawings of one part that are kept; each has some kilobytes


class DrawnFor(Node):
    """Keeps what it has drawn, by language and the values it was drawn for, as long as the template lives."""

    def __init__(self, values: dict, nodelist: NodeList):
        self.values = values
        self.nodelist = nodelist
        self.drawn: dict[tuple, SafeString] = {}

    def render(self, context):
        values = {name: value.resolve(context) for name, value in self.values.items()}
        # The types, for safe text is drawn in another way.
        key = (get_language(), *((type(value), value) for value in values.values()))
        drawn = self.drawn.get(key)
        if drawn is None:
            drawn = self.nodelist.render(context.new(values))
            self._keep(key, drawn)
        return drawn

    def _keep(self, key: tuple, drawn: SafeString) -> None:
        if len(self.drawn) >= MOST:
            self.drawn = {}
        self.drawn[key] = drawn


@register.tag
def drawn_for(parser: Parser, token: Token) -> DrawnFor:
    """Draw what stands inside once for each set of values: {% drawn_for n=side.images %}…{% enddrawn_for %}.

    Inside, nothing but these values is known, so that it cannot show what has changed since. They must be
    plain: text, numbers, dates. CSRF tokens and nonces, which are new each time, stay outside.
    """
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError(f"drawn_for takes name=value, and not {words[0]}.")
    nodelist = parser.parse(("enddrawn_for",))
    parser.delete_first_token()
    return DrawnFor(values, nodelist)
