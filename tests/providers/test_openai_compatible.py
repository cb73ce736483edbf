"""The adapter for servers that speak OpenAI's Image API, against four kinds of them over real HTTP."""

import base64
import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, links, registry
from providers.base import Connection, DescribeRequest, ImageRequest, InputImage, TextRequest
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai_compatible import MODELS, FakeCompatible

REQUEST = ImageRequest(prompt="A red panda", model="flux-dev")


@pytest.fixture
def server():
    with FakeCompatible() as fake:
        yield fake


@pytest.fixture
def connect(server):
    """A function that connects to the server with switches; it answers as that engine."""

    def join(key="", **options):
        server.engine = {"openai": "litellm"}.get(options.get("engine", "openai"), options.get("engine"))
        connection = Connection(
            base_url=server.url, api_key=key, options=options, allowed_private_hosts=server.allowed
        )
        return registry.connect("openai_compatible", connection)

    return join


@pytest.fixture
def generate(connect, tmp_path):
    """A function that sends and reads as a worker does."""

    def send_and_read(request, **options):
        provider = connect(**options)
        provider.check(request)
        return provider.read(request, provider.send(request, tmp_path / "call.answer"), tmp_path)

    return send_and_read


@pytest.fixture
def picture_file(tmp_path, picture):
    def save(name, **kwargs):
        (tmp_path / name).write_bytes(picture(**kwargs))
        return InputImage(path=tmp_path / name, mime_type="image/png")

    return save


def sizes(result):
    return [Image.open(io.BytesIO(image.path.read_bytes())).size for image in result.images]


# The fake is what the official client expects


@pytest.mark.thorough
def test_official_client_draws_and_edits_with_the_fake(server, picture):
    import openai  # here, for it takes seconds

    client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=0)
    made = client.images.generate(model="flux-dev", prompt="A cat", n=2, response_format="b64_json")
    assert len(made.data) == 2
    assert base64.b64decode(made.data[0].b64_json).startswith(b"\x89PNG")
    edited = client.images.edit(model="flux-dev", prompt="A hat", image=[("a.png", picture())])
    assert edited.data[0].b64_json
    with pytest.raises(openai.BadRequestError, match="prompt required"):
        client.images.generate(model="flux-dev", prompt="")
    assert [model.id for model in client.models.list()] == list(MODELS)


# What is sent


def test_generation_is_one_post_of_the_common_core(generate, server):
    result = generate(replace(REQUEST, n=2, size="768x1024", user_id="u_1"))
    assert (server.posts, server.last.path) == (1, "/v1/images/generations")
    assert server.last.json == {
        "model": "flux-dev",
        "prompt": "A red panda",
        "n": 2,
        "size": "768x1024",
        "response_format": "b64_json",
    }
    assert "authorization" not in server.last.headers
    assert sizes(result) == [(768, 1024)] * 2
    assert (result.usage.cost_usd, result.usage.cost_source) == (None, "unknown")


@pytest.mark.parametrize(
    ("model", "switch", "sent"),
    [
        ("flux-dev", "auto", "b64_json"),
        ("gpt-image-2", "auto", None),
        ("dall-e-3", "auto", "b64_json"),
        ("flux-dev", "url", "url"),
        ("flux-dev", "none", None),
        ("flux-dev", "odd", "b64_json"),
    ],
)
def test_form_of_the_answer_is_a_switch(generate, server, model, switch, sent):
    result = generate(replace(REQUEST, model=model), response_format=switch)
    assert server.requests[0].json.get("response_format") == sent
    assert len(result.images) == 1


def test_request_without_a_model_names_none(connect, generate, server):
    model = connect().default_model()
    generate(replace(REQUEST, model=model))
    assert "model" not in server.last.json


@pytest.mark.parametrize("given", ["", "/", "/v1", "/v1/"])
def test_root_is_found_with_and_without_its_version(connect, server, given):
    provider = connect()
    provider.connection = replace(provider.connection, base_url=f"http://127.0.0.1:{server.port}{given}")
    assert provider.build(REQUEST).url == f"{server.url}/images/generations"


def test_other_root_is_taken_as_it_is(connect):
    provider = connect()
    provider.connection = replace(provider.connection, base_url="https://x.test/openai/deployments/a")
    assert provider.build(REQUEST).url == "https://x.test/openai/deployments/a/images/generations"


