import pytest

from gallery import tagging
from gallery.models import Tag
from gallery.screens import faces
from gallery.templatetags.ui import face
from tests.gallery.tagging.test_tagging import make_image


@pytest.mark.parametrize(
    ("crop", "picture", "shape", "expected"),
    [
        ([200, 100, 500], (1000, 1500), faces.SQUARE, (200, 100, 500, 500)),
        ([200, 300, 600], (1000, 1500), faces.PORTRAIT, (200, 200, 600, 800)),  # as wide, and higher
        ([0, 0, 600], (1000, 1500), faces.PORTRAIT, (0, 0, 600, 800)),  # stays in the picture at the top
        ([400, 900, 600], (1000, 1500), faces.PORTRAIT, (400, 700, 600, 800)),  # and at the bottom
        ([0, 0, 1000], (1000, 1000), faces.PORTRAIT, (125, 0, 750, 1000)),  # no higher than the picture
    ],
)
def test_window_keeps_the_shape_and_stays_in_the_picture(crop, picture, shape, expected):
    assert faces.window(crop, picture, shape) == expected


def test_a_face_is_the_whole_picture_or_the_part_that_was_cropped(owner):
    tag = Tag.objects.create(owner=owner, kind="character", name="Mira")
    assert faces.of(tag) is None
    image = make_image(owner, 1)  # 64 by 96 pixels

    tagging.set_avatar(tag, image)
    assert f"{image.public_id.hex}-320.webp" in face(faces.of(tag), "ava", alt="Mira")
    tagging.set_avatar(tag, image, (250, 100, 400))
    drawn = face(faces.of(tag), "ava", alt="<Mira>")

    assert 'viewBox="250 100 400 400"' in drawn
    assert f"{image.public_id.hex}-1280.webp" in drawn  # a small part of the small rendition would be blurred
    assert 'width="1000" height="1500"' in drawn
    assert 'aria-label="&lt;Mira&gt;"' in drawn
