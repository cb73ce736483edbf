"""Many pictures of one prompt: choices, lists, looks and shapes span a grid, sent cell by cell."""

from gallery.batches.expand import MOST, has_choices
from gallery.batches.feeding import cancel, feed, give_up, pause, recover, resume, retry
from gallery.batches.making import create
from gallery.batches.orders import Layout, Order, lay_out, see_that_it_is_paid_for

__all__ = [
    "MOST",
    "Layout",
    "Order",
    "cancel",
    "create",
    "feed",
    "give_up",
    "has_choices",
    "lay_out",
    "pause",
    "recover",
    "resume",
    "retry",
    "see_that_it_is_paid_for",
]
