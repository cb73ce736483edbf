"""What each provider can do and what it needs, in one line each, for somebody who is about to choose one."""

from collections.abc import Iterable
from dataclasses import dataclass

from providers import registry
from providers.base import Capabilities, Connection, Provider


@dataclass(frozen=True, kw_only=True)
class Introduction:
    """A provider as it is offered."""

    slug: str
    label: str
    does: str  # one sentence or two
    needs: str  # one sentence


def introductions() -> list[Introduction]:
    """Every provider, in the registry's order."""
    return [introduction(slug) for slug, _ in registry.provider_choices()]


def introduction(slug: str) -> Introduction:
    provider = registry.connect(slug, Connection())
    return Introduction(slug=slug, label=provider.label, does=_does(provider), needs=_needs(provider))


def _does(provider: Provider) -> str:
    able = [model.capabilities for model in provider.models() if model.status != "retired"]
    words = ["describes them"] * provider.supports_vision + ["writes prompts"] * provider.supports_text
    if not provider.supports_image_generation:
        return f"Makes no pictures. {_joined([*words[:1], 'suggests tags', *words[1:]]).capitalize()}."
    edits = any("edit" in each.modes for each in able)
    makes = _joined(["makes", *["edits"] * edits]).capitalize() + " pictures" + _with(able)
    return f"{makes}. {_joined(words).capitalize()}." if words else f"{makes}."


def _with(able: Iterable[Capabilities]) -> str:
    extras = {
        "masks": any(each.mask for each in able),
        "live previews": any(each.stream for each in able),
    }
    named = [name for name, has in extras.items() if has]
    return f", with {_joined(named)}" if named else ""


def _needs(provider: Provider) -> str:
    if provider.needs_base_url:
        return "Needs the address of your server."
    return "Needs a key." if provider.needs_key else "Needs nothing: it is built in, offline and free."


def _joined(words: list[str]) -> str:
    """The words as one says them: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
