"""Every case of a collection of hostile addresses and servers, through the doors that people use.

It is run where the collection lies beside this folder; our own tables in `tests/providers/test_egress*.py`,
`test_addresses.py` and `test_import_addresses.py` stand without it.
"""

import gzip
import io
import json
import re
import resource
import ssl
import zlib
from ipaddress import ip_address
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from gallery import connections
from gallery.imports import importing
from gallery.imports.importing import ImportRefused
from gallery.models import ConnectionProfile, ImportEntry
from providers import egress, pinned
from tests.conftest import picture_bytes
from tests.internet import PUBLIC, certificate, dripping, endless, internet, ok, reset, to

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "ssrf_cases.json"
CASES = json.loads(CORPUS.read_text())["cases"] if CORPUS.exists() else []
# What their reasons are called here. Several have one name, for a sentence more would help an attacker only.
CODES = {
    "scheme_not_allowed": {"invalid_address"},
    "bad_url": {"invalid_address"},
    "credentials_in_url": {"invalid_address"},
    "bad_host": {"invalid_address", "blocked_address"},
    "port_not_allowed": {"blocked_address", "invalid_address"},
    "name_not_public": {"blocked_address"},
    "address_not_public": {"blocked_address"},
    "dns_failure": {"blocked_address"},  # like a name that leads home
    "redirect_not_allowed": {"blocked_address", "invalid_address", "bad_answer"},
    "too_many_redirects": {"too_many_redirects"},
    "too_large": {"too_big"},
    "timeout": {"timeout"},
    "connection_lost": {"unreachable"},
    "bad_response": {"bad_answer", "http_status"},
    "http_error": {"http_status"},
    "empty_file": {"empty_file", "http_status"},
    "not_an_image": {"unsupported_type", "svg_not_supported"},
    "tls_error": {"certificate"},
}
ZEROS = bytes(30_000_000)
HEAD = b"HTTP/1.1 200 OK\r\n"
pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def webp():
    file = io.BytesIO()
    PillowImage.new("RGB", (9, 9), "red").save(file, "WEBP")
    return file.getvalue()


PICTURE = picture_bytes()
PAGES = {
    None: ok(PICTURE),
    "egress proxy": ok(PICTURE),
    "self-signed": ok(PICTURE),
    "untrusted CA": ok(PICTURE),
    "good cert for img.test": ok(PICTURE),
    "endless chunked": endless(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n"
    ),
    "gzip in gzip": ok(gzip.compress(gzip.compress(ZEROS)), Content_Encoding="gzip, gzip"),
    "deflate bomb": ok(zlib.compress(ZEROS), Content_Encoding="deflate"),
    "slow headers": dripping(HEAD + b"X-Slow: "),
    "headers 10 MB": endless(HEAD, b"X-Big: " + b"a" * 60_000 + b"\r\n"),
    "headers 5000": HEAD + b"X-A: b\r\n" * 5000 + b"\r\n",
    "reset mid-body": lambda line: reset(line, HEAD + b"Content-Length: 5000\r\n\r\nhalf"),
    "200 empty": ok(b""),
    "204": ok(b"", "204 No Content"),
    "CL twice": HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nabcde",
    "HTTP/0.9": PICTURE,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "100 x 10000": dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
    "no Content-Type + WebP": ok(webp()),
    "image/svg+xml": ok(b"<svg xmlns='http://www.w3.org/2000/svg'/>", Content_Type="image/svg+xml"),
    "CD filename*=UTF-8''%2e%2e%2fx.html": ok(
        PICTURE, Content_Disposition="attachment; filename*=UTF-8''%2e%2e%2fx.html"
    ),
    "404": ok(b"secret", "404 Not Found"),
    "410": ok(b"secret", "410 Gone"),
}


def path_of(url):
    return "/" + url.split("://", 1)[1].partition("/")[2]


def set_pages(wire, case):
    """Let the servers do what the case says. Raises `KeyError` for what is not known here."""
    said, hop = case["server"], case["url"]
    wire.otherwise = ok(PICTURE)
    if said and (refresh := re.fullmatch(r"200 image \+ Refresh: (.*)", said)):
        wire.otherwise = ok(PICTURE, Refresh=refresh[1])
    elif said and re.match(r"3\d\d ", said):
        cookie = {"Set_Cookie": "a=b"} if said.endswith(" + Set-Cookie") else {}
        for step in said.removesuffix(" + Set-Cookie").split(" | "):
            status, location = step.split(" ", 1)
            # A header line cannot hold a line break; folded, it can.
            wire.pages[path_of(hop)] = to(
                re.sub(r"\r?\n", "\r\n ", location), f"{status} Elsewhere", **cookie
            )
            hop = location
    else:
        wire.otherwise = PAGES[said]


def set_names(wire, case, monkeypatch):
    for name, answers in case["dns"].items():
        if answers[:1] == ["SELF"]:
            monkeypatch.setattr(egress, "own_addresses", lambda: {ip_address(PUBLIC)})
            wire.names[name] = [PUBLIC]
        elif answers[:1] == ["SEQ"]:
            wire.names[name] = iter(answers[1:]).__next__
        else:
            wire.names[name] = answers


