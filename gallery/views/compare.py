"""Two pictures side by side, and the pairs that look alike."""

from django.core import signing
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery.forms.pictures import parse_id, rows_of, sent_ids
from gallery.language.wording import gettext_lazy
from gallery.models import Image, NearDuplicate
from gallery.pictures import comparing, duplicates
from gallery.screens.feed import encode
from gallery.screens.toasts import notify, warn
from gallery.views.errors import bad_request, not_found
from gallery.views.fragments import wants_fragment

SALT = "gallery.pictures.duplicates.cursor"
HOW_MANY = gettext_lazy("Two images can be compared. Select two, and press Compare.")
PAIRS = 20  # on a page


@require_http_methods(["GET", "HEAD", "POST"])
def compare(request):
    """Two pictures, `?ids=` twice, side by side or over each other, and how their recipes differ."""
    sent = request.POST if request.method == "POST" else request.GET
    wanted = list(dict.fromkeys(map(parse_id, sent_ids(sent))))
    if request.method == "POST":
        return _lead_to(request, wanted)
    if len(wanted) != 2:
        return bad_request(request, HOW_MANY)
    images = Image.objects.owned_by(request.user).select_related("profile", "generation")
    found = {image.public_id: image for image in images.filter(public_id__in=wanted)}
    if len(found) != 2:
        return not_found(request)
    left, right = (found[public_id] for public_id in wanted)
    context = {
        "section": "gallery",
        "sides": rows_of([left, right]),
        "over": request.GET.get("view") == "over",
        "rows": comparing.rows(left, right),
        "prompts": comparing.prompts(left, right),
    }
    return render(request, "gallery/compare.html", context)


def _lead_to(request, wanted):
    """From a selection to the page that compares it."""
    if len(wanted) == 2:
        address = f"{reverse('compare')}?{encode(ids=list(map(str, wanted)))}"
        return (
            HttpResponse(headers={"HX-Redirect": address}) if wants_fragment(request) else redirect(address)
        )
    if not wants_fragment(request):
        return bad_request(request, HOW_MANY)
    warn(request, HOW_MANY)
    return render(request, "_toasts.html")


@require_safe
def pairs(request):
    """Pairs that look alike, the nearest first."""
    waiting = NearDuplicate.objects.owned_by(request.user).waiting()
    try:
        shown = list(_behind(waiting, request.GET.get("after", ""))[: PAIRS + 1])
    except signing.BadSignature:
        return bad_request(
            request, gettext("This place in the list cannot be read. Start again from the first page.")
        )
    more = shown[PAIRS:] and signing.dumps([shown[PAIRS - 1].distance, shown[PAIRS - 1].pk], salt=SALT)
    sides = iter(rows_of([image for pair in shown[:PAIRS] for image in (pair.first, pair.second)]))
    context = {
        "section": "duplicates",
        "pairs": [(pair, (next(sides), next(sides))) for pair in shown[:PAIRS]],
        "count": waiting.count(),
        "next": encode(after=more or ""),
    }
    return render(request, "gallery/duplicates.html", context)


def _behind(waiting, cursor):
    rows = waiting.select_related("first", "second")
    if not cursor:
        return rows
    distance, key = signing.loads(cursor, salt=SALT)
    return rows.filter(Q(distance__gt=distance) | Q(distance=distance, pk__lt=key))


@require_POST
def decide(request, public_id):
    """Keep both pictures of a pair, or the one that `keep` names."""
    waiting = NearDuplicate.objects.owned_by(request.user).waiting().select_related("first", "second")
    pair = get_object_or_404(waiting, public_id=public_id)
    keep = request.POST.get("keep")
    if keep == "both":
        duplicates.keep_both(pair)
        again = reverse("duplicate-reopen", args=[public_id])
        notify(request, gettext("Both are kept, and are not shown as a pair again."), undo=again)
    elif keep in ("first", "second"):
        other = duplicates.keep_one(pair, keep)
        back = reverse("image-restore", args=[other.public_id])
        notify(
            request,
            gettext("The tags and notes of both are on the one you kept. The other is in the trash."),
            undo=back,
        )
    else:
        return bad_request(request, gettext("Say which image to keep: the first, the second or both."))
    if not wants_fragment(request):
        return redirect("duplicates")
    return render(request, "gallery/_decided.html", {"count": waiting.count()})


@require_POST
def reopen(request, public_id):
    """Ask about a pair again."""
    pair = get_object_or_404(NearDuplicate.objects.owned_by(request.user), public_id=public_id)
    duplicates.ask_again(pair)
    if wants_fragment(request):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect("duplicates")
