"""The gallery and the page of a picture."""

import json

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from gallery import bulk, tagging
from gallery.bulk.words import sentence
from gallery.files.media import thumbnail_url
from gallery.forms.images import ImageForm
from gallery.language.wording import gettext_lazy
from gallery.models import BulkAction, Image, ImageText, ReferencePicture, Tag
from gallery.pictures import lineage, stacks
from gallery.prompting import fragments
from gallery.screens import facts, feed, grid, slideshow
from gallery.screens.feed import with_query
from gallery.screens.toasts import notify, warn
from gallery.search import BadCursor, search, tiles
from gallery.views.errors import bad_request
from gallery.views.fragments import wants_fragment
from gallery.views.lookups import find

SHOWN = 60  # pictures of a stack below the large one
COOKIE_AGE = 365 * 24 * 3600
QUICK_FILTERS = (
    (gettext_lazy("All"), ""),
    (gettext_lazy("Favourites"), "is:favourite"),
    (gettext_lazy("Untagged"), "is:untagged"),
    (gettext_lazy("Generated"), "source:generated"),
    (gettext_lazy("Imported"), "source:import"),
    (gettext_lazy("Uploaded"), "source:upload"),
)
NOTHING = {
    "is:favourite": (
        gettext_lazy("No favourites yet"),
        gettext_lazy("Press the heart on a picture, and it is kept here."),
    ),
    "is:untagged": (gettext_lazy("Nothing is untagged"), gettext_lazy("Well kept.")),
    "source:generated": (
        gettext_lazy("Nothing generated yet"),
        gettext_lazy("Write a line, and the first one is made."),
    ),
    "source:import": (
        gettext_lazy("Nothing imported yet"),
        gettext_lazy("Bring in pictures from addresses or an archive."),
    ),
    "source:upload": (gettext_lazy("Nothing uploaded yet"), gettext_lazy("Drop files on Add images.")),
}


# --- The gallery --------------------------------------------------------------------------------


@require_safe
def index(request):
    """The gallery, and what a search finds in it."""
    found = search(request.user, request.GET.get("q", ""), sort=request.GET.get("sort", ""))
    try:
        context = feed.read(request, found, dated=not found.terms)
    except BadCursor:
        return bad_request(
            request, gettext("This address is out of date. Go to the gallery and start from there.")
        )
    if wants_fragment(request) and "after" in request.GET:
        return render(request, "gallery/_feed.html#more", context)
    context |= {"section": "gallery", "quick_filters": QUICK_FILTERS, "q": found.text, "search": found}
    if not context["groups"]:
        context |= {"nothing": NOTHING.get(found.text), "nearest": feed.nearest(found)}
    response = render(request, "gallery/index.html", context)
    if request.GET.get("size") in feed.SIZES:
        response.set_cookie("size", request.GET["size"], max_age=COOKIE_AGE, samesite="Lax")
    return response


# --- One picture --------------------------------------------------------------------------------


@require_safe
def detail(request, public_id):
    """A picture with everything known of it; htmx gets parts of the same page."""
    image = _image(request, public_id)
    context = _context(request, image)
    if wants_fragment(request):
        context["in_dialog"] = True
        part = "prompt" if "prompt" in request.GET else "viewer"
        return render(request, f"gallery/image.html#{part}", context)
    return render(request, "gallery/image.html", context)


@require_POST
def favourite(request, public_id):
    """Make a picture a favourite, or no longer."""
    image = _image(request, public_id)
    image.favorite = not image.favorite
    image.save(update_fields=["favorite"])
    if wants_fragment(request):
        return _trigger("image:favourite", id=str(image.public_id), favourite=image.favorite)
    return redirect(_back(request, image))


@require_POST
def edit(request, public_id):
    """Change title, notes, rating or the sensitive mark."""
    image = _image(request, public_id)
    form = ImageForm(request.POST, instance=image)
    if form.is_valid() and form.fields:
        image.save(update_fields=list(form.fields))
        ImageText.refresh(image)
        if not wants_fragment(request):
            return redirect(_back(request, image))
    context = _context(request, image) | {"form": form, "edit_open": not form.is_valid()}
    part = "#about" if wants_fragment(request) else ""
    return render(request, f"gallery/image.html{part}", context, status=422 if form.errors else 200)


