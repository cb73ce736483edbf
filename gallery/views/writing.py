"""Help from models that write: a better prompt in the generate form, suggestions on a picture's page."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from gallery import offers
from gallery.models import Assist, Image
from gallery.screens.feed import with_query
from gallery.screens.toasts import warn
from gallery.tagging.tagspec import TagError
from gallery.texts import assists, suggestions, writers
from gallery.views import add
from gallery.views.fragments import wants_fragment
from providers.errors import ProviderError


def _writer(request, *, vision):
    writer = writers.pick(writers.writers(request.user, vision=vision), request.POST.get("writer", ""))
    if writer is None:
        raise Http404(gettext("This connection does not write."))
    return writer


# --- Prompts --------------------------------------------------------------------------------------


@require_POST
def improve(request):
    """Have the typed prompt improved. The suggestion stands beside it until the person takes it over."""
    writer = _writer(request, vision=False)
    chosen = offers.chosen(offers.offer_groups(request.user), request.POST)
    longest = chosen.info.capabilities.max_prompt if chosen else None
    try:
        made = _asked_before(request, purpose="prompt") or assists.ask_prompt(
            request.user, writer.profile, writer.model.id, request.POST.get("prompt", ""), longest=longest
        )
        made = _waited_for(request, made)
    except ProviderError as exc:
        return _with_help(request, {"problem": exc.message, "writer": writer.value}, status=422)
    if made.finished_at is None:
        return _with_help(request, {"pending": made, "writer": writer.value})
    return _with_help(request, {"assist": made, "text": made.answer["text"], "writer": writer.value})


def _asked_before(request, **of):
    """The text that the page waits for already, or None. 404 when it is somebody else's."""
    wanted = request.POST.get("assist", "")
    if not wanted:
        return None
    try:
        return get_object_or_404(Assist.objects.owned_by(request.user).filter(**of), public_id=UUID(wanted))
    except ValueError as exc:
        raise Http404(gettext("This is the id of no text.")) from exc


def _waited_for(request, assist):
    """The text, finished or still being written. Raises `ProviderError` for one that failed."""
    assist = assists.wait_for(assist, assists.LOOK if "assist" in request.POST else assists.PATIENCE)
    if problem := assists.problem_of(assist):
        raise problem
    return assist


@require_POST
def use_prompt(request):
    """Take the suggestion over in the place of the prompt or behind it, or put it away."""
    mine, suggested = (request.POST.get(name, "").strip() for name in ("prompt", "suggestion"))
    taken = {"replace": suggested, "insert": f"{mine}\n\n{suggested}".strip()}
    prompt = taken.get(request.POST.get("use", ""), "")
    return _with_help(request, {"writer": request.POST.get("writer", "")}, prompt=prompt)


def _with_help(request, help_, *, prompt="", status=200):
    """The help anew, and the prompt where it changes; without script the page with all that was typed."""
    request.prompt_help = help_
    if wants_fragment(request):
        context = {"form": {"prompt": {"value": prompt}} if prompt else None}
        response = render(request, "gallery/add/_prompt_help_answer.html", context, status=status)
        if prompt:
            response["HX-Trigger"] = '{"change-later": {"target": "#generate"}}'
        return response
    request.POST = request.POST.copy()
    request.POST["change"] = "1"  # the page again, with what was typed
    if prompt:
        request.POST["prompt"] = prompt
    return add.generate(request)


# --- Pictures -------------------------------------------------------------------------------------


@require_POST
def describe(request, public_id):
    """Have a picture described; caption and tags wait on its page to be accepted."""
    image = _image(request, public_id)
    problem = ""
    try:
        made = _asked_before(request, purpose="describe", image=image)
        if made is None:
            writer = _writer(request, vision=True)
            made = assists.ask_description(request.user, image, writer.profile, writer.model.id)
        _waited_for(request, made)
    except ProviderError as exc:
        problem = exc.message
    return _panel(request, image, problem=problem)


@require_POST
def decide(request, public_id, assist_id):
    """Accept or reject suggestions: `accept=2`, `reject=0`, `accept=all`, `caption=title`, `close=1`."""
    image = _image(request, public_id)
    waiting = Assist.objects.owned_by(request.user).filter(image=image)
    assist = get_object_or_404(waiting, public_id=assist_id)
    problem = ""
    try:
        _carry_out(request.POST, assist, image)
    except TagError as exc:
        problem = exc.message
    return _panel(request, image, problem=problem, changed=set(request.POST))


def _carry_out(asked, assist, image):
    if "accept" in asked:
        suggestions.accept(assist, image, lambda index: asked["accept"] in ("all", str(index)))
    if "reject" in asked:
        suggestions.reject(assist, lambda index: asked["reject"] == str(index))
    if asked.get("caption") in ("title", "notes"):
        suggestions.use_caption(assist, image, asked["caption"])
    if "close" in asked:
        suggestions.close(assist)


def _panel(request, image, *, problem="", changed=frozenset()):
    """The panel anew, with the parts of the page that changed along with it."""
    found_by = request.POST.get("in", "")
    if not wants_fragment(request):
        if problem:
            warn(request, problem)
        return redirect(with_query(image.get_absolute_url(), **{"in": found_by}))
    request.describe_problem = problem
    context = {
        "image": image,
        "tags": list(image.tags.select_related("parent").order_by("kind", "folded")),
        "found_by": found_by,
        "stars": range(1, 6),
        "tags_changed": "accept" in changed,
        "about_changed": "caption" in changed,
    }
    return render(request, "gallery/_describe_answer.html", context, status=422 if problem else 200)


def _image(request, public_id):
    return get_object_or_404(Image.objects.owned_by(request.user).live(), public_id=public_id)
