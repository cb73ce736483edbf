"""What may be meant by what has been typed into the search box so far."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext

from gallery.files.media import thumbnail_url
from gallery.language.wording import gettext_lazy
from gallery.models import Image, SavedSearch, User
from gallery.models.tag import fold
from gallery.search import savedsearches
from gallery.search.fields import LISTED, MARKS, THINGS
from gallery.search.language import EXAMPLES, FILTERS, SPELLINGS, TAG_KINDS
from gallery.search.orders import SORTS
from gallery.tagging.autocomplete import TagSuggestion, suggest

TERM = re.compile(r'(?:^|[\s(])-?((?:[A-Za-z]+:)?(?:"[^"]*|[^\s"()]*))$')
TAGS, OTHERS, KEPT = 8, 5, 4  # options of each group
VALUES = {
    "is": (*MARKS, *LISTED),
    "has": tuple(THINGS),
    "sort": tuple(SORTS),
    "source": ("upload", "import", "generated"),
    "favourite": ("yes", "no"),
    "sensitive": ("yes", "no"),
    "rating": ("5", ">=4", ">=3", "none"),
    "ratio": ("portrait", "landscape", "square", "16:9", "2:3"),
    "date": ("today", "yesterday", "week", "month", "year"),
    "cost": (">0.05", "free", "unknown"),
    "size": (">=2000", "<1024", ">5MB"),
}
HEADINGS = {
    "character": gettext_lazy("Characters"),
    "look": gettext_lazy("Looks"),
    "persona": gettext_lazy("Personas"),
    "chat": gettext_lazy("Chats"),
    "tag": gettext_lazy("Tags"),
    "filter": gettext_lazy("Filters"),
    "saved": gettext_lazy("Saved searches"),
    "recent": gettext_lazy("Recent searches"),
}


@dataclass(frozen=True, kw_only=True)
class Hint:
    """One thing to choose."""

    kind: str  # of HEADINGS
    text: str  # what is shown
    query: str  # the whole search when it is chosen
    caret: int  # where one goes on typing in it
    more: str = ""  # beside it: a count, another spelling, what a saved search asks
    face: str = ""  # address of an avatar
    is_open: bool = False  # something has to follow, so it is not searched for yet


def hints(owner: User, text: str, caret: int) -> list[Hint]:
    """Propose what to write for the term before `caret`, group by group. A fixed number of queries."""
    before, after = text[:caret], text[caret:]
    match = TERM.search(before)
    term = match[1] if match else ""
    place = (before[: len(before) - len(term)], after)
    if not term.strip():
        return _kept(owner, before) if not after.strip() else []
    found = _suggested(owner, term)
    faces = Image.objects.in_bulk([each.tag.avatar_id for each in found if each.tag.avatar_id])
    tags = [_tag(each, faces.get(each.tag.avatar_id), *place) for each in found]
    tags.sort(key=lambda hint: tuple(HEADINGS).index(hint.kind))
    kept = _kept(owner, text) if not after.strip() else []
    return [*tags, *_filters(term, *place), *kept]


def _suggested(owner: User, term: str) -> list[TagSuggestion]:
    name, colon, rest = term.partition(":")
    kind = SPELLINGS.get(name.lower(), name.lower())
    if colon and kind in TAG_KINDS:
        return suggest(owner, rest.replace('"', ""), kinds=[kind], limit=TAGS)
    return suggest(owner, term.replace('"', ""), limit=TAGS) if not colon or kind not in FILTERS else []


def _tag(found: TagSuggestion, face: Image | None, before: str, after: str) -> Hint:
    more = f"{found.alias} · {found.n:,}" if found.alias else f"{found.n:,}"
    query = f"{before}{found.tag.spec} "
    return Hint(
        kind=found.tag.kind,
        text=found.tag.full_name,
        query=query + after.lstrip(),
        caret=len(query),
        more=more,
        face=thumbnail_url(face.public_id, face.owner_id, 320) if face else "",
    )


def _filters(term: str, before: str, after: str) -> list[Hint]:
    name, colon, rest = term.lower().partition(":")
    kind = SPELLINGS.get(name, name)
    if not colon:
        names = (each for each in FILTERS if each.startswith(name))
        return [_filter(f"{each}:", before, after, EXAMPLES.get(each, "")) for each in names][:OTHERS]
    values = (value for value in VALUES.get(kind, ()) if value.startswith(rest) and value != rest)
    return [_filter(f"{kind}:{value}", before, after) for value in values]


def _filter(text: str, before: str, after: str, example: str = "") -> Hint:
    is_open = text.endswith(":")
    query = f"{before}{text}" + ("" if is_open else " ")
    more = gettext("like {text}{example}").format(text=text, example=example) if is_open and example else ""
    return Hint(
        kind="filter", text=text, query=query + after.lstrip(), caret=len(query), more=more, is_open=is_open
    )


def _kept(owner: User, begun: str) -> list[Hint]:
    rows = SavedSearch.objects.owned_by(owner).order_by("folded")
    wanted = fold(begun)
    saved = [row for row in rows if f" {row.folded}".find(f" {wanted}") >= 0][:KEPT]
    return [*_saved(saved), *_recent(owner, begun)]


def _saved(rows: Iterable[SavedSearch]) -> list[Hint]:
    queries = [(row, f"{row.query} sort:{row.sort}" if row.sort else row.query) for row in rows]
    return [
        Hint(kind="saved", text=row.name, query=query, caret=len(query), more=query) for row, query in queries
    ]


def _recent(owner: User, begun: str) -> list[Hint]:
    queries = savedsearches.recent(owner, begun.strip(), limit=KEPT)
    return [
        Hint(kind="recent", text=query, query=query, caret=len(query))
        for query in queries
        if query != begun.strip()
    ]
