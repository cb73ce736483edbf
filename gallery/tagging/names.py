"""From names to tags and their looks, and giving tags other names."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from gallery.models import Implication, Tag, TagCount, User
from gallery.models.tag import fold
from gallery.tagging import searches
from gallery.tagging.counts import lock, lock_tag
from gallery.tagging.membership import spread
from gallery.tagging.tagspec import MAX_SPECS, Key, Spec, TagError, TagTaken, clean_name, parse_spec

ATTEMPTS = 5  # at a row that somebody else may make at the same moment
CHARACTER, LOOK = Tag.Kind.CHARACTER.value, Tag.Kind.LOOK.value


# --- Finding and making -------------------------------------------------------------------------


def resolve(owner: User, specs: Iterable[str], *, create: bool = True) -> list[Tag]:
    """Find the tags that `specs` name, and make the missing ones. An alias gives the tag it stands for.

    Names are compared without case and accents. Each tag comes once, in the order of `specs`; the
    character of a missing look is made with it. With `create=False` unknown names are left out.
    Raises `TagError` for what cannot be a tag.
    """
    wanted = _wanted(specs)
    found = _find(owner, wanted)
    if create and (missing := sorted(wanted.keys() - found.keys())):
        found |= _make(owner, {key: wanted[key] for key in missing})
    return list(dict.fromkeys(found[key] for key in wanted if key in found))


def _wanted(specs: Iterable[str]) -> dict[Key, Spec]:
    """Returns the names as they were written, by what is compared."""
    names: dict[Key, Spec] = {}
    for spec in map(parse_spec, specs):
        names.setdefault(spec.key, spec)
    if len(names) > MAX_SPECS:
        raise TagError(
            gettext("These are {n} tags. Give at most {max_specs} at once.").format(
                n=len(names), max_specs=MAX_SPECS
            )
        )
    return names


def _find(owner: User, keys: Iterable[Key]) -> dict[Key, Tag]:
    keys = set(keys)
    looks = {key for key in keys if key.kind == LOOK}
    named = _find_named(owner, (keys - looks) | {Key(CHARACTER, key.parent) for key in looks if key.parent})
    found = {key: tag for key, tag in named.items() if key in keys}
    return found | _find_looks(owner, looks, named) if looks else found


def _find_named(owner: User, keys: set[Key]) -> dict[Key, Tag]:
    # In two simple questions: joined, the tag thrice over takes several times as long to ask for.
    tags = Tag.objects.owned_by(owner).filter(folded__in={key.folded for key in keys}, parent=None)
    found = {Key(tag.kind, tag.folded): tag for tag in tags.order_by()}
    aliases = [tag.alias_of_id for key, tag in found.items() if key in keys and tag.alias_of_id]
    stands_for = Tag.objects.select_related("parent").order_by().in_bulk(aliases) if aliases else {}
    return {key: stands_for.get(tag.alias_of_id, tag) for key, tag in found.items() if key in keys}


def _find_looks(owner: User, keys: set[Key], named: dict[Key, Tag]) -> dict[Key, Tag]:
    """Find looks by their characters; one without is found when only one character has a look so called."""
    parents = {key: named.get(Key(CHARACTER, key.parent)) for key in keys}
    ours = Q(parent__in={tag.pk for tag in parents.values() if tag})
    if any(not key.parent for key in keys):
        ours |= Q(folded__in={key.folded for key in keys if not key.parent})
    looks = Tag.objects.owned_by(owner).filter(ours, kind=LOOK, folded__in={key.folded for key in keys})
    found: dict[Key, Tag] = {}
    rows = list(looks.with_canonical())
    for key, parent in parents.items():
        fits = [tag for tag in rows if tag.folded == key.folded and _is_of(tag, parent, key)]
        if len({(tag.alias_of or tag).pk for tag in fits}) > 1:
            raise TagError(
                gettext("Several characters have a look called “{name}”. {help}").format(
                    name=fits[0].name, help=_say_whose(fits[0])
                )
            )
        if fits:
            found[key] = fits[0].alias_of or fits[0]
    return found


def _is_of(look: Tag, parent: Tag | None, key: Key) -> bool:
    return parent is not None and look.parent_id == parent.pk if key.parent else True


def _say_whose(look: Tag | Spec) -> str:
    return gettext('Say whose look it is, as in look:"Mirel:{name}".').format(name=look.name)


def _make(owner: User, names: dict[Key, Spec]) -> dict[Key, Tag]:
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                lock(owner.pk)
                return _make_missing(owner, names)
        except IntegrityError:  # somebody else has just made one of them
            continue
    raise TagError(gettext("These tags are being changed by somebody else just now. Try again."))


def _make_missing(owner: User, names: dict[Key, Spec]) -> dict[Key, Tag]:
    parents = {spec.parent: Spec(CHARACTER, spec.parent) for spec in names.values() if spec.parent}
    wanted = names | {spec.key: names.get(spec.key, spec) for spec in parents.values()}
    found = _find(owner, wanted)
    for key in sorted(wanted.keys() - found.keys(), key=lambda key: (key.kind == LOOK, key)):
        # Characters come before their looks.
        found[key] = _create(owner, wanted[key], found.get(Key(CHARACTER, key.parent)))
    return {key: found[key] for key in names}


def _create(owner: User, spec: Spec, parent: Tag | None) -> Tag:
    if spec.kind == LOOK and parent is None:
        raise TagError(
            gettext("There is no look called “{name}”. {help}").format(name=spec.name, help=_say_whose(spec))
        )
    if parent and parent.kind != CHARACTER:
        called = gettext("“{n}” is another spelling of {spec}").format(
            n=spec.parent or parent.name, spec=parent.spec
        )
        raise TagError(gettext("{called}, which has no looks. Name a character.").format(called=called))
    name = clean_name(spec.name, spec.kind)
    tag = Tag.objects.create(owner=owner, kind=spec.kind, name=name, parent=parent)
    TagCount.objects.create(tag_id=tag.pk, owner=owner)
    tag.just_made = True
    return tag


@transaction.atomic
def create(owner: User, kind: str, name: str, parent: Tag | None = None) -> Tag:
    """Make a new tag; a look is one of the character `parent`. Raises `TagError`, `TagTaken` for its name."""
    lock(owner.pk)
    tag = Tag(owner=owner, kind=kind, name=clean_name(name, kind), parent=parent)
    _check_parent(tag, kind, parent)
    _check_free(tag)
    return _create(owner, Spec(kind, tag.name), parent)


# --- Another name, another kind -----------------------------------------------------------------


@transaction.atomic
def rename(tag: Tag, name: str) -> None:
    """Give `tag` another name, and an address that fits it. Its looks and saved searches follow.

    Raises `TagError` when the name is taken.
    """
    name = clean_name(name, tag.kind)
    before = searches.names_of(lock_tag(tag))
    tag.aliases.filter(kind=tag.kind, parent=tag.parent_id, folded=fold(name)).delete()
    _save(tag, name=name, slug="")
    searches.rewrite(tag, before)


@transaction.atomic
def change_kind(tag: Tag, kind: str, parent: Tag | None = None) -> None:
    """Make `tag` one of another kind; as a look, that of the character `parent`.

    Its pictures, other spellings and saved searches follow. Raises `TagError`.
    """
    fresh = lock_tag(tag)
    _check_kind(fresh, kind, parent)
    before = searches.names_of(fresh)
    for each in [tag, *tag.aliases.filter(kind=fresh.kind, parent=fresh.parent_id)]:
        _save(each, name=clean_name(each.name, kind), kind=kind, parent=parent, slug="")
    spread(tag.owner_id, tag.pk, Implication.objects.reached_from([tag.pk]))
    searches.rewrite(tag, before)


def _check_kind(tag: Tag, kind: str, parent: Tag | None) -> None:
    if kind != CHARACTER and tag.looks.exists():
        raise TagError(
            gettext("“{name}” has looks, so it stays a character. Merge or delete its looks first.").format(
                name=tag.name
            )
        )
    _check_parent(tag, kind, parent)
    if parent and tag.pk in Implication.objects.reached_from([parent.pk]):
        raise TagError(
            gettext("“{name}” brings “{name_}” already, so that cannot be one of its looks.").format(
                name=parent.name, name_=tag.name
            )
        )


def _check_parent(tag: Tag, kind: str, parent: Tag | None) -> None:
    if kind not in Tag.Kind.values:
        raise TagError(
            gettext("There is no kind “{kind}”. Choose one of {names}.").format(
                kind=kind, names=", ".join(Tag.Kind.values)
            )
        )
    if kind != LOOK and parent:
        raise TagError(gettext("Only a look belongs to a character. Leave the character out."))
    mine = Tag.objects.filter(owner=tag.owner_id, kind=CHARACTER, alias_of=None)
    if kind == LOOK and not (parent and mine.filter(pk=parent.pk).exists()):
        raise TagError(gettext("A look belongs to a character. Choose whose look it is."))


def _save(tag: Tag, **values) -> None:
    before = {name: getattr(tag, name) for name in values}
    for name, value in values.items():
        setattr(tag, name, value)
    try:
        _check_free(tag)
    except TagTaken:
        for name, value in before.items():
            setattr(tag, name, value)
        raise
    tag.save(update_fields=[*values, "folded"])


def _check_free(tag: Tag) -> None:
    rows = Tag.objects.filter(owner=tag.owner_id, kind=tag.kind, parent=tag.parent_id)
    taken = rows.filter(folded=fold(tag.name)).exclude(pk=tag.pk).with_canonical().first()
    if taken:
        raise TagTaken(taken)
