"""The adapter for ComfyUI against the strict fake, over real HTTP."""

import copy
import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, jobs, links, registry, workflows
from providers.base import Connection, ImageRequest, InputImage
from tests.fake_vendors.base import Reply
from tests.fake_vendors.comfyui import CHECKPOINTS, SAMPLERS, FakeComfyUI

REQUEST = ImageRequest(prompt="A red panda", model="server-default")
FULL = replace(
    REQUEST,
    model=CHECKPOINTS[1],
    n=2,
    size="832x1216",
    seed=7,
    negative_prompt="rain",
    options={"steps": "30", "guidance": 6.5, "sampler": "dpmpp_2m", "scheduler": "karras"},
)


def template(**changes):
    """A workflow as a person brings it along: built of the built-in one, with a few names."""
    built_in = workflows.built_in("text_to_image")
    named = {
        "prompt": ["6", "text"],
        "seed": [["3", "seed"]],
        "width": ["5", "width"],
        "height": ["5", "height"],
    }
    graph = copy.deepcopy(dict(built_in.graph))
    graph["4"]["inputs"]["ckpt_name"] = CHECKPOINTS[0]
    return {"graph": graph, "inputs": named, **changes}


@pytest.fixture
def program():
    with FakeComfyUI() as fake:
        yield fake


@pytest.fixture
def comfy(program):
    return connect(program)


def connect(program, **options):
    connection = Connection(base_url=program.url, options=options, allowed_private_hosts=program.allowed)
    provider = registry.connect("comfyui", connection)
    provider.poll_pause = provider.longest_pause = 0.01
    return provider


@pytest.fixture
def generate(comfy, tmp_path):
    """A function that sends and reads as a worker does."""

    def send_and_read(request, provider=comfy, **kwargs):
        provider.check(request)
        return provider.read(request, provider.send(request, tmp_path / "call.answer", **kwargs), tmp_path)

    return send_and_read


@pytest.fixture
def picture_file(tmp_path, picture):
    def save(name, **kwargs):
        (tmp_path / name).write_bytes(picture(**kwargs))
        return InputImage(path=tmp_path / name, mime_type="image/png")

    return save


def sizes(result):
    return [Image.open(io.BytesIO(image.path.read_bytes())).size for image in result.images]


def graph_sent(program):
    return next(request.json for request in program.requests if request.path == "/prompt")["prompt"]


# What is sent


def test_generation_is_one_prompt_polled_until_it_is_done(generate, program, tmp_path):
    result = generate(replace(REQUEST, model=CHECKPOINTS[0]))
    paths = [(request.method, request.path.split("?")[0]) for request in program.requests]
    assert paths[0] == ("POST", "/prompt")
    assert [path for path in paths if path[0] == "POST"] == [("POST", "/prompt")]
    assert paths[-1] == ("GET", "/view")
    assert program.requests[0].json.keys() == {"prompt", "client_id"}
    assert not {"origin", "authorization"} & program.requests[0].headers.keys()
    assert sizes(result) == [(1024, 1024)]
    assert not jobs.job_file(tmp_path / "call.answer").exists()


def test_every_parameter_goes_to_its_node(generate, program):
    result = generate(FULL)
    graph = graph_sent(program)
    assert graph["4"]["inputs"] == {"ckpt_name": "v1-5.safetensors"}
    assert graph["5"]["inputs"] == {"width": 832, "height": 1216, "batch_size": 2}
    assert (graph["6"]["inputs"]["text"], graph["7"]["inputs"]["text"]) == ("A red panda", "rain")
    sampler = graph["3"]["inputs"]
    assert (sampler["seed"], sampler["steps"], sampler["cfg"]) == (7, 30, 6.5)
    assert (sampler["sampler_name"], sampler["scheduler"], sampler["denoise"]) == ("dpmpp_2m", "karras", 1)
    assert sizes(result) == [(832, 1216)] * 2
    assert [image.seed for image in result.images] == [7, 7]
    assert (result.model, result.usage.cost_usd) == ("v1-5.safetensors", Decimal(0))


