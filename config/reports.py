"""Django's error reports, with or without DEBUG: no passwords, keys or cookies in them."""

from types import FrameType
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from config.request_secrets import SECRET, secrets_of
from providers.redaction import redact


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
        secrets = secrets_of(request)
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, Shown(self.cleanse_setting(name, value), secrets)) for name, value in variables]


class Shown:
    """A value as it is printed. Django breaks what is long into lines and cuts it off, keys included."""

    def __init__(self, value: object, secrets: list[str]):
        try:
            self.text = redact(repr(value), secrets)
        except Exception as exc:  # noqa: BLE001  half-made objects have no `repr`
            self.text = f"<{type(value).__name__} that cannot be shown: {type(exc).__name__}>"

    def __repr__(self) -> str:
        return self.text


class Reporter(ExceptionReporter):
    """The report as Django writes it, and then without the secrets of the request and of this process."""

    def get_traceback_html(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_html(), secrets_of(self.request)))  # noqa: S308  escaped above

    def get_traceback_text(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_text(), secrets_of(self.request)))  # noqa: S308  plain text
