"""Django's error reports, with or without DEBUG: no passwords, keys or cookies in them."""

import json
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from providers.redaction import redact

SECRET = re.compile(r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|SESSION|PROMPT|LOCATION|BROKER", re.I)


class ReportFilter(SafeExceptionReporterFilter):
    """Hide by name, always; Django's own hides form fields and variables with DEBUG off alone."""

    hidden_settings = SECRET

    def is_active(self, request: object) -> bool:
        return True

    def get_post_parameters(self, request: Any) -> Any:
        if request is None:
            return {}
        sent = super().get_post_parameters(request)
        return {name: self.cleanse_setting(name, value) for name, value in sent.items()}

    def get_traceback_frame_variables(self, request: Any, tb_frame: FrameType) -> Any:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value)) for name, value in variables]


class Reporter(ExceptionReporter):
    """The report as Django writes it, and then without the secrets of the request and of this process."""

    def get_traceback_html(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_html(), secrets_of(self.request)))  # noqa: S308  escaped above

    def get_traceback_text(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_text(), secrets_of(self.request)))  # noqa: S308  plain text


def secrets_of(request: Any) -> list[str]:
    """What the request brought under a name that tells of a secret: form, JSON, headers, cookies."""
    if request is None:
        return []
    form = [(name, value) for name, values in _form(request) for value in values]
    pairs = [*form, *_json(request), *request.META.items(), *request.COOKIES.items()]
    named = [value for name, value in pairs if isinstance(value, str) and SECRET.search(str(name))]
    return [*named, *(value.partition(" ")[2] for value in named)]  # "Bearer …"


def _form(request: Any) -> Any:
    try:
        return request.POST.lists()
    except Exception:  # noqa: BLE001  a report must not fail for a body that cannot be read
        return []


def _json(request: Any) -> Iterator[tuple[str, object]]:
    """The names and values of a JSON body that was read already, at every depth."""
    try:
        waiting = [json.loads(getattr(request, "_body", b"") or b"null")]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
