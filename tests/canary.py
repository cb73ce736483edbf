"""Words that must not be found where they do not belong, and a vendor that repeats every key it is sent."""

import base64
import json
from html.parser import HTMLParser
from urllib.parse import quote

from django.test import Client
from django.urls import Resolver404, resolve

from tests.fake_vendors.base import FakeVendor, Gone, Recorded, Reply

PROMPT = "CANARYPROMPT a fox that nobody else may know of"
PASSWORD = "CANARYPASS-5d1c-quiet-harbour"


def key_for(slug: str) -> str:
    """A key as long as real ones; self-hosted servers take `user:password`."""
    return f"sk-CANARYKEY-{slug}-f00dfeedbeefcafe0123456789"


def traces_of(secret: str) -> list[bytes]:
    """The secret, a half of it, and what is left of it in other notations."""
    raw = secret.encode()
    shifted = [base64.b64encode(bytes(n) + raw)[8:-8] for n in range(3)]
    texts = [secret[:12], secret[-12:], secret[::-1][:12], secret[::-1][-12:], quote(secret, safe="")]
    return [*(text.encode() for text in texts), *shifted, raw.hex().encode(), repr(raw).encode()]


def found_in(haystack: str | bytes, secrets: list[str]) -> list[bytes]:
    data = haystack.encode(errors="surrogateescape") if isinstance(haystack, str) else haystack
    return [trace for secret in secrets for trace in traces_of(secret) if trace in data]


def body_of(answer) -> bytes:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content + repr(answer.headers).encode() + answer.cookies.output().encode()


class Links(HTMLParser):
    """The addresses that a page names."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [
            value for name, value in attributes if name in {"href", "hx-get", "src", "action"} and value
        ]


def crawl(client: Client, *starts: str, per_route: int = 1) -> dict[str, bytes]:
    """Every page that can be reached by following links; of each kind so many."""
    waiting, seen, kinds, pages = list(starts), set(), {}, {}
    while waiting:
        address = waiting.pop(0).partition("#")[0]
        path = address.partition("?")[0]
        if not path.startswith("/") or path in seen or "logout" in path or path.startswith("/static/"):
            continue
        seen.add(path)
        try:
            route = resolve(path).route
        except Resolver404:
            continue
        kinds[route] = kinds.get(route, 0) + 1
        if kinds[route] > per_route:
            continue
        answer = client.get(address)
        pages[address] = body_of(answer)
        assert answer.status_code < 500, address
        if answer.status_code in (301, 302):
            waiting.append(answer["Location"])
        elif answer.headers.get("Content-Type", "").startswith("text/html"):
            waiting += Links(answer.content.decode()).found
    return pages


def search(pages: dict[str, bytes], secrets) -> dict[str, list[bytes]]:
    return {address: found for address, page in pages.items() if (found := found_in(page, secrets))}


class Parrot(FakeVendor):
    """Answers everything with an error that holds the headers it was sent: in text, headers and Location."""

    def handle(self, handler, request: Recorded) -> Reply:
        self.requests.append(request)
        said = [
            value
            for name, value in request.headers.items()
            if "CANARYKEY" in value or name == "authorization"
        ]
        said += [value.rpartition(" ")[2] for value in said]
        words = f"Incorrect key provided: {' '.join(said)} in {request.path} {json.dumps(request.headers)}"
        step = self.steps.pop(0) if self.steps else "401"
        if step == "status line":
            handler.wfile.write(f"HTTP/1.1 {said[0]} \r\nX: {words}\r\n\r\n".encode())
            raise Gone
        if step == "half":
            handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{words}".encode())
            raise Gone
        head = {
            "x-request-id": said[-1],
            "request-id": said[0],
            "Location": f"http://127.0.0.1:9/?key={said[-1]}",
        }
        body = {
            "error": {"message": words, "code": said[-1], "type": said[-1]},
            "detail": words,
            "data": words,
        }
        return Reply(int(step), head, body)
