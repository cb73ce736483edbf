# ruff: noqa: F811  the fixture `profile` comes from another file
"""Comparisons in the browser: ticked in the form, followed, kept, listed."""

import re

import pytest
from django.urls import reverse

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


def test_the_generate_form_leads_to_the_comparison_with_htmx(owner_client, demo, openai):
    typed = form(demo, value_of(openai))
    response = owner_client.post(reverse("add-generate"), typed, headers=HTMX)
    assert response["HX-Redirect"] == Comparison.objects.get().get_absolute_url()


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


def test_other_people_find_nothing(other_client, client, profile):
    made = run(two_of(profile))
    for address in (made.get_absolute_url(), reverse("comparison-keep", args=[made.public_id])):
        assert other_client.get(address).status_code in (404, 405)
    keep = reverse("comparison-keep", args=[made.public_id])
    assert other_client.post(keep, {"generation": results_of(made)[0].public_id}).status_code == 404
    assert "a red panda" not in other_client.get(reverse("comparisons")).content.decode()


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


def test_use_again_ticks_the_same_models(owner_client, demo, openai):
    owner_client.post(reverse("comparisons"), form(demo, value_of(openai)))
    page = owner_client.get(Comparison.objects.get().get_absolute_url()).content.decode()
    address = page.split('href="/add/generate/?again=')[1].split('"')[0].replace("&amp;", "&")
    text = owner_client.get(f"/add/generate/?again={address}").content.decode()
    assert "Generate on 2 models" in text
