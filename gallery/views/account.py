"""Settings of the person: password, API tokens, appearance, and the numbers of the store."""

from allauth.account import views as allauth
from allauth.account.forms import ChangePasswordForm
from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.db.models import Count, Q, Sum
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery import accounts
from gallery.forms.account import THEMES, AppearanceForm, GalleryForm, KeyboardForm, PrivacyForm, TokenForm
from gallery.language import languages
from gallery.models import ApiToken, AuditEntry, Image
from gallery.navigation import shortcuts
from gallery.views.fragments import posted

YEAR = 365 * 24 * 3600  # seconds
ACTIVITY = 20  # entries of the audit log


@require_safe
def index(request):
    """User name, the form that allauth's own view receives, and what happened to the account lately."""
    activity = AuditEntry.objects.owned_by(request.user).select_related("actor")[:ACTIVITY]
    context = {"section": "settings", "tab": "account", "form": ChangePasswordForm(user=request.user)}
    context["activity"] = activity
    return render(request, "settings/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def first_password(request):
    """For accounts that were made without a password."""
    return allauth.password_set(request)


def log_out(request):
    """What the browser still has of the person goes with them: shared pictures, drafts, kept answers."""
    response = allauth.logout(request)
    if not request.user.is_authenticated:
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def tokens(request):
    """List and issue tokens. A new one stands in the answer to its own POST and nowhere else."""
    form, token = TokenForm(posted(request)), ""
    status = 200
    if request.method == "POST" and form.is_valid():
        row, token = ApiToken.issue(request.user, form.cleaned_data["name"], form.cleaned_data["scope"])
        form = TokenForm()
    elif request.method == "POST":
        status = 422
    rows = ApiToken.objects.owned_by(request.user).filter(revoked_at=None)
    context = {"section": "settings", "tab": "tokens", "form": form, "token": token, "rows": rows}
    return render(request, "settings/tokens.html", context, status=status)


@require_POST
def revoke(request, public_id):
    token = get_object_or_404(ApiToken.objects.owned_by(request.user), public_id=public_id)
    accounts.revoke(ApiToken.objects.filter(pk=token.pk))
    messages.success(
        request,
        gettext("{name} was revoked. Programs that use it are refused from now on.").format(name=token.name),
    )
    return redirect("tokens")


def appearance(request):
    """Theme and language: cookies, because the server must know them before the first byte of a page."""
    current = request.COOKIES.get("theme", "system")
    initial = {"theme": current if current in THEMES else "system", "language": request.user.language}
    form = AppearanceForm(posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        response = redirect(_there(request, "appearance"))
        _speak(request, response, form.cleaned_data["language"])
        messages.success(request, gettext("The appearance was saved."))
        response.set_cookie(
            "theme",
            form.cleaned_data["theme"],
            max_age=YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response
    context = {"section": "settings", "tab": "appearance", "form": form}
    context["gallery_form"] = GalleryForm(instance=request.user)
    return render(request, "settings/appearance.html", context, status=422 if form.is_bound else 200)


def _there(request, otherwise):
    """Where the person was, if the form says so."""
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return there if safe and there else otherwise


def _speak(request, response, language):
    """Keep the choice, and tell of it in that language already."""
    request.user.language = language
    request.user.save(update_fields=["language"])
    languages.remember(response, language)
    translation.activate(language or languages.wished(request))


@require_POST
def gallery(request):
    """Blurring and folding, which hold for every browser of the person."""
    form = GalleryForm(request.POST, instance=request.user)
    if form.is_valid():
        request.user.save(update_fields=list(form.fields))
        messages.success(request, gettext("The gallery shows it like this from now on."))
    return redirect("appearance")


def keyboard(request):
    """What each key does, and whether single ones do anything."""
    form = KeyboardForm(posted(request), instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=list(form.fields))
        on, off = gettext("Single keys work again."), gettext("Single keys do nothing any more.")
        messages.success(request, on if request.user.single_keys else off)
        return redirect("keyboard")
    context = {"section": "settings", "tab": "keyboard", "form": form, "groups": shortcuts.groups()}
    return render(request, "settings/keyboard.html", context, status=422 if form.is_bound else 200)


@require_POST
def hide(request):
    """Blur every picture in this browser until it is asked for again, or until the session ends."""
    hidden = request.COOKIES.get("hidden") == "1"
    response = redirect(_there(request, "index"))
    if hidden:
        response.delete_cookie("hidden", samesite="Lax")
    else:
        response.set_cookie("hidden", "1", samesite="Lax")
    return response


def privacy(request):
    """Whether the trash is emptied by itself, and when."""
    form = PrivacyForm(posted(request), instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=["trash_days"])
        days = request.user.trash_days
        off = gettext("Nothing is deleted by itself any more.")
        on = ngettext(
            "Images in the trash are deleted for good after {days} day.",
            "Images in the trash are deleted for good after {days} days.",
            days or 0,
        )
        messages.success(request, on.format(days=days) if days else off)
        return redirect("privacy")
    context = {"section": "settings", "tab": "privacy", "form": form}
    return render(request, "settings/privacy.html", context, status=422 if form.is_bound else 200)


@require_safe
def storage(request):
    """Where the files are, how many, and how large."""
    mine = Image.objects.owned_by(request.user)
    numbers = mine.aggregate(
        images=Count("pk", filter=Q(trashed_at=None)),
        image_bytes=Sum("bytes", filter=Q(trashed_at=None), default=0),
        trashed=Count("pk", filter=~Q(trashed_at=None)),
        trashed_bytes=Sum("bytes", filter=~Q(trashed_at=None), default=0),
    )
    sources = mine.live().order_by("source").values("source").annotate(n=Count("pk"), size=Sum("bytes"))
    labels = dict(Image.Source.choices)
    context = {
        "section": "settings",
        "tab": "storage",
        "numbers": numbers,
        "sources": [row | {"label": labels[row["source"]]} for row in sources],
        "is_s3": settings.MEDIA_STORAGE == "s3",
        "bucket": getattr(default_storage, "bucket_name", ""),
        "folder": settings.MEDIA_ROOT if request.user.is_superuser else "",
    }
    return render(request, "settings/storage.html", context)