@pytest.mark.parametrize(
    ("style", "header", "value"),
    [
        ("bearer", "authorization", "Bearer user:pass"),
        ("basic", "authorization", "Basic dXNlcjpwYXNz"),
        ("api-key", "api-key", "user:pass"),
        ("x-api-key", "x-api-key", "user:pass"),
    ],
)
def test_key_goes_into_the_header_that_the_server_wants(connect, server, style, header, value):
    server.key, server.key_header = value, header
    assert connect("user:pass", auth=style).test().ok
    assert connect("other", auth=style).test().code == "auth"


def test_key_is_kept_back_from_a_server_that_wants_none(connect):
    assert dict(connect("secret", auth="none").build(REQUEST).headers) == {}


# OpenAI's own ids have OpenAI's form, living or retired


def test_retired_id_is_sent_in_the_form_it_had(generate, server):
    request = replace(REQUEST, model="dall-e-3", size="1792x1024", quality="hd", style="natural")
    generate(request)
    assert server.last.json == {
        "model": "dall-e-3",
        "prompt": "A red panda",
        "n": 1,
        "size": "1792x1024",
        "quality": "hd",
        "style": "natural",
        "response_format": "b64_json",
    }


def test_openais_models_keep_their_rules(connect):
    provider = connect()
    assert [part.n for part in provider.split(replace(REQUEST, model="dall-e-3", n=2))] == [1, 1]
    assert provider.model_info("dall-e-2").status == "current"
    for change in ({"model": "dall-e-3", "size": "512x512"}, {"quality": "high"}, {"seed": 1}):
        with pytest.raises(errors.InvalidRequest):
            provider.check(replace(REQUEST, **change))


def test_openais_models_can_be_streamed_through_a_proxy(connect):
    request = replace(REQUEST, model="gpt-image-2", stream=True)
    connect().check(request)
    assert connect().build(request).json["stream"] is True
    with pytest.raises(errors.InvalidRequest):
        connect().check(replace(REQUEST, stream=True))


def test_price_of_openai_is_not_the_servers(connect):
    assert connect().estimate(replace(REQUEST, model="gpt-image-2", size="1024x1024")).usd is None


# Switches change what is offered


def test_what_is_drawn_at_home_is_free(connect, generate):
    at_home, elsewhere = connect(engine="localai"), connect()
    assert (at_home.estimate(REQUEST).usd, elsewhere.estimate(REQUEST).usd) == (0, None)
    usage = generate(REQUEST, engine="localai", response_format="none").usage
    assert (usage.cost_usd, usage.cost_source) == (0, "table")
    assert generate(REQUEST).usage.cost_usd is None


def test_sizes_and_edits_are_what_the_connection_says(connect, picture_file):
    provider = connect(sizes="512x512, 640x640", edits="off")
    able = provider.model_info("flux-dev").capabilities
    assert (able.size.values, able.size.default, able.size.free) == (("512x512", "640x640"), "512x512", False)
    assert (able.modes, able.max_references, able.mask) == (("generate",), 0, False)
    with pytest.raises(errors.InvalidRequest, match="512x512, 640x640"):
        provider.check(replace(REQUEST, size="1024x1024"))
    with pytest.raises(errors.InvalidRequest):
        provider.check(replace(REQUEST, references=(picture_file("a.png"),)))
    assert connect(sizes=["256x256"]).model_info("x").capabilities.size.values == ("256x256",)


def test_edit_with_mask_has_holes_unless_white_is_wanted(generate, server, picture_file):
    mask = picture_file("mask.png", color="white", size=(32, 48))
    request = replace(REQUEST, mode="edit", references=(picture_file("a.png"),), mask=mask)
    generate(request)
    assert server.last.path == "/v1/images/edits"
    assert [part.name for part in server.last.parts if part.file_name] == ["image", "mask"]
    holes = Image.open(io.BytesIO(server.last.parts[-1].content))
    assert holes.getchannel("A").getextrema() == (0, 0)
    generate(request, mask="white", image_field="image[]")
    assert [part.name for part in server.last.parts if part.file_name] == ["image[]", "mask"]
    assert server.last.parts[-1].content == mask.path.read_bytes()


# Engines with parameters of their own


def test_vllm_omni_takes_its_own_parameters(generate, server):
    own = {"steps": "30", "guidance": "3.5"}
    request = replace(REQUEST, seed=7, negative_prompt="rain", options=own, output_format="webp")
    generate(request, engine="vllm-omni")
    assert server.last.json == {
        "model": "flux-dev",
        "prompt": "A red panda",
        "n": 1,
        "output_format": "webp",
        "response_format": "b64_json",
        "seed": 7,
        "negative_prompt": "rain",
        "num_inference_steps": 30,
        "guidance_scale": 3.5,
    }


