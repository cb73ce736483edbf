import re

import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery import tagging
from gallery.models import (
    ApiToken,
    Assist,
    ConnectionProfile,
    Download,
    Generation,
    GenerationCall,
    Image,
    Import,
    ImportEntry,
    QueuedTask,
    Tag,
    User,
    Worker,
)
from tests.gallery.admin.pages import KEY, OURS, SECRET, act, page

names = pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)


@names
@pytest.mark.thorough
def test_every_page_opens_for_a_superuser(boss, rows, model):
    pages = [
        page(model, "changelist"),
        page(model, "changelist") + "?q=a",
        page(model, "change", rows[model].pk),
    ]
    pages.append(page(model, "history", rows[model].pk))
    for address in pages:
        response = boss.get(address)
        assert response.status_code == 200, address
        assert KEY not in response.content.decode()
    added = boss.get(page(model, "add"))
    assert added.status_code == (200 if model in {User, ApiToken, ConnectionProfile, Tag} else 403)


@names
@pytest.mark.thorough
def test_staff_without_superuser_rights_learn_nothing_private(clerk, rows, model):
    seen = ""
    for address in (
        page(model, "changelist"),
        page(model, "change", rows[model].pk),
        page(model, "history", rows[model].pk),
    ):
        response = clerk.get(address, follow=True)
        assert response.status_code in {200, 403}
        seen += response.content.decode()
    for private in (SECRET, KEY, "cdef", "private.example", "/media/t/"):
        assert private not in seen


@pytest.mark.parametrize("model", [Image, Tag, ApiToken, ImportEntry])
def test_staff_have_their_own_content_only(clerk, rows, model):
    assert clerk.get(page(model, "changelist")).context["cl"].result_count == 0
    response = clerk.get(page(model, "change", rows[model].pk))
    assert response.headers["Location"] == reverse("admin:index")


@pytest.mark.parametrize("model", [Assist, Generation, GenerationCall, Import, QueuedTask, Worker])
def test_staff_see_the_state_of_all_work(clerk, rows, model):
    assert clerk.get(page(model, "changelist")).context["cl"].result_count >= 1
    assert clerk.get(page(model, "change", rows[model].pk)).status_code == 200


def test_staff_cannot_search_or_filter_by_what_is_private(clerk, boss, rows):
    address = page(Generation, "changelist")
    assert clerk.get(address, {"q": "secret"}).context["cl"].result_count == 0
    assert boss.get(address, {"q": "secret"}).context["cl"].result_count == 2
    assert clerk.get(address, {"prompt__startswith": "the"}).status_code == 400
    assert clerk.get(page(ConnectionProfile, "changelist"), {"base_url__startswith": "h"}).status_code == 400
    assert (
        clerk.get(page(GenerationCall, "changelist"), {"generation__prompt__startswith": "the"}).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Assist, "asked__text__startswith"),
        (Generation, "receipt__0__icontains"),
        (Download, "entries__contains"),
    ],
)
def test_staff_cannot_guess_at_texts_that_no_page_shows_them(clerk, boss, rows, model, lookup):
    assert clerk.get(page(model, "changelist"), {lookup: "a"}).status_code == 400
    assert boss.get(page(model, "changelist"), {lookup: "a"}).status_code == 200


def test_staff_see_a_foreign_connection_and_cannot_change_it(clerk, rows):
    profile = rows[ConnectionProfile]
    address = page(ConnectionProfile, "change", profile.pk)
    assert clerk.get(address).status_code == 200
    assert clerk.post(address, {"name": "Mine", "provider": "demo"}).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [profile.pk], "post": "yes"}
    clerk.post(page(ConnectionProfile, "changelist"), delete)
    profile.refresh_from_db()
    assert (profile.name, profile.api_key) == ("OpenAI", KEY)


def test_staff_cannot_touch_accounts_and_rights_whatever_they_were_given(clerk):
    assert clerk.get(page(User, "changelist")).status_code == 403
    assert clerk.post(page(User, "change", clerk.user.pk), {"is_superuser": "on"}).status_code == 403
    assert clerk.get(reverse("admin:auth_group_changelist")).status_code == 403


