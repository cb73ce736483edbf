# ruff: noqa: F811  the fixture `profile` comes from another file
"""One prompt on several models: sent, billed, fitted column by column, and one of them kept."""

from contextlib import ExitStack
from decimal import Decimal

import pytest
from django.utils import translation

from gallery import offers, tagging
from gallery.forms.fitting import fit_wish
from gallery.generations import calls, comparisons, generation
from gallery.models import Comparison, ComparisonColumn, ConnectionProfile, Generation, Image
from gallery.screens import columns
from gallery.search import search
from gallery.search.pages import page
from providers.errors import InvalidRequest, Refused
from tests.fake_vendors.google import FakeGoogle
from tests.fake_vendors.openai import FakeOpenAI
from tests.fake_vendors.xai import CENT, TICKS, FakeXAI
from tests.gallery.generations.test_calls import profile  # noqa: F401  a fixture
from tests.gallery.scripted import Scripted, pictures

MODELS = {
    "openai": "gpt-image-2.5-flare",
    "google": "gemini-nano-banana-2.1",
    "xai": "grok-imagine-image",
}
FAKES = {"openai": FakeOpenAI, "google": FakeGoogle, "xai": FakeXAI}


@pytest.fixture
def vendors(owner, settings):
    """The fakes of three vendors by name, each with a connection of the owner's."""
    with ExitStack() as stack:
        fakes = {slug: stack.enter_context(fake()) for slug, fake in FAKES.items()}
        settings.ALLOWED_PRIVATE_HOSTS = [host for fake in fakes.values() for host in fake.allowed]
        for slug, fake in fakes.items():
            made = ConnectionProfile(owner=owner, name=slug, provider=slug, base_url=fake.url)
            made.api_key = "sk-test-0123456789abcdef"
            made.save()
        yield fakes


def pairs_of(owner, *slugs):
    mine = ConnectionProfile.objects.owned_by(owner)
    return [(mine.get(provider=slug), MODELS[slug]) for slug in slugs]


def compare(owner, *slugs, key=None, **wish):
    pairs = pairs_of(owner, *slugs)
    asked = generation.Wish(profile=pairs[0][0], **({"prompt": "a red panda under a lamp"} | wish))
    return comparisons.submit(owner, asked, pairs, idempotency_key=key)


def run(comparison):
    for made in Generation.objects.filter(column__comparison=comparison, status="queued"):
        for call in made.calls.all():
            calls.run(call.pk)
    return fetched(comparison)


def fetched(comparison):
    rows = Comparison.objects.prefetch_related(*columns.READ, "columns__generations__calls")
    return rows.get(pk=comparison.pk)


def made_by(comparison, slug) -> Generation:
    return next(row.generation for row in fetched(comparison).columns.all() if row.provider == slug)


# --- Three vendors ----------------------------------------------------------------------------------


def test_three_vendors_get_the_same_prompt_once_each(owner, vendors):
    done = run(compare(owner, "openai", "google", "xai"))
    assert [row.generation.status for row in done.columns.all()] == ["done"] * 3
    assert {slug: fake.posts for slug, fake in vendors.items()} == dict.fromkeys(FAKES, 1)
    assert vendors["openai"].last.json["prompt"] == vendors["xai"].last.json["prompt"]


def test_a_refusal_fills_its_column_and_the_others_go_on(owner, vendors):
    vendors["google"].script("image_safety")
    done = run(compare(owner, "openai", "google", "xai"))
    assert [row.generation.status for row in done.columns.all()] == ["done", "refused", "done"]
    assert columns.read(done)[1].card.sentence


def test_the_sum_is_what_the_vendors_bill(owner, vendors):
    done = run(compare(owner, "openai", "google", "xai"))
    openai, google, xai = (row.generation for row in done.columns.all())
    used = openai.calls.get().usage
    tokens = Decimal(used["output_tokens"]) * 30 + Decimal(used["input_tokens"]) * 5  # $ for a million
    assert openai.cost_usd == (tokens / 1_000_000).quantize(Decimal("0.000001"))
    assert xai.cost_usd == Decimal(TICKS["grok-imagine-image"]["1k"] * CENT) / 10**10
    bill = columns.bill(done)
    assert google.cost_usd > 0
    assert bill.usd == openai.cost_usd + google.cost_usd + xai.cost_usd
    assert (bill.to_come, bill.is_known) == (0, True)


def test_a_model_that_cannot_be_asked_has_its_sentence_in_its_column(owner, vendors):
    ConnectionProfile.objects.filter(provider="google").update(sealed_key="")
    done = run(compare(owner, "openai", "google"))
    first, second = done.columns.all()
    assert first.generation.status == "done"
    assert (second.generation, second.error_code) == (None, "auth")
    assert "no key yet" in second.error_message
    assert vendors["google"].posts == 0


def test_where_nobody_can_be_asked_nothing_is_left_behind(owner, vendors):
    with pytest.raises(InvalidRequest, match="Write what"):
        compare(owner, "openai", "google", prompt=" ")
    assert not Comparison.objects.exists()
    assert not Generation.objects.exists()


