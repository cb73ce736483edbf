"""The rows of the grid at every width, with shapes that try them."""

import itertools

import pytest

from tests.conftest import picture_bytes
from tests.e2e.conftest import Home
from tests.e2e.test_every_page import WIDTHS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHAPES = ((240, 360), (360, 240), (300, 300), (100, 500), (500, 100), (360, 200))
BOXES = """(grid) => [...grid.children].filter((tile) => tile.matches(".tile")).map((tile) => {
  const { top, right, width, height } = tile.getBoundingClientRect();
  return [Math.round(top), right, width, height];
})"""


@pytest.fixture(scope="module")
def shapes(house, tmp_path_factory):
    home = Home(*house)
    sizes = itertools.islice(itertools.cycle(SHAPES), 48)
    pictures = (picture_bytes(f"#4080{number:02x}", size) for number, size in enumerate(sizes))
    home.import_pictures(tmp_path_factory.mktemp("shapes") / "pictures", pictures)
    return home


def row_faults(page, width) -> list:
    """In each row, heights that differ and a gap at the end; of any tile, too wide or too low."""
    page.set_viewport_size({"width": width, "height": 900})
    grid = page.locator("ul.grid:has(> .tile)").first
    end = grid.evaluate("(grid) => grid.getBoundingClientRect().right")
    rows = [list(row) for _, row in itertools.groupby(grid.evaluate(BOXES), key=lambda box: box[0])]
    assert len(rows) > 1
    faults = [
        (width, "too wide or too low", box) for row in rows for box in row if box[2] > width or box[3] < 60
    ]
    for row in rows[:-1]:
        heights = [box[3] for box in row]
        faults += [(width, "heights", heights)] if max(heights) - min(heights) > 1 else []
        faults += [(width, "gap", end - row[-1][1])] if abs(end - row[-1][1]) > 2 else []
    return faults


def test_rows_are_full_and_even_at_every_width(page, shapes):
    # The narrowest is a phone at twice its size, where a very wide picture has a row of its own.
    shapes.enter(page)
    assert [fault for width in WIDTHS[1:] for fault in row_faults(page, width)] == []
