"""What is asked of Google: exactly what is sent, and what is refused before."""

import base64
import io
from dataclasses import replace

import pytest
from PIL import Image

from providers import errors, inputs, registry
from providers.base import Connection, ImageRequest, InputImage, TextRequest
from tests.fake_vendors.base import Reply
from tests.fake_vendors.google import FakeGoogle
from tests.fake_vendors.google_rules import MODELS
from tests.providers.conftest import KEY
from tests.providers.google.conftest import MODEL, REQUEST

PATH = f"/v1beta/models/{MODEL}:generateContent"
TEXT = TextRequest(prompt="A panda", model="gemini-3.5-flash-lite", instructions="Write.", max_tokens=300)
IMAGEN = ImageRequest(prompt="A fox", model="imagen-4.0-generate-001", options={"force_model": True})


# What is sent


def test_generation_is_one_post_with_what_was_asked_and_nothing_else(generate, vendor):
    generate(REQUEST)
    sent = vendor.last
    assert (vendor.posts, sent.method, sent.path) == (1, "POST", PATH)
    assert sent.json == {
        "contents": [{"role": "user", "parts": [{"text": "A red panda reading"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]},
    }
    assert (sent.headers["x-goog-api-key"], sent.headers["content-type"]) == (KEY, "application/json")
    assert "authorization" not in sent.headers
    assert KEY not in sent.path


def test_every_parameter_goes_out_under_the_vendors_name(generate, vendor):
    options = {"thinking_level": "high", "safety_threshold": "BLOCK_ONLY_HIGH"}
    generate(replace(REQUEST, aspect_ratio="9:16", resolution="2K", seed=7, user_id="u_1", options=options))
    body = vendor.last.json
    assert body["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "9:16", "imageSize": "2K"},
        "thinkingConfig": {"thinkingLevel": "high"},
        "seed": 7,
    }
    assert body["safetySettings"] == [
        {"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_ONLY_HIGH"}
        for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
    ]
    assert body.keys() == {"contents", "generationConfig", "safetySettings"}


def test_automatic_shape_is_left_to_the_model(generate, vendor):
    generate(replace(REQUEST, aspect_ratio="auto"))
    assert "imageConfig" not in vendor.last.json["generationConfig"]


@pytest.mark.thorough
def test_body_is_the_one_of_the_official_sdk(generate, vendor, picture_file):
    from google import genai  # here, for it takes seconds
    from google.genai import types

    reference = picture_file("a.png")
    request = replace(
        REQUEST, mode="edit", references=(reference,), aspect_ratio="16:9", resolution="4K", seed=5,
        options={"thinking_level": "minimal"},
    )  # fmt: skip
    generate(request)
    ours = vendor.last.json
    with genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=vendor.url)) as client:
        client.models.generate_content(
            model=MODEL,
            contents=[
                request.prompt,
                types.Part.from_bytes(data=reference.path.read_bytes(), mime_type="image/png"),
            ],
            config=types.GenerateContentConfig(
                response_modalities=["TEXT", "IMAGE"],
                image_config=types.ImageConfig(aspect_ratio="16:9", image_size="4K"),
                thinking_config=types.ThinkingConfig(thinking_level="minimal"),
                seed=5,
            ),
        )
    assert spelled(ours) == spelled(vendor.last.json)


