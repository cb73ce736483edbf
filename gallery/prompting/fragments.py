"""Pieces of prompt text of a character, look or persona, each in wordings of several lengths."""

from collections.abc import Iterable
from typing import TypedDict

from django.db import transaction
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Fragment, Tag
from gallery.models.tag import fold
from gallery.tagging.counts import lock_tag
from gallery.tagging.tagspec import TagError, clean_name

MAX_TEXT = 20_000  # characters
MAX_TIERS = 8
MAX_FRAGMENTS = 100  # of one tag
KINDS = (Tag.Kind.CHARACTER, Tag.Kind.LOOK, Tag.Kind.PERSONA)


class Tier(TypedDict):
    """A wording for models that take at most so many characters."""

    max_chars: int
    text: str


class FragmentError(TagError):
    """A fragment that cannot be kept; `field` is the name of what is wrong."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@transaction.atomic
def create(
    tag: Tag, *, name: str, text: str, use: str = Fragment.Use.ALWAYS, tiers: Iterable[Tier] = ()
) -> Fragment:
    """Add a fragment to `tag`, after those it has. Raises `FragmentError`."""
    lock_tag(tag)
    if tag.kind not in KINDS:
        raise FragmentError(
            "tag", gettext("Characters, looks and personas have fragments; other tags have none.")
        )
    n = tag.fragments.count()
    if n >= MAX_FRAGMENTS:
        raise FragmentError(
            "tag", gettext("There are {n} fragments here. Delete one before you add another.").format(n=n)
        )
    last = tag.fragments.order_by("-position").values_list("position", flat=True).first()
    fragment = Fragment(owner_id=tag.owner_id, tag=tag, position=0 if last is None else last + 1)
    return _write(fragment, name=name, text=text, use=use, tiers=list(tiers))


@transaction.atomic
def change(fragment: Fragment, **changes) -> Fragment:
    """Change `name`, `use`, `text`, `tiers` or `position`; another wording counts as another version.

    Raises `FragmentError`.
    """
    lock_tag(fragment.tag)
    before = fragment.text, fragment.tiers
    _write(fragment, **changes)
    if before != (fragment.text, fragment.tiers):
        fragment.version += 1
        fragment.save(update_fields=["version"])
    return fragment


@transaction.atomic
def move(fragment: Fragment, by: int) -> None:
    """Put `fragment` `by` places further down among those of its tag; up when `by` is below zero."""
    lock_tag(fragment.tag)
    rows = list(fragment.tag.fragments.all())
    place = rows.index(fragment)
    rows.insert(min(max(place + by, 0), len(rows) - 1), rows.pop(place))
    for position, row in enumerate(rows):
        row.position = position
    Fragment.objects.bulk_update(rows, ["position"])


def _write(fragment: Fragment, **values) -> Fragment:
    for name, value in values.items():
        setattr(fragment, name, value)
    fragment.name = _free_name(fragment)
    fragment.text = _clean_text("text", fragment.text)
    fragment.tiers = _clean_tiers(fragment.tiers)
    if fragment.use not in Fragment.Use.values:
        raise FragmentError(
            "use", gettext("Choose one of {names}.").format(names=", ".join(Fragment.Use.values))
        )
    fragment.save()
    return fragment


def _free_name(fragment: Fragment) -> str:
    try:
        name = clean_name(fragment.name, Tag.Kind.LOOK)
    except TagError as exc:
        raise FragmentError("name", exc.message.replace("A tag", "A fragment")) from exc
    if len(name) > Fragment.MAX_NAME:
        raise FragmentError(
            "name",
            gettext("The name of a fragment has at most {max_name} characters.").format(
                max_name=Fragment.MAX_NAME
            ),
        )
    others = Fragment.objects.filter(tag=fragment.tag).exclude(pk=fragment.pk).values_list("name", flat=True)
    if fold(name) in {fold(other) for other in others}:
        raise FragmentError(
            "name",
            gettext("There is already a fragment “{name}” here. Choose another name.").format(name=name),
        )
    return name


def _clean_text(field: str, text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise FragmentError(field, gettext("Write what this fragment adds to a prompt."))
    if len(text) > MAX_TEXT:
        raise FragmentError(
            field, gettext("Use at most {max_text} characters.").format(max_text=thousands(MAX_TEXT))
        )
    return text


def _clean_tiers(tiers: Iterable[Tier]) -> list[Tier]:
    """Returns the wordings, the shortest limit first."""
    rows = sorted(({"max_chars": tier["max_chars"], "text": tier["text"]} for tier in tiers), key=_limit)
    if len(rows) > MAX_TIERS:
        raise FragmentError(
            "tiers", gettext("Keep at most {max_tiers} shorter wordings.").format(max_tiers=MAX_TIERS)
        )
    if len({_limit(row) for row in rows}) < len(rows):
        raise FragmentError("tiers", gettext("Two wordings have the same limit. Keep one of them."))
    return [Tier(max_chars=_limit(row), text=_fitting(row)) for row in rows]


def _limit(tier) -> int:
    return int(tier["max_chars"])


def _fitting(tier) -> str:
    text = _clean_text("tiers", tier["text"])
    if len(text) > _limit(tier):
        sentence = gettext(
            "A wording for {limit} characters has {n}. Shorten it, or raise the limit."
        ).format(limit=thousands(_limit(tier)), n=thousands(len(text)))
        raise FragmentError("tiers", sentence)
    return text
