"""A worker that lost its lease and wakes up again: whatever it comes back with, it writes nothing."""

import uuid

import pytest

from gallery.models import GenerationCall, Image
from providers.errors import BadResponse, ConnectionLost, NetworkError, Overloaded, Refused
from tests.gallery.generations.test_calls import ask, profile, run  # noqa: F401  a fixture
from tests.gallery.scripted import Scripted, in_answer, pictures

State = GenerationCall.State
OTHERS = uuid.UUID(int=7)


def take_over():
    """What another worker does to the row once the lease has run out."""
    GenerationCall.objects.update(attempt_token=OTHERS)


def shape(call):
    return call.state, call.attempt_token, call.error_code, call.finished_at, call.attempts


@pytest.mark.parametrize(
    "comes_back",
    [
        pictures(2),
        in_answer(Refused("No.")),
        Refused("No."),
        ConnectionLost("Gone."),
        NetworkError("Not there."),
    ],
    ids=["pictures", "refusal in the answer", "refusal", "lost", "not reached"],
)
def test_taken_over_while_it_waited_for_the_vendor(profile, comes_back):  # noqa: F811
    asked = ask(profile, n=2)
    Scripted.script = [comes_back]
    Scripted.on_send = staticmethod(take_over)
    run(asked)
    assert shape(asked.calls.get()) == (State.SENT, OTHERS, "", None, 1)
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "read", [None, BadResponse("Torn."), Overloaded("Later."), OSError(5, "Input/output error")], ids=str
)
def test_taken_over_while_it_filed_the_answer(profile, settings, read):  # noqa: F811
    asked = ask(profile, n=2)
    made = pictures(2)

    def step(folder):
        take_over()
        if read:
            raise read
        return made(folder)

    Scripted.script = [step]
    run(asked)
    assert shape(asked.calls.get()) == (State.ANSWERED, OTHERS, "", None, 1)
    assert not Image.objects.exists()
    assert not list(settings.MEDIA_ROOT.rglob("*.png"))
