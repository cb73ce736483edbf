"""Editing from the generate form: references, masks, variations, previews, retired models."""

import base64
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as PillowImage

from gallery import ingest
from gallery.models import ConnectionProfile, Generation, Image, Tag
from gallery.offers import first_choice, offer_groups
from tests.conftest import picture_bytes
from tests.gallery.views.test_add import HTMX, demo, openai, wish_form  # noqa: F401  fixtures

pytestmark = pytest.mark.thorough

RETIRED = "dall-e-2"


def add(owner, color, **more):
    return ingest.store(owner, picture_bytes(color, (200, 300)), source=Image.Source.UPLOAD, **more).image


@pytest.fixture
def pictures(owner):
    return [add(owner, color) for color in ("#803040", "#304080", "#308040")]


def ids(images):
    return [str(image.public_id) for image in images]


def page_for(client, image, mode=""):
    return client.get(reverse("add-generate"), {"from": image.public_id, "mode": mode}).content.decode()


def hidden(page, name):
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)


def arrange(client, profile, chosen=(), **pressed):
    typed = wish_form(profile) | {"references": ids(chosen)} | pressed
    return client.post(reverse("generate-references"), typed, headers=HTMX)


def generate(client, profile, **typed):
    response = client.post(reverse("add-generate"), wish_form(profile, **typed), headers=HTMX)
    return response, Generation.objects.first()


def mask_of(size, format="PNG"):
    return f"data:image/png;base64,{base64.b64encode(picture_bytes('white', size, format)).decode()}"


# --- Beginning from a picture ---------------------------------------------------------------------


def test_editing_begins_with_the_picture_and_asks_what_should_change(owner_client, openai, pictures):  # noqa: F811
    page = page_for(owner_client, pictures[0], "edit")
    assert "What should change?" in page
    assert hidden(page, "references") == ids(pictures[:1])
    assert 'name="mode" value="edit" checked' in page
    assert (
        'value="1024x1536" aria-label="2 to 3, portrait, 1024 by 1536" data-pixels="1024 × 1536" checked'
        in page
    )


def test_a_picture_can_be_looked_at_only(owner_client, openai, pictures):  # noqa: F811
    page = page_for(owner_client, pictures[0])
    assert "What should change?" not in page
    assert hidden(page, "references") == ids(pictures[:1])
    assert 'name="mode" value="edit" checked' not in page


def test_a_model_that_takes_no_pictures_gives_way_to_one_that_does(owner_client, demo, openai, pictures):  # noqa: F811
    page = page_for(owner_client, pictures[0], "edit")
    assert "does not edit pictures, using GPT Image" in page
    assert hidden(page, "references") == ids(pictures[:1])


def test_without_any_such_model_the_person_is_told(owner_client, demo, pictures):  # noqa: F811
    page = page_for(owner_client, pictures[0], "edit")
    assert "None of your connections takes pictures along." in page
    assert hidden(page, "references") == []


def test_tags_of_the_picture_come_along(owner_client, owner, openai):  # noqa: F811
    mirel = Tag.objects.create(owner=owner, kind="character", name="Mirel")
    page = page_for(owner_client, add(owner, "#123456", tags=[mirel]), "edit")
    assert 'value="character:Mirel"' in page


@pytest.mark.parametrize("mode", ["edit", "variation", ""])
def test_a_foreign_picture_is_not_found(other_client, other, openai, pictures, mode):  # noqa: F811
    ConnectionProfile.objects.create(owner=other, name="Mine", provider="demo")
    query = {"from": pictures[0].public_id, "mode": mode}
    assert other_client.get(reverse("add-generate"), query).status_code == 404
    assert other_client.get(reverse("add-generate"), {"from": "nonsense"}).status_code == 404


def test_the_page_of_a_picture_offers_to_go_on_from_it(owner_client, pictures):
    page = owner_client.get(pictures[0].get_absolute_url()).content.decode()
    address = f"{reverse('add-generate')}?from={pictures[0].public_id}"
    assert f'href="{address}&amp;mode=edit"' in page
    assert f'href="{address}&amp;mode=variation"' in page
    assert f'href="{address}"' in page


