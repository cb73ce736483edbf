"""The reference pack of a character, look or persona: which pictures go along when they are named."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from gallery.forms.pictures import by_ids, rows_of
from gallery.models import Image, ReferencePicture
from gallery.prompting import packs
from gallery.screens.toasts import notify, warn
from gallery.tagging.tagspec import TagError
from gallery.views.tags import read_tag, tag_context

SHOWN = 60  # newest pictures of the tag to choose from


@require_http_methods(["GET", "HEAD", "POST"])
def references(request, public_id):
    """Show the pack beside the newest pictures of the tag; a POST does one thing with it."""
    tag = read_tag(request, public_id)
    if tag.kind not in packs.KINDS:
        raise Http404(gettext("Tags of this kind have no reference pictures."))
    pack = packs.images_of(tag)
    if request.method == "POST":
        return _arrange(request, tag, pack)
    newest = Image.objects.owned_by(request.user).live().filter(tags=tag).order_by("-pk")[:SHOWN]
    chosen = {image.pk for image in pack}
    context = tag_context(tag) | {
        "pack": rows_of(pack),
        "others": rows_of([image for image in newest if image.pk not in chosen]),
        "most": ReferencePicture.MOST,
    }
    return render(request, "gallery/tags/references.html", context)


def _arrange(request, tag, pack: list[Image]):
    """`toggle` takes a picture in or out, `up` moves one forward."""
    pressed = next(
        iter(by_ids(request.user.pk, [request.POST.get(name, "") for name in ("toggle", "up")])), None
    )
    if pressed is None:
        warn(request, gettext("This picture is not in the gallery any more."))
    else:
        try:
            packs.replace(tag, _after(pack, pressed, moves="up" in request.POST))
        except TagError as error:
            warn(request, str(error))
        else:
            _tell(request, tag, pack, pressed)
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return redirect(there if there and safe else reverse("tag-references", args=[tag.public_id]))


def _after(pack: list[Image], pressed: Image, *, moves: bool) -> list[Image]:
    if pressed not in pack:
        return [*pack, pressed]
    place = pack.index(pressed)
    others = [image for image in pack if image != pressed]
    return [*others[: max(0, place - 1)], pressed, *others[max(0, place - 1) :]] if moves else others


def _tell(request, tag, pack: list[Image], pressed: Image) -> None:
    if "up" not in request.POST:
        out = gettext("This picture no longer goes along when a prompt names {name}.")
        into = gettext("This picture goes along when a prompt names {name}.")
        notify(request, (out if pressed in pack else into).format(name=tag.full_name))
