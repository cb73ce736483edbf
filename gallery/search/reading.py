"""Reading what was typed into the search box. Whatever it is, it becomes a query; nothing here raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal

from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models.tag import words
from gallery.search.language import EXAMPLES, FILTERS, SPELLINGS, Group, Mistake, Node, Query, Term

MAX_CHARACTERS = 2000
MAX_PARTS = 100  # words and values of filters; each may cost the database a look at every picture
MAX_DEPTH = 8  # brackets in brackets that mean something; SQLite gives up at some thirty of its own
TOKEN = re.compile(r'(?P<open>\()|(?P<close>\))|(?P<minus>-+(?=[^\s)-]))|(?P<item>(?:"[^"]*"?|[^\s"()])+)')
FILTER = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
VALUE = re.compile(r'(?:"[^"]*"?|[^,"])+')
UNQUOTED = gettext_lazy("This quotation mark is not closed. It was read as if it closed at the end.")
NOT_CLOSED = gettext_lazy("This bracket is not closed. It was read as if it closed at the end.")
NOT_OPENED = gettext_lazy("This bracket closes, but none is open. It was left out.")


def parse(text: str) -> Query:
    """Read `text`. What cannot be read is left out, and said in `mistakes`."""
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    reader = _Reader(text[:MAX_CHARACTERS])
    if len(text) > MAX_CHARACTERS:
        sentence = gettext(
            "This search is too long. Only its first {max_characters} characters were used."
        ).format(max_characters=thousands(MAX_CHARACTERS))
        reader.doubt(sentence, MAX_CHARACTERS - 1, MAX_CHARACTERS)
    return reader.read()


def both(first: str, second: str) -> str:
    """A query that asks for `first` and for `second`, whatever is typed there."""
    if any(mistake.sentence in (NOT_CLOSED, NOT_OPENED) for mistake in parse(second).mistakes):
        second = second.replace("(", " ").replace(")", " ")
    is_choice = "OR" in second.split() or "OR" in re.split(r"[\s()]+", second)
    return f"{first} ({second})" if is_choice else f"{first} {second}".strip()


# --- Reading ------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Bracket:
    """A group that is being read."""

    start: int = 0  # of its minus
    at: int = 0
    negated: bool = False
    choices: list[list[Node]] = field(default_factory=lambda: [[]])
    is_waiting: bool = False  # for what comes after OR

    def close(self, text: str, end: int) -> Node | None:
        choices = [_group("and", choice, text) for choice in self.choices if choice]
        node = _group("or", choices, text) if choices else None
        if node is None:
            return None
        text = text[self.at : end]
        if isinstance(node, Term):  # its own place stays known
            return Group(
                kind="group",
                op="and",
                parts=(node,),
                text=text,
                negated=self.negated,
                start=self.start,
                end=end,
            )
        return replace(node, text=text, negated=node.negated != self.negated, start=self.start, end=end)


def _group(op: Literal["and", "or"], parts: list[Node], text: str) -> Node:
    if len(parts) == 1:
        return parts[0]
    start, end = parts[0].start, parts[-1].end
    return Group(kind="group", op=op, parts=tuple(parts), start=start, end=end, text=text[start:end])


class _Reader:
    def __init__(self, text: str):
        self.text = text
        self.mistakes: list[Mistake] = []
        self.open = [_Bracket()]
        self.negate_from: int | None = None  # where a minus or NOT stands that waits for its term
        self.n_parts = 0
        self.sorts: list[Term] = []

    def doubt(self, sentence: str, start: int, end: int, better: str = "") -> None:
        self.mistakes.append(Mistake(sentence=sentence, start=start, end=end, better=better))

    def read(self) -> Query:
        if self.text.count('"') % 2:
            at = self.text.rindex('"')
            self.doubt(
                gettext("This quotation mark is not closed. It was read as if it closed at the end."),
                at,
                at + 1,
            )
        for match in TOKEN.finditer(self.text):
            self._take(match)
        self._end_of_choice(len(self.text))
        while len(self.open) > 1:
            at = self.open[-1].at
            self.doubt(NOT_CLOSED, at, at + 1)
            self._close(len(self.text))
        if self.text and not (any(self.open[0].choices) or self.sorts or self.mistakes):
            self.doubt(gettext("There is nothing to look for in this search."), 0, len(self.text))
        return self._query()

    def _take(self, match: re.Match[str]) -> None:
        if match["open"]:
            self.open.append(_Bracket(start=self._begin(match), at=match.start(), negated=self._negated()))
        elif match["close"]:
            self._end_of_choice(match.start())
            self._close_or_doubt(match)
        elif match["minus"] or match[0] == "NOT":
            self.negate_from = match.start() if self.negate_from is None else self.negate_from
        elif match[0] == "OR":
            self._or(match)
        elif match[0] != "AND":
            self._item(match)

    def _begin(self, match: re.Match[str]) -> int:
        return match.start() if self.negate_from is None else self.negate_from

    def _negated(self) -> bool:
        was, self.negate_from = self.negate_from, None
        return was is not None

    def _or(self, match: re.Match[str]) -> None:
        bracket = self.open[-1]
        if not bracket.choices[-1]:
            self.doubt(gettext("OR needs something before it, as in tag:rain OR tag:snow."), *match.span())
            return
        self._end_of_choice(match.start())
        bracket.choices.append([])
        bracket.is_waiting = True

    def _end_of_choice(self, end: int) -> None:
        if self.negate_from is not None:
            self.doubt(gettext("NOT needs something after it, as in NOT tag:rain."), self.negate_from, end)
            self.negate_from = None
        if self.open[-1].is_waiting:
            self.doubt(
                gettext("OR needs something after it, as in tag:rain OR tag:snow."), max(0, end - 2), end
            )
            self.open[-1].is_waiting = False

    def _close_or_doubt(self, match: re.Match[str]) -> None:
        if len(self.open) == 1:
            self.doubt(NOT_OPENED, *match.span())
        else:
            self._close(match.end())

    def _close(self, end: int) -> None:
        bracket = self.open.pop()
        node = bracket.close(self.text, end)
        if node is None:
            self.doubt(gettext("There is nothing in these brackets."), bracket.start, end)
        elif isinstance(node, Group) and node.depth > MAX_DEPTH:
            sentence = gettext("Brackets are read {max_depth} deep. What stands deeper was left out.").format(
                max_depth=MAX_DEPTH
            )
            self.doubt(sentence, bracket.start, end)
        else:
            self._keep(node)

    def _keep(self, node: Node) -> None:
        self.open[-1].choices[-1].append(node)
        self.open[-1].is_waiting = False

    # --- Words and filters ---

    def _item(self, match: re.Match[str]) -> None:
        start = self._begin(match)
        place = {"start": start, "end": match.end(), "text": match[0], "negated": self._negated()}
        self.open[-1].is_waiting = False
        filter_ = FILTER.fullmatch(match[0])
        name = SPELLINGS.get(filter_[1].lower(), filter_[1].lower()) if filter_ else ""
        if filter_ and name in FILTERS:
            self._filter(name, filter_[2], place)
        elif filter_ and self._is_misspelt(name, filter_[2], match):
            return
        else:
            self._words(match[0], place)

    def _filter(self, name: str, text: str, place: dict[str, Any]) -> None:
        stripped = (value.replace('"', "").strip() for value in VALUE.findall(text))
        values = tuple(dict.fromkeys(value for value in stripped if value))
        if not values:
            example = EXAMPLES.get(name, "name")
            sentence = gettext("{name}: needs something right after it, as in {name}:{example}.").format(
                name=name, example=example
            )
            self.doubt(sentence, place["start"], place["end"])
        elif name == "sort":
            self.sorts.append(Term(kind=name, values=values, **place))
        else:
            self._add(Term(kind=name, values=values, **place))

    def _words(self, text: str, place: dict[str, Any]) -> None:
        if found := tuple(words(text)):
            kind = "phrase" if text.startswith('"') else "word"
            self._add(Term(kind=kind, values=found, **place))
        elif text.strip('"-'):
            sentence = gettext("“{n}” has no letters or numbers to look for.").format(n=text[:40])
            self.doubt(sentence, place["start"], place["end"])

    def _add(self, term: Term) -> None:
        self.n_parts += len(term.values)
        if self.n_parts <= MAX_PARTS:
            self._keep(term)
        else:
            sentence = gettext(
                "This search has too many parts. Only the first {max_parts} were used."
            ).format(max_parts=MAX_PARTS)
            self.doubt(sentence, term.start, len(self.text))

    def _is_misspelt(self, name: str, rest: str, match: re.Match[str]) -> bool:
        """A filter that nearly has a name of ours is left out; any other word may have a colon."""
        close = get_close_matches(name, FILTERS, n=1, cutoff=0.7) if rest else []
        if close:
            start, end = match.span()
            better = f"{self.text[:start]}{close[0]}:{rest}{self.text[end:]}"
            sentence = gettext("There is no filter {name}:. Did you mean {n}:? It was left out.").format(
                name=name, n=close[0]
            )
            self.doubt(sentence, start, end, better)
        return bool(close)

    # --- The whole ---

    def _query(self) -> Query:
        root = self.open[0]
        parts = root.choices[0] if len(root.choices) == 1 else [root.close(self.text, len(self.text))]
        spans = [(sort.start, sort.end) for sort in self.sorts]
        return Query(
            text=self.text,
            terms=tuple(self._without(part) for part in parts if part),
            sort=self.sorts[-1] if self.sorts else None,
            unsorted=_cut(self.text, spans),
            mistakes=tuple(self._once()),
        )

    def _without(self, part: Node) -> Node:
        return replace(part, without=_cut(self.text, [(part.start, part.end)]))

    def _once(self) -> Iterator[Mistake]:
        said = set()
        for mistake in sorted(self.mistakes, key=lambda mistake: mistake.start):
            if mistake.sentence not in said:
                said.add(mistake.sentence)
                yield mistake


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(text.split())