# --- One more like this ---------------------------------------------------------------------------


@pytest.fixture
def made(owner, demo):  # noqa: F811
    """A picture that the demo drew, with its recipe."""
    row = Generation.objects.create(
        owner=owner, profile=demo, provider="demo", model="demo-painter", prompt="the lighthouse", n=2,
        params={"size": "1536x1024", "seed": 9}, status="done",
    )  # fmt: skip
    facts = ingest.Facts(prompt=row.prompt, profile=demo, model=row.model, generation=row, params=row.params)
    return add(owner, "#445566", facts=facts)


def test_a_variation_begins_with_the_recipe_but_not_its_seed(owner_client, made):
    page = page_for(owner_client, made, "variation")
    assert "the lighthouse</textarea>" in page
    assert hidden(page, "original") == [str(made.public_id)]
    assert 'value="9"' not in page
    assert "Generate 1 image<" in page
    assert "The same prompt and settings once more." in page


def test_a_variation_is_sent_as_the_recipe_and_keeps_where_it_came_from(owner_client, demo, made):  # noqa: F811
    response, row = generate(owner_client, demo, original=str(made.public_id))
    assert response.status_code == 201
    assert (row.mode, [each.image for each in row.references.all()]) == ("again", [made])


def test_the_makers_own_variation_needs_no_prompt(owner_client, openai, pictures):  # noqa: F811
    openai.base_url = "http://127.0.0.1:9/v1"
    openai.save()
    model = f"{openai.public_id}/{RETIRED}"
    typed = {"model": model, "prompt": "", "original": str(pictures[0].public_id), "force": "on"}
    response, row = generate(owner_client, openai, **typed)
    assert response.status_code == 201, response.content.decode()
    assert (row.mode, row.prompt, row.references.get().image) == ("variation", "", pictures[0])


def test_a_picture_without_a_prompt_is_changed_instead(owner_client, openai, pictures):  # noqa: F811
    page = page_for(owner_client, pictures[0], "variation")
    assert "No prompt was saved with this picture" in page
    assert hidden(page, "references") == ids(pictures[:1])


def test_a_variation_can_be_let_go(owner_client, demo, made):  # noqa: F811
    page = arrange(owner_client, demo, original=str(made.public_id), forget="1").content.decode()
    assert hidden(page, "original") == []


def test_again_brings_the_references_back(owner_client, openai, pictures):  # noqa: F811
    _, row = generate(owner_client, openai, references=ids(pictures[:2]), mode="edit")
    page = owner_client.get(reverse("add-generate"), {"again": row.public_id}).content.decode()
    assert hidden(page, "references") == ids(pictures[:2])
    assert 'name="mode" value="edit" checked' in page


def test_again_brings_the_mask_back(owner_client, openai, pictures):  # noqa: F811
    _, row = generate(owner_client, openai, references=ids(pictures[:1]), mask=mask_of((200, 300)))
    page = owner_client.get(reverse("add-generate"), {"again": row.public_id}).content.decode()
    assert hidden(page, "mask")[0].startswith("data:image/png;base64,")


# --- The references -------------------------------------------------------------------------------


def test_a_press_in_the_picker_chooses_and_another_takes_back(owner_client, openai, pictures):  # noqa: F811
    one = str(pictures[1].public_id)
    page = arrange(owner_client, openai, pictures[:1], toggle=one).content.decode()
    assert hidden(page, "references") == ids(pictures[:2])
    assert f'hx-target="#pick-{one}"' in page
    assert "2 of 16 chosen" in page
    page = arrange(owner_client, openai, pictures[:2], toggle=one).content.decode()
    assert hidden(page, "references") == ids(pictures[:1])


def test_references_are_moved_and_taken_away(owner_client, openai, pictures):  # noqa: F811
    first, second, third = ids(pictures)
    page = arrange(owner_client, openai, pictures, up=third).content.decode()
    assert hidden(page, "references") == [first, third, second]
    page = arrange(owner_client, openai, pictures, up=first).content.decode()
    assert hidden(page, "references") == [first, second, third]
    page = arrange(owner_client, openai, pictures, remove=second).content.decode()
    assert hidden(page, "references") == [first, third]


