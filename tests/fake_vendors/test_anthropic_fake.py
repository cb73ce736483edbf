"""The official SDK as a client: what it may do at the fake is what it may do at Anthropic."""

import base64
import json

import anthropic
import pytest

from providers import describing
from tests.fake_vendors.anthropic import FakeAnthropic

pytestmark = pytest.mark.thorough

MODEL = "claude-haiku-5-5"


@pytest.fixture
def vendor():
    with FakeAnthropic() as fake:
        yield fake


@pytest.fixture
def client(vendor):
    with anthropic.Anthropic(api_key="sk-ant-test", base_url=vendor.url, max_retries=0) as sdk:
        yield sdk


def ask(client, content="A panda", **kwargs):
    messages = [{"role": "user", "content": content}]
    return client.messages.create(**{"model": MODEL, "max_tokens": 300, "messages": messages, **kwargs})


def image(data, media_type="image/png"):
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}


def form(schema):
    return {"format": {"type": "json_schema", "schema": schema}}


def test_sdk_gets_json_of_a_picture(client, picture):
    parts = [image(picture()), {"type": "text", "text": "Describe"}]
    reply = ask(client, parts, output_config=form(describing.SCHEMA))
    assert (reply.stop_reason, reply.usage.cache_read_input_tokens) == ("end_turn", 1000)
    assert json.loads(reply.content[1].text)["tags"][0]["name"] == "Mirel"


def test_sdk_gets_a_refusal_as_an_answer(client):
    reply = ask(client, "FAKE_REFUSAL")
    assert (reply.stop_reason, reply.stop_details.category) == ("refusal", "general_harms")


def test_sdk_lists_models(client):
    listed = {model.id: model for model in client.models.list(limit=1000)}
    assert listed["claude-opus-5-5"].lifecycle == "deprecated"
    assert listed[MODEL].capabilities.image_input.supported


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"extra_body": {"temperature": 1}}, "temperature"),
        ({"extra_body": {"top_k": 1}}, "top_k"),
        ({"extra_body": {"response_format": {}}}, "response_format"),
        ({"extra_headers": {"anthropic-version": "2020-01-01"}}, "anthropic-version"),
        ({"output_config": form({"type": "object", "properties": {}})}, "additionalProperties"),
        ({"output_config": form({"type": "integer", "minimum": 1})}, "minimum"),
    ],
)
def test_sdk_is_refused_what_is_not_taken(client, change, said):
    with pytest.raises(anthropic.BadRequestError, match=said):
        ask(client, **change)


def test_sdk_is_refused_odd_pictures(client, picture):
    for block, said in [
        (image(picture(), "image/webp"), "does not match"),
        (image(picture(size=(8001, 8))), "image dimensions"),
    ]:
        with pytest.raises(anthropic.BadRequestError, match=said):
            ask(client, [block])


@pytest.mark.parametrize(
    ("word", "status"),
    [("FAKE_RATE", 429), ("FAKE_SPEND", 429), ("FAKE_CREDIT", 400), ("FAKE_OVERLOADED", 529)],
)
def test_sdk_gets_the_documented_errors(client, vendor, word, status):
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(client, word)
    assert (caught.value.status_code, vendor.posts) == (status, 1)


def test_sdk_is_told_of_wrong_keys_and_models(client):
    with pytest.raises(anthropic.NotFoundError):
        ask(client, model="claude-1")
    with pytest.raises(anthropic.AuthenticationError):
        client.with_options(api_key="bad").models.list()
