"""What a request brought that must not be repeated: passwords, keys, tokens, cookies."""

import json
import re
from collections.abc import Iterator
from typing import Any

LARGEST = 256 * 1024  # bytes of a JSON body that is looked into; with keys they are small
SECRET = re.compile(r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|SESSION|PROMPT|LOCATION|BROKER", re.I)


def secrets_of(request: Any) -> list[str]:
    """What the request brought under a name that tells of a secret: form, JSON, headers, cookies."""
    if request is None:
        return []
    form = [(name, value) for name, values in _form(request) for value in values]
    pairs = [*form, *_json(request), *request.META.items(), *request.COOKIES.items()]
    named = [value for name, value in pairs if isinstance(value, str) and SECRET.search(str(name))]
    return [*named, *(value.partition(" ")[2] for value in named)]  # "Bearer …"


def _form(request: Any) -> Any:
    """The fields of a form that was read already: a report does not begin to read a body."""
    return request._post.lists() if hasattr(request, "_post") else []


def _json(request: Any) -> Iterator[tuple[str, object]]:
    """The names and values of a JSON body that was read already, at every depth."""
    body = getattr(request, "_body", b"")
    try:
        waiting = [json.loads(body)] if 0 < len(body) <= LARGEST else []
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