def test_the_mask_stays_with_its_picture(owner_client, openai, pictures):  # noqa: F811
    mask = mask_of((200, 300))
    kept = arrange(owner_client, openai, pictures, mask=mask, remove=ids(pictures)[2]).content.decode()
    assert hidden(kept, "mask") == [mask]
    gone = arrange(owner_client, openai, pictures, mask=mask, up=ids(pictures)[1]).content.decode()
    assert hidden(gone, "mask") == [""]


def test_files_become_pictures_of_the_gallery_and_go_along(owner_client, owner, openai, pictures):  # noqa: F811
    good = SimpleUploadedFile("new.png", picture_bytes("#abcdef"), "image/png")
    bad = SimpleUploadedFile("bad.png", b"nothing", "image/png")
    page = arrange(owner_client, openai, pictures[:1], file=[good, bad]).content.decode()
    new = Image.objects.owned_by(owner).get(file_name="new.png")
    assert hidden(page, "references") == ids([pictures[0], new])
    assert "bad.png: " in page


def test_no_more_than_the_model_takes_are_taken(owner_client, owner, openai):  # noqa: F811
    many = [add(owner, f"#10{number:02x}30") for number in range(17)]
    page = arrange(owner_client, openai, many[:16], toggle=str(many[16].public_id)).content.decode()
    assert "takes 16 reference images. Take one away first." in page
    assert hidden(page, "references") == ids(many[:16])
    assert "<reference-drop" not in page


def test_the_price_counts_references(owner_client, openai, pictures):  # noqa: F811
    def price(page):
        return re.search(r"<b>\$([\d.]+)</b>", page)[1]

    none = price(arrange(owner_client, openai).content.decode())
    assert price(arrange(owner_client, openai, pictures).content.decode()) > none


def test_foreign_pictures_are_never_shown_or_sent(owner_client, openai, other):  # noqa: F811
    foreign = add(other, "#aabbcc")
    page = arrange(owner_client, openai, [foreign]).content.decode()
    assert str(foreign.public_id) not in page
    response, row = generate(owner_client, openai, references=ids([foreign]))
    assert response.status_code == 422
    assert "is not in the gallery any more" in response.content.decode()
    assert row is None


def test_a_foreign_connection_has_no_references(other_client, openai, pictures):  # noqa: F811
    assert arrange(other_client, openai, pictures).status_code == 404


@pytest.mark.parametrize(("mode", "kept"), [("edit", "edit"), ("", "generate")])
def test_references_are_sent_in_their_order(owner_client, openai, pictures, mode, kept):  # noqa: F811
    chosen = [pictures[2], pictures[0]]
    response, row = generate(owner_client, openai, references=ids(chosen), mode=mode)
    assert response.status_code == 201
    assert row.mode == kept
    assert [each.image for each in row.references.all()] == chosen


def test_another_model_says_what_it_leaves_out(owner_client, demo, openai, pictures):  # noqa: F811
    model = first_choice(offer_groups(demo.owner), demo.pk).value
    typed = {"model": model, "references": ids(pictures), "mode": "edit", "stream": "on"}
    page = owner_client.post(reverse("generate-controls"), typed, headers=HTMX).content.decode()
    assert "takes no reference images. They are left out." in page
    assert "shows no previews." in page
    assert hidden(page, "references") == []


# --- The picker -----------------------------------------------------------------------------------


def test_the_picker_shows_and_searches_the_own_gallery(owner_client, other, owner, pictures):
    add(owner, "#998877", title="A lighthouse")
    foreign = add(other, "#aabbcc")
    page = owner_client.get(reverse("generate-pick"), {"references": ids(pictures[:1])}).content.decode()
    assert page.count('class="pick"') == 4
    assert page.count('aria-pressed="true"') == 1
    assert str(foreign.public_id) not in page
    found = owner_client.get(reverse("generate-pick"), {"q": "lighthouse"}).content.decode()
    assert found.count('class="pick"') == 1
    assert "Nothing found." in owner_client.get(reverse("generate-pick"), {"q": "nothing"}).content.decode()


