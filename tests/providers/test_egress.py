"""The door out, against real servers on loopback that stand in for public ones."""

import datetime
import gzip
import io
import socket
import ssl
import threading
import time
import zlib
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from providers import egress, pinned
from providers.egress import EgressError

PUBLIC = "93.184.215.14"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 2000


class Wire:
    """A stand-in for the internet: names, and what a server says at each path."""

    def __init__(self, server):
        self.server = server
        self.names = {"img.test": [PUBLIC], "two.test": [PUBLIC], "home.test": ["10.0.0.7"]}
        self.pages = {"/a.png": ok(PICTURE)}
        self.asked = []  # names that were resolved
        self.dialled = []  # addresses that were connected to
        self.seen = []  # heads of requests
        self.context = None  # TLS

    def resolve(self, name, port, **kwargs):
        self.asked.append(name)
        answers = self.names.get(name.removesuffix("."), [])
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port)) for answer in answers]

    def connect(self, address, timeout=None):
        self.dialled.append(address)
        if address[0] == "93.184.215.99":
            raise ConnectionRefusedError
        line = socket.socket()
        line.settimeout(timeout)
        line.connect(self.server.getsockname())
        return line

    def serve(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(line,), daemon=True).start()

    def answer(self, line):
        try:
            with self.context.wrap_socket(line, server_side=True) if self.context else line as line:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += line.recv(4096) or b"\r\n\r\n"
                    if head.startswith(b"\x16"):  # a TLS greeting, which this server does not understand
                        return
                self.seen.append(head.decode("latin-1"))
                page = self.pages.get(
                    head.split(b" ")[1].decode(), ok(b"no such page", status="404 Not Found")
                )
                for piece in [page] if isinstance(page, bytes) else page:
                    line.sendall(piece)
        except OSError:
            return  # the client hung up, which many of these tests want


