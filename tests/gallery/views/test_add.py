"""Add images: Upload, Import and Generate."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from gallery.forms.fitting import fit
from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation, Image, Import, ImportEntry, Tag
from gallery.offers import first_choice, offer_groups, pick
from gallery.screens.shapes import shapes_of

HTMX = {"HX-Request": "true"}


def upload(name="a.png", content=b"", kind="image/png"):
    return SimpleUploadedFile(name, content, kind)


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


@pytest.fixture
def openai(owner):
    profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai")
    profile.api_key = "sk-0123456789abcdef"
    profile.save()
    return profile


def wish_form(profile, **fields):
    model = first_choice(offer_groups(profile.owner), profile.pk).value
    return {"model": model, "prompt": "a red panda", "n": "1", "key": "k1"} | fields


# --- Upload ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["add-upload", "add-import", "add-generate", "queue", "connections", "tokens"]
)
def test_a_stranger_is_sent_to_the_login(client, page, db):
    response = client.get(reverse(page))
    assert response.status_code == 302
    assert response.url.startswith("/login/")


def test_upload_files_each_picture_under_the_tags(owner_client, owner, picture):
    files = [upload("a.png", picture("#112233")), upload("b.png", picture("#332211"))]
    response = owner_client.post(reverse("add-upload"), {"file": files, "tags": "character:Mirel, portrait"})
    assert response.status_code == 200
    assert response.content.decode().count('data-state="added"') == 2
    assert Image.objects.owned_by(owner).filter(tags__name="Mirel").filter(tags__name="portrait").count() == 2


def test_a_bad_file_stops_no_other(owner_client, owner, picture):
    files = [upload("bad.png", b"not a picture"), upload("good.png", picture())]
    page = owner_client.post(reverse("add-upload"), {"file": files}, headers=HTMX).content.decode()
    assert page.count('data-state="refused"') == 1
    assert page.count('data-state="added"') == 1
    assert Image.objects.owned_by(owner).count() == 1


def test_upload_answers_htmx_with_rows_alone(owner_client, picture):
    page = owner_client.post(reverse("add-upload"), {"file": upload(content=picture())}, headers=HTMX)
    assert "<html" not in page.content.decode()


def test_a_duplicate_gets_the_tags_and_says_so(owner_client, owner, picture):
    owner_client.post(reverse("add-upload"), {"file": upload(content=picture())})
    again = {"file": upload(content=picture()), "tags": "night"}
    page = owner_client.post(reverse("add-upload"), again).content.decode()
    assert "Already in your gallery. Tags will be added to the copy you have." in page
    assert Image.objects.owned_by(owner).get().tags.get().name == "night"


def test_limits_are_told_before_anything_is_chosen(owner_client, settings):
    settings.MAX_IMAGE_PIXELS = 12_500_000
    settings.MAX_UPLOAD_BYTES = 20 << 20
    page = owner_client.get(reverse("add-upload")).content.decode()
    assert "up to 20 MB and 12.5 megapixels each" in page


def test_an_upload_without_files_says_what_happened(owner_client):
    response = owner_client.post(reverse("add-upload"), {"tags": "night"})
    assert response.status_code == 422
    assert "No file arrived" in response.content.decode()


def test_a_truncated_upload_says_what_happened(owner_client):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n\x89PNG'
    response = owner_client.post(reverse("add-upload"), body, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 400
    assert not Image.objects.exists()
    assert "The transfer was cut off before its end, so nothing was added." in response.content.decode()


def test_a_tag_that_is_too_long_is_refused_before_any_file_is_kept(owner_client, picture):
    response = owner_client.post(
        reverse("add-upload"), {"file": upload(content=picture()), "tags": "x" * 300}
    )
    assert response.status_code == 422
    assert "too long" in response.content.decode()
    assert not Image.objects.exists()


@pytest.mark.parametrize("tab", ["add-upload", "add-import", "add-generate"])
def test_tags_travel_in_the_address(owner_client, demo, tab):
    page = owner_client.get(reverse(tab), {"tags": "character:Mirel"}).content.decode()
    assert 'value="character:Mirel"' in page
    assert "?tags=character%3AMirel" in page  # to the other tabs


def test_a_character_travels_by_its_id(owner_client, owner, demo):
    mirel = Tag.objects.create(owner=owner, kind="character", name="Mirel Vane")
    page = owner_client.get(reverse("add-upload"), {"character": mirel.public_id}).content.decode()
    assert "character:&quot;Mirel Vane&quot;" in page


def test_a_foreign_character_does_not_travel(other_client, owner):
    mirel = Tag.objects.create(owner=owner, kind="character", name="Mirel")
    assert (
        "Mirel&"
        not in other_client.get(reverse("add-upload"), {"character": mirel.public_id}).content.decode()
    )


# --- Import ---------------------------------------------------------------------------------------


def test_addresses_become_a_job(owner_client, owner):
    lines = "https://example.com/a.png\n\nhttps://example.com/b.png\nhttps://example.com/a.png"
    response = owner_client.post(reverse("add-import"), {"addresses": lines, "tags": "chat:Long Night"})
    job = Import.objects.owned_by(owner).get()
    assert response.url == reverse("import", args=[job.public_id])
    assert (job.total, job.tags.get().kind) == (2, "chat")


def test_an_archive_becomes_a_job(owner_client, owner, picture):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", picture())
    owner_client.post(
        reverse("add-import"), {"archive": upload("backup.zip", file.getvalue(), "application/zip")}
    )
    assert Import.objects.owned_by(owner).get().archive_name == "backup.zip"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Write at least one address"),
        ({"addresses": "\n".join(f"https://example.com/{n}" for n in range(501))}, "at most 500"),
        ({"archive": upload("a.zip", b"no archive")}, "not"),
        ({"archive": upload("a.zip", b"")}, "is empty"),
        ({"addresses": "https://example.com/a.png", "archive": upload("a.zip", b"x")}, "not both at once"),
    ],
)
def test_an_import_that_cannot_begin_says_why(owner_client, typed, sentence):
    response = owner_client.post(reverse("add-import"), typed)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Import.objects.exists()


def test_typed_tags_and_addresses_stay_when_an_import_is_refused(owner_client):
    typed = {"addresses": "\n".join(f"https://example.com/{n}" for n in range(501)), "tags": "chat:Night"}
    page = owner_client.post(reverse("add-import"), typed).content.decode()
    assert 'value="chat:Night"' in page
    assert "https://example.com/500" in page


def test_failed_addresses_can_be_tried_again(owner_client, other_client, owner):
    job = Import.objects.create(owner=owner, total=2, done=2, status="done")
    job.tags.add(Tag.objects.create(owner=owner, kind="chat", name="Night"))
    ImportEntry.objects.create(job=job, index=0, name="https://example.com/good", state="added")
    ImportEntry.objects.create(job=job, index=1, name="https://example.com/bad", state="failed")
    address = f"{reverse('add-import')}?again={job.public_id}"
    assert address in owner_client.get(reverse("import", args=[job.public_id])).content.decode()
    page = owner_client.get(address).content.decode()
    assert "https://example.com/bad" in page
    assert "https://example.com/good" not in page
    assert 'value="chat:Night"' in page
    assert other_client.get(address).status_code == 404


# --- Generate -------------------------------------------------------------------------------------


def test_without_a_connection_generate_shows_how_to_add_one(owner_client):
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert "Connect a provider to make images" in page
    assert reverse("connection-new") in page


def test_the_form_offers_what_the_model_takes(owner_client, demo, openai):
    model = first_choice(offer_groups(demo.owner), openai.pk, "gpt-image-2").value
    page = owner_client.get(reverse("add-generate"), {"model": model}).content.decode()
    assert 'name="quality"' in page
    assert 'name="background"' in page
    assert 'name="seed"' not in page
    demo_page = owner_client.get(reverse("add-generate")).content.decode()
    assert 'name="seed"' in demo_page
    assert 'name="quality"' not in demo_page


def test_retired_models_are_marked_and_cannot_be_chosen(owner_client, openai):
    groups = offer_groups(openai.owner)
    retired = next(offer for offer in groups[0].offers if offer.is_retired)
    page = owner_client.get(reverse("add-generate")).content.decode()
    folded = page.split('<summary class="row">Retired')[1].split("</details>")[0]
    assert f'value="{retired.value}" disabled' in folded
    assert "Retired on 12 May 2026. Use GPT Image 2.6 Flare instead." in folded
    assert not first_choice(groups, openai.pk, retired.info.id).is_retired


def test_a_retired_model_on_an_own_server_is_named_with_its_successor(owner_client, openai):
    ConnectionProfile.objects.filter(pk=openai.pk).update(base_url="https://home.example/v1")
    typed = {"model": f"{openai.public_id}/dall-e-3", "prompt": "a fox"}
    page = owner_client.post(reverse("generate-controls"), typed).content.decode()
    assert "DALL·E 3 was retired by its maker. Its successor is GPT Image 2.6 Flare." in page


def test_generate_makes_one_generation_with_its_tags(owner_client, demo):
    typed = wish_form(demo, size="1024x1536", n="2", tags="character:Mirel", seed="7")
    response = owner_client.post(reverse("add-generate"), typed, headers=HTMX)
    made = Generation.objects.get()
    assert response.status_code == 201
    assert f"job-{made.public_id}" in response.content.decode()
    assert (made.n, made.params, made.tags.get().name) == (2, {"size": "1024x1536", "seed": 7}, "Mirel")


def test_the_place_of_a_new_job_is_ready_before_it_is_sent(owner_client, demo):
    typed = wish_form(demo, n="2", size="1024x1536")
    page = owner_client.post(reverse("generate-estimate"), typed).content.decode()
    place = page.split('<template id="coming-job">')[1].split("</template>")[0]
    assert 'id="coming"' in place
    assert place.count("tile tile--job r22") == 2  # 2:3
    answer = owner_client.post(reverse("add-generate"), typed, headers=HTMX).content.decode()
    assert 'hx-target="#coming" hx-swap="delete"' in answer


def test_what_is_free_needs_no_price_list(owner_client, demo):
    page = owner_client.post(reverse("generate-estimate"), wish_form(demo)).content.decode()
    assert "<b>free</b>" in page
    assert "price list" not in page


def test_the_same_page_sent_twice_makes_one_generation(owner_client, demo):
    for _ in range(2):
        owner_client.post(reverse("add-generate"), wish_form(demo, tags="character:Mirel"), headers=HTMX)
    assert Generation.objects.count() == 1


def test_an_old_page_with_another_prompt_asks_before_it_makes_another(owner_client, demo):
    owner_client.post(reverse("add-generate"), wish_form(demo))
    response = owner_client.post(reverse("add-generate"), wish_form(demo, prompt="a blue panda"))
    assert response.status_code == 409
    assert "a blue panda" in response.content.decode()
    assert 'value="k1"' not in response.content.decode()  # the next press is a new wish
    assert Generation.objects.count() == 1


def test_without_script_generate_leads_back_to_its_page(owner_client, demo):
    response = owner_client.post(reverse("add-generate"), wish_form(demo))
    assert response.url == reverse("add-generate")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": "  \n"}, "Write what the picture should show."),
        ({"n": "99"}, "Choose 1 to 8 pictures."),
        ({"n": "0"}, "Choose 1 to 8 pictures."),
        ({"n": "many"}, "Choose 1 to 8 pictures."),
        ({"size": "7x7"}, "must be one of"),
        ({"seed": "-1"}, "A seed is a whole number from 0"),
        ({"prompt": "x" * 32_001}, "This is too long. Use at most 32000 characters."),
        ({"tags": "x" * 300}, "too long"),
    ],
)
def test_errors_stand_in_place_and_values_stay(owner_client, demo, fields, sentence):
    response = owner_client.post(reverse("add-generate"), wish_form(demo, **fields), headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    if "prompt" not in fields:
        assert "a red panda</textarea>" in page
    assert not Generation.objects.exists()
    assert not Tag.objects.exists()


def test_a_connection_without_its_key_is_named(owner_client, owner):
    profile = ConnectionProfile.objects.create(owner=owner, name="Main", provider="openai", is_default=True)
    response = owner_client.post(reverse("add-generate"), wish_form(profile))
    assert response.status_code == 422
    assert "Main has no key yet" in response.content.decode()


def test_over_the_limit_nothing_is_made(owner_client, openai):
    openai.monthly_budget_usd = "0.01"
    openai.save()
    response = owner_client.post(reverse("add-generate"), wish_form(openai, n="4", quality="high"))
    assert response.status_code == 422
    assert "raise the limit" in response.content.decode()


@pytest.mark.parametrize("stale", ["nonsense", "", None, "foreign", "unknown model"])
def test_a_model_that_is_gone_is_asked_for_again_and_spends_nothing(other_client, other, demo, stale):
    mine = ConnectionProfile.objects.create(owner=other, name="Mine", provider="demo", is_default=True)
    values = {"foreign": wish_form(demo)["model"], "unknown model": f"{mine.public_id}/gone"}
    typed = wish_form(demo, model=values.get(stale, stale), tags="night", seed="7", n="2")
    if stale is None:
        del typed["model"]
    response = other_client.post(reverse("add-generate"), typed, headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 422
    assert "That model is no longer offered here. Choose one." in page
    assert page.count("a red panda</textarea>") == page.count('value="night"') == page.count('value="7"') == 1
    assert 'name="n" value="2" checked' in page
    assert "Choose a model" in page  # another one is never taken for granted
    assert f'{first_choice(offer_groups(other)).value}" checked' not in page
    assert not Generation.objects.exists()


def test_an_address_with_an_unknown_model_says_which_one_is_taken(owner_client, demo):
    page = owner_client.get(reverse("add-generate"), {"model": "nonsense"}).content.decode()
    assert "That model is no longer offered here. Using " in page


def test_without_a_model_there_is_no_price(owner_client, demo):
    assert owner_client.post(reverse("generate-estimate"), {"prompt": "x"}).status_code == 204


def test_another_model_keeps_what_it_takes_and_names_what_changed(owner_client, demo, openai):
    groups = offer_groups(demo.owner)
    model = first_choice(groups, openai.pk, "gpt-image-1.5").value
    typed = {"model": model, "size": "1024x1536", "seed": "7", "n": "2"}
    page = owner_client.post(reverse("generate-controls"), typed, headers=HTMX).content.decode()
    assert (
        'value="1024x1536" aria-label="2 to 3, portrait, 1024 by 1536" data-pixels="1024 × 1536" checked'
        in page
    )
    assert "takes no seed. It is left out." in page
    assert 'hx-target="#controls"' in page


def test_another_model_can_be_taken_without_script(owner_client, demo, openai):
    model = first_choice(offer_groups(demo.owner), openai.pk, "gpt-image-1.5").value
    typed = {"change": "1", "model": model, "prompt": "keep me", "size": "1536x1024", "key": "k1"}
    page = owner_client.post(reverse("add-generate"), typed).content.decode()
    assert "keep me</textarea>" in page
    assert 'name="quality"' in page
    assert not Generation.objects.exists()


def test_a_connection_that_does_not_work_says_so_when_its_model_is_chosen(owner_client, demo, openai):
    ConnectionProfile.objects.filter(pk=openai.pk).update(
        check_code="auth", check_message="OpenAI did not accept the key."
    )
    for profile, is_told in ((openai, True), (demo, False)):
        model = first_choice(offer_groups(demo.owner), profile.pk).value
        answer = owner_client.post(reverse("generate-controls"), {"model": model}, headers=HTMX)
        state = answer.content.decode().split('id="connection-state"')[1].split("</hx-partial>")[0]
        assert ("OpenAI did not accept the key." in state) is is_told


def test_a_shape_the_model_lacks_becomes_the_nearest(demo):
    offer = first_choice(offer_groups(demo.owner))
    values, notes = fit({"aspect_ratio": "9:16"}, offer)
    assert values["size"] == "1024x1536"
    assert notes == ["9:16 is not offered by this model, using 1024 × 1536."]
    assert fit({"aspect_ratio": "2:3"}, offer) == ({"size": "1024x1536"}, [])


def test_a_size_the_model_lacks_becomes_the_nearest(demo):
    values, notes = fit({"size": "512x768"}, first_choice(offer_groups(demo.owner)))
    assert (values, notes) == ({"size": "1024x1536"}, [])
    values, notes = fit({"size": "1000x400"}, first_choice(offer_groups(demo.owner)))
    assert notes == ["1000 × 400 is not offered by this model, using 1536 × 1024."]


def test_a_value_is_kept_in_the_spelling_of_the_other_model(owner):
    xai = ConnectionProfile.objects.create(owner=owner, name="xAI", provider="xai", is_default=True)
    offer = first_choice(offer_groups(owner), xai.pk)
    assert fit({"resolution": "1K"}, offer) == ({"resolution": "1k"}, [])
    values, notes = fit({"resolution": "4K"}, offer)
    assert values == {"resolution": "1k"}
    assert notes == ["4K is not offered by Grok Imagine Image 2.0, using 1K."]


def test_sizes_have_the_name_of_their_ratio_or_else_their_pixels():
    sizes = ["832x1216", "896x1152", "512x768", "1000x400", "2160x3840"]
    labels = {shape.value: shape.label for shape in shapes_of(sizes, "")}
    assert labels == {
        "832x1216": "2:3", "896x1152": "4:5", "512x768": "512×768", "1000x400": "1000×400",
        "2160x3840": "9:16 4K",
    }  # fmt: skip


def test_a_foreign_model_has_no_controls(other_client, demo):
    model = first_choice(offer_groups(demo.owner)).value
    assert other_client.post(reverse("generate-controls"), {"model": model}).status_code == 404
    assert other_client.post(reverse("generate-estimate"), {"model": model}).status_code == 404


def test_the_estimate_names_price_and_number(owner_client, demo, openai):
    free = owner_client.post(reverse("generate-estimate"), wish_form(demo, n="4")).content.decode()
    assert "<b>free</b>" in free
    assert "Generate 4 images" in free
    paid = owner_client.post(
        reverse("generate-estimate"), wish_form(openai, n="2", quality="high")
    ).content.decode()
    assert "<b>$" in paid


def test_again_fills_in_what_was_asked(owner_client, demo):
    wish = generation.Wish(profile=demo, prompt="the lighthouse", n=2, size="1536x1024", seed=9)
    made = generation.submit(demo.owner, wish)
    page = owner_client.get(reverse("add-generate"), {"again": made.public_id}).content.decode()
    assert "the lighthouse</textarea>" in page
    assert 'value="9"' in page
    assert "Generate 2 images" in page


def test_again_of_a_foreign_generation_is_not_found(other_client, other, demo):
    ConnectionProfile.objects.create(owner=other, name="Mine", provider="demo", is_default=True)
    made = generation.submit(demo.owner, generation.Wish(profile=demo, prompt="secret"))
    assert other_client.get(reverse("add-generate"), {"again": made.public_id}).status_code == 404
    assert other_client.get(reverse("add-generate"), {"again": "nonsense"}).status_code == 404


def test_offers_are_picked_by_their_value_only(demo):
    groups = offer_groups(demo.owner)
    offer = first_choice(groups)
    assert pick(groups, offer.value) is offer
    assert pick(groups, "nonsense") is None


@pytest.mark.parametrize("n", [10, 20])
def test_generate_reads_the_session_in_a_fixed_number_of_queries(
    owner_client, demo, django_assert_max_num_queries, n
):
    for number in range(n):
        generation.submit(demo.owner, generation.Wish(profile=demo, prompt=f"panda {number}"))
    with django_assert_max_num_queries(16):
        assert owner_client.get(reverse("add-generate")).status_code == 200
