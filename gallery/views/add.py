"""Add images: Upload, Import and Generate, three tabs of one surface."""

import uuid

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from gallery import ingest, offers, tagging
from gallery.decode.errors import megapixels
from gallery.files.media import thumbnail_url
from gallery.forms import comparison
from gallery.forms.add import ImportForm, UploadForm, upload_limit
from gallery.forms.fitting import LISTS, fit, typed_in
from gallery.forms.generate import GenerateForm
from gallery.generations.admission import TooMany
from gallery.generations.generation import IdempotencyConflict
from gallery.imports import importing
from gallery.language.wording import gettext_lazy
from gallery.models import Comparison, Image, Import, ImportEntry, Preset, Tag
from gallery.money import costs
from gallery.screens import columns, compared, receipts
from gallery.screens.cards import of_wish
from gallery.screens.toasts import notify
from gallery.tagging.tagspec import TagError
from gallery.templatetags.ui import money
from gallery.views.beginnings import GONE, begin, named, specs, take
from gallery.views.fragments import posted, wants_fragment
from gallery.views.generations import begun
from gallery.work import jobs
from providers.errors import ProviderError

NO_FILES = gettext_lazy(
    "No file arrived. The transfer was cut off, or nothing was chosen. Choose the files again."
)


def upload(request):
    """The upload tab. Each file has a result row of its own; with script, each comes in its own request."""
    form = UploadForm(posted(request))
    facts = {"form": form, "limit": upload_limit(), "max_bytes": settings.MAX_UPLOAD_BYTES}
    facts["megapixels"] = megapixels(settings.MAX_IMAGE_PIXELS)
    context = _surface(request, "upload") | facts
    files = request.FILES.getlist("file")
    if not form.is_bound:
        return render(request, "gallery/add/upload.html", context)
    if not files or not form.is_valid():
        context["problem"] = "" if files else NO_FILES
        return _part(request, "problem", context, status=422)
    tags = tagging.resolve(request.user, form.cleaned_data["tags"])
    context["rows"] = rows = [_store(request.user, file, tags) for file in files]
    status = max(row.get("status", 200) for row in rows)
    return _part(request, "rows", context, status=status)


def _part(request, name, context, status=200):
    """One part of the upload tab for script, the whole of it for a plain form."""
    template = "gallery/add/upload.html" + (f"#{name}" if wants_fragment(request) else "")
    return render(request, template, context, status=status)


def _store(owner, file, tags) -> dict:
    """File one upload; tell in a row what became of it."""
    try:
        stored = ingest.store(owner, file, source=Image.Source.UPLOAD, file_name=file.name, tags=tags)
    except ingest.IngestError as exc:
        status = {"storage": 503, "storage_full": 507}.get(exc.code, 200)  # script tries again at 503
        return {"name": file.name, "state": "refused", "sentence": exc.message, "status": status}
    thumb = thumbnail_url(stored.image.public_id, owner.pk, 320)
    row = {"name": file.name, "image": stored.image, "thumb": thumb}
    if stored.duplicate:
        sentence = gettext("Already in your gallery. Tags will be added to the copy you have.")
        return row | {"state": "duplicate", "sentence": sentence}
    return row | {"state": "added", "sentence": gettext("Added.")}


def import_(request):
    """The import tab: addresses or an archive become a job that runs in the background."""
    earlier = _failed_before(request)
    form = ImportForm(posted(request), request.FILES or None, initial=earlier)
    status = 200
    if request.method == "POST":
        if form.is_valid() and (job := _begin_import(request.user, form)):
            notify(request, gettext("The import has begun. You can leave this page."))
            return redirect("import", job.public_id)
        status = 422
    cards = jobs.imports_of(request.user)
    context = {"form": form, "cards": cards, "live": jobs.poller(cards, "imports")}
    return render(
        request, "gallery/add/import.html", _surface(request, "import") | earlier | context, status=status
    )


def _failed_before(request) -> dict:
    """Addresses and tags of the import that `?again=` names: those that failed, to be tried once more."""
    earlier = request.GET.get("again")
    if not earlier:
        return {}
    job = get_object_or_404(Import.objects.owned_by(request.user), public_id=_uuid(earlier), archive_name="")
    failed = job.entries.filter(state=ImportEntry.State.FAILED).values_list("name", flat=True)
    return {"addresses": "\n".join(failed), "tags": specs(job.tags.all())}


def _begin_import(owner, form):
    """Make the job, or leave the reason on the form."""
    typed = form.cleaned_data
    try:
        tags = tagging.resolve(owner, typed["tags"])
        if typed["archive"]:
            return importing.create_from_archive(owner, typed["archive"], typed["archive"].name, tags)
        return importing.create_from_urls(owner, typed["addresses"], tags)
    except (importing.ImportRefused, ingest.IngestError, TagError) as exc:
        form.add_error("archive" if typed["archive"] else "addresses", exc.message)
        return None