def test_limits_of_a_model_change_only_its_own_column(owner, vendors):
    asked = compare(owner, "openai", "xai", size="1536x1024", quality="high", background="transparent")
    openai, xai = asked.columns.all()
    assert openai.generation.params["size"] == "1536x1024"
    assert openai.notes == []
    assert xai.generation.params["aspect_ratio"] == "3:2"
    assert "size" not in xai.generation.params
    assert any("quality" in note for note in xai.said)
    assert any("background" in note for note in xai.said)


def test_what_was_changed_is_read_in_another_language_than_it_was_asked_in(owner, vendors):
    with translation.override("de"):
        asked = compare(owner, "openai", "xai", background="transparent", seed=7)
        german = asked.columns.last().said
    english = asked.columns.last().said
    assert any(note.endswith("takes no seed. It is left out.") for note in english)
    assert not set(english) & set(german)


def test_what_earlier_versions_kept_is_shown_as_it_stands():
    assert ComparisonColumn(notes=["Grok macht höchstens 4."]).said == ["Grok macht höchstens 4."]


def with_own(owner, slugs, own, key=None, **wish):
    pairs = pairs_of(owner, *slugs)
    asked = generation.Wish(profile=pairs[0][0], **({"prompt": "a red panda"} | wish))
    return comparisons.submit(owner, asked, pairs, own=own, idempotency_key=key)


def test_a_model_gets_what_was_chosen_for_it_alone(owner, vendors):
    own = [{}, {"aspect_ratio": "1:1", "resolution": "2k"}]
    asked = with_own(owner, ["openai", "xai"], own, size="1536x1024", quality="low")
    openai, xai = asked.columns.all()
    assert (openai.generation.params["size"], openai.generation.params["quality"]) == ("1536x1024", "low")
    sent = xai.generation.params
    assert (sent["aspect_ratio"], sent["resolution"]) == ("1:1", "2k")
    run(asked)
    assert vendors["xai"].last.json["resolution"] == "2k"


@pytest.mark.parametrize(
    ("own", "field", "sentence"),
    [
        ({"background": "transparent"}, "background", "Grok Imagine Image has no setting “background”."),
        ({"resolution": "9k"}, "resolution", "Resolution must be one of 1k, 2k."),
    ],
)
def test_what_a_model_does_not_take_for_itself_fails_its_column_alone(owner, vendors, own, field, sentence):
    openai, xai = with_own(owner, ["openai", "xai"], [{}, own]).columns.all()
    assert (openai.generation.status, xai.generation) == ("queued", None)
    assert sentence in xai.error_message


def test_the_same_key_with_other_settings_of_one_model_is_told(owner, vendors):
    with_own(owner, ["openai", "xai"], [{}, {"resolution": "2k"}], key="k")
    with_own(owner, ["openai", "xai"], [{}, {"resolution": "2k"}], key="k")
    with pytest.raises(generation.IdempotencyConflict):
        with_own(owner, ["openai", "xai"], [{}, {"resolution": "1k"}], key="k")
    assert Comparison.objects.count() == 1


def test_a_budget_that_runs_out_stops_only_what_does_not_fit(owner, vendors):
    owner.monthly_budget_usd = Decimal("0.03")
    owner.save()
    asked = compare(owner, "xai", "google")
    first, second = asked.columns.all()
    assert first.generation is not None
    assert second.error_code == "budget_exceeded"
    assert vendors["google"].posts == 0


# --- Asked twice, asked wrongly ---------------------------------------------------------------------


def test_the_same_key_makes_one_comparison(owner, vendors):
    first = compare(owner, "openai", "xai", key="k")
    assert compare(owner, "openai", "xai", key="k") == first
    assert Generation.objects.count() == 2
    with pytest.raises(generation.IdempotencyConflict):
        compare(owner, "openai", "google", key="k")


@pytest.mark.parametrize(
    ("slugs", "words"),
    [(["openai"], "two to 6 models, not 1"), (["openai"] * 7, "not 7"), (["xai", "xai"], "named twice")],
)
def test_two_to_six_different_models_are_compared(owner, vendors, slugs, words):
    with pytest.raises(InvalidRequest, match=words):
        compare(owner, *slugs)
    assert not Comparison.objects.exists()


# --- Keeping ----------------------------------------------------------------------------------------


@pytest.fixture
def two(profile):
    """A comparison of two models of the scripted provider, that has ended; a picture each."""
    owner, tags = profile.owner, tuple(tagging.resolve(profile.owner, ["character:Mirel"]))
    asked = generation.Wish(profile=profile, prompt="a red panda", tags=tags)
    return run(comparisons.submit(owner, asked, [(profile, "scripted-1"), (profile, "scripted-2")]))


def results_of(comparison):
    return [row.generation for row in comparison.columns.all()]


def lie(*made):
    return [list(each.images.order_by("pk").values_list("stack", "tops_stack")) for each in made]


