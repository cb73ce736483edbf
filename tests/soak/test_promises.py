"""What a soak finds out when something was lost, doubled or paid twice."""

import hashlib
from types import SimpleNamespace

import pytest

from tests.soak import run
from tests.soak.promises import Kill, Promises, broken, longest_wait

DRAWN = "d" * 64


@pytest.fixture
def told():
    promises = Promises()
    promises.kept("writer-0", b"holiday")
    promises.begun("g1")
    return promises


def entry(status="done", place="here", **fields):
    call = {"place": place, "sent_at": 10.0, "finished_at": 50.0}
    row = {"id": "g1", "prompt": "a lighthouse", "status": status, "images": [DRAWN], "calls": [call]}
    return row | {"created_at": 9.0, "finished_at": 50.0} | fields


def rows(*generations, pictures=1):
    sha256 = hashlib.sha256(b"holiday").hexdigest()
    return {"images": [["writer-0", sha256]] * pictures, "generations": list(generations)}


def vendor(posts=1):
    return SimpleNamespace(posts_of=lambda _prompt: posts, sent_for=lambda _prompt: [DRAWN])


KILL = Kill(moment=20.0, place="here")


def test_an_evening_without_loss_has_nothing_to_say(told):
    assert broken(told, rows(entry()), vendor(), []) == []


@pytest.mark.parametrize(
    ("ledger", "posts", "words"),
    [
        (rows(entry(), pictures=0), 1, "pictures are lost"),
        (rows(entry(), pictures=2), 1, "pictures are there twice"),
        (rows(), 1, "generations are lost"),
        (rows(entry(images=[])), 1, "other pictures"),
        (rows(entry()), 2, "sent 2 times"),
        (rows(entry()), 0, "sent 0 times"),
        (rows(entry("failed")), 1, "ended as failed"),
        (rows(entry("unknown", place="there")), 1, "no worker died with"),
        (rows(entry("unknown")), 2, "sent twice"),
    ],
)
def test_what_is_wrong_is_found(told, ledger, posts, words):
    (finding,) = broken(told, ledger, vendor(posts), [KILL])
    assert words in finding


def test_what_a_killed_worker_was_waiting_for_may_be_unknown(told):
    assert broken(told, rows(entry("unknown", images=[])), vendor(), [KILL]) == []
    assert broken(told, rows(entry("unknown", images=[])), vendor(), []) != []


def test_the_longest_wait_counts_from_a_kill_in_the_midst():
    assert longest_wait(rows(entry()), [KILL, Kill(moment=60.0, place="here")]) == 30.0


def test_only_files_that_were_made_up_may_be_called_spoiled():
    made_up = f"generated/1/a.webp: {run.SPOILED}"
    lines = [f"ERROR {made_up}", f"ERROR uploaded/1/b.png: {run.SPOILED}", "ERROR generated/1/a.webp: no"]
    more = f"ERROR 980{run.AND_MORE}"
    assert run._unforeseen([*lines, more], {made_up}) == lines[1:]
    assert run._unforeseen([more], set()) == [more]
