"""What the palette answers to a few letters: deeds, pages, the person's own tags, searches and pictures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlencode

from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext, pgettext

from gallery.files.media import thumbnail_url
from gallery.language.numerals import images
from gallery.models import Image, SavedSearch, Tag, User
from gallery.models.tag import words
from gallery.navigation import shortcuts
from gallery.navigation.commands import DEEDS, PAGES, Command
from gallery.screens import faces
from gallery.screens.faces import Face
from gallery.tagging.autocomplete import suggest
from gallery.templatetags.ui import KIND_ICONS, last_day

TAGS, FEW = 5, 3  # options of each kind
LOOKED_AT = 300  # latest pictures, of which some have a title
LOOKS = 500  # of the characters that were found, among which the most used are sought
PINNED = 12
TO_DRAW = (Tag.Kind.CHARACTER, Tag.Kind.LOOK, Tag.Kind.PERSONA)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One line of the palette."""

    text: str
    url: str
    icon: str
    note: str = ""  # what it is: "Character, 212 images"
    face: Face | None = None
    small: str = ""  # address of a thumbnail
    is_sensitive: bool = False  # blurred where the person wants it
    strokes: list[str] = field(default_factory=list)  # keys that do the same
    key: str = ""  # of the handler that does it in the page, where there is script
    fields: dict[str, str] = field(default_factory=dict)  # sent by POST


def options(owner: User, text: str) -> list[Option]:
    """Propose what may be meant by `text`. A fixed number of queries; of nobody else's things."""
    text = text.strip()
    asked = words(text)
    if not asked:
        return [*_commands(owner, DEEDS[:3]), *_pinned(owner, []), *_commands(owner, PAGES[:9])]
    places = _commands(owner, [each for each in (*DEEDS, *PAGES) if _fits(asked, each.text, each.also)])
    return [
        *_pinned(owner, asked),
        *places[:FEW],
        *_tags(owner, text),
        *_saved(owner, asked),
        *_images(owner, asked),
        *places[FEW:],
        _search(text),
    ]


def _fits(asked: Iterable[str], *texts: str) -> bool:
    """Whether each word that was typed begins one of the texts'."""
    known = _words(" ".join(map(str, texts)))
    return all(any(word.startswith(begun) for word in known) for begun in asked)


@lru_cache(maxsize=1000)
def _words(text: str) -> list[str]:
    """Kept, for each letter asks the same texts."""
    return words(text)


def _commands(owner: User, found: Iterable[Command]) -> list[Option]:
    return [_command(owner, each) for each in found]


def _command(owner: User, command: Command) -> Option:
    fields, shown = command.fields, command.key and owner.single_keys
    if command.route == "appearance" and fields:
        fields = fields | {"language": owner.language}
    return Option(
        text=str(command.text),
        url=reverse(command.route),
        icon=command.icon,
        note="" if shown else gettext("Action") if command in DEEDS else gettext("Page"),
        strokes=shortcuts.strokes(command.key) if shown else [],
        key=command.key if command.hands else "",
        fields=fields,
    )


def _pinned(owner: User, asked: list[str]) -> list[Option]:
    """To generate with those in the side bar is the shortest way of all."""
    tags = Tag.objects.owned_by(owner).filter(pinned=True, kind__in=TO_DRAW)
    found = tags.select_related("avatar", "parent").order_by("kind", "folded")[:PINNED]
    return [option for option in map(_generate, found) if _fits(asked, option.text)][:FEW]


def _generate(tag: Tag) -> Option:
    return Option(
        text=gettext("Generate with {name}").format(name=tag.full_name),
        url=f"{reverse('add-generate')}?{urlencode({'tags': tag.spec})}",
        icon="sparkles",
        note=gettext("Action"),
        face=faces.of(tag),
    )


def _tags(owner: User, text: str) -> Iterator[Option]:
    found = suggest(owner, text, limit=TAGS)
    avatars = Image.objects.in_bulk([each.tag.avatar_id for each in found if each.tag.avatar_id])
    for each in found:
        tag = each.tag
        tag.avatar = avatars.get(tag.avatar_id)
        yield _tag(tag, each.n, each.alias)
        if each.exact:
            yield from _more(tag)
        if tag.kind in TO_DRAW and not tag.pinned:
            yield _generate(tag)
    yield from _looks({each.tag.pk for each in found if each.tag.kind == Tag.Kind.CHARACTER})


def _more(tag: Tag) -> list[Option]:
    """What else can be done with a tag that was called by its name."""
    name = tag.full_name
    add = f"{reverse('add-upload')}?{urlencode({'tags': tag.spec})}"
    return [
        Option(text=gettext("Add images to {name}").format(name=name), url=add, icon="plus"),
        Option(
            text=gettext("Edit {name}").format(name=name),
            url=reverse("tag-edit", args=[tag.public_id]),
            icon="pencil",
        ),
    ]


def _looks(characters: set[int]) -> list[Option]:
    """Looks of the characters that were found, for their names begin with the character's."""
    if not characters:
        return []
    # By their parents alone: with one more condition SQLite would go through all tags of the owner.
    rows = Tag.objects.filter(parent__in=characters).order_by()
    known = rows.values_list("pk", "folded", "alias_of", Coalesce("count__n", 0))[:LOOKS]
    most = sorted((-n, folded, key) for key, folded, alias_of, n in known if alias_of is None)[:FEW]
    looks = Tag.objects.select_related("parent", "avatar").in_bulk([key for *_, key in most])
    return [_tag(looks[key], -n) for n, _, key in most if key in looks]


def _tag(tag: Tag, n: int, alias: str = "") -> Option:
    note = gettext("{kind}, {images}").format(kind=tag.get_kind_display(), images=images(n))
    return Option(
        text=tag.full_name,
        url=tag.get_absolute_url(),
        icon=KIND_ICONS[Tag.Kind(tag.kind)],
        note=f"{alias} · {note}" if alias else note,
        face=faces.of(tag),
    )


def _saved(owner: User, asked: list[str]) -> list[Option]:
    rows = SavedSearch.objects.owned_by(owner).order_by("folded")
    fitting = [row for row in rows if _fits(asked, row.name)][:FEW]
    return [
        Option(text=row.name, url=row.get_absolute_url(), icon="search", note=gettext("Saved search"))
        for row in fitting
    ]


def _images(owner: User, asked: list[str]) -> list[Option]:
    """Of the latest pictures those whose title fits."""
    rows = Image.objects.owned_by(owner).live().order_by("-id").values_list("pk", "title")[:LOOKED_AT]
    keys = [key for key, title in rows if title and _fits(asked, title)][:FEW]
    drawn = Image.objects.only("public_id", "owner_id", "title", "sensitive", "created_at")
    found = drawn.in_bulk(keys) if keys else {}
    return [_image(found[key]) for key in keys if key in found]


def _image(image: Image) -> Option:
    return Option(
        text=image.title,
        url=image.get_absolute_url(),
        icon="image",
        note=gettext("Image, {day}").format(day=last_day(image.created_at)),
        small=thumbnail_url(image.public_id, image.owner_id, 320),
        is_sensitive=image.sensitive,
    )


def _search(text: str) -> Option:
    return Option(
        text=pgettext("in the palette", "Search for “{text}”").format(text=text),
        url=f"{reverse('index')}?{urlencode({'q': text})}",
        icon="search",
    )