def test_without_a_seed_every_graph_is_new_and_its_seed_is_kept(generate, program):
    first, second = generate(REQUEST).images[0].seed, generate(REQUEST).images[0].seed
    assert first != second
    assert graph_sent(program)["3"]["inputs"]["seed"] == first


def test_first_checkpoint_is_used_when_none_is_named(generate, program):
    assert generate(REQUEST).model == CHECKPOINTS[0]
    assert program.prompts == 1


def test_without_any_checkpoint_nothing_is_started(generate, program, monkeypatch):
    monkeypatch.setattr(FakeComfyUI, "_described", lambda self, name: {})
    with pytest.raises(errors.ModelUnavailable, match="has no checkpoint"):
        generate(REQUEST)
    assert program.posts == 0


@pytest.mark.parametrize("renames", [False, True])
def test_edit_uploads_the_picture_and_uses_the_name_it_got(generate, program, picture_file, renames):
    program.renames = renames
    reference = picture_file("a.png", size=(500, 300))
    generate(replace(REQUEST, mode="edit", references=(reference,), n=2, options={"strength": 0.5}))
    upload = program.requests[1]
    assert upload.path == "/upload/image"
    texts = {part.name: part.content for part in upload.parts if part.file_name is None}
    assert texts == {"type": b"input", "overwrite": b"true"}
    graph = graph_sent(program)
    assert f"input/{graph['10']['inputs']['image']}" in program.files
    assert (" (1)" in graph["10"]["inputs"]["image"]) == renames
    assert (graph["11"]["inputs"]["width"], graph["11"]["inputs"]["height"]) == (496, 304)
    assert (graph["3"]["inputs"]["denoise"], graph["13"]["inputs"]["amount"]) == (0.5, 2)


def test_mask_is_uploaded_and_white_is_repainted(generate, program, picture_file):
    mask = picture_file("mask.png", color="white")
    result = generate(replace(REQUEST, mode="edit", references=(picture_file("a.png"),), mask=mask))
    graph = graph_sent(program)
    assert program.files[f"input/{graph['14']['inputs']['image']}"] == mask.path.read_bytes()
    assert graph["14"]["inputs"]["channel"] == "red"
    assert len(result.images) == 1


def test_same_picture_is_uploaded_under_the_same_name(generate, program, picture_file):
    request = replace(REQUEST, mode="edit", references=(picture_file("a.png"),))
    generate(request)
    generate(request)
    assert len([name for name in program.files if name.startswith("input/")]) == 1


def test_picture_that_is_gone_stops_it_before_anything_is_started(generate, program, tmp_path):
    gone = InputImage(path=tmp_path / "gone.png", mime_type="image/png")
    with pytest.raises(errors.InvalidRequest, match="Choose it again"):
        generate(replace(REQUEST, mode="edit", references=(gone,)))
    assert program.posts == 0


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(413), errors.InvalidRequest),
        (Reply(400), errors.InvalidRequest),
        (Reply(body={}), errors.NotUnderstood),
        ("reset", errors.NetworkError),
    ],
)
def test_upload_that_fails_starts_nothing(generate, program, picture_file, monkeypatch, reply, kind):
    monkeypatch.setattr(
        FakeComfyUI, "step_for", lambda self, request: reply if "upload" in request.path else ""
    )
    with pytest.raises(errors.ProviderError) as caught:
        generate(replace(REQUEST, mode="edit", references=(picture_file("a.png"),)))
    assert (type(caught.value), caught.value.may_have_been_charged) == (kind, False)
    assert program.prompts == 0


# Workflows of a connection


