"""How a connection reaches its vendor: with its key, its options and the vendor's own list of models."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from gallery import audit, tasks
from gallery.language.wording import as_kept, format_lazy, gettext_lazy, lazy_words
from gallery.models import ConnectionProfile, ModelList, QueuedTask
from gallery.models.fields import UnreadableSecret
from providers import listing, registry
from providers.base import CheckResult, Connection, ModelInfo, Provider, TextModel
from providers.errors import AuthError, ProviderError
from providers.own_hardware import SERVER_DEFAULT

BUILT_IN = gettext_lazy("Showing the built-in list. Try again.")
NO_PATH = gettext_lazy(
    "The address has no path; {label}'s own ends in /{usual}, so yours may need it as well."
)
NO_LIST = gettext_lazy("The list has no model for pictures in it.")
IN_USE = timedelta(days=30)  # since a connection was last asked for a picture
FRESH = timedelta(days=1)  # after that, whoever asks for the list gets it read anew
PAUSE = 600  # seconds until a list that could not be read is asked for again by itself
ABOUT_THE_ACCOUNT = {"auth", "permission", "billing", "rate_limited"}  # codes; the address is right
MOST_KEPT = 100  # lists that a process keeps, decoded; each has a few hundred kilobytes at most
_decoded: dict[int, tuple[datetime, tuple[ModelInfo, ...]]] = {}


@dataclass(frozen=True, kw_only=True)
class Models:
    """What a connection offers, and how that is known."""

    models: tuple[ModelInfo, ...]
    source: Literal["live", "built-in"]
    read_at: datetime | None = None  # of a live list
    note: str = ""  # one sentence for the person, when the vendor could not be asked
    writers: tuple[TextModel, ...] = ()  # instead, of a vendor that makes no pictures

    @property
    def living(self) -> list[ModelInfo]:
        return [model for model in self.models if model.status != "retired"]


def connection_for(profile: ConnectionProfile) -> Connection:
    """How to reach the vendor. Raises `AuthError` when the saved key cannot be decrypted."""
    try:
        key = profile.api_key
    except UnreadableSecret as exc:
        audit.note_once_a_day(audit.Verb.KEY_UNREADABLE, profile.owner_id, profile.name)
        raise AuthError(
            gettext(
                "The key of {name} can no longer be read, for the encryption key has changed. Enter it again."
            ).format(name=profile.name)
        ) from exc
    return replace(_without_key(profile), api_key=key)


def provider_for(profile: ConnectionProfile) -> Provider:
    return registry.connect(profile.provider, connection_for(profile))


def declared_by(profile: ConnectionProfile) -> Provider:
    """The provider without the key: for what it declares."""
    return registry.connect(profile.provider, _without_key(profile))


def _without_key(profile: ConnectionProfile) -> Connection:
    return Connection(
        base_url=profile.base_url,
        options=profile.options,
        allowed_private_hosts=tuple(settings.ALLOWED_PRIVATE_HOSTS),
        listed=_listed(profile),
    )


def _listed(profile: ConnectionProfile) -> tuple[ModelInfo, ...]:
    """The vendor's list as it was read last. No query, but for the first time in a process."""
    if profile.live_models_at is None or profile.pk is None:
        return ()
    read_at, models = _decoded.get(profile.pk, (None, ()))
    if read_at != profile.live_models_at:
        row = ModelList.objects.filter(profile=profile).first()
        models = listing.read(row.entries) if row else ()
        if len(_decoded) >= MOST_KEPT:
            _decoded.clear()
        _decoded[profile.pk] = (profile.live_models_at, models)
    return models


def check_profile(profile: ConnectionProfile) -> CheckResult:
    """Ask the vendor, free of charge, whether the profile works, and for its models; both are kept."""
    try:
        result = provider_for(profile).test()
    except ProviderError as exc:
        result = CheckResult(ok=False, code=exc.code, message=exc.message)
    more = _more(profile, result)
    profile.checked_at = timezone.now()
    profile.check_code, profile.check_message = result.code, f"{result.message} {as_kept(more)}".strip()[:500]
    profile.save(update_fields=["checked_at", "check_code", "check_message"])
    return replace(result, message=f"{result.message} {more}".strip())


def _more(profile: ConnectionProfile, result: CheckResult) -> str:
    """What to add to a test's sentence: how many models there are, or what the address may lack."""
    if not result.ok:
        found = result.code not in ABOUT_THE_ACCOUNT
        return hint_about_address(profile.provider, profile.base_url) if found else ""
    listed = refresh(profile)
    if listed.source == "built-in" or listed.note:
        return ""
    return _how_many(len([model for model in listed.living if model.id != SERVER_DEFAULT]))


@lazy_words
def _how_many(count: int) -> str:
    return ngettext("{n} image model is ready.", "{n} image models are ready.", count).format(n=count)


