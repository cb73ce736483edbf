"""What keeps long lists fast: counting that ends, and filters that know their values."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from gallery.models import ModelTimes, User
from providers import registry
from providers.errors import ProviderError

MOST = 10_000  # rows that are counted, and paged through


class ShortPaginator(Paginator):
    """Counts no further than `MOST`: nobody turns so many pages, and it would read the whole table."""

    @cached_property
    def counted(self) -> int:
        rows = cast(QuerySet, self.object_list)
        return rows.order_by()[: MOST + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST)

    @property
    def is_cut(self) -> bool:
        return self.counted > MOST


class ChoiceFilter(admin.SimpleListFilter):
    """One of some values that are known beforehand. Django would ask the table which values it has."""

    def queryset(self, request, queryset):
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class ProviderFilter(ChoiceFilter):
    title = "provider"
    parameter_name = "provider"

    def lookups(self, request, model_admin):
        return registry.provider_choices()


class ModelFilter(ChoiceFilter):
    """The models that brought pictures: their times are kept."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request, model_admin):
        names = ModelTimes.objects.order_by("model").values_list("model", flat=True).distinct()
        return [(name, name) for name in names]


class ErrorFilter(ChoiceFilter):
    title = "error"
    parameter_name = "error_code"

    def lookups(self, request, model_admin):
        codes = sorted(set(_codes(ProviderError)))
        return [("any", "Any"), *((code, code.replace("_", " ").capitalize()) for code in codes)]

    def queryset(self, request, queryset):
        return (
            queryset.exclude(error_code="") if self.value() == "any" else super().queryset(request, queryset)
        )


def _codes(kind: type[ProviderError]) -> Iterator[str]:
    yield kind.code
    for narrower in kind.__subclasses__():
        yield from _codes(narrower)


SPANS = {
    "today": ("Today", timedelta(0)),
    "day": ("Past 24 hours", timedelta(days=1)),
    "week": ("Past 7 days", timedelta(days=7)),
    "month": ("This month", timedelta(0)),
    "year": ("Past 365 days", timedelta(days=365)),
}


def beginning_of(span: str) -> datetime:
    """When "today", "day", "week", "month" or "year" began."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = {"today": midnight, "month": midnight.replace(day=1)}
    return begun.get(span) or now - SPANS[span][1]


def everybody() -> QuerySet:
    """The keys of all owners, so that an index which begins with the owner can be used for all of them."""
    return User.objects.order_by().values("pk")


class RecentFilter(admin.SimpleListFilter):
    """By the index of (owner, moment), which is why all owners are named."""

    title = "when"
    parameter_name = "when"
    path = ""  # from the row to what has an owner and a moment

    def lookups(self, request, model_admin):
        return [(span, label) for span, (label, _) in SPANS.items()]

    def queryset(self, request, queryset):
        span = self.value()
        if span not in SPANS:
            return queryset
        moments = {f"{self.path}created_at__gte": beginning_of(span)}
        return queryset.filter(**{f"{self.path}owner__in": everybody()}, **moments)


class RecentCallFilter(RecentFilter):
    path = "generation__"
