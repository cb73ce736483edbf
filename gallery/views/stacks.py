"""The pictures of a stack, and stacks made and taken apart by hand."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from gallery.forms.pictures import by_ids, sent_ids
from gallery.language.numerals import thousands
from gallery.models import Image
from gallery.pictures import stacks
from gallery.screens import grid
from gallery.screens.feed import encode, with_query
from gallery.screens.toasts import notify, warn
from gallery.search import search
from gallery.views.fragments import wants_fragment

UNDONE = 50  # pictures of a stack whose taking apart can be undone


@require_safe
def index(request, public_id):
    """All pictures of a stack; htmx gets those below this one that match the search `?in=`."""
    image = get_object_or_404(Image.objects.owned_by(request.user).live(), public_id=public_id)
    found = search(request.user, request.GET.get("in", ""))
    members = stacks.members(image)
    if wants_fragment(request):
        below = members.filter(pk__in=found.images.filter(stack=image.stack).order_by()).exclude(pk=image.pk)
        return HttpResponse(grid.draw(below, query=found.query, first=False) if below else "")
    context = {
        "section": "gallery",
        "image": image,
        "tiles": grid.draw(members, query=found.query),
        "count": members.count(),
        "found": found.query,
    }
    return render(request, "gallery/stack.html", context)


@require_POST
def make(request):
    """Make one stack of the pictures that `ids` name, in the form or, for Undo, in the address."""
    ids = sent_ids(request.POST) or sent_ids(request.GET)
    images = (
        [] if request.POST.get("scope") == "query" else by_ids(request.user.pk, ids)
    )  # never a whole search
    try:
        n = stacks.put_together(images)
    except stacks.StackError as error:
        warn(request, str(error))
        return render(request, "_toasts.html") if wants_fragment(request) else _to_gallery(request)
    notify(request, gettext("These {n} images are one stack now.").format(n=thousands(n)))
    return HttpResponse(headers={"HX-Refresh": "true"}) if wants_fragment(request) else _to_gallery(request)


def _to_gallery(request):
    return redirect(with_query(reverse("index"), q=request.POST.get("q") or request.POST.get("in")))


@require_POST
def apart(request, public_id):
    """Let all pictures of a stack stand on their own."""
    image = get_object_or_404(Image.objects.owned_by(request.user).live(), public_id=public_id)
    ids = [str(key) for key in stacks.members(image)[: UNDONE + 1].values_list("public_id", flat=True)]
    stacks.take_apart(image)
    undo = f"{reverse('stack-make')}?{encode(ids=ids)}" if len(ids) <= UNDONE else ""
    notify(request, gettext("The stack was taken apart."), undo=undo)
    return _to_gallery(request)


@require_POST
def out(request, public_id):
    """Take one picture off its stack."""
    image = get_object_or_404(Image.objects.owned_by(request.user).live(), public_id=public_id)
    stacks.take_out([image])
    notify(request, gettext("This image stands on its own now."))
    return redirect(with_query(image.get_absolute_url(), **{"in": request.POST.get("in")}))
