"""What every answer carries, whoever made it; and what of a request is not believed."""

import asyncio

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from config.bridge import Bridge
from config.proxies import settle
from config.shell import Shell
from gallery import ingest
from gallery.files import media
from gallery.models import ApiToken, User

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "",
}


def lacking(response) -> dict:
    found = {name: response.headers.get(name) for name in ALWAYS}
    wrong = {name: value for name, value in found.items() if value is None or ALWAYS[name] not in value}
    policy = found["Content-Security-Policy"] or ""
    return wrong | ({"unsafe": policy} if "unsafe" in policy else {})


@pytest.fixture
def image(owner, picture):
    return ingest.store(owner, picture(), source="upload").image


def paths(image, token) -> list[tuple]:
    bearer = {"authorization": f"Bearer {token}"}
    original, thumb = (
        f"/images/{image.public_id}/original/",
        media.thumbnail_url(image.public_id, image.owner_id, 320),
    )
    return [
        ("GET", "/", {}), ("GET", f"/images/{image.public_id}/", {}), ("GET", "/nothing/", {}),
        ("GET", "/add", {}), ("PUT", "/", {}), ("POST", "/trash/", {}), ("GET", "/settings/", {}),
        ("GET", original, {}), ("HEAD", original, {}), ("GET", original, {"range": "bytes=0-0"}),
        ("GET", original, {"range": "bytes=99999999-"}), ("GET", thumb, {}), ("GET", thumb[:-4] + "0000", {}),
        ("GET", "/admin/", {}), ("GET", "/admin/gallery/image/", {}), ("GET", "/admin/nothing/", {}),
        ("GET", "/api/v1/images", bearer), ("GET", "/api/v1/images", {}), ("GET", "/api/v1/nothing", bearer),
        ("DELETE", "/api/v1/images", bearer), ("GET", "/api/v1/docs", {}),
        ("GET", "/api/v1/openapi.json", {}),
        ("GET", f"/api/v1/images/{image.public_id}/original", bearer), ("GET", "/health/live", {}),
        ("GET", f"/api/v1/images/{image.public_id}/thumbnail?size=320", bearer), ("GET", "/costs.csv", {}),
        ("GET", "/static/css/base.css", {}), ("GET", "/static/nothing.css", {}), ("GET", "/login/", {}),
        ("GET", "/", {"host": "evil.example"}), ("GET", "/api/v1/images", {"host": "evil.example"}),
        ("POST", "/hide/", {"HX-Request": "true"}), ("GET", f"/images/{image.public_id}/x.css", {}),
    ]  # fmt: skip


def test_every_answer_has_its_headers(image, client, owner):
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    token = ApiToken.issue(owner, "x")[1]
    wrong = {}
    for who in (None, owner):
        client = Client()
        if who:
            client.force_login(who)
        for method, path, headers in paths(image, token):
            response = client.generic(method, path, headers=headers)
            if missing := lacking(response):
                wrong[who and who.username, method, path, response.status_code] = missing
    assert wrong == {}


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), OperationalError("gone")])
def test_so_has_an_answer_to_what_broke(owner_client, monkeypatch, error):
    def breaks(*args):
        raise error

    owner_client.raise_request_exception = False
    monkeypatch.setattr("gallery.work.jobs.of_queue", breaks)
    response = owner_client.get(reverse("queue"))
    assert response.status_code in (500, 503)
    assert lacking(response) == {}


def test_so_has_a_form_without_its_token(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/hide/")
    assert response.status_code == 403
    assert lacking(response) == {}


def test_so_has_who_is_asked_to_wait(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    cache.clear()
    responses = [client.post("/login/", {"login": "a", "password": "b"}) for _ in range(2)]
    cache.clear()
    assert responses[1].status_code == 429
    assert lacking(responses[1]) == {}


@pytest.mark.parametrize("path", ["/media/t/1/x.webp", "/", "/any?compressed"])
def test_so_has_what_the_shell_answers_itself(path):
    """Without Django: a refused thumbnail, a compressed body, and an answer that lacks everything."""

    async def bare(scope, receive, send):
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": b""})

    headers = [(b"host", b"testserver")] + ([(b"content-encoding", b"gzip")] if "?" in path else [])
    found = sent_by(Shell(bare), path.partition("?")[0], headers)
    answer = {name.decode().lower(): value.decode() for name, value in found["headers"]}
    assert {name for name, part in ALWAYS.items() if part not in answer.get(name.lower(), "?")} == set()


def test_so_has_an_answer_when_the_site_is_reached_by_https(settings):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    found = sent_by(Shell(None), "/media/t/1/x.webp", [(b"host", b"testserver")])
    assert (b"strict-transport-security", b"max-age=31536000; includeSubDomains; preload") in found["headers"]


def sent_by(app, path, headers, client=("127.0.0.1", 1)) -> dict:
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "query_string": b"", "server": ("testserver", 80), "client": client, "headers": headers,
    }  # fmt: skip
    sent, coming = [], [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]


def test_pages_vary_by_who_asks_and_are_not_kept(owner_client):
    response = owner_client.get("/")
    assert response["Cache-Control"] == "private, no-store"
    assert {"Cookie", "HX-Request"} <= {name.strip() for name in response["Vary"].split(",")}


def test_pictures_are_locked_in_a_sandbox(owner_client, image):
    response = owner_client.get(f"/images/{image.public_id}/original/")
    assert set(response["Content-Security-Policy"].split("; ")) == {"default-src 'none'", "sandbox"}
    assert response["Cache-Control"] == "private, no-store"


def test_nothing_hangs_below_a_page(owner_client, image):
    """A cache that goes by the ending of an address would keep a private page for everybody."""
    for path in ("x.css", "a/b.js", "original/x.png", "x.webp"):
        assert owner_client.get(f"/images/{image.public_id}/{path}").status_code == 404


PRIVATE = [
    "/media/", "/media/uploaded/1/x.png", "/static/../manage.py", "/.env", "/.git/config", "/db.sqlite3",
    "/var/db.sqlite3", "/static/%2e%2e/manage.py", "/__debug__/", "/spool/",
]  # fmt: skip


@pytest.mark.parametrize("path", PRIVATE)
def test_no_file_of_the_server_is_an_address(client, owner_client, image, path, settings):
    assert owner_client.get(path).status_code == 404
    assert Client().get(path).status_code == 404
    stored = f"/media/{image.storage_key}"
    assert {owner_client.get(stored).status_code, Client().get(stored).status_code} == {404}


# --- Where an answer may lead ---------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/", "//evil.example", "///evil.example", "\\\\evil.example", "/\\evil.example",
    "https:evil.example", "http:///evil.example", "javascript:alert(1)", "data:text/html,x",
    "\t//evil.example",
    "/\t/evil.example", "https://testserver@evil.example", "https://testserver.evil.example", "ftp://testserver/",
    "/%0d%0aLocation:%20https://evil.example\r\nX: y", "//evil.example/%2f..", "\x00//evil.example",
    "https://evil.example\\@testserver/",
]  # fmt: skip


