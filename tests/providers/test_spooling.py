import json
import stat

import pytest

from providers import spooling
from providers.errors import BadResponse, ConnectionLost


def test_answer_is_kept_byte_for_byte_behind_one_line(tmp_path):
    spool = tmp_path / "deep" / "call.answer"
    headers = {"Content-Type": "image/png", "Set-Cookie": "secret"}
    answer = spooling.write_answer(
        spool,
        status=200,
        headers=headers,
        url="https://me:pw@x.test/v1?key=secret#x",
        body=[b"\x00\n", b"\xff"],
    )
    head, _, body = spool.read_bytes().partition(b"\n")
    assert json.loads(head) == {
        "status": 200,
        "headers": {"content-type": "image/png"},
        "url": "https://x.test/v1",
    }
    assert body == b"\x00\n\xff"
    assert spooling.open_answer(spool) == answer
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600


def test_long_headers_do_not_make_an_answer_unreadable(tmp_path):
    headers = {f"x-{number}": "\xff" * 60_000 for number in range(100)}
    answer = spooling.write_answer(tmp_path / "a.answer", status=200, headers=headers, url="", body=[b"x"])
    assert spooling.open_answer(tmp_path / "a.answer") == answer


def test_half_an_answer_never_gets_the_name(tmp_path):
    def breaking():
        yield b"half"
        assert (tmp_path / "call.part").exists()
        raise ConnectionLost("cut")

    with pytest.raises(ConnectionLost):
        spooling.write_answer(tmp_path / "call.answer", status=200, headers={}, url="", body=breaking())
    (cut,) = tmp_path.glob("call*")
    assert (cut.name, cut.read_bytes().endswith(b"}\nhalf")) == ("call.cut", True)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[]\n", b"\xff\n", b"x" * 100_000])
def test_file_that_is_no_answer_is_a_bad_response(tmp_path, content):
    (tmp_path / "call.answer").write_bytes(content)
    with pytest.raises(BadResponse):
        spooling.open_answer(tmp_path / "call.answer")


def part_of(tmp_path, body, **headers):
    spool = tmp_path / "a.answer"
    head = json.dumps({"status": 200, "headers": headers, "url": ""}).encode()
    spool.with_suffix(".part").write_bytes(head + b"\n" + body)
    return spool


def test_a_whole_answer_without_its_name_gets_it(tmp_path):
    spool = part_of(tmp_path, b"twelve bytes", **{"content-length": "12"})
    assert spooling.finish(spool)
    assert spooling.open_answer(spool).status == 200
    assert not spool.with_suffix(".part").exists()
    assert spooling.finish(spool)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "13"},
        {"content-length": "11"},
        {},
        {"content-length": "12", "content-encoding": "br"},
    ],
)
def test_an_answer_of_which_nobody_knows_whether_it_is_whole_stays_a_part(tmp_path, headers):
    spool = part_of(tmp_path, b"twelve bytes", **headers)
    assert not spooling.finish(spool)
    assert spool.with_suffix(".part").exists()


def test_a_part_without_a_whole_first_line_is_no_answer(tmp_path):
    (tmp_path / "a.part").write_bytes(b'{"status": 200, "hea')
    assert not spooling.finish(tmp_path / "a.answer")
    assert not spooling.finish(tmp_path / "other.answer")
