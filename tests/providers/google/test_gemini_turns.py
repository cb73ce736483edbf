"""Chats with Google's models: what came goes back as it came, or as the person's own."""

import base64
import json
from dataclasses import replace

import pytest

from providers.base import InputImage, Turn
from tests.providers.google.conftest import REQUEST


@pytest.fixture
def turn_of(google, tmp_path):
    """A function that has a picture made, and gives the turn as the gallery would keep it."""

    def make(request):
        folder = tmp_path / request.prompt
        folder.mkdir()
        result = google.read(request, google.send(request, folder / "call.answer"), folder)
        pictures = tuple(InputImage(path=image.path, mime_type="image/jpeg") for image in result.images)
        facts = json.loads(json.dumps(dict(result.images[0].facts)))  # as a database gives them back
        return Turn(prompt=request.prompt, references=request.references, pictures=pictures, facts=facts)

    return make


def roles(vendor):
    return [content["role"] for content in vendor.last.json["contents"]]


@pytest.mark.parametrize("stream", [False, True])
def test_turns_go_back_as_they_came(generate, turn_of, vendor, picture_file, stream):
    first = turn_of(replace(REQUEST, prompt="one", stream=stream, references=(picture_file("a.png"),)))
    second = turn_of(replace(REQUEST, prompt="two", turns=(first,)))
    assert len(generate(replace(REQUEST, turns=(first, second))).images) == 1
    assert roles(vendor) == ["user", "model", "user", "model", "user"]
    asked, answered = vendor.last.json["contents"][:2]
    assert asked["parts"][0] == {"text": "one"}
    assert base64.b64decode(asked["parts"][1]["inlineData"]["data"]) == first.references[0].path.read_bytes()
    assert [part.get("text") for part in answered["parts"]] == ["Here is ", "the picture.", None]
    drawn = answered["parts"][-1]
    assert base64.b64decode(drawn["inlineData"]["data"]) == first.pictures[0].path.read_bytes()
    assert drawn["inlineData"]["mimeType"] == "image/jpeg"
    signature = base64.b64decode(drawn["thoughtSignature"])
    assert len(signature) > 50_000
    assert signature in vendor.signatures
    assert "thought" not in json.dumps(answered).replace("thoughtSignature", "")
    assert vendor.last.json["contents"][-1]["parts"] == [{"text": REQUEST.prompt}]


def test_turn_of_two_pictures_goes_back_with_both(generate, turn_of, vendor):
    turn = turn_of(replace(REQUEST, prompt="FAKE_TWO"))
    generate(replace(REQUEST, turns=(replace(turn, prompt="two"),)))
    sent = [part for part in vendor.last.json["contents"][1]["parts"] if "inlineData" in part]
    kept = [picture.path.read_bytes() for picture in turn.pictures]
    assert [base64.b64decode(part["inlineData"]["data"]) for part in sent] == kept


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"turn": {"content": "of another vendor"}},
        {"turn": []},
        {"turn": [{"inlineData": {"mimeType": "image/png"}}]},  # not signed
        {"turn": [{"text": "words alone", "thoughtSignature": "c2ln"}]},
    ],
)
def test_picture_from_elsewhere_goes_along_as_the_persons_own(generate, vendor, picture_file, facts):
    turn = Turn(prompt="one", pictures=(picture_file("a.png"),), facts=facts)
    generate(replace(REQUEST, turns=(turn,)))
    assert roles(vendor) == ["user"]
    first, seen, last = vendor.last.json["contents"][0]["parts"]
    assert (first, last) == ({"text": "one"}, {"text": REQUEST.prompt})
    assert base64.b64decode(seen["inlineData"]["data"]) == turn.pictures[0].path.read_bytes()


def test_older_model_needs_no_signatures(google, turn_of, vendor, tmp_path):
    old = replace(REQUEST, model="gemini-2.5-flash-image", prompt="one", options={"force_model": True})
    turn = turn_of(old)
    google.send(replace(old, prompt="two", turns=(turn,)), tmp_path / "call.answer")
    assert roles(vendor) == ["user", "model", "user"]
    google.send(replace(REQUEST, turns=(turn,)), tmp_path / "call.answer")
    assert roles(vendor) == ["user"]


def test_oldest_turns_of_a_long_chat_are_left_out(google, picture_file, monkeypatch):
    turns = tuple(Turn(prompt=name, pictures=(picture_file(f"{name}.png"),)) for name in ("a", "b", "c"))
    size = turns[0].pictures[0].path.stat().st_size
    monkeypatch.setattr("providers.google.LARGEST_INPUT", 2 * size)
    parts = google.build(replace(REQUEST, turns=turns)).json["contents"][0]["parts"]
    assert [part["text"] for part in parts if "text" in part] == ["b", "c", REQUEST.prompt]


def test_last_turn_that_is_too_large_goes_as_a_smaller_copy(google, turn_of, monkeypatch):
    turn = turn_of(replace(REQUEST, prompt="one", resolution="4K"))
    monkeypatch.setattr("providers.google.LARGEST_INPUT", turn.pictures[0].path.stat().st_size - 1)
    (content,) = google.build(replace(REQUEST, turns=(turn,))).json["contents"]
    copy = base64.b64decode(content["parts"][1]["inlineData"]["data"])
    assert 0 < len(copy) < turn.pictures[0].path.stat().st_size