def test_vllm_omni_edits_with_a_strength(generate, server, picture_file):
    references = (picture_file("a.png"), picture_file("b.png"))
    request = replace(REQUEST, mode="edit", references=references, options={"strength": 0.7})
    generate(request, engine="vllm-omni")
    assert [part.content for part in server.last.parts if part.name == "strength"] == [b"0.7"]
    assert [part.name for part in server.last.parts if part.file_name] == ["image[]"] * 2


def test_sd_server_reads_seed_and_steps_in_the_prompt(generate, server, picture_file):
    request = replace(REQUEST, seed=42, options={"steps": 20})
    generate(request, engine="sd-server")
    own = '<sd_cpp_extra_args>{"seed": 42, "steps": 20}</sd_cpp_extra_args>'
    assert server.last.json["prompt"] == f"A red panda {own}"
    generate(replace(request, mode="edit", references=(picture_file("a.png"),)), engine="sd-server")
    assert [part.name for part in server.last.parts if part.file_name] == ["image[]"]


def test_localai_takes_references_in_json_and_masks_in_a_form(generate, server, picture_file):
    reference, mask = picture_file("a.png"), picture_file("mask.png", color="white")
    request = replace(REQUEST, negative_prompt="rain", options={"steps": 15}, references=(reference,))
    generate(request, engine="localai")
    sent = server.requests[0]
    assert sent.path == "/v1/images/generations"
    assert sent.json == {
        "model": "flux-dev",
        "prompt": "A red panda|rain",
        "n": 1,
        "step": 15,
        "response_format": "b64_json",
        "ref_images": [base64.b64encode(reference.path.read_bytes()).decode()],
    }
    generate(replace(request, mode="edit", mask=mask), engine="localai", response_format="none")
    sent = next(request for request in server.requests if request.path == "/v1/images/inpainting")
    parts = {part.name: part.content for part in sent.parts}
    assert (parts["steps"], parts["mask"]) == (b"15", mask.path.read_bytes())


# What is read


def test_pictures_named_by_address_are_fetched(generate, server):
    result = generate(replace(REQUEST, n=2), engine="localai", response_format="none")
    assert sizes(result) == [(512, 512)] * 2
    assert [(r.method, r.path) for r in server.requests[1:]] == [
        ("GET", "/generated-images/0.png"),
        ("GET", "/generated-images/1.png"),
    ]


@pytest.mark.parametrize("url", ["/made/1.png", "data:image/png;base64,{}"])
def test_relative_and_data_addresses_are_read(generate, server, picture, url):
    server.pictures["/made/1.png"] = picture()
    url = url.format(base64.b64encode(picture()).decode())
    server.script(Reply(body={"data": [{"url": url}]}))
    assert sizes(generate(REQUEST)) == [(64, 96)]


def test_address_on_another_private_host_is_never_fetched(generate, server, monkeypatch):
    monkeypatch.setattr(links, "PAUSES", (0,))
    server.script(Reply(body={"data": [{"url": "https://10.1.2.3/a.png"}]}))
    with pytest.raises(errors.LinkBlocked):
        generate(REQUEST)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "cost"),
    [("0.04", "0.04"), ("4.2e-05", "0.000042"), ("None", None), ("-1", None), ("1e9", None), ("NaN", None)],
)
def test_cost_that_litellm_reports_is_believed_within_reason(generate, server, header, cost):
    server.headers["x-litellm-response-cost"] = header
    usage = generate(REQUEST).usage
    assert usage.cost_usd == (cost and Decimal(cost))
    assert usage.cost_source == ("reported" if cost else "unknown")


# What goes wrong: one POST each


