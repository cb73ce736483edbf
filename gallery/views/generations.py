"""The queue: what runs, what waits, what needs a person; and the poll that keeps pages up to date."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from gallery.files import media
from gallery.files.renditions import MIME_TYPE
from gallery.generations import answers, generation, partials, recovery
from gallery.language.wording import gettext_lazy
from gallery.models import Generation, GenerationCall
from gallery.screens import actions, cards, compared, strip
from gallery.screens.toasts import notify, warn
from gallery.views.fragments import wants_fragment
from gallery.work import jobs
from providers.errors import ProviderError

SECTIONS = (
    (cards.RUNNING, gettext_lazy("Running")),
    (cards.NEEDS_YOU, gettext_lazy("Needs you")),
    (cards.WAITING, gettext_lazy("Waiting")),
    (cards.FINISHED, gettext_lazy("Finished today")),
)
PAGES = ("queue", "add-generate", "add-import", "chat-refine", "comparison")  # that follow jobs
VIEWS = ("queue", "session", "job", "imports", "strip", "chat", "comparison")  # the places that follow jobs


@require_safe
def queue(request):
    return render(request, "queue/index.html", queue_of(request.user))


def queue_of(owner) -> dict:
    """What the page shows of `owner`."""
    shown = jobs.of_queue(owner)
    sections = [
        {"key": key, "label": label, "cards": rows}
        for key, label in SECTIONS
        if (rows := [card for card in shown if card.section == key])
    ]
    pictures, usd = jobs.made_today(owner)
    return {
        "section": "queue",
        "sections": sections,
        "summary": _summary(sections),
        "pictures": pictures,
        "usd": usd,
        "live": jobs.poller(shown, "queue"),
        "is_paused": owner.queue_paused,
    }


def _summary(sections) -> str:
    """The line beside the title: "2 running, 1 waiting, 2 need you"."""
    words = {cards.RUNNING: gettext("{n} running"), cards.WAITING: gettext("{n} waiting")}
    counts = {section["key"]: len(section["cards"]) for section in sections}
    parts = [word.format(n=counts[key]) for key, word in words.items() if key in counts]
    if needs := counts.get(cards.NEEDS_YOU):
        parts.append(ngettext("{n} needs you", "{n} need you", needs).format(n=needs))
    return ", ".join(parts)


@require_safe
def poll(request):
    """What changed since `rev`: 204 when nothing did, else each changed card and the next `rev`."""
    view = request.GET.get("view", "queue")
    view = view if view in VIEWS else "queue"
    change = jobs.changed_since(request.user, request.GET.get("rev", ""))
    if not change.cards:
        return HttpResponse(status=204)
    context = queue_of(request.user) if view == "queue" else {}
    context |= {"view": view, "change": change, "active": len(change.under_way)}
    context |= {"live": jobs.poller(change.under_way, view), "news": _news(change.cards)}
    if view in ("session", "comparison"):
        context |= compared.news(request.user, change)
    if view == "strip":
        context["updates"] = strip.updates(change)
    return render(request, "queue/_poll.html", context)


def _news(changed) -> str:
    """One sentence for screen readers, about the newest change that is worth a word."""
    for card in changed:
        if card.section == cards.FINISHED:
            return gettext("Finished: {n}").format(n=card.title[:80])
        if card.section == cards.NEEDS_YOU:
            return f"{card.pill.text}: {card.title[:80]}"
        if card.done and not card.is_import:
            return gettext("{done} of {total} done: {n}").format(
                done=card.done, total=card.total, n=card.title[:80]
            )
    return ""


@require_safe
def detail(request, public_id):
    """One generation on a page of its own."""
    row = own(request, public_id)
    row.owner = request.user  # read already
    card = jobs.card_of(row)
    context = {"section": "queue", "card": card, "generation": row, "live": jobs.poller([card], "job")}
    return render(request, "queue/generation.html", context)


@require_safe
def preview(request, public_id, index, number):
    """A picture as it looked on its way; gone soon after it arrived."""
    mine = Generation.objects.owned_by(request.user).filter(public_id=public_id)
    call = get_object_or_404(GenerationCall, generation__in=mine, first_image=index)
    picture = partials.read(call.public_id, number)
    if picture is None:
        raise Http404(gettext("This preview is gone."))
    headers = media.HEADERS | {"Cache-Control": "private, max-age=600"}
    return HttpResponse(picture, content_type=MIME_TYPE, headers=headers)


@require_safe
def answer(request, public_id, index):
    """What the vendor sent, byte for byte, where no picture could be made of it."""
    mine = Generation.objects.owned_by(request.user).filter(public_id=public_id)
    call = get_object_or_404(GenerationCall, generation__in=mine, index=index)
    body = answers.open_raw(call)
    if body is None and answers.lie_elsewhere(call):
        messages.info(request, actions.KEPT_ELSEWHERE)
        return redirect("generation", public_id)
    if body is None:
        raise Http404(gettext("The raw answer is no longer kept."))
    headers = media.HEADERS | {"Cache-Control": media.NOT_KEPT}
    name = f"answer-{public_id}-{index}.txt"
    kind = "application/octet-stream"
    return FileResponse(body, as_attachment=True, filename=name, content_type=kind, headers=headers)


@require_POST
def stop(request, public_id):
    row = own(request, public_id)
    generation.cancel(row)
    return _back(request, row)


@require_POST
def check(request, public_id):
    """Ask the vendor once more for what it took on; nothing is sent again."""
    row = own(request, public_id)
    recovery.check_again(row)
    return _back(request, row)


@require_POST
def retry(request, public_id):
    row = own(request, public_id)
    try:
        jobs.retry_once(row)
    except ProviderError as exc:
        warn(request, exc.message)
    return _back(request, row)


@require_POST
def dismiss(request, public_id):
    """Take a job that went wrong out of the queue; `undo` puts it back."""
    row = own(request, public_id)
    undo = "undo" in request.POST
    jobs.dismiss(row, undo=undo)
    if not undo:
        notify(request, gettext("Dismissed."), undo=reverse("generation-dismiss", args=[public_id]))
    if not wants_fragment(request):
        return redirect(_page(request))
    session = compared.together(request.user, jobs.of_session(request.user))
    context = queue_of(request.user) | {"session": session}
    return render(request, "queue/_dismissed.html", context)


def _back(request, row):
    """To the page it was pressed on; with htmx, that page is told to ask for news."""
    if not wants_fragment(request):
        return redirect(_page(request))
    return begun(
        render(request, "queue/_after.html", {"card": cards.of_generation(own(request, row.public_id))})
    )


def begun(response):
    """Make the pages of this browser that follow jobs look at once."""
    response["HX-Trigger"] = "jobs:begun"
    return response


def _page(request) -> str:
    """The path of the page the form stood on, when it is one of ours that follows jobs."""
    path = request.POST.get("next", "")
    try:
        is_ours = resolve(path).url_name in PAGES
    except Resolver404:
        is_ours = False
    return path if is_ours else reverse("queue")


def own(request, public_id) -> Generation:
    rows = (
        Generation.objects.owned_by(request.user)
        .select_related("profile")
        .prefetch_related("results__image", "calls")
    )
    return get_object_or_404(rows, public_id=public_id)