@require_POST
def tags(request, public_id):
    """Put tags on a picture (add=character:Mirel, portrait) or take one off (remove=the tag's id)."""
    image = _image(request, public_id)
    problem = ""
    try:
        tagging.add([image], tagging.resolve(request.user, tagging.split_specs(request.POST.get("add", ""))))
    except tagging.TagError as error:
        problem = str(error)
    if gone := request.POST.get("remove"):
        _take_off(request, image, find(Tag.objects.owned_by(request.user), gone))
    if not wants_fragment(request):
        if problem:
            warn(request, problem)
        return redirect(_back(request, image))
    typed = request.POST.get("add", "") if problem else ""
    context = _context(request, image) | {"tag_problem": problem, "typed": typed}
    response = render(request, "gallery/image.html#tags", context, status=422 if problem else 200)
    response.write(render_to_string("_toasts.html", request=request))
    return response


def _take_off(request, image, tag):
    """Remove a tag in a way that can be undone."""
    one = bulk.Selection(owner=request.user, keys=[image.pk])
    action = bulk.begin(one, BulkAction.Action.UNTAG, tags=[tag])
    undo = reverse("bulk-undo", args=[action.public_id]) if action.can_be_undone else ""
    notify(request, sentence(action), undo=undo)


@require_POST
def trash(request, public_id):
    """Move a picture to the trash."""
    image = _image(request, public_id)
    tagging.trash([image])
    undone = bool(request.POST.get("undo"))
    undo = "" if undone else reverse("image-restore", args=[public_id])
    notify(request, gettext("{title} is in the trash.").format(title=_called(image)), undo=undo)
    if wants_fragment(request):
        return _trigger("image:back" if undone else "image:gone", request, id=str(public_id))
    return redirect(_listing(request))


@require_POST
def restore(request, public_id):
    """Take a picture out of the trash; a twin in the library gets its tags instead."""
    image = _image(request, public_id)
    result = tagging.restore([image])
    from_trash = request.POST.get("from") == "trash"
    if result.merged:
        notify(
            request, gettext("This picture is in the gallery already. Its tags were added to the copy there.")
        )
    else:
        undo = reverse("image-trash", args=[public_id]) if from_trash else ""
        notify(request, gettext("{title} is back in the gallery.").format(title=_called(image)), undo=undo)
    if wants_fragment(request):
        return _trigger("image:gone" if from_trash else "image:back", request, id=str(public_id))
    return redirect(result.merged[0][1] if result.merged else image)


def _called(image):
    return f"“{image.title}”" if image.title else gettext("The image")


def _image(request, public_id):
    images = Image.objects.owned_by(request.user).select_related("profile", "generation", "parent")
    return get_object_or_404(images, public_id=public_id)


def _context(request, image):
    found = search(request.user, request.GET.get("in", ""))
    wordings = facts.wordings(image)
    chosen = request.GET.get("prompt", "")
    image_tags = list(image.tags.select_related("parent").order_by("kind", "folded"))
    play = slideshow.seconds(request.GET.get("play", ""))
    return {
        "section": "trash" if image.trashed_at else "gallery",
        "image": image,
        "found_by": found.text,
        "tail": with_query("", **{"in": found.text, "play": str(play or "")}),
        "place": feed.place(found, image),
        "tags": image_tags,
        "packed": set(ReferencePicture.objects.filter(image=image).values_list("tag_id", flat=True)),
        "characters": [tag for tag in image_tags if tag.kind in fragments.KINDS],
        "wordings": wordings,
        "wording": next((w for w in wordings if w.key == chosen), wordings[0] if wordings else None),
        "facts": facts.made_with(image),
        "alt": tiles([image])[0]["alt"],
        "large": _large(image),
        "stars": range(1, 6),
        "play": play,
        "speeds": slideshow.SPEEDS,
    } | _family(image, found.text)


def _family(image, query):
    """The stack that the picture lies on, and what came from what."""
    if image.trashed_at:
        return {}
    members = list(stacks.members(image)[:SHOWN])
    parents = lineage.came_from(image)
    before = [*(each for each in members if each.pk < image.pk), *parents]
    return {
        "film": grid.strip(members, query=query) if len(members) > 1 else [],
        "came_from": grid.strip(parents, query=query),
        "led_to": grid.strip(lineage.led_to(image), query=query),
        "compare_with": (image.parent if image.parent in parents else None)
        or (before[-1] if before else None),
    }


def _large(image):
    """The address shown on the stage: the large rendition, which stands still, or an animated original."""
    if image.frames > 1:
        return reverse("original", args=[image.public_id])
    return thumbnail_url(image.public_id, image.owner_id, 1280)


def _trigger(event, request=None, **detail):
    """Tell the page's scripts what happened, and show the messages that go with it."""
    response = render(request, "_toasts.html") if request else HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({event: {"target": "body", **detail}})
    return response


def _back(request, image):
    return with_query(image.get_absolute_url(), **{"in": request.POST.get("in")})


def _listing(request):
    return with_query(reverse("index"), q=request.POST.get("in"))