def test_own_workflow_takes_what_its_names_say(program, generate):
    provider = connect(program, workflows={"Portraits": template()})
    able = provider.model_info("Portraits").capabilities
    assert (able.modes, able.seed, able.negative_prompt, able.options) == (("generate",), True, False, {})
    assert [part.seed for part in provider.split(replace(REQUEST, model="Portraits", n=3, seed=5))] == [
        5,
        6,
        7,
    ]
    with pytest.raises(errors.InvalidRequest) as caught:
        provider.check(replace(REQUEST, model="Portraits", negative_prompt="rain"))
    assert caught.value.field == "negative_prompt"
    result = generate(replace(REQUEST, model="Portraits", size="512x768", seed=5), provider)
    assert graph_sent(program)["4"]["inputs"]["ckpt_name"] == CHECKPOINTS[0]
    assert (sizes(result), result.images[0].seed) == ([(512, 768)], 5)
    assert result.images[0].facts["workflow"] == "Portraits"


def test_workflow_with_pictures_is_for_edits(program, generate, picture_file):
    built_in = workflows.built_in("image_to_image")
    graph = copy.deepcopy(dict(built_in.graph))
    graph["4"]["inputs"]["ckpt_name"] = CHECKPOINTS[0]
    named = {"prompt": ["6", "text"], "image": ["10", "image"], "checkpoint": ["4", "ckpt_name"]}
    provider = connect(program, workflows=json.dumps({"Redraw": {"graph": graph, "inputs": named}}))
    able = provider.model_info("Redraw").capabilities
    assert (able.modes, able.max_references, able.mask, able.size) == (("edit",), 1, False, None)
    result = generate(
        replace(REQUEST, model="Redraw", mode="edit", references=(picture_file("a.png"),)), provider
    )
    assert graph_sent(program)["10"]["inputs"]["image"].startswith("vignette-")
    assert result.model == CHECKPOINTS[0]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"nodes": [], "links": []}, "Export"),
        (template(graph={"nodes": []}), "Export"),
        (template(graph={}), 'no "graph"'),
        (template(graph={"6": {"inputs": {}}}), '"class_type"'),
        (template(inputs={"seed": ["3", "seed"]}), '"prompt"'),
        (template(inputs={"prompt": ["6", "words"]}), "node 6, input words"),
        (template(inputs={"prompt": ["66", "text"]}), "node 66"),
        (template(inputs={"prompt": "6.text"}), "must be a node and an input"),
        (template(inputs={"prompt": ["6", "text"], "cfg": ["3", "cfg"]}), "no input “cfg”"),
        ("text", 'no "graph"'),
    ],
)
def test_workflow_that_cannot_be_used_says_why(program, broken, why):
    provider = connect(program, workflows={"Mine": broken})
    with pytest.raises(errors.InvalidRequest, match="“Mine” cannot be used") as caught:
        provider.check(replace(REQUEST, model="Mine"))
    assert why in caught.value.message
    assert (provider.test().ok, provider.test().message) == (False, caught.value.message)
    assert "Mine" not in [model.id for model in provider.models()]


def test_workflows_that_are_not_json_are_told_by_the_check(program):
    result = connect(program, workflows="{").test()
    assert (result.code, "not JSON" in result.message) == ("invalid_request", True)


@pytest.mark.parametrize("name", ["text_to_image", "image_to_image", "inpaint"])
def test_built_in_workflows_can_be_used(name):
    workflow = workflows.built_in(name)
    assert {
        "prompt",
        "negative_prompt",
        "seed",
        "checkpoint",
        "width",
        "height",
        "n",
    } <= workflow.inputs.keys()


# Jobs


def test_after_a_crash_polling_goes_on_with_the_same_job(comfy, program, tmp_path):
    spool, program.hold = tmp_path / "call.answer", True
    comfy.request_deadline = 0.05
    with pytest.raises(errors.DeadlineExceeded):
        comfy.send(REQUEST, spool)
    assert comfy.can_resume(spool)
    program.hold = False
    again = connect(program)
    result = again.read(REQUEST, again.resume(REQUEST, spool), tmp_path)
    assert (len(result.images), program.prompts) == (1, 1)


