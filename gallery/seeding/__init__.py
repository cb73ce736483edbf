"""A made-up library of any size, to try screens and measure queries on: `fill`.

Rows, words, tags, counts, costs and dates are spread as in a library that grew for years; the pictures are
real files, some hundred of them, which many rows share. Checksums are made up, since each picture of a
library has its own.
"""

from gallery.seeding.library import fill

__all__ = ["fill"]