def spelled(value, name=""):
    """A body without the differences that JSON for protocol buffers does not know."""
    if isinstance(value, dict):
        return {key.replace("_", "").lower(): spelled(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if name == "data":
        return base64.b64decode(value.translate(str.maketrans("-_", "+/")))
    return value.lower() if name in ("thinkingLevel", "thinking_level") else value


@pytest.mark.parametrize("mode", ["generate", "edit"])
def test_references_follow_the_prompt_in_their_order(generate, vendor, picture_file, mode):
    first = picture_file("a.png")
    second = picture_file("b.jpg", "image/jpeg", format="JPEG", color="#123456")
    result = generate(replace(REQUEST, mode=mode, references=(first, second)))
    text, *pictures = vendor.last.json["contents"][0]["parts"]
    assert text == {"text": "A red panda reading"}
    assert [part["inlineData"]["mimeType"] for part in pictures] == ["image/png", "image/jpeg"]
    sent = [base64.b64decode(part["inlineData"]["data"]) for part in pictures]
    assert sent == [first.path.read_bytes(), second.path.read_bytes()]
    assert result.usage.raw["promptTokensDetails"][1] == {"modality": "IMAGE", "tokenCount": 2580}


def test_pictures_above_the_limit_go_as_smaller_copies(google, picture_file, monkeypatch):
    monkeypatch.setattr("providers.google.LARGEST_INPUT", 40_000)
    noise = Image.effect_noise((2400, 1200), 50)
    file = picture_file("large.png")
    noise.save(file.path, "PNG")
    small = picture_file("small.png")
    monkeypatch.setattr(inputs, "SMALL", 128)
    _, large, other = google.build(replace(REQUEST, references=(file, small))).json["contents"][0]["parts"]
    copy = Image.open(io.BytesIO(base64.b64decode(large["inlineData"]["data"])))
    assert (large["inlineData"]["mimeType"], copy.format, copy.size) == ("image/jpeg", "JPEG", (128, 64))
    assert base64.b64decode(other["inlineData"]["data"]) == small.path.read_bytes()


def test_copy_keeps_transparent_places(picture_file, monkeypatch):
    monkeypatch.setattr(inputs, "SMALL", 64)
    file = picture_file("holes.png")
    Image.effect_noise((900, 900), 50).convert("LA").save(file.path, "PNG")
    with Image.open(file.path) as image:
        image.putalpha(Image.effect_noise((900, 900), 50))
        image.save(file.path, "PNG")
    ((kind, data),) = inputs.within([file], 100_000)
    assert (kind, Image.open(io.BytesIO(data)).mode) == ("image/webp", "RGBA")


def test_pictures_that_cannot_be_made_smaller_stop_it_before_it_is_sent(
    google, vendor, tmp_path, monkeypatch
):
    monkeypatch.setattr("providers.google.LARGEST_INPUT", 10)
    odd = InputImage(path=tmp_path / "a.heic", mime_type="image/heic")
    odd.path.write_bytes(bytes(100))
    with pytest.raises(errors.InvalidRequest, match="too large together"):
        google.send(replace(REQUEST, references=(odd,)), tmp_path / "call.answer")
    with pytest.raises(errors.InvalidRequest, match="Choose it again"):
        google.send(
            replace(REQUEST, references=(replace(odd, path=tmp_path / "gone"),)), tmp_path / "call.answer"
        )
    assert vendor.posts == 0


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("", "https://generativelanguage.googleapis.com/v1beta/models/"),
        ("http://x.test", "http://x.test/v1beta/models/"),
        ("http://x.test/v1beta/", "http://x.test/v1beta/models/"),
        ("http://x.test/gemini/v1", "http://x.test/gemini/v1/models/"),
    ],
)
def test_version_is_added_to_an_address_without_one(base_url, start):
    provider = registry.connect("google", Connection(base_url=base_url, api_key=KEY))
    assert provider.build(REQUEST).url == f"{start}{MODEL}:generateContent"


def test_model_id_cannot_change_the_address(google):
    assert (
        "/models/a%2F..%2Fb%3Fkey:generateContent" in google.build(replace(REQUEST, model="a/../b?key")).url
    )


def test_every_picture_is_a_call_of_its_own(google):
    assert [part.n for part in google.split(replace(REQUEST, n=4))] == [1, 1, 1, 1]
    assert [part.n for part in google.split(replace(IMAGEN, n=6))] == [4, 2]


@pytest.mark.parametrize("model", list(MODELS))
def test_fake_takes_everything_that_is_declared(google, vendor, tmp_path, model):
    able = google.model_info(model).capabilities
    asked = [{"aspect_ratio": value} for value in able.aspect_ratio.values]
    asked += [{"resolution": value} for value in (able.resolution.values if able.resolution else ())]
    asked += [{"options": {name: value}} for name, choice in able.options.items() for value in choice.values]
    asked += [{"seed": 2**31 - 1}] * able.seed + [{"stream": True}] * able.stream
    for change in asked:
        request = replace(REQUEST, model=model, **change)
        request = replace(request, options={**request.options, "force_model": True})
        google.check(request)
        assert google.send(request, tmp_path / "call.answer").status == 200, change