@pytest.mark.parametrize(
    ("step", "kind", "field", "said"),
    [
        (Reply(400, {}, {"error": "prompt required"}), errors.InvalidRequest, "", "prompt required"),
        (Reply(400, {}, {"error": "empty body"}), errors.InvalidRequest, "", "empty body"),
        (
            Reply(500, {}, {"error": "server_error", "message": "out of memory"}),
            errors.ServerError,
            "",
            "server_error: out of memory",
        ),
        (
            Reply(500, {}, {"error": {"code": 500, "message": "backend died", "type": ""}}),
            errors.ServerError,
            "",
            "backend died",
        ),
        (Reply(400, {}, {"detail": "Model mismatch"}), errors.InvalidRequest, "", "Model mismatch"),
        (
            Reply(422, {}, {"detail": [{"loc": ["body", "size"], "msg": "bad"}]}),
            errors.InvalidRequest,
            "size",
            "size: bad",
        ),
        (
            Reply(422, {}, {"detail": [{"loc": ["body", "image[]"], "msg": "bad"}]}),
            errors.InvalidRequest,
            "references",
            "image[]: bad",
        ),
        (Reply(404, {}, {"detail": "Not Found"}), errors.ModelUnavailable, "", "Not Found"),
        (Reply(503, {}, {"detail": "starting"}), errors.Overloaded, "", "starting"),
        (
            Reply(400, {}, {"error": {"code": "content_policy_violation", "message": "No."}}),
            errors.Refused,
            "",
            "No.",
        ),
        (
            Reply(400, {}, {"error": {"message": "litellm.ContentPolicyViolationError: x", "code": "400"}}),
            errors.Refused,
            "",
            "litellm.ContentPolicyViolationError: x",
        ),
        (
            Reply(401, {}, {"error": {"message": "Invalid token", "code": "401"}}),
            errors.AuthError,
            "",
            "Invalid token",
        ),
        (
            Reply(429, {"retry-after": "3"}, {"error": {"message": "slow", "code": "429"}}),
            errors.RateLimited,
            "",
            "slow",
        ),
        (Reply(400, {}, b"plain words"), errors.InvalidRequest, "", ""),
        (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad</h1>"), errors.ServerError, "", ""),
        (Reply(200, {}, {"data": []}), errors.NoPicture, "", ""),
        (Reply(200, {}, {"images": ["x"]}), errors.NoPicture, "", ""),
        ("html", errors.BadResponse, "", ""),
        ("reset", errors.ConnectionLost, "", ""),
        ("half_body", errors.ConnectionLost, "", ""),
        ("redirect", errors.InvalidRequest, "", ""),
    ],
)
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(generate, server, step, kind, field, said):
    server.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    error = caught.value
    assert (type(error), error.field, server.posts) == (kind, field, 1)
    assert error.message.endswith(".")
    assert error.provider_message == said


@pytest.mark.thorough
def test_words_in_the_prompt_make_the_fake_fail(generate, server):
    for engine in ("openai", "sd-server", "localai", "vllm-omni"):
        for word, kind in (
            ("FAKE_POLICY", errors.Refused),
            ("FAKE_500", errors.ServerError),
            ("FAKE_DETAIL", errors.InvalidRequest),
        ):
            with pytest.raises(kind):
                generate(replace(REQUEST, prompt=word), engine=engine)
    assert server.posts == 12


# Models, check, texts


def test_every_model_of_the_server_is_listed(connect):
    assert [model.id for model in connect().live_models()] == ["server-default", *MODELS]


def test_server_without_a_list_is_told_from_a_wrong_key(connect, monkeypatch):
    monkeypatch.setattr(FakeCompatible, "answer", lambda *args: Reply(404, {}, b"nothing"))
    result = connect().test()
    assert (result.ok, result.code) == (False, "model_unavailable")
    assert "no list of models" in result.message


@pytest.mark.parametrize(
    ("switches", "limit", "form"),
    [
        ({}, "max_tokens", "json_schema"),
        (
            {"text_limit": "max_completion_tokens", "json_answers": "json_object"},
            "max_completion_tokens",
            "json_object",
        ),
        ({"json_answers": "none"}, "max_tokens", None),
    ],
)
def test_texts_and_descriptions_go_by_chat_completions(connect, server, picture_file, switches, limit, form):
    provider = connect(**switches)
    server.headers["x-litellm-response-cost"] = "0.002"
    request = DescribeRequest(image=picture_file("a.png"), model="llava", known_tags=("forest",))
    if form == "json_schema":
        assert provider.describe(request).tags[0].name == "Mirel"
    else:
        with pytest.raises(errors.BadResponse):  # this fake answers in JSON only where it is asked to
            provider.describe(replace(request, instructions="FAKE_TEXT_FORM"))
    assert (server.posts, server.last.path) == (1, "/v1/chat/completions")
    assert server.last.json[limit] == request.max_tokens
    assert server.last.json.get("response_format", {}).get("type") == form


def test_text_costs_what_the_server_reports(connect, server):
    server.headers["x-litellm-response-cost"] = "0.002"
    provider = connect()
    completion = provider.complete(TextRequest(prompt="A panda", model=provider.default_text_model()))
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (Decimal("0.002"), "reported")
    assert "model" not in json.loads(server.last.body)
