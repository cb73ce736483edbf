"""What may be saved as a connection: addresses that may be reached, and options that its provider has."""

import pytest

from gallery import connections
from gallery.connections import OptionError, ProfileError


def create(owner, **changes):
    return connections.create(owner, **{"name": "Home", "provider": "automatic1111"} | changes)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:7860",
        "http://localhost:7860",
        "http://sd.localhost:7860",
        "http://[::1]:7860",
        "http://10.1.2.3",
        "http://192.168.1.20:7860/",
        "http://172.16.0.9",
        "http://169.254.1.1",
        "http://[fd00::1]:8188",
        "http://[::ffff:127.0.0.1]:7860",
        "http://0.0.0.0:7860",
        "http://100.64.0.1",
    ],
)
def test_a_private_address_that_no_setting_opens_is_refused(owner, settings, address):
    settings.ALLOWED_PRIVATE_HOSTS = []
    with pytest.raises(ProfileError, match="ALLOWED_PRIVATE_HOSTS=") as caught:
        create(owner, base_url=address)
    assert caught.value.field == "base_url"


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("127.0.0.1:7860", "http://127.0.0.1:7860"),
        ("127.0.0.1", "http://127.0.0.1:7861"),
        ("localhost:7860", "http://localhost:7860"),
        ("127.0.0.0/8", "http://localhost:7860"),
        ("192.168.0.0/16", "http://192.168.1.20:7860"),
        ("[::1]:7860", "http://[::1]:7860"),
    ],
)
def test_a_private_address_that_the_setting_names_is_taken(owner, settings, allowed, address):
    settings.ALLOWED_PRIVATE_HOSTS = [allowed]
    assert create(owner, base_url=address).base_url == address


@pytest.mark.parametrize(
    "address", ["http://comfy.lan:8188", "http://comfyui:8188", "https://api.example.com"]
)
def test_a_name_is_looked_up_only_when_it_is_used(owner, address):
    assert create(owner, base_url=address).base_url == address


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest", "http://[fd00:ec2::254]/"])
def test_where_clouds_hand_out_keys_nothing_opens(owner, settings, address):
    settings.ALLOWED_PRIVATE_HOSTS = ["169.254.0.0/16", "fd00::/8", "169.254.169.254"]
    with pytest.raises(ProfileError, match="never used"):
        create(owner, base_url=address)


@pytest.mark.parametrize("address", ["http://0x7f.1/", "http://127.1/", "http://2130706433/", "http://a b/"])
def test_an_address_that_programs_read_differently_is_refused(owner, address):
    with pytest.raises(ProfileError) as caught:
        create(owner, base_url=address)
    assert caught.value.field == "base_url"


def test_a_connection_can_be_renamed_although_its_address_was_closed_since(owner, settings):
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    profile = create(owner, base_url="http://127.0.0.1:7860")
    settings.ALLOWED_PRIVATE_HOSTS = []
    connections.change(profile, name="Studio", base_url="http://127.0.0.1:7860")
    with pytest.raises(ProfileError, match="ALLOWED_PRIVATE_HOSTS"):
        connections.change(profile, base_url="http://127.0.0.1:7861")


def test_options_are_kept_as_the_provider_has_them(owner):
    profile = create(owner, provider="xai", options={"deferred": True})
    profile.refresh_from_db()
    assert profile.options == {"deferred": "true"}


def test_an_option_that_there_is_not_is_named(owner):
    with pytest.raises(OptionError, match="it has deferred") as caught:
        create(owner, provider="xai", options={"speed": "high"})
    assert (caught.value.field, caught.value.option) == ("options", "speed")


def test_another_provider_clears_the_options_unless_new_ones_come_along(owner):
    profile = create(owner, provider="xai", options={"deferred": "true"})
    connections.change(profile, name="Renamed")
    assert profile.options == {"deferred": "true"}
    connections.change(profile, provider="openrouter", options={"zdr": "true"})
    assert profile.options == {"zdr": "true"}
    connections.change(profile, provider="openai")
    assert profile.options == {}
