"""The official SDK as a client: what it may do at the fake is what it may do at OpenRouter."""

import base64
import io
from dataclasses import replace

import pytest
from openrouter import OpenRouter, errors
from PIL import Image

from providers import registry
from providers.base import Connection, ImageRequest, InputImage
from tests.fake_vendors.openrouter import FLUX, GEMINI, GPT, TALKER, WRITER, FakeOpenRouter

pytestmark = pytest.mark.thorough


@pytest.fixture
def vendor():
    with FakeOpenRouter() as fake:
        yield fake


@pytest.fixture
def client(vendor):
    with OpenRouter(
        api_key="sk-or-v1-test", server_url=vendor.url, retry_config=None, timeout_ms=10_000
    ) as sdk:
        yield sdk


@pytest.fixture
def reference(picture):
    url = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def test_sdk_draws_with_references(client, reference):
    reply = client.images.generate(
        model=GEMINI,
        prompt="A fox",
        aspect_ratio="16:9",
        resolution="2K",
        seed=7,
        input_references=[reference],
    )
    drawn = Image.open(io.BytesIO(base64.b64decode(reply.data[0].b64_json)))
    assert (drawn.format, reply.data[0].media_type, reply.usage.cost) == ("JPEG", "image/jpeg", 0.037)


def test_sdk_follows_a_stream(client):
    with client.images.generate(model=GPT, prompt="A fox", stream=True) as events:
        kinds = [event.type for event in events]
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2},
        {"model": "google/gemini-9"},
        {"resolution": "512"},
        {"quality": "high"},
        {"size": "2K", "resolution": "2K"},
    ],
)
def test_sdk_is_refused_what_the_model_does_not_take(client, change):
    with pytest.raises(errors.BadRequestResponseError):
        client.images.generate(**{"model": GEMINI, "prompt": "A fox", **change}, retries=None)


@pytest.mark.filterwarnings("ignore:ast:DeprecationWarning")  # of the SDK's own paging
def test_sdk_lists_the_models_and_what_they_take(client):
    listed = {model.id: model for model in client.images.list_models().data}
    assert listed[GEMINI].supported_parameters["n"].max == 1
    assert (listed[GPT].supports_streaming, listed[FLUX].supports_streaming) == (True, False)
    drawers = {model.id for model in client.models.list(output_modalities="image").result.data}
    assert TALKER in drawers
    assert [model.id for model in client.models.list().result.data] == [WRITER]


def test_sdk_draws_in_a_chat(client):
    reply = client.chat.send(
        model=GEMINI, messages=[{"role": "user", "content": "A fox"}], modalities=["image", "text"]
    )
    message = reply.choices[0].message
    assert message.images[0].image_url.url.startswith("data:image/png;base64,")
    assert (reply.usage.cost, reply.id[:4]) == (0.037, "gen-")


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("FAKE_CREDIT", errors.PaymentRequiredResponseError),
        ("FAKE_RATE", errors.TooManyRequestsResponseError),
        ("FAKE_MODERATION", errors.ForbiddenResponseError),
        ("FAKE_PRIVATE", errors.NotFoundResponseError),
        ("FAKE_UPSTREAM", errors.BadGatewayResponseError),
        ("FAKE_529", errors.ProviderOverloadedResponseError),
    ],
)
def test_sdk_gets_the_documented_errors(client, vendor, prompt, kind):
    with pytest.raises(kind):
        client.images.generate(model=GEMINI, prompt=prompt, retries=None)
    assert vendor.posts == 1


def test_adapter_sends_what_the_sdk_sends(client, vendor, reference, picture, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(picture())
    request = ImageRequest(
        prompt="A fox",
        model=GEMINI,
        mode="edit",
        aspect_ratio="16:9",
        resolution="2K",
        seed=7,
        references=(InputImage(path=path, mime_type="image/png"),),
        user_id="u_1",
    )
    own = Connection(base_url=vendor.url, api_key="k", options={"only": "google-ai-studio"})
    adapter = registry.connect("openrouter", own)
    drawn = {"aspect_ratio": "16:9", "resolution": "2K", "seed": 7, "input_references": [reference]}
    common = {"model": GEMINI, "user": "u_1", "provider": {"only": ["google-ai-studio"]}}
    client.images.generate(prompt="A fox", **drawn, **common)
    assert adapter.build(request).json == vendor.last.json
    client.chat.send(
        messages=[{"role": "user", "content": [{"type": "text", "text": "A fox"}, reference]}],
        modalities=["image", "text"],
        image_config={"aspect_ratio": "16:9", "image_size": "2K"},
        seed=7,
        **common,
    )
    talked = adapter.build(replace(request, options={"api": "chat"})).json
    assert {**talked, "stream": False} == vendor.last.json  # which is its default


def test_sdk_needs_a_key(vendor):
    with (
        OpenRouter(api_key="sk-or-bad", server_url=vendor.url, retry_config=None) as sdk,
        pytest.raises(errors.UnauthorizedResponseError),
    ):
        sdk.images.generate(model=GEMINI, prompt="A fox")
