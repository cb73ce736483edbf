"""Comparisons on pages that follow jobs: on their own, and beside the form as one among the jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from gallery.models import Comparison, ComparisonColumn, User
from gallery.screens import columns
from gallery.screens.cards import Card
from gallery.screens.columns import Bill, Column
from gallery.work.jobs import Change

READ = (*columns.READ, "columns__generations__calls")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A comparison as it is drawn."""

    row: Comparison
    columns: list[Column]
    bill: Bill

    @property
    def id(self) -> str:
        """Of the element with its columns."""
        return f"comparison-{self.row.public_id}"

    @property
    def again(self) -> str:
        """Where the form is filled in as it was for this one, which stands beside it."""
        return f"{reverse('add-generate')}?comparison={self.row.public_id}"

    @property
    def cards(self) -> list[Card]:
        return [column.card for column in self.columns if column.card]


def of(owner: User, row: Comparison) -> Compared:
    """Describe a comparison that was fetched with `READ`."""
    row.owner = owner  # read already
    return Compared(row=row, columns=columns.read(row), bill=columns.bill(row))


def together(owner: User, shown: Iterable[Card], first: Comparison | None = None) -> list[Card | Compared]:
    """`shown`, where the jobs of a comparison stand as one in the place of the newest; `first` before all."""
    shown = list(shown)
    found = _by_card(owner, shown)
    items: dict[str, Card | Compared] = {}
    if first:
        begin = of(owner, first)
        items[begin.id] = begin
    for card in shown:
        item = found.get(card.id, card)
        items.setdefault(item.id, item)
    return list(items.values())


def drawn(items: Iterable[Card | Compared]) -> list[Card]:
    """All cards that are seen, those in columns as well."""
    return [card for item in items for card in (item.cards if isinstance(item, Compared) else [item])]


def news(owner: User, change: Change) -> dict[str, list]:
    """What a page that follows jobs draws anew: comparisons, those that it has not seen, and other jobs."""
    found = _by_card(owner, change.cards)
    changed = list({each.id: each for each in found.values()}.values())
    unseen = [each for each in changed if change.begun.issuperset(card.id for card in each.cards)]
    return {
        "changed": [each for each in changed if each not in unseen],
        "unseen": unseen,
        "others": [card for card in change.cards if card.id not in found],
    }


def _by_card(owner: User, shown: Iterable[Card]) -> dict[str, Compared]:
    """The comparisons to which `shown` belong, by the id of every card that is or was in them."""
    keys = [card.key for card in shown if card.key]
    if not keys:
        return {}
    asked = ComparisonColumn.objects.filter(generations__public_id__in=keys).values("comparison")
    rows = Comparison.objects.owned_by(owner).filter(pk__in=asked).prefetch_related(*READ)
    found = [of(owner, row) for row in rows]
    return {
        f"job-{made.public_id}": each
        for each in found
        for column in each.row.columns.all()
        for made in column.generations.all()
    }
