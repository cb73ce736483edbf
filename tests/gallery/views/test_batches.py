"""The pages of a grid of pictures: number and price first, then the grid itself."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gallery import batches, tagging
from gallery.generations import calls
from gallery.generations.generation import Wish
from gallery.models import Batch, ConnectionProfile, Generation
from gallery.money import costs
from gallery.prompting import placeholders

HTMX = {"HX-Request": "true"}
HUNDRED = "{" + "|".join(map(str, range(100))) + "}"


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(
        owner=owner, name="Demo", provider="demo", options={"delay": 0}, is_default=True
    )


def typed(demo, **values):
    return {"model": f"{demo.public_id}/demo-painter", "n": "1", "prompt": "a fox", "tags": ""} | values


def look(client, demo, *, headers=HTMX, **values):
    return client.post(reverse("batch-new"), typed(demo, **values), headers=headers)


def begin(owner, demo, prompt="{red|blue} fox", **lists):
    return batches.create(owner, batches.Order(wish=Wish(profile=demo, prompt=prompt), **lists))


def finish(batch):
    batches.feed(batch.pk)
    for generation in Generation.objects.filter(status="queued"):
        for call in generation.calls.all():
            calls.run(call.pk)
    batches.feed(batch.pk)


def test_the_generate_page_has_the_disclosure_and_offers_it_for_choices(owner_client, demo):
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert "Many from one prompt" in page
    assert "sent as they are typed" not in page
    foot = owner_client.post(reverse("generate-estimate"), typed(demo, prompt="{red|blue} fox"))
    assert "sent as they are typed" in foot.content.decode()


def test_the_ordinary_form_sends_choices_as_they_are_typed(owner_client, demo):
    owner_client.post(reverse("add-generate"), typed(demo, prompt="{red|blue} fox"))
    assert Generation.objects.get().prompt_sent == "{red|blue} fox"


def test_number_and_price_are_told_before_anything_is_kept(owner_client, demo):
    answer = look(
        owner_client,
        demo,
        prompt="{red|blue} fox",
        words="smiling\nin tears",
        in_shapes=["1024x1024", "1536x1024"],
    )
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<div class="stack stack--s" id="many-answer"' in text
    assert "<html" not in text
    assert "8 images" in text
    assert "free" in text
    assert 'name="seen" value="8"' in text
    assert (Batch.objects.count(), Generation.objects.count()) == (0, 0)


def test_without_script_the_answer_is_a_page_that_goes_on(owner_client, demo):
    answer = look(owner_client, demo, headers={}, prompt="{red|blue} <fox>", tags="dusk")
    page = answer.content.decode()
    assert "<html" in page
    assert "{red|blue} &lt;fox&gt;</textarea>" in page
    assert '<input type="hidden" name="tags" value="dusk">' in page
    assert "Make 2 images" in page


def test_looks_of_the_named_and_shapes_of_the_model_can_be_ticked(owner_client, owner, other, demo):
    look_of_mirel = tagging.resolve(owner, ['look:"Mirel:winter cloak"', "look:Ash:hood"])[0]
    tagging.resolve(other, ["look:Mirel:secret"])
    chosen = str(look_of_mirel.public_id)
    text = look(owner_client, demo, prompt="@Mirel waits", looks=[chosen]).content.decode()
    assert f'value="{chosen}" checked' in text
    assert "hood" not in text
    assert "secret" not in text
    assert "1 image" in text


def test_each_value_of_placeholders_is_an_axis_when_asked_for(owner_client, owner, demo):
    placeholders.create(owner, name="sky", values=["sun", "rain", "snow"])
    assert "Nothing varies" in look(owner_client, demo, prompt="{{sky}}").content.decode()
    assert "3 images" in look(owner_client, demo, prompt="{{sky}}", each="on").content.decode()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Nothing varies here"),
        ({"prompt": ""}, "Write what the picture should show"),
        ({"prompt": HUNDRED + HUNDRED}, "10,000 pictures. At most 200"),
        ({"words": "a\nb", "in_shapes": ["17:3"]}, "This model has other shapes"),
        ({"words": "a", "looks": ["nonsense"]}, "A look was deleted"),
        ({"words": "\n".join(map(str, range(1001)))}, "1,001 lines"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(owner_client, demo, values, sentence):
    for address in ("batch-new", "batches"):
        answer = owner_client.post(reverse(address), typed(demo, **values), headers=HTMX)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    assert not Batch.objects.exists()


def test_a_model_that_is_gone_is_said(owner_client, demo):
    for headers in (HTMX, {}):
        values = typed(demo, prompt="{a|b}", model="nobody/nothing")
        answer = owner_client.post(reverse("batches"), values, headers=headers)
        assert answer.status_code == 422
        assert "no longer offered" in answer.content.decode()


def test_a_batch_begins_with_what_was_seen(owner_client, demo):
    values = typed(demo, prompt="{red|blue} fox", seen="2", batch_key="k", tags="character:Mirel")
    answer = owner_client.post(reverse("batches"), values, headers=HTMX)
    batch = Batch.objects.get()
    assert answer.headers["HX-Redirect"] == batch.get_absolute_url()
    assert [cell.prompt for cell in batch.cells.all()] == ["red fox", "blue fox"]
    again = owner_client.post(reverse("batches"), values)
    assert (again.status_code, again.url) == (302, batch.get_absolute_url())
    assert Batch.objects.count() == 1
    other = owner_client.post(reverse("batches"), values | {"prompt": "{a|b}"}, headers=HTMX)
    assert "with other settings" in other.content.decode()


def test_what_was_not_seen_is_not_begun(owner_client, demo):
    answer = owner_client.post(reverse("batches"), typed(demo, prompt="{a|b|c}", seen="2"), headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "These are 3 pictures now" in text
    assert 'name="seen" value="3"' in text
    assert not Batch.objects.exists()


def test_a_grid_shows_its_heads_pictures_and_states(owner_client, owner, demo):
    batch = begin(owner, demo, "{red|blue} fox", shapes=("1024x1024", "1536x1024"))
    page = owner_client.get(batch.get_absolute_url()).content.decode()
    assert page.count('<th scope="row">') == 2
    assert page.count('<th scope="col">') == 2
    assert "4 to come" in page
    assert "every 3s" in page
    finish(batch)
    page = owner_client.get(batch.get_absolute_url()).content.decode()
    assert "4 done" in page
    assert page.count("<img src=") >= 4
    assert "every 3s" not in page
    assert "Pause" not in page


def test_what_may_have_been_charged_is_offered_again_and_says_so(owner_client, owner, demo):
    batch = begin(owner, demo)
    finish(batch)
    retry = reverse("batch-retry", args=[batch.public_id])
    Generation.objects.update(status="unknown", may_have_been_charged=True)
    page = owner_client.get(batch.get_absolute_url()).content.decode()
    assert "Try 2 again (may charge again)" in page
    owner_client.post(retry)
    assert not batch.cells.filter(state="planned").exists()
    owner_client.post(retry, {"unsure": ""})
    assert batch.cells.filter(state="planned").count() == 2


def test_a_grid_is_paused_continued_stopped_and_tried_again(owner_client, owner, demo):
    batch = begin(owner, demo)
    for deed, state in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
        ("retry", "cancelled"),
    ]:
        answer = owner_client.post(reverse(f"batch-{deed}", args=[batch.public_id]))
        batch.refresh_from_db()
        assert (answer.status_code, answer.url, batch.state) == (302, batch.get_absolute_url(), state)
    batch.cells.update(state="failed", error="Not noon.")
    page = owner_client.get(batch.get_absolute_url()).content.decode()
    assert "Try 2 again" in page
    assert "Not noon." in page


def test_why_it_paused_stands_above_the_grid(owner_client, owner, demo):
    batch = begin(owner, demo)
    Batch.objects.update(state="paused", reason="Nothing of your limit is left.")
    for address in (batch.get_absolute_url(), reverse("batches")):
        assert "Nothing of your limit is left." in owner_client.get(address).content.decode()


def test_a_limit_is_said_in_the_preview_and_refused_in_the_end(owner_client, owner, demo, monkeypatch):
    laid = batches.lay_out
    over = costs.Standing(
        limit=costs.Limit(usd=Decimal(1), spent=Decimal(0), name="your November limit"), near=None,
        over=Decimal("0.50"), fits=1,
    )  # fmt: skip

    def dear(order, **how):
        return replace(laid(order, **how), usd=Decimal("1.50"), standing=over)

    monkeypatch.setattr(batches, "lay_out", dear)
    text = look(owner_client, demo, prompt="{a|b}").content.decode()
    assert "over your November limit by $0.50. 1 of 2 fit." in text
    answer = owner_client.post(reverse("batches"), typed(demo, prompt="{a|b}", seen="2"), headers=HTMX)
    assert "enough for 1 of 2" in answer.content.decode()
    assert not Batch.objects.exists()


def test_others_see_nothing_of_it(other_client, owner, demo):
    batch = begin(owner, demo)
    assert other_client.get(batch.get_absolute_url()).status_code == 404
    for deed in ("pause", "resume", "cancel", "retry"):
        assert other_client.post(reverse(f"batch-{deed}", args=[batch.public_id])).status_code == 404
    assert "fox" not in other_client.get(reverse("batches")).content.decode()


def test_the_list_is_empty_at_first_and_then_not(owner_client, owner, demo):
    assert "Nothing here yet" in owner_client.get(reverse("batches")).content.decode()
    begin(owner, demo)
    page = owner_client.get(reverse("batches")).content.decode()
    assert "{red|blue} fox" in page
    assert "0 of 2 sent" in page


def queries(client, address):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_list_takes_as_many_queries_for_twenty_as_for_ten(owner_client, owner, demo):
    counts = []
    owner_client.get(reverse("batches"))
    for _ in range(2):
        for _ in range(10):
            begin(owner, demo)
        counts.append(queries(owner_client, reverse("batches")))
    assert counts[0] == counts[1]


def test_a_grid_takes_as_many_queries_for_twenty_cells_as_for_ten(owner_client, owner, demo, stored):
    counts = []
    for n in (10, 20):
        batch = begin(owner, demo, "{" + "|".join(map(str, range(n))) + "}")
        fill(batch, stored)
        owner_client.get(batch.get_absolute_url())
        counts.append(queries(owner_client, batch.get_absolute_url()))
    assert counts[0] == counts[1]


def fill(batch, image):
    """Every cell has a generation that is done, with `image`."""
    for cell in batch.cells.all():
        cell.generation = Generation.objects.create(
            owner=batch.owner, profile=batch.profile, provider="demo", model="m", prompt="a", status="done"
        )
        cell.generation.results.create(index=0, image=image)
        cell.state = "submitted"
        cell.save()
