"""What is wrong with ALLOWED_PRIVATE_HOSTS is said before the first request."""

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db


@pytest.fixture
def problems(settings):
    """A function that gives the numbers of what is wrong with the entries."""

    def check(*entries):
        settings.ALLOWED_PRIVATE_HOSTS = list(entries)
        return [(p.id, p.msg) for p in run_checks() if "ALLOWED_PRIVATE_HOSTS" in p.msg]

    return check


@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.1:8188",
        "comfy.lan",
        "comfy.lan:80",
        "[::1]:8188",
        "::1",
        "192.168.1.0/24",
        "fd00::/8",
        " nas ",
    ],
)
def test_what_can_be_read_is_no_problem(problems, entry):
    assert problems(entry) == []


@pytest.mark.parametrize("entry", ["http://comfy.lan:8188", "10.0.0.0/33", "comfy.lan:99999", "*.lan", "a b"])
def test_what_cannot_be_read_stops_the_start_and_is_named(problems, entry):
    ((number, message),) = problems("127.0.0.1", entry, "nas")
    assert number == "gallery.E020"
    assert f"“{entry}”" in message
    assert "192.168.1.0/24" in message


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0"])
def test_opening_everything_is_warned_of(problems, entry):
    assert [number for number, _ in problems(entry)] == ["gallery.W020"]


@pytest.mark.parametrize("entry", ["169.254.169.254", "169.254.169.254:80", "[fd00:ec2::254]:80"])
def test_where_clouds_hand_out_keys_stays_shut_and_that_is_said(problems, entry):
    assert [number for number, _ in problems(entry)] == ["gallery.W021"]
