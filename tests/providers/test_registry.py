import subprocess
import sys

import pytest

from providers import registry
from providers.base import Connection, Provider


@pytest.mark.parametrize("slug", [slug for slug, _ in registry.provider_choices()])
def test_every_provider_can_be_connected(slug):
    provider = registry.connect(slug, Connection())
    assert isinstance(provider, Provider)
    assert (provider.slug, provider.label) == (slug, dict(registry.provider_choices())[slug])


def test_unknown_provider_is_named_together_with_the_known():
    with pytest.raises(registry.UnknownProvider, match="“midjourney”.*openai"):
        registry.provider_class("midjourney")


def test_choices_import_no_adapter_and_no_http_client():
    code = "import sys; from providers import registry; registry.provider_choices(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"requests", "PIL", "providers.openai", "providers.base"} & set(loaded)
