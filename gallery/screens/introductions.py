"""What each provider can do and what it needs, in one line each, for somebody who is about to choose one."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext

from providers import registry
from providers.base import Capabilities, Connection, Provider

KEY_PAGES = {
    "openai": "https://platform.openai.com/api-keys",
    "xai": "https://console.x.ai/",
    "google": "https://aistudio.google.com/apikey",
    "openrouter": "https://openrouter.ai/settings/keys",
}


@dataclass(frozen=True, kw_only=True)
class Introduction:
    """A provider as it is offered."""

    slug: str
    label: str
    does: str  # one sentence or two
    needs: str  # one sentence
    key_page: str = ""  # where the vendor hands out keys


def introductions() -> list[Introduction]:
    """Every provider, in the registry's order."""
    return [introduction(slug) for slug, _ in registry.provider_choices()]


def image_makers() -> list[Introduction]:
    """Those that make pictures and have to be connected first."""
    slugs = [slug for slug, _ in registry.provider_choices() if slug != "demo"]
    return [introduction(slug) for slug in slugs if registry.provider_class(slug).supports_image_generation]


def introduction(slug: str) -> Introduction:
    provider = registry.connect(slug, Connection())
    does, needs = _does(provider), _needs(provider)
    page = KEY_PAGES.get(slug, "")
    return Introduction(slug=slug, label=provider.label, does=does, needs=needs, key_page=page)


def _does(provider: Provider) -> str:
    able = [model.capabilities for model in provider.models() if model.status != "retired"]
    words = [gettext("describes them")] * provider.supports_vision + [
        gettext("writes prompts")
    ] * provider.supports_text
    if not provider.supports_image_generation:
        return gettext("Makes no pictures. {abilities}.").format(
            abilities=_joined([*words[:1], gettext("suggests tags"), *words[1:]]).capitalize()
        )
    edits = any("edit" in each.modes for each in able)
    makes = (gettext("Makes and edits pictures") if edits else gettext("Makes pictures")) + _with(able)
    return f"{makes}. {_joined(words).capitalize()}." if words else f"{makes}."


def _with(able: Iterable[Capabilities]) -> str:
    extras = {
        gettext("masks"): any(each.mask for each in able),
        gettext("live previews"): any(each.stream for each in able),
    }
    named = [name for name, has in extras.items() if has]
    return gettext(", with {extras}").format(extras=_joined(named)) if named else ""


def _needs(provider: Provider) -> str:
    if provider.needs_base_url:
        return gettext("Needs the address of your server.")
    return (
        gettext("Needs a key.")
        if provider.needs_key
        else gettext("Needs nothing: it is built in, offline and free.")
    )


def _joined(words: list[str]) -> str:
    """The words as one says them: "a, b and c"."""
    return gettext(" and ").join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
