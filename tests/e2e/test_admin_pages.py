"""The admin as everybody meets it: axe on its pages, in both themes."""

import pytest

from tests.conftest import picture_bytes
from tests.e2e.test_every_page import AXE, STRICT, furnished

__all__ = ["furnished"]  # a fixture
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = (
    "",
    "gallery/",
    "gallery/image/",
    "gallery/user/",
    "gallery/generation/",
    "gallery/generationcall/",
    "gallery/connectionprofile/",
    "gallery/tag/",
    "gallery/user/add/",
)


@pytest.fixture(scope="module")
def full(furnished, tmp_path_factory):
    """So many pictures that their list has a second page."""
    home, _ = furnished
    pictures = (picture_bytes(f"#2040{number:02x}", (8, 8)) for number in range(105))
    home.import_pictures(tmp_path_factory.mktemp("many") / "pictures", pictures)
    return home


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admin_is_for_everyone(browser, full, scheme):
    page, faults = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme), []
    full.admit(page.context)
    for path in PAGES:
        assert page.goto(f"{full.address}/admin/{path}").ok, path
        for one in AXE.run(page, options=STRICT).response["violations"]:
            if one["impact"] != "minor":
                faults += [(path, one["id"], node["html"][:160]) for node in one["nodes"][:3]]
    page.context.close()
    assert not faults, "\n".join(map(str, faults))
