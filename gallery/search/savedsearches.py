"""Searches that are kept: by name, or because they were made lately."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import RecentSearch, SavedSearch, User
from gallery.models.tag import fold
from gallery.search import parse, search
from gallery.search.orders import read_order
from gallery.search.reading import MAX_CHARACTERS

MOST = 200  # saved searches of one person
REMEMBERED = 20  # recent ones
LONGEST_NAME = 80  # characters
LONGEST_RECENT = 500


class SavedSearchError(ValueError):
    """A search that cannot be kept like this. Its text says why, to the person who asked."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field, self.message = field, message


def create(owner: User, *, name: str, query: str, sort: str = "", pinned: bool = True) -> SavedSearch:
    """Keep a search under a name. Raises `SavedSearchError`."""
    if SavedSearch.objects.owned_by(owner).count() >= MOST:
        raise SavedSearchError(
            "name", gettext("You have {most} saved searches. Delete one to save another.").format(most=MOST)
        )
    saved = SavedSearch(owner=owner, pinned=pinned)
    return _store(saved, name=name, query=query, sort=sort)


def change(saved: SavedSearch, **changes: Any) -> SavedSearch:
    """Change the name, query, sort or pin of a saved search. Raises `SavedSearchError`."""
    return _store(saved, **changes)


def _store(saved: SavedSearch, **changes: Any) -> SavedSearch:
    for field, value in changes.items():
        setattr(saved, field, READERS[field](saved.owner, value) if field in READERS else value)
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as exc:
        message = gettext("There is a saved search “{name}” already. Choose another name.").format(
            name=saved.name
        )
        raise SavedSearchError("name", message) from exc
    return saved


def _name(_owner: User, text: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not fold(name):
        raise SavedSearchError(
            "name", gettext("A saved search needs a name. Write at least one letter or number.")
        )
    if len(name) > LONGEST_NAME or len(fold(name)) > LONGEST_NAME * 2:
        raise SavedSearchError(
            "name", gettext("A name has at most {longest_name} characters.").format(longest_name=LONGEST_NAME)
        )
    return name


def _query(owner: User, text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise SavedSearchError(
            "query",
            gettext("A search has at most {max_characters} characters.").format(
                max_characters=thousands(MAX_CHARACTERS)
            ),
        )
    found = search(owner, text)
    if broken := found.unreadable:
        raise SavedSearchError(
            "query",
            gettext("{sentence} Nothing was saved; correct the search first.").format(
                sentence=broken[0].sentence
            ),
        )
    return found.text


def _sort(_owner: User, text: str) -> str:
    order = read_order(text) if text else None
    if text and order is None:
        raise SavedSearchError("sort", gettext("Use newest, oldest, rating, cost or random."))
    return order.name if order and order.name != "newest" else ""


READERS = {"name": _name, "query": _query, "sort": _sort}


# --- Lately -------------------------------------------------------------------------------------


def remember(owner: User, text: str) -> None:
    """Note that `owner` has just searched for `text`."""
    query = parse(text).text
    if not query or len(query) > LONGEST_RECENT:
        return
    RecentSearch.objects.update_or_create(owner=owner, query=query, defaults={"used_at": timezone.now()})
    mine = RecentSearch.objects.filter(owner=owner).order_by("-used_at")
    mine.filter(pk__in=list(mine.values_list("pk", flat=True)[REMEMBERED:])).delete()


def recent(owner: User, begun: str = "", limit: int = 5) -> list[str]:
    """The latest searches that begin with `begun`."""
    queries = RecentSearch.objects.filter(owner=owner).order_by("-used_at").values_list("query", flat=True)
    return [query for query in queries[:REMEMBERED] if fold(query).startswith(fold(begun))][:limit]


def forget(owner: User) -> None:
    """Forget what `owner` has searched for lately."""
    RecentSearch.objects.filter(owner=owner).delete()
