"""The adapter for AUTOMATIC1111 and Forge against the strict fake, over real HTTP."""

import base64
import io
import threading
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, registry
from providers.base import Connection, ImageRequest, InputImage, TextRequest
from tests.fake_vendors.automatic1111 import CHECKPOINTS, SAMPLERS, FakeAutomatic1111
from tests.fake_vendors.base import Reply

REQUEST = ImageRequest(prompt="A red panda", model="server-default")
FULL = replace(
    REQUEST,
    model=CHECKPOINTS[1],
    n=3,
    size="832x1216",
    seed=7,
    negative_prompt="rain",
    options={"steps": "30", "guidance": "6.5", "sampler": "DPM++ 2M", "scheduler": "Karras"},
)


@pytest.fixture
def program():
    with FakeAutomatic1111() as fake:
        yield fake
        fake.go.set()


@pytest.fixture
def forge(program):
    connection = Connection(base_url=program.url, allowed_private_hosts=program.allowed)
    provider = registry.connect("automatic1111", connection)
    provider.look_pause = 0.02
    return provider


@pytest.fixture
def generate(forge, tmp_path):
    """A function that sends and reads as a worker does."""

    def send_and_read(request, **kwargs):
        forge.check(request)
        return forge.read(request, forge.send(request, tmp_path / "call.answer", **kwargs), tmp_path)

    return send_and_read


@pytest.fixture
def picture_file(tmp_path, picture):
    def save(name, **kwargs):
        (tmp_path / name).write_bytes(picture(**kwargs))
        return InputImage(path=tmp_path / name, mime_type="image/png")

    return save


def sent(program):
    return next(request for request in program.requests if request.method == "POST")


# What is sent


def test_generation_is_one_post_with_what_was_asked_and_nothing_else(generate, program):
    result = generate(REQUEST)
    assert [(r.method, r.path) for r in program.requests] == [("POST", "/sdapi/v1/txt2img")]
    assert program.last.json == {"prompt": "A red panda"}
    assert "authorization" not in program.last.headers
    assert "origin" not in program.last.headers
    assert len(result.images) == 1


def test_every_parameter_goes_out_under_the_programs_name(generate, program):
    result = generate(FULL)
    assert program.last.json == {
        "prompt": "A red panda",
        "negative_prompt": "rain",
        "seed": 7,
        "n_iter": 3,
        "width": 832,
        "height": 1216,
        "steps": 30,
        "cfg_scale": 6.5,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "override_settings": {"sd_model_checkpoint": "sdxl_base.safetensors"},
    }
    assert [image.seed for image in result.images] == [7, 8, 9]
    assert result.model == "sdxl_base"
    assert result.images[0].facts == {
        "sampler": "DPM++ 2M", "steps": 30, "guidance": 6.5, "size": "832x1216",
    }  # fmt: skip
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal(0), "table")


def test_edit_draws_over_the_picture_in_its_own_size(generate, program, picture_file):
    reference = picture_file("a.png", size=(500, 300))
    mask = picture_file("mask.png", color="white", size=(500, 300))
    request = replace(REQUEST, mode="edit", references=(reference,), mask=mask, options={"strength": 0.5})
    generate(request)
    assert program.last.path == "/sdapi/v1/img2img"
    assert program.last.json == {
        "prompt": "A red panda",
        "width": 496,
        "height": 304,
        "denoising_strength": 0.5,
        "init_images": [base64.b64encode(reference.path.read_bytes()).decode()],
        "mask": base64.b64encode(mask.path.read_bytes()).decode(),
    }


