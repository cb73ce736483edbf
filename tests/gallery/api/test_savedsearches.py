from gallery import tagging
from gallery.models import SavedSearch
from tests.gallery.api.conftest import is_problem
from tests.gallery.search.test_search import add_image


def test_searches_are_saved_listed_changed_and_deleted(api):
    made = api.post("/saved-searches", {"name": "Wet", "query": "tag:rain"})
    assert made.status_code == 201
    saved = made.json()
    assert (saved["name"], saved["query"], saved["sort"], saved["pinned"]) == (
        "Wet",
        "tag:rain",
        "newest",
        True,
    )
    api.post("/saved-searches", {"name": "Best", "sort": "rating"})

    first = api.get("/saved-searches", limit=1).json()
    second = api.get("/saved-searches", limit=1, after=first["next"]).json()
    assert [item["name"] for item in first["items"] + second["items"]] == ["Best", "Wet"]

    changed = api.patch(f"/saved-searches/{saved['id']}", {"name": "Rainy", "sort": "cost", "pinned": False})
    assert changed.json() == saved | {"name": "Rainy", "sort": "cost", "pinned": False}
    assert api.delete(f"/saved-searches/{saved['id']}").status_code == 204
    assert SavedSearch.objects.get().name == "Best"


def test_what_cannot_be_saved_is_a_problem_with_its_field(api):
    api.post("/saved-searches", {"name": "Wet"})
    is_problem(api.post("/saved-searches", {"name": "WET"}), 422, "name")
    is_problem(api.post("/saved-searches", {"name": "x" * 81}), 422, "name")
    is_problem(api.post("/saved-searches", {"name": "\u200b"}), 422, "name")
    is_problem(api.post("/saved-searches", {"name": "a", "sort": "size"}), 422, "sort")
    is_problem(api.post("/saved-searches", {"name": "a", "query": "x" * 2001}), 422, "query")
    is_problem(api.get("/saved-searches", after="made up"), 400, "after")


def test_saved_searches_are_their_owners_alone(api, foreign, reader):
    saved = api.post("/saved-searches", {"name": "Wet", "query": "tag:rain"}).json()
    assert foreign.get("/saved-searches").json()["items"] == []
    assert foreign.patch(f"/saved-searches/{saved['id']}", {"name": "Mine"}).status_code == 404
    assert foreign.delete(f"/saved-searches/{saved['id']}").status_code == 404
    assert foreign.post("/saved-searches", {"name": "Wet"}).status_code == 201
    assert [item["name"] for item in reader.get("/saved-searches").json()["items"]] == ["Wet"]
    assert reader.delete(f"/saved-searches/{saved['id']}").status_code == 403


def test_images_come_in_every_order(api, owner):
    images = [add_image(owner, n, title=str(n), rating=n % 3, cost_usd=n or None) for n in range(5)]
    tagging.trash(images[4:])

    def titles(**query):
        seen, after = [], ""
        while after is not None:
            answer = api.get("/images", limit=2, **query | ({"after": after} if after else {})).json()
            seen += [item["title"] for item in answer["items"]]
            after = answer["next"]
        return seen

    assert titles(sort="rating") == ["2", "1", "3", "0"]
    assert titles(sort="cost") == ["3", "2", "1", "0"]
    assert sorted(titles(sort="random")) == ["0", "1", "2", "3"]
    assert titles(q="sort:oldest", sort="cost") == ["0", "1", "2", "3"]
    assert titles(q="rating:1..2 OR cost:3") == ["3", "2", "1"]
    cursor = api.get("/images", limit=2, sort="cost").json()["next"]
    is_problem(api.get("/images", sort="rating", after=cursor), 400, "after")
    is_problem(api.get("/images", q="1", sort="cost", after=cursor), 400, "after")


def test_what_a_search_cannot_read_is_told_with_its_place(api, owner):
    add_image(owner, 1, title="snow")
    answer = api.get("/images", q="snow (is:lost").json()
    assert [item["title"] for item in answer["items"]] == ["snow"]
    assert [problem.partition(":")[0] for problem in answer["problems"]] == ["Character 6", "Character 7"]
