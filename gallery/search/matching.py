"""From a query to a QuerySet, and to what helps to run it quickly."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import and_, or_

from django.db.models import F, Max, Min, Q, QuerySet

from gallery.models import Image, User
from gallery.search import fields, sets, values, words
from gallery.search.language import TAG_KINDS, Group, Mistake, Node, Query, Term, marked
from gallery.search.orders import NEWEST, Order, read_order
from gallery.search.reading import both, parse
from gallery.search.tags import Names, carrying

DAYS = ("date", "before", "after")


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was asked, as a query that has not run yet."""

    owner: User
    text: str  # as it was read
    terms: tuple[Node, ...]  # for chips
    must: tuple[Node, ...]  # the same without brackets that mean nothing more
    mistakes: tuple[Mistake, ...]
    order: Order
    unsorted: str  # `text` without any `sort:`
    trashed: bool  # it is the trash that is searched
    conditions: tuple[Q, ...]  # all that is asked but for `match`
    tags: dict[Term, frozenset[int]]  # the tags that each tag filter of `tree` names
    tag_sets: tuple[frozenset[int], ...]  # for each tag filter that must hold: keys, one of which will do
    needed: tuple[Node, ...]  # the words that must be there
    match: str  # the same in the database's own language
    times: tuple[values.Period, ...]  # when the pictures came in, as far as all of them must

    @cached_property
    def images(self) -> QuerySet[Image]:
        """Live pictures of the owner that match, newest first."""
        return self.wordless.filter(words.found(self.match)) if self.match else self.wordless

    @cached_property
    def wordless(self) -> QuerySet[Image]:
        """As `images`, without asking for the words that must be there."""
        mine = Image.objects.owned_by(self.owner)
        rows = mine.trashed() if self.trashed else mine.live()
        for condition in self.conditions:
            rows = rows.filter(condition)
        return rows.order_by("-pk")

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences; empty when all of the text was applied."""
        return tuple(mistake.sentence for mistake in self.mistakes)

    @property
    def unreadable(self) -> tuple[Mistake, ...]:
        """What can never be applied. A tag that does not exist may come one day."""
        return tuple(mistake for mistake in self.mistakes if not mistake.is_name)

    @property
    def marked(self) -> list[tuple[str, bool]]:
        """The text in pieces; true are those that could not be read."""
        return marked(self.text, self.mistakes)

    @property
    def query(self) -> str:
        """The search with its order, as one text for the search box."""
        if self.order == NEWEST:
            return self.unsorted
        return f"{self.unsorted} sort:{self.order}".strip()

    def ordered(self, order: Order) -> "Search":
        """The same search in another order."""
        return self if order == self.order else replace(self, order=order)

    def spelled_out(self) -> QuerySet[Image]:
        """As `images`, but reading the words of each picture instead of asking the index."""
        return self.wordless.filter(reduce(and_, map(words.written, self.needed)))

    @property
    def only_tag(self) -> int | None:
        """Key of the tag, when the search asks for one tag and nothing else."""
        if len(self.terms) == len(self.tag_sets) == 1 and len(self.tag_sets[0]) == 1:
            return next(iter(self.tag_sets[0])) if isinstance(self.terms[0], Term) else None
        return None

    @cached_property
    def candidates(self) -> sets.Candidates | None:
        """The pictures that several tag filters leave, by set algebra. None: there are not several."""
        return sets.candidates(self.must, self.tags)

    @cached_property
    def key_range(self) -> tuple[int, int] | None:
        """The lowest and the highest key of the pictures of these days; None: any. An index answers it."""
        mine = Image.objects.owned_by(self.owner).live().order_by()
        if not self.times or self._is_ever(mine):
            return None
        # Of the bare key, PostgreSQL would look for the ends through all other days.
        key = F("pk") + 0
        ends = mine.filter(*map(values.within, self.times)).aggregate(low=Min(key), high=Max(key))
        return ends["low"] or 0, ends["high"] or 0

    def _is_ever(self, mine: QuerySet[Image]) -> bool:
        """Whether all of `mine` came in during these days: counting through years of them is for nothing."""
        # Each by itself: then an index has the answer at its end.
        first = mine.aggregate(first=Min("created_at"))["first"]
        last = mine.aggregate(last=Max("created_at"))["last"]
        return first is not None and all(
            (not start or start <= first) and (not end or last < end) for start, end in self.times
        )


def search(owner: User, text: str, *, sort: str = "", within: str = "", trashed: bool = False) -> Search:
    """Find the pictures of `owner` that `text` describes, of those that `within` does.

    `sort` is one of `orders.SORTS`, unless `text` says another. With `trashed`, `Search.images` are those in
    the trash, of which there are no pages or counts. Never raises; see `Search.mistakes`.
    """
    query = parse(both(within, text) if within else text)
    reader = _Conditions(owner, query)
    must = list(_conjuncts(query.terms))
    needed = tuple(node for node in must if words.is_all_words(node))
    asked = [reader.of(node) for node in must if node not in needed]
    order = reader.order(query.sort) or read_order(sort) or NEWEST
    return Search(
        owner=owner,
        text=query.text,
        terms=query.terms,
        must=tuple(must),
        mistakes=tuple(sorted((*query.mistakes, *reader.mistakes), key=lambda mistake: mistake.start)),
        order=order,
        unsorted=query.unsorted,
        trashed=trashed,
        conditions=tuple(condition for condition in asked if condition is not None),
        tags=reader.tags,
        tag_sets=tuple(reader.tags[node] for node in must if node in reader.tags and not node.negated),
        needed=needed,
        match=words.match(needed),
        times=tuple(_times(must)),
    )


def _conjuncts(nodes: Iterable[Node]) -> Iterator[Node]:
    """Everything that must hold by itself, out of brackets that mean nothing more."""
    for node in nodes:
        if isinstance(node, Group) and node.op == "and" and not node.negated:
            yield from _conjuncts(node.parts)
        else:
            yield node


def _times(must: Iterable[Node]) -> Iterator[values.Period]:
    for node in must:
        if not isinstance(node, Term) or node.negated or node.kind not in DAYS or len(node.values) > 1:
            continue
        if times := values.span(node.kind, node.values[0]):
            yield times


class _Conditions:
    """Turns parts of a query into conditions, and keeps what could not be understood."""

    def __init__(self, owner: User, query: Query):
        self.owner = owner
        self.names = Names(owner, query.terms)
        self.mistakes: list[Mistake] = []
        self.tags: dict[Term, frozenset[int]] = {}

    def of(self, node: Node) -> Q | None:
        """What `node` asks of a picture. None: nothing of it is understood, and it is left out."""
        condition = self._group(node) if isinstance(node, Group) else self._term(node)
        return ~condition if condition is not None and node.negated else condition

    def _group(self, group: Group) -> Q | None:
        conditions = [condition for part in group.parts if (condition := self.of(part)) is not None]
        return reduce(and_ if group.op == "and" else or_, conditions) if conditions else None

    def _term(self, term: Term) -> Q | None:
        if term.is_words:
            return words.condition(replace(term, negated=False))
        if term.kind in TAG_KINDS:
            return self._tagged(term)
        read = [(value, self._value(term, value)) for value in term.values]
        for value, condition in read:
            if condition is None:
                self._doubt(term, fields.unknown(term, value))
        known = [condition for _, condition in read if condition is not None]
        return reduce(or_, known) if known else None

    def _value(self, term: Term, value: str) -> Q | None:
        if term.kind in DAYS:
            times = values.span(term.kind, value)
            return values.within(times) if times else None
        return fields.condition(self.owner, term.kind, value)

    def _tagged(self, term: Term) -> Q:
        self.tags[term] = keys = self.names.keys(term)
        if not keys:
            sentence, meant = self.names.unknown(term)
            self._doubt(term, sentence, meant.spec if meant else "", is_name=True)
        return carrying(self.owner, keys)

    def _doubt(self, term: Term, sentence: str, better: str = "", is_name: bool = False) -> None:
        if better:
            better = f"{term.without} {'-' * term.negated}{better}".strip()
        said = Mistake(sentence=sentence, start=term.start, end=term.end, better=better, is_name=is_name)
        self.mistakes.append(said)

    def order(self, sort: Term | None) -> Order | None:
        """The order that `sort:` asks for."""
        if sort is None:
            return None
        order = read_order(sort.values[0])
        if order is None:
            self._doubt(sort, fields.unknown(sort, sort.values[0]))
        return order