def leads_away(address: str) -> bool:
    return (
        not address.startswith("/") or address[:2] in ("//", "/\\") or any(c in address for c in "\r\n\t\x00")
    )


@pytest.mark.parametrize("there", ELSEWHERE)
def test_logging_in_and_out_leads_nowhere_else(client, owner, there):
    cache.clear()
    typed = {"login": "owner", "password": "owner-pass", "next": there}
    assert not leads_away(client.post("/login/", typed).url)
    assert not leads_away(client.get("/login/", {"next": there}).url)  # who is in already is sent on
    assert not leads_away(client.post("/logout/", {"next": there}).url)
    client.post("/login/", typed)
    again = client.post("/login/again/", {"password": "owner-pass", "next": there})
    assert again.status_code != 302 or not leads_away(again.url)
    assert not leads_away(client.post("/hide/", {"next": there}).url)


@pytest.mark.parametrize("there", ELSEWHERE)
def test_htmx_is_led_nowhere_else(owner_client, image, there):
    asked = {"ids": [str(image.public_id)], "action": "favorite", "value": "yes", "next": there, "in": there}
    for headers in ({}, {"HX-Request": "true"}):
        for path in ("/bulk/", f"/images/{image.public_id}/trash/", f"/images/{image.public_id}/restore/"):
            response = owner_client.post(path, asked, headers=headers)
            for name in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"):
                assert not leads_away(response.headers.get(name, "/")), (path, name)


# --- What is not believed -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver@evil.example", ""])
def test_another_host_is_refused(client, owner, host):
    for path in ("/login/", "/", "/api/v1/images", "/nothing/"):
        assert client.get(path, headers={"host": host}).status_code == 400
    assert (
        client.post(
            "/login/", {"login": "owner", "password": "owner-pass"}, headers={"host": host}
        ).status_code
        == 400
    )


def test_a_forwarded_host_is_not_believed(client, owner):
    response = client.get("/", headers={"x-forwarded-host": "evil.example"})
    assert "evil" not in response.url


def scope(peer, **headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (peer, 1), "scheme": "http", "headers": [(b"host", b"x"), *pairs]}


SAID = {"x_forwarded_for": "203.0.113.9, 10.0.0.2", "x_forwarded_proto": "https"}


def test_a_trusted_proxy_says_for_whom_it_asks():
    settled = settle(scope("10.0.0.1", **SAID), ["10.0.0.0/24"])
    assert (settled["client"][0], settled["scheme"]) == ("203.0.113.9", "https")
    assert settled["headers"] == [(b"host", b"x")]


@pytest.mark.parametrize("trusted", [[], ["10.0.1.0/24"], ["::1"]])
def test_nobody_else_does(trusted):
    settled = settle(scope("10.0.0.1", **SAID), trusted)
    assert (settled["client"][0], settled["scheme"]) == ("10.0.0.1", "http")
    assert settled["headers"] == [(b"host", b"x")]


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what the caller wrote itself
        ("203.0.113.9, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_of_a_chain_the_last_that_is_no_proxy_counts(said, client):
    assert settle(scope("10.0.0.1", x_forwarded_for=said), ["10.0.0.0/24"])["client"][0] == client


def test_a_name_with_an_underscore_is_dropped():
    asked = scope("10.0.0.1") | {
        "headers": [(b"host", b"x"), (b"x_forwarded_for", b"203.0.113.9"), (b"Remote_User", b"a")]
    }
    assert settle(asked, ["10.0.0.1"])["headers"] == [(b"host", b"x")]


def test_the_shell_passes_on_what_it_believes(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return [b""]

    headers = [
        (b"host", b"testserver"),
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"https"),
    ]
    sent_by(Shell(Bridge(app)), "/", headers, client=("10.0.0.1", 1))
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    sent_by(Shell(Bridge(app)), "/", headers, client=("10.0.0.2", 1))
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("10.0.0.2", "http")
    assert not [name for name in seen if "FORWARDED" in name]
