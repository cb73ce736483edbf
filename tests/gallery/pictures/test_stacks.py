"""What lies on a stack, and how pictures get there and away."""

import pytest

from gallery import tagging
from gallery.models import Generation, GenerationImage, Image
from gallery.pictures import stacks
from tests.gallery.generations.test_calls import ask, profile, run  # noqa: F401  a fixture among them
from tests.gallery.tagging.test_tagging import make_image


def reload(*images):
    found = Image.objects.in_bulk([image.pk for image in images])
    return [found[image.pk].stack for image in images]


def test_pictures_of_one_generation_lie_on_the_first(profile):  # noqa: F811
    first, second, third = run(ask(profile, n=3)).images.order_by("pk")
    assert {first.stack, second.stack, third.stack} == {first.pk}


def test_calls_of_one_generation_share_a_stack(profile):  # noqa: F811
    from tests.gallery.scripted import Scripted

    Scripted.n_per_call = 1
    first, second = run(ask(profile, n=2)).images.order_by("pk")
    assert first.stack == second.stack == first.pk


def test_a_single_picture_is_no_stack(profile):  # noqa: F811
    assert run(ask(profile)).images.get().stack is None


def test_a_version_lies_on_its_parent_and_the_next_one_too(owner):
    parent = make_image(owner, 1)
    version = make_image(owner, 2, parent=parent)
    stacks.join(version)
    later = make_image(owner, 3, parent=version)
    stacks.join(later)

    assert reload(parent, version, later) == [parent.pk] * 3


def test_a_picture_that_was_there_already_keeps_its_place(owner):
    generation = Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="x")
    known, new = make_image(owner, 1), make_image(owner, 2, generation=generation)
    for index, image in enumerate((known, new)):
        GenerationImage.objects.create(generation=generation, index=index, image=image)
    Image.objects.filter(pk=known.pk).update(stack=7)
    known.refresh_from_db()

    stacks.join(known)
    stacks.join(new)

    assert reload(known, new) == [7, 7]


def test_stacks_are_put_together_with_all_that_lies_on_them(owner, other):
    a, b, c, d = (make_image(owner, n) for n in range(4))
    stranger = make_image(other, 9)
    stacks.put_together([a, b])
    stacks.put_together([c, d])

    assert stacks.put_together([b, d]) == 4
    assert reload(a, b, c, d, stranger) == [a.pk] * 4 + [None]


def test_one_picture_cannot_be_a_stack(owner):
    image = make_image(owner, 1)
    with pytest.raises(stacks.StackError, match="at least two"):
        stacks.put_together([image, image])


def test_pictures_leave_a_stack_one_by_one_or_all_at_once(owner):
    images = a, b, c = [make_image(owner, n) for n in range(3)]
    stacks.put_together(images)

    assert stacks.take_out([b]) == 1
    assert list(stacks.members(Image.objects.get(pk=a.pk))) == [a, c]
    assert stacks.take_apart(Image.objects.get(pk=a.pk)) == 2
    assert reload(*images) == [None] * 3


def test_a_first_picture_that_left_begins_another_stack(owner):
    first, second, third, fourth = images = [make_image(owner, n) for n in range(4)]
    stacks.put_together(images[:3])
    stacks.take_out([first])
    stacks.put_together([first, fourth])

    assert reload(*images) == [first.pk, second.pk, second.pk, first.pk]


def test_a_stack_shows_nothing_from_the_trash(owner):
    images = [make_image(owner, n) for n in range(3)]
    stacks.put_together(images)
    tagging.trash(images[:1])

    assert list(stacks.members(Image.objects.get(pk=images[1].pk))) == images[1:]