def test_staff_without_permissions_get_in_and_see_nothing(staff, rows):
    client = Client()
    client.force_login(staff)
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(page(Image, "changelist")).status_code == 403


def test_others_are_sent_to_the_products_own_log_in(client, owner, rows):
    response = client.get(reverse("admin:login"))
    assert response.headers["Location"].startswith(reverse("account_login"))
    assert client.get(page(Image, "change", rows[Image].pk)).status_code == 302
    client.force_login(owner)
    assert client.get(reverse("admin:index")).status_code == 302


# What can be done


def test_pictures_go_to_the_trash_and_come_back_with_their_counts(boss, rows):
    image, tag = rows[Image], Tag.objects.with_counts()
    act(boss, Image, "trash", image)
    image.refresh_from_db()
    assert image.trashed_at
    assert tag.get().image_count == 0
    assert image not in boss.get(page(Image, "changelist")).context["cl"].result_list
    data = {"action": "restore", "_selected_action": [image.pk]}
    boss.post(page(Image, "changelist") + "?place=trash", data)
    image.refresh_from_db()
    assert image.trashed_at is None
    assert tag.get().image_count == 1


@pytest.mark.parametrize("who", ["boss", "clerk"])
def test_tasks_that_were_set_aside_are_found_and_started_again(who, request, rows):
    client, task = request.getfixturevalue(who), rows[QueuedTask]
    QueuedTask.objects.filter(pk=task.pk).update(attempts=3, lease_until=None)
    running = QueuedTask.objects.create(path="gallery.tasks.run_call", args=[2], run_after=timezone.now())
    listed = client.get(page(QueuedTask, "changelist"), {"set_aside": "yes"}).context["cl"]
    assert [row.pk for row in listed.result_list] == [task.pk]
    response = act(client, QueuedTask, "start_again", task, running)
    assert "Started again: 1." in response.content.decode()
    task.refresh_from_db()
    assert task.attempts == 0


def test_pictures_cannot_be_deleted_past_the_trash(boss, rows):
    assert boss.get(page(Image, "delete", rows[Image].pk)).status_code == 403
    act(boss, Image, "delete_selected", rows[Image])
    assert Image.objects.exists()


def test_tags_of_a_picture_are_edited_as_a_list(boss, rows):
    address = page(Image, "change", rows[Image].pk)
    assert "character:Mirel" in boss.get(address).content.decode()
    form = {"title": "Vixen", "notes": "", "rating": 3, "tag_list": 'persona:"The Stranger", fox'}
    assert boss.post(address, form).status_code == 302
    image = Image.objects.get(pk=rows[Image].pk)
    assert (image.title, image.rating) == ("Vixen", 3)
    assert {tag.spec for tag in image.tags.all()} == {'persona:"The Stranger"', "tag:fox"}
    assert image.text.words.startswith("vixen")
    assert Tag.objects.with_counts().get(name="Mirel").image_count == 0


def test_a_tag_that_cannot_be_is_said_beside_the_list(boss, rows):
    form = {"title": "", "notes": "", "rating": 0, "tag_list": "x" * 150}
    response = boss.post(page(Image, "change", rows[Image].pk), form)
    assert response.status_code == 200
    assert "too long for a tag" in response.content.decode()


def test_a_tag_is_added_renamed_and_deleted(boss, owner):
    form = {"owner": owner.pk, "kind": "character", "name": "Mirel", "description": "Tall", "color": ""}
    assert boss.post(page(Tag, "add"), form).status_code == 302
    tag = Tag.objects.get()
    assert (tag.owner, tag.description, tag.slug) == (owner, "Tall", "mirel")
    assert boss.post(page(Tag, "add"), form | {"name": "MIREL"}).status_code == 200
    form |= {"name": "Mirel Vane"}
    assert boss.post(page(Tag, "change", tag.pk), form).status_code == 302
    tag.refresh_from_db()
    assert (tag.name, tag.slug, tag.kind) == ("Mirel Vane", "mirel-vane", "character")
    assert boss.post(page(Tag, "delete", tag.pk), {"post": "yes"}).status_code == 302
    assert not Tag.objects.exists()


