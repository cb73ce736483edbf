"""What every page shows around its content: theme, name, and the side bar's numbers."""

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from gallery.screens import sidebar

THEMES = ("light", "dark")


def shell(request):
    """Give templates the names below; the last asks the database only when it is shown."""
    theme = request.COOKIES.get("theme", "")
    return {
        "site_name": settings.SITE_NAME,
        "signup_open": settings.SIGNUP_ENABLED,
        "theme": theme if theme in THEMES else "",
        "hidden": request.COOKIES.get("hidden") == "1",
        "side": SimpleLazyObject(lambda: sidebar.of(request)),
    }
