"""A grid of pictures: ordered, sent a few at a time, each cell once, whatever stops the worker."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gallery import batches, tagging, vendors
from gallery.batches import feeding
from gallery.files import storage
from gallery.generations import calls, generation, inputs, masks
from gallery.generations.generation import IdempotencyConflict, Wish
from gallery.models import (
    Batch,
    BatchCell,
    ConnectionProfile,
    Generation,
    GenerationCall,
    Image,
    QueuedTask,
)
from gallery.prompting import fragments, placeholders, presets
from gallery.screens import matrix
from gallery.work import housekeeping, jobs
from providers import registry
from providers.errors import AuthError, DeadlineExceeded, InvalidRequest, ProviderError, Refused
from tests.conftest import picture_bytes
from tests.fake_vendors.openai import FakeOpenAI
from tests.gallery.scripted import Scripted

pytestmark = [pytest.mark.thorough, pytest.mark.engines]

State = Batch.State
THREE_BY_FOUR = "a fox in {spring|summer|autumn}, {dawn|noon|dusk|night}"


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def order(profile, prompt=THREE_BY_FOUR, *, wish=None, **lists):
    return batches.Order(wish=Wish(profile=profile, prompt=prompt, **(wish or {})), **lists)


def begin(profile, prompt=THREE_BY_FOUR, **lists):
    return batches.create(profile.owner, order(profile, prompt, **lists))


def work(batch, *, rounds=100):
    """What workers do, one task after another, for so many tasks."""
    for _ in range(rounds):
        row = QueuedTask.objects.filter(run_after__lte=timezone.now()).order_by("id").first()
        if row is None:
            break
        row.delete()
        if row.path.endswith("feed_batch"):
            batches.feed(*row.args)
        elif row.path.endswith("run_call"):
            calls.run(*row.args)
    batch.refresh_from_db()
    return batch


def sent():
    return [request.prompt for request in Scripted.sent]


def grid(batch):
    return matrix.grid_of(batch, matrix.cells_of(batch))


# --- What is ordered ------------------------------------------------------------------------------


def test_a_grid_is_made_cell_by_cell(profile):
    mirel = tagging.resolve(profile.owner, ["character:Mirel"])[0]
    batch = batches.create(profile.owner, order(profile, wish={"tags": (mirel,), "seed": 7}))
    assert (batch.size, batch.estimated_cost_usd, Generation.objects.count()) == (12, Decimal("1.20"), 0)
    assert work(batch).state == State.DONE
    assert len(set(sent())) == len(sent()) == 12
    assert {request.seed for request in Scripted.sent} == {7}
    assert Image.objects.filter(tags=mirel).count() == 12
    shown = grid(batch)
    assert shown.columns == ["dawn", "noon", "dusk", "night"]
    assert [head for head, _ in shown.rows] == ["spring", "summer", "autumn"]
    assert (shown.counts, shown.pictures, shown.usd) == ({"done": 12}, 12, Decimal("0.60"))


def test_no_more_than_four_are_under_way(profile):
    batch = begin(profile)
    batches.feed(batch.pk)
    batches.feed(batch.pk)
    assert Generation.objects.count() == feeding.AT_ONCE == 4
    calls.run(GenerationCall.objects.first().pk)
    batches.feed(batch.pk)
    assert Generation.objects.count() == 5


def test_lists_words_and_looks_become_axes(profile, owner):
    winter, summer = tagging.resolve(owner, ['look:"Mirel:winter cloak"', "look:Mirel:summer"])
    sky = placeholders.create(owner, name="sky", values=["stars", "rain"])
    made = order(
        profile, "@Mirel {} under {{sky}}", looks=(winter, summer), words=("smiling",), placeholders=(sky,)
    )
    laid = batches.lay_out(made)
    assert [(axis.kind, len(axis.values)) for axis in laid.axes] == [
        ("placeholder", 2),
        ("looks", 2),
        ("words", 1),
    ]
    assert laid.cells[0].prompt == '@Mirel:"winter cloak" smiling under stars'
    assert laid.cells[3].prompt == '@Mirel:"summer" smiling under rain'
    assert (laid.cells[3].row, laid.cells[3].column) == ("rain · summer", "smiling")


def test_looks_reach_the_vendor_with_their_words_and_the_picture_with_its_tags(profile, owner):
    cloak = tagging.resolve(owner, ['look:"Mirel:winter cloak"'])[0]
    fragments.create(cloak, name="Body", text="grey wool")
    work(begin(profile, "@Mirel at the {sea|well}", looks=(cloak,)))
    assert len(sent()) == 2
    assert all("grey wool" in prompt for prompt in sent())
    assert Image.objects.filter(tags=cloak).count() == 2


def test_shapes_are_those_of_the_model(owner):
    demo = ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", options={"delay": 0})
    laid = batches.lay_out(order(demo, "a fox", shapes=("1024x1024", "1024x1536", "1024x1024")))
    assert [(cell.row, cell.shape) for cell in laid.cells] == [
        ("1024 × 1024", {"size": "1024x1024"}), ("1024 × 1536", {"size": "1024x1536"}),
    ]  # fmt: skip
    with pytest.raises(InvalidRequest, match="17:3"):
        batches.lay_out(order(demo, "a fox", shapes=("1024x1024", "17:3")))


def test_whole_prompts_go_out_as_they_are_typed(profile):
    laid = batches.lay_out(order(profile, "", prompts=("a {red|blue} fox", "a cat"), words=("sly",)))
    assert [cell.prompt for cell in laid.cells] == ["a {red|blue} fox, sly", "a cat, sly"]


@pytest.mark.parametrize(
    ("prompt", "lists", "sentence"),
    [
        ("a fox", {}, "Nothing varies here"),
        (" ", {"words": ("a", "b")}, "Write what the pictures should show"),
        ("{" + "|".join(map(str, range(201))) + "}", {}, "201 pictures. At most 200"),
        ("{a|b} fox", {"words": tuple(map(str, range(101)))}, "2 × 101 = 202"),
    ],
)
def test_what_cannot_be_a_grid_is_refused_with_a_sentence(profile, prompt, lists, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        begin(profile, prompt, **lists)
    assert not Batch.objects.exists()


def test_looks_want_somebody_to_wear_them(profile, owner):
    look = tagging.resolve(owner, ["look:Mirel:cloak"])[0]
    for prompt in ("a fox", "@Mirel:cloak waits", "{@Mirel|nobody} waits"):
        with pytest.raises(InvalidRequest, match="Write @Mirel, without a look"):
            batches.lay_out(order(profile, prompt, looks=(look,)))


def test_a_placeholder_that_is_not_in_the_prompt_is_refused(profile, owner):
    sky = placeholders.create(owner, name="sky", values=["stars", "rain"])
    with pytest.raises(InvalidRequest, match="no “{{sky}}” in it"):
        batches.lay_out(order(profile, "a {b|c}", placeholders=(sky,)))


def test_one_wrong_cell_is_named_and_nothing_is_sent(owner):
    demo = ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", options={"delay": 0})
    most = vendors.provider_for(demo).model_info("demo-painter").capabilities.max_prompt
    if most is None:
        pytest.skip("the demo model takes prompts of any length")
    with pytest.raises(InvalidRequest, match="^x"):
        begin(demo, "{a|" + "x" * (most + 1) + "}")
    assert not Batch.objects.exists()


def test_the_sampled_price_is_that_of_all(profile):
    made = order(profile, "{" + "|".join(map(str, range(150))) + "}")
    assert batches.lay_out(made, in_full=False).usd == batches.lay_out(made).usd == Decimal("15.00")


def test_laying_out_takes_as_many_queries_for_looks_of_many_cells_as_of_few(profile, owner):
    looks = tuple(tagging.resolve(owner, [f"look:Mirel:l{number}" for number in range(8)]))

    def queries(n):
        made = order(profile, "@Mirel", looks=looks[:n])
        with CaptureQueriesContext(connection) as seen:
            list(batches.orders._dressed(made, [("@Mirel", {look.pk}) for look in looks[:n]]))
        return len(seen)

    assert queries(2) == queries(8)


def test_the_same_key_begins_one_batch(profile, owner):
    first = batches.create(owner, order(profile), idempotency_key="k")
    assert batches.create(owner, order(profile), idempotency_key="k") == first
    with pytest.raises(IdempotencyConflict):
        batches.create(owner, order(profile, "{a|b}"), idempotency_key="k")
    assert Batch.objects.count() == 1


# --- Stops and restarts ---------------------------------------------------------------------------


class Killed(BaseException):
    """The worker is gone, in the midst of what it did."""


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def openai(owner, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
    profile = ConnectionProfile(
        owner=owner,
        name="OpenAI",
        provider="openai",
        base_url=vendor.url,
        default_model="gpt-image-2.5-flare",
    )
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    return profile


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_grid_is_finished_after_a_kill_and_no_cell_is_sent_twice(openai, vendor, monkeypatch, moment):
    batch = begin(openai)
    work(batch, rounds=6)
    submit, before = generation.submit, Generation.objects.count()

    def killed(*args, **kwargs):
        if moment == "after":
            submit(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(generation, "submit", killed)
    with pytest.raises(Killed):
        work(batch)
    monkeypatch.setattr(generation, "submit", submit)
    assert before <= Generation.objects.count() == batch.cells.filter(state="submitted").count() < 12
    QueuedTask.objects.filter(path__endswith="feed_batch").delete()  # the wake-up is lost with the worker
    Batch.objects.update(begun_at=timezone.now() - 2 * feeding.WAKE_AFTER)
    GenerationCall.objects.filter(state="queued").update(run_after=timezone.now())
    for _ in range(3):
        batches.recover()
        work(batch)
    assert batch.state == State.DONE
    asked = [request.json["prompt"] for request in vendor.requests if request.method == "POST"]
    assert len(asked) == len(set(asked)) == 12
    assert Image.objects.count() == 12


def test_housekeeping_goes_on_with_what_nobody_was_woken_for(profile):
    batch = begin(profile)
    QueuedTask.objects.all().delete()
    batches.recover()
    assert not QueuedTask.objects.exists()  # it was only just begun
    Batch.objects.update(begun_at=timezone.now() - 2 * feeding.WAKE_AFTER)
    housekeeping.keep_house()
    housekeeping.keep_house()
    assert QueuedTask.objects.filter(path="gallery.tasks.feed_batch", args=[batch.pk]).count() == 1
    assert work(batch).state == State.DONE


def test_a_batch_that_stops_its_worker_is_paused(profile):
    batch = begin(profile)
    batches.give_up(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, "three times" in batch.reason) == (State.PAUSED, True)


# --- Paused, stopped, tried again -----------------------------------------------------------------


def test_a_paused_grid_sends_nothing_more_until_it_goes_on(profile):
    batch = begin(profile)
    work(batch, rounds=1)
    batches.pause(batch)
    work(batch)
    assert (batch.state, len(sent())) == (State.PAUSED, 4)
    batches.resume(batch)
    assert (work(batch).state, len(sent())) == (State.DONE, 12)


def test_a_stopped_grid_calls_back_what_waits(profile):
    batch = begin(profile)
    work(batch, rounds=1)
    batches.cancel(batch)
    work(batch)
    assert (batch.state, sent()) == (State.CANCELLED, [])
    assert grid(batch).counts == {"failed": 4, "planned": 8}
    batches.pause(batch)
    assert batch.state == State.CANCELLED
    assert batches.retry(batch) == 4
    assert (work(batch).state, len(sent())) == (State.DONE, 12)


def test_what_went_wrong_is_tried_again_and_counted(profile):
    Scripted.script = [Refused("Declined.", cost_usd=Decimal("0.02"))]
    batch = begin(profile, "{a|b|c}")
    work(batch)
    shown = grid(batch)
    assert (batch.state, shown.counts, shown.again) == (State.DONE, {"failed": 1, "done": 2}, 1)
    assert batches.retry(batch) == 1
    assert grid(batch).usd == shown.usd == Decimal("0.12")
    assert work(batch).state == State.DONE
    shown = grid(batch)
    assert (shown.counts, shown.usd, shown.again) == ({"done": 3}, Decimal("0.17"), 0)
    assert batches.retry(batch) == 0
    assert shown.usd == sum(made.cost_usd for made in Generation.objects.all())


def test_what_may_have_been_charged_is_tried_again_by_itself_alone(profile):
    Scripted.script = [DeadlineExceeded("No answer in time.")]
    batch = work(begin(profile, "{a|b}"))
    unsure = Generation.objects.get(status="unknown")
    assert (grid(batch).counts, grid(batch).again, batches.retry(batch)) == ({"failed": 1, "done": 1}, 0, 0)
    jobs.retry_once(unsure)
    work(batch)
    assert (grid(batch).counts, len(sent())) == ({"done": 2}, 3)


def test_those_that_may_have_been_charged_are_offered_again_together(profile):
    Scripted.script = [DeadlineExceeded("No answer in time."), Refused("Declined.")]
    batch = work(begin(profile, "{a|b|c}"))
    assert (grid(batch).again, grid(batch).unsure) == (1, 1)
    assert batches.retry(batch, unsure=True) == 1
    work(batch)
    assert (grid(batch).again, grid(batch).unsure, sent()) == (1, 0, ["a", "b", "c", "a"])
    first = Generation.objects.get(status="unknown")
    assert (batch.cells.first().generation.retry_of, first.may_have_been_charged) == (first, True)
    assert batches.retry(batch, unsure=True) == 0


def test_a_refused_key_pauses_the_grid_before_all_cells_end_like_that(profile):
    Scripted.script = [AuthError("The key was refused.")]
    batch = work(begin(profile))
    assert (batch.state, batch.reason) == (State.PAUSED, "The key was refused.")
    assert batch.cells.filter(state="planned").count() == 8
    ConnectionProfile.objects.update(check_code="", check_message="")  # another key
    assert batches.retry(batch) == 4
    assert work(batch).state == State.DONE
    assert grid(batch).counts == {"done": 12}


def test_a_cell_that_cannot_be_sent_says_why_and_keeps_no_other_up(profile, monkeypatch):
    real = generation.submit

    def submit(owner, wish, **key):
        if "noon" in wish.prompt:
            raise InvalidRequest("Not noon.")
        return real(owner, wish, **key)

    monkeypatch.setattr(generation, "submit", submit)
    batch = work(begin(profile))
    assert (batch.state, grid(batch).counts) == (State.DONE, {"done": 9, "failed": 3})
    assert set(batch.cells.filter(state="failed").values_list("error", flat=True)) == {"Not noon."}


# --- Money ----------------------------------------------------------------------------------------


def test_a_grid_beyond_the_limit_says_how_many_fit(profile, owner):
    owner.monthly_budget_usd = Decimal("0.95")
    owner.save()
    with pytest.raises(
        ProviderError, match=r"about \$1.20, and \$0.95 of your .* is left, .* for 9 of 12"
    ) as told:
        begin(profile)
    assert told.value.code == "budget_exceeded"
    assert not Batch.objects.exists()


def test_a_budget_that_runs_out_in_the_midst_pauses_and_loses_nothing(profile, owner):
    batch = begin(profile)
    owner.monthly_budget_usd = Decimal("0.50")
    owner.save()
    work(batch)
    assert batch.state == State.PAUSED
    assert "limit" in batch.reason
    done = grid(batch).counts["done"]
    assert 0 < done < 12
    owner.monthly_budget_usd = Decimal("5.00")
    owner.save()
    batches.resume(batch)
    assert (work(batch).state, batch.reason, len(sent())) == (State.DONE, "", 12)


def test_a_full_library_pauses_the_grid(profile, settings):
    batch = begin(profile)
    settings.MAX_IMAGES_PER_USER = 2
    work(batch)
    assert batch.state == State.PAUSED
    assert "the most it may" in batch.reason


def test_too_much_waiting_makes_the_grid_wait_too(profile, settings):
    settings.MAX_QUEUED_PER_USER = 2
    batch = begin(profile)
    batches.feed(batch.pk)
    assert Generation.objects.count() == 2
    later = QueuedTask.objects.filter(path__endswith="feed_batch", run_after__gt=timezone.now())
    assert later.count() == 1
    batch.refresh_from_db()
    assert batch.state == State.RUNNING


def test_so_many_grids_of_one_person_run_at_once(profile, settings):
    settings.MAX_JOBS_PER_USER = 1
    begin(profile, "{a|b}")
    with pytest.raises(ProviderError, match="batches waiting or under way"):
        begin(profile, "{c|d}")


# --- What goes along ------------------------------------------------------------------------------


def mask_for(image):
    return masks.clean(picture_bytes("white", (image.width, image.height)), image)


def test_a_mask_goes_along_with_each_cell_and_belongs_to_the_batch(openai, vendor, stored):
    wish = {"references": (stored,), "mask": mask_for(stored)}
    batch = begin(openai, "a {red|blue} cloak", wish=wish)
    key = batch.recipe["mask"]
    assert list(inputs.mask_keys()) == [key]
    assert inputs.masks_among([key, "masks/1/other.png"]) == {key}
    assert grid(work(batch)).counts == {"done": 2}
    assert list(inputs.mask_keys()) == [key]
    for request in vendor.requests:
        assert [part.name for part in request.parts if part.file_name] == ["image", "mask"]


def test_a_mask_whose_file_is_lost_fails_its_cells(openai, vendor, stored):
    wish = {"references": (stored,), "mask": mask_for(stored)}
    batch = begin(openai, "{a|b}", wish=wish)
    storage.delete(batch.recipe["mask"])
    assert grid(work(batch)).counts == {"failed": 2}
    assert "missing from storage" in batch.cells.first().error
    assert vendor.requests == []


def made(profile):
    """A generation that is done."""
    row = generation.submit(profile.owner, Wish(profile=profile, prompt="a fox"))
    calls.run(row.calls.get().pk)
    QueuedTask.objects.all().delete()
    return row


def test_a_grid_goes_on_from_a_turn_of_a_chat(openai, vendor):
    first = made(openai)
    batch = begin(openai, "now in the {snow|rain}", wish={"follows": first})
    assert grid(work(batch)).counts == {"done": 2}
    with storage.open(first.results.get().image.storage_key) as file:
        drawn = file.read()
    for request in vendor.requests[1:]:
        assert [part.content for part in request.parts if part.file_name] == [drawn]
    assert {cell.generation.follows for cell in batch.cells.all()} == {first}


def test_a_turn_that_was_deleted_fails_its_cells(openai):
    first = made(openai)
    batch = begin(openai, "{a|b}", wish={"follows": first})
    first.delete()
    work(batch)
    assert grid(batch).counts == {"failed": 2}
    assert "turn that this goes on from was deleted" in batch.cells.first().error


def test_a_style_goes_around_the_prompt_of_each_cell_and_what_a_preset_lost_is_told(profile, owner):
    style = presets.create(owner, name="Oil", kind="style", values={"words": "oil painting of {prompt}"})
    batch = begin(profile, "a {red|blue} fox", wish={"preset": style, "notes": ("Scripted has no style.",)})
    work(batch)
    assert sent() == ["oil painting of a red fox", "oil painting of a blue fox"]
    receipts = Generation.objects.values_list("receipt", flat=True)
    assert all(receipt["warnings"] == ["Scripted has no style."] for receipt in receipts)


def test_a_style_that_was_deleted_fails_its_cells(profile, owner):
    style = presets.create(owner, name="Oil", kind="style", values={"words": "in oil"})
    batch = begin(profile, "{a|b}", wish={"preset": style})
    style.delete()
    work(batch)
    assert (grid(batch).counts, sent()) == ({"failed": 2}, [])
    assert "style that this was begun with was deleted" in batch.cells.first().error


# --- What was deleted meanwhile -------------------------------------------------------------------


def test_a_deleted_connection_pauses_the_grid(profile):
    batch = begin(profile)
    profile.delete()
    work(batch)
    assert (batch.state, "connection" in batch.reason) == (State.PAUSED, True)


def test_a_deleted_picture_that_should_go_along_fails_its_cells(openai, vendor, stored):
    batch = begin(openai, "{a|b}", wish={"references": (stored,), "mode": "edit"})
    Image.objects.update(trashed_at=timezone.now())
    work(batch)
    assert grid(batch).counts == {"failed": 2}
    assert "was deleted" in BatchCell.objects.first().error
    assert vendor.requests == []


def test_a_look_whose_character_was_deleted_is_not_sent_as_it_is_written(profile, owner):
    cloak = tagging.resolve(owner, ['look:"Mirel:winter cloak"'])[0]
    batch = begin(profile, "@Mirel at the {sea|well}", looks=(cloak,))
    tagging.delete(cloak.parent)
    work(batch)
    assert (grid(batch).counts, sent()) == ({"failed": 2}, [])
    assert batch.cells.first().error.startswith("A look that this was begun with was deleted")


def test_merged_looks_go_on_as_the_look_they_became(profile, owner):
    old, new = tagging.resolve(owner, ["look:Mirel:cloak", "look:Mirel:cape"])
    batch = begin(profile, "@Mirel at the {sea|well}", looks=(old,))
    tagging.merge(old, new)
    work(batch)
    assert Image.objects.filter(tags=new).count() == 2


def test_merged_tags_are_the_tag_they_became(profile, owner):
    old, new = tagging.resolve(owner, ["old", "new"])
    batch = begin(profile, "{a|b}", wish={"tags": (old,)})
    tagging.merge(old, new)
    work(batch)
    assert Image.objects.filter(tags=new).count() == 2
