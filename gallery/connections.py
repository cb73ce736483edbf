"""Connection profiles as people change them: what may be saved, which key stays, which one is the default."""

from collections import defaultdict
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext

from gallery import audit
from gallery.language.wording import gettext_lazy
from gallery.models import Assist, ConnectionProfile, Generation, User
from gallery.money import costs
from providers import redaction, registry
from providers.addresses import Address, AllowList, InvalidAddress, is_metadata, permits, read_address
from providers.errors import InvalidRequest

FIELDS = {
    "name", "provider", "base_url", "default_model", "options", "monthly_budget_usd", "max_at_once",
    "seconds_between",
}  # fmt: skip
LOOPBACK = ip_address("127.0.0.1")
METADATA = gettext_lazy(
    "This address hands out a cloud's keys, so it is never used. Enter the address of your server."
)


class ProfileError(ValueError):
    """A profile that cannot be saved: `field` is at fault, `message` says what to do."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field, self.message = field, message


class OptionError(ProfileError):
    """An option that cannot be kept: `option` is its name."""

    def __init__(self, option: str, message: str):
        super().__init__("options", message)
        self.option = option


class NameTaken(ProfileError):
    """Another profile of the same person has this name."""


def create(
    owner: User, *, api_key: str = "", is_default: bool | None = None, **fields: object
) -> ConnectionProfile:
    """Save a new profile of `fields`. The first one is the default unless `is_default` says otherwise."""
    profile = ConnectionProfile(owner=owner)
    _fill(profile, fields)
    _save(profile, is_default, clean_key(api_key))
    audit.note_key(profile)
    return profile


def change(
    profile: ConnectionProfile,
    *,
    api_key: str | None = None,
    is_default: bool | None = None,
    **fields: object,
) -> None:
    """Save `fields`. Another provider or address clears the key unless a new one comes along.

    Another provider clears the options as well. `api_key=None` keeps the key, an empty one removes it.
    Raises `ProfileError`.
    """
    place, options, sealed = (profile.provider, profile.base_url), profile.options, profile.sealed_key
    if fields.get("provider", profile.provider) != profile.provider:
        fields = {"options": {}} | fields
    _fill(profile, fields)
    has_moved = place != (profile.provider, profile.base_url)
    if api_key is not None:
        api_key = clean_key(api_key)
    elif has_moved:
        api_key = ""  # a key goes to nobody but the one it was entered for
    if has_moved or options != profile.options:
        profile.forget_what_was_learnt()
    _save(profile, is_default, api_key)
    if api_key is not None:
        audit.note_key(profile, sealed)


def make_default(profile: ConnectionProfile) -> None:
    _save(profile, is_default=True)


@transaction.atomic
def remove(profile: ConnectionProfile) -> ConnectionProfile | None:
    """Delete a profile; its pictures and generations stay. Returns the new default, if any."""
    mine = _lock(profile.owner_id)
    profile.delete()
    if profile.has_api_key:
        audit.note(audit.Verb.KEY_REMOVED, profile.owner_id, profile.name)
    heir = mine.order_by("-pk").first() if profile.is_default else None
    if heir:
        mine.filter(pk=heir.pk).update(is_default=True)
        heir.is_default = True
    return heir


def spent_this_month(owner: User) -> dict[int, Decimal]:
    """US dollars of this month by profile key, charged and spoken for. Two queries."""
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for rows, amount in ((Generation, costs.SPOKEN_FOR), (Assist, costs.TEXT_SPOKEN_FOR)):
        mine = rows.objects.owned_by(owner).filter(created_at__gte=costs.start_of_month())
        sums = mine.values_list("profile_id").annotate(total=Sum(amount)).order_by()
        for key, total in sums:
            spent[key] += total or 0
    return dict(spent)


def _fill(profile: ConnectionProfile, fields: dict) -> None:
    address = profile.base_url
    for name in FIELDS & fields.keys():
        setattr(profile, name, fields[name])
    clean(profile, is_new_place=profile.pk is None or profile.base_url != address)


def _save(profile: ConnectionProfile, is_default: bool | None, api_key: str | None = None) -> None:
    try:
        with transaction.atomic():
            mine = _lock(profile.owner_id)
            if is_default is None and profile.pk is None:
                is_default = not mine.exists()
            if is_default:
                mine.filter(is_default=True).exclude(pk=profile.pk).update(is_default=False)
            profile.is_default = profile.is_default if is_default is None else is_default
            if api_key is None:
                _keep_key(profile)
            else:
                profile.api_key = api_key  # only now: `rotate_keys` waits for the lock, and for no seal
            profile.save()
    except IntegrityError as exc:
        raise NameTaken(
            "name", gettext("There is already a connection called “{name}”.").format(name=profile.name)
        ) from exc


def _keep_key(profile: ConnectionProfile) -> None:
    """Leave the key as it is by now: `rotate_keys` may have sealed it anew since the profile was read."""
    same = {"pk": profile.pk, "provider": profile.provider, "base_url": profile.base_url}
    row = ConnectionProfile.objects.filter(**same).values_list("sealed_key", "key_hint").first()
    if row:
        profile.sealed_key, profile.key_hint = row


def _lock(owner_id: int):
    """The owner's profiles; who changes a key or the default waits for whoever does the same."""
    User.objects.select_for_update().get(pk=owner_id)
    return ConnectionProfile.objects.filter(owner=owner_id)