@pytest.mark.parametrize(
    ("size", "orientation", "drawn"),
    [((4000, 3000), 1, (1184, 888)), ((4000, 3000), 6, (888, 1184)), ((20, 30), 1, (64, 64))],
)
def test_large_small_and_turned_pictures_are_made_to_fit(forge, tmp_path, size, orientation, drawn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(tmp_path / "a.jpg", exif=exif)
    reference = InputImage(path=tmp_path / "a.jpg", mime_type="image/jpeg")
    fields = forge.build(replace(REQUEST, references=(reference,))).json
    assert (fields["width"], fields["height"]) == drawn


@pytest.mark.parametrize(
    ("key", "header"), [("", None), ("user:pass", "Basic dXNlcjpwYXNz"), ("token", "Bearer token")]
)
def test_key_is_a_login_or_the_token_of_a_proxy(forge, key, header):
    forge.connection = replace(forge.connection, api_key=key)
    assert forge.build(REQUEST).headers.get("Authorization") == header


def test_address_is_taken_with_and_without_the_path_of_the_api(forge, program):
    forge.connection = replace(forge.connection, base_url=f"{program.url}/sdapi/v1/")
    assert forge.build(REQUEST).url == f"{program.url}/sdapi/v1/txt2img"


def test_pictures_come_in_one_call_unless_they_are_previewed(forge):
    assert [part.n for part in forge.split(FULL)] == [3]
    streamed = forge.split(replace(FULL, stream=True))
    assert [(part.n, part.seed) for part in streamed] == [(1, 7), (1, 8), (1, 9)]
    assert {part.seed for part in forge.split(replace(FULL, stream=True, seed=None))} == {None}


# What is read


def test_grid_before_the_pictures_is_left_out(generate):
    result = generate(replace(REQUEST, prompt="FAKE_GRID", n=2))
    assert [Image.open(io.BytesIO(i.path.read_bytes())).size for i in result.images] == [(512, 512)] * 2


def test_program_that_tells_nothing_still_brings_pictures(generate):
    result = generate(replace(REQUEST, prompt="FAKE_NO_INFO", n=2))
    assert [(image.seed, image.facts) for image in result.images] == [(None, {})] * 2
    assert result.model == ""


def test_picture_that_is_damaged_does_not_cost_the_others(generate, program, picture):
    good = base64.b64encode(picture()).decode()
    program.script(Reply(body={"images": ["<html>", good], "info": '{"seed": 5, "all_seeds": [5, 6]}'}))
    result = generate(replace(REQUEST, n=2))
    assert [image.seed for image in result.images] == [6]
    assert result.message == "1 of 2 pictures came."


def test_fewer_pictures_than_asked_are_told(generate, program, picture):
    program.script(Reply(body={"images": [base64.b64encode(picture()).decode()], "info": "{}"}))
    assert generate(replace(REQUEST, n=2)).message == "1 of 2 pictures came."


# While it draws


def test_previews_are_handed_on_while_it_draws(generate, program):
    program.hold, seen = True, []

    def show(partial):
        seen.append(partial)
        program.go.set()

    result = generate(replace(REQUEST, stream=True), on_partial=show)
    assert [partial.index for partial in seen] == [0]
    assert seen[0].data.startswith(b"\x89PNG")
    assert len(result.images) == 1
    assert program.posts == 1


def test_broken_preview_does_not_cost_the_picture(generate, program, caplog):
    program.hold = True

    def show(partial):
        program.go.set()
        raise RuntimeError("no room for previews")

    assert len(generate(replace(REQUEST, stream=True), on_partial=show).images) == 1
    assert "A preview could not be handed on" in caplog.text


def test_without_a_wish_for_previews_there_are_none(generate, program):
    generate(REQUEST, on_partial=pytest.fail)
    assert program.requests == [sent(program)]


def test_stopping_interrupts_the_drawing(generate, program, tmp_path):
    program.hold = True
    with pytest.raises(errors.Cancelled, match="Nothing was charged"):
        generate(REQUEST, cancelled=lambda: program.job is not None)
    paths = [request.path for request in program.requests if request.method == "POST"]
    assert paths == ["/sdapi/v1/txt2img", "/sdapi/v1/interrupt"]
    assert list(tmp_path.glob("call*")) == []


def test_job_of_somebody_else_is_never_stopped_or_shown(forge, program, tmp_path):
    program.begin("20261122120000")
    program.hold, shown, ends = True, [], []

    def wait_in_line():
        request = replace(REQUEST, stream=True)
        with pytest.raises(errors.Cancelled) as caught:
            forge.send(
                request,
                tmp_path / "call.answer",
                on_partial=shown.append,
                cancelled=lambda: program.posts > 0,
            )
        ends.append(caught.value)

    with program.one_at_a_time:  # the other job has the program
        caller = threading.Thread(target=wait_in_line)
        caller.start()
        time.sleep(0.3)
        assert (program.interrupted.is_set(), shown, program.posts) == (False, [], 1)
    caller.join(10)  # now it is ours, and is stopped
    assert program.interrupted.is_set()
    assert len(ends) == 1


def test_stale_previews_of_somebody_else_are_not_shown(forge, program, tmp_path):
    program.begin("20261122120000")
    program.hold, shown = True, []
    with program.one_at_a_time:
        caller = threading.Thread(
            target=forge.send,
            args=(replace(REQUEST, stream=True), tmp_path / "call.answer"),
            kwargs={"on_partial": shown.append},
        )
        caller.start()
        time.sleep(0.3)
        assert (shown, program.posts) == ([], 1)
    time.sleep(0.3)
    program.go.set()
    caller.join(10)
    assert len(shown) == 1


def test_stopping_before_anything_was_sent_sends_nothing(generate, program):
    with pytest.raises(errors.Cancelled, match="before anything was sent"):
        generate(REQUEST, cancelled=lambda: True)
    assert program.requests == []


def test_program_that_cannot_be_stopped_brings_its_pictures(generate, program, monkeypatch):
    program.hold = True
    monkeypatch.setattr(type(program), "_progress", lambda self, query: Reply(500))
    threading.Timer(0.2, program.go.set).start()
    assert len(generate(REQUEST, cancelled=lambda: program.job is not None).images) == 1


# What goes wrong: one POST each


def said(status, detail, error="HTTPException", errors=""):
    body = {"error": error, "detail": detail, "body": "", "errors": errors or f"{status}: {detail}"}
    return Reply(status, {}, body)


def wrong_field(name):
    return Reply(422, {}, {"detail": [{"loc": ["body", name], "msg": "not right"}]})


TABLE = [
    (said(400, "Sampler not found"), errors.InvalidRequest, "options", False),
    (said(404, "Init image not found"), errors.InvalidRequest, "references", False),
    (said(404, "Model not found"), errors.ModelUnavailable, "model", False),
    (Reply(404, {}, {"detail": "Not Found"}), errors.InvalidRequest, "base_url", False),
    (said(422, "Script 'x' not found"), errors.InvalidRequest, "", False),
    (wrong_field("width"), errors.InvalidRequest, "size", False),
    (wrong_field("seed"), errors.InvalidRequest, "seed", False),
    (wrong_field("steps"), errors.InvalidRequest, "options", False),
    (said(500, "Invalid encoded image"), errors.InvalidRequest, "references", False),
    (said(500, "Requests not allowed"), errors.InvalidRequest, "references", False),
    (said(500, "", "OutOfMemoryError", "CUDA out of memory."), errors.ServerError, "", False),
    (said(500, "", "RuntimeError", "no kernel image"), errors.ServerError, "", True),
    (said(401, "Incorrect username or password"), errors.AuthError, "", False),
    (said(401, "Not authenticated"), errors.AuthError, "", False),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, "", True),
    (Reply(503, {}, b""), errors.Overloaded, "", False),
    (Reply(200, {}, {"images": [], "info": ""}), errors.NoPicture, "", True),
    (Reply(200, {}, {"images": ["<html>"], "info": ""}), errors.BadPicture, "", True),
    ("html", errors.BadResponse, "", True),
    ("empty", errors.BadResponse, "", True),
    ("truncated_json", errors.BadResponse, "", True),
    ("reset", errors.ConnectionLost, "", True),
    ("half_body", errors.ConnectionLost, "", True),
    ("redirect", errors.InvalidRequest, "", True),
]  # fmt: skip


