"""Pictures that an answer names by address: fetched by GET alone, a few times, and from no odd place."""

import base64
import io
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, links
from providers.base import ImageRequest
from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.providers.conftest import KEY

REQUEST = ImageRequest(prompt="A panda", model="dall-e-3", n=2, options={"force_model": True})


class PictureHost(FakeVendor):
    """Serves pictures; `pages` scripts what the next GETs meet."""

    def __init__(self):
        super().__init__()
        self.pages: list[Reply | str] = []
        self.picture = b""

    def step_for(self, request: Recorded):
        return self.pages.pop(0) if self.pages else ""

    def answer(self, request: Recorded, step: str) -> Reply:
        return Reply(200, {"Content-Type": "image/png"}, self.picture)


@pytest.fixture
def host(picture, monkeypatch):
    monkeypatch.setattr(links, "PAUSES", (0, 0.01, 0.01, 0.01, 0.01))
    with PictureHost() as server:
        server.picture = picture()
        yield server


@pytest.fixture
def save(host, tmp_path):
    def fetch(url, **changes):
        known = {"base_url": f"{host.url}/v1", "allowed_private_hosts": ("127.0.0.1",), **changes}
        links.save(url, tmp_path / "a.png", **known)
        return (tmp_path / "a.png").read_bytes()

    return fetch


def test_picture_of_the_vendors_own_host_is_fetched_without_a_key(save, host):
    assert save(f"{host.url}/files/a.png?sig=1") == host.picture
    assert (host.last.method, host.last.path) == ("GET", "/files/a.png?sig=1")
    assert not {"authorization", "cookie"} & host.last.headers.keys()


@pytest.mark.parametrize(("url", "path"), [("/made/a.png", "/made/a.png"), ("made/a.png", "/v1/made/a.png")])
def test_relative_address_is_one_of_the_vendor(save, host, url, path):
    assert save(url) == host.picture
    assert host.last.path == path


@pytest.mark.parametrize("page", ["reset", "half_body", Reply(404), Reply(429), Reply(500), Reply(503)])
def test_what_may_pass_is_tried_again(save, host, page):
    host.pages = [page, page]
    assert save("/a.png") == host.picture
    assert len(host.requests) == 3


@pytest.mark.parametrize(("page", "tries"), [(Reply(404), 5), ("reset", 5), (Reply(403), 1), (Reply(410), 1)])
def test_picture_that_is_gone_may_have_been_charged(save, host, page, tries):
    host.pages = [page] * 9
    with pytest.raises(errors.BadResponse, match="may have expired") as caught:
        save("/a.png")
    assert (caught.value.may_have_been_charged, caught.value.is_settled) == (True, False)
    assert len(host.requests) == tries


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("file:///etc/passwd", ""),
        ("ftp://127.0.0.1/a.png", ""),
        ("http://127.0.0.1:1/a.png", ""),
        ("http://public.test/a.png", ""),
        ("https://10.1.2.3/a.png", ""),
        ("https://169.254.169.254/latest", ""),
        ("/a.png", Reply(401)),
        ("/a.png", Reply(302, {"Location": "https://10.1.2.3/a.png"})),
        ("/a.png", Reply(302, {"Location": "http://127.0.0.1:1/a.png"})),
    ],
)
def test_address_of_another_kind_is_never_used(save, host, url, page):
    host.pages = [page] * 9
    with pytest.raises(errors.LinkBlocked) as caught:
        save(url)
    assert caught.value.is_settled
    assert len(host.requests) == bool(page)


def test_private_host_needs_to_be_allowed_even_if_it_is_the_vendors(save, host):
    with pytest.raises(errors.LinkBlocked):
        save("/a.png", allowed_private_hosts=())
    assert host.requests == []


def test_without_a_vendors_address_only_https_is_left(save, host):
    with pytest.raises(errors.LinkBlocked):
        save(f"{host.url}/a.png", base_url="", allowed_private_hosts=host.allowed)


def test_picture_has_a_limit(save, monkeypatch):
    monkeypatch.setattr(links, "LARGEST_PICTURE", 10)
    with pytest.raises(errors.LinkBlocked, match="larger"):
        save("/a.png")


def test_tries_end_with_the_time(save, host, monkeypatch):
    monkeypatch.setattr(links, "ALL_SECONDS", 0.3)
    monkeypatch.setattr(links, "PAUSES", (0, 0.01, 5, 5, 5))
    host.pages = [Reply(500)] * 9
    with pytest.raises(errors.BadResponse):
        save("/a.png")
    assert len(host.requests) == 2


# Through an adapter


def items(*urls):
    return Reply(body={"data": [{"url": url} for url in urls]})


def test_answer_with_addresses_becomes_pictures_with_one_post(generate, host, openai):
    openai.connection = type(openai.connection)(
        base_url=host.url, api_key=KEY, allowed_private_hosts=("127.0.0.1",)
    )
    inline = f"data:image/png;base64,{base64.b64encode(host.picture).decode()}"
    host.pages = [items("/a.png", inline)]
    result = generate(REQUEST)
    assert [image.path.read_bytes() for image in result.images] == [host.picture] * 2
    assert [request.method for request in host.requests] == ["POST", "GET"]


def test_pictures_that_can_be_had_are_kept(generate, openai, host):
    openai.connection = type(openai.connection)(
        base_url=host.url, api_key=KEY, allowed_private_hosts=("127.0.0.1",)
    )
    host.pages = [items("/a.png", "https://10.1.2.3/b.png")]
    result = generate(REQUEST)
    assert len(result.images) == 1
    assert result.message.startswith("1 of 2 pictures could be fetched.")
    with Image.open(io.BytesIO(result.images[0].path.read_bytes())) as picture:
        assert picture.format == "PNG"


def test_answer_can_be_read_again_when_no_picture_could_be_had(openai, host, tmp_path):
    openai.connection = type(openai.connection)(
        base_url=host.url, api_key=KEY, allowed_private_hosts=("127.0.0.1",)
    )
    host.pages = [items("/a.png"), *[Reply(404)] * 5]
    answer = openai.send(REQUEST, tmp_path / "call.answer")
    with pytest.raises(errors.BadResponse) as caught:
        openai.read(REQUEST, answer, tmp_path)
    assert caught.value.cost_usd == Decimal("0.04")
    assert len(openai.read(REQUEST, answer, tmp_path).images) == 1
    assert host.posts == 1
