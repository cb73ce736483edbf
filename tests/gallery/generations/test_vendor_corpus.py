"""Every case of a collection of vendors' faults is one of ours, and ends as it says there.

Ours are run over real HTTP in `test_vendor_faults.py` and `test_vendor_wires.py`, with the state, the code,
the money and the number of requests that stand in their tables; here the tables are compared.
"""

import json
from importlib import import_module
from pathlib import Path

import pytest

from tests.gallery.generations.test_vendor_faults import ARRIVALS, ENDINGS
from tests.gallery.generations.test_vendor_wires import ADDRESSES, JOBS

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "vendor_faults.json"
CASES = json.loads(CORPUS.read_text())["cases"] if CORPUS.exists() else []

ENDS = {
    "proxy 504 after 60 s": ["504"],
    **{status: [status] for status in ("400", "401", "404", "408", "409", "413", "422", "504")},
    "429 insufficient_quota (OpenAI)": ["429 without credit"],
    "308 to http://": ["308"],
    "200 empty body": ["empty"],
    "200 truncated JSON (Content-Length short)": ["half a body", "half a chunked body", "truncated"],
    "200 malformed JSON": ["html", "truncated"],
    "200 JSON with NaN/Infinity/duplicate keys/1e400": ["NaN", "1e400", "twice"],
    "200 drip 1 B/s": ["drip"],
    "200 wrong charset / BOM / UTF-16": ["UTF-16", "BOM"],
    "200 data: []": ["no data"],
    "200 fields renamed/null/int instead of string": ["renamed", "null", "number"],
    "200 event-stream although JSON asked": ["events"],
    "OpenAI 200 with refusal text and no image": ["words of refusal"],
    "url is file:// or data:": ["file address"],
}
ARRIVES = {
    "data: URL prefix": ["data URL", "data URL as address"],
    "declared image/jpeg, bytes PNG": ["wrong type"],
    "1x1 or blank image": ["one pixel"],
    "duplicates: same bytes twice": ["twice the same"],
    "picture order differs from seeds": ["in any order"],
}
FETCHES = {
    "url 403 expired": "expired",
    "url 500 then 200": "500, then there",
    "url expires in 60 s, queue is 5 min behind": "at once",  # it is the request after the POST
    "url redirects to private address": "leads home",
    "url needs the API key": "wants the key",
}
POLLS = {
    "202 + id, poll 200 done": "202, then there",
    "result by file id (xAI storage_options, OpenAI background response id)": "202, then there",
    "poll 404 for 10 s (eventual consistency)": "unknown at first",
    "poll 500 for 5 min": "errors meanwhile",
}
NOT_REACHED = "generations.test_vendor_wires:test_who_was_provably_not_reached_is_tried_three_times"
BAD_TLS = "generations.test_vendor_wires:test_a_certificate_or_encryption_that_is_not_good_ends_it_at_once"
KILLED = "generations.test_vendor_wires:test_a_worker_that_is_killed_while_it_waits_leaves_unknown"
GOOGLE = "generations.test_vendor_wires:test_whatever_reason_google_gives_is_a_refusal_with_its_words"
# What is a test of its own, with the outcome in it.
TESTS = {
    "connection refused": NOT_REACHED,
    "connect timeout (SYN blackhole)": NOT_REACHED,
    "TLS handshake failure": NOT_REACHED,
    "certificate for another host": BAD_TLS,
    "TLS 1.0 only": BAD_TLS,
    "write timeout in the middle of the request body": (
        "generations.test_vendor_wires:test_a_request_that_is_not_taken_to_its_end_may_have_been_charged"
    ),
    "413 before the body is read, then close": (
        "generations.test_vendor_wires:test_a_request_that_is_too_large_has_failed_although_the_server_did_not_listen"
    ),
    "first byte after deadline (slow)": (
        "generations.test_vendor_wires:test_silence_until_the_deadline_may_have_been_charged"
    ),
    "worker killed -9 while waiting": KILLED,
    "host rebooted while waiting": KILLED,
    "429 Retry-After: 0": (
        "generations.test_vendor_faults:test_who_says_come_back_is_asked_again_when_it_said"
    ),
    "Gemini 200 promptFeedback.blockReason, no candidates": GOOGLE,
    "Gemini 200 finishReason NO_IMAGE (text only)": GOOGLE,
    "Gemini 200 finishReason STOP with text parts only": GOOGLE,
    "Gemini unknown finishReason value (new enum)": GOOGLE,
    "OpenRouter 200 finish_reason=error": (
        "generations.test_vendor_wires:test_an_error_for_a_reason_to_finish_is_a_refusal_of_openrouter"
    ),
    "worker killed between 202 and first poll": (
        "generations.test_vendor_wires:test_a_job_whose_worker_is_killed_is_asked_for_by_the_next"
    ),
    # Where the vendor cannot be told to stop, the picture is waited for and kept: done, not cancelled.
    "cancel while running": (
        "generations.test_vendor_wires:test_a_job_that_comes_after_it_was_stopped_is_kept"
    ),
    "disk full while spooling the answer": (
        "generations.test_vendor_wires:test_an_answer_that_the_disk_does_not_take_may_have_been_charged"
    ),
    "S3 key exists (412 on If-None-Match)": (
        "files.test_s3:test_original_is_written_once_and_a_thumbnail_again"
    ),
    "kill -9 at any syscall": KILLED,  # at all of them: the sweep
    "same task delivered twice at once": (
        "generations.test_calls:test_a_call_that_another_worker_has_is_left_alone"
    ),
    "two workers claim the same job": (
        "generations.test_calls:test_a_call_that_another_worker_has_is_left_alone"
    ),
    "SIGTERM during the wait": "generations.test_calls:test_a_worker_that_dies_after_sending_leaves_unknown",
}
NOT_HERE = {"webhook twice / late / forged": "no vendor calls back; results are asked for"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case_ends_as_the_collection_says(case):
    wire, state, costs = case["wire"], case["final_state"], case["charge"] != "no"
    for name in ENDS.get(wire, []):
        _, status, _, charged = ENDINGS[name]
        assert (name, status, charged) == (name, state, costs)
    for name in ARRIVES.get(wire, []):
        assert (name, ARRIVALS[name][2]) == (name, state)
    if wire in FETCHES:
        assert ADDRESSES[FETCHES[wire]][1] == state
    if wire in POLLS:
        assert POLLS[wire] in JOBS
        assert state == "done"
    if wire in TESTS:
        module, _, name = TESTS[wire].partition(":")
        assert callable(getattr(import_module(f"tests.gallery.{module}"), name))
    assert any(wire in table for table in (ENDS, ARRIVES, FETCHES, POLLS, TESTS, NOT_HERE))
