"""Each story of `scenarios` and `clicks` holds. A process of its own, which forks its workers, tells them."""

import re

import pytest

from tests.crash.test_sweep import crash

STORIES = [
    "frozen_past_its_lease",
    "queued_three_times_with_two_workers",
    "told_to_stop",
    "poisoned",
    "fifty_requests_with_one_key",
    "fifty_clicks_on_one_page",
    "fifty_for_the_last_dollar",
]
pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]


def test_all_stories_hold():
    """In one test, for they share a process whose start takes longer than most of them."""
    done = crash("--scenarios")
    for story in STORIES:
        assert re.search(rf"^{story}: ok: ", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert done.returncode == 0
