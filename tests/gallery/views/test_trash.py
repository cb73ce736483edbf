import io

import pytest
from django.conf import settings
from django.urls import reverse

from gallery import bulk, ingest, tagging
from gallery.bulk import jobs
from gallery.models import BulkAction, Image
from gallery.pictures import trashing
from tests.gallery.views.test_images import add_image, ids, shown


def throw_away(owner, *numbers):
    images = [add_image(owner, number) for number in numbers]
    for image in images:
        tagging.trash([image])
    return images


def test_trash_shows_own_pictures_the_last_thrown_away_first(owner_client, owner, other):
    images = throw_away(owner, 1, 2, 3)
    throw_away(other, 4)
    add_image(owner, 5)

    assert shown(owner_client.get("/trash/")) == ids(reversed(images))


def test_empty_trash_says_so(owner_client):
    assert "Trash is empty" in owner_client.get("/trash/").content.decode()


def test_trash_goes_on_by_pages(owner_client, owner):
    images = throw_away(owner, *range(125))
    first = owner_client.get("/trash/")
    after = first.context["next"]

    assert shown(first) + shown(owner_client.get(f"/trash/?{after}")) == ids(reversed(images))
    assert owner_client.get("/trash/?after=forged").status_code == 400


def test_page_of_a_trashed_picture_offers_to_restore_it(owner_client, owner):
    (image,) = throw_away(owner, 1)
    page = owner_client.get(image.get_absolute_url()).content.decode()

    assert reverse("image-restore", args=[image.public_id]) in page
    assert reverse("image-tags", args=[image.public_id]) not in page


def test_emptying_deletes_ones_own_trash_alone(owner_client, owner, other, picture):
    colors = ("#000000", "#ff0000", "#00ff00")
    owners = (owner, owner, other)
    kept, gone, foreign = (
        ingest.store(who, io.BytesIO(picture(color)), source="upload").image
        for who, color in zip(owners, colors, strict=True)
    )
    tagging.trash([gone])
    tagging.trash([foreign])

    response = owner_client.post("/trash/empty/", follow=True)

    assert "1 image deleted for good" in response.content.decode()
    assert set(Image.objects.all()) == {kept, foreign}


def stored(image):
    keys = (image.storage_key, image.thumbnail_key(320), image.thumbnail_key(1280))
    return [settings.MEDIA_ROOT / key for key in keys]


def test_files_go_once_the_rows_are_gone(owner, picture, django_capture_on_commit_callbacks):
    image = ingest.store(owner, io.BytesIO(picture()), source="upload").image
    tagging.trash([image])
    files = stored(image)

    with django_capture_on_commit_callbacks() as callbacks:
        deleted = trashing.delete_for_good(Image.objects.owned_by(owner))
    assert (deleted.n, deleted.bytes) == (1, image.bytes)
    assert all(path.exists() for path in files)

    for callback in callbacks:
        callback()
    assert not any(path.exists() for path in files)


def test_a_picture_outside_the_trash_cannot_be_deleted_for_good(owner_client, owner):
    image = add_image(owner, 1)

    assert owner_client.post("/trash/empty/", {"image": image.public_id}).status_code == 404
    assert Image.objects.get() == image


def test_one_picture_can_be_deleted_for_good(owner_client, owner):
    first, second = throw_away(owner, 1, 2)
    owner_client.post("/trash/empty/", {"image": first.public_id})

    assert list(Image.objects.all()) == [second]


@pytest.mark.parametrize("address", ["/trash/", "/trash/empty/", "/trash/restore/"])
def test_strangers_are_asked_to_log_in(client, db, address):
    assert client.post(address).url.startswith("/login/")


def test_badges_say_how_long_only_when_the_trash_is_emptied_by_itself(owner_client, owner):
    throw_away(owner, 1)
    assert "Nothing here is deleted by itself" in owner_client.get("/trash/").content.decode()

    owner.trash_days = 9
    owner.save()
    page = owner_client.get("/trash/").content.decode()

    assert "deleted for good after 9 days" in page
    assert '<span class="badge">9 days left</span>' in page


def test_everything_can_be_restored_at_once(owner_client, owner, other):
    images = throw_away(owner, 1, 2)
    (foreign,) = throw_away(other, 3)
    page = owner_client.post("/trash/restore/", follow=True).content.decode()

    assert "Restored 2 images." in page
    assert set(Image.objects.live()) == set(images)
    assert list(Image.objects.trashed()) == [foreign]


def test_restoring_everything_can_be_undone(owner_client, owner):
    throw_away(owner, 1, 2)
    owner_client.post("/trash/restore/")
    owner_client.post(reverse("bulk-undo", args=[BulkAction.objects.get().public_id]))
    assert not Image.objects.live().exists()


def test_a_large_trash_is_restored_by_the_worker(owner_client, owner, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    throw_away(owner, 1, 2)
    answer = owner_client.post("/trash/restore/")

    action = BulkAction.objects.get()
    assert answer.url == action.get_absolute_url()
    assert "Restoring 2 images." in owner_client.get(answer.url).content.decode()
    assert not Image.objects.live().exists()
    bulk.run(action.pk)
    assert Image.objects.live().count() == 2


def test_restoring_an_empty_trash_says_so(owner_client):
    page = owner_client.post("/trash/restore/", follow=True).content.decode()
    assert "None of these images is here any more." in page


def test_restoring_can_be_undone_and_then_the_tile_is_back_in_the_trash(owner_client, owner):
    (image,) = throw_away(owner, 1)
    htmx = {"HX-Request": "true"}
    undo = reverse("image-trash", args=[image.public_id])

    restored = owner_client.post(
        reverse("image-restore", args=[image.public_id]), {"from": "trash"}, headers=htmx
    )
    assert f'action="{undo}"' in restored.content.decode()
    assert "image:gone" in restored["HX-Trigger"]

    undone = owner_client.post(undo, {"undo": "1"}, headers=htmx)
    assert "image:back" in undone["HX-Trigger"]
    assert Image.objects.get().trashed_at
