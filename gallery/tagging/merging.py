"""Two tags become one, and tags that go."""

from dataclasses import dataclass
from itertools import batched

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from gallery.models import (
    Fragment,
    Generation,
    HouseStyle,
    Image,
    Implication,
    Import,
    ReferencePicture,
    Tag,
    TagCount,
    TagWord,
    User,
)
from gallery.models.tag import fold
from gallery.search import bitmaps
from gallery.tagging import searches
from gallery.tagging.counts import lock, lock_tag
from gallery.tagging.membership import clear, spread, trash
from gallery.tagging.tagspec import TagError

AT_ONCE = 500  # pictures


@dataclass(frozen=True, kw_only=True)
class MergePlan:
    """What a merge would do. Numbers are pictures outside the trash."""

    tag: Tag
    into: Tag
    n: int  # carry `tag`
    into_n: int  # carry `into`
    both: int
    looks: int  # of `tag`, that `into` takes over

    @property
    def after(self) -> int:
        return self.n + self.into_n - self.both


def plan_merge(tag: Tag, into: Tag) -> MergePlan:
    """Say what `merge` would do. Raises `TagError` as it would."""
    into = _canonical(tag, into)
    _check(tag, into)
    sets = bitmaps.of_tags([tag.pk, into.pk])
    ours, theirs = sets[tag.pk], sets[into.pk]
    looks = tag.looks.filter(alias_of=None).count()
    return MergePlan(
        tag=tag, into=into, n=len(ours), into_n=len(theirs), both=len(ours & theirs), looks=looks
    )


def _canonical(tag: Tag, into: Tag) -> Tag:
    """Read `into` again, or the tag that it is another spelling of."""
    fresh = Tag.objects.owned_by(tag.owner_id).filter(pk=into.pk).with_canonical().first()
    if fresh is None:
        raise TagError(gettext("The tag to merge into is gone. Choose another one."))
    if fresh.alias_of_id == tag.pk:
        raise TagError(
            gettext("“{name}” is another spelling of “{other}” already.").format(
                name=fresh.name, other=tag.name
            )
        )
    return fresh.alias_of or fresh


def _check(tag: Tag, into: Tag) -> None:
    if tag.pk == into.pk:
        raise TagError(gettext("A tag cannot be merged into itself. Choose another one."))
    if into.parent_id == tag.pk:
        raise TagError(
            gettext("“{name}” is a look of “{other}”. Merge the look into the character instead.").format(
                name=into.name, other=tag.name
            )
        )
    if into.kind != Tag.Kind.CHARACTER and tag.looks.filter(alias_of=None).exists():
        raise TagError(
            gettext("“{name}” has looks, so it can only be merged into another character.").format(
                name=tag.name
            )
        )
    brought = Implication.objects.reached_from([into.pk]) - {tag.pk}
    if look := tag.looks.filter(pk__in=brought).first():
        raise TagError(
            gettext("“{name}” brings the look “{other}”. Take that implication away first.").format(
                name=into.name, other=look.name
            )
        )


@transaction.atomic
def merge(tag: Tag, into: Tag) -> int:
    """Give the pictures of `tag` to `into`; `tag` stays as another spelling of it.

    Its aliases, looks, implications, fragments, avatar and texts go along, and saved searches name `into`.
    Returns how many pictures `into` has now, without those in the trash. Raises `TagError`.
    """
    ours = lock_tag(tag)
    theirs = _canonical(ours, into)
    _check(ours, theirs)
    named = searches.names_of(ours)
    _move(ours, theirs)
    _become_alias(ours, theirs)
    searches.replace(ours.owner_id, {named[ours.pk]: theirs})
    searches.rewrite(theirs, named)
    tag.refresh_from_db()
    return TagCount.objects.get(tag=theirs).n


def _move(tag: Tag, target: Tag) -> None:
    _move_looks(tag, target)
    _move_implications(tag, target)
    spread(tag.owner_id, tag.pk, Implication.objects.reached_from([target.pk]))
    clear(tag.owner_id, [tag.pk])
    _move_jobs(tag, target)
    _move_fragments(tag, target)
    _move_references(tag, target)
    if not HouseStyle.objects.filter(chat=target).exists():
        HouseStyle.objects.filter(chat=tag).update(chat=target)
    HouseStyle.objects.filter(chat=tag).delete()
    User.objects.filter(persona=tag).update(persona=target if target.kind == Tag.Kind.PERSONA else None)
    used = TagCount.objects.filter(tag__in=[tag, target]).aggregate(Max("used_at"))
    TagCount.objects.filter(tag=target).update(used_at=used["used_at__max"])


