"""Money: what was spent, what is spoken for, and whether a budget lets a request through."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, DecimalField, F, Sum, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from gallery.language.wording import gettext_lazy
from gallery.models import Assist, ConnectionProfile, Generation, Tag, User
from gallery.models.generation import ACTIVE
from gallery.templatetags.ui import money
from providers.errors import InvalidRequest, ProviderError

MONEY = DecimalField(max_digits=12, decimal_places=6)
# What a request takes out of a budget: what was charged, or the estimate while it is under way.
# What may have been charged counts as charged until somebody knows better, or a limit would be none.
SPOKEN_FOR = Case(
    When(status__in=ACTIVE, then=F("estimated_cost_usd")),
    When(may_have_been_charged=True, cost_usd=None, then=F("estimated_cost_usd")),
    default=F("cost_usd"),
    output_field=MONEY,
)
TEXT_SPOKEN_FOR = Case(
    When(finished_at=None, then=F("estimated_cost_usd")),
    When(may_have_been_charged=True, cost_usd=None, then=F("estimated_cost_usd")),
    default=F("cost_usd"),
    output_field=MONEY,
)


class BudgetExceeded(ProviderError):
    code = "budget_exceeded"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A monthly limit, and what of it is spent or spoken for."""

    usd: Decimal
    spent: Decimal
    name: str  # whose: "your limit for November", "the November limit of Work"
    profile: ConnectionProfile | None = None  # whose it is; with neither, it is the person's own
    chat: Tag | None = None
    warn_percent: int = 80  # from when on people are warned

    @property
    def left(self) -> Decimal:
        return max(self.usd - self.spent, Decimal(0))

    @property
    def is_near(self) -> bool:
        return self.spent * 100 >= self.usd * self.warn_percent

    @property
    def percent(self) -> int:
        return int(self.spent * 100 / self.usd) if self.usd else 100


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a request stands to the limits that it has to keep, before it is made."""

    limit: Limit | None  # the tightest one
    near: Limit | None  # one that is almost used up
    over: Decimal  # US dollars by which the request would go over the tightest one
    fits: int  # how many of its pictures would not


def start_of_month():
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def spent_this_month(profile: ConnectionProfile) -> Decimal:
    """US dollars of this month: what was charged, plus the estimates of what is under way."""
    return _spoken_for(profile=profile)


def spent_by(owner: User) -> Decimal:
    """The same of all connections of `owner`, those that were deleted since among them."""
    return _spoken_for(owner=owner)


def _spoken_for(**whose) -> Decimal:
    whose["created_at__gte"] = start_of_month()
    pictures = Generation.objects.filter(**whose).aggregate(total=Sum(SPOKEN_FOR))["total"]
    texts = Assist.objects.filter(**whose).aggregate(total=Sum(TEXT_SPOKEN_FOR))["total"]
    return (pictures or Decimal(0)) + (texts or Decimal(0))


def limits(profile: ConnectionProfile, chats: Iterable[Tag] = ()) -> list[Limit]:
    """The limits that a request through `profile` for `chats` has to keep, the tightest first."""
    month, owner, kept = date_format(timezone.localdate(), "F"), profile.owner, []
    warn = owner.warn_percent
    if owner.monthly_budget_usd is not None:
        kept.append(limit_of(owner))
    if profile.monthly_budget_usd is not None:
        name, spent = (
            gettext("the {month} limit of {name}").format(month=month, name=profile.name),
            spent_this_month(profile),
        )
        usd = profile.monthly_budget_usd
        kept.append(Limit(usd=usd, spent=spent, name=name, profile=profile, warn_percent=warn))
    return sorted([*kept, *limits_of_chats(owner, chats)], key=lambda limit: limit.left)


def limit_of(owner: User) -> Limit:
    """The person's own limit of this month, which there has to be."""
    usd, month = owner.monthly_budget_usd or Decimal(0), date_format(timezone.localdate(), "F")
    name = gettext("your {month} limit").format(month=month)
    return Limit(usd=usd, spent=spent_by(owner), name=name, warn_percent=owner.warn_percent)


