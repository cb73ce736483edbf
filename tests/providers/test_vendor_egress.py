"""Keys go to the server they were entered for, and nowhere else, whatever it answers."""

import re

import pytest

from providers import errors, http, registry
from providers.base import Connection, ImageRequest
from tests.internet import endless, internet, ok, to

KEY = "sk-test-0123456789abcdef"
VENDORS = [slug for slug, _ in registry.provider_choices() if slug != "demo"]
LEADS = ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]


@pytest.fixture
def wire(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine img.test login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://two.test:9")
    with internet() as wire:
        yield wire


def connected(slug):
    return registry.connect(slug, Connection(base_url="http://img.test/v1", api_key=KEY))


def hosts(wire):
    return {re.search(r"host: (.*)\r", head, re.IGNORECASE)[1] for head in wire.seen}


@pytest.mark.parametrize("slug", VENDORS)
@pytest.mark.thorough
def test_key_is_not_taken_to_where_a_check_is_led(wire, slug):
    wire.otherwise = to("http://two.test/v1", "302 Found", Set_Cookie="a=b")
    for _ in range(2):
        assert not connected(slug).test().ok
    assert hosts(wire) == {"img.test"}
    assert {ip for ip, _ in wire.dialled} == {wire.names["img.test"][0]}
    assert not any("cookie" in head.lower() or "secret" in head for head in wire.seen)


@pytest.mark.parametrize("status", LEADS)
@pytest.mark.parametrize("slug", ["openai", "xai", "google", "openrouter", "openai_compatible"])
def test_key_is_not_taken_to_where_a_request_is_led(wire, tmp_path, slug, status):
    wire.otherwise = to("https://two.test/v1", status, Set_Cookie="a=b")
    provider = connected(slug)
    model = provider.default_model() or "some-model"
    request = ImageRequest(prompt="x", model=model)
    with pytest.raises(errors.InvalidRequest, match="not followed to protect your key"):
        provider.read(request, provider.send(request, tmp_path / "a.answer"), tmp_path)
    assert len(wire.seen) == len(wire.dialled) == 1
    assert KEY in wire.seen[0]


def test_key_is_sent_to_no_name_that_leads_home(wire, tmp_path):
    wire.names["img.test"] = ["10.0.0.7"]
    with pytest.raises(errors.InvalidRequest) as caught:
        connected("openai").send(ImageRequest(prompt="x", model="gpt-image-2"), tmp_path / "a.answer")
    assert caught.value.field == "base_url"
    assert wire.dialled == []


def test_refusal_of_a_request_that_is_too_large_is_read_although_the_server_hangs_up(wire, tmp_path):
    wire.is_polite = False  # answers as soon as it has seen the head, and closes with the rest unread
    wire.otherwise = ok(
        b'{"error": {"message": "Too large."}}', "413 Too Large", Content_Type="application/json"
    )
    wire_request = http.WireRequest(url="http://img.test/v1", headers={}, json={"x": "y" * 5_000_000})
    answer = http.post(wire_request, tmp_path / "a.answer", deadline=20)
    assert answer.status == 413


@pytest.mark.parametrize(
    "page",
    [
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * 100_000),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000 + b"\r\n"),
    ],
)
def test_flood_of_a_vendor_ends_by_what_is_wrong_with_it(wire, tmp_path, page):
    wire.otherwise = page
    with pytest.raises(errors.BadResponse, match="cannot be understood"):
        http.post(http.WireRequest(url="http://img.test/v1", headers={}), tmp_path / "a.answer", deadline=20)
