"""The strip of pictures in the making: each has a slot, which the picture takes when it arrives.

Slots are numbered in the order of arrival, and only the slots of pictures that never come are taken away,
so that nothing on the page moves while a job runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from gallery.models import Image
from gallery.screens import grid
from gallery.screens.boxes import Box
from gallery.screens.cards import Card
from gallery.work.jobs import Change


@dataclass(frozen=True, kw_only=True)
class Update:
    """One change of the page, as htmx takes it."""

    target: str  # a selector
    swap: str
    html: SafeString | str = ""


def slots(card: Card) -> SafeString:
    """The waiting slots of a job, for a page that is drawn now."""
    return mark_safe("".join(_slot(card, slot, box) for slot, box in _waiting(card)))  # noqa: S308  escaped


def _waiting(card: Card) -> Iterable[tuple[int, Box | None]]:
    """The places of pictures that are not there yet, with their numbers. An import has one for all."""
    if card.is_import:
        return [(0, None)]
    return enumerate((box for box in card.boxes if not box.thumb), card.done)


def _slot(card: Card, slot: int, box: Box | None) -> SafeString:
    return render_to_string("queue/_slot.html", {"card": card, "slot": slot, "box": box})


def updates(change: Change) -> Iterable[Update]:
    """What `change` does to the strip."""
    for card in change.cards:
        if card.id in change.begun:
            yield Update(
                target="#making", swap="beforeend", html=_pictures(change.arrived[card.id]) + slots(card)
            )
        elif card.is_import:
            yield Update(target=f"#{card.id}-0", swap="outerHTML", html=slots(card))
        else:
            yield from _fill(card, change.arrived[card.id])


def _fill(card: Card, images: list[Image]) -> Iterable[Update]:
    first = card.done - len(images)
    for slot, image in enumerate(images, first):
        yield Update(target=f"#{card.id}-{slot}", swap="outerHTML", html=_pictures([image]))
    if card.is_active:
        yield from _previews(card)
    else:
        for slot in range(card.done, card.total):
            yield Update(target=f"#{card.id}-{slot}", swap="delete")


def _previews(card: Card) -> Iterable[Update]:
    for slot, box in _waiting(card):
        if box and box.previews:
            yield Update(target=f"#{card.id}-{slot}", swap="outerMorph", html=_slot(card, slot, box))


def _pictures(images: list[Image]) -> SafeString:
    return grid.draw(images) if images else SafeString("")