def test_what_is_kept_lies_over_the_rest_and_stands_for_it(two):
    first, second = results_of(two)
    comparisons.keep(two, first)
    image, name = first.images.get(), Image.objects.earliest("pk").pk
    assert lie(first, second) == [[(name, True)], [(name, None)]]
    shown = page(search(two.owner, ""), folded=True)
    assert ([each.pk for each in shown.images], shown.sizes) == ([image.pk], {image.pk: 2})


def test_a_search_that_lacks_what_is_kept_shows_the_first_that_matches(two):
    first, second = results_of(two)
    comparisons.keep(two, first)
    other = second.images.get()
    found = page(search(two.owner, f"id:{other.public_id}"), folded=True)
    assert [each.pk for each in found.images] == [other.pk]


def test_another_can_be_kept_instead_and_none_again(two):
    first, second = results_of(two)
    before = lie(first, second)
    comparisons.keep(two, first)
    comparisons.keep(two, second)
    two.refresh_from_db()
    assert two.kept == second
    assert [tops for column in lie(first, second) for _, tops in column] == [None, True]
    comparisons.keep_none(two)
    two.refresh_from_db()
    assert (two.kept, lie(first, second)) == (None, before)


def test_stacks_that_were_rearranged_meanwhile_stay_so(two):
    first, second = results_of(two)
    comparisons.keep(two, first)
    Image.objects.update(stack=None)
    comparisons.keep_none(two)
    assert lie(first, second) == [[(None, None)], [(None, None)]]


def test_what_comes_late_lies_below_what_is_kept(profile):
    asked = generation.Wish(profile=profile, prompt="a red panda")
    pairs = [(profile, "scripted-1"), (profile, "scripted-2")]
    made = comparisons.submit(profile.owner, asked, pairs)
    first, second = results_of(fetched(made))
    calls.run(first.calls.get().pk)
    kept = fetched(made).columns.all()[0].generation
    comparisons.keep(made, kept)
    run(made)
    name = first.images.get().pk
    assert lie(first, second) == [[(name, True)], [(name, None)]]
    made.refresh_from_db()
    comparisons.keep_none(made)
    assert lie(second) == [[(None, None)]]


def test_nothing_is_kept_before_a_picture_is_there(profile):
    asked = generation.Wish(profile=profile, prompt="a red panda")
    made = comparisons.submit(profile.owner, asked, [(profile, "scripted-1"), (profile, "scripted-2")])
    with pytest.raises(InvalidRequest, match="no picture to keep"):
        comparisons.keep(made, results_of(fetched(made))[0])


def test_a_column_shows_what_was_tried_again_and_counts_both(profile):
    Scripted.script = [Refused("No.", cost_usd=Decimal("0.02")), pictures(1)]
    asked = generation.Wish(profile=profile, prompt="a red panda")
    pairs = [(profile, "scripted-1"), (profile, "scripted-2")]
    made = run(comparisons.submit(profile.owner, asked, pairs))
    refused = results_of(made)[0]
    fresh = generation.retry(refused)
    done = run(made)
    assert results_of(done)[0] == fresh
    assert columns.bill(done).usd == Decimal("0.12")  # 0.02 for nothing, 0.05 each


# --- Over time --------------------------------------------------------------------------------------


def test_a_character_knows_which_model_was_kept_how_often(two, profile, other):
    tag = tagging.resolve(two.owner, ["character:Mirel"])[0]
    assert comparisons.records_of(tag) == []
    comparisons.keep(two, results_of(two)[1])
    best, rest = comparisons.records_of(tag)
    assert (best.model, best.kept, best.tried, best.each) == ("scripted-2", 1, 1, Decimal("0.05"))
    assert (rest.model, rest.kept, rest.tried) == ("scripted-1", 0, 1)
    assert comparisons.records_of(tagging.resolve(other, ["character:Mirel"])[0]) == []


# --- Fitting ----------------------------------------------------------------------------------------


def fitted(owner, slug, **wish):
    made = ConnectionProfile(owner=owner, name=slug, provider=slug)
    asked = generation.Wish(profile=made, **({"prompt": "a red panda"} | wish))
    return fit_wish(asked, offers.of(made, MODELS[slug]))


def test_a_wish_without_choices_leaves_them_to_each_model(owner):
    wish, notes = fitted(owner, "openai")
    assert (wish.size, wish.quality, wish.output_format, wish.n, wish.options) == (None, None, None, 1, {})
    assert notes == []


def test_options_of_another_vendor_are_left_out_by_name(owner):
    wish, notes = fitted(owner, "xai", options={"moderation": "low"}, seed=7)
    assert (wish.options, wish.seed) == ({}, None)
    assert any("“moderation”" in note for note in notes)
    assert any("takes no seed" in note for note in notes)


def test_more_pictures_than_a_model_makes_are_fewer_there(owner):
    wish, notes = fitted(owner, "openai", n=50)
    assert wish.n < 50
    assert any("not 50" in note for note in notes)
