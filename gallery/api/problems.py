"""Every error of the API as RFC 9457 `application/problem+json`: a title, a sentence, the fields at fault."""

import logging
from http import HTTPStatus
from typing import Any

import pydantic
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from gallery.generations.admission import TooMany
from gallery.work.outages import RETRY_SECONDS, outage_of
from providers.errors import ProviderError

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
COME_BACK = {429: "30", 503: "30"}  # seconds, where nothing better is known


class Problem(Exception):
    """An answer that is an error: raise it anywhere below an endpoint."""

    def __init__(self, status: int, detail: str, *, field: str = "", code: str = "", **more):
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more
        if field:
            self.more["errors"] = [{"field": field, "message": detail}]
        if code:
            self.more["code"] = code


class Invalid(Problem):
    """A field of the request is wrong; `message` says what to send instead."""

    def __init__(self, field: str, message: str, **more):
        super().__init__(422, message, field=field, **more)


def respond(status: int, detail: str, headers=None, **more) -> JsonResponse:
    """The problem document itself."""
    title = HTTPStatus(status).phrase
    if status in COME_BACK:
        headers = {"Retry-After": COME_BACK[status]} | (headers or {})
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def status_for(code: str) -> int:
    """The status for a file or archive that was refused with `code`."""
    return {"too_big": 413, "storage": 503, "storage_full": 507, "quota": 507, "too_many": 429}.get(code, 422)


def not_found(request: HttpRequest, *_args, **_kwargs) -> JsonResponse:
    return respond(404, "There is nothing here, or it belongs to somebody else.")


def not_allowed(method: str | None, allow: str) -> JsonResponse:
    return respond(405, f"{method} does not work here. Use {allow}.", headers={"Allow": allow})


# --- Input that pydantic refused ------------------------------------------------------------------

SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Send text here.",
    "string_unicode": "Send text here; this is not valid Unicode.",
    "string_too_long": "Use at most {max_length} characters.",
    "string_too_short": "This must not be empty.",
    "too_long": "Send at most {max_length} of these.",
    "too_short": "Send at least {min_length} of these.",
    "greater_than_equal": "Use {ge} or more.",
    "less_than_equal": "Use {le} or less.",
    "int_type": "Send a whole number.",
    "int_parsing": "Send a whole number.",
    "int_from_float": "Send a whole number.",
    "bool_type": "Send true or false.",
    "bool_parsing": "Send true or false.",
    "list_type": "Send a list.",
    "dict_type": "Send a JSON object.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
    "uuid_parsing": "Send an id as this API hands them out.",
    "uuid_type": "Send an id as this API hands them out.",
    "literal_error": "Use one of {expected}.",
    "value_error": "{error}",
}


def field_errors(errors) -> list[dict]:
    """Pydantic's errors as `{field, message}`. Places in a list are left out: the field is what was sent."""
    return [{"field": _place(error["loc"]), "message": _sentence(error)} for error in errors]


def checked(adapter: pydantic.TypeAdapter, value, field: str):
    """A form's value as `adapter` reads it, or a problem that names the form's field."""
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as exc:
        raise Invalid(field, field_errors(exc.errors(include_url=False))[0]["message"]) from exc


def _place(loc) -> str:
    """Ninja puts "query" or "body" first, and for a body the name of the function's argument."""
    parts = [str(part) for part in loc if not isinstance(part, int)]
    if parts[:2] == ["body", "body"]:
        parts = parts[2:]
    elif parts and parts[0] in {"body", "query", "path", "form", "header"}:
        parts = parts[1:]
    return ".".join(parts) or "body"


def _sentence(error) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"too_long", "too_short"} and context.get("field_type") not in {"List", "Tuple", "Set"}:
        kind = f"string_{kind}"  # pydantic's name for texts with a validator of ours in front
    template = SENTENCES.get(kind)
    return template.format(**error.get("ctx", {})) if template else f"{error['msg']}."


# --- From exception to answer ---------------------------------------------------------------------


def _problem(request, exc: Problem):
    return respond(exc.status, exc.detail, **exc.more)


def _invalid(request, exc: ValidationError | pydantic.ValidationError):
    raw = (
        exc.errors if isinstance(exc, ValidationError) else exc.errors(include_url=False, include_input=False)
    )
    errors = field_errors(raw)
    return respond(422, f"{errors[0]['field']}: {errors[0]['message']}", errors=errors)


def _http_error(request, exc: HttpError):
    return respond(exc.status_code, str(exc) if str(exc).endswith(".") else f"{exc}.")


def _unauthorised(request, exc: AuthenticationError):
    detail = str(exc) if str(exc).endswith(".") else "Send “Authorization: Bearer” with an API token."
    challenge = 'Bearer realm="api"' + (', error="invalid_token"' if str(exc).endswith(".") else "")
    return respond(401, detail, headers={"WWW-Authenticate": challenge})


def _provider_error(request, exc: ProviderError):
    if isinstance(exc, TooMany):
        wait = {"Retry-After": str(exc.seconds)}
        return respond(exc.http_status, exc.message, headers=wait, code=exc.code)
    found = [error for error in (exc, *exc.also) if error.field]
    errors = [{"field": error.field, "message": error.message} for error in found]
    return respond(422, exc.message, code=exc.code, errors=errors)


def _too_big(request, exc):
    return respond(
        413,
        "The request is too big. Send pictures as files and fewer at a time, and a mask by its id.",
        code="too_big",
    )


def _too_many(request, exc):
    code = "too_many_files" if isinstance(exc, TooManyFilesSent) else "too_many_fields"
    return respond(400, "The request has too many parts. Send fewer fields or files at a time.", code=code)


def _unreadable(request, exc):
    detail = "The request could not be read: its body is damaged or was cut off. Send it again."
    told = getattr(exc, "message", detail)
    return respond(400, told, code=getattr(exc, "code", "bad_request"))


def broken(exc: BaseException | None) -> JsonResponse:
    """An outage that is expected to pass, or a fault of ours."""
    if outage := outage_of(exc):
        detail = f"{outage.title}. {outage.sentence}"
        return respond(outage.status, detail, headers={"Retry-After": RETRY_SECONDS}, code=outage.code)
    return respond(
        500, "Something went wrong here. The server's log has the details; the request may be tried again."
    )


def _server_error(request, exc: Exception):
    logger.exception("%s %s failed", request.method, request.path)
    return broken(exc)


HANDLERS: dict[type[Exception], Any] = {
    Problem: _problem,
    ValidationError: _invalid,
    pydantic.ValidationError: _invalid,
    HttpError: _http_error,
    AuthenticationError: _unauthorised,
    Http404: not_found,
    ProviderError: _provider_error,
    RequestDataTooBig: _too_big,
    TooManyFieldsSent: _too_many,
    TooManyFilesSent: _too_many,
    MultiPartParserError: _unreadable,
    UnreadablePostError: _unreadable,
    SuspiciousOperation: _unreadable,
    BadRequest: _unreadable,
    Exception: _server_error,
}


def install(api: NinjaAPI) -> None:
    """Let `api` answer every exception with a problem document."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
