"""The tags of a made-up library."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from django.utils import timezone
from django.utils.text import slugify

from gallery.models import Tag, TagCount, TagWord, User
from gallery.models.base import uuid7
from gallery.models.tag import fold
from gallery.seeding import rows, words

KINDS = ("tag",) * 16 + ("character",) * 5 + ("chat",) * 3 + ("persona",)  # of 25 tags that follow each other
PER_PICTURE = (0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8)  # tags of a picture beside "monochrome" or "in colour"
DRESSED = 10  # characters that have looks
EITHER, OR = "monochrome", "in colour"  # two large tags that hardly meet
BOTH = 1 / 20_000
FIELDS = ("id", "owner", "public_id", "kind", "name", "folded", "slug", "parent", "created_at")

type Name = tuple[str, str, int | None]  # kind, name, key of the character that a look belongs to


@dataclass(frozen=True, kw_only=True)
class Cast:
    keys: Sequence[int]  # of tags, the most used first
    weights: Sequence[float]  # running sums for `Random.choices`: Zipf with exponent 1
    brings: dict[int, int]  # the character of a look
    either: int
    other: int

    def draw(self, dice: Random) -> list[int]:
        """The tags of one more picture."""
        some = set(dice.choices(self.keys, cum_weights=self.weights, k=dice.choice(PER_PICTURE)))
        some |= {self.brings[tag] for tag in some if tag in self.brings}
        chance = dice.random()
        if chance < BOTH:
            some |= {self.either, self.other}
        elif chance < 0.9 and some:
            some.add(self.either if chance < 0.3 else self.other)
        return sorted(some)


def gather(owner: User, n: int) -> Cast:
    """Find about `n` tags by their names, and make those that are missing."""
    names = _names(n)
    keys = _find_or_make(owner, names)
    people = [keys[name] for name in names if name[0] == Tag.Kind.CHARACTER][:DRESSED]
    dressed = [("look", look, person) for person in people for look in words.LOOKS]
    looks = _find_or_make(owner, dressed)
    either, other = (keys["tag", name, None] for name in (EITHER, OR))
    ranked = [keys[name] for name in names if keys[name] not in (either, other)]
    ranked[len(ranked) // 20 : 0] = looks.values()
    return Cast(
        keys=ranked,
        weights=list(accumulate(1 / rank for rank in range(1, len(ranked) + 1))),
        brings={looks[name]: name[2] for name in dressed},
        either=either,
        other=other,
    )


def _names(n: int) -> list[Name]:
    name_of = {
        "tag": words.free_tag,
        "character": words.character,
        "chat": words.chat,
        "persona": lambda number: f"{words.character(number).split()[0]} myself {number + 1}",
    }
    names, seen = [], Counter[str]()
    for number in range(n):
        kind = KINDS[number * 7 % len(KINDS)]  # 7: kinds take turns, among popular tags too
        names.append((kind, name_of[kind](seen[kind]), None))
        seen[kind] += 1
    return [*names, ("tag", EITHER, None), ("tag", OR, None)]


def _find_or_make(owner: User, names: Iterable[Name]) -> dict[Name, int]:
    tags = Tag.objects.owned_by(owner).values_list("kind", "folded", "parent_id", "pk", "alias_of_id")
    there = {(kind, folded, parent): alias_of or key for kind, folded, parent, key, alias_of in tags}
    found = {name: there.get((name[0], fold(name[1]), name[2])) for name in names}
    missing = [name for name, key in found.items() if key is None]
    made = dict(zip(missing, _make(owner, missing), strict=True))
    return {name: key or made[name] for name, key in found.items()}


def _make(owner: User, names: list[Name]) -> Sequence[int]:
    keys = rows.reserve(Tag, len(names))
    now = timezone.now()
    rows.insert(
        Tag,
        FIELDS,
        (
            (key, owner.pk, uuid7(), kind, name, fold(name), f"{slugify(name)}-{key}", parent, now)
            for key, (kind, name, parent) in zip(keys, names, strict=True)
        ),
    )
    rows.insert(TagCount, ("tag", "owner"), ((key, owner.pk) for key in keys))
    made = (
        Tag(pk=key, owner=owner, kind=name[0], name=name[1]) for key, name in zip(keys, names, strict=True)
    )
    TagWord.objects.bulk_create((word for tag in made for word in TagWord.of(tag)), batch_size=1000)
    return keys
