"""The face of a tag: chosen among pictures, then cropped."""

from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from gallery import tagging
from gallery.files.media import thumbnail_url
from gallery.forms.pictures import rows_of
from gallery.forms.tags import CropForm
from gallery.models import Image
from gallery.screens.feed import with_query
from gallery.screens.toasts import notify, warn
from gallery.search import BadCursor, page, search
from gallery.views.errors import bad_request
from gallery.views.fragments import wants_fragment
from gallery.views.lookups import find
from gallery.views.tags import read_tag, tag_context

SHOWN = 48  # pictures to choose from at once


@require_http_methods(["GET", "HEAD", "POST"])
def avatar(request, public_id):
    """Choose and crop the face of a tag. A POST without a crop takes the whole picture, without one none."""
    tag = read_tag(request, public_id)
    if request.method == "POST":
        return _save(request, tag)
    if request.GET.get("image"):
        return _crop(request, tag, _picture(request, request.GET["image"]), bool(request.GET.get("zoom")))
    return _choose(request, tag)


def _choose(request, tag):
    within = "" if "all" in request.GET or not tag.image_count else tag.spec
    found = search(request.user, request.GET.get("q", ""), within=within)
    try:
        batch = page(found, after=request.GET.get("after"), limit=SHOWN)
    except BadCursor:
        return bad_request(request, gettext("This list is out of date. Begin again."))
    context = {"rows": rows_of(batch.images), "next": batch.next, "text": request.GET.get("q", "")}
    return render(request, "gallery/tags/avatar.html", tag_context(tag) | context | {"within": within})


def _crop(request, tag, image, is_typed):
    known = tag.avatar_crop if tag.avatar_id == image.pk else None
    form = CropForm(request.GET if is_typed else CropForm.values(image, known), image=image)
    if not form.is_valid():
        form = CropForm(CropForm.values(image, known), image=image)
        form.is_valid()
    context = {
        "image": image,
        "form": form,
        "crop": form.crop,
        "picture": form.picture,
        "large": thumbnail_url(image.public_id, image.owner_id, 1280),
    }
    return render(request, "gallery/tags/crop.html", tag_context(tag) | context)


def _save(request, tag):
    data = request.POST if "image" in request.POST else request.GET  # an undo has it all in its address
    before, image = _address(tag), None
    crop = data.get("crop", "").split(",")
    if data.get("image"):
        image = _picture(request, data["image"])
    try:
        tagging.set_avatar(tag, image, _square(data, image, crop) if image else None)
    except tagging.TagError as error:
        warn(request, str(error))
    else:
        _tell(request, tag, before)
    return render(request, "_toasts.html") if wants_fragment(request) else redirect(tag)


def _tell(request, tag, before):
    if "undo" in request.POST:
        notify(request, gettext("{name} has the avatar from before.").format(name=tag.full_name))
    else:
        now = gettext("{name} has a new avatar now.") if tag.avatar else gettext("{name} has no avatar now.")
        notify(request, now.format(name=tag.full_name), undo=before)


def _square(data, image, crop):
    if len(crop) == 3 and all(part.isdecimal() and len(part) < 7 for part in crop):
        return tuple(map(int, crop))
    form = CropForm(data, image=image)
    return form.crop if form.is_valid() else None


def _address(tag) -> str:
    """Where a POST makes the avatar what it is now."""
    crop = ",".join(map(str, tag.avatar_crop or ()))
    image = str(tag.avatar.public_id) if tag.avatar else None
    return with_query(reverse("tag-avatar", args=[tag.public_id]), image=image, crop=crop)


def _picture(request, public_id: str) -> Image:
    return find(Image.objects.owned_by(request.user).live(), public_id)
