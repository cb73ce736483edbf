"""Reference images beside the generate form: added from the gallery or from files, moved, taken away."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from gallery import ingest, offers
from gallery.forms.fitting import typed_in
from gallery.forms.generate import GenerateForm
from gallery.forms.pictures import by_ids, rows_of
from gallery.models import Image
from gallery.search import BadCursor, page, search
from gallery.views.add import price_of
from gallery.views.errors import bad_request

SHOWN = 48  # pictures to choose from at once


@require_POST
def arrange(request):
    """Do one thing with the references, and answer with them, with the price, and with what was pressed."""
    groups = offers.offer_groups(request.user)
    offer = offers.chosen(groups, request.POST)
    if offer is None:
        raise Http404(gettext("This model is not offered."))
    values = typed_in(request.POST)
    before = values.get("references", [])
    after, problems = _arranged(request, before)
    most = offer.info.capabilities.max_references
    if len(after) > most:
        problems.append(
            gettext("{label} takes {most} reference images. Take one away first.").format(
                label=offer.info.label, most=most
            )
        )
        after = after[: max(most, len(before))]
    if after[:1] != before[:1]:
        values.pop("mask", None)  # it belongs to the picture that was first
    if "forget" in request.POST:
        values.pop("original", None)
    form = GenerateForm(offer=offer, initial=values | {"references": after})
    context = {"form": form, "offer": offer, "problems": problems, **price_of(request, form)}
    return render(request, "gallery/add/_references_answer.html", context | _picked(request, form))


def _arranged(request, chosen: list[str]) -> tuple[list[str], list[str]]:
    """The ids after what was pressed, and what went wrong, in sentences."""
    chosen, pressed = list(chosen), request.POST
    if (one := pressed.get("toggle", "")) and one not in chosen:
        return [*chosen, one], []
    if (one := pressed.get("remove") or pressed.get("toggle")) in chosen:
        chosen.remove(one)
    if (one := pressed.get("up")) in chosen and (place := chosen.index(one)):
        chosen[place - 1 : place + 1] = [one, chosen[place - 1]]
    added, problems = _stored(request)
    return list(dict.fromkeys([*chosen, *added])), problems


def _stored(request) -> tuple[list[str], list[str]]:
    """Uploaded files become pictures of the gallery."""
    ids, problems = [], []
    for file in request.FILES.getlist("file"):
        try:
            stored = ingest.store(request.user, file, source=Image.Source.UPLOAD, file_name=file.name)
        except ingest.IngestError as exc:
            problems.append(f"{file.name}: {exc.message}")
        else:
            ids.append(str(stored.image.public_id))
    return ids, problems


def _picked(request, form) -> dict:
    """The button in the picker that was pressed, in its new state."""
    if "toggle" not in request.POST:
        return {}
    chosen = {str(row.image.public_id) for row in form.reference_rows}
    return {"picked": rows_of(by_ids(request.user.pk, [request.POST["toggle"]])), "chosen": chosen}


@require_safe
def pick(request):
    """Pictures of the gallery to choose from, found like everywhere else."""
    found = search(request.user, request.GET.get("q", ""))
    try:
        batch = page(found, after=request.GET.get("after"), limit=SHOWN)
    except BadCursor:
        return bad_request(request, gettext("This list is out of date. Search again."))
    context = {
        "rows": rows_of(batch.images),
        "chosen": set(request.GET.getlist("references")),
        "next": batch.next,
        "found": found.text,
        "is_first": "after" not in request.GET,
    }
    return render(request, "gallery/add/_pick.html#results", context)
