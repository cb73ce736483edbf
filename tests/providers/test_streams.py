"""Streamed pictures by OpenAI: previews while they come, the raw stream in the spool, and broken ones."""

import gzip
import io
import json
import socket
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors
from providers.base import ImageRequest, InputImage
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import draw

STREAM = ImageRequest(prompt="A red panda", model="gpt-image-2.6-flare", stream=True, output_format="webp")
KIND = {"Content-Type": "text/event-stream"}


@pytest.fixture
def seen():
    return []


@pytest.fixture
def send(openai, tmp_path, seen):
    def send_and_follow(request, on_partial=seen.append):
        openai.check(request)
        return openai.send(request, tmp_path / "call.answer", on_partial=on_partial)

    return send_and_follow


def event(kind, **data):
    return f"data: {json.dumps({'type': f'image_generation.{kind}', **data})}\n\n".encode()


COMPLETED = event("completed", b64_json=draw("1024x1024", "png", "x"), usage={"output_tokens": 300})
PARTIAL = event("partial_image", partial_image_index=0, b64_json=draw("64x64", "png", "y"))


def test_stream_asks_for_previews_and_hands_them_on(openai, send, seen, vendor, tmp_path):
    answer = send(STREAM)
    assert vendor.last.json == {
        "partial_images": 2,
        "model": "gpt-image-2.6-flare",
        "prompt": "A red panda",
        "n": 1,
        "output_format": "webp",
        "stream": True,
    }
    assert [(p.index, Image.open(io.BytesIO(p.data)).format) for p in seen] == [(0, "WEBP"), (1, "WEBP")]
    result = openai.read(STREAM, answer, tmp_path)
    with Image.open(result.images[0].path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (1024, 1024))
    assert result.images[0].facts["size"] == "1024x1024"
    counted = result.usage.raw
    cost = (Decimal(counted["input_tokens"]) * 5 + Decimal(counted["output_tokens"]) * 30) / 1_000_000
    assert (result.usage.cost_usd, result.usage.cost_source, vendor.posts) == (cost, "computed", 1)
    assert result.request_id.startswith("req_")


def test_estimate_counts_the_previews(openai, send, tmp_path):
    request = replace(STREAM, quality="high", options={"partial_images": "3"})
    billed = openai.read(request, send(request), tmp_path).usage.cost_usd
    assert abs(openai.estimate(request).usd - billed) < Decimal("0.0001")


def test_streamed_edit_is_a_form(openai, send, seen, vendor, tmp_path, picture):
    path = tmp_path / "a.png"
    path.write_bytes(picture())
    request = replace(STREAM, references=(InputImage(path=path, mime_type="image/png"),))
    result = openai.read(request, send(request), tmp_path)
    parts = {part.name: part.content for part in vendor.last.parts}
    assert (parts["stream"], parts["partial_images"]) == (b"true", b"2")
    assert (len(result.images), len(seen)) == (1, 2)


def test_previews_come_before_the_end(openai, send, vendor):
    previewed, was_early = threading.Event(), []

    def chunks():
        yield PARTIAL
        was_early.append(previewed.wait(5))
        yield COMPLETED

    vendor.script(Reply(200, KIND, chunks=chunks()))
    send(STREAM, on_partial=lambda partial: previewed.set())
    assert was_early == [True]


def test_previews_come_early_from_a_server_without_chunks(openai, tmp_path):
    """A plain HTTP/1.0 answer ends where the connection ends."""
    previewed, was_early = threading.Event(), []

    def serve():
        line, _ = server.accept()
        asked = b""
        while not asked.endswith(b"}"):
            asked += line.recv(65536)
        line.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + PARTIAL)
        was_early.append(previewed.wait(5))
        line.sendall(COMPLETED)
        line.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        openai.connection = replace(
            openai.connection,
            base_url=f"http://127.0.0.1:{server.getsockname()[1]}",
            allowed_private_hosts=("127.0.0.1",),
        )
        openai.send(STREAM, tmp_path / "call.answer", on_partial=lambda partial: previewed.set())
    assert was_early == [True]


def test_stream_can_be_read_again_after_a_crash(openai, send, tmp_path):
    sent = send(STREAM)
    again = openai.open_answer(tmp_path / "call.answer")
    assert again == sent
    assert len(openai.read(STREAM, again, tmp_path).images) == 1


