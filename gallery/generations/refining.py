"""Refining in a chat: its turns as a page shows them, and the next one.

A refining chat is a chat tag. Its turns are the generations under that tag that go on from another one, or
change a picture; so it can be renamed, merged and searched like any chat.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.translation import gettext

from gallery import tagging
from gallery.generations import generation, turns
from gallery.models import Generation, Image, ImageTag, Tag, User
from gallery.models.tag import fold
from gallery.screens import cards
from gallery.screens.actions import Action
from gallery.screens.cards import Card

SHOWN = 60  # turns on the page; earlier ones are in the chat's gallery
TITLE = 60  # characters of a new chat's name, after "Refining: "
FIRST_WORDS = 6

type Step = tuple[Image, Generation | None]  # a picture to go on from, and the turn that brought it


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn of a chat on its page."""

    row: Generation
    number: int  # from 1, in the order in which they were asked for
    card: Card
    source: Image | None  # the picture it went on from
    after: int  # number of the turn that brought the source, 0 for a picture from outside
    pictures: tuple[Image, ...]  # to go on from

    @property
    def is_branch(self) -> bool:
        """Whether it goes on from another turn than the one before it."""
        return self.after != self.number - 1


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A chat so far."""

    turns: tuple[Turn, ...]
    earlier: int  # turns that are not shown
    usd: Decimal | None  # of all turns, as far as it is known

    @property
    def is_waiting(self) -> bool:
        """Whether the newest picture is still being made."""
        return bool(self.turns) and self.turns[-1].row.is_active

    @property
    def tip(self) -> Step | None:
        """Where to go on when nobody says another place: from the last turn, or what that went on from."""
        for turn in reversed(self.turns):
            if turn.pictures:
                return turn.pictures[0], turn.row
            if turn.source and turn.source.trashed_at is None:
                return turn.source, turn.row.follows
        return None


def turns_of(owner: User, chats: Q | None = None):
    """The generations of `owner` that are turns of a chat, newest first."""
    rows = Generation.objects.owned_by(owner).filter(Q(follows__isnull=False) | Q(mode="edit"))
    return rows.filter(chats).distinct() if chats else rows


def _in(chat: Tag) -> Q:
    return Q(tags=chat) | Q(tags__alias_of=chat)  # merged chats stay on their generations as aliases


def has_turns(chat: Tag) -> bool:
    return turns_of(chat.owner, _in(chat)).exists()


def chat_of(image: Image) -> Tag | None:
    """The chat in which `image` is being refined; the newest when there are several."""
    chats = image.tags.filter(kind=Tag.Kind.CHAT).order_by("-pk")
    return next((chat for chat in chats if has_turns(chat)), None)


def step_from(image: Image, turn: str = "") -> Step:
    """How to go on from `image`: after `turn`, an id, if that brought it, else after the newest that did."""
    rows = [result.generation for result in image.results.select_related("generation").order_by("-pk")]
    named = [row for row in rows if str(row.public_id) == turn]
    return image, next(iter([*named, *rows]), None)


def read(chat: Tag) -> Talk:
    """Read the newest turns of a chat, the oldest of them first."""
    rows = turns_of(chat.owner, _in(chat)).select_related("profile", "follows")
    rows = rows.prefetch_related("results__image", "calls", "references__image", "follows__results__image")
    total = rows.count()
    newest = list(rows[:SHOWN])[::-1]
    numbers = {row.pk: total - len(newest) + place for place, row in enumerate(newest, 1)}
    here = reverse("chat-refine", args=[chat.public_id, chat.slug])
    spent = Generation.objects.filter(pk__in=turns_of(chat.owner, _in(chat)).values("pk"))
    return Talk(
        turns=tuple(_turn(row, numbers, here) for row in newest),
        earlier=total - len(newest),
        usd=spent.aggregate(usd=Sum("cost_usd"))["usd"],
    )


def _turn(row: Generation, numbers: dict[int, int], here: str) -> Turn:
    images = [result.image for result in row.results.all()]
    card = cards.of_generation(row)
    return Turn(
        row=row,
        number=numbers[row.pk],
        card=replace(card, dismiss_url="", actions=tuple(_ways_on(row, card.actions, here))),
        source=source_of(row),
        after=numbers.get(row.follows_id or 0, 0),
        pictures=tuple(image for image in images if image.trashed_at is None),
    )


def source_of(row: Generation) -> Image | None:
    """The picture that a turn went on from."""
    if row.follows_id:
        return turns.picture_before(row)
    first = next(iter(row.references.all()), None)
    return first.image if first else None


def _ways_on(row: Generation, actions: Iterable[Action], here: str) -> Iterable[Action]:
    """What a card offers, within the chat: words are changed in its own prompt box."""
    again = reverse("add-generate")
    for action in actions:
        if not action.url.startswith(again):
            yield action
        elif row.status not in ("done", "cancelled"):
            yield Action(
                label=gettext("Edit prompt"), url=f"{here}?again={row.public_id}#change", glyph="pencil"
            )


def ask(owner: User, wish: generation.Wish, image: Image, chat: Tag | None, key: str) -> Tag:
    """Submit the next turn and file it under the chat, which the first turn makes, and the picture's tags.

    Returns the chat. Raises `ProviderError` or `IdempotencyConflict`, and then leaves no chat behind.
    """
    generation.plan(wish)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        chat = chat or _chat_begun_with(owner, key) or _begin_chat(owner, image, wish.prompt)
        tags = tuple(dict.fromkeys([*image.tags.all(), chat]))
        generation.submit(owner, replace(wish, tags=tags), idempotency_key=key or None)
        tagging.add([image], [chat], origin=ImageTag.Origin.GENERATION)
    return chat


def _chat_begun_with(owner: User, key: str) -> Tag | None:
    """The chat that the same page has begun already: it was sent twice."""
    known = Generation.objects.owned_by(owner).filter(idempotency_key=key).first() if key else None
    return known.tags.filter(kind=Tag.Kind.CHAT).order_by("-pk").first() if known else None


def _begin_chat(owner: User, image: Image, prompt: str) -> Tag:
    about = image.title or " ".join((image.prompt or prompt).split()[:FIRST_WORDS])
    name = free = f"Refining: {about[:TITLE].strip(' .,;:!?')}".replace('"', "'")
    number = 1
    while Tag.objects.owned_by(owner).filter(kind=Tag.Kind.CHAT, folded=fold(free)).exists():
        number += 1
        free = f"{name} {number}"
    (chat,) = tagging.resolve(owner, [f'{Tag.Kind.CHAT}:"{free}"'])
    return chat
