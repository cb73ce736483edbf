"""Which language a page speaks: what the person chose, or else what the browser asks for.

The choice is with the person and, for the log-in page and pages that ask no database, in a cookie. Programs,
and the people who run the server, read English.
"""

from contextlib import suppress

from django.conf import settings
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH = ("/api/", "/admin/")  # addresses that speak no other language
YEAR = 365 * 24 * 3600  # seconds


class LanguageMiddleware(LocaleMiddleware):
    """Django's, which says so in the headers of pages alone: nothing else is translated."""

    def process_request(self, request):
        if request.path_info.startswith(ENGLISH):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        else:
            super().process_request(request)

    def process_response(self, request, response):
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


def wished(request) -> str:
    """What the browser asks for, whatever its cookie says."""
    for asked, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        with suppress(LookupError):
            return translation.get_supported_language_variant(asked)
    return settings.LANGUAGE_CODE


def remember(response, language: str) -> None:
    """Let the browser keep the choice of a person; without one, its own wish holds."""
    name = settings.LANGUAGE_COOKIE_NAME
    if not language:
        response.delete_cookie(name, samesite="Lax")
        return
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, language, max_age=YEAR, secure=secure, httponly=True, samesite="Lax")