@pytest.mark.parametrize(("step", "kind", "field", "is_unsure"), TABLE, ids=range(len(TABLE)))
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(generate, program, step, kind, field, is_unsure):
    program.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    error = caught.value
    assert (type(error), error.field, error.may_have_been_charged) == (kind, field, is_unsure)
    assert program.posts == 1
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_OOM", errors.ServerError),
        ("FAKE_RUNTIME", errors.ServerError),
        ("FAKE_NO_IMAGES", errors.BadResponse),
    ],
)
@pytest.mark.thorough
def test_words_in_the_prompt_make_the_fake_fail(generate, word, kind):
    with pytest.raises(kind):
        generate(replace(REQUEST, prompt=word))


def test_program_that_is_off_was_provably_not_reached(forge, program, tmp_path):
    forge.connection = replace(
        forge.connection, base_url="http://127.0.0.1:9", allowed_private_hosts=("127.0.0.1",)
    )
    with pytest.raises(errors.NetworkError):
        forge.send(REQUEST, tmp_path / "call.answer", cancelled=lambda: False)
    assert forge.test().code == "network"


# Declared


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"options": {"strength": 0.5}}, "options"),
        ({"options": {"steps": 151}}, "options"),
        ({"options": {"guidance": 0.5}}, "options"),
        ({"options": {"cfg": 7}}, "options"),
        ({"options": {"sampler": ""}}, "options"),
        ({"size": "500x500"}, "size"),
        ({"size": "8x8"}, "size"),
        ({"quality": "high"}, "quality"),
        ({"n": 9}, "n"),
        ({"mode": "edit"}, "references"),
    ],
)
def test_what_it_does_not_take_is_refused_by_name(forge, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        forge.check(replace(REQUEST, **change))
    assert caught.value.field == field


def test_sampler_that_only_this_program_has_may_be_asked_for(generate, program):
    generate(replace(REQUEST, options={"sampler": "Restart"}))
    assert program.last.json["sampler_name"] == "Restart"
    with pytest.raises(errors.InvalidRequest, match="Sampler not found") as caught:
        generate(replace(REQUEST, options={"sampler": "Nonesuch"}))
    assert caught.value.field == "options"


def test_models_and_samplers_are_the_programs_own(forge):
    own, first, second = forge.live_models()
    assert (own.id, first.id, second.id) == ("server-default", *CHECKPOINTS)
    assert first.label == "v1-5-pruned"
    assert first.capabilities.options["sampler"].values == SAMPLERS
    assert first.capabilities.options["scheduler"].values == ("Automatic", "Karras", "Beta")


def test_program_without_a_list_of_schedulers_keeps_the_usual_ones(forge, monkeypatch):
    ask = type(forge).ask

    def old(self, path):
        if path == "schedulers":
            raise errors.InvalidRequest("No such list.")
        return ask(self, path)

    monkeypatch.setattr(type(forge), "ask", old)
    assert "Karras" in forge.live_models()[1].capabilities.options["scheduler"].values


def test_estimate_is_nothing(forge):
    assert forge.estimate(replace(FULL, model="any")).usd == 0


def test_check_is_free_and_says_what_is_wrong(forge, program):
    assert forge.test().message == "It works, and has 4 samplers."
    program.login = "user:secret"
    assert forge.test().code == "auth"
    forge.connection = replace(forge.connection, api_key="user:secret")
    assert forge.test().ok
    program.has_api = False
    assert "Start it with --api" in forge.test().message
    assert program.posts == 0


def test_page_of_another_service_is_not_the_program(forge, monkeypatch):
    monkeypatch.setattr(FakeAutomatic1111, "answer", lambda *args: Reply(200, {}, b"<h1>Router</h1>"))
    assert forge.test().code == "bad_response"


def test_it_writes_nothing(forge):
    with pytest.raises(errors.InvalidRequest):
        forge.complete(TextRequest(prompt="x", model="y"))