def ok(body, status="200 OK", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


def to(address, status="302 Found", **headers):
    return ok(b"", status, Location=address, **headers)


@pytest.fixture
def wire(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(server)
        threading.Thread(target=wire.serve, daemon=True).start()
        monkeypatch.setattr(egress.socket, "getaddrinfo", wire.resolve)
        monkeypatch.setattr(egress.socket, "create_connection", wire.connect)
        yield wire
        server.shutdown(socket.SHUT_RDWR)


def fetch(url="http://img.test/a.png", **kwargs):
    sink = io.BytesIO()
    fetched = egress.fetch(url, sink=sink, **{"max_bytes": 10_000, "deadline": 5, **kwargs})
    return fetched, sink.getvalue()


def refused(url="http://img.test/a.png", **kwargs):
    with pytest.raises(EgressError) as caught:
        fetch(url, **kwargs)
    return caught.value.code


def test_file_is_fetched_from_the_address_that_was_checked(wire):
    wire.pages["/a.png"] = ok(PICTURE, Content_Type="image/png")
    fetched, content = fetch()
    assert content == PICTURE
    assert fetched == egress.Fetched(url="http://img.test/a.png", content_type="image/png", size=len(PICTURE))
    assert (wire.asked, wire.dialled) == (["img.test."], [(PUBLIC, 80)])


def test_request_carries_the_name_and_nothing_from_the_environment(wire, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine img.test login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    wire.pages["/a%20b.png"] = ok(PICTURE)
    fetch("http://img.test/a b.png#fragment")
    head = wire.seen[0].lower()
    assert head.startswith("get /a%20b.png http/1.1\r\n")
    assert "host: img.test\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "authorization" not in head


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://img.test/a.png", "invalid_address"),
        ("http://user@img.test/a.png", "invalid_address"),
        ("http://2130706433/a.png", "invalid_address"),
        ("http://127.0.0.1/a.png", "blocked_address"),
        ("http://[::1]/a.png", "blocked_address"),
        ("http://169.254.169.254/latest/meta-data/", "blocked_address"),
        ("http://home.test/a.png", "blocked_address"),
        ("http://localhost/a.png", "blocked_address"),
        ("http://redis/a.png", "blocked_address"),
        ("http://img.test:22/a.png", "blocked_address"),
        ("http://img.test:8080/a.png", "blocked_address"),
        ("http://nowhere.test/a.png", "unreachable"),
    ],
)
def test_address_that_may_not_be_used_is_never_connected_to(wire, url, code):
    assert refused(url) == code
    assert wire.dialled == []


def test_every_blocked_host_gets_the_same_sentence(wire):
    sentences = set()
    for host in ("127.0.0.1", "[::1]", "10.0.0.1", "home.test", "localhost", "169.254.169.254", "redis"):
        with pytest.raises(EgressError) as caught:
            fetch(f"http://{host}/")
        sentences.add(caught.value.message)
    assert sentences == {egress.BLOCKED}


@pytest.mark.parametrize("answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["::ffff:10.0.0.1"]])
def test_one_private_answer_blocks_the_whole_name(wire, answers):
    wire.names["img.test"] = answers
    assert refused() == "blocked_address"
    assert wire.dialled == []


def test_name_that_changes_its_mind_is_asked_once_only(wire):
    answers = [[PUBLIC], ["127.0.0.1"]]
    wire.names = type("Rebinding", (), {"get": lambda self, name, default: answers.pop(0)})()
    fetch()
    assert wire.dialled == [(PUBLIC, 80)]
    assert len(answers) == 1


def test_second_address_is_tried_when_the_first_refuses(wire):
    wire.names["img.test"] = ["93.184.215.99", PUBLIC]
    assert fetch()[1] == PICTURE
    assert [ip for ip, _ in wire.dialled] == ["93.184.215.99", PUBLIC]


def test_own_address_is_blocked_although_it_is_public(wire, monkeypatch):
    monkeypatch.setattr(egress, "own_addresses", lambda: {ip_address(PUBLIC)})
    assert refused() == "blocked_address"


def test_private_host_is_reached_when_it_is_allowed(wire):
    fetch("http://home.test/a.png", allowed_private_hosts=["10.0.0.0/8"])
    fetch("http://home.test/a.png", allowed_private_hosts=["home.test"])
    fetch("http://home.test:8080/a.png", allowed_private_hosts=["home.test:8080"])
    assert wire.dialled == [("10.0.0.7", 80), ("10.0.0.7", 80), ("10.0.0.7", 8080)]
    assert refused("http://home.test:8080/a.png", allowed_private_hosts=["home.test"]) == "blocked_address"


def test_allow_list_that_cannot_be_read_is_named(wire):
    with pytest.raises(EgressError, match="ALLOWED_PRIVATE_HOSTS"):
        fetch(allowed_private_hosts=["10.0.0.0/99"])


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirect_is_followed_to_an_address_that_may_be_used(wire, status):
    wire.pages["/r"] = to("http://two.test/a.png", status, Set_Cookie="a=b")
    fetched, content = fetch("http://img.test/r")
    assert (fetched.url, content) == ("http://two.test/a.png", PICTURE)
    assert "cookie" not in wire.seen[1].lower()


def test_relative_redirect_is_followed(wire):
    wire.pages["/one/r"] = to("../a.png")
    assert fetch("http://img.test/one/r")[0].url == "http://img.test/a.png"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/", "blocked_address"),
        ("http://home.test/", "blocked_address"),
        ("http://two.test:22/", "blocked_address"),
        ("http://2130706433/", "invalid_address"),
        ("file:///etc/passwd", "invalid_address"),
        ("gopher://127.0.0.1:6379/_x", "invalid_address"),
        ("http://me@two.test/", "invalid_address"),
    ],
)
def test_redirect_elsewhere_is_checked_like_the_first_address(wire, location, code):
    wire.pages["/r"] = to(location)
    assert refused("http://img.test/r") == code
    assert len(wire.dialled) == 1


def test_redirects_end_after_three(wire):
    wire.pages |= {f"/{n}": to(f"/{n + 1}") for n in range(9)}
    wire.pages["/7"] = ok(PICTURE)
    assert fetch("http://img.test/4")[1] == PICTURE
    assert refused("http://img.test/3") == "too_many_redirects"


def test_request_to_a_vendor_follows_no_redirect(wire):
    wire.pages["/v1"] = to("http://two.test/v1", "307 Temporary")
    with egress.request("POST", "http://img.test/v1", body=b"{}", deadline=5) as response:
        assert response.status == 307
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "status", ["204 No Content", "300 Choices", "304 Same", "403 No", "404 No", "500 Oh"]
)
def test_any_status_but_200_is_an_error(wire, status):
    wire.pages["/a.png"] = ok(b"", status)
    assert refused() == "http_status"


