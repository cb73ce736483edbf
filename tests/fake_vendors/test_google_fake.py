"""The official SDK as a client: what it may do at the fake is what it may do at Google."""

import json

import pytest
from google import genai
from google.genai import errors, types

from providers import describing
from tests.fake_vendors.google import FakeGoogle, look

pytestmark = pytest.mark.thorough

MODEL = "gemini-nano-banana-2.1"


@pytest.fixture
def vendor():
    with FakeGoogle() as fake:
        yield fake


@pytest.fixture
def client(vendor):
    with genai.Client(api_key="AQ.test", http_options=types.HttpOptions(base_url=vendor.url)) as sdk:
        yield sdk


def config(**kwargs):
    return types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], **kwargs)


def pictures(reply):
    return [part.inline_data for part in reply.parts if part.inline_data and not part.thought]


def test_sdk_draws_in_the_asked_shape_and_size(client):
    shape = types.ImageConfig(aspect_ratio="16:9", image_size="2K")
    reply = client.models.generate_content(
        model=MODEL, contents="A red panda", config=config(image_config=shape, seed=5)
    )
    (picture,) = pictures(reply)
    assert (picture.mime_type, look(picture.data)) == ("image/jpeg", ("JPEG", (2752, 1536)))
    assert reply.usage_metadata.candidates_token_count == 1680 + 22


def test_sdk_talks_on_and_sends_signatures_back(client, vendor):
    chat = client.chats.create(model=MODEL, config=config())
    chat.send_message("A red panda")
    assert len(pictures(chat.send_message("Make it night"))) == 1
    turn = vendor.last.json["contents"][1]
    assert turn["role"] == "model"
    del turn["parts"][-1]["thoughtSignature"]
    with pytest.raises(errors.ClientError, match="missing a thought_signature in content position 1, part"):
        client.models.generate_content(
            model=MODEL, contents=[turn, {"role": "user", "parts": [{"text": "x"}]}], config=config()
        )


def test_sdk_streams_thoughts_and_then_the_picture(client):
    thinking = types.ThinkingConfig(include_thoughts=True)
    chunks = list(
        client.models.generate_content_stream(
            model=MODEL, contents="A red panda", config=config(thinking_config=thinking)
        )
    )
    assert any(part.thought and part.inline_data for chunk in chunks for part in chunk.parts)
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.thoughts_token_count == 214


def test_sdk_lists_models_over_pages(client):
    names = [model.name for model in client.models.list(config={"query_base": True, "page_size": 1000})]
    assert {f"models/{MODEL}", "models/imagen-4.0-generate-001", "models/gemini-3.8-flash"} <= set(names)


def test_sdk_gets_json_of_a_picture(client, picture):
    seen = types.Part.from_bytes(data=picture(), mime_type="image/png")
    reply = client.models.generate_content(
        model="gemini-3.5-flash-lite",
        contents=[seen, "Describe"],
        config=types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=describing.SCHEMA
        ),
    )
    assert json.loads(reply.text)["tags"][0]["name"] == "Mirel"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_config": types.ImageConfig(aspect_ratio="7:5")}, "aspect_ratio must be one of '1:1'"),
        ({"image_config": types.ImageConfig(image_size="2k")}, "image_size"),
        ({"image_config": types.ImageConfig(image_size="512")}, "image_size"),
        ({"candidate_count": 2}, "candidate_count"),
        ({"thinking_config": types.ThinkingConfig(thinking_level="low")}, "thinking_config"),
    ],
)
def test_sdk_is_refused_what_the_model_does_not_take(client, change, said):
    with pytest.raises(errors.ClientError, match=said) as caught:
        client.models.generate_content(model=MODEL, contents="A cat", config=config(**change))
    assert caught.value.code == 400


@pytest.mark.parametrize(
    ("word", "block", "finish"),
    [
        ("FAKE_BLOCK", "PROHIBITED_CONTENT", None),
        ("FAKE_IMAGE_SAFETY", None, "IMAGE_SAFETY"),
        ("FAKE_NO_IMAGE", None, "NO_IMAGE"),
        ("FAKE_WORDS", None, "STOP"),
        ("FAKE_MAX_TOKENS", None, "MAX_TOKENS"),
    ],
)
def test_sdk_gets_the_five_answers_without_a_picture(client, word, block, finish):
    reply = client.models.generate_content(model=MODEL, contents=word, config=config())
    assert (reply.prompt_feedback and reply.prompt_feedback.block_reason) == block
    assert (reply.candidates and reply.candidates[0].finish_reason) == finish
    assert not pictures(reply) if reply.parts else True


def test_sdk_gets_the_documented_errors(client, vendor):
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="imagen-4.0-generate-001", contents="A cat")
    assert caught.value.code == 404
    for word, code in (("FAKE_RATE", 429), ("FAKE_OVERLOADED", 503), ("FAKE_WRAPPED", 500)):
        with pytest.raises(errors.APIError) as caught:
            client.models.generate_content(model=MODEL, contents=word, config=config())
        assert caught.value.code == code
    assert vendor.posts == 4
