"""Form fields for a connection's own settings, as its provider declares them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from gallery.language.wording import gettext_lazy
from providers.base import Provider, Switch
from providers.switches import LONGEST_JSON, LONGEST_TEXT

WORDS = {
    "true": gettext_lazy("Yes"),
    "false": gettext_lazy("No"),
    "auto": gettext_lazy("Automatic"),
    "none": gettext_lazy("None"),
}
WORDS |= {word: word.capitalize() for word in ("allow", "deny", "on", "off")}
WORDS |= {
    "openai": "LiteLLM or another proxy",
    "sd-server": "stable-diffusion.cpp",
    "localai": "LocalAI",
    "vllm-omni": "vLLM-Omni",
    "b64_json": "Base64",
    "url": gettext_lazy("Addresses"),
    "bearer": "Authorization: Bearer",
    "basic": "Authorization: Basic",
    "transparent": gettext_lazy("What is transparent"),
    "white": gettext_lazy("What is white"),
    "json_schema": "JSON schema",
    "json_object": "JSON object",
}
PREFIX = "option_"  # goes before the name of an option


def fields_of(provider: Provider, options: Mapping[str, Any]) -> Iterator[tuple[str, forms.Field]]:
    """A field for each option, with the value that it has."""
    for name, switch in provider.connection_options.items():
        field = _field(switch)
        field.initial = _shown(switch, options.get(name))
        yield f"{PREFIX}{name}", field


def options_in(provider: Provider, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were chosen; what is at its default is left out."""
    typed = {name: cleaned.get(f"{PREFIX}{name}") for name in provider.connection_options}
    usual = {name: switch.values[:1] for name, switch in provider.connection_options.items()}
    return {name: value for name, value in typed.items() if value and (value,) != usual[name]}


def _field(switch: Switch) -> forms.Field:
    facts: dict[str, Any] = {"label": switch.label, "help_text": switch.help, "required": False}
    if switch.values:
        choices = [(value, WORDS.get(value, value)) for value in switch.values]
        return forms.ChoiceField(choices=choices, **facts)
    if switch.is_json:
        widget = forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"})
        return forms.CharField(widget=widget, max_length=LONGEST_JSON, **facts)
    return forms.CharField(max_length=LONGEST_TEXT, **facts)


def _shown(switch: Switch, value: object) -> str:
    if switch.values:
        return str(value) if value in switch.values else switch.values[0]
    if switch.is_json:
        is_table = isinstance(value, dict)
        return json.dumps(value, indent=2, ensure_ascii=False) if is_table else str(value or "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
