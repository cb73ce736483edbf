import time
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image, ImageChops, ImageStat

from providers import errors, painting, registry
from providers.base import Connection, ImageRequest, Turn

REQUEST = ImageRequest(prompt="A lighthouse", model="demo-painter", seed=7)


@pytest.fixture
def demo():
    return registry.connect("demo", Connection(options={"delay": 0}))


@pytest.fixture
def draw(demo, tmp_path):
    """A function that draws as a worker does, and gives back the result and the pictures' bytes."""

    def send_and_read(request, **kwargs):
        demo.check(request)
        result = demo.read(request, demo.send(request, tmp_path / "a.answer", **kwargs), tmp_path)
        return result, [image.path.read_bytes() for image in result.images]

    return send_and_read


@pytest.mark.parametrize("size", [None, "1024x1024", "1024x1536", "1536x1024"])
def test_picture_has_the_asked_size_and_costs_nothing(draw, size):
    result, _ = draw(replace(REQUEST, size=size))
    with Image.open(result.images[0].path) as picture:
        assert (picture.format, picture.size) == ("PNG", tuple(map(int, (size or "1024x1024").split("x"))))
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal(0), "reported")
    assert (result.model, result.images[0].seed) == ("demo-painter", 7)


def test_same_seed_draws_the_same_picture_and_another_does_not(draw):
    first, again, other = (draw(replace(REQUEST, seed=seed))[1] for seed in (7, 7, 8))
    assert first == again != other


def test_without_a_seed_every_picture_is_new(draw):
    request = replace(REQUEST, seed=None)
    assert draw(request)[1] != draw(request)[1]


def test_several_pictures_are_several_calls(demo):
    assert [part.n for part in demo.split(replace(REQUEST, n=3))] == [1, 1, 1]
    assert demo.estimate(replace(REQUEST, n=3)).usd == 0


def test_pictures_of_one_prompt_differ_at_a_glance():
    faces = [painting.paint("Mirel", seed, 320, 480).resize((8, 8)) for seed in range(7)]
    pairs = [(one, other) for i, one in enumerate(faces) for other in faces[:i]]
    apart = [sum(ImageStat.Stat(ImageChops.difference(*pair)).mean) / 3 for pair in pairs]
    assert min(apart) > 10  # of 255


def test_a_picture_is_drawn_in_no_time():
    begun = time.process_time()
    painting.paint("A lighthouse", 3, 1536, 1024)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("prompt", ["fox", "Mirel on a lighthouse, storm coming in " * 9, "x" * 900])
def test_the_signature_stands_out_on_a_thumbnail(prompt):
    picture = painting.paint(prompt, 3, 1024, 1536)
    picture.thumbnail((320, 320))
    foot = picture.convert("L").crop((8, 304, 40, 316))  # where "demo" stands
    dark, bright = foot.getextrema()
    assert bright - dark > 110


def test_every_scene_and_palette_can_be_drawn():
    pictures = {painting.paint(f"prompt {i}", i, 96, 128).tobytes() for i in range(24)}
    assert len(pictures) == 24


def test_stopping_it_while_it_waits_draws_nothing(tmp_path):
    demo = registry.connect("demo", Connection(options={"delay": 30}))
    until = time.monotonic() + 0.3
    with pytest.raises(errors.Cancelled):
        demo.send(REQUEST, tmp_path / "a.answer", cancelled=lambda: time.monotonic() > until)
    assert list(tmp_path.glob("a*")) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"negative_prompt": "rain"}, "negative_prompt"), ({"size": "64x64"}, "size"), ({"n": 9}, "n")],
)
def test_what_it_does_not_take_is_refused(demo, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        demo.check(replace(REQUEST, **change))
    assert caught.value.field == field


def test_it_needs_no_key(demo):
    assert demo.test().ok
    assert [model.id for model in demo.live_models()] == ["demo-painter"]


def test_a_chat_keeps_what_was_said_before_in_the_picture(draw):
    turn = Turn(prompt="A red panda", pictures=())
    assert draw(replace(REQUEST, turns=(turn,)))[1] != draw(REQUEST)[1]
