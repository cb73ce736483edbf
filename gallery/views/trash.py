"""The trash: what is in it, taking it all out, and emptying it for good."""

from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from gallery import bulk
from gallery.bulk.words import sentence
from gallery.language.numerals import images
from gallery.models import BulkAction, Image
from gallery.pictures import trashing
from gallery.screens import grid
from gallery.screens.feed import encode
from gallery.screens.toasts import notify, warn
from gallery.search import BadCursor, Total
from gallery.views.errors import bad_request
from gallery.views.lookups import find


@require_safe
def index(request):
    """Pictures in the trash, the last thrown away first."""
    trashed = Image.objects.owned_by(request.user).trashed()
    try:
        batch, following = trashing.page(trashed, request.GET.get("after", ""))
    except BadCursor as error:
        return bad_request(request, str(error))
    badges = _days_left(batch, request.user.trash_days)
    weight = trashing.weigh(trashed)
    context = {
        "section": "trash",
        "tiles": grid.draw(batch, hearts=False, badges=badges) if batch else "",
        "count": weight.n,
        "total": Total(n=weight.n, exact=True),
        "bytes": weight.bytes,
        "next": encode(after=following),
    }
    return render(request, "gallery/trash.html", context)


def _days_left(batch, days):
    """A badge for each picture that is going to be deleted by itself."""
    if days is None:
        return {}
    left = {image.pk: trashing.days_left(image, days) for image in batch}
    badge = '<span class="badge">{}</span>'
    return {
        key: format_html(badge, ngettext("{n} day left", "{n} days left", n).format(n=n))
        for key, n in left.items()
    }


@require_POST
def restore(request):
    """Take everything out of the trash; when it is much, a worker does it."""
    try:
        action = bulk.begin(bulk.by_query(request.user, "", trashed=True), BulkAction.Action.RESTORE)
    except bulk.BulkError as error:
        warn(request, error.message)
        return redirect("trash")
    if action.is_active:
        return redirect(action)
    undo = reverse("bulk-undo", args=[action.public_id]) if action.can_be_undone else ""
    notify(request, sentence(action), undo=undo)
    return redirect("trash")


@require_POST
def empty(request):
    """Delete pictures in the trash for good: all of them, or the one that `image` names."""
    trashed = Image.objects.owned_by(request.user).trashed()
    if one := request.POST.get("image"):
        trashed = trashed.filter(pk=find(trashed, one).pk)
    deleted = trashing.delete_for_good(trashed) if one else trashing.empty(request.user)
    if deleted is None:
        notify(
            request,
            gettext("The trash is being emptied. This goes on in the background and takes some minutes."),
        )
    else:
        freed = filesizeformat(deleted.bytes)
        notify(
            request,
            gettext("{images} deleted for good. {freed} are free again.").format(
                images=images(deleted.n), freed=freed
            ),
        )
    return redirect("trash")
