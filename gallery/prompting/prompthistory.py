"""The prompts that were sent, each once, the newest first. What was sent stands in the generations."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from gallery.files.media import thumbnail_url
from gallery.models import Generation, GenerationImage, Image, User
from gallery.models.tag import words

PAGE = 30
MOST_WORDS = 20
LAST = 2**63 - 1  # no key is larger
# How many hits of the full-text index are looked through, the newest first, while too few prompts are found:
# mostly the first are enough, and one prompt that was sent twenty thousand times is no reason for ten rounds.
PIECES = (2_000, 32_000, LAST)
HITS = {
    "sqlite": (
        "SELECT rowid AS key FROM gallery_prompttext_fts WHERE gallery_prompttext_fts MATCH %s AND rowid < %s"
        " ORDER BY rowid DESC LIMIT %s OFFSET %s"
    ),
    "postgresql": (
        "SELECT generation_id AS key FROM gallery_prompttext"
        " WHERE to_tsvector('simple', words) @@ to_tsquery('simple', %s) AND generation_id < %s"
        " ORDER BY generation_id DESC LIMIT %s OFFSET %s"
    ),
}
# A cross join keeps SQLite from walking through all generations; PostgreSQL is kept from it by the hits.
NEWEST_AMONG = """
WITH hits AS MATERIALIZED ({hits}), prompts AS MATERIALIZED (
    SELECT max(hits.key) AS key, found.owner_id, found.prompt_digest
    FROM hits CROSS JOIN gallery_generation AS found
    WHERE found.id = hits.key AND found.owner_id = %s GROUP BY found.owner_id, found.prompt_digest
)
SELECT key FROM prompts WHERE key = (
    SELECT same.id FROM gallery_generation AS same
    WHERE same.owner_id = prompts.owner_id AND same.prompt_digest = prompts.prompt_digest
    ORDER BY same.id DESC LIMIT 1
) ORDER BY key DESC LIMIT %s
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A prompt, as it was sent the last time."""

    generation: Generation
    times: int  # that it was sent
    image: Image | None  # the last that came of it and is still there
    small: str  # address of its thumbnail


@dataclass(frozen=True, kw_only=True)
class Page:
    entries: list[Entry]
    next: Generation | None  # behind which the following page begins; None: this is the last


def page(owner: User, text: str = "", after: Generation | None = None, limit: int = PAGE) -> Page:
    """Up to `limit` prompts with all words of `text`, from behind `after`."""
    before = after.pk if after else LAST
    rows = _newest_of_each(owner).filter(pk__lt=before)
    if text:
        rows = Generation.objects.filter(pk__in=_matching(owner, text, before, limit + 1)).order_by("-pk")
    found = list(_with_facts(rows)[: limit + 1])
    shown = found[:limit]
    return Page(entries=list(_entries(owner, shown)), next=shown[-1] if len(found) > limit else None)


def _same_prompt():
    """All generations of the prompt of one; the index `generation_prompt` has them in order."""
    return Generation.objects.filter(owner=OuterRef("owner"), prompt_digest=OuterRef("prompt_digest"))


def _newest_of_each(owner: User):
    # Compared with one key, each row is one look into the index. NOT EXISTS may become a join of them all.
    newest = Subquery(_same_prompt().order_by("-pk").values("pk")[:1])
    return Generation.objects.owned_by(owner).exclude(prompt_digest="").filter(pk=newest).order_by("-pk")


def _with_facts(rows):
    times = _same_prompt().order_by().values("owner").annotate(n=Count("pk")).values("n")
    results = GenerationImage.objects.filter(
        generation__owner=OuterRef("owner"),
        generation__prompt_digest=OuterRef("prompt_digest"),
        image__trashed_at=None,
    )
    last = results.order_by("-generation_id", "index").values("image_id")[:1]
    return rows.annotate(times=Coalesce(Subquery(times), 1), last_image=Subquery(last))


def _entries(owner: User, rows: Iterable[Generation]):
    wanted = {getattr(row, "last_image") for row in rows} - {None}  # noqa: B009  annotated
    images = Image.objects.in_bulk(wanted) if wanted else {}
    for row in rows:
        image = images.get(getattr(row, "last_image"))  # noqa: B009
        small = thumbnail_url(image.public_id, owner.pk, 320) if image else ""
        yield Entry(generation=row, times=getattr(row, "times"), image=image, small=small)  # noqa: B009


def _matching(owner: User, text: str, before: int, n: int) -> list[int]:
    """Keys below `before` of the `n` newest prompts in which all words of `text` stand."""
    found: dict[int, None] = {}
    match, behind = _match(text), 0
    for piece in PIECES if match else ():
        sql = NEWEST_AMONG.format(hits=HITS[connection.vendor])
        found |= dict.fromkeys(_keys(sql, [match, before, piece, behind, owner.pk, n]))
        if len(found) >= n:
            break
        behind += piece
    return list(found)[:n]


def newest_with(text: str) -> list[int]:
    """Keys of the newest generations of all people in whose prompt all words of `text` stand."""
    match = _match(text)
    return _keys(HITS[connection.vendor], [match, LAST, PIECES[0], 0]) if match else []


def _keys(sql: str, parameters: list[str | int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [key for (key,) in cursor.fetchall()]


def _match(text: str) -> str:
    """All words of `text`, as beginnings of words, in the database's own language."""
    wanted = words(text)[:MOST_WORDS]
    if connection.vendor == "sqlite":
        return " AND ".join(f'"{word}"*' for word in wanted)
    return " & ".join(f"'{word}':*" for word in wanted)