def _move_looks(tag: Tag, target: Tag) -> None:
    """A look that `target` has under the same name is merged into that one."""
    if target.kind != Tag.Kind.CHARACTER:
        tag.looks.all().delete()  # other spellings alone: see `_check`
    theirs = {look.folded: look for look in target.looks.select_related("alias_of")}
    for look in sorted(tag.looks.all(), key=lambda look: look.alias_of_id is None):  # spellings first
        same = theirs.get(look.folded)
        if same and same.alias_of_id != look.pk:
            _give_way(look, same.alias_of or same)
            continue
        if same:
            same.delete()
        look.parent, look.slug = target, ""
        look.save(update_fields=["parent", "slug"])


def _give_way(look: Tag, same: Tag) -> None:
    if not look.alias_of_id:
        merge(look, same)
    look.delete()


def _move_implications(tag: Tag, target: Tag) -> None:
    """What would close a circle is left out: it holds by the rest of the circle."""
    for implied in list(Tag.objects.filter(implied_by__tag=tag)):
        if target.pk not in Implication.objects.reached_from([implied.pk]):
            Implication.objects.get_or_create(owner_id=tag.owner_id, tag=target, implied=implied)
    for source in list(Tag.objects.filter(implications__implied=tag)):
        if source.pk not in Implication.objects.reached_from([target.pk]):
            Implication.objects.get_or_create(owner_id=tag.owner_id, tag=source, implied=target)
    Implication.objects.filter(tag=tag).delete()
    Implication.objects.filter(implied=tag).delete()


def _move_references(tag: Tag, target: Tag) -> None:
    """The reference pictures of both, those of `target` first, as many as a pack holds."""
    theirs = [row.image_id for row in target.reference_pictures.all()]
    ours = [row.image_id for row in tag.reference_pictures.all()]
    ReferencePicture.objects.filter(tag__in=[tag, target]).delete()
    images = list(dict.fromkeys([*theirs, *ours]))[: ReferencePicture.MOST]
    ReferencePicture.objects.bulk_create(
        ReferencePicture(tag=target, position=position, image_id=image)
        for position, image in enumerate(images)
    )


def _move_jobs(tag: Tag, target: Tag) -> None:
    """What was made or imported for `tag`, and what is under way, was for the target: pictures and costs."""
    for through, job in ((Generation.tags.through, "generation_id"), (Import.tags.through, "import_id")):
        theirs = through.objects.filter(tag_id=target.pk).values(job)
        through.objects.filter(tag=tag).exclude(**{f"{job}__in": theirs}).update(tag_id=target.pk)
        through.objects.filter(tag=tag).delete()


def _move_fragments(tag: Tag, target: Tag) -> None:
    names = {fold(name) for name in target.fragments.values_list("name", flat=True)}
    texts = set(target.fragments.values_list("use", "text"))
    for place, fragment in enumerate(tag.fragments.all(), len(names)):
        if (fragment.use, fragment.text) in texts:
            continue  # goes with nothing lost when its tag becomes an alias
        fragment.name = _free_name(fragment.name, names)
        names.add(fold(fragment.name))
        fragment.tag, fragment.position = target, place
        fragment.save(update_fields=["tag", "name", "position"])
    tag.fragments.all().delete()


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while fold(free) in taken:
        number += 1
        free = f"{name[: Fragment.MAX_NAME - 5]} {number}"
    return free


def _become_alias(tag: Tag, target: Tag) -> None:
    target.inherit(tag)
    Tag.objects.filter(alias_of=tag).update(alias_of_id=target.pk)
    TagWord.objects.filter(target=tag).update(target=target)
    tag.alias_of, tag.pinned, tag.avatar, tag.avatar_crop = target, False, None, None
    tag.description, tag.color = "", ""
    tag.save(update_fields=["alias_of", "pinned", "avatar", "avatar_crop", "description", "color"])


@transaction.atomic
def delete(tag: Tag, *, trash_pictures: bool = False) -> int:
    """Delete `tag`, its other spellings and its looks. Returns how many pictures outside the trash had it.

    Its pictures stay where they are, or go to the trash.
    """
    lock(tag.owner_id)
    keys = bitmaps.of_tags([tag.pk])[tag.pk]
    if trash_pictures:
        for some in batched(keys, AT_ONCE):
            trash(Image.objects.owned_by(tag.owner_id).filter(pk__in=some))
    tag.delete()
    return len(keys)
