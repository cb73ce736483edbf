"""The official SDK as a client: what it may do at the fake is what it may do at OpenAI."""

import base64
import io
import json

import openai
import pytest
from PIL import Image

from providers import describing
from tests.fake_vendors.openai import FakeOpenAI

pytestmark = pytest.mark.thorough


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def client(vendor):
    with openai.OpenAI(api_key="sk-test-1234567890", base_url=vendor.url, max_retries=0) as sdk:
        yield sdk


def open_picture(item):
    return Image.open(io.BytesIO(base64.b64decode(item.b64_json)))


def test_sdk_generates_pictures_of_the_asked_size_and_format(client):
    reply = client.images.generate(
        model="gpt-image-2.5-flare", prompt="A red panda", n=2, size="1536x864", output_format="webp"
    )
    pictures = [open_picture(item) for item in reply.data]
    assert [(picture.size, picture.format) for picture in pictures] == [((1536, 864), "WEBP")] * 2
    assert reply.usage.output_tokens == 2 * 280  # the documented example: 280 tokens for one in medium


@pytest.mark.parametrize("count", [1, 2])
def test_sdk_edits_one_or_several_pictures(client, picture, count):
    files = [(f"{i}.png", picture(), "image/png") for i in range(count)]
    reply = client.images.edit(
        model="gpt-image-2", prompt="Snow", image=files[0] if count == 1 else files, quality="low"
    )
    assert open_picture(reply.data[0]).size == (1024, 1024)
    assert reply.usage.input_tokens_details.image_tokens == 1200 * count


def test_sdk_lists_models_with_their_end(client):
    listed = {model.id: model for model in client.models.list()}
    assert listed["gpt-image-1.5"].shutdown_date == "2026-12-01"
    assert "dall-e-3" not in listed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response_format": "b64_json"}, "unknown_parameter"),
        ({"n": 11}, "integer_above_max_value"),
        ({"size": "4096x4096"}, "invalid_value"),
        ({"size": "1000x1000"}, "invalid_value"),
        ({"quality": "xhigh"}, "invalid_value"),
        ({"output_compression": 50}, "invalid_value"),
        ({"model": "dall-e-3"}, "invalid_value"),
    ],
)
def test_sdk_is_refused_what_the_model_does_not_take(client, change, code):
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{"model": "gpt-image-2", "prompt": "A cat", **change})
    assert caught.value.code == code


def test_sdk_gets_the_documented_errors(client, vendor):
    with pytest.raises(openai.NotFoundError):
        client.images.generate(model="gpt-image-9", prompt="A cat")
    with pytest.raises(openai.RateLimitError):
        client.images.generate(model="gpt-image-2", prompt="FAKE_QUOTA")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-bad").models.list()
    assert vendor.posts == 2


def test_sdk_gets_a_text_in_the_asked_form(client, picture):
    seen = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": seen}}, {"type": "text", "text": "Describe"}]
    form = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": describing.SCHEMA},
    }
    reply = client.chat.completions.create(
        model="gpt-6-luna",
        messages=[{"role": "user", "content": parts}],
        max_completion_tokens=500,
        reasoning_effort="none",
        response_format=form,
    )
    assert json.loads(reply.choices[0].message.content)["tags"][0]["name"] == "Mirel"
    assert reply.usage.prompt_tokens_details.cached_tokens == 1000


def test_sdk_is_refused_an_open_schema(client):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model="gpt-6-luna", messages=[{"role": "user", "content": "x"}], response_format=form
        )


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_sdk_streams_previews_and_then_the_picture(client, picture, kind):
    asked = {"model": "gpt-image-2.6-flare", "prompt": "A cat", "stream": True, "partial_images": 2}
    if kind == "image_edit":
        events = list(client.images.edit(image=("a.png", picture(), "image/png"), **asked))
    else:
        events = list(client.images.generate(**asked))
    assert [event.type for event in events] == [f"{kind}.partial_image"] * 2 + [f"{kind}.completed"]
    assert open_picture(events[-1]).size == (1024, 1024)
    assert events[-1].usage.output_tokens == 1756 + 2 * 100


def test_sdk_sees_an_error_in_the_middle(client):
    stream = client.images.generate(model="gpt-image-2", prompt="FAKE_MIDSTREAM_ERROR", stream=True)
    with pytest.raises(openai.APIError, match="The server had an error"):
        list(stream)
