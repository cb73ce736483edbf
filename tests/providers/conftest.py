import pytest

from providers import registry
from providers.base import Connection
from tests.fake_vendors.openai import FakeOpenAI

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def openai(vendor):
    """The OpenAI adapter, connected to the fake vendor."""
    connection = Connection(base_url=vendor.url, api_key=KEY, allowed_private_hosts=vendor.allowed)
    return registry.connect("openai", connection)


@pytest.fixture
def generate(openai, tmp_path):
    """A function that sends a request and reads its answer, as a worker does."""

    def send_and_read(request):
        openai.check(request)
        answer = openai.send(request, tmp_path / "call.answer")
        return openai.read(request, answer, tmp_path)

    return send_and_read
