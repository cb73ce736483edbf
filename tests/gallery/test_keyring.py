"""Changing the key ring: provider keys stay readable at every step."""

import io
import json
import threading

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from gallery import connections, keyring
from gallery.generations import calls, generation
from gallery.models import ApiToken, ConnectionProfile, User, fields

KEY = "sk-CANARY-0123456789"


@pytest.fixture
def ring(settings, tmp_path):
    """A ring of one key, in a file."""
    settings.KEY_RING_FILE, settings.KEY_RING_IN_FILE = tmp_path / "ring", True
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.KEY_RING_FILE.write_text(settings.FIELD_ENCRYPTION_KEYS[0])
    return settings


@pytest.fixture
def profile(owner, ring):
    profile = ConnectionProfile(owner=owner, name="Main", provider="openai")
    profile.api_key = KEY
    profile.save()
    return profile


def rotate(**options):
    said = io.StringIO()
    call_command("rotate_keys", stdout=said, **options)
    return said.getvalue()


def test_key_is_changed_in_two_steps(profile, ring):
    (old,) = ring.FIELD_ENCRYPTION_KEYS
    assert "takes it up" in rotate(new_key=True)
    assert ring.KEY_RING_FILE.read_text().split(",") == ring.FIELD_ENCRYPTION_KEYS
    assert ring.FIELD_ENCRYPTION_KEYS[1] == old
    assert ring.KEY_RING_FILE.stat().st_mode & 0o077 == 0
    assert ConnectionProfile.objects.get().api_key == KEY
    assert "newest key: 1. Older keys removed: 1." in rotate(forget_old=True)
    assert old not in ring.KEY_RING_FILE.read_text()
    assert [ring.KEY_RING_FILE.read_text()] == ring.FIELD_ENCRYPTION_KEYS
    assert ConnectionProfile.objects.get().api_key == KEY


def test_ring_of_the_environment_is_changed_there(profile, ring):
    (old,) = ring.FIELD_ENCRYPTION_KEYS
    ring.KEY_RING_IN_FILE, ring.FIELD_ENCRYPTION_KEYS = False, [Fernet.generate_key().decode(), old]
    before = ring.KEY_RING_FILE.read_text()
    for option in ("new_key", "forget_old"):
        with pytest.raises(CommandError, match="Change that variable"):
            rotate(**{option: True})
    assert "newest key: 1." in rotate()
    ring.FIELD_ENCRYPTION_KEYS = ring.FIELD_ENCRYPTION_KEYS[:1]
    assert ConnectionProfile.objects.get().api_key == KEY
    assert ring.KEY_RING_FILE.read_text() == before


def test_key_that_nothing_opens_is_named_and_no_key_is_forgotten(profile, ring, other):
    ring.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    readable = ConnectionProfile(owner=other, name="Theirs", provider="xai")
    readable.api_key = KEY
    readable.save()
    before = ring.KEY_RING_FILE.read_text()
    with pytest.raises(CommandError, match=r"Main \(owner\).*Encrypted anew: 1"):
        rotate(forget_old=True)
    assert ring.KEY_RING_FILE.read_text() == before


# --- Others meanwhile -----------------------------------------------------------------------------


def test_a_process_that_runs_takes_up_a_ring_that_was_changed_beside_it(profile, ring):
    """Another process has written the file; here nobody has set anything."""
    (old,) = ring.FIELD_ENCRYPTION_KEYS
    fields.key_ring()
    new = Fernet.generate_key().decode()
    keyring._write(ring.KEY_RING_FILE, f"{new},{old}")
    assert profile.api_key == KEY
    profile.api_key = KEY
    profile.save()
    keyring._write(ring.KEY_RING_FILE, new)
    assert ConnectionProfile.objects.get().api_key == KEY
    assert ",".join(ring.FIELD_ENCRYPTION_KEYS) == new


def test_a_ring_whose_file_is_gone_stays_as_it_was_read(profile, ring):
    fields.key_ring()
    ring.KEY_RING_FILE.unlink()
    assert ConnectionProfile.objects.get().api_key == KEY


def test_a_change_that_was_begun_before_does_not_bring_the_old_sealing_back(profile, ring):
    """Somebody had the page open: the row that is saved was read before the key was sealed anew."""
    begun, also_begun = ConnectionProfile.objects.get(), ConnectionProfile.objects.get()
    rotate(new_key=True)
    rotate(forget_old=True)
    connections.change(begun, name="Renamed")
    connections.make_default(also_begun)
    assert ConnectionProfile.objects.get().api_key == KEY


def test_a_change_that_was_begun_before_a_move_takes_no_key_along(profile, ring):
    """Saved as a whole, with the old address and its key; never the new key with the old address."""
    begun = ConnectionProfile.objects.get()
    moved = ConnectionProfile.objects.get()
    connections.change(moved, base_url="https://gateway.example/v1", api_key="sk-OTHER-0123456789")
    connections.change(begun, name="Renamed")
    saved = ConnectionProfile.objects.get()
    assert (saved.base_url, saved.api_key) in {
        ("", KEY),
        ("https://gateway.example/v1", "sk-OTHER-0123456789"),
    }