def limits_of_chats(owner: User, chats: Iterable[Tag] | None = None) -> list[Limit]:
    """The limits of those of `chats` that have one, or of all chats of `owner`. At most two queries."""
    if chats is not None and not (chats := list(chats)):
        return []
    rows = Tag.objects.owned_by(owner).filter(kind=Tag.Kind.CHAT).exclude(monthly_budget_usd=None)
    rows = rows if chats is None else rows.filter(pk__in=[chat.pk for chat in chats])
    limited = list(rows.select_related("parent"))
    spent = _spoken_for_by_tag(owner, limited) if limited else {}
    month, warn = date_format(timezone.localdate(), "F"), owner.warn_percent
    return [
        Limit(
            usd=chat.monthly_budget_usd or Decimal(0),
            spent=spent.get(chat.pk, Decimal(0)),
            name=gettext("the {month} limit of “{name}”").format(month=month, name=chat.name),
            chat=chat,
            warn_percent=warn,
        )
        for chat in limited
    ]


def _spoken_for_by_tag(owner: User, tags: Iterable[Tag]) -> dict[int, Decimal]:
    """US dollars of this month by key of the tag that it was for."""
    mine = Generation.objects.owned_by(owner).filter(created_at__gte=start_of_month(), tags__in=list(tags))
    sums = mine.order_by().values_list("tags").annotate(total=Sum(SPOKEN_FOR))
    return {key: total or Decimal(0) for key, total in sums}


def chats_among(tags: Iterable[Tag]) -> list[Tag]:
    """The chats that a request with these tags belongs to."""
    return [tag for tag in dict.fromkeys(tags) if tag.kind == Tag.Kind.CHAT]


def standing(
    profile: ConnectionProfile, estimate: Decimal | None, n: int, chats: Iterable[Tag] = ()
) -> Standing:
    """How a request for `n` pictures stands that costs `estimate` in all."""
    kept = limits(profile, chats)
    limit = kept[0] if kept else None
    over = max(estimate - limit.left, Decimal(0)) if limit and estimate else Decimal(0)
    fits = int(limit.left * n / estimate) if limit and estimate and over else 0
    near = next((each for each in kept if each.is_near), None)
    return Standing(limit=limit, near=near, over=over, fits=fits)


def reserve(profile: ConnectionProfile, estimate: Decimal | None, chats: Iterable[Tag] = ()) -> None:
    """Let a request through, or raise `BudgetExceeded`. Call it in the transaction that saves the request.

    The owner's and the profile's rows are locked, in this order, so that two requests at once cannot both
    take the last dollar. A request without a known price passes as long as anything is left.
    """
    if estimate == 0:
        return
    owner = User.objects.select_for_update(no_key=True).get(pk=profile.owner_id)
    row = ConnectionProfile.objects.select_for_update(no_key=True).filter(pk=profile.pk).first()
    if row is None:
        raise InvalidRequest(
            gettext("This connection was just deleted. Choose another one."), field="profile"
        )
    row.owner = owner  # as it is now, not as it was when the request came in
    for limit in limits(row, chats):
        if estimate is None and not limit.left:
            raise BudgetExceeded(
                gettext("Nothing of {name} is left, and the price of this is not known. {help}").format(
                    name=limit.name, help=HELP
                )
            )
        if estimate is not None and estimate > limit.left:
            raise BudgetExceeded(
                gettext("This would cost about {usd}, and {left}. {help}").format(
                    usd=money(estimate), left=what_is_left(limit), help=HELP
                )
            )


def what_is_left(limit: Limit) -> str:
    """How much of a limit is left, within a sentence: "$3.20 of your November limit is left"."""
    if not limit.left:
        return gettext("nothing of {name} is left").format(name=limit.name)
    return gettext("{usd} of {name} is left").format(usd=money(limit.left), name=limit.name)


HELP = gettext_lazy("Ask for fewer pictures, raise the limit, or wait for the next month.")
