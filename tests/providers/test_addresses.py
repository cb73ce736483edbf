"""One strict reading of addresses, and which hosts are out on the internet."""

from ipaddress import ip_address

import pytest

from providers.addresses import AllowList, InvalidAddress, is_metadata, is_public, permits, read_address

ODD_HOSTS = """
    0 127.1 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.0.0.01 1.1.1 256.0.0.1
    127.0.0.1. img.0x7f img.1 ①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 \xad127.0.0.1 [::1 ::1 [::1]evil
    [fe80::1%eth0] [fe80::1%25eth0] [v1.fe] [127.0.0.1] [::1::2] 127.0.1 0x7f.1 0x7F000001 0X7f.0.0.1 00
    0000127.0.0.1 127.0.0.1.. .127.0.0.1 127..0.0.1 1.2.3.4.5 1.2.3.-4 4294967295 4294967296 0b1.0.0.1
    0o177.0.0.1 img.0x7f.1 127.0x0.0.1 １２７.0.0.1 ١٢٧.0.0.1 127%2e0.0.1 %31%32%37.0.0.1 127.0.0.1%00
    localhost%00.img.test 127.0.0.1｡img.test img｡test ⓔxample.test ☃.test 💩.test á.test a‍b.test
    [::1%1] [::1%25lo] [::1/128] [[::1]] [] [:] [::g] [1:2:3:4:5:6:7:8:9] [::127.0.0.256] [::ffff:0x7f000001]
    fe80::1 ::ffff:127.0.0.1 img.test.. img.test:80:80 img,test img;test img!test img*test img(test
    img=test img&test img+test img~test img$test img'test xn-- xn--a.test xn--ß.test
"""
NUMBERS_AT_HOME = """
    0.0.0.0 0.1.2.3 10.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 198.51.100.1 198.19.255.255
    100.127.255.255 239.255.255.250 2001:2::1 2001:1::1 2001:3::1 2001:4:112::1 2001:30::1 64:ff9b::808:808
    100:0:0:1::1 febf::1 fdff::1 ff05::1 ::ffff:169.254.169.254 ::ffff:0:8.8.8.8 2002:808:808::1
    10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254
    169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
    198.18.0.1 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1 100::1
    2001::1 2001:0:4136:e378:8000:63bf:80ff:fffe 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
    2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
"""
HOME_NAMES = """
    localhost LOCALHOST 1e3 a.localhost localhost.localdomain redis redis. ip6-localhost db.lan x.local
    metadata.google.internal x.intranet LOCALHOST. foo.LOCALHOST instance-data instance-data.ec2.internal
    host.docker.internal kubernetes.default.svc.cluster.local printer.local. router.home.arpa metadata
    nas.home.arpa abc.onion
"""


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://img.test/a.png", "http://img.test/a.png"),
        ("HTTPS://IMG.TEST/a.png", "https://img.test/a.png"),
        ("  http://img.test/a.png\n", "http://img.test/a.png"),
        ("http://img.test", "http://img.test/"),
        ("http://img.test?x=1", "http://img.test/?x=1"),
        ("http://img.test:80/a.png", "http://img.test/a.png"),
        ("http://img.test:443/a.png", "http://img.test:443/a.png"),
        ("http://img.test./a.png", "http://img.test/a.png"),
        ("http://im_g.test/a.png", "http://im_g.test/a.png"),
        ("http://faß.test/a.png", "http://xn--fa-hia.test/a.png"),
        ("http://BÜCHER.test/", "http://xn--bcher-kva.test/"),
        ("http://XN--BCHER-KVA.test/", "http://xn--bcher-kva.test/"),
        ("http://img.test:00080/", "http://img.test/"),
        ("http://img.test/?a=http://10.0.0.1/", "http://img.test/?a=http://10.0.0.1/"),
        ("http://img.test/@10.0.0.1/", "http://img.test/@10.0.0.1/"),
        ("http://img.test/\\10.0.0.1", "http://img.test/\\10.0.0.1"),
        ("http://img.test/%0d%0aX:1", "http://img.test/%0d%0aX:1"),
        ("http://img.test/a.png#@10.0.0.1/", "http://img.test/a.png"),
        ("http://10.0.0.1?@img.test/", "http://10.0.0.1/?@img.test/"),
        ("http://[2606:4700:0:0::1]:8080/", "http://[2606:4700::1]:8080/"),
    ],
)
def test_address_is_read_and_written_one_way(text, url):
    assert read_address(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "img.test/a.png",
        "//img.test/a.png",
        "http:",
        "http://",
        "http:///a.png",
        "http://#x",
        "http:/img.test/",
        *(
            f"{scheme}://img.test/a"
            for scheme in ("ftp", "file", "gopher", "ws", "ldap", "http+unix", "local-file", "h ttp")
        ),
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "http://img.test@10.0.0.1/a.png",
        "http://user:pw@img.test/",
        "http://user%3Apw@img.test/",
        "http://img.test%2f@10.0.0.1/",
        "http://foo@127.0.0.1:80@img.test/",
        "http://img.test:0/a.png",
        "http://img.test:65536/",
        "http://img.test:+80/",
        "http://img.test:8o/",
        "http://img.test:/",
        "http://img.test:80:80/",
        "http://img.test:-80/",
        "http://img.test: 80/",
        "http://img.test:８０/",
        "http://img.test:0x50/",
        "http://img.test:80a/",
        "http://img.test:000080/",
        "http://:80/",
        "http://@10.0.0.1/",
        "http://:@img.test/",
        "http://img.test:80@10.0.0.1/",
        "http:\\\\img.test/",
        "http:img.test",
        "http:////img.test/",
        "http://http://img.test/",
        "http://img.test\u2028.test/",
        "http://img\ufffd.test/",
        "http://img.test/a\ufffdb",
        "http://img.test/a\x7f",
        "\x01http://img.test/",
        "view-source:http://img.test/",
        "feed:http://img.test/",
        "jar:http://img.test!/a.png",
        "netdoc:///etc/passwd",
        "\\\\10.0.0.5\\share\\a.png",
        "/etc/passwd",
        "tftp://img.test/a",
        "ldaps://127.0.0.1/x",
        "rtsp://img.test/a",
        "about:blank",
        "http://1.1.1.1\\@127.0.0.1:6666/x",
        "http://10.0.0.1\\img.test/",
        "http://img.te\tst/a.png",
        "http://img.te\nst/a.png",
        "http://img.test/a\r\nX: y",
        "http://img.test\x00.evil.test/",
        "http://{img.test}/",
        "http://img.test|id/",
        "http://img test/",
        "http://img%2etest/",
        "http://\u202eimg.test/",
        "http://img\u3002test/",
        "http://-img.test/",
        "http://img-.test/",
        "http://img..test/",
        "http://.test/",
        f"http://{'a' * 64}.test/",
        f"http://{'a.' * 127}test/",
        f"http://img.test/{'a' * 9000}",
        "http://xn--0.test/",
    ],
)
def test_address_that_could_be_read_in_two_ways_is_refused(text):
    with pytest.raises(InvalidAddress):
        read_address(text)


