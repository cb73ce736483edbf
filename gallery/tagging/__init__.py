"""Tags: their names, the pictures that carry them, and what they have to do with each other."""

from gallery.tagging.autocomplete import TagSuggestion, suggest
from gallery.tagging.counts import Pair, recount
from gallery.tagging.faces import set_avatar
from gallery.tagging.membership import (
    Restored,
    add,
    attach,
    attach_pairs,
    detach,
    detach_pairs,
    remove,
    restore,
    trash,
)
from gallery.tagging.merging import MergePlan, delete, merge, plan_merge
from gallery.tagging.names import change_kind, create, rename, resolve
from gallery.tagging.tagspec import TagError, TagTaken, parse_spec, split_specs

__all__ = [
    "MergePlan",
    "Pair",
    "Restored",
    "TagError",
    "TagSuggestion",
    "TagTaken",
    "add",
    "attach",
    "attach_pairs",
    "change_kind",
    "create",
    "delete",
    "detach",
    "detach_pairs",
    "merge",
    "parse_spec",
    "plan_merge",
    "recount",
    "remove",
    "rename",
    "resolve",
    "restore",
    "set_avatar",
    "split_specs",
    "suggest",
    "trash",
]
