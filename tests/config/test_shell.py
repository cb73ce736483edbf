import asyncio

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from config.bridge import Bridge
from config.shell import Shell
from gallery import ingest
from gallery.files import media


class Answer:
    def __init__(self, messages):
        self.status = messages[0]["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])


def ask(app, path, *, method="GET", query="", **headers) -> Answer:
    """Send one request through the ASGI application, as the server does."""
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "query_string": query.encode(), "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"testserver")]
        + [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return Answer(sent)


def wsgi_naming(path, etag='"1"'):
    """A WSGI application that answers with a file, as views do behind the shell."""

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "image/png"), ("X-Sendfile", str(path)), ("ETag", etag)])
        return [b""]

    return app


@pytest.fixture
def file(settings):
    settings.MEDIA_ROOT.mkdir()
    path = settings.MEDIA_ROOT / "original.png"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


@pytest.fixture
def shell(file):
    return Shell(Bridge(wsgi_naming(file)))


def test_named_file_is_sent_whole_and_the_name_kept_back(shell, file):
    answer = ask(shell, "/")
    assert answer.body == file.read_bytes()
    assert answer.headers["content-length"] == str(file.stat().st_size)
    assert "x-sendfile" not in answer.headers


def test_range_of_a_named_file(shell, file):
    answer = ask(shell, "/", range="bytes=300000-300009")
    assert (answer.status, answer.body) == (206, file.read_bytes()[300000:300010])
    assert answer.headers["content-range"] == "bytes 300000-300009/1048576"


def test_range_behind_the_end_is_416(shell):
    answer = ask(shell, "/", range="bytes=1048576-")
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */1048576")


@pytest.mark.parametrize(("version", "status"), [('"1"', 206), ('"0"', 200)])
def test_if_range_compares_the_version(shell, version, status):
    assert ask(shell, "/", range="bytes=0-1", if_range=version).status == status


def test_head_of_a_named_file_has_no_body(shell):
    answer = ask(shell, "/", method="HEAD")
    assert (answer.headers["content-length"], answer.body) == ("1048576", b"")


@pytest.mark.parametrize("name", ["/etc/hostname", "{root}/../secret", "{root}/link"])
def test_file_outside_the_media_folder_is_never_sent(file, settings, name):
    (settings.MEDIA_ROOT.parent / "secret").write_text("secret")
    (settings.MEDIA_ROOT / "link").symlink_to(settings.MEDIA_ROOT.parent / "secret")
    answer = ask(Shell(Bridge(wsgi_naming(name.format(root=settings.MEDIA_ROOT)))), "/")
    assert (answer.status, answer.body) == (404, b"Not found.")


def test_file_that_is_gone_is_404(shell, file):
    file.unlink()
    assert ask(shell, "/").status == 404


def test_compressed_request_is_refused(shell):
    answer = ask(shell, "/", method="POST", content_encoding="gzip")
    assert (answer.status, answer.headers["x-content-type-options"]) == (415, "nosniff")


def test_lifespan_is_answered(shell):
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(shell({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# --- Thumbnails, which Django never sees ----------------------------------------------------------


@pytest.fixture
def alone():
    async def django(scope, receive, send):
        raise AssertionError("Django was asked")

    return Shell(django)


@pytest.fixture
def image(owner, picture):
    return ingest.store(owner, picture(), source="upload").image


@pytest.fixture
def signed(image):
    path, _, query = media.thumbnail_url(image.public_id, image.owner_id, 320).partition("?")
    return {"path": path, "query": query}


def test_signed_thumbnail_is_answered_without_django(alone, image, signed, settings):
    answer = ask(alone, **signed)
    assert answer.body == (settings.MEDIA_ROOT / image.thumbnail_key(320)).read_bytes()
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_thumbnail_the_browser_has_is_304(alone, signed):
    etag = ask(alone, **signed).headers["etag"]
    answer = ask(alone, **signed, if_none_match=etag)
    assert (answer.status, answer.body) == (304, b"")


def test_head_of_a_thumbnail_has_no_body(alone, signed):
    answer = ask(alone, **signed, method="HEAD")
    assert int(answer.headers["content-length"]) > 0
    assert answer.body == b""


@pytest.mark.parametrize("query", ["", "s=", "s=0", "s=" + "0" * 32, "s=é", "x=1"])
def test_thumbnail_with_another_signature_is_404(alone, signed, query):
    assert ask(alone, signed["path"], query=query).status == 404


@pytest.mark.parametrize("path", ["1/../../db.sqlite3", "../1/a", "1/", "", "²/x", "1//etc/passwd"])
def test_thumbnail_of_an_odd_path_is_404(alone, path):
    assert ask(alone, f"{media.PREFIX}{path}", query="s=" + "0" * 32).status == 404


def django_once(environ, start_response):
    """Django, in a thread that ends with the test and leaves no connection open."""
    try:
        yield from WSGIHandler()(environ, start_response)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_original_goes_from_the_view_through_the_shell(owner, owner_client, picture):
    image = ingest.store(owner, picture(), source="upload").image
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in owner_client.cookies.items())
    answer = ask(Shell(Bridge(django_once)), f"/images/{image.public_id}/original/", cookie=cookie)
    assert answer.body == picture()
    assert answer.headers["cache-control"] == "private, no-store"
    assert "x-sendfile" not in answer.headers