def test_a_tag_with_pictures_is_deleted_and_the_pictures_stay(boss, rows):
    address = page(Tag, "delete", rows[Tag].pk)
    assert boss.get(address).status_code == 200
    assert boss.post(address, {"post": "yes"}).status_code == 302
    assert rows[Image].tags.count() == 0


def test_a_key_can_be_set_and_taken_away_and_never_read(boss, rows):
    profile = rows[ConnectionProfile]
    address = page(ConnectionProfile, "change", profile.pk)
    form = {"name": "OpenAI", "provider": "openai", "base_url": profile.base_url, "default_model": ""}
    boss.post(address, form)
    profile.refresh_from_db()
    assert profile.api_key == KEY
    response = boss.post(address, form | {"new_key": "sk-new-0123456789", "make_default": "on"}, follow=True)
    assert "sk-new-0123456789" not in response.content.decode()
    profile.refresh_from_db()
    assert (profile.api_key, profile.is_default) == ("sk-new-0123456789", True)
    boss.post(address, form | {"remove_key": "on"})
    profile.refresh_from_db()
    assert not profile.has_api_key


def test_another_address_clears_the_key(boss, rows):
    form = {"name": "OpenAI", "provider": "openai", "base_url": "https://elsewhere.example/v1"}
    boss.post(page(ConnectionProfile, "change", rows[ConnectionProfile].pk), form)
    assert not ConnectionProfile.objects.get().has_api_key


def test_a_rejected_form_does_not_show_the_key_again(boss, rows):
    form = {"name": "", "provider": "openai", "base_url": "nonsense", "new_key": "sk-typed-0123456789"}
    response = boss.post(page(ConnectionProfile, "change", rows[ConnectionProfile].pk), form)
    assert response.status_code == 200
    assert "sk-typed-0123456789" not in response.content.decode()


def test_a_connection_is_added_and_deleted(boss, owner):
    form = {"owner": owner.pk, "name": "Demo", "provider": "demo", "base_url": "", "make_default": "on"}
    assert boss.post(page(ConnectionProfile, "add"), form).status_code == 302
    profile = ConnectionProfile.objects.get()
    assert (profile.owner, profile.is_default) == (owner, True)
    assert (
        "accepted" in act(boss, ConnectionProfile, "test", profile).content.decode()
        or profile.checked_at is None
    )
    profile.refresh_from_db()
    assert profile.check_code == "ok"
    assert boss.post(page(ConnectionProfile, "delete", profile.pk), {"post": "yes"}).status_code == 302
    assert not ConnectionProfile.objects.exists()


def test_what_staff_add_is_their_own(clerk, owner):
    clerk.post(
        page(Tag, "add"), {"owner": owner.pk, "kind": "tag", "name": "fox", "description": "", "color": ""}
    )
    assert Tag.objects.get().owner == clerk.user
    clerk.post(page(ConnectionProfile, "add"), {"owner": owner.pk, "name": "Demo", "provider": "demo"})
    assert ConnectionProfile.objects.get().owner == clerk.user
    clerk.post(page(ApiToken, "add"), {"owner": owner.pk, "name": "x", "scope": "write"})
    assert ApiToken.objects.get().owner == clerk.user


def test_a_token_is_shown_once_and_can_be_revoked(boss, owner):
    response = boss.post(
        page(ApiToken, "add"), {"owner": owner.pk, "name": "laptop", "scope": "read"}, follow=True
    )
    token = re.search(r"vig_[\w-]+", response.content.decode())[0]
    row = ApiToken.objects.usable().get(digest=ApiToken.digest_of(token))
    assert (row.owner, row.scope) == (owner, "read")
    assert token not in boss.get(page(ApiToken, "change", row.pk)).content.decode()
    act(boss, ApiToken, "revoke", row)
    assert not ApiToken.objects.usable().exists()


