"""`POST /images/{id}/describe`: suggestions of a model, and what they cost."""

import pytest

from gallery.models import Assist, ConnectionProfile, ImageTag
from tests.fake_vendors.base import Reply
from tests.gallery.api.conftest import is_problem


def test_description_is_suggested_and_nothing_applied(api, writer, stored):
    reply = api.post(f"/images/{stored.public_id}/describe", {})
    assert reply.status_code == 200, reply.content
    assert reply.json() == {
        "caption": "A red panda reads under a lamp.",
        "tags": [
            {"kind": "character", "name": "Mirel", "confidence": 0.9},
            {"kind": "tag", "name": "red panda", "confidence": 0.8},
            {"kind": "tag", "name": "lamp", "confidence": 1.0},
        ],
        "cost_usd": "0.00031",
        "cost_source": "computed",
    }
    assert not ImageTag.objects.exists()


def test_body_may_be_left_out(api, writer, stored):
    assert api.post(f"/images/{stored.public_id}/describe").status_code == 200


def test_default_profile_that_sees_nothing_is_passed_over(api, owner, writer, stored):
    ConnectionProfile.objects.filter(pk=writer.pk).update(is_default=False)
    ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)
    assert api.post(f"/images/{stored.public_id}/describe", {}).status_code == 200


def test_named_profile_and_model_are_used(api, writer, stored, text_vendor):
    reply = api.post(f"/images/{stored.public_id}/describe", {"profile": "openai", "model": "gpt-6.1-terra"})
    assert reply.status_code == 200
    assert text_vendor.last.json["model"] == "gpt-6.1-terra"


def test_profile_that_sees_nothing_is_named(api, owner, stored):
    ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)
    is_problem(api.post(f"/images/{stored.public_id}/describe", {}), 422, "profile")
    refused = is_problem(api.post(f"/images/{stored.public_id}/describe", {"profile": "Demo"}), 422)
    assert refused["detail"].startswith("Demo describes no pictures. OpenAI, xAI, Google, OpenRouter, Anth")
    assert refused["code"] == "invalid_request"


def test_unknown_field_and_profile_are_refused(api, writer, stored):
    path = f"/images/{stored.public_id}/describe"
    is_problem(api.post(path, {"detail": "high"}), 422, "detail")
    is_problem(api.post(path, {"profile": "nobody"}), 422, "profile")


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (Reply(401, {}, {"error": {"message": "no", "code": "invalid_api_key"}}), 422, "auth"),
        (Reply(429, {"retry-after": "7"}, {"error": {"message": "slow"}}), 429, "rate_limited"),
        (Reply(500, {}, b""), 502, "server_error"),
        ("half_body", 502, "network"),
        ("html", 502, "bad_response"),
    ],
)
def test_vendors_trouble_is_told_apart(api, writer, stored, text_vendor, step, status, code):
    text_vendor.script(step)
    problem = is_problem(api.post(f"/images/{stored.public_id}/describe", {}), status)
    assert problem["code"] == code
    assert (text_vendor.posts, Assist.objects.get().error_code) == (1, code)


def test_limit_is_kept(api, owner, writer, stored, text_vendor):
    owner.monthly_budget_usd = 0
    owner.save()
    assert is_problem(api.post(f"/images/{stored.public_id}/describe", {}), 422)["code"] == "budget_exceeded"
    assert text_vendor.posts == 0


def test_only_the_owner_with_a_token_that_may_write_describes(
    api, reader, foreign, stranger, writer, stored, text_vendor
):
    path = f"/images/{stored.public_id}/describe"
    is_problem(foreign.post(path, {}), 404)
    is_problem(stranger.post(path, {}), 401)
    is_problem(reader.post(path, {}), 403)
    assert text_vendor.posts == 0
