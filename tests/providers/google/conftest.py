import pytest
from PIL import Image

from providers import registry
from providers.base import Connection, ImageRequest, InputImage
from tests.fake_vendors.google import FakeGoogle
from tests.providers.conftest import KEY

MODEL = "gemini-nano-banana-2.1"
REQUEST = ImageRequest(prompt="A red panda reading", model=MODEL)


@pytest.fixture
def vendor():
    with FakeGoogle(has_imagen=True) as fake:
        yield fake


@pytest.fixture
def google(vendor):
    connection = Connection(base_url=vendor.url, api_key=KEY, allowed_private_hosts=vendor.allowed)
    return registry.connect("google", connection)


@pytest.fixture
def generate(google, tmp_path):
    """A function that sends a request and reads its answer, as a worker does."""

    def send_and_read(request, **kwargs):
        google.check(request)
        answer = google.send(request, tmp_path / "call.answer", **kwargs)
        return google.read(request, google.open_answer(answer.path), tmp_path)

    return send_and_read


@pytest.fixture
def picture_file(tmp_path, picture):
    def save(name, mime_type="image/png", **kwargs):
        path = tmp_path / name
        path.write_bytes(picture(**kwargs))
        return InputImage(path=path, mime_type=mime_type)

    return save


def look(image):
    """Format and size of a picture that came."""
    with Image.open(image.path) as picture:
        return picture.format, picture.size