@pytest.mark.parametrize(
    "stream",
    [
        b": comment\r\n\r\n" + COMPLETED.replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
        COMPLETED.rstrip(b"\n"),
        COMPLETED.replace(b", ", b",\ndata: "),
        b"data: not json\n\n" * 2 + COMPLETED,
    ],
    ids=["CRLF", "no empty line", "many lines", "odd event"],
)
def test_unusual_but_whole_streams_are_taken(openai, send, vendor, tmp_path, stream, request):
    vendor.script(Reply(200, KIND, stream))
    answer = send(STREAM)
    if request.node.callspec.id == "odd event":  # sent is sent: reading tells what is wrong
        with pytest.raises(errors.BadResponse):
            openai.read(STREAM, answer, tmp_path)
        return
    assert len(openai.read(STREAM, answer, tmp_path).images) == 1


def test_compressed_stream_is_read_though_not_followed(openai, send, seen, vendor, tmp_path):
    vendor.script(Reply(200, KIND | {"Content-Encoding": "gzip"}, gzip.compress(PARTIAL + COMPLETED)))
    assert len(openai.read(STREAM, send(STREAM), tmp_path).images) == 1
    assert seen == []


def test_plain_answer_to_a_wish_for_a_stream_is_read(openai, send, vendor, tmp_path):
    vendor.script("no_stream")
    assert len(openai.read(STREAM, send(STREAM), tmp_path).images) == 1


@pytest.mark.parametrize(
    ("prompt", "kind", "words"),
    [
        ("FAKE_MIDSTREAM_ERROR", errors.ServerError, "The server had an error."),
        ("FAKE_MIDSTREAM_MODERATION", errors.Refused, "Rejected by the safety system."),
    ],
)
def test_error_in_the_middle_may_have_been_charged(openai, send, vendor, tmp_path, prompt, kind, words):
    answer = send(replace(STREAM, prompt=prompt))
    with pytest.raises(kind) as caught:
        openai.read(STREAM, answer, tmp_path)
    error = caught.value
    assert (error.may_have_been_charged, error.provider_message, vendor.posts) == (True, words, 1)


@pytest.mark.parametrize(
    "step",
    [
        Reply(200, KIND, PARTIAL),
        Reply(200, KIND, PARTIAL + COMPLETED[: len(COMPLETED) // 2]),
        Reply(200, KIND, b""),
        Reply(200, KIND, b"data: [DONE]\n\n"),
        "half_chunked",
    ],
)
def test_stream_without_an_end_is_lost(send, vendor, tmp_path, step):
    vendor.script(step)
    with pytest.raises(errors.ConnectionLost) as caught:
        send(STREAM)
    assert (caught.value.may_have_been_charged, vendor.posts) == (True, 1)
    assert not (tmp_path / "call.answer").exists()


def test_stream_that_ends_early_in_the_fake_is_lost(send):
    with pytest.raises(errors.ConnectionLost):
        send(replace(STREAM, prompt="FAKE_EOF"))


@pytest.mark.parametrize("step", [Reply(401, KIND, b"{}"), Reply(429, {}, {"error": {"message": "wait"}})])
def test_error_before_the_stream_is_an_ordinary_one(openai, send, vendor, tmp_path, step):
    vendor.script(step)
    answer = send(STREAM)
    with pytest.raises((errors.AuthError, errors.RateLimited)):
        openai.read(STREAM, answer, tmp_path)


def test_trouble_with_a_preview_does_not_stop_the_picture(openai, send, vendor, tmp_path, caplog):
    damaged = event("partial_image", partial_image_index=0, b64_json="<html>")
    vendor.script(Reply(200, KIND, damaged + PARTIAL + COMPLETED))
    calls = []

    def fail(partial):
        calls.append(partial)
        raise RuntimeError("no room")

    assert len(openai.read(STREAM, send(STREAM, fail), tmp_path).images) == 1
    assert len(calls) == 1
    assert "A preview could not be handed on" in caplog.text


def test_one_picture_per_stream(openai):
    assert [part.n for part in openai.split(replace(STREAM, n=3))] == [1, 1, 1]


@pytest.mark.parametrize(
    "change", [{"stream": False, "options": {"partial_images": 1}}, {"options": {"partial_images": 4}}]
)
def test_partial_images_belong_to_streams(openai, change):
    with pytest.raises(errors.InvalidRequest) as caught:
        openai.check(replace(STREAM, **change))
    assert caught.value.field == "options"
