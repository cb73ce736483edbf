"""What each filter asks of a picture, and what it can be given."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from gallery.language.wording import format_lazy, gettext_lazy
from gallery.models import ConnectionProfile, GenerationReference, Image, ImageTag, NearDuplicate, Tag, User
from gallery.search import values
from gallery.search.language import Term

SOURCES = {
    "upload": Image.Source.UPLOAD,
    "uploaded": Image.Source.UPLOAD,
    "import": Image.Source.IMPORT,
    "imported": Image.Source.IMPORT,
    "generated": Image.Source.GENERATED,
}


def _tagged(**which: str) -> Q:
    return Q(Exists(ImageTag.objects.filter(image=OuterRef("pk"), **which)))


# --- Few pictures of many: a list of their keys, for SQLite would try each picture in turn ---


def _alike(owner: User) -> Q:
    pairs = NearDuplicate.objects.owned_by(owner).filter(decision=NearDuplicate.Decision.OPEN)
    return Q(pk__in=pairs.values("first").union(pairs.values("second")))


def _avatars(owner: User) -> Q:
    return Q(pk__in=Tag.objects.owned_by(owner).filter(avatar__isnull=False).values("avatar"))


def _references(owner: User) -> Q:
    sent = GenerationReference.objects.filter(generation__owner=owner, image__isnull=False)
    return Q(pk__in=sent.values("image"))


# Built anew for each use: an OuterRef belongs to one query.
LISTED: dict[str, Callable[[User], Q]] = {"duplicate": _alike, "avatar": _avatars, "reference": _references}
MARKS: dict[str, Callable[[], Q]] = {
    "favourite": lambda: Q(favorite=True),
    "untagged": lambda: ~_tagged(),
    "tagged": lambda: _tagged(),
    "rated": lambda: Q(rating__gt=0),
    "unrated": lambda: Q(rating=0),
    "sensitive": lambda: Q(sensitive=True),
    "animated": lambda: Q(frames__gt=1),
    "edited": lambda: Q(parent__isnull=False),
    "stacked": lambda: Q(stack__isnull=False),
    "generated": lambda: Q(source=Image.Source.GENERATED),
    "uploaded": lambda: Q(source=Image.Source.UPLOAD),
    "imported": lambda: Q(source=Image.Source.IMPORT),
}
THINGS: dict[str, Callable[[], Q]] = {
    "prompt": lambda: ~Q(prompt=""),
    "notes": lambda: ~Q(notes=""),
    "title": lambda: ~Q(title=""),
    "rating": lambda: Q(rating__gt=0),
    "cost": lambda: Q(cost_usd__isnull=False),
    "seed": lambda: Q(seed__isnull=False),
    "model": lambda: ~Q(model=""),
    "address": lambda: ~Q(source_url=""),
    "tags": lambda: _tagged(),
    **{str(kind): partial(_tagged, tag__kind=kind) for kind in Tag.Kind.values},
}
SAME = {"favorite": "favourite", "version": "edited", "stack": "stacked", "note": "notes", "url": "address"}


def condition(owner: User, kind: str, value: str) -> Q | None:
    """What the filter `kind` asks with `value`. None: it does not know this value."""
    return READERS[kind](owner, value)


def hint(kind: str) -> str:
    """A sentence that says what the filter takes."""
    return HINTS[kind]


def _source(_owner: User, value: str) -> Q | None:
    source = SOURCES.get(value.lower())
    return Q(source=source) if source else None


def _model(_owner: User, value: str) -> Q:
    return Q(model__istartswith=value[:-1]) if value.endswith("*") else Q(model__iexact=value)


def _one_of(known: dict[str, Callable[[], Q]], value: str) -> Q | None:
    name = SAME.get(value.lower(), value.lower())
    return known[name]() if name in known else None


def _mark(owner: User, value: str) -> Q | None:
    listed = LISTED.get(value.lower())
    return listed(owner) if listed else _one_of(MARKS, value)


def _profile(owner: User, value: str) -> Q:
    named = ConnectionProfile.objects.owned_by(owner).filter(name__iexact=value)
    return Q(profile__in=list(named.values_list("pk", flat=True)))


def _rating(_owner: User, value: str) -> Q | None:
    return Q(rating=0) if value.lower() == "none" else values.count("rating", value)


def _cost(_owner: User, value: str) -> Q | None:
    if value.lower() == "unknown":
        return Q(cost_usd=None)
    return Q(cost_usd=0) if value.lower() == "free" else values.amount("cost_usd", value)


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _id(_owner: User, value: str) -> Q | None:
    public_id = _uuid(value)
    return Q(public_id=public_id) if public_id else None


def _stack(owner: User, value: str) -> Q | None:
    public_id = _uuid(value)
    member = Image.objects.owned_by(owner).filter(public_id=public_id, stack__isnull=False)
    return Q(stack__in=member.values("stack")) if public_id else None


READERS: dict[str, Callable[[User, str], Q | None]] = {
    "source": _source,
    "model": _model,
    "provider": lambda _, value: Q(provider=value.lower()),
    "profile": _profile,
    "is": _mark,
    "has": lambda _, value: _one_of(THINGS, value),
    "favourite": lambda _, value: values.answer("favorite", value),
    "sensitive": lambda _, value: values.answer("sensitive", value),
    "rating": _rating,
    "cost": _cost,
    "width": lambda _, value: values.count("width", value),
    "height": lambda _, value: values.count("height", value),
    "size": lambda _, value: values.size(value),
    "ratio": lambda _, value: values.ratio(value),
    "id": _id,
    "stack": _stack,
}
DAYS = gettext_lazy("Write a day like 2026-11-22, 2026-11, 2026, today, yesterday, week, month or year.")
ONE_OF = gettext_lazy("Write one of {names}.")
HINTS = {
    "source": gettext_lazy("Write upload, import or generated."),
    "is": format_lazy(ONE_OF, names=", ".join((*MARKS, *LISTED))),
    "has": format_lazy(ONE_OF, names=", ".join(THINGS)),
    "favourite": gettext_lazy("Write yes or no."),
    "sensitive": gettext_lazy("Write yes or no."),
    "rating": gettext_lazy("Write stars like 4, >=4, 2..3 or none."),
    "cost": gettext_lazy("Write US dollars like 0.04, >0.05, 0.01..0.10, free or unknown."),
    "width": gettext_lazy("Write pixels like 1024, >2000 or 512..1024."),
    "height": gettext_lazy("Write pixels like 1024, >2000 or 512..1024."),
    "size": gettext_lazy(
        "Write the longest side like >=2000, both sides like 1024x1536, or the file like >5MB."
    ),
    "ratio": gettext_lazy("Write portrait, landscape, square, or width to height like 16:9."),
    "id": gettext_lazy("Write the id as it stands in the picture's address."),
    "stack": gettext_lazy("Write the id of one of its pictures, as it stands in the picture's address."),
    "date": gettext_lazy(
        "Write a day like 2026-11-22, 2026-11, 2026, today, yesterday, week, month or year, or from..to."
    ),
    "before": DAYS,
    "after": DAYS,
    "sort": gettext_lazy("Write newest, oldest, rating, cost or random."),
}


def unknown(term: Term, value: str) -> str:
    """Say that the filter does not know `value`, and what it takes."""
    return gettext("{kind}: does not know “{n}”. {hint}").format(
        kind=term.kind, n=value[:40], hint=HINTS[term.kind]
    )
