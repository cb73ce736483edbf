"""Money: what was spent, what is spoken for, and whether a budget lets a request through."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, DecimalField, F, Sum, When
from django.utils import timezone

from gallery.models import Assist, ConnectionProfile, Generation, User
from gallery.models.generation import ACTIVE
from gallery.templatetags.ui import money
from providers.errors import InvalidRequest, ProviderError

MONEY = DecimalField(max_digits=12, decimal_places=6)
WARN_FROM = Decimal("0.8")  # of a limit
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
    profile: ConnectionProfile | None = None  # None: the person's own, for all connections

    @property
    def left(self) -> Decimal:
        return max(self.usd - self.spent, Decimal(0))

    @property
    def is_near(self) -> bool:
        return self.spent >= self.usd * WARN_FROM

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


def limits(profile: ConnectionProfile) -> list[Limit]:
    """The limits that a request through `profile` has to keep, the tightest first."""
    month, owner, kept = f"{timezone.localdate():%B}", profile.owner, []
    if owner.monthly_budget_usd is not None:
        name = f"your {month} limit"
        kept.append(Limit(usd=owner.monthly_budget_usd, spent=spent_by(owner), name=name))
    if profile.monthly_budget_usd is not None:
        name, spent = f"the {month} limit of {profile.name}", spent_this_month(profile)
        kept.append(Limit(usd=profile.monthly_budget_usd, spent=spent, name=name, profile=profile))
    return sorted(kept, key=lambda limit: limit.left)


def standing(profile: ConnectionProfile, estimate: Decimal | None, n: int) -> Standing:
    """How a request for `n` pictures stands that costs `estimate` in all."""
    kept = limits(profile)
    limit = kept[0] if kept else None
    over = max(estimate - limit.left, Decimal(0)) if limit and estimate else Decimal(0)
    fits = int(limit.left * n / estimate) if limit and estimate and over else 0
    near = next((each for each in kept if each.is_near), None)
    return Standing(limit=limit, near=near, over=over, fits=fits)


def reserve(profile: ConnectionProfile, estimate: Decimal | None) -> None:
    """Let a request through, or raise `BudgetExceeded`. Call it in the transaction that saves the request.

    The owner's and the profile's rows are locked, in this order, so that two requests at once cannot both
    take the last dollar. A request without a known price passes as long as anything is left.
    """
    if estimate == 0:
        return
    owner = User.objects.select_for_update(no_key=True).get(pk=profile.owner_id)
    row = ConnectionProfile.objects.select_for_update(no_key=True).filter(pk=profile.pk).first()
    if row is None:
        raise InvalidRequest("This connection was just deleted. Choose another one.", field="profile")
    row.owner = owner  # as it is now, not as it was when the request came in
    for limit in limits(row):
        if estimate is None and not limit.left:
            raise BudgetExceeded(
                f"Nothing of {limit.name} is left, and the price of this is not known. {HELP}"
            )
        if estimate is not None and estimate > limit.left:
            left = money(limit.left) if limit.left else "nothing"
            raise BudgetExceeded(
                f"This would cost about {money(estimate)}, and {left} of {limit.name} is left. {HELP}"
            )


HELP = "Ask for fewer pictures, raise the limit, or wait for the next month."