def test_a_waiting_generation_is_stopped(clerk, rows):
    act(clerk, Generation, "cancel", rows[Generation])
    rows[Generation].refresh_from_db()
    assert rows[Generation].status == "cancelled"


def test_nobody_spends_the_money_of_others(boss, rows):
    failed = Generation.objects.get(status="failed")
    response = act(boss, Generation, "retry", failed)
    assert "not yours: 1" in [str(message) for message in get_messages(response.wsgi_request)] or (
        "not yours: 1" in response.content.decode()
    )
    assert Generation.objects.count() == 2


def test_an_import_is_stopped(clerk, rows):
    act(clerk, Import, "cancel", rows[Import])
    rows[Import].refresh_from_db()
    assert rows[Import].status == "cancelled"


def test_accounts_are_disabled_but_never_ones_own(boss, owner):
    act(boss, User, "disable", owner, boss.user)
    owner.refresh_from_db()
    boss.user.refresh_from_db()
    assert (owner.is_active, boss.user.is_active) == (False, True)
    act(boss, User, "enable", owner)
    owner.refresh_from_db()
    assert owner.is_active


def test_a_connection_whose_address_was_closed_since_can_still_be_renamed(boss, rows):
    profile = rows[ConnectionProfile]
    ConnectionProfile.objects.filter(pk=profile.pk).update(base_url="http://10.0.0.7/v1")
    form = {"name": "Renamed", "provider": "openai", "base_url": "http://10.0.0.7/v1", "default_model": ""}
    boss.post(page(ConnectionProfile, "change", profile.pk), form)
    profile.refresh_from_db()
    assert profile.name == "Renamed"
    answer = boss.post(
        page(ConnectionProfile, "change", profile.pk), form | {"base_url": "http://10.0.0.8/v1"}
    )
    assert "ALLOWED_PRIVATE_HOSTS=10.0.0.8:80" in answer.content.decode()


def test_looks_and_other_spellings_are_shown_with_what_they_belong_to(boss, owner):
    cloak, miri, mirel = tagging.resolve(
        owner, ["look:Mirel:winter cloak", "character:Miri", "character:Mirel"]
    )
    tagging.merge(miri, mirel)
    assert "character:Mirel" in boss.get(page(Tag, "change", cloak.pk)).content.decode()
    data = {"name": "Mira", "description": "Short for Mirel."}
    assert boss.post(page(Tag, "change", miri.pk), data).status_code == 302
    miri.refresh_from_db()
    assert (miri.name, miri.description) == ("Miri", "Short for Mirel.")
    data = {"owner": boss.user.pk, "kind": "look", "name": "gown"}
    assert boss.post(page(Tag, "add"), data).status_code == 200
    assert not Tag.objects.filter(name="gown").exists()


LEFT_OUT = {
    "BulkChunk": "keys of pictures, which undo needs",
    "CacheEntry": "written and forgotten by the cache",
    "CallPreview": "unfinished pictures of a call that runs, gone when it ends",
    "ComparisonColumn": "on the page of its comparison",
    "Fragment": "on the page of its tag",
    "GenerationImage": "on the page of its generation",
    "GenerationReference": "on the page of its generation",
    "ImageTag": "a list on the page of its picture",
    "ImageText": "words for the full-text index",
    "Implication": "on the page of its tag",
    "LibraryCount": "a count that is kept by itself",
    "ModelList": "what a vendor said, read anew with its connection",
    "PromptText": "words for the full-text index",
    "RecentSearch": "the last few searches, forgotten by themselves, and nobody else's business",
    "ReferencePicture": "on the page of its tag",
    "Tally": "numbers for metrics",
    "TagBitmap": "sets of keys that searching needs",
    "TagCount": "a column in the list of tags",
    "TagWord": "words for the completion of names",
}


def test_every_model_is_in_the_admin_or_left_out_for_a_reason():
    known = {model.__name__ for model in apps.get_app_config("gallery").get_models()}
    assert known - {model.__name__ for model in OURS} == LEFT_OUT.keys()
