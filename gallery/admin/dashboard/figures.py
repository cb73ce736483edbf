"""What a panel is made of: numbers with names, and small tables; each may lead to the rows behind it."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with its name, or one field of a table."""

    value: str
    label: str = ""
    url: str = ""
    note: str = ""
    tone: str = ""  # "ok", "warn" or "bad"

    def __str__(self):
        return format_html('<a href="{}">{}</a>', self.url, self.value) if self.url else self.value


@dataclass(frozen=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]  # the first is for the names of the rows
    rows: list[list[Figure]]


@dataclass(frozen=True, kw_only=True)
class Panel:
    title: str
    figures: list[Figure]
    tables: list[Table] = field(default_factory=list)
    notes: list[Figure] = field(default_factory=list)  # sentences


def rows_of(model: type[Model], **query: object) -> str:
    """The address of the list of `model`, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def page_of(model: type[Model], key: int | None) -> str:
    """The address of one row, or "" without one."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return reverse(name, args=[key]) if key else ""


def ago(moment: datetime | None) -> str:
    """How long ago it was, as short as it can be told: "12 s", "5 min", "3 h", "2 days"."""
    if moment is None:
        return "–"
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    steps = ((120, 1, "s"), (7200, 60, "min"), (48 * 3600, 3600, "h"))
    size, unit = next(((size, unit) for end, size, unit in steps if seconds < end), (86400, "days"))
    return f"{seconds // size:,} {unit}"
