from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from gallery.files import media, storage
from gallery.files.renditions import MIME_TYPE
from gallery.models import Image


@login_not_required
@require_safe
def thumbnail(request, owner, name):
    """Show a thumbnail to whoever has its signed address. config.asgi answers most of these itself."""
    if not media.is_signed(owner, name, request.GET.get("s", "")):
        raise Http404
    return send(request, f"thumbnails/{owner}/{name}", content_type=MIME_TYPE, cache=media.KEPT)


@login_not_required
@require_safe
def original(request, public_id):
    """Show the picture as it came, or download it with `?download=1`. To strangers there is none."""
    if not request.user.is_authenticated:
        raise Http404
    image = get_object_or_404(Image.objects.owned_by(request.user), public_id=public_id)
    extension = image.storage_key.rsplit(".", 1)[-1]
    return send(
        request,
        image.storage_key,
        content_type=image.mime_type,
        cache=media.NOT_KEPT,
        disposition=media.disposition(image.file_name, extension, download="download" in request.GET),
        etag=f'"{image.sha256}"',
    )


def send(request, key, **headers):
    """Answer with what is stored under `key`, or 404 when the file is gone."""
    try:
        return media.respond(request, key, **headers)
    except FileNotFoundError as exc:
        raise Http404(gettext("The file is missing from storage.")) from exc
    except storage.StorageError as exc:
        return HttpResponse(exc.message, status=503, content_type="text/plain", headers={"Retry-After": "60"})
