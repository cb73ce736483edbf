"""The queue through the API: its pause and its order."""

from gallery.models import Generation
from tests.gallery.api.conftest import is_problem


def ask(api, prompt):
    return api.post("/generations", {"prompt": prompt}).json()["id"]


def test_queue_is_paused_and_goes_on(api, profile):
    key = ask(api, "a fox")
    assert api.get("/queue").json() == {"paused": False, "waiting": [key]}
    assert api.post("/queue/pause").json() == {"paused": True, "waiting": [key]}
    assert api.get("/queue").json()["paused"] is True
    assert api.post("/queue/resume").json()["paused"] is False


def test_order_is_changed(api, profile):
    first, second, third = (ask(api, prompt) for prompt in "abc")
    moved = api.send("PUT", "/queue/order", {"generations": [third, second]})
    assert moved.json()["waiting"] == [third, second, first]


def test_what_has_begun_is_passed_over(api, profile):
    first, second = ask(api, "a"), ask(api, "b")
    Generation.objects.filter(public_id=first).update(status="running")
    assert api.send("PUT", "/queue/order", {"generations": [first, second]}).json()["waiting"] == [second]


def test_anothers_generation_is_not_there(api, foreign, reader, profile):
    key = ask(api, "a fox")
    is_problem(foreign.send("PUT", "/queue/order", {"generations": [key]}), 422, "generations")
    is_problem(api.send("PUT", "/queue/order", {"generations": []}), 422, "generations")
    assert foreign.get("/queue").json() == {"paused": False, "waiting": []}
    assert reader.post("/queue/pause").status_code == 403


def test_profile_has_a_pace(api, profile):
    where = f"/profiles/{profile.public_id}"
    saved = api.patch(where, {"max_at_once": 2, "seconds_between": 5}).json()
    assert (saved["max_at_once"], saved["seconds_between"]) == (2, 5)
    saved = api.patch(where, {"max_at_once": None, "seconds_between": None}).json()
    assert (saved["max_at_once"], saved["seconds_between"]) == (None, 5)
    is_problem(api.patch(where, {"max_at_once": 0}), 422, "max_at_once")
    is_problem(api.patch(where, {"seconds_between": 5000}), 422, "seconds_between")


def test_chat_has_a_limit_and_nothing_else_has(api):
    chat = api.post("/tags", {"kind": "chat", "name": "Salt Road"}).json()
    assert chat["monthly_budget_usd"] is None
    where = f"/tags/{chat['id']}"
    assert api.patch(where, {"monthly_budget_usd": "2.50"}).json()["monthly_budget_usd"] == "2.50"
    assert api.patch(where, {"description": "x"}).json()["monthly_budget_usd"] == "2.50"
    assert api.patch(where, {"monthly_budget_usd": None}).json()["monthly_budget_usd"] is None
    is_problem(api.patch(where, {"monthly_budget_usd": "-1"}), 422, "monthly_budget_usd")
    tag = api.post("/tags", {"kind": "character", "name": "Mirel"}).json()
    is_problem(api.patch(f"/tags/{tag['id']}", {"monthly_budget_usd": "1"}), 422, "monthly_budget_usd")
