"""Secrets taken out of texts and of what vendors answer."""

import base64
from urllib.parse import quote

import pytest

from providers import errors, redaction
from providers.base import Connection, ImageRequest
from providers.openai import OpenAI
from providers.redaction import HIDDEN, masked, redact
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import FakeOpenAI

KEY = "CANARY7f3a-Zq+/9=x'Lm"  # looks like no vendor's key, and is spelt otherwise in addresses and HTML


@pytest.fixture(autouse=True)
def known():
    redaction.remember(KEY)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Incorrect API key provided: {KEY}.",
        f"https://host/v1?x={quote(KEY, safe='')}",
        f"Basic {base64.b64encode(KEY.encode()).decode()}",
        "api_key=&#x27;" + KEY.replace("'", "&#x27;"),
    ],
)
def test_a_known_key_is_hidden_in_every_spelling(text):
    assert "CANARY" not in redact(text)
    assert base64.b64encode(KEY.encode()).decode()[:12] not in redact(text)
    assert HIDDEN in redact(text)


def test_a_known_key_that_was_cut_is_hidden():
    long = "CANARYlong0123456789abcdefgh"
    redaction.remember(long)
    assert redact(f"trimmed: {long[:15]}… and more") == f"trimmed: {HIDDEN}… and more"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def"),
        ("{'Authorization': 'Bearer abcdefghij'}", "abcdefghij"),
        ("('x-api-key', 'quite-secret')", "quite-secret"),
        ("b'x-goog-api-key: quite-secret\\r\\n'", "quite-secret"),
        ('{"api_key": "quite-secret"}', "quite-secret"),
        ("Cookie: session=quite-secret; csrftoken=x", "quite-secret"),
        ("wrong key sk-proj-abcdef0123", "sk-proj"),
        ("wrong key AIzaSyA0123456789", "AIza"),
        ("token vig_abcdefghijklmnop", "vig_abc"),
        ("GET /t/1/x-320.webp?s=0123456789abcdef HTTP/1.1", "0123456789abcdef"),
        ("https://b.s3/k?X-Amz-Credential=AK&X-Amz-Signature=f00f00&z=1", "f00f00"),
        ("postgres://vignette:hunter22@db/v", "hunter22"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, secret):
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Worker host:1 takes up to 500 tasks at once",
        "Call 0192-aa ended: rate_limited req_7",
        "Basic understanding of the api key is missing",
        "https://example.com/a.png?w=300&q=cat",
        "Not Found: /images/sketch/",
    ],
)
def test_ordinary_lines_stay_as_they_are(text):
    assert redact(text) == text


def test_a_short_word_is_never_taken_for_a_secret():
    redaction.remember("x")
    redaction.remember("secret")
    assert redact("six secrets") == "six secrets"


@pytest.mark.parametrize("size", [1, 2, 7, 16, 1000])
def test_a_key_is_starred_wherever_an_answer_is_cut_into_pieces(size):
    text = b'{"a": "' + KEY.encode() + b'", "b": "CANARY7f3a-Zq", "c": "' + KEY.encode() + b'"}' + b"CANARY7"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    done = b"".join(masked(pieces, (KEY.encode(),)))
    assert done == text.replace(KEY.encode(), b"*" * len(KEY))


def test_nothing_of_a_piece_is_held_back_that_cannot_become_a_key():
    taken = []
    for piece in masked(iter([b"data: one\n\n", b"data: two\n\n"]), (KEY.encode(),)):
        taken.append(piece)
    assert taken == [b"data: one\n\n", b"data: two\n\n"]


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
def test_a_vendor_that_repeats_the_key_leaves_no_trace_of_it(tmp_path, status):
    """In the body, in headers that are kept as the request's id, and in the address of a redirect."""
    told = {
        "error": {"message": f"Wrong key {KEY}, {quote(KEY, safe='')}"},
        "data": [{"revised_prompt": KEY}],
    }
    headers = {"x-request-id": KEY, "x-odd": f"Bearer {KEY}", "location": f"https://evil.example/?k={KEY}"}
    with FakeOpenAI() as fake:
        fake.script(Reply(status, headers, told))
        vendor = OpenAI(Connection(base_url=fake.url, api_key=KEY, allowed_private_hosts=fake.allowed))
        request = ImageRequest(prompt="A fox", model="gpt-image-2", n=1)
        answer = vendor.send(request, tmp_path / "spool")
        with pytest.raises(errors.ProviderError) as caught:
            vendor.read(request, answer, tmp_path)
        assert fake.last.headers["authorization"] == f"Bearer {KEY}"
    told_here = repr((answer, vars(caught.value), str(caught.value), vendor, vendor.connection))
    kept = (tmp_path / "spool").read_text()
    assert "CANARY" not in told_here
    assert "CANARY" not in kept
    assert "*" * len(KEY) in kept


def test_half_a_character_in_a_secret_does_not_keep_a_line_from_being_written():
    secret = "a secret with \ud800 in it"
    assert redact(f"Somebody sent {secret}.", [secret]) == f"Somebody sent {HIDDEN}."


def test_a_secret_that_begins_another_does_not_leave_its_end():
    short, long = "sk-test-0123456789", "sk-test-0123456789abcdef"
    assert redact(f"of {long}.", [short, long]) == f"of {HIDDEN}."
    assert redact(f"of {long}.", [short]) == f"of {HIDDEN}."
