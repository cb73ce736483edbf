"""The style sheets that are sent mean, to a browser, what we wrote."""

import pytest

from config.statics import minifier_of
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
        source = path.read_text()
        small = minifier_of(path.relative_to(FOLDER).as_posix())(source)
        assert page.evaluate(READ, small) == page.evaluate(READ, source), path.name
