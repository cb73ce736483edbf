"""The models that write texts and look at pictures, connection by connection."""

from collections.abc import Iterable
from dataclasses import dataclass

from gallery.models import ConnectionProfile, User
from providers import registry
from providers.base import Connection, Provider, TextModel


@dataclass(frozen=True, kw_only=True)
class Writer:
    """One model that writes, through one connection."""

    profile: ConnectionProfile
    provider: Provider  # without the key: for what it declares
    model: TextModel

    @property
    def value(self) -> str:
        """What a form sends for it."""
        return f"{self.profile.public_id}/{self.model.id}"


def writers(owner: User, *, vision: bool = False) -> list[Writer]:
    """Every model that writes, or with `vision` looks at pictures; the default connection's first."""
    profiles = ConnectionProfile.objects.owned_by(owner).order_by("-is_default", "name")
    return of_profiles(profiles, vision=vision)


def of_profiles(profiles: Iterable[ConnectionProfile], *, vision: bool = False) -> list[Writer]:
    found = [writer for profile in profiles for writer in _of(profile)]
    return [
        writer for writer in found if not vision or writer.provider.supports_vision and writer.model.vision
    ]


def _of(profile: ConnectionProfile) -> list[Writer]:
    """The writers of one connection, the one that is proposed first."""
    provider = registry.provider_class(profile.provider)(Connection(base_url=profile.base_url))
    if not provider.supports_text:
        return []
    own = profile.default_model
    models = [model for model in provider.text_models() if model.status != "retired"]
    if not models and own:  # a server of one's own, whose list nobody knows beforehand
        models = [provider.text_model_info(own)]
    first = own if own in {model.id for model in models} else provider.default_text_model()
    models.sort(key=lambda model: model.id != first)
    return [Writer(profile=profile, provider=provider, model=model) for model in models]


def pick(choices: list[Writer], value: str) -> Writer | None:
    """The writer that a form's `value` names; the first one for an empty value."""
    if not value:
        return choices[0] if choices else None
    return next((writer for writer in choices if writer.value == value), None)
