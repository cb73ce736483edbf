"""The models a person can choose from, connection by connection, as the vendors' lists or ours know them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext

from gallery import vendors
from gallery.models import ConnectionProfile, User
from providers.base import Capabilities, ImageRequest, ModelInfo, Provider
from providers.errors import ProviderError

OTHER = "model_id-"  # goes before a connection's id: the field for a model that no list names
LONGEST_ID = 120  # characters


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One model through one connection."""

    profile: ConnectionProfile
    provider: Provider  # without the key: for what it declares
    info: ModelInfo
    is_listed: bool = True

    @property
    def value(self) -> str:
        """What a form sends for it."""
        return f"{self.profile.public_id}/{self.info.id}"

    @property
    def is_retired(self) -> bool:
        return self.info.status == "retired"

    @property
    def can_be_forced(self) -> bool:
        """Whether a server of the person's own may still have a model that its maker retired."""
        return self.is_retired and bool(self.profile.base_url)

    @property
    def life(self) -> str:
        """When a model ends or ended, and what takes its place."""
        if self.info.status == "current":
            return ""
        day = self.info.retires_on
        if day:
            ends = gettext("Retired on {day}.") if self.is_retired else gettext("Ends on {day}.")
        else:
            ends = gettext("Retired.") if self.is_retired else gettext("Ends soon.")
        instead = (
            gettext(" Use {successor} instead.").format(successor=self.successor) if self.successor else ""
        )
        return ends.format(day=day and date_format(day, gettext("j F Y"))) + instead

    @property
    def successor(self) -> str:
        """The name of the model that takes the place of this one, or ""."""
        return self.provider.model_info(self.info.successor).label if self.info.successor else ""

    @property
    def note(self) -> str:
        """What to know about a model that nobody listed."""
        if self.provider.knows(self.info.id):
            return ""
        return gettext(
            "“{id}” is in no list of models. What it takes is not known, so the basics are offered."
        ).format(id=self.info.id)

    @property
    def price(self) -> Decimal | None:
        """US dollars for one picture at the model's own settings, or None when that is not known."""
        try:
            return self.provider.estimate(ImageRequest(prompt="", model=self.info.id)).usd
        except ProviderError:
            return None


@dataclass(frozen=True, kw_only=True)
class OfferGroup:
    """The models of one connection."""

    profile: ConnectionProfile
    label: str  # the provider's
    offers: tuple[Offer, ...]
    read_at: datetime | None = None  # when the vendor was asked for them; None: they are the built-in ones

    @property
    def provider(self) -> Provider:
        return self.offers[0].provider

    @property
    def living(self) -> list[Offer]:
        return [offer for offer in self.offers if not offer.is_retired]

    @property
    def retired(self) -> list[Offer]:
        return [offer for offer in self.offers if offer.is_retired]

    @property
    def is_due(self) -> bool:
        """Whether the vendor should be asked for its models before one is chosen."""
        return vendors.is_due(self.profile)

    @property
    def other(self) -> str:
        """The form's field for the id of a model that is not among the offers."""
        return f"{OTHER}{self.profile.public_id}" if self.provider.takes_any_model else ""


def offer_groups(owner: User) -> list[OfferGroup]:
    """Every connection of `owner` that can make pictures, the default one first. One query."""
    profiles = list(ConnectionProfile.objects.owned_by(owner).order_by("-is_default", "name"))
    for profile in profiles:
        profile.owner = owner  # who is read already
    return [group for group in map(_group, profiles) if any(not offer.is_retired for offer in group.offers)]


def _group(profile: ConnectionProfile) -> OfferGroup:
    provider = vendors.declared_by(profile)
    infos = _models(profile, provider) if provider.supports_image_generation else ()
    offers = tuple(Offer(profile=profile, provider=provider, info=info) for info in infos)
    read_at = profile.live_models_at if provider.connection.listed else None
    return OfferGroup(profile=profile, label=provider.label, offers=offers, read_at=read_at)


def _models(profile: ConnectionProfile, provider: Provider) -> Iterable[ModelInfo]:
    """What is offered, the living first, and the connection's own model where the list lacks it."""
    listed = sorted(provider.offered(), key=lambda info: info.status == "retired")
    own = profile.default_model or provider.default_model()
    if any(info.id == own for info in listed):
        return listed
    return [provider.model_info(own), *listed]


def pick(groups: list[OfferGroup], value: str) -> Offer | None:
    """The offer that a form's `value` names."""
    return next((offer for group in groups for offer in group.offers if offer.value == value), None)


def chosen(groups: list[OfferGroup], data: Mapping[str, str]) -> Offer | None:
    """The offer that a form names: by `model`, or by a connection and the id of a model typed beside it."""
    value = data.get("model", "")
    group = next((group for group in groups if value == f"{group.profile.public_id}/"), None)
    if group is None:
        return pick(groups, value)
    return pick(groups, value + _typed(group, data)) or _unlisted(group, _typed(group, data))


def _typed(group: OfferGroup, data: Mapping[str, str]) -> str:
    return data.get(group.other, "").strip() if group.other else ""


def _unlisted(group: OfferGroup, model: str) -> Offer | None:
    if not model or len(model) > LONGEST_ID or not model.isprintable():
        return None
    info = group.provider.model_info(model)
    return Offer(profile=group.profile, provider=group.provider, info=info, is_listed=False)


def of(profile: ConnectionProfile, model: str = "") -> Offer:
    """What `profile` offers under that id, or its own model; also one that no list names."""
    provider = vendors.declared_by(profile)
    info = provider.model_info(model or profile.default_model or provider.default_model())
    return Offer(profile=profile, provider=provider, info=info)


def first_choice(groups: list[OfferGroup], profile_id: int | None = None, model: str = "") -> Offer:
    """What is chosen at first: the named connection and model, else the default ones. Never a retired one."""
    group = next((group for group in groups if group.profile.pk == profile_id), groups[0])
    usable = [offer for offer in group.offers if not offer.is_retired]
    own = group.profile.default_model or usable[0].provider.default_model()
    wanted = [model, _successor(group, model), own]
    return min(
        usable, key=lambda offer: wanted.index(offer.info.id) if offer.info.id in wanted else len(wanted)
    )


def first_able(groups: list[OfferGroup], wished: Offer, able: Callable[[Capabilities], bool]) -> Offer | None:
    """The wished offer if it is `able`, else the first one that is, of the same connection if it has one."""
    offers = [offer for group in groups for offer in group.offers if not offer.is_retired]
    offers.sort(key=lambda offer: (offer.value != wished.value, offer.profile != wished.profile))
    return next((offer for offer in offers if able(offer.info.capabilities)), None)


def only(groups: Iterable[OfferGroup], able: Callable[[Capabilities], bool]) -> list[OfferGroup]:
    """The groups with those of their living offers that are `able`; groups without any are left out."""
    kept = [
        replace(
            group,
            offers=tuple(
                offer for offer in group.offers if not offer.is_retired and able(offer.info.capabilities)
            ),
        )
        for group in groups
    ]
    return [group for group in kept if group.offers]


def _successor(group: OfferGroup, model: str) -> str:
    return next((offer.info.successor for offer in group.offers if offer.info.id == model), "")
