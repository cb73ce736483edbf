"""The real server under files and forms that are made to stop it."""

import gzip
import io
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.conftest import picture_bytes
from tests.e2e.client import ApiClient
from tests.e2e.conftest import Server, running
from tests.e2e.test_main_job import make_account
from tests.gallery.specimens import END, ROW, gif, ihdr, jpeg_of_scans, png

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.thorough]

HEALTH = b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
FORM = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n%s\r\n--X--\r\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The server, and a program with a token for it."""
    server = Server(tmp_path_factory.mktemp("hostile"))
    with running(server):
        make_account(server)
        token = server.manage("create_api_token", "ada").strip().splitlines()[-1]
        yield server, ApiClient(server.address, token)


def dear_picture(number: int) -> bytes:
    """A small file that costs about a second: 36 megapixels of 16 bits."""
    file = io.BytesIO()
    Image.new("I;16", (6000, 6000), 1000 * number).save(file, "PNG")
    return file.getvalue()


def bombs() -> list[bytes]:
    lies = [
        png(ihdr(60_000, 60_000), ROW, END),
        gif((2000, 2000), *[(2000, 2000)] * 150),
        gif((4, 4), *[(4, 4)] * 20_000),
        jpeg_of_scans(800, 880),
    ]
    return [*(dear_picture(number) for number in range(4)), *lies * 4]


def test_twenty_bombs_at_once_leave_the_server_answering(served):
    server, api = served
    files, over, answers = bombs(), threading.Event(), []

    def ask_after_its_health():
        while not over.is_set():
            answers.append(status_of(exchange(server, HEALTH)))

    health = threading.Thread(target=ask_after_its_health)
    health.start()
    with ThreadPoolExecutor(len(files)) as senders:
        results = list(senders.map(lambda data: api.send_files("/images", "file", {"a.png": data}), files))
    over.set()
    health.join()
    assert len(files) == 20
    assert [status for status, _ in results] == [201] * 4 + [422] * 16
    codes = {answer["code"] for _, answer in results[4:]}
    assert codes == {"too_many_pixels", "too_many_frame_pixels", "too_many_frames", "decode_timeout"}
    assert set(answers) == {200}
    assert api.send_files("/images", "file", {"good.png": picture_bytes("teal")})[0] == 201


# --- Requests, byte for byte ----------------------------------------------------------------------


def exchange(server: Server, request: bytes) -> bytes:
    """Send `request`, and return what comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=100) as caller:
        caller.sendall(request)
        return b"".join(iter(lambda: caller.recv(1 << 16), b""))


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def problem_of(answer: bytes) -> dict:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


def upload(api: ApiClient, body: bytes, *headers: bytes, path: bytes = b"/api/v1/images") -> bytes:
    token = b"Authorization: Bearer " + api.token.encode()
    kind = b"Content-Type: multipart/form-data; boundary=X"
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", token, kind, *headers]
    return b"\r\n".join([*lines, b"", body])


def length(size: int) -> bytes:
    return b"Content-Length: %d" % size


def count(api: ApiClient) -> int:
    return len(api.get("/images?limit=200")["items"])


def test_two_lengths_are_refused(served):
    server, api = served
    before, body = count(api), FORM % picture_bytes("#010203")
    answer = exchange(server, upload(api, body, length(len(body)), length(len(body) // 2)))
    assert status_of(answer) == 400
    assert count(api) == before


@pytest.mark.parametrize("path", [b"/api/v1/images", b"/api/v1/imports", b"/add/upload/"])
def test_a_packed_body_is_refused_with_a_sentence(served, path):
    server, api = served
    body = gzip.compress(FORM % picture_bytes("#010204"))
    answer = exchange(server, upload(api, body, length(len(body)), b"Content-Encoding: gzip", path=path))
    assert status_of(answer) == 415
    assert b"Compressed requests are not accepted. Send the body as it is." in answer
    if path.startswith(b"/api/"):
        assert problem_of(answer)["status"] == 415


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_sender_who_hangs_up_leaves_nothing(served, kept):
    server, api = served
    before, body = count(api), FORM % dear_picture(9)
    with socket.create_connection(("127.0.0.1", server.port), timeout=100) as caller:
        caller.sendall(upload(api, body[: int(len(body) * kept)], length(len(body))))
    assert count(api) == before


def test_a_form_that_lacks_its_end_is_a_problem(served):
    server, api = served
    before, body = count(api), (FORM % picture_bytes("#010205"))[:-8]
    answer = exchange(server, upload(api, body, length(len(body))))
    assert status_of(answer) == 400
    assert problem_of(answer)["code"] == "bad_request"
    assert count(api) == before


def test_a_form_in_chunks_is_read_like_any_other(served):
    server, api = served
    body = FORM % picture_bytes("#010206")
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    answer = exchange(server, upload(api, chunks, b"Transfer-Encoding: chunked"))
    assert status_of(answer) == 201