@pytest.mark.parametrize("host", ODD_HOSTS.split())
def test_host_in_an_unusual_spelling_is_refused(host):
    with pytest.raises(InvalidAddress):
        read_address(f"http://{host}/a.png")


@pytest.mark.parametrize("number", NUMBERS_AT_HOME.split())
def test_address_off_the_internet_is_not_public(number):
    assert not is_public(ip_address(number))


@pytest.mark.parametrize(
    "number", ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_address_on_the_internet_is_public(number):
    assert is_public(ip_address(number))


@pytest.mark.parametrize("name", HOME_NAMES.split())
def test_home_name_is_never_public_wherever_it_leads(name):
    address = read_address(f"http://{name}/")
    assert not permits(address, [ip_address("93.184.215.14")], AllowList.of([]))
    assert permits(address, [ip_address("10.0.0.9")], AllowList.of([name]))


def test_every_address_of_a_name_must_be_permitted():
    address = read_address("http://mix.test/")
    both = [ip_address("93.184.215.14"), ip_address("10.0.0.1")]
    assert not permits(address, both, AllowList.of([]))
    assert not permits(address, [], AllowList.of([]))
    assert permits(address, both, AllowList.of(["10.0.0.0/8"]))


@pytest.mark.parametrize(
    ("entry", "url", "number", "is_open"),
    [
        ("127.0.0.1:8188", "http://127.0.0.1:8188/", "127.0.0.1", True),
        ("127.0.0.1:8188", "http://127.0.0.1:8189/", "127.0.0.1", False),
        ("127.0.0.1", "http://127.0.0.1:9/", "127.0.0.1", True),
        ("[::1]:8188", "http://[::1]:8188/", "::1", True),
        ("::1", "http://[::1]:1/", "::1", True),
        ("Comfy.LAN", "http://comfy.lan/", "192.168.1.9", True),
        ("comfy.lan", "http://comfy.lan.evil.test/", "192.168.1.9", False),
        ("192.168.0.0/16", "http://comfy.lan/", "192.168.1.9", True),
        ("192.168.0.0/16", "http://img.test/", "10.0.0.1", False),
        ("10.0.0.0/8", "http://img.test/", "::ffff:10.0.0.1", True),
    ],
)
def test_allow_list_opens_what_it_names(entry, url, number, is_open):
    assert permits(read_address(url), [ip_address(number)], AllowList.of([entry])) is is_open


METADATA = """
    169.254.169.254 169.254.170.2 169.254.170.23 169.254.42.42 169.254.0.23 100.100.100.200 192.0.0.192
    168.63.129.16 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42 fe80::a9fe:a9fe fd00:c1::a9fe:a9fe
    ::ffff:169.254.169.254 ::169.254.169.254 ::ffff:0:169.254.169.254 64:ff9b::a9fe:a9fe
    64:ff9b:1::a9fe:a9fe 64:ff9b:1:a9fe:a9:fe00:: 2002:a9fe:a9fe::1 2001:0:4136:e378:8000:63bf:5601:5601
    2001:0:a9fe:a9fe:8000:63bf:80ff:fffe 64:ff9b::a83f:8110
"""


@pytest.mark.parametrize("number", METADATA.split())
def test_metadata_addresses_stay_shut_whatever_is_allowed(number):
    ip = ip_address(number)
    host = f"[{number}]" if ":" in number else number
    allowed = AllowList.of(["0.0.0.0/0", "::/0", number, "img.test"])
    assert is_metadata(ip)
    assert not permits(read_address(f"http://{host}/"), [ip], allowed)
    assert not permits(read_address("http://img.test/"), [ip], allowed)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.0/33",
        "http://x",
        "http://10.0.0.1",
        "a b",
        "host:99999",
        "host:0",
        "host:",
        ":80",
        "*.lan",
        "[::1",
        "10.0.0.0/8:80",
        "10.0.0",
        "10.0.0.1-10.0.0.9",
        "me@host",
        "0x7f.0.0.1",
        "fe80::1%eth0",
        "/",
        "::1/129",
    ],
)
def test_allow_list_refuses_an_entry_it_cannot_read(entry):
    with pytest.raises(InvalidAddress):
        AllowList.of([entry])
