"""Headers that every answer carries, whoever in here has written it. What is set already stays."""

from django.conf import settings
from django.utils.cache import patch_vary_headers

FRAME = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "private, no-store",
}
# For answers that no view has made; Django gives pages their own.
NOTHING_RUNS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def strict_transport() -> dict[str, str]:
    if not settings.SECURE_HSTS_SECONDS:
        return {}
    return {
        "Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    }


class Completed:
    """`send` of ASGI, with the headers that an answer lacks."""

    def __init__(self, send):
        self.send = send

    async def __call__(self, message):
        if message["type"] == "http.response.start":
            message = message | {"headers": complete(message["headers"])}
        await self.send(message)


def complete(headers) -> list[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in headers}
    wanted = FRAME | NOTHING_RUNS | strict_transport()
    missing = [(name.lower().encode(), value.encode()) for name, value in wanted.items()]
    return [*headers, *(pair for pair in missing if pair[0] not in there)]


class HeadersMiddleware:
    """The same for Django's answers, outermost of all. Pages vary by who asks, and with htmx."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in FRAME.items():
            response.headers.setdefault(name, value)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response