def test_job_that_is_nowhere_is_lost(generate, program):
    with pytest.raises(errors.ServerError, match="started anew") as caught:
        generate(replace(REQUEST, prompt="FAKE_LOST"))
    assert (caught.value.may_have_been_charged, program.prompts) == (False, 1)


def test_questions_without_an_answer_are_asked_again(generate, program, monkeypatch):
    troubles = ["reset", Reply(500), Reply(200, {}, b"<html>")]

    def step(self, request):
        return troubles.pop() if request.path.startswith("/history") and troubles else ""

    monkeypatch.setattr(FakeComfyUI, "step_for", step)
    assert len(generate(REQUEST).images) == 1
    assert troubles == []


def test_queue_that_is_not_shown_does_not_lose_a_job(generate, monkeypatch):
    monkeypatch.setattr(FakeComfyUI, "step_for", lambda self, r: Reply(500) if r.path == "/queue" else "")
    assert len(generate(REQUEST).images) == 1


def test_stopping_takes_a_waiting_job_out_of_the_queue(generate, program):
    program.hold = True
    program.jobs["someone-elses"] = {"graph": {}, "polls": 0}
    with pytest.raises(errors.Cancelled, match="Nothing was charged"):
        generate(REQUEST, cancelled=lambda: program.prompts > 0)
    assert list(program.jobs) == ["someone-elses"]
    assert [r.path for r in program.requests if r.method == "POST"] == ["/prompt", "/queue"]


def test_stopping_interrupts_a_running_job_by_its_name(generate, program):
    program.hold = True
    with pytest.raises(errors.Cancelled, match="Nothing was charged"):
        generate(REQUEST, cancelled=lambda: program.prompts > 0)
    last = [request for request in program.requests if request.method == "POST"][-1]
    assert last.path == "/interrupt"
    assert last.json["prompt_id"] in program.history


def test_job_that_is_done_when_it_is_stopped_brings_its_pictures(generate, program):
    program.polls = 0
    assert len(generate(REQUEST, cancelled=lambda: bool(program.history)).images) == 1


def test_stopping_before_anything_was_sent_sends_nothing(generate, program):
    with pytest.raises(errors.Cancelled, match="before anything was sent"):
        generate(REQUEST, cancelled=lambda: True)
    assert program.requests == []


# What is read


def test_previews_are_pictures_only_where_nothing_else_is(generate):
    assert sizes(generate(REQUEST)) == [(1024, 1024)]
    assert sizes(generate(replace(REQUEST, prompt="FAKE_PREVIEWS_ONLY"))) == [(8, 8)]


def test_picture_that_is_gone_from_its_folder_is_said_so(generate, monkeypatch):
    monkeypatch.setattr(links, "PAUSES", (0,))
    monkeypatch.setattr(FakeComfyUI, "_view", lambda self, asked: Reply(404))
    with pytest.raises(errors.BadResponse):
        generate(REQUEST)


def test_key_for_a_proxy_goes_along_everywhere(program, generate):
    program.key = "Basic dXNlcjpwYXNz"
    provider = connect(program)
    assert provider.test().code == "auth"
    provider.connection = replace(provider.connection, api_key="user:pass")
    assert provider.test().ok
    assert sizes(generate(REQUEST, provider)) == [(1024, 1024)]


# What goes wrong: one prompt each


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("FAKE_OOM", errors.ServerError, "not enough memory"),
        ("FAKE_NODE_ERROR", errors.ServerError, "error at KSampler"),
        ("FAKE_INTERRUPTED", errors.Cancelled, "stopped the job"),
        ("FAKE_NO_PICTURE", errors.NoPicture, "SaveImage"),
    ],
)
def test_job_that_ends_badly_says_why_and_that_it_was_free(generate, program, word, kind, said):
    with pytest.raises(kind, match=said) as caught:
        generate(replace(REQUEST, prompt=word))
    assert (caught.value.may_have_been_charged, program.prompts) == (False, 1)


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"model": "gone.safetensors"}, errors.ModelUnavailable, "model"),
        ({"options": {"sampler": "nonesuch"}}, errors.InvalidRequest, "options"),
        ({"seed": 2**65}, errors.InvalidRequest, "seed"),
    ],
)
def test_graph_that_is_not_taken_names_the_field(generate, program, change, kind, field):
    with pytest.raises(kind) as caught:
        generate(replace(REQUEST, **change))
    assert (caught.value.field, program.prompts, program.jobs) == (field, 1, {})
    assert caught.value.provider_message


