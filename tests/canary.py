"""Words that must not be found where they do not belong, and a vendor that repeats every key it is sent."""

import base64
import json
from urllib.parse import quote

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
