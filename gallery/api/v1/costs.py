from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, BeforeValidator

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Money
from gallery.money import periods, spending
from gallery.money.spending import Sums
from providers import registry
from providers.base import Connection

router = Router()


def _day_or_moment(text: str) -> date | datetime:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(
            "Write a day, such as 2026-11-22, or a moment, such as 2026-11-22T18:00:00Z."
        ) from exc


Moment = Annotated[date | datetime, BeforeValidator(_day_or_moment)]
NO_PROFILE, NO_TAG = "Deleted connection", "Without a tag"


class CostItem(BaseModel):
    key: str  # the day, model, or id; empty for what has none
    label: str
    cost_usd: Money
    images: int
    generations: int
    charged_without_image_usd: Money


class Costs(BaseModel):
    items: list[CostItem]
    total_usd: Money


@router.get("", response={200: Costs} | PROBLEMS)
def list_costs(
    request,
    first: Annotated[Moment | None, Query(alias="from")] = None,
    last: Annotated[Moment | None, Query(alias="to")] = None,
    by: Literal["day", "profile", "model", "tag"] = "day",
):
    """What was charged, by day, profile, model or tag. A date means the whole day, the last one included.

    By tag, a picture of two characters counts for both, so the items may come to more than the total.
    """
    start, end = _start(first), _end(last)
    if start and end and end < start:
        raise Invalid("to", "This is before “from”.")
    sums, whole = _read(request.user, start, end, by)
    items = [_shape(*entry) for entry in sums]
    return {"items": items, "total_usd": whole.usd}


def _start(moment: date | datetime | None) -> datetime | None:
    return _aware(moment) if isinstance(moment, datetime) else periods.midnight(moment) if moment else None


def _end(moment: date | datetime | None) -> datetime | None:
    """The first moment that is not asked for."""
    if isinstance(moment, datetime):
        return _aware(moment)
    if moment and moment.year >= 9999:
        raise Invalid("to", "This is too far away. Leave it out.")
    return periods.midnight(moment + timedelta(days=1)) if moment else None


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


type Entry = tuple[str, str, Sums]


def _read(owner, start, end, by: str) -> tuple[list[Entry], Sums]:
    if by == "day":
        days = spending.by_day(owner, start, end)
        entries = [(day.isoformat(), f"{day.day} {day:%B %Y}", sums) for (day,), sums in sorted(days.items())]
        return entries, spending.total(days.values())
    reader = {"model": _models, "profile": _profiles, "tag": _tags}[by]
    entries, whole = reader(owner, start, end)
    return sorted(entries, key=lambda entry: (-entry[2].usd, entry[1])), whole


def _models(owner, start, end) -> tuple[list[Entry], Sums]:
    found = spending.by_model(owner, start, end)
    merged = spending.regroup(found, 1)
    providers = {model: provider for provider, model in found}
    entries = [(model, _label(providers[model], model), sums) for (model,), sums in merged.items()]
    return entries, spending.total(found.values())


def _label(provider: str, model: str) -> str:
    """The model's name in the built-in list, else its id."""
    try:
        known = registry.provider_class(provider)(Connection())
    except registry.UnknownProvider:
        return model
    labels = {info.id: info.label for info in known.models()}
    labels |= {info.id: info.label for info in known.text_models()}
    return labels.get(model, model)


def _profiles(owner, start, end) -> tuple[list[Entry], Sums]:
    found, mine = spending.by_profile(owner, start, end), spending.profiles_by_key(owner)
    named = {key: (str(profile.public_id), profile.name) for key, profile in mine.items()}
    entries = [(*named.get(key, ("", NO_PROFILE)), sums) for (key,), sums in found.items()]
    return entries, spending.total(found.values())


def _tags(owner, start, end) -> tuple[list[Entry], Sums]:
    found, rest = spending.by_tag(owner, start, end), spending.untagged(owner, start, end)
    tags = spending.tags_by_key(owner, (key for (key,) in found))
    named = {key: (str(tag.public_id), tag.spec) for key, tag in tags.items()}
    entries = [(*named[key], sums) for (key,), sums in found.items() if key in named]
    if rest != Sums():
        entries.append(("", NO_TAG, rest))
    whole = spending.total(spending.by_profile(owner, start, end).values())
    return entries, whole


def _shape(key: str, label: str, sums: Sums) -> dict:
    return {
        "key": key,
        "label": label,
        "cost_usd": sums.usd,
        "images": sums.images,
        "generations": sums.generations,
        "charged_without_image_usd": sums.fruitless_usd,
    }