def test_workflow_with_an_unknown_node_is_named(program, generate):
    broken = template()
    broken["graph"]["3"]["class_type"] = "FancySampler"
    with pytest.raises(errors.InvalidRequest, match="FancySampler") as caught:
        generate(replace(REQUEST, model="Mine"), connect(program, workflows={"Mine": broken}))
    assert caught.value.field == "model"


def refused(kind, **node_errors):
    return Reply(
        400, {}, {"error": {"type": kind, "message": "No.", "details": ""}, "node_errors": node_errors}
    )


@pytest.mark.parametrize(
    ("step", "kind", "is_unsure"),
    [
        (refused("no_prompt"), errors.InvalidRequest, False),
        (refused("prompt_no_outputs"), errors.InvalidRequest, False),
        (refused("invalid_prompt"), errors.InvalidRequest, False),
        (Reply(400, {}, {"error": "no"}), errors.InvalidRequest, False),
        (Reply(403), errors.PermissionDenied, False),
        (Reply(404), errors.ModelUnavailable, False),
        (Reply(413), errors.InvalidRequest, False),
        (Reply(500), errors.ServerError, True),
        (Reply(502, {}, b"<h1>Bad</h1>"), errors.ServerError, True),
        (Reply(200, {}, {"number": 1}), errors.BadResponse, True),
        ("html", errors.BadResponse, True),
        ("empty", errors.BadResponse, True),
        ("reset", errors.ConnectionLost, True),
        ("half_body", errors.ConnectionLost, True),
        ("redirect", errors.InvalidRequest, True),
    ],
)
@pytest.mark.thorough
def test_failure_is_one_prompt_and_the_right_error(generate, program, step, kind, is_unsure):
    program.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(replace(REQUEST, model=CHECKPOINTS[0]))
    assert (type(caught.value), caught.value.may_have_been_charged) == (kind, is_unsure)
    assert (program.prompts, program.posts) == (1, 1)
    assert caught.value.message.endswith(".")


# Declared


@pytest.mark.parametrize("combo", [False, True])
def test_models_are_the_checkpoints_and_the_workflows(program, combo):
    program.combo = combo
    models = list(connect(program, workflows={"Mine": template()}).live_models())
    assert [model.id for model in models] == ["server-default", *CHECKPOINTS, "Mine"]
    assert models[1].capabilities.options["sampler"].values == tuple(SAMPLERS)
    assert models[1].capabilities.options["scheduler"].values == ("normal", "karras")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"options": {"strength": 0.5}}, "options"),
        ({"size": "500x500"}, "size"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"stream": True}, "stream"),
        ({"n": 9}, "n"),
        ({"mode": "variation"}, "mode"),
    ],
)
def test_what_it_does_not_take_is_refused_by_name(comfy, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        comfy.check(replace(REQUEST, **change))
    assert caught.value.field == field


def test_picture_of_another_kind_is_refused(comfy, tmp_path):
    gif = InputImage(path=tmp_path / "a.gif", mime_type="image/gif")
    with pytest.raises(errors.InvalidRequest):
        comfy.check(replace(REQUEST, mode="edit", references=(gif,)))


def test_check_is_free_and_knows_another_server(comfy, program, monkeypatch):
    assert comfy.test().message == "ComfyUI 0.9.2 answered."
    assert program.posts == 0
    monkeypatch.setattr(FakeComfyUI, "answer", lambda *args: Reply(body={"hello": 1}))
    assert comfy.test().message == "The address answers, but it is not a ComfyUI server. Check it."