# What is not sent


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"aspect_ratio": "7:5"}, "aspect_ratio"),
        ({"aspect_ratio": "1:8", "model": "gemini-3-pro-image"}, "aspect_ratio"),
        ({"resolution": "512"}, "resolution"),
        ({"resolution": "2k"}, "resolution"),
        ({"resolution": "2K", "model": "gemini-3.1-flash-lite-image"}, "resolution"),
        ({"size": "1024x1024"}, "size"),
        ({"quality": "high"}, "quality"),
        ({"output_format": "png"}, "output_format"),
        ({"background": "transparent"}, "background"),
        ({"negative_prompt": "hands"}, "negative_prompt"),
        ({"seed": 2**31}, "seed"),
        ({"seed": -1}, "seed"),
        ({"options": {"thinking_level": "low"}}, "options"),
        ({"options": {"thinking_level": "high"}, "model": "gemini-3-pro-image"}, "options"),
        ({"options": {"temperature": 1}}, "options"),
        ({"mode": "variation"}, "mode"),
        ({"mode": "edit"}, "references"),
        ({"n": 11}, "n"),
        ({"resolution": "1K", "model": "gemini-9-image"}, "resolution"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(google, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        google.check(replace(REQUEST, **change))
    assert caught.value.field == field


def test_masks_and_odd_pictures_are_refused(google, picture_file):
    mask = picture_file("mask.png")
    gif = picture_file("a.gif", "image/gif", format="GIF")
    for change, field in [
        ({"references": (mask,), "mask": mask}, "mask"),
        ({"references": (gif,)}, "references"),
    ]:
        with pytest.raises(errors.InvalidRequest) as caught:
            google.check(replace(REQUEST, **change))
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gemini-2.5-flash-image", "retired on 2 October 2026. Use gemini-nano-banana-2.1"),
        ("gemini-3-pro-image-preview", "retired on 25 June 2026. Use gemini-3-pro-image"),
        ("imagen-4", "retired on 17 August 2026. Use gemini-nano-banana-2.1"),
        ("imagen-4-fast", "retired on 17 August 2026"),
        ("imagen-4.0-ultra-generate-001", "Use gemini-3-pro-image"),
    ],
)
def test_retired_model_is_refused_with_date_and_successor(google, vendor, model, words):
    with pytest.raises(errors.ModelUnavailable) as caught:
        google.check(replace(REQUEST, model=model))
    assert words in caught.value.message
    google.check(replace(REQUEST, model=model, options={"force_model": True}))


# Models and the key


def test_live_list_has_the_models_that_draw_and_then_the_retired_ones(google, vendor):
    models = {model.id: model for model in google.live_models()}
    drawing = [model.id for model in models.values() if model.status != "retired"]
    assert (drawing[0], drawing[-1]) == (google.default_model(), "gemini-9-image")
    assert models["gemini-9-image"].label == "Gemini 9 Image"
    assert models["gemini-9-image"].capabilities.resolution is None
    assert not {"gemini-3.8-flash", "veo-4-image"} & set(models)
    assert models["imagen-4.0-generate-001"].status == "retired"
    assert vendor.last.path == "/v1beta/models?pageSize=1000&pageToken=Ch%2Fx%2B%3D"
    assert vendor.posts == 0


def test_key_check_is_free_and_says_what_is_wrong(google, vendor):
    assert google.test().ok
    assert vendor.last.path == "/v1beta/models?pageSize=1"
    google.connection = replace(google.connection, api_key="bad-key")
    result = google.test()
    assert (result.ok, result.code, vendor.posts) == (False, "auth", 0)


@pytest.mark.parametrize("body", [b"<html>", b'{"models": 1}', b"[]"])
def test_list_that_is_none_is_an_error(google, monkeypatch, body):
    monkeypatch.setattr(FakeGoogle, "answer", lambda self, request, step: Reply(200, {}, body))
    with pytest.raises(errors.BadResponse):
        google.live_models()
