"""Masks: where they come from, and what is made of them before they go to a vendor."""

import base64
import io

import pytest
from PIL import Image as PillowImage

from gallery import ingest
from gallery.generations import masks
from gallery.models import Image
from providers.errors import InvalidRequest
from tests.conftest import picture_bytes


@pytest.fixture
def image(owner):
    return ingest.store(owner, picture_bytes("#304050", (200, 300)), source=Image.Source.UPLOAD).image


def data_url(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def sentence(act, *words):
    with pytest.raises(InvalidRequest) as caught:
        act()
    assert caught.value.field == "mask"
    return caught.value.message


def test_a_data_url_is_unpacked():
    assert masks.bytes_of(data_url(b"abc")) == b"abc"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Send the mask as"),
        ("data:text/html;base64,AAAA", "Send the mask as"),
        ("data:image/svg+xml;base64,AAAA", "Send the mask as"),
        ("data:image/png;base64,####", "cut off or damaged"),
        ("data:image/png;base64,AAA", "cut off or damaged"),
    ],
)
def test_what_is_no_data_url_of_a_picture_is_explained(text, said):
    assert said in sentence(lambda: masks.bytes_of(text))


def test_a_data_url_has_a_limit(monkeypatch):
    monkeypatch.setattr(masks, "LONGEST_DATA_URL", 30)
    assert "too large" in sentence(lambda: masks.bytes_of(data_url(b"a" * 100)))


def test_a_mask_becomes_a_clean_grey_png(image):
    mask = PillowImage.open(io.BytesIO(masks.clean(picture_bytes("white", (400, 600)), image)))
    assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (400, 600))
    assert mask.getextrema() == (255, 255)


def test_a_mask_of_another_shape_is_refused(image):
    message = sentence(lambda: masks.clean(picture_bytes("white", (300, 300)), image))
    assert message == "The mask is 300 × 300 and the picture 200 × 300. Both must have the same shape."


@pytest.mark.parametrize("data", [b"", b"nothing", picture_bytes()[:50]])
def test_what_is_no_picture_is_no_mask(image, data):
    assert sentence(lambda: masks.clean(data, image)).startswith("The mask cannot be used. ")


def test_a_picture_of_the_gallery_can_be_a_mask(image, settings):
    assert masks.stored_bytes_of(image) == picture_bytes("#304050", (200, 300))
    (settings.MEDIA_ROOT / image.storage_key).unlink()
    assert "missing from storage" in sentence(lambda: masks.stored_bytes_of(image))


def test_holes_of_a_mask_are_what_is_painted_anew(image):
    holed = PillowImage.new("RGBA", (200, 300), "white")
    holed.paste((255, 255, 255, 0), (0, 0, 100, 300))
    file = io.BytesIO()
    holed.save(file, "PNG")
    made = PillowImage.open(io.BytesIO(masks.clean(file.getvalue(), image))).convert("L")
    assert (made.getpixel((20, 150)), made.getpixel((180, 150))) == (255, 0)