def generate(request, *, compares=False):
    """The generate tab: the form, made for the chosen model, and what was made lately.

    With other models ticked, or with `compares`, all of them are asked at once.
    """
    groups = offers.offer_groups(request.user)
    if not groups:
        return render(request, "gallery/add/generate.html", _surface(request, "generate") | {"groups": []})
    if "change" in request.POST:
        return _change_model(request, groups)
    if "take" in request.POST:
        return _take(request, groups)
    if request.method == "POST":
        return _submit(request, groups, compares)
    offer, values, notes = begin(request, groups, _tags_of(request))
    form = GenerateForm(offer=offer, initial=values | {"key": uuid.uuid4().hex})
    return _generate_page(request, groups, form, notes)


def _change_model(request, groups):
    """Another model without script: the page again, made for it, with what was typed."""
    offer = offers.chosen(groups, request.POST) or offers.first_choice(groups)
    values, notes = fit(typed_in(request.POST), offer)
    return _generate_page(request, groups, GenerateForm(offer=offer, initial=values), notes)


def _take(request, groups):
    """A saved prompt, a preset or an earlier prompt goes into what is typed: `take=saved:<id>`."""
    offer = offers.chosen(groups, request.POST) or offers.first_choice(groups)
    kind, _, wanted = request.POST["take"].partition(":")
    offer, values, notes = take(request.user, groups, offer, typed_in(request.POST), kind, wanted)
    values, changes = fit(values, offer)
    form = GenerateForm(offer=offer, initial=values)
    return _generate_page(request, groups, form, [*notes, *changes])


def _submit(request, groups, compares):
    offer = offers.chosen(groups, request.POST)
    if offer is None:
        return _choose_model(request, groups)
    form = GenerateForm(request.POST, offer=offer)
    if form.is_valid():
        ticked = request.POST.getlist("compare")
        try:
            if compares or set(ticked) - {offer.value}:
                return _compare(request, comparison.submit(form, request.user, groups, ticked))
            generation = form.submit(request.user)
        except TooMany as exc:
            form.blame(exc)
            return _come_back(request, groups, form, exc)
        except ProviderError as exc:
            form.blame(exc)
        except IdempotencyConflict:
            return _generate_again(request, groups, offer)
        else:
            return _made(request, generation)
    return _generate_page(request, groups, form, [], status=422)


def _compare(request, made):
    """The columns of a new comparison, beside the form; without script on a page of their own."""
    if not wants_fragment(request):
        return redirect(made)
    row = Comparison.objects.prefetch_related(*compared.READ).get(pk=made.pk)
    shown = compared.of(request.user, row)
    context = {"compared": shown} | _after(request, shown.cards)
    return begun(render(request, "comparisons/_made.html", context, status=201))


def _come_back(request, groups, form, exc: TooMany):
    """The form as it was typed, to be sent again later. htmx takes a form that is refused by its 422 only."""
    status = 422 if wants_fragment(request) else exc.http_status
    response = _generate_page(request, groups, form, [], status=status)
    response["Retry-After"] = exc.seconds
    return response


def _choose_model(request, groups):
    """The model that was sent is gone: ask for another. None is chosen, for it may cost another price."""
    offer = offers.first_choice(groups)
    values, _ = fit(typed_in(request.POST), offer)
    form = GenerateForm(offer=offer, initial=values)
    typed = request.POST.get("model", "").endswith("/")
    error = (
        gettext("Write the model's id, or choose one from the list.")
        if typed
        else gettext("{gone} Choose one.").format(gone=GONE)
    )
    return _generate_page(request, groups, form, [], status=422, model_error=error)


def _generate_again(request, groups, offer):
    """The same page was sent before with another wish: hand out a new key and ask."""
    values = request.POST.copy()
    values["key"] = uuid.uuid4().hex
    form = GenerateForm(values, offer=offer)
    form.add_error(
        None,
        gettext("This page has made a picture already, with other settings. Press Generate to make another."),
    )
    return _generate_page(request, groups, form, [], status=409)


def _made(request, generation):
    """The new job on top of the session, and a fresh key, so that the next press is another picture."""
    if not wants_fragment(request):
        return redirect("add-generate")
    cards = jobs.of_session(request.user)
    card = next(card for card in cards if card.id == f"job-{generation.public_id}")
    context = {"card": card} | _after(request, [card])
    return begun(render(request, "gallery/add/_made.html", context, status=201))


