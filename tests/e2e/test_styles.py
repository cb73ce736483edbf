"""The style sheets that are sent mean, to a browser, what we wrote."""

import pytest

from config.statics import as_sent, joined
from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.browser

FOLDER = ROOT / "static"
# How Chromium reads a sheet, but for the spaces that it keeps inside values as they were written.
READ = r"""(text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  const rules = [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
  return rules.replace(/\s*([,/])\s*/g, "$1").replace(/\s+/g, " ");
}"""


def test_small_style_sheets_are_read_like_the_sources(page):
    for path in sorted(FOLDER.glob("css/*.css")):
        name = path.relative_to(FOLDER).as_posix()
        source, small = joined(name, read), as_sent(name, read)
        assert page.evaluate(READ, small) == page.evaluate(READ, source), name


def read(name):
    return (FOLDER / name).read_text()
