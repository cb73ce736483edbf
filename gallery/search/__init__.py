"""Finding pictures: what is typed into the search box becomes a tree, and the tree a query.

found = search(owner, 'character:"Mirel Vane" (rain OR snow) -tag:wip "blue hour" sort:rating')
found.mistakes           what could not be read, and where; the rest was applied
page(found, after)       pictures by cursor;  total(found)  how many there are
"""

from gallery.search.language import FILTERS, Group, Mistake, Term
from gallery.search.matching import Search, search
from gallery.search.orders import SORTS, Order
from gallery.search.pages import (
    BadCursor,
    Page,
    Total,
    ahead,
    cursor_before,
    cursor_behind,
    neighbours,
    page,
    total,
)
from gallery.search.reading import parse
from gallery.search.tiles import tiles

__all__ = [
    "FILTERS",
    "SORTS",
    "BadCursor",
    "Group",
    "Mistake",
    "Order",
    "Page",
    "Search",
    "Term",
    "Total",
    "ahead",
    "cursor_before",
    "cursor_behind",
    "neighbours",
    "page",
    "parse",
    "search",
    "tiles",
    "total",
]
