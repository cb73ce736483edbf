import pytest

from gallery import decode, ingest
from gallery.models import ConnectionProfile, Image
from gallery.texts import assists
from tests.fake_vendors.openai import FakeOpenAI


@pytest.fixture
def text_vendor():
    """The strict fake of OpenAI, which writes texts and looks at pictures."""
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture(autouse=True)
def prompt_worker(monkeypatch):
    """A worker that takes texts up at once."""
    monkeypatch.setattr(assists, "wake", lambda assist: assists.carry_out(assist.pk))


@pytest.fixture
def writer(owner, text_vendor, settings):
    """The owner's connection to `text_vendor`."""
    settings.ALLOWED_PRIVATE_HOSTS = list(text_vendor.allowed)
    profile = ConnectionProfile(
        owner=owner, name="OpenAI", provider="openai", base_url=text_vendor.url, is_default=True
    )
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    return profile


@pytest.fixture
def stored(owner, picture, tmp_path):
    """A picture of the owner's with its file and its thumbnails."""
    path = tmp_path / "upload.png"
    path.write_bytes(picture("#204060", size=(1600, 1200)))
    return ingest.store(owner, path, source=Image.Source.UPLOAD).image


@pytest.fixture
def inspect(tmp_path):
    """Decode bytes in the shared children."""

    def run(data: bytes, **limits) -> decode.Decoded:
        path = tmp_path / "file"
        path.write_bytes(data)
        return decode.inspect(path, decode.Limits(**limits))

    return run


@pytest.fixture
def refusal(inspect):
    """Why bytes are not taken: the `DecodeError`."""

    def run(data: bytes, **limits) -> decode.DecodeError:
        with pytest.raises(decode.DecodeError) as caught:
            inspect(data, **limits)
        return caught.value

    return run
