"""Every stored text hostile, every page opened: nothing runs, and no page of ours breaks its own policy."""

import json

import pytest

from tests.e2e.test_browser import server, set_up  # noqa: F401  fixtures

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_no_text_runs_on_any_page(page, server):  # noqa: F811
    set_up(page, server)
    made = server.manage("shell", "-v", "0", "-c", "from tests.e2e import hostile; hostile.make()")
    addresses = json.loads(made.splitlines()[-1])
    assert len(addresses) > 80
    found = []
    page.on("dialog", lambda dialog: (found.append(("a dialog", page.url)), dialog.dismiss()))
    page.on("pageerror", lambda error: found.append((str(error), page.url)))
    page.on("console", lambda message: found.append((message.text, page.url)) if is_bad(message) else None)
    texts = 0
    for address in addresses:
        answer = page.goto(server.address + address, wait_until="load")
        found += [(answer.status, address)] if answer.status != (404 if "nothing" in address else 200) else []
        found += [("an element of a text", page.url)] if page.locator("[onerror], [onload]").count() else []
        texts += "onerror=alert(1)" in page.locator("body").inner_text()
    assert found == []
    assert texts > 40  # the pages show what was written


def is_bad(message) -> bool:
    """A page that is not there is one of those that are opened."""
    return message.type == "error" and "404" not in message.text
