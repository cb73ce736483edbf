"""Many pictures at once: a selection, one deed for all of it, and the way back.

selection = by_query(owner, "character:Mirel -tag:wip")
action = begin(selection, Action.TAG, tags=[forest])     few are done at once, many by a worker
undo(action)                                             also while it still runs
"""

from gallery.bulk.jobs import begin, give_up, recover, run, stop, sweep, undo
from gallery.bulk.selection import BulkError, Selection, by_ids, by_query, with_stacks
from gallery.bulk.tags import COUNTED, TagOnSome, count_tags

__all__ = [
    "COUNTED",
    "BulkError",
    "Selection",
    "TagOnSome",
    "begin",
    "by_ids",
    "by_query",
    "count_tags",
    "give_up",
    "recover",
    "run",
    "stop",
    "sweep",
    "undo",
    "with_stacks",
]