def clean(profile: ConnectionProfile, *, is_new_place: bool = True) -> None:
    """Tidy what was typed; raise `ProfileError` for what cannot work.

    An address that is not new may stand although the administrator closed it since: using it is refused.
    """
    profile.name = profile.name.strip()
    profile.base_url = profile.base_url.strip().rstrip("/")
    if not profile.name:
        raise ProfileError("name", gettext("Give the connection a name."))
    labels = dict(registry.provider_choices())
    if profile.provider not in labels:
        raise ProfileError(
            "provider",
            gettext("There is no such provider. Use one of {names}.").format(names=", ".join(labels)),
        )
    if profile.base_url and is_new_place:
        check_address(profile.base_url)
    elif not profile.base_url and registry.provider_class(profile.provider).needs_base_url:
        raise ProfileError(
            "base_url", gettext("{n} needs the address of the server.").format(n=labels[profile.provider])
        )
    profile.options = clean_options(profile.provider, profile.options)


def clean_options(provider: str, options: dict) -> dict:
    """The options as they are kept. Raises `ProfileError` that names those there are."""
    try:
        return registry.provider_class(provider).clean_options(options)
    except InvalidRequest as exc:
        raise OptionError(exc.field, exc.message) from exc


def check_address(address: str) -> None:
    """Raise `ProfileError` unless `address` is the root of a web service that may be reached."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as exc:
        raise ProfileError("base_url", _ADDRESS_HELP) from exc
    if not usable or not address.isascii() or any(c.isspace() or ord(c) < 32 for c in address):
        raise ProfileError("base_url", _ADDRESS_HELP)
    if parts.username is not None or parts.query or parts.fragment:
        raise ProfileError("base_url", gettext("Leave out user names, “?” and “#”. Enter a key as the key."))
    _check_host(address)


def _check_host(text: str) -> None:
    """Raise `ProfileError` for a private host that no setting opens, as far as it shows without a look-up."""
    try:
        address = read_address(text)
    except InvalidAddress as exc:
        raise ProfileError("base_url", str(exc)) from exc
    is_local = address.host == "localhost" or address.host.endswith(".localhost")
    ip = LOOPBACK if is_local else address.ip
    if ip is None or permits(address, [ip], AllowList.of(settings.ALLOWED_PRIVATE_HOSTS)):
        return
    raise ProfileError("base_url", METADATA if is_metadata(ip) else _private(address))


def _private(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return gettext(
        "This address is on your own network, so it is blocked. Whoever runs this "
        "server can allow it with the setting ALLOWED_PRIVATE_HOSTS={host}:{port}."
    ).format(host=host, port=address.port)


_ADDRESS_HELP = gettext_lazy("Write the address with http:// or https://, such as https://api.openai.com/v1.")


def clean_key(key: str) -> str:
    """A key without the blanks around it. Raises `ProfileError` for what no header can carry."""
    key = key.strip()
    redaction.remember(key)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ProfileError(
            "api_key",
            gettext("This does not look like a key: it has blanks or special characters. Copy it again."),
        )
    return key
