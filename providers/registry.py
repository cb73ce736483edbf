"""Every provider by its slug. An adapter is imported when it is first used."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.base import Connection, Provider

PROVIDERS = {
    "openai": ("OpenAI", "providers.openai:OpenAI"),
    "xai": ("xAI", "providers.xai:XAI"),
    "google": ("Google", "providers.google:Google"),
    "openrouter": ("OpenRouter", "providers.openrouter:OpenRouter"),
    "anthropic": ("Anthropic", "providers.anthropic:Anthropic"),
    "openai_compatible": ("OpenAI-compatible server", "providers.openai_compatible:OpenAICompatible"),
    "automatic1111": ("AUTOMATIC1111 / Forge", "providers.automatic1111:Automatic1111"),
    "comfyui": ("ComfyUI", "providers.comfyui:ComfyUI"),
    "demo": ("Demo", "providers.demo:Demo"),
}


class UnknownProvider(ValueError):
    """There is no provider of that name."""


def provider_choices() -> list[tuple[str, str]]:
    """Slugs and labels, for a model field: as a callable, so that a new provider is no migration."""
    return [(slug, label) for slug, (label, _) in PROVIDERS.items()]


@cache
def provider_class(slug: str) -> "type[Provider]":
    """The adapter class of a provider. Raises `UnknownProvider`."""
    try:
        module, _, name = PROVIDERS[slug][1].partition(":")
    except KeyError as exc:
        known = ", ".join(PROVIDERS)
        raise UnknownProvider(f"There is no provider “{slug}”. Choose one of {known}.") from exc
    adapter: type[Provider] = getattr(import_module(module), name)
    return adapter


def connect(slug: str, connection: "Connection") -> "Provider":
    """A provider ready to work through `connection`."""
    return provider_class(slug)(connection)
