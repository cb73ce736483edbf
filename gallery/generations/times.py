"""How long a model takes, told by the calls that went before."""

from collections.abc import Iterable
from statistics import median

from django.db import transaction

from gallery.models import Generation, GenerationCall, ModelTimes

KEPT = 20  # times of each model


def learn(call: GenerationCall, seconds: float) -> None:
    """Remember how long the vendor took for `call`, if it brought pictures."""
    if not GenerationCall.objects.filter(pk=call.pk, state=GenerationCall.State.DONE).exists():
        return
    provider, model = call.generation.provider, call.generation.model
    ModelTimes.objects.get_or_create(provider=provider, model=model)
    with transaction.atomic():
        row = ModelTimes.objects.select_for_update().get(provider=provider, model=model)
        row.seconds = [*row.seconds, round(seconds, 1)][-KEPT:]
        row.save(update_fields=["seconds"])


def typical(rows: Iterable[Generation]) -> dict[tuple[str, str], float]:
    """Seconds that one request takes, by (provider, model), for the active ones of `rows`.

    One query; none while nothing is active. Models that nobody has used yet are left out.
    """
    asked = {(row.provider, row.model) for row in rows if row.is_active}
    if not asked:
        return {}
    providers, models = zip(*asked, strict=True)
    known = ModelTimes.objects.filter(provider__in=set(providers), model__in=set(models))
    return {(row.provider, row.model): median(row.seconds) for row in known if row.seconds}
