"""Words and phrases in the text of a picture: by the full-text index, or by reading the text itself.

Both databases split signs in ways of their own, so the indexed text is words with spaces between them, and
a query reaches the index as letters and digits alone: no syntax of theirs can be typed.
"""

from collections.abc import Iterable
from functools import reduce
from operator import and_

from django.db import connection
from django.db.models import Exists, OuterRef, Q, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat

from gallery.models import ImageText
from gallery.search.language import Group, Node, Term

MANY = 20_000  # hits; up to here a list of them is made at once, beyond it each picture's text is read
SQLITE_MATCH = "SELECT rowid FROM gallery_imagetext_fts WHERE gallery_imagetext_fts MATCH %s"
SQLITE_COUNT = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM gallery_imagetext_fts WHERE gallery_imagetext_fts MATCH %s LIMIT %s)"
)
POSTGRESQL_MATCH = (
    "SELECT image_id FROM gallery_imagetext WHERE to_tsvector('simple', words) @@ to_tsquery('simple', %s)"
)
SYNTAX = {"sqlite": {"and": " AND ", "or": " OR "}, "postgresql": {"and": " & ", "or": " | "}}


def is_all_words(node: Node) -> bool:
    """Whether the full-text index can answer `node` by itself."""
    if node.negated:
        return False
    return all(map(is_all_words, node.parts)) if isinstance(node, Group) else node.is_words


def match(nodes: Iterable[Node]) -> str:
    """All of `nodes`, which are words, in the database's own language. Words match as beginnings."""
    return SYNTAX[connection.vendor]["and"].join(map(_match, nodes))


def _match(node: Node) -> str:
    if isinstance(node, Group):
        return f"({SYNTAX[connection.vendor][node.op].join(map(_match, node.parts))})"
    if connection.vendor == "sqlite":
        return _sqlite(node)
    return _postgresql(node)


def _sqlite(term: Term) -> str:
    if term.kind == "phrase":
        return f'"{" ".join(term.values)}"'
    words = (f'"{word}"*' if _may_go_on(word) else f'"{word}"' for word in term.values)
    return f"({' AND '.join(words)})"


def _postgresql(term: Term) -> str:
    if term.kind == "phrase":
        return f"({' <-> '.join(f"'{word}'" for word in term.values)})"
    words = (f"'{word}':*" if _may_go_on(word) else f"'{word}'" for word in term.values)
    return f"({' & '.join(words)})"


def _may_go_on(word: str) -> bool:
    # The "a" of "a girl in the rain" would be looked for as every word that begins with it.
    return len(word) > 1 or not word.isascii()


def found(match: str) -> Q:
    """Pictures that the index finds by `match`."""
    # Joined instead, the same condition takes hundreds of times as long on SQLite.
    return Q(pk__in=RawSQL(SQLITE_MATCH if connection.vendor == "sqlite" else POSTGRESQL_MATCH, [match]))  # noqa: S611


def hits(match: str, most: int = MANY + 1) -> int:
    """Count what the index of SQLite finds, up to `most`."""
    with connection.cursor() as cursor:
        cursor.execute(SQLITE_COUNT, [match, most])
        return int(cursor.fetchone()[0])


def written(node: Node) -> Q:
    """Pictures in whose text `node` stands: the same as `found`, by reading the text of each picture."""
    if isinstance(node, Group):
        return reduce(and_ if node.op == "and" else Q.__or__, map(written, node.parts))
    space = Value(" ", output_field=TextField())
    padded = ImageText.objects.filter(image_id=OuterRef("pk")).alias(padded=Concat(space, "words", space))
    return Q(Exists(padded.filter(*(Q(padded__contains=piece) for piece in _pieces(node)))))


def _pieces(term: Term) -> list[str]:
    """What stands in the indexed text, between spaces, where `term` matches."""
    if term.kind == "phrase":
        return [f" {' '.join(term.values)} "]
    return [f" {word}" if _may_go_on(word) else f" {word} " for word in term.values]


def condition(node: Node) -> Q:
    """Pictures in whose text the words of `node` stand, as one condition among others that may not hold."""
    # PostgreSQL would split the text of every picture into words again to answer "not" by its index.
    if connection.vendor == "sqlite" and hits(match([node])) <= MANY:
        return found(match([node]))
    return written(node)
