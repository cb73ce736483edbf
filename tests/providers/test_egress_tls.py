"""Certificates: checked for the name, with no way around."""

import datetime
import io
import ssl

import pytest

from providers import egress, pinned
from providers.egress import EgressError
from tests.internet import PICTURE, PUBLIC, certificate, internet, to


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


@pytest.mark.parametrize("vendor", [True, False])
def test_certificate_nobody_vouches_for_is_refused_whatever_the_environment_says(
    https, monkeypatch, tmp_path, vendor
):
    monkeypatch.undo()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "img.test.pem"))
    if vendor:
        with (
            pytest.raises(EgressError, match="certificate"),
            egress.request(
                "POST", "https://img.test/v1", headers={"Authorization": "Bearer k"}, body=b"{}", deadline=5
            ),
        ):
            pass
    else:
        assert refused("https://img.test/a.png") == "certificate"
    assert https.seen == []


def test_certificate_of_yesterday_is_refused(https, monkeypatch, tmp_path):
    path = certificate(tmp_path, "img.test", until=datetime.timedelta(days=-1))
    https.context.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=path)
    monkeypatch.setattr(pinned, "tls_context", lambda: trusting)
    assert refused("https://img.test/a.png") == "certificate"


def test_certificates_are_always_checked():
    context = pinned.tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


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
