"""What the page of a tag shows beside its pictures: its company, looks, fragments and costs."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Sum

from gallery import offers
from gallery.forms.pictures import rows_of
from gallery.generations import comparisons
from gallery.models import Fragment, Image, ImageTag, Tag, User
from gallery.money import costs
from gallery.prompting import fragments, packs
from gallery.screens import cards, cast, faces, feed
from gallery.screens.cast import Card
from gallery.search import bitmaps
from gallery.tagging import implications

OFTEN_FROM = 500  # newest pictures of a tag that are looked at for its company
OFTEN_SHOWN = 8
LOOKS_SHOWN = 60
SUMMED = 10_000  # pictures; the costs of more take too long to add up while somebody waits


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Whether a fragment, or one of its shorter wordings, is within what a connection's model takes."""

    name: str  # of the connection
    limit: int  # characters
    length: int  # of the wording that would be sent
    shortened: bool

    @property
    def is_ok(self) -> bool:
        return self.length <= self.limit


@dataclass(frozen=True, kw_only=True)
class FragmentCard:
    fragment: Fragment
    called: str  # what is written in a prompt to have it: "@Mira:ranger"; empty when it comes by itself
    fits: tuple[Fit, ...]  # of the connections whose models have a limit


def read(tag: Tag) -> dict:
    """Read what the page shows of `tag`, which is read with its count."""
    has_texts = tag.kind in fragments.KINDS
    brought = list(implications.of(tag))
    return {
        "costars": often_with(tag),
        "looks": looks(tag) if tag.kind == Tag.Kind.CHARACTER else [],
        "has_fragments": has_texts,
        "fragments": fragment_cards(tag) if has_texts else [],
        "pack": rows_of(packs.images_of(tag)) if has_texts else [],
        "kept": kept(tag) if has_texts else [],
        "brought": brought,
        "lacking": implications.lacking(tag) if brought else 0,
        "cost": cost(tag),
        "limit": limit(tag),
    }


def limit(tag: Tag) -> costs.Limit | None:
    """What may be spent in a chat in this month, where it has a limit."""
    if tag.monthly_budget_usd is None:
        return None
    return next(iter(costs.limits_of_chats(tag.owner, [tag])), None)


def often_with(tag: Tag) -> list[Card]:
    """Tags that the newest pictures of `tag` carry besides it, the most frequent first."""
    keys = bitmaps.newest(bitmaps.of_tags([tag.pk])[tag.pk], OFTEN_FROM)
    others = ImageTag.objects.filter(owner_id=tag.owner_id, image_id__in=keys)
    others = others.exclude(tag__in=[tag.pk, tag.parent_id or tag.pk])  # a look is always with its character
    if tag.kind == Tag.Kind.CHARACTER:
        others = others.exclude(tag__parent=tag)  # its looks stand above
    company = others.values_list("tag_id").annotate(n=Count("image_id")).order_by("-n", "tag_id")
    counts = dict(company[:OFTEN_SHOWN])
    tags = Tag.objects.select_related("parent").in_bulk(counts)
    return [_companion(tag, tags[key], n) for key, n in counts.items() if key in tags]


def _companion(tag: Tag, other: Tag, n: int) -> Card:
    both = feed.with_query(tag.get_absolute_url(), q=other.spec)
    return Card(tag=other, url=both, face=None, count=n)


def looks(tag: Tag) -> list[Card]:
    """The looks of a character, the last used first, each with its cover."""
    rows = tag.looks.filter(alias_of=None).with_counts().annotate(used_at=F("count__used_at"))
    rows = rows.select_related("avatar", "parent").order_by(F("used_at").desc(nulls_last=True), "folded")
    return cast.cards(list(rows[:LOOKS_SHOWN]), faces.PORTRAIT)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A model in comparisons for a tag."""

    name: str
    record: comparisons.Record


def kept(tag: Tag) -> list[Kept]:
    """Which models were kept in comparisons for `tag`, how often and at which price."""
    records = comparisons.records_of(tag)
    return [Kept(name=cards.model_name(each.provider, each.model), record=each) for each in records]


def cost(tag: Tag) -> Decimal | None:
    """What the pictures of `tag` cost together, in US dollars; None when there are too many to add up."""
    if getattr(tag, "image_count", 0) > SUMMED:
        return None
    carried = ImageTag.objects.filter(owner_id=tag.owner_id, tag=tag)
    images = Image.objects.filter(pk__in=carried.values("image")).live()
    return images.aggregate(usd=Sum("cost_usd"))["usd"] or Decimal(0)


# --- Fragments ----------------------------------------------------------------------------------


def fragment_cards(tag: Tag) -> list[FragmentCard]:
    """The fragments of `tag` in their order."""
    found = list(tag.fragments.all())
    limits = prompt_limits(tag.owner) if found else {}
    return [FragmentCard(fragment=each, called=called(tag, each), fits=fits(each, limits)) for each in found]


def called(tag: Tag, fragment: Fragment) -> str:
    """What is written in a prompt to have `fragment`, when it does not come by itself."""
    return f"@{tag.value}:{fragment.name}" if fragment.use == Fragment.Use.DEMAND else ""


def fits(fragment: Fragment, limits: dict[str, int]) -> tuple[Fit, ...]:
    return tuple(_fit(fragment, name, limit) for name, limit in limits.items())


def _fit(fragment: Fragment, name: str, limit: int) -> Fit:
    text = fragment.text_for(limit)
    return Fit(name=name, limit=limit, length=len(text), shortened=text != fragment.text)


def prompt_limits(owner: User) -> dict[str, int]:
    """How many characters of prompt the model of each connection takes, where it says so."""
    groups = offers.offer_groups(owner)
    most = {group.profile.name: _own(group).info.capabilities.max_prompt for group in groups}
    return {name: limit for name, limit in most.items() if limit}


def _own(group: offers.OfferGroup) -> offers.Offer:
    model = group.profile.default_model or group.provider.default_model()
    return next((offer for offer in group.offers if offer.info.id == model), group.offers[0])
