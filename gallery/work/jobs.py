"""Generations and imports together, as a person follows them: the queue, and what changed since."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.urls import reverse
from django.utils import timezone

from gallery.generations import admission, generation, times
from gallery.models import Generation, GenerationImage, Image, Import, User
from gallery.models.generation import ACTIVE, Status
from gallery.screens import cards
from gallery.screens.cards import TROUBLE, Card

TROUBLE_STAYS = timedelta(days=7)
SHOWN = 300  # cards on one page
TOKEN = re.compile(r"[gi]\d{1,15}\.[\w.-]{1,40}", re.ASCII)


def of_queue(owner: User) -> list[Card]:
    """What the queue shows: what runs and waits, what needs a person, what was finished today.

    What waits stands in the order in which it will go out.
    """
    today = _midnight()
    retried = Exists(Generation.objects.filter(retry_of=OuterRef("pk")))
    recent = timezone.now() - TROUBLE_STAYS
    troubled = Q(status__in=TROUBLE, finished_at__gte=recent) & ~retried
    kept = Generation.objects.filter(dismissed_at=None)
    generations = kept.filter(Q(status__in=ACTIVE) | troubled | Q(finished_at__gte=today))
    imports = Import.objects.filter(Q(status__in=Import.ACTIVE) | Q(finished_at__gte=today))
    shown = _as_cards(owner, generations.exclude(Q(status__in=TROUBLE) & retried), imports)
    return sorted(shown, key=lambda card: card.turn)


def of_session(owner: User, *, hours: int = 24, limit: int = 12) -> list[Card]:
    """What was asked for lately, newest first, for the place beside the generate form."""
    recent = timezone.now() - timedelta(hours=hours)
    kept = Generation.objects.filter(dismissed_at=None)
    generations = kept.filter(Q(status__in=ACTIVE) | Q(created_at__gte=recent))
    return _drawn(owner, _read(owner, generations)[:limit])


def card_of(row: Generation) -> Card:
    """One generation, which was read with its profile, calls and pictures."""
    return _drawn(row.owner, [row])[0]


def active(owner: User, *, timed: bool = False) -> list[Card]:
    """What runs or waits; with `timed`, with how long it takes."""
    imports = Import.objects.filter(status__in=Import.ACTIVE)
    return _as_cards(owner, Generation.objects.active(), imports, timed=timed)


def imports_of(owner: User, *, limit: int = 5) -> list[Card]:
    return [cards.of_import(job) for job in Import.objects.owned_by(owner)[:limit]]


def _as_cards(owner, generations, imports, *, timed=True) -> list[Card]:
    made = _drawn(owner, _read(owner, generations)[:SHOWN], timed=timed)
    return made + [cards.of_import(job) for job in imports.owned_by(owner)[:SHOWN]]


def _drawn(owner: User, rows: Iterable[Generation], *, timed: bool = True) -> list[Card]:
    """Cards that know how long their models take."""
    rows, paused = list(rows), owner.queue_paused
    known = times.typical(rows) if timed else {}
    return [cards.of_generation(row, known.get((row.provider, row.model)), is_paused=paused) for row in rows]


def _read(owner, generations):
    return generations.owned_by(owner).select_related("profile").prefetch_related("results__image", "calls")


# What a poller remembers


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happened to the jobs of a page since it last asked."""

    cards: list[Card]  # in their new state
    under_way: list[Card]  # as read before the rest; what happened since is found by the next poll
    begun: set[str]  # ids of cards that the page has not seen
    arrived: dict[str, list[Image]]  # new pictures by card, in the order of arrival


def poller(shown: Iterable[Card], view: str, *, known: str = "") -> dict[str, object]:
    """What the element that polls begins with: where it asks, and whether anything runs.

    `shown` are the cards as they are drawn; `known` is what the page remembers of those that stay as is.
    A state that was read later than what is drawn would be news that the page never gets.
    """
    tokens = _parse(known) | {_key(card.token): card.token for card in shown if card.is_active}
    remembered = "_".join(tokens.values())
    query = urlencode({"view": view, "rev": remembered})
    return {"url": f"{reverse('queue-poll')}?{query}", "runs": bool(remembered), "known": remembered}


def changed_since(owner: User, remembered: str) -> Change:
    known = _parse(remembered)
    under_way = active(owner, timed=True)
    gone = known.keys() - {_key(card.token) for card in under_way}
    ended = _by_keys(owner, gone) if gone else []
    changed = [card for card in [*under_way, *ended] if known.get(_key(card.token)) != card.token]
    before = {card.id: known.get(_key(card.token), "") for card in changed}
    begun = {card_id for card_id, token in before.items() if not token}
    return Change(cards=changed, under_way=under_way, begun=begun, arrived=_arrived(changed, before))


def _by_keys(owner: User, keys: Iterable[str]) -> list[Card]:
    generations = Generation.objects.filter(pk__in=[int(key[1:]) for key in keys if key[0] == "g"])
    imports = Import.objects.filter(pk__in=[int(key[1:]) for key in keys if key[0] == "i"])
    return _as_cards(owner, generations, imports)


def _arrived(changed: list[Card], before: dict[str, str]) -> dict[str, list[Image]]:
    """The pictures of each card beyond those that its token of `before` counts. One query."""
    cards_by_row = {int(_key(card.token)[1:]): card for card in changed if not card.is_import}
    rows = GenerationImage.objects.filter(generation__in=cards_by_row).select_related("image")
    arrived: dict[str, list[Image]] = {card.id: [] for card in changed}
    for result in rows.order_by("generation", "pk"):
        arrived[cards_by_row[result.generation_id].id].append(result.image)
    return {card_id: images[_done(before[card_id]) :] for card_id, images in arrived.items()}


def _key(token: str) -> str:
    return token.partition(".")[0]


def _done(token: str) -> int:
    parts = token.split(".")
    return int(parts[2]) if len(parts) == 4 and parts[2].isdecimal() else 0


def _parse(remembered: str) -> dict[str, str]:
    """Tokens by key; what is no token, or names no row that can exist, is left out."""
    tokens = [token for token in remembered[:8000].split("_") if TOKEN.fullmatch(token)]
    return {_key(token): token for token in tokens}


def made_today(owner: User) -> tuple[int, Decimal]:
    """How many pictures `owner` had made today, and what they cost as far as it is known."""
    rows = Generation.objects.owned_by(owner).filter(finished_at__gte=_midnight()).order_by()
    pictures = GenerationImage.objects.filter(generation__in=rows).count()
    return pictures, rows.aggregate(usd=Sum("cost_usd"))["usd"] or Decimal(0)


def _midnight():
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def dismiss(row: Generation, *, undo: bool = False) -> None:
    """Take a job that went wrong out of the queue, or put it back. What runs stays."""
    ended = Generation.objects.filter(pk=row.pk, status__in=cards.DISMISSIBLE)
    ended.update(dismissed_at=None if undo else timezone.now())


def retry_once(row: Generation) -> Generation:
    """Try again, but not twice: a second press finds the generation of the first, unless that ended in vain.

    Raises `ProviderError`.
    """
    with admission.at_the_door(row.owner, is_repeatable=True), transaction.atomic():
        locked = Generation.objects.select_for_update(of=("self",)).select_related("profile").get(pk=row.pk)
        earlier = Generation.objects.filter(retry_of=locked, status__in=(*ACTIVE, Status.DONE))
        return earlier.first() or generation.retry(locked)