def test_the_picker_goes_on_by_batches(owner_client, owner, monkeypatch):
    monkeypatch.setattr("gallery.views.references.SHOWN", 2)
    images = [add(owner, f"#10{number:02x}30") for number in range(3)]
    page = owner_client.get(reverse("generate-pick")).content.decode()
    assert page.count('class="pick"') == 2
    more = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert str(images[0].public_id) in owner_client.get(more).content.decode()


def test_an_unreadable_place_in_the_picker_is_a_bad_request(owner_client, db):
    assert owner_client.get(reverse("generate-pick"), {"after": "nonsense"}).status_code == 400


@pytest.mark.parametrize("rows", [10, 20])
def test_the_picker_takes_a_fixed_number_of_queries(owner_client, owner, rows, django_assert_max_num_queries):
    for number in range(rows):
        add(owner, f"#10{number:02x}30")
    with django_assert_max_num_queries(6):
        assert owner_client.get(reverse("generate-pick")).status_code == 200


# --- Masks ----------------------------------------------------------------------------------------


def test_a_mask_makes_it_an_edit_and_is_kept_clean(owner_client, openai, pictures, settings):  # noqa: F811
    response, row = generate(owner_client, openai, references=ids(pictures[:1]), mask=mask_of((400, 600)))
    assert response.status_code == 201
    with PillowImage.open(settings.MEDIA_ROOT / row.mask_key) as kept:
        assert (row.mode, kept.format, kept.mode, kept.size) == ("edit", "PNG", "L", (400, 600))


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        ("nonsense", "Send the mask as"),
        (mask_of((300, 300)), "Both must have the same shape."),
        ("data:image/png;base64,AAAA", "The mask cannot be used."),
        ("x" * 2_000_001, "The mask is too large."),
    ],
)
def test_a_mask_that_cannot_be_used_is_explained(owner_client, openai, pictures, mask, sentence):  # noqa: F811
    response, row = generate(owner_client, openai, references=ids(pictures[:1]), mask=mask)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert row is None


def test_a_mask_without_a_picture_is_left_out(owner_client, openai):  # noqa: F811
    _, row = generate(owner_client, openai, mask=mask_of((200, 300)))
    assert (row.mode, row.mask_key) == ("generate", "")


def test_the_brush_is_there_for_models_with_masks_only(owner_client, openai, pictures):  # noqa: F811
    assert "<mask-painter" in page_for(owner_client, pictures[0], "edit")
    openai.provider, openai.api_key = "xai", "xai-0123456789abcdef"
    openai.save()
    page = page_for(owner_client, pictures[0], "edit")
    assert hidden(page, "references") == ids(pictures[:1])
    assert "<mask-painter" not in page


# --- Previews, retired models ---------------------------------------------------------------------


def test_previews_are_asked_for_and_priced(owner_client, openai):  # noqa: F811
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert "Adds about $0.006 an image." in page
    _, row = generate(owner_client, openai, stream="on", n="2")
    assert row.params["stream"] is True
    assert row.calls.count() == 2


def test_a_model_without_previews_offers_none(owner_client, demo):  # noqa: F811
    assert "Live previews" not in owner_client.get(reverse("add-generate")).content.decode()


def test_a_retired_model_goes_to_an_own_server_when_the_person_says_so(owner_client, openai):  # noqa: F811
    model = f"{openai.public_id}/{RETIRED}"
    response, row = generate(owner_client, openai, model=model, force="on")
    assert (response.status_code, row) == (422, None)  # at its maker's there is none
    openai.base_url = "http://127.0.0.1:9/v1"
    openai.save()
    page = owner_client.get(reverse("add-generate"), {"model": model}).content.decode()
    assert "Send anyway" in page
    response, row = generate(owner_client, openai, model=model)
    assert response.status_code == 422
    assert "was retired on" in response.content.decode()
    response, row = generate(owner_client, openai, model=model, force="on")
    assert (response.status_code, row.params["options"]) == (201, {"force_model": True})
