"""Characters, looks, personas, chats and free tags: their lists and their pages."""

from dataclasses import asdict

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from gallery import tagging
from gallery.generations import refining
from gallery.models import Tag
from gallery.prompting import completing
from gallery.screens import cast, faces, feed, tag_index, tag_page
from gallery.screens.toasts import notify, warn
from gallery.search import BadCursor, search
from gallery.views.errors import bad_request
from gallery.views.fragments import wants_fragment
from gallery.views.lookups import find

PLURALS = {"character": "characters", "persona": "personas", "chat": "chats", "tag": "tags"}


@require_safe
def index(request, kind):
    """All tags of one kind: portraits of the cast, rows for chats and tags."""
    context = {"kind": kind, "section": kind, "words": cast.WORDS[kind], **tag_index.read(request, kind)}
    part = "#list" if wants_fragment(request) else ""
    return render(request, f"gallery/tags/index.html{part}", context)


@require_safe
def page(request, kind, public_id, slug):
    """One tag and the pictures that carry it."""
    tag = read_tag(request, public_id, kind=kind)
    if tag.alias_of:
        return redirect(tag.alias_of)
    if slug != tag.slug:
        return redirect(feed.with_query(tag.get_absolute_url(), **request.GET.dict()))
    asked = request.GET.get("q", ""), request.GET.get("sort", "")
    found = search(request.user, asked[0], sort=asked[1], within=tag.spec)
    try:
        context = feed.read(request, found, dated=False)
    except BadCursor:
        return bad_request(
            request, gettext("This address is out of date. Open the page again from the list.")
        )
    if wants_fragment(request) and "after" in request.GET:
        return render(request, "gallery/_feed.html#more", context)
    context |= {
        **tag_context(tag),
        **tag_page.read(tag),
        "search_action": tag.get_absolute_url(),
        "search_hint": gettext("Search in {name}").format(name=tag.full_name),
        "q": asked[0],
        "problems": found.problems,
    }
    return render(request, "gallery/tags/page.html", context)


@require_POST
def new(request):
    """Make a tag by name, or open the one that has it; `parent` is the character of a new look."""
    kind, name = request.POST.get("kind", ""), request.POST.get("name", "")
    parent = None
    if kind == Tag.Kind.LOOK:
        parent = find(Tag.objects.owned_by(request.user), request.POST.get("parent", ""))
    kind = kind if parent or kind in PLURALS else Tag.Kind.TAG
    try:
        tag = tagging.create(request.user, kind, name, parent)
    except tagging.TagTaken as taken:
        notify(request, gettext("“{name}” was here already.").format(name=taken.tag.name))
        return redirect(taken.tag.alias_of or taken.tag)
    except tagging.TagError as error:
        warn(request, str(error))
        return redirect(parent or PLURALS[kind])
    return redirect(tag)


@require_POST
def pin(request, public_id):
    """Pin a tag to the side bar, or unpin it."""
    tag = read_tag(request, public_id)
    tag.pinned = not tag.pinned
    Tag.objects.filter(pk=tag.pk).update(pinned=tag.pinned)
    pinned, loose = gettext("{name} is pinned to the side bar."), gettext("{name} is no longer pinned.")
    notify(request, (pinned if tag.pinned else loose).format(name=tag.full_name))
    return redirect(tag)


@require_safe
def suggest(request):
    """Tags that fit what was typed, for the tag input and the search box."""
    found = tagging.suggest(request.user, request.GET.get("q", "")[:200])
    items = [
        {
            "kind": each.tag.kind,
            "name": each.tag.value,
            "spec": each.tag.spec,
            "count": each.n,
            "alias": each.alias,
            "exact": each.exact,
        }
        for each in found
    ]
    return JsonResponse({"items": items})


@require_safe
def complete(request):
    """What may stand at the caret of a prompt, after `@`, `{{` or `#`."""
    found = completing.complete(request.user, request.GET.get("q", "")[:200])
    return JsonResponse({"items": [asdict(each) for each in found]})


def read_tag(request, public_id, **more):
    """The tag with this id and all that its pages show of it; 404 when it is not the person's own."""
    tags = Tag.objects.owned_by(request.user).with_counts().with_canonical().select_related("avatar", "owner")
    return get_object_or_404(tags, public_id=public_id, **more)


def tag_context(tag):
    """What every page about `tag` needs."""
    return {
        "tag": tag,
        "section": Tag.Kind.CHARACTER if tag.parent else tag.kind,
        "words": cast.WORDS[tag.kind],
        "portrait": faces.of(tag, 1280, faces.PORTRAIT),
        "add_url": feed.with_query(reverse("add-upload"), tags=tag.spec),
        "refine_url": _refine_url(tag),
        "generate_url": feed.with_query(reverse("add-generate"), tags=tag.spec),
        "aliases": list(tag.aliases.values_list("name", flat=True)),
    }


def _refine_url(tag) -> str:
    """Where the chat goes on, if it is one in which a picture is refined."""
    if tag.kind != Tag.Kind.CHAT or not refining.has_turns(tag):
        return ""
    return reverse("chat-refine", args=[tag.public_id, tag.slug])
