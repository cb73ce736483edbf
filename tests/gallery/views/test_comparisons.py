# ruff: noqa: F811  the fixture `profile` comes from another file
"""Comparisons in the browser: ticked in the form, followed, kept, listed."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import offers, tagging
from gallery.generations import comparisons, generation
from gallery.models import Comparison, ConnectionProfile, Generation
from tests.gallery.generations.test_calls import profile  # noqa: F401  a fixture
from tests.gallery.generations.test_comparisons import results_of, run

HTMX = {"HX-Request": "true"}


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


@pytest.fixture
def openai(owner):
    made = ConnectionProfile(owner=owner, name="OpenAI", provider="openai")
    made.api_key = "sk-0123456789abcdef"
    made.save()
    return made


def value_of(profile, model=""):
    return offers.of(profile, model).value


def form(demo, *others, **fields):
    return {
        "model": value_of(demo),
        "prompt": "a red panda",
        "n": "1",
        "key": "k1",
        "compare": others,
    } | fields


def two_of(profile, prompt="a red panda", **wish):
    asked = generation.Wish(profile=profile, prompt=prompt, **wish)
    return comparisons.submit(profile.owner, asked, [(profile, "scripted-1"), (profile, "scripted-2")])


def test_ticked_models_make_a_comparison_with_its_tags(owner_client, demo, openai):
    response = owner_client.post(reverse("comparisons"), form(demo, value_of(openai), tags="character:Mirel"))
    made = Comparison.objects.get()
    assert response.url == made.get_absolute_url()
    rows = Generation.objects.order_by("pk")
    assert [row.provider for row in rows] == ["demo", "openai"]
    assert all(row.tags.get().name == "Mirel" for row in rows)


def test_with_script_the_columns_stand_beside_the_form(owner_client, demo, openai):
    typed = form(demo, value_of(openai))
    response = owner_client.post(reverse("add-generate"), typed, headers=HTMX)
    made, text = Comparison.objects.get(), response.content.decode()
    assert response.status_code == 201
    assert f'data-address="/add/generate/?comparison={made.public_id}"' in text
    assert f'id="comparison-{made.public_id}"' in text
    assert text.count('class="job" aria-label') == 2
    assert 'name="key"' in text
    assert 'value="k1"' not in text
    assert "view=session" in text


def test_without_script_the_columns_have_a_page(owner_client, demo, openai):
    response = owner_client.post(reverse("add-generate"), form(demo, value_of(openai)))
    assert response.url == Comparison.objects.get().get_absolute_url()


def test_a_comparison_is_one_among_what_was_made_lately(owner_client, demo, openai):
    single = generation.submit(demo.owner, generation.Wish(profile=demo, prompt="a fox"))
    owner_client.post(reverse("comparisons"), form(demo, value_of(openai)))
    text = owner_client.get(reverse("add-generate")).content.decode()
    inside = text.split('id="session"')[1]
    beside = f"beside-comparison-{Comparison.objects.get().public_id}"
    assert inside.index(beside) < inside.index(f'id="job-{single.public_id}"')
    for row in Generation.objects.exclude(pk=single.pk):
        assert inside.count(f'id="job-{row.public_id}"') == 1


def test_the_address_names_a_comparison_and_fills_in_the_form(owner_client, demo, openai):
    owner_client.post(reverse("comparisons"), form(demo, value_of(openai)))
    made = Comparison.objects.get()
    long_ago = timezone.now() - timedelta(days=90)
    Generation.objects.update(created_at=long_ago, status="cancelled")
    generation.submit(demo.owner, generation.Wish(profile=demo, prompt="a fox"))
    page = owner_client.get(reverse("add-generate"), {"comparison": made.public_id})
    text = page.content.decode()
    assert page.context["form"].initial["prompt"] == "a red panda"
    assert "Generate on 2 models" in text
    inside = text.split('id="session"')[1]
    assert inside.index(f"beside-comparison-{made.public_id}") < inside.index("a fox")


@pytest.mark.parametrize("view", ["session", "comparison"])
def test_news_draw_the_columns_of_a_comparison_anew(owner_client, profile, view):
    made = two_of(profile)
    text = owner_client.get(made.get_absolute_url()).content.decode()
    address = re.search(r'hx-get="(/queue/poll/[^"]*)"', text)[1].replace("&amp;", "&")
    run(made)
    address = address.replace("view=comparison", f"view={view}")
    news = owner_client.get(address, headers=HTMX).content.decode()
    assert f'hx-target="#comparison-{made.public_id}"' in news
    assert "beside-comparison" not in news
    assert "Keep that of scripted-1" in news
    assert f'hx-target="#job-{results_of(made)[0].public_id}"' not in news


def test_another_tab_gets_a_comparison_that_it_has_not_seen(owner_client, profile):
    made = two_of(profile)
    news = owner_client.get(reverse("queue-poll"), {"view": "session", "rev": ""}, headers=HTMX)
    assert f'id="beside-comparison-{made.public_id}"' in news.content.decode()


def test_the_page_of_one_job_is_told_of_it_although_it_was_compared(owner_client, profile):
    made = two_of(profile)
    one = results_of(made)[0]
    text = owner_client.get(one.get_absolute_url()).content.decode()
    address = re.search(r'hx-get="(/queue/poll/[^"]*)"', text)[1].replace("&amp;", "&")
    run(made)
    assert f'hx-target="#job-{one.public_id}"' in owner_client.get(address, headers=HTMX).content.decode()


def test_a_double_click_makes_one_comparison(owner_client, demo, openai):
    for _ in range(2):
        owner_client.post(reverse("comparisons"), form(demo, value_of(openai)))
    assert (Comparison.objects.count(), Generation.objects.count()) == (1, 2)


def test_the_chosen_model_ticked_again_is_one_column(owner_client, demo):
    response = owner_client.post(reverse("comparisons"), form(demo, value_of(demo)))
    assert response.status_code == 422
    assert "Compare two to 6 models, not 1." in response.content.decode()
    assert not Generation.objects.exists()


def test_the_chosen_model_alone_is_no_comparison(owner_client, demo):
    owner_client.post(reverse("add-generate"), form(demo, value_of(demo)))
    assert (Generation.objects.count(), Comparison.objects.count()) == (1, 0)


def test_seven_models_are_too_many_and_said_before(owner_client, demo, openai):
    group = next(each for each in offers.offer_groups(demo.owner) if each.profile == openai)
    typed = form(demo, *(offer.value for offer in group.living[:6]))
    page = owner_client.post(reverse("generate-estimate"), typed).content.decode()
    assert "At most six models" in page
    assert owner_client.post(reverse("add-generate"), typed).status_code == 422
    assert not Generation.objects.exists()


def test_a_post_without_any_tick_makes_nothing(owner_client, demo):
    response = owner_client.post(reverse("comparisons"), form(demo))
    assert response.status_code == 422
    assert not Generation.objects.exists()


def test_a_model_that_is_gone_is_said_and_nothing_is_sent(owner_client, demo):
    response = owner_client.post(reverse("add-generate"), form(demo, "nonsense"))
    assert response.status_code == 422
    assert "no longer offered" in response.content.decode()
    assert not Generation.objects.exists()


def test_an_empty_prompt_comes_back_with_the_ticks(owner_client, demo, openai):
    response = owner_client.post(reverse("comparisons"), form(demo, value_of(openai), prompt=" "))
    text = response.content.decode()
    assert response.status_code == 422
    assert "Write what the picture should show." in text
    assert f'name="compare" value="{value_of(openai)}" checked' in text


def test_the_sum_is_shown_before_it_is_sent(owner_client, demo, openai):
    typed = form(demo, value_of(openai, "gpt-image-2.5-flare"), quality="high")
    page = owner_client.post(reverse("generate-estimate"), typed).content.decode()
    assert "Generate on 2 models" in page
    assert "2 images on 2 models" in page
    alone = owner_client.post(reverse("generate-estimate"), form(demo)).content.decode()
    assert "Generate 1 image" in alone


def test_each_ticked_model_has_a_card_with_settings_of_its_own(owner_client, demo, openai):
    chosen = value_of(openai, "gpt-image-2.5-flare")
    own = {f"own:{chosen}:quality": "low"}
    page = owner_client.post(reverse("generate-estimate"), form(demo, chosen, **own)).content.decode()
    assert "Comparing 2" in page
    assert "Only for GPT Image 2.5 Flare" in page
    assert f'data-untick="with-{chosen}"' in page
    assert '<option value="low" selected>Low</option>' in page
    owner_client.post(reverse("comparisons"), form(demo, chosen, **own))
    params = dict(Generation.objects.values_list("provider", "params"))
    assert params["openai"]["quality"] == "low"
    assert "quality" not in params["demo"]


def test_a_setting_of_its_own_changes_the_price_before_it_is_sent(owner_client, demo, openai):
    chosen = value_of(openai, "gpt-image-2.5-flare")
    prices = []
    for quality in ("low", "high"):
        typed = form(demo, chosen, **{f"own:{chosen}:quality": quality})
        page = owner_client.post(reverse("generate-estimate"), typed).content.decode()
        prices.append(re.search(r'class="price"><b>(.*?)</b>', page)[1])
    assert prices[0] != prices[1]


def test_without_script_the_page_adds_up_and_keeps_the_ticks(owner_client, demo, openai):
    page = owner_client.post(reverse("add-generate"), form(demo, value_of(openai), change="1"))
    text = page.content.decode()
    assert "Generate on 2 models" in text
    assert not Generation.objects.exists()


def test_a_page_shows_each_column_with_price_and_keep(owner_client, profile):
    made = run(two_of(profile))
    text = owner_client.get(made.get_absolute_url()).content.decode()
    assert ("scripted-1" in text, "scripted-2" in text) == (True, True)
    assert "$0.10 in all" in text
    assert text.count('name="generation"') == 2


def test_a_page_follows_while_something_is_drawn(owner_client, profile):
    made = two_of(profile)
    text = owner_client.get(made.get_absolute_url()).content.decode()
    assert 'data-jobs="run"' in text
    assert "view=comparison" in text
    run(made)
    news = owner_client.get(reverse("queue-poll"), {"view": "comparison", "rev": ""})
    assert news.status_code in (200, 204)
    assert 'data-jobs="rest"' in owner_client.get(made.get_absolute_url()).content.decode()


def test_a_column_that_was_not_sent_says_why(owner_client, profile):
    other = ConnectionProfile.objects.create(owner=profile.owner, name="Keyless", provider="openai")
    asked = generation.Wish(profile=profile, prompt="a red panda")
    made = comparisons.submit(profile.owner, asked, [(profile, ""), (other, "")])
    text = owner_client.get(made.get_absolute_url()).content.decode()
    assert "Nothing was sent." in text
    assert "Keyless has no key yet." in text


def test_keep_marks_a_column_and_is_undone(owner_client, profile):
    made = run(two_of(profile))
    first, second = results_of(made)
    keep = reverse("comparison-keep", args=[made.public_id])
    page = owner_client.post(keep, {"generation": first.public_id}, follow=True).content.decode()
    assert "Kept" in page
    made.refresh_from_db()
    assert made.kept == first
    owner_client.post(keep, {"undo": "1"})
    made.refresh_from_db()
    assert made.kept is None


def test_keep_answers_with_the_columns_where_there_is_script(owner_client, profile):
    made = run(two_of(profile))
    keep = reverse("comparison-keep", args=[made.public_id])
    wanted = {"generation": results_of(made)[0].public_id}
    text = owner_client.post(keep, wanted, headers=HTMX).content.decode()
    assert f'hx-target="#comparison-{made.public_id}"' in text
    assert "Keep none" in text


def test_discard_moves_a_column_to_the_trash_and_is_undone(owner_client, profile):
    made = run(two_of(profile))
    first, second = results_of(made)
    keep = reverse("comparison-keep", args=[made.public_id])
    text = owner_client.post(keep, {"discard": first.public_id}, headers=HTMX).content.decode()
    assert "Moved 1 image to the trash" in text
    assert "In the trash" in text
    assert first.results.get().image.trashed_at is not None
    assert second.results.get().image.trashed_at is None
    undo = re.search(r'action="(/history/[^"]*/undo/)"', text)[1]
    owner_client.post(undo, {"undo": "1"})
    assert first.results.get().image.trashed_at is None


def test_discard_twice_says_that_nothing_is_left(owner_client, profile):
    made = run(two_of(profile))
    keep = reverse("comparison-keep", args=[made.public_id])
    wanted = {"discard": results_of(made)[0].public_id}
    owner_client.post(keep, wanted)
    assert "any more" in owner_client.post(keep, wanted, follow=True).content.decode()


def test_a_generation_of_another_comparison_is_not_discarded(owner_client, profile):
    made, foreign = run(two_of(profile)), run(two_of(profile, "a fox"))
    one = results_of(foreign)[0]
    owner_client.post(reverse("comparison-keep", args=[made.public_id]), {"discard": one.public_id})
    assert one.results.get().image.trashed_at is None


@pytest.mark.parametrize("wanted", ["", "nonsense"])
def test_keep_without_a_column_says_what_to_do(owner_client, profile, wanted):
    made = run(two_of(profile))
    keep = reverse("comparison-keep", args=[made.public_id])
    page = owner_client.post(keep, {"generation": wanted}, follow=True).content.decode()
    assert "Choose the column" in page


def test_a_generation_of_another_comparison_is_not_kept(owner_client, profile):
    made, foreign = run(two_of(profile)), run(two_of(profile, "a fox"))
    keep = reverse("comparison-keep", args=[made.public_id])
    owner_client.post(keep, {"generation": results_of(foreign)[0].public_id})
    made.refresh_from_db()
    assert made.kept is None


def test_other_people_find_nothing(other_client, other, profile):
    made = run(two_of(profile))
    for address in (made.get_absolute_url(), reverse("comparison-keep", args=[made.public_id])):
        assert other_client.get(address).status_code in (404, 405)
    keep = reverse("comparison-keep", args=[made.public_id])
    assert other_client.post(keep, {"generation": results_of(made)[0].public_id}).status_code == 404
    assert "a red panda" not in other_client.get(reverse("comparisons")).content.decode()
    beside = {"comparison": made.public_id}
    ConnectionProfile.objects.create(owner=other, name="Demo", provider="demo", is_default=True)
    assert other_client.get(reverse("add-generate"), beside).status_code == 404
    assert other_client.get(reverse("add-generate"), {"comparison": "nonsense"}).status_code == 404


@pytest.mark.parametrize("n", [2, 6])
def test_the_list_takes_the_same_queries_at_any_length(
    owner_client,
    profile,
    django_assert_max_num_queries,
    n,
):
    for index in range(n):
        run(two_of(profile, f"panda {index}"))
    with django_assert_max_num_queries(16):
        text = owner_client.get(reverse("comparisons")).content.decode()
    assert text.count("panda ") >= n


@pytest.mark.parametrize("n", [2, 6])
def test_a_page_takes_the_same_queries_with_any_number_of_columns(
    owner_client,
    profile,
    django_assert_max_num_queries,
    n,
):
    asked = generation.Wish(profile=profile, prompt="a red panda")
    pairs = [(profile, f"scripted-{index}") for index in range(n)]
    made = run(comparisons.submit(profile.owner, asked, pairs))
    with django_assert_max_num_queries(18):
        assert owner_client.get(made.get_absolute_url()).status_code == 200


def test_the_list_is_empty_at_first_and_says_how_to_begin(owner_client):
    assert "No comparisons yet" in owner_client.get(reverse("comparisons")).content.decode()


def test_the_page_of_a_character_tells_what_was_kept(owner_client, profile):
    tags = tuple(tagging.resolve(profile.owner, ["character:Mirel"]))
    made = run(two_of(profile, tags=tags))
    assert "Models compared" not in owner_client.get(tags[0].get_absolute_url()).content.decode()
    comparisons.keep(made, results_of(made)[0])
    text = owner_client.get(tags[0].get_absolute_url()).content.decode()
    assert "Models compared" in text
    assert "1 of 1" in text


@pytest.fixture
def compared(owner_client, demo, openai):
    """A comparison whose second model has a setting of its own."""
    chosen = value_of(openai, "gpt-image-2.5-flare")
    own = {f"own:{chosen}:quality": "low", "quality": "high", "tags": "character:Mirel"}
    owner_client.post(reverse("comparisons"), form(demo, chosen, **own))
    return Comparison.objects.get()


def again_by(way, made):
    """An address that fills in the form as it was."""
    row = Generation.objects.get(provider="openai")
    return f"?comparison={made.public_id}" if way == "comparison" else f"?again={row.public_id}"


@pytest.mark.parametrize("way", ["comparison", "a prompt or picture of it"])
def test_use_again_brings_all_models_and_what_each_had_of_its_own(owner_client, compared, openai, way):
    page = owner_client.get(reverse("add-generate") + again_by(way, compared))
    text, chosen = page.content.decode(), value_of(openai, "gpt-image-2.5-flare")
    assert page.context["offer"].profile.provider == "demo"
    assert "Generate on 2 models" in text
    assert f'name="compare" value="{chosen}" checked' in text
    assert '<option value="low" selected>Low</option>' in text
    assert page.context["tags"] == "character:Mirel"
    assert page.context["form"].initial["prompt"] == "a red panda"


def test_use_again_sends_what_was_sent(owner_client, compared):
    page = owner_client.get(reverse("add-generate") + again_by("comparison", compared))
    said = {name: value for name, value in page.context["form"].initial.items() if value}
    sent = said | {"model": page.context["offer"].value, "key": "k2"}
    owner_client.post(reverse("comparisons"), sent)
    first, second = Comparison.objects.order_by("pk")
    params = [[column.generation.params for column in each.columns.all()] for each in (first, second)]
    assert params[0] == params[1]


def test_settings_for_all_come_back_as_nobodys_own(owner_client, demo, openai):
    typed = form(demo, value_of(openai, "gpt-image-2.5-flare"), size="1024x1536", aspect_ratio="2:3")
    owner_client.post(reverse("comparisons"), typed)
    page = owner_client.get(reverse("add-generate") + again_by("comparison", Comparison.objects.get()))
    assert not [name for name in page.context["form"].initial if name.startswith("own:")]


def test_a_model_that_is_gone_is_left_out_and_said(owner_client, compared, openai):
    openai.delete()
    text = owner_client.get(reverse("add-generate") + again_by("comparison", compared)).content.decode()
    assert "is not offered now. It is left out." in text
    assert "Generate 1 image" in text
