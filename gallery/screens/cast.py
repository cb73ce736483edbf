"""Tags as pages show them: what is said about each kind, and cards with a face."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from gallery.files.media import thumbnail_url
from gallery.language.wording import gettext_lazy
from gallery.models import ImageTag, Tag
from gallery.screens import faces
from gallery.screens.faces import Face


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the pages of one kind say."""

    one: str
    many: str
    none: str  # where there are none yet, and what to do about it
    empty: str
    hint: str  # in the field for a new one
    portrait: bool = False  # whether its page begins with a face


WORDS = {
    Tag.Kind.CHARACTER: Words(
        one=gettext_lazy("character"),
        many=gettext_lazy("Characters"),
        none=gettext_lazy("No characters yet"),
        empty=gettext_lazy("Start with a name, then file pictures under it."),
        hint=gettext_lazy("Mira Vale"),
        portrait=True,
    ),
    Tag.Kind.LOOK: Words(
        one=gettext_lazy("look"),
        many=gettext_lazy("Looks"),
        none=gettext_lazy("No looks yet"),
        empty=gettext_lazy("A look is a way in which a character appears."),
        hint=gettext_lazy("winter cloak"),
        portrait=True,
    ),
    Tag.Kind.PERSONA: Words(
        one=gettext_lazy("persona"),
        many=gettext_lazy("Personas"),
        none=gettext_lazy("No personas yet"),
        empty=gettext_lazy("A persona is who you are in a chat."),
        hint=gettext_lazy("The Archivist"),
        portrait=True,
    ),
    Tag.Kind.CHAT: Words(
        one=gettext_lazy("chat"),
        many=gettext_lazy("Chats"),
        none=gettext_lazy("No chats yet"),
        empty=gettext_lazy("File the pictures of one story together under its name."),
        hint=gettext_lazy("The Long Night"),
    ),
    Tag.Kind.TAG: Words(
        one=gettext_lazy("tag"),
        many=gettext_lazy("Tags"),
        none=gettext_lazy("No tags yet"),
        empty=gettext_lazy("Write some on a picture, or start one here."),
        hint=gettext_lazy("blue hour"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Card:
    tag: Tag
    url: str
    face: Face | None  # None without any picture
    count: int
    used_at: datetime | None = None  # when a picture last got the tag
    people: tuple["Card", ...] = ()  # who is seen most on its newest pictures


def cards(tags: list[Tag], shape: float = faces.SQUARE) -> list[Card]:
    """Describe `tags`, read with avatar and count; one without an avatar shows its newest picture."""
    newest = _newest_pictures([tag for tag in tags if tag.avatar_id is None])
    return [
        Card(
            tag=tag,
            url=tag.get_absolute_url(),
            face=faces.of(tag, 320, shape) or newest.get(tag.pk),
            count=getattr(tag, "image_count", 0),
            used_at=getattr(tag, "used_at", None),
        )
        for tag in tags
    ]


def _newest_pictures(tags: list[Tag]) -> dict[int, Face]:
    """The newest live picture of each tag that is not sensitive, in one query."""
    if not tags:
        return {}
    carried = ImageTag.objects.filter(
        owner_id=OuterRef("owner_id"), tag_id=OuterRef("pk"), image__trashed_at=None, image__sensitive=False
    ).order_by("-image_id")
    rows = Tag.objects.filter(pk__in=[tag.pk for tag in tags]).annotate(
        newest=Subquery(carried.values("image__public_id")[:1])
    )
    owners = {tag.pk: tag.owner_id for tag in tags}
    return {
        pk: Face(url=thumbnail_url(newest, owners[pk], 320))
        for pk, newest in rows.values_list("pk", "newest")
        if newest
    }
