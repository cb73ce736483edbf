from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from providers import errors, faults, spooling


@pytest.fixture
def answer(tmp_path):
    """A function that makes a spooled answer."""

    def make(status=429, body=b"", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return spooling.write_answer(tmp_path / "x.answer", status=status, headers=named, url="", body=[body])

    return make


def test_date_to_wait_for_becomes_a_time_to_wait(answer):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert timedelta(seconds=55) < faults.retry_after(answer(retry_after=date)) <= timedelta(seconds=60)


@pytest.mark.parametrize("said", ["", "soon", "nan", "Mon, 99 Foo 2026"])
def test_time_that_cannot_be_read_is_none(answer, said):
    assert faults.retry_after(answer(retry_after=said)) is None


@pytest.mark.parametrize(
    ("said", "seconds"), [("-5", 1), ("inf", 900), ("1e9", 900), ("Mon, 01 Jan 2024 00:00:00 GMT", 1)]
)
def test_absurd_time_is_bounded(answer, said, seconds):
    assert faults.retry_after(answer(retry_after=said)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "No."}}', "No."),
        (b'{"error": "No."}', "No."),
        (b'{"message": "No."}', "No."),
        (b'{"error": {"message": 7}}', ""),
        (b"[1]", ""),
        (b"  <html>No.</html>", ""),
        (b"No.", "No."),
        (b"[" * 100_000, "[" * 500),
        (b"", ""),
    ],
)
def test_vendors_words_are_found(answer, body, words):
    assert faults.words_of(answer(body=body)) == words


@pytest.mark.parametrize(
    ("status", "kind", "may_cost"),
    [
        (302, errors.InvalidRequest, True),
        (400, errors.InvalidRequest, False),
        (401, errors.AuthError, False),
        (402, errors.BillingError, False),
        (403, errors.PermissionDenied, False),
        (404, errors.ModelUnavailable, False),
        (408, errors.ServerError, True),
        (409, errors.ServerError, True),
        (422, errors.InvalidRequest, False),
        (429, errors.RateLimited, False),
        (500, errors.ServerError, True),
        (502, errors.ServerError, True),
        (503, errors.Overloaded, False),
        (504, errors.ServerError, True),
        (202, errors.BadResponse, True),
    ],
)
def test_status_says_what_happened_and_whether_it_may_cost(answer, status, kind, may_cost):
    error = faults.from_status(answer(status=status, x_request_id="req_1"), "Vendor")
    assert (type(error), error.may_have_been_charged, error.status) == (kind, may_cost, status)
    assert error.request_id == "req_1"
    assert error.message.endswith(".")


def test_redirect_is_explained_by_the_key(answer):
    assert "protect your key" in faults.from_status(answer(status=307), "Vendor").message