def told_of(profile: ConnectionProfile) -> str:
    """What its test said, in the reader's language where the words are ours."""
    hint = hint_about_address(profile.provider, profile.base_url)
    return profile.check_message.replace(as_kept(hint), str(hint)) if hint else profile.check_message


def hint_about_address(slug: str, address: str) -> str:
    """A lazy sentence about an address that stops where the provider's own has a path, or nothing."""
    provider = registry.connect(slug, Connection(base_url=address))
    usual = provider.default_base_url.removeprefix("https://").partition("/")[2]
    if not usual or not address or address.partition("://")[2].partition("/")[2]:
        return ""
    return format_lazy(NO_PATH, label=provider.label, usual=usual)


def models_of(profile: ConnectionProfile) -> Models:
    """What a connection offers, as it is known now. Asks nobody."""
    provider = declared_by(profile)
    is_live = bool(provider.connection.listed)
    return Models(
        models=provider.offered(),
        source="live" if is_live else "built-in",
        read_at=profile.live_models_at if is_live else None,
    )


def writers_of(profile: ConnectionProfile, *, anew: bool = False) -> Models:
    """The models of a vendor that only writes: its own list, kept for a day, or the built-in one."""
    key = f"writers-{profile.public_id}-{profile.base_url}"
    known = None if anew else cache.get(key)
    if known:
        return known
    try:
        writers, read_at = provider_for(profile).live_text_models(), timezone.now()
    except ProviderError as exc:
        built_in = declared_by(profile).text_models()
        return Models(models=(), writers=built_in, source="built-in", note=f"{exc.message} {BUILT_IN}")
    known = Models(models=(), writers=writers, source="live", read_at=read_at)
    cache.set(key, known, FRESH.total_seconds())
    return known


def refresh(profile: ConnectionProfile) -> Models:
    """Read the vendor's own list and keep it. When that fails, what is known stays, with a note."""
    if not profile.has_live_list:
        return models_of(profile)
    try:
        # Without the list of last time, or what the vendor took back would stay for ever.
        connection = replace(connection_for(profile), listed=())
        models = registry.connect(profile.provider, connection).live_models()
    except ProviderError as exc:
        return _as_before(profile, exc.message)
    if all(model.status == "retired" for model in models):
        return _as_before(profile, NO_LIST)
    _keep(profile, models)
    return models_of(profile)


def _as_before(profile: ConnectionProfile, why: str) -> Models:
    cache.set(_paused(profile), True, PAUSE)
    known = models_of(profile)
    shown = BUILT_IN if known.source == "built-in" else gettext("Showing the list of last time. Try again.")
    return replace(known, note=f"{why} {shown}")


@transaction.atomic
def _keep(profile: ConnectionProfile, models: Iterable[ModelInfo]) -> None:
    """Save the list, unless the profile was pointed elsewhere while it was read."""
    same_place = {"provider": profile.provider, "base_url": profile.base_url, "options": profile.options}
    now = timezone.now()
    if ConnectionProfile.objects.filter(pk=profile.pk, **same_place).update(live_models_at=now):
        entries = listing.write(models)
        ModelList.objects.update_or_create(profile=profile, defaults={"entries": entries})
        profile.live_models_at = now


def learn_of(profile: ConnectionProfile, model: str) -> None:
    """Read the vendor's list when a model is wished for that nobody here knows. Not inside a transaction."""
    if model and not declared_by(profile).knows(model):
        read_when_due(profile)


def read_when_due(profile: ConnectionProfile) -> Models:
    """The list; read from the vendor if that was never done, or long ago, and did not just fail."""
    return refresh(profile) if is_due(profile) else models_of(profile)


def is_due(profile: ConnectionProfile) -> bool:
    """Whether the vendor's list should be read before it is used."""
    read_at = profile.live_models_at
    if not profile.has_live_list or cache.get(_paused(profile)):
        return False
    return read_at is None or read_at < timezone.now() - FRESH


def wake() -> None:
    """Have the lists of connections that are in use read anew, once a day. Those that nobody read stay so."""
    now = timezone.now()
    stale = ConnectionProfile.objects.filter(live_models_at__lt=now - FRESH, owner__is_active=True)
    used = stale.filter(generations__created_at__gt=now - IN_USE).distinct()
    for profile in used:
        asked = QueuedTask.objects.filter(path="gallery.tasks.refresh_models", args=[profile.pk])
        if is_due(profile) and not asked.exists():
            tasks.refresh_models.using(priority=-50).enqueue(profile.pk)


def refresh_by_itself(profile_id: int) -> None:
    """Read the list of one connection, if it is still there and due."""
    for profile in ConnectionProfile.objects.filter(pk=profile_id).select_related("owner"):
        read_when_due(profile)


def _paused(profile: ConnectionProfile) -> str:
    return f"models-could-not-be-read-{profile.public_id}"