def test_larger_file_than_allowed_is_refused_before_or_while_it_comes(wire):
    wire.pages["/a.png"] = ok(b"x" * 20_000)
    assert refused() == "too_big"
    wire.pages["/a.png"] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 50,
    ]
    assert refused() == "too_big"
    wire.pages["/a.png"] = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000
    assert refused() == "too_big"


def test_compressed_file_is_unpacked_but_a_bomb_is_not(wire):
    wire.pages["/a.png"] = ok(gzip.compress(PICTURE), Content_Encoding="gzip")
    assert fetch()[1] == PICTURE
    wire.pages["/a.png"] = ok(zlib.compress(bytes(5_000_000)), Content_Encoding="deflate")
    assert refused() == "too_big"
    twice = gzip.compress(gzip.compress(bytes(5_000_000)))
    wire.pages["/a.png"] = ok(twice, Content_Encoding="gzip, gzip")
    assert refused() == "too_big"


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip, gzip", "gzip"])
def test_unknown_or_false_compression_is_refused(wire, encoding):
    wire.pages["/a.png"] = ok(PICTURE, Content_Encoding=encoding)
    assert refused() == "bad_answer"


@pytest.mark.parametrize(
    "page",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcde",
        b"just some words",
        b"",
    ],
    ids=["half", "half chunk", "5000 headers", "long header", "two lengths", "HTTP/0.9", "nothing"],
)
def test_broken_answer_is_an_error_and_says_that_the_request_was_sent(wire, page):
    wire.pages["/a.png"] = page
    with pytest.raises(EgressError) as caught:
        fetch()
    assert caught.value.code in ("unreachable", "bad_answer")
    assert caught.value.sent


def dripping(*first):
    yield from first
    while True:
        time.sleep(0.03)
        yield b"1"


@pytest.mark.parametrize(
    "first",
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,),
    ],
    ids=["headers", "body", "body without an end", "continues"],
)
def test_deadline_counts_for_the_whole_answer(wire, first):
    wire.pages["/a.png"] = dripping(*first)
    began = time.monotonic()
    assert refused(deadline=0.4) == "timeout"
    assert time.monotonic() - began < 2


def test_slow_name_server_is_not_waited_for(wire, monkeypatch):
    monkeypatch.setattr(egress, "DNS_SECONDS", 0.1)
    released = threading.Event()
    monkeypatch.setattr(egress.socket, "getaddrinfo", lambda *args, **kwargs: released.wait(10) and [])
    began = time.monotonic()
    assert refused() == "unreachable"
    released.set()
    assert time.monotonic() - began < 2


def test_server_that_is_not_there_was_not_sent_anything(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EgressError) as caught:
        fetch(f"http://127.0.0.1:{port}/", allowed_private_hosts=[f"127.0.0.1:{port}"])
    assert (caught.value.code, caught.value.sent) == ("unreachable", False)


# TLS


def certificate(folder, name):
    """A certificate for `name` that signs itself, as a file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(1)
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def https(wire, monkeypatch, tmp_path):
    """The server with a certificate for img.test that we trust."""
    path = certificate(tmp_path, "img.test")
    wire.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    wire.context.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=path)
    monkeypatch.setattr(pinned, "tls_context", lambda: trusting)
    return wire


def test_certificate_is_checked_for_the_name_not_the_number(https):
    assert fetch("https://img.test/a.png")[1] == PICTURE
    assert https.dialled == [(PUBLIC, 443)]


def test_certificate_of_another_name_is_refused_and_nothing_sent(https):
    with pytest.raises(EgressError) as caught:
        fetch("https://two.test/a.png")
    assert (caught.value.code, caught.value.sent) == ("certificate", False)
    assert https.seen == []


def test_certificate_nobody_vouches_for_is_refused(https, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(egress.socket, "getaddrinfo", https.resolve)
    monkeypatch.setattr(egress.socket, "create_connection", https.connect)
    assert refused("https://img.test/a.png") == "certificate"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_server_with_old_tls_only_is_refused(https):
    https.context.set_ciphers("ALL:@SECLEVEL=0")
    https.context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    https.context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refused("https://img.test/a.png") == "certificate"


def test_https_never_leads_to_http(https):
    https.pages["/r"] = to("http://two.test/a.png")
    assert refused("https://img.test/r") == "blocked_address"
    assert len(https.dialled) == 1


def test_handshake_that_breaks_off_was_not_sent_anything(wire):
    with pytest.raises(EgressError) as caught:
        fetch("https://img.test/a.png")
    assert (caught.value.code, caught.value.sent) == ("unreachable", False)
