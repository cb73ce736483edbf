import json

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery import bulk, tagging
from gallery.bulk import jobs
from gallery.forms import bulk as forms
from gallery.models import BulkAction, Image, ImageTag
from tests.gallery.tagging.test_tagging import make_image

HTMX = {"HX-Request": "true"}


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(4)]


def ids(*images):
    return [str(image.public_id) for image in images]


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def triggered(response):
    return json.loads(response["HX-Trigger"])


def queries(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def on_all(owner, name, images):
    (tag,) = tagging.resolve(owner, [name])
    tagging.add(images, [tag])
    return tag


# --- Without script -------------------------------------------------------------------------------


def test_a_button_of_the_bar_acts_and_leads_back_to_the_page(owner_client, images):
    form = {"ids": ids(*images[:2]), "action": "favorite", "next": "/?q=is%3Auntagged"}
    response = owner_client.post("/bulk/", form)

    assert (response.status_code, response["Location"]) == (302, "/?q=is%3Auntagged")
    assert said(response) == ["Made 2 images favourites."]
    assert Image.objects.filter(favorite=True).count() == 2


def test_the_way_back_never_leads_to_another_site(owner_client, images):
    form = {"ids": ids(images[0]), "action": "favorite", "next": "https://evil.example/"}
    assert owner_client.post("/bulk/", form)["Location"] == "/"


def test_nothing_selected_is_a_sentence(owner_client, images):
    response = owner_client.post("/bulk/", {"action": "trash"})
    assert said(response) == ["Select some images first."]


def test_a_button_that_is_none_is_a_sentence(owner_client, images):
    response = owner_client.post("/bulk/", {"ids": ids(images[0]), "action": "explode"})
    assert (response.status_code, len(said(response))) == (302, 1)


def test_all_of_the_search_is_taken_although_few_boxes_are_ticked(owner, owner_client, images):
    on_all(owner, "forest", images[:3])
    form = {"ids": ids(images[0]), "scope": "query", "q": "tag:forest", "action": "rate-4"}
    owner_client.post("/bulk/", form)

    assert list(Image.objects.order_by("pk").values_list("rating", flat=True)) == [4, 4, 4, 0]
    assert BulkAction.objects.get().query == "tag:forest"


def test_a_search_that_is_not_understood_changes_nothing(owner_client, images):
    response = owner_client.post("/bulk/", {"scope": "query", "q": "tag:nobody", "action": "trash"})

    assert "Nothing was changed" in said(response)[0]
    assert not Image.objects.trashed().exists()


def test_many_go_to_the_trash_only_when_that_is_confirmed(owner_client, images, monkeypatch):
    monkeypatch.setattr(forms, "ASKED_ABOVE", 3)
    form = {"ids": ids(*images), "action": "trash"}
    asked = owner_client.post("/bulk/", form)
    assert "Move 4 images to the trash?" in asked.content.decode()
    assert not Image.objects.trashed().exists()

    owner_client.post("/bulk/", form | {"confirmed": "1"})
    assert Image.objects.trashed().count() == 4


def test_the_trash_restores_what_is_selected_there(owner_client, images):
    tagging.trash(images)
    owner_client.post("/bulk/", {"scope": "query", "where": "trash", "action": "restore"})
    assert not Image.objects.trashed().exists()


def test_a_download_leads_to_its_archive(owner_client, images):
    response = owner_client.post("/bulk/", {"ids": ids(*images), "action": "download"})
    assert response["Location"].startswith("/downloads/")


def test_ids_come_repeated_or_between_commas(owner_client, images):
    owner_client.post("/bulk/", {"ids": [",".join(ids(*images[:2])), *ids(images[2])], "action": "favorite"})
    assert Image.objects.filter(favorite=True).count() == 3


# --- Tags of the selection ------------------------------------------------------------------------


def test_the_list_of_tags_says_how_many_carry_each(owner, owner_client, images):
    on_all(owner, "character:Mirel", images[:1])
    on_all(owner, "portrait", images)

    page = owner_client.post("/bulk/tags/", {"ids": ids(*images[:3])}).content.decode()

    assert "Tag 3 images" in page
    assert page.index("1 of 3") < page.index("3 of 3")
    assert page.count("Add portrait to all") == page.count("Remove portrait from all") == 1


def test_the_list_of_tags_costs_the_same_for_more_images(owner, owner_client):
    images = [make_image(owner, number) for number in range(20)]
    for number in range(5):
        on_all(owner, f"tag {number}", images)

    def look(some):
        return queries(lambda: owner_client.post("/bulk/tags/", {"ids": ids(*some)}, headers=HTMX))

    assert look(images[:10]) == look(images)


def test_plus_and_times_go_to_all_and_answer_with_the_list_anew(owner, owner_client, images):
    tag = on_all(owner, "forest", images[:1])
    form = {"ids": ids(*images[:3]), "tag": str(tag.public_id)}

    added = owner_client.post("/bulk/", form | {"action": "tag"}, headers=HTMX)
    assert "3 of 3" in added.content.decode()
    assert "Added “forest” to 2 images. 1 had it already." in added.content.decode()
    removed = owner_client.post("/bulk/", form | {"action": "untag"}, headers=HTMX)
    assert "None of them has a tag yet." in removed.content.decode()


def test_typed_tags_take_the_kind_of_the_list_unless_they_name_one(owner, owner_client, images):
    form = {"ids": ids(images[0]), "action": "tag", "kind": "character", "tags": "Mirel, tag:forest"}
    owner_client.post("/bulk/", form)

    kinds = ImageTag.objects.values_list("tag__kind", "tag__name")
    assert set(kinds) == {("character", "Mirel"), ("tag", "forest")}


def test_a_tag_that_cannot_be_made_is_a_sentence(owner_client, images):
    form = {"ids": ids(images[0]), "action": "tag", "tags": "x" * 101}
    response = owner_client.post("/bulk/", form, headers=HTMX)
    assert response.status_code == 422
    assert "is too long for a tag" in response.content.decode()


def test_tags_of_others_cannot_be_given(owner_client, other, images):
    (theirs,) = tagging.resolve(other, ["theirs"])
    owner_client.post("/bulk/", {"ids": ids(images[0]), "action": "tag", "tag": str(theirs.public_id)})
    assert not ImageTag.objects.exists()


# --- With script ----------------------------------------------------------------------------------


def test_htmx_gets_the_message_with_undo_and_word_of_what_happened(owner_client, images):
    response = owner_client.post("/bulk/", {"ids": ids(*images[:2]), "action": "trash"}, headers=HTMX)
    action = BulkAction.objects.get()

    assert f"/history/{action.public_id}/undo/" in response.content.decode()
    assert triggered(response)["bulk:done"]["action"] == "trash"

    undone = owner_client.post(f"/history/{action.public_id}/undo/", headers=HTMX)
    assert triggered(undone)["bulk:undone"]["id"] == str(action.public_id)
    assert "Undone: moved 2 images to the trash." in undone.content.decode()
    assert not Image.objects.trashed().exists()


def test_htmx_is_sent_to_the_archive(owner_client, images):
    form = {"ids": ids(*images), "action": "download"}
    assert owner_client.post("/bulk/", form, headers=HTMX)["HX-Redirect"].startswith("/downloads/")


def test_a_long_action_is_followed_in_its_message(owner_client, images, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    begun = owner_client.post("/bulk/", {"ids": ids(*images), "action": "favorite"}, headers=HTMX)
    action = BulkAction.objects.get()
    address = f"/history/{action.public_id}/"
    assert "Making 4 images favourites." in begun.content.decode()
    assert f'hx-get="{address}"' in begun.content.decode()

    assert "0 of 4" in owner_client.get(address, headers=HTMX).content.decode()
    bulk.run(action.pk)
    over = owner_client.get(address, headers=HTMX)
    assert "Made 4 images favourites." in over.content.decode()
    assert triggered(over)["bulk:done"]["later"] is True


# --- The history ----------------------------------------------------------------------------------


def test_the_history_tells_what_was_done_and_undoes_it(owner_client, images):
    owner_client.post("/bulk/", {"ids": ids(*images), "action": "sensitive"})
    action = BulkAction.objects.get()
    assert "Marked 4 images as sensitive." in owner_client.get("/history/").content.decode()

    response = owner_client.post(f"/history/{action.public_id}/undo/")

    assert response["Location"] == "/history/"
    assert not Image.objects.filter(sensitive=True).exists()
    assert "Undone: marked 4 images as sensitive." in owner_client.get("/history/").content.decode()


def test_a_running_action_can_be_stopped(owner_client, images, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    owner_client.post("/bulk/", {"ids": ids(*images), "action": "favorite"})
    action = BulkAction.objects.get()

    owner_client.post(f"/history/{action.public_id}/stop/")
    bulk.run(action.pk)

    action.refresh_from_db()
    assert (action.status, action.changed) == ("stopped", 0)


def test_others_and_strangers_find_nothing(owner_client, other_client, images):
    owner_client.post("/bulk/", {"ids": ids(*images), "action": "favorite"})
    address = f"/history/{BulkAction.objects.get().public_id}/"

    assert other_client.get(address).status_code == 404
    assert [other_client.post(f"{address}{verb}/").status_code for verb in ("undo", "stop")] == [404, 404]
    assert Client().get(address).status_code == Client().post("/bulk/").status_code == 302
    other_client.post("/bulk/", {"ids": ids(*images), "action": "trash"})
    assert Image.objects.live().filter(favorite=True).count() == 4


def test_the_history_costs_the_same_for_more_entries(owner, owner_client):
    def look(n):
        BulkAction.objects.bulk_create(BulkAction(owner=owner, action="trash") for _ in range(n))
        return queries(lambda: owner_client.get("/history/"))

    assert look(10) == look(10)


def test_the_queue_shows_a_long_action_while_it_runs(owner_client, images, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    owner_client.post("/bulk/", {"ids": ids(*images), "action": "favorite"})
    assert "Making 4 images favourites." in owner_client.get("/queue/").content.decode()

    bulk.run(BulkAction.objects.get().pk)
    assert "4 images favourites" not in owner_client.get("/queue/").content.decode()


# --- One picture ----------------------------------------------------------------------------------


def test_a_tag_taken_off_one_picture_can_be_put_back(owner, owner_client, images):
    tag = on_all(owner, "forest", images[:1])
    address = f"/images/{images[0].public_id}/tags/"

    answer = owner_client.post(address, {"remove": str(tag.public_id)}, headers=HTMX).content.decode()
    undo = f"/history/{BulkAction.objects.get().public_id}/undo/"
    assert "Removed “forest” from 1 image." in answer
    assert undo in answer

    owner_client.post(undo)
    assert ImageTag.objects.filter(image=images[0], tag=tag).exists()
