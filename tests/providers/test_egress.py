"""The door out: where it leads, and where it does not. Real servers on loopback stand in for public ones."""

import io
import socket
import threading
from ipaddress import ip_address

import pytest

from providers import egress, pinned, resolving
from providers.egress import EgressError
from tests.internet import DEAF, PICTURE, PUBLIC, internet, ok, to


@pytest.fixture
def wire():
    with internet() as wire:
        yield wire


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
    for name in ("ALL_PROXY", "HTTPS_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    wire.pages["/a%20b.png"] = ok(PICTURE)
    fetch("http://img.test/a b.png#fragment")
    head = wire.seen[0].lower()
    assert head.startswith("get /a%20b.png http/1.1\r\n")
    assert "host: img.test\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "authorization" not in head
    assert "cookie" not in head
    assert wire.dialled == [(PUBLIC, 80)]


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
    for host in ("127.0.0.1", "127.0.0.1:443", "[::1]", "10.0.0.1", "localhost", "169.254.169.254", "redis"):
        with pytest.raises(EgressError) as caught:
            fetch(f"http://{host}/")
        sentences.add(caught.value.message)
    assert sentences == {egress.BLOCKED}
    assert wire.asked == wire.dialled == []  # so nothing can be told from how long it takes


@pytest.mark.parametrize("url", ["http://{}:22/", "http://{}:9200/", "http://{}:65535/"])
def test_a_closed_port_gets_the_same_sentence_at_home_and_abroad(wire, url):
    sentences = set()
    for host in ("10.0.0.1", "home.test", "img.test", "nowhere.test", PUBLIC):
        with pytest.raises(EgressError) as caught:
            fetch(url.format(host))
        sentences.add(caught.value.message)
    assert sentences == {egress.BLOCKED_PORT}
    assert wire.asked == wire.dialled == []


@pytest.mark.parametrize("answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["::ffff:10.0.0.1"]])
def test_one_private_answer_blocks_the_whole_name(wire, answers):
    wire.names["img.test"] = answers
    assert refused() == "blocked_address"
    assert wire.dialled == []


def test_name_that_changes_its_mind_is_asked_once_only(wire):
    answers = [[PUBLIC], ["127.0.0.1"]]
    wire.names["img.test"] = lambda: answers.pop(0)
    fetch()
    assert wire.dialled == [(PUBLIC, 80)]
    assert len(answers) == 1


def test_name_that_led_home_is_not_asked_again_until_it_leads_elsewhere(wire):
    answers = [["127.0.0.1"], [PUBLIC]]
    wire.names["img.test"] = lambda: answers.pop(0)
    assert refused() == "blocked_address"
    assert (len(answers), wire.dialled) == (1, [])


def test_name_is_asked_for_in_full_and_never_completed(wire):
    wire.names["foo.search.example"] = [PUBLIC]  # what a search list would make of foo
    assert refused("http://foo.search/") == "unreachable"
    assert wire.asked == ["foo.search."]


def test_second_address_is_tried_when_the_first_refuses(wire):
    wire.names["img.test"] = [DEAF, PUBLIC]
    assert fetch()[1] == PICTURE
    assert [ip for ip, _ in wire.dialled] == [DEAF, PUBLIC]


def test_a_name_of_thousands_makes_nobody_knock_at_them_all(wire):
    wire.names["img.test"] = [DEAF] + [f"93.184.216.{n}" for n in range(200)]
    wire.deaf = set(wire.names["img.test"])
    assert refused() == "unreachable"
    assert len(wire.dialled) == pinned.MOST_TRIED


def test_own_address_is_blocked_although_it_is_public(wire, monkeypatch):
    monkeypatch.setattr(egress, "own_addresses", lambda: {ip_address(PUBLIC)})
    assert refused() == "blocked_address"
    assert fetch(allowed_private_hosts=[f"{PUBLIC}/32"])[1] == fetch(allowed_private_hosts=["img.test"])[1]


FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 93.184.215.0/24 2 0 2
        |-- 93.184.215.0
           /24 link UNICAST
        |-- 93.184.215.14
           /32 host LOCAL
        |-- 93.184.215.255
           /32 link BROADCAST
"""


def test_own_addresses_are_those_of_all_interfaces(monkeypatch, tmp_path):
    monkeypatch.setattr(resolving, "INTERFACES", tmp_path)
    assert ip_address(PUBLIC) not in resolving.own_addresses()  # nothing listed: only the ways out
    (tmp_path / "fib_trie").write_text(FIB_TRIE)
    (tmp_path / "if_inet6").write_text("26064700000000000000000000001111 02 40 00 80     eth0\n")
    found = resolving.own_addresses()
    assert {ip_address(PUBLIC), ip_address("2606:4700::1111")} <= found
    assert ip_address("93.184.215.255") not in found


def test_own_addresses_are_looked_up_each_time(wire, monkeypatch):
    """A network that came up after the first look would otherwise stay unknown."""
    answers = [set(), {ip_address(PUBLIC)}]
    monkeypatch.setattr(egress, "own_addresses", lambda: answers.pop(0))
    fetch()
    assert refused() == "blocked_address"


def test_private_host_is_reached_when_it_is_allowed(wire):
    fetch("http://home.test/a.png", allowed_private_hosts=["10.0.0.0/8"])
    fetch("http://home.test/a.png", allowed_private_hosts=["home.test"])
    fetch("http://home.test:8080/a.png", allowed_private_hosts=["home.test:8080"])
    assert wire.dialled == [("10.0.0.7", 80), ("10.0.0.7", 80), ("10.0.0.7", 8080)]
    assert refused("http://home.test:8080/a.png", allowed_private_hosts=["home.test"]) == "blocked_address"


@pytest.mark.parametrize(
    "entry", ["169.254.169.254", "169.254.169.254:80", "169.254.0.0/16", "0.0.0.0/0", "meta.test"]
)
@pytest.mark.parametrize("host", ["169.254.169.254", "meta.test", "mapped.test", "[64:ff9b::a9fe:a9fe]"])
def test_keys_of_a_cloud_are_out_of_reach_whatever_is_allowed(wire, entry, host):
    wire.names |= {"meta.test": ["169.254.169.254"], "mapped.test": ["::ffff:169.254.169.254"]}
    allowed = [entry, "::/0", "64:ff9b::a9fe:a9fe", "mapped.test"]
    assert refused(f"http://{host}/latest/", allowed_private_hosts=allowed) == "blocked_address"
    with (
        pytest.raises(EgressError),
        egress.request("POST", f"http://{host}/v1", body=b"{}", deadline=5, allowed_private_hosts=allowed),
    ):
        pass
    assert wire.dialled == []


def test_network_that_is_allowed_opens_its_web_ports_to_imports_and_all_to_vendors(wire):
    allowed = ["10.0.0.0/8"]
    assert refused("http://home.test:6379/", allowed_private_hosts=allowed) == "blocked_address"
    assert wire.dialled == []
    with egress.request(
        "GET", "http://home.test:7860/a.png", deadline=5, allowed_private_hosts=allowed
    ) as it:
        assert it.status == 200


def test_allow_list_that_cannot_be_read_is_named(wire):
    with pytest.raises(EgressError, match="ALLOWED_PRIVATE_HOSTS"):
        fetch(allowed_private_hosts=["10.0.0.0/99"])


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirect_is_followed_to_an_address_that_may_be_used(wire, status):
    wire.pages["/r"] = to("http://two.test/a.png", status, Set_Cookie="a=b")
    fetched, content = fetch("http://img.test/r")
    assert (fetched.url, content) == ("http://two.test/a.png", PICTURE)
    assert "cookie" not in wire.seen[1].lower()


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("../a.png", "http://img.test/a.png"),
        ("/a.png", "http://img.test/a.png"),
        ("//two.test/a.png", "http://two.test/a.png"),
        ("/a.png#there", "http://img.test/a.png#there"),
        ("/ä.png", "http://img.test/ä.png"),
        ("http://TWO.test:80/a.png", "http://TWO.test:80/a.png"),
    ],
)
def test_redirect_is_read_as_the_server_meant_it(wire, location, url):
    wire.pages |= {"/one/r": to(location), "/%C3%A4.png": ok(PICTURE)}
    assert fetch("http://img.test/one/r")[0].url == url


def test_only_a_redirect_leads_elsewhere(wire):
    wire.pages["/refresh"] = ok(PICTURE, Refresh="0;url=http://127.0.0.1/", Location="http://127.0.0.1/")
    assert fetch("http://img.test/refresh")[1] == PICTURE
    wire.pages["/lost"] = ok(b"", "302 Found")
    assert refused("http://img.test/lost") == "http_status"
    assert len(wire.dialled) == 2


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
        ("//10.0.0.1/a.png", "blocked_address"),
        ("http://[::ffff:127.0.0.1]/", "blocked_address"),
        ("http://[::1", "invalid_address"),
        ("http://two.test/\r\n X: y", "bad_answer"),
        ("http://two.test/\r\r\n X: y", "bad_answer"),
        ("http://tw\to.test/", "invalid_address"),
        ("http://two.test\\@10.0.0.1/", "invalid_address"),
        ("http://two.test/, http://img.test/", "http_status"),
        ("data:image/png;base64,iVBORw0KGgo=", "invalid_address"),
        ("http://two.test/" + "a" * 9000, "invalid_address"),
    ],
)
def test_redirect_elsewhere_is_checked_like_the_first_address(wire, location, code):
    wire.pages["/r"] = to(location)
    assert refused("http://img.test/r") == code
    assert len(wire.dialled) == 1 + (code == "http_status")


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


def test_slow_name_server_is_not_waited_for(wire, monkeypatch):
    monkeypatch.setattr(resolving, "DNS_SECONDS", 0.1)
    released = threading.Event()
    wire.names["img.test"] = lambda: released.wait(10) and []
    assert refused() == "unreachable"
    assert not released.is_set()
    released.set()


def test_server_that_is_not_there_was_not_sent_anything():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EgressError) as caught:
        fetch(f"http://127.0.0.1:{port}/", allowed_private_hosts=[f"127.0.0.1:{port}"])
    assert (caught.value.code, caught.value.sent) == ("unreachable", False)
