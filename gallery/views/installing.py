"""The site as an app of the device: manifest, service worker, the pages it keeps, and shared pictures."""

import hashlib

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from gallery.views.errors import draw

PAPER = "#fbfaf7"  # as in tokens.css
KEPT = ("offline.html", "away.html")  # by the service worker
ICONS = [("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("maskable-512.png", 512, "maskable")]


@login_not_required
@require_safe
def manifest(request):
    """The web app manifest. It is asked for without cookies, and says nothing about anybody."""
    app = {
        "id": "/",
        "name": settings.SITE_NAME,
        "short_name": settings.SITE_NAME,
        "description": gettext("A private picture library for people who write characters."),
        "lang": get_language(),
        "start_url": reverse("index"),
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
    }
    parts = {"icons": icons(), "shortcuts": shortcuts(), "share_target": share_target()}
    return JsonResponse(app | parts, content_type="application/manifest+json")


def icons() -> list[dict]:
    return [
        {"src": static(f"img/{name}"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for name, size, purpose in ICONS
    ]


def shortcuts() -> list[dict]:
    names = {"add-generate": gettext("Generate"), "add-upload": gettext("Upload"), "queue": gettext("Queue")}
    return [{"name": label, "url": reverse(name)} for name, label in names.items()]


def share_target() -> dict:
    files = [{"name": "file", "accept": ["image/*"]}]
    return {
        "action": reverse("share"),
        "method": "POST",
        "enctype": "multipart/form-data",
        "params": {"files": files},
    }


@login_not_required
@require_safe
def worker(request):
    """The service worker. Its text changes with the pages it keeps, which makes browsers take them again."""
    pages = "".join(render_to_string(name, request=request) for name in KEPT)
    context = {"version": hashlib.sha256(pages.encode()).hexdigest()[:12]}
    response = render(request, "service-worker.js", context, content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


@login_not_required
@require_safe
def offline(request):
    return draw(request, "offline.html")


@login_not_required
@require_safe
def away(request):
    return draw(request, "away.html")


@login_not_required
@csrf_exempt
@require_POST
def share(request):
    """Pictures that another app shares, when no service worker took them. Nothing is read or kept.

    Such a request comes from the device and not from a page of ours, so it cannot carry a token, and a page
    of somebody else's can send the same. The service worker therefore hands the files to the upload page,
    which asks before it adds any.
    """
    return redirect(reverse("add-upload") + "?shared=lost")