@pytest.mark.django_db(transaction=True)
def test_no_key_is_lost_while_keys_are_entered_and_used(owner, ring):
    """Four people save, rename and use connections while the ring is changed several times."""
    rows = [
        connections.create(owner, name=f"{n}", provider="openai", api_key=f"{KEY}-{n}-0") for n in range(4)
    ]
    stopping, failures = threading.Event(), []

    def work(n):
        try:
            turn = 0
            while not stopping.is_set():
                mine = ConnectionProfile.objects.get(pk=rows[n].pk)
                assert mine.api_key == f"{KEY}-{n}-{turn}"
                turn += 1
                connections.change(mine, api_key=f"{KEY}-{n}-{turn}")
                connections.change(ConnectionProfile.objects.get(pk=rows[n].pk), default_model=f"m{turn}")
        except Exception as exc:  # noqa: BLE001  the test's own thread tells it
            failures.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        keyring.add_key()
        assert keyring.reseal()[1] == []
        assert keyring.forget_older_keys() == 1
    stopping.set()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert all(row.api_key.startswith(KEY) for row in ConnectionProfile.objects.all())
    assert len(ring.FIELD_ENCRYPTION_KEYS) == 1


# --- Keys that nothing opens ----------------------------------------------------------------------


def _swapped(profile, **place):
    """What is sealed for another person or provider."""
    return fields.seal(KEY, *{"owner": profile.owner_id, "provider": profile.provider, **place}.values())


DAMAGES = {
    "another owner's": lambda profile: _swapped(profile, owner=profile.owner_id + 1),
    "another provider's": lambda profile: _swapped(profile, provider="xai"),
    "cut": lambda profile: profile.sealed_key[:-20],
    "cut to nothing much": lambda profile: profile.sealed_key[:5],
    "garbage": lambda profile: "§ no token at all \n",
    "one letter changed": lambda profile: profile.sealed_key[:40] + "AB" + profile.sealed_key[42:],
    "of another ring": lambda profile: Fernet(Fernet.generate_key()).encrypt(b"[]").decode(),
    "no list": lambda profile: fields.key_ring().encrypt(b"7").decode(),
    "an empty list": lambda profile: fields.key_ring().encrypt(b"[]").decode(),
    "no text": lambda profile: (
        fields.key_ring().encrypt(json.dumps([7, str(profile.owner_id), "openai"]).encode()).decode()
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_key_that_nothing_opens_asks_to_be_entered_again(profile, owner_client, damage):
    """On every page and in the API, with a sentence; the connection can be mended by entering the key."""
    ConnectionProfile.objects.update(sealed_key=DAMAGES[damage](profile))
    profile.refresh_from_db()
    with pytest.raises(fields.UnreadableSecret):
        profile.api_key  # noqa: B018  reading is the act
    row, token = ApiToken.issue(profile.owner, "laptop")
    sent = {"headers": {"Authorization": f"Bearer {token}"}, "content_type": "application/json"}
    page, api = f"/settings/connections/{profile.public_id}/", f"/api/v1/profiles/{profile.public_id}"
    tested = owner_client.post(f"{api}/test", **sent).json()
    assert (tested["ok"], tested["code"]) == (False, "auth")
    assert "Enter it again" in tested["message"]
    assert "Enter it again" in owner_client.get(f"{api}/models?refresh=true", **sent).json()["note"]
    assert "Enter it again" in owner_client.post(f"{page}test/", follow=True).content.decode()
    for address in ("/settings/connections/", page, "/add/generate/", "/costs/"):
        assert owner_client.get(address).status_code == 200
    asked = owner_client.post("/api/v1/generations", {"profile": profile.name, "prompt": "a fox"}, **sent)
    assert asked.status_code in (202, 422)
    connections.change(profile, api_key=KEY)
    assert ConnectionProfile.objects.get().api_key == KEY


def test_a_generation_whose_key_nothing_opens_fails_with_the_sentence_and_is_not_sent(profile):
    asked = generation.submit(profile.owner, generation.Wish(profile=profile, prompt="A fox"))
    ConnectionProfile.objects.update(sealed_key="garbage")
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.error_code) == ("failed", "auth")
    assert "Enter it again" in asked.error_message
    assert not asked.may_have_been_charged


def test_sealed_keys_of_two_people_cannot_be_swapped(profile, other):
    theirs = connections.create(other, name="Theirs", provider="openai", api_key="sk-OTHER-0123456789")
    ConnectionProfile.objects.filter(pk=profile.pk).update(sealed_key=theirs.sealed_key)
    ConnectionProfile.objects.filter(pk=theirs.pk).update(sealed_key=profile.sealed_key)
    for row in ConnectionProfile.objects.all():
        with pytest.raises(fields.UnreadableSecret):
            row.api_key  # noqa: B018


def test_a_key_that_nothing_opens_can_be_replaced_in_the_admin(profile, client):
    ConnectionProfile.objects.update(sealed_key="garbage")
    client.force_login(User.objects.create_superuser("boss", password="x"))
    address = f"/admin/gallery/connectionprofile/{profile.pk}/change/"
    assert client.get(address).status_code == 200
    tested = client.post(
        "/admin/gallery/connectionprofile/", {"action": "test", "_selected_action": [profile.pk]}, follow=True
    )
    assert "Enter it again" in tested.content.decode()
    client.post(address, {"name": "Main", "provider": "openai", "new_key": KEY})
    assert ConnectionProfile.objects.get().api_key == KEY