def _after(request, cards) -> dict:
    """What the page needs to go on, when `cards` were put on top of the session."""
    return {
        "key": uuid.uuid4().hex,
        "live": jobs.poller(cards, "session", known=request.POST.get("known", "")),
        "active": len(jobs.active(request.user)),
    }


def _generate_page(request, groups, form, notes, status=200, model_error=""):
    under_way = jobs.active(request.user)
    session = compared.together(request.user, jobs.of_session(request.user), named(request))
    context = _surface(request, "generate") | _form_context(request, groups, form, notes)
    context["model_error"] = model_error
    seen = compared.drawn(session)
    context |= {"session": session, "live": jobs.poller([*under_way, *seen], "session")}
    template = "gallery/add/generate.html" + ("#form" if wants_fragment(request) else "")
    return render(request, template, context, status=status)


def _form_context(request, groups, form, notes):
    offer = form.offer
    return {
        "groups": groups,
        "offer": offer,
        "form": form,
        "notes": notes,
        "tags": form.value_of("tags"),
        "presets": Preset.objects.owned_by(request.user),
        **prices_of(request, groups, form),
    }


def prices_of(request, groups, form) -> dict:
    """The price, and where other models are ticked the price of all of them."""
    price = price_of(request, form)
    is_sent = request.method == "POST"
    data = request.POST if is_sent else form.initial
    values = request.POST.getlist("compare") if is_sent else form.initial.get("compare", [])
    wanted = comparison.ticked(groups, form.offer, values)
    typed = typed_in(request.POST) if is_sent else _plain(form)
    own = columns.Quote(offer=form.offer, n=price["n"], usd=price["usd"], notes=[])
    return price | {"ticked": values, "asked": columns.ask(request.user, wanted, typed, own, data)}


def price_of(request, form) -> dict:
    """What the form says before anything is paid: the price, and what will be sent."""
    copy = form.anew(form.data if form.is_bound else _plain(form))
    estimate = copy.estimate()
    profile = form.offer.profile
    profile.owner = request.user  # read already
    n = copy.cleaned_data.get("n") or 1
    standing = costs.standing(profile, estimate.usd, n, form_chats(copy))
    return {
        "price": money(estimate.usd),
        "usd": estimate.usd,
        "basis": estimate.basis if estimate.usd else "",
        "standing": standing,
        "n": n,
        "receipt": receipts.of(copy.composed),
        "coming": of_wish(profile.provider, form.offer.info.id, copy.parameters()),
    }


def form_chats(form) -> list[Tag]:
    """The chats that what is asked for belongs to: by its tags, and by what its prompt names."""
    return costs.chats_among((*form.known_tags, *form.composed.tags))


def _plain(form) -> dict:
    """The values of an unbound form, as if it had been sent."""
    return {name: form.initial.get(name) if name in LISTS else form.value_of(name) for name in form.fields}


@require_POST
def controls(request):
    """The controls of another model, with what was typed."""
    groups = offers.offer_groups(request.user)
    offer = offers.chosen(groups, request.POST)
    if offer is None:
        return HttpResponse(status=404)
    values, notes = fit(typed_in(request.POST), offer)
    form = GenerateForm(offer=offer, initial=values)
    context = _form_context(request, groups, form, notes)
    return render(request, "gallery/add/_controls_answer.html", context)


@require_POST
def estimate(request):
    """The price of what is chosen now, the button that names the number, and what will be sent."""
    if "model" not in request.POST:
        return HttpResponse(status=204)  # none is chosen yet
    groups = offers.offer_groups(request.user)
    offer = offers.chosen(groups, request.POST)
    if offer is None:
        return HttpResponse(status=404)
    form = GenerateForm(request.POST, offer=offer)
    return render(
        request, "gallery/add/_estimate_answer.html", prices_of(request, groups, form) | {"form": form}
    )


def _surface(request, tab) -> dict:
    """What the three tabs share: which is open, and the tags that were typed or came along in the address."""
    carried = _tags_of(request)
    return {
        "section": "add",
        "tab": tab,
        "tags": request.POST.get("tags", carried),
        "carry": request.GET.urlencode() if carried else "",
    }


def _tags_of(request) -> str:
    """The tags of `?tags=`, and of the ids in `?character=` and its like, as the tag field writes them."""
    given = [tag for tag in request.GET.getlist("tags") if tag]
    ids = [
        _uuid(request.GET[kind]) for kind in ("character", "look", "persona", "chat") if kind in request.GET
    ]
    named = Tag.objects.owned_by(request.user).filter(public_id__in=ids).select_related("parent")
    return ", ".join([*given, *(tag.spec for tag in (named if any(ids) else []))])


def _uuid(text) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