@pytest.fixture(scope="session")
def trusted(tmp_path_factory):
    path = certificate(tmp_path_factory.mktemp("tls"), "img.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context, ssl.create_default_context(cafile=path)


@pytest.fixture
def wire(monkeypatch, trusted, settings):
    settings.MAX_IMPORT_BYTES = 20 * 1024**2
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # The threads of an import would not see the rows of a test that is rolled back.
    monkeypatch.setattr(importing, "_side_by_side", lambda take, entries: [take(entry) for entry in entries])
    with internet() as wire:
        wire.names, wire.pages = {}, {}
        yield wire


def bring(owner, *urls):
    """Import addresses as a person does; (code, message) of each, both empty for what came in."""
    try:
        job = importing.create_from_urls(owner, urls)
    except ImportRefused as exc:
        return [(exc.code, exc.message)] * len(urls)
    importing.run(job.pk)
    states = (ImportEntry.State.ADDED, ImportEntry.State.FAILED)
    assert set(job.entries.values_list("state", flat=True)) <= set(states)
    return list(job.entries.order_by("index").values_list("error_code", "error_message"))


def of(*surfaces):
    cases = [case for case in CASES if case["surface"] in surfaces and not case["url"].startswith("(")]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["id"])


def test_every_surface_of_the_collection_has_a_runner():
    known = {"import", "provider_base_user", "provider_call"}
    assert {case["surface"] for case in CASES} <= known


@of("import")
def test_import_case(owner, wire, trusted, monkeypatch, settings, case):
    set_names(wire, case, monkeypatch)
    set_pages(wire, case)
    if case["url"].lower().startswith("https:"):
        wire.context = trusted[0]
        if case["server"] not in ("self-signed", "untrusted CA"):
            monkeypatch.setattr(pinned, "tls_context", lambda: trusted[1])
    monkeypatch.setattr(
        "gallery.imports.import_sources.FETCH_SECONDS", 0.5 if case["reason"] == "timeout" else 20
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ((code, message),) = bring(owner, case["url"])
    outcomes = {case["expect"], *case.get("also_ok", [])}
    if code:
        assert outcomes & {"block", "fail"}
        assert code in CODES[case["reason"]]
        assert "secret" not in message
    else:
        assert "allow" in outcomes
    assert len(wire.dialled) <= case["max_connects"] + ("allow" in case.get("also_ok", []))
    assert all(ip in {PUBLIC, "93.184.215.15", "93.184.215.99", "8.8.8.8"} for ip, _ in wire.dialled)
    asserts = case.get("asserts", {})
    lines = [head.split("\r\n")[0] for head in wire.seen]
    assert not asserts.get("hop2_has_no_cookie") or "cookie" not in wire.seen[1].lower()
    assert not any("authorization" in head.lower() for head in wire.seen)
    assert not asserts.get("request_line_has_no_crlf") or "%0d%0a" in lines[0].lower()
    assert asserts.get("path", "") in "".join(lines)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < asserts.get("peak_rss_mb", 300)
    assert [path for path in settings.SPOOL_DIR.glob("*") if path.is_file()] == []


@of("provider_base_user")
def test_provider_address_case(owner, wire, case):
    if case["reason"] == "origin_not_allowed":
        # An address of one's own is allowed here, for the key of the old one is forgotten with it.
        profile = ConnectionProfile(owner=owner, name="Mine", provider="openai")
        profile.api_key = "sk-test-0123456789abcdef"
        profile.save()
        connections.change(profile, base_url=case["url"])
        assert not ConnectionProfile.objects.get().has_api_key
    else:
        with pytest.raises(connections.ProfileError):
            connections.check_address(case["url"])
    assert len(wire.dialled) <= case["max_connects"]


@of("provider_call")
def test_provider_call_case(wire, trusted, monkeypatch, tmp_path, case):
    from providers import errors, http, registry
    from providers.base import Connection, ImageRequest

    set_names(wire, case, monkeypatch)
    wire.context = trusted[0]
    monkeypatch.setattr(pinned, "tls_context", lambda: trusted[1])
    status, location = case["server"].split(" ", 1)
    wire.otherwise = to(location, f"{status} Elsewhere")
    openai = registry.connect("openai", Connection(base_url=case["url"], api_key="sk-test-0123456789abcdef"))
    request = ImageRequest(prompt="x", model="gpt-image-2")
    assert http.LARGEST_ANSWER
    with pytest.raises(errors.InvalidRequest, match="not followed to protect your key"):
        openai.read(request, openai.send(request, tmp_path / "a.answer"), tmp_path)
    assert len(wire.dialled) == len(wire.seen) <= case["max_connects"]


@pytest.mark.skipif(not CASES, reason="the collection is not here")
def test_open_closed_and_silent_ports_at_home_are_told_apart_by_nobody(owner, wire):
    answers = bring(owner, *(f"http://10.0.0.{n}:{port}/" for n in (1, 2) for port in (80, 443)))
    assert len(set(answers)) == 1
    assert wire.asked == wire.dialled == []  # nothing that could take longer here than there


@pytest.mark.skipif(not CASES, reason="the collection is not here")
def test_names_at_home_and_names_of_nobody_are_told_apart_by_nobody(owner, wire):
    wire.names["there.corp.example"] = ["10.0.0.9"]
    here, nowhere = bring(owner, "http://there.corp.example/", "http://nowhere.corp.example/")
    assert here == nowhere
    assert wire.dialled == []
