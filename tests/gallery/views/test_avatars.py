import pytest

from gallery import tagging
from gallery.forms.tags import CropForm
from tests.gallery.tagging.test_tagging import make_image
from tests.gallery.views.test_images import HTMX, add_image
from tests.gallery.views.test_tags import make_tag, url


@pytest.fixture
def tag(owner):
    return make_tag(owner, "character:Mira")


def avatar(tag):
    tag.refresh_from_db()
    return tag.avatar, tag.avatar_crop


def test_pictures_of_the_tag_are_offered_first_then_all(owner_client, owner, other, tag):
    own, free = add_image(owner, 1, "character:Mira"), add_image(owner, 2)
    add_image(other, 3)

    offered = [row.image for row in owner_client.get(url("tag-avatar", tag)).context["rows"]]
    everything = [row.image for row in owner_client.get(url("tag-avatar", tag), {"all": ""}).context["rows"]]

    assert offered == [own]
    assert everything == [free, own]
    assert owner_client.get(url("tag-avatar", tag), {"after": "spoilt"}).status_code == 400


def test_a_square_is_chosen_with_three_sliders_and_shown_before_it_is_kept(owner_client, owner, tag):
    image = make_image(owner, 1)  # 64 by 96 pixels: 1000 by 1500 thousandths
    sliders = {"image": image.public_id, "zoom": 200, "across": 5000, "down": 0}

    shown = owner_client.get(url("tag-avatar", tag), sliders).content.decode()
    owner_client.post(url("tag-avatar", tag), sliders)

    assert 'viewBox="250 0 500 500"' in shown
    assert avatar(tag) == (image, [250, 0, 500])
    again = owner_client.get(url("tag-avatar", tag), {"image": image.public_id}).context["form"]
    assert (again["zoom"].value(), again["across"].value(), again["down"].value()) == (200, 5000, 0)


@pytest.mark.parametrize("zoom", ["", "0", "1e9", "-5", "many"])
def test_sliders_out_of_their_range_begin_anew(owner_client, owner, tag, zoom):
    sliders = {"image": make_image(owner, 1).public_id, "zoom": zoom, "across": 99_999, "down": "x"}
    page = owner_client.get(url("tag-avatar", tag), sliders)
    assert page.context["crop"] == (0, 100, 1000)
    owner_client.post(url("tag-avatar", tag), sliders)
    assert avatar(tag)[1] is None


@pytest.mark.parametrize("size", [(64, 96), (1000, 100), (7, 1999)])
@pytest.mark.parametrize("sliders", [(100, 10_000, 10_000), (1000, 3333, 7777), (335, 0, 10_000)])
def test_every_place_of_the_sliders_is_inside_the_picture(owner, tag, size, sliders):
    image = make_image(owner, 1)
    image.width, image.height = size
    form = CropForm(dict(zip(("zoom", "across", "down"), sliders, strict=True)), image=image)
    assert form.is_valid()
    tagging.set_avatar(tag, image, form.crop)


def test_a_new_avatar_can_be_taken_back(owner_client, owner, tag):
    first, second = make_image(owner, 1), make_image(owner, 2)
    tagging.set_avatar(tag, first, (100, 200, 300))

    answer = owner_client.post(url("tag-avatar", tag), {"image": second.public_id}, headers=HTMX)
    undo = f"{url('tag-avatar', tag)}?image={first.public_id}&amp;crop=100%2C200%2C300"
    assert undo in answer.content.decode()
    owner_client.post(undo.replace("&amp;", "&"), {"undo": "1"})
    assert avatar(tag) == (first, [100, 200, 300])

    owner_client.post(url("tag-avatar", tag), {"image": ""})
    assert avatar(tag) == (None, None)


@pytest.mark.parametrize("crop", ["900,0,500", "0,0,1", "0,0", "a,b,c", "9999999999,0,100"])
def test_a_square_outside_the_picture_is_never_kept(owner_client, owner, tag, crop):
    data = {"image": make_image(owner, 1).public_id, "crop": crop}
    owner_client.post(url("tag-avatar", tag), data)
    assert avatar(tag)[1] is None


def test_a_picture_of_somebody_else_cannot_be_cropped(owner_client, other, tag):
    foreign = make_image(other, 1)
    for ask in (owner_client.get, owner_client.post):
        assert ask(url("tag-avatar", tag), {"image": foreign.public_id}).status_code == 404
