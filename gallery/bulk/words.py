"""An action on many pictures in a sentence: before, while and after it happens."""

from gallery.models import BulkAction

Action, Status = BulkAction.Action, BulkAction.Status
SHOWN = 3  # names of tags


def images(n: int) -> str:
    return "1 image" if n == 1 else f"{n:,} images"


def sentence(action: BulkAction) -> str:
    """What is being done, was done, or was taken back: "Added “forest” to 4 images."."""
    if action.status in (Status.QUEUED, Status.RUNNING):
        return f"{_doing(action)}."
    if action.status == Status.DONE and action.changed == 0:
        return _nothing(action)
    if action.status == Status.UNDONE and action.changed == 0:
        return "Undone: nothing had been changed yet."
    done = _done(action)
    later = f"{done[0].lower()}{done[1:]}"
    return {
        Status.STOPPED: f"{done}, then it was stopped.",
        Status.FAILED: f"{done}, then it failed. {action.error}",
        Status.UNDOING: f"Being undone: {later}.",
        Status.UNDONE: f"Undone: {later}.",
    }.get(Status(action.status), f"{done}.{_rest(action)}")


def _names(action: BulkAction) -> str:
    names = [f"“{name}”" for name in action.params.get("names", [])]
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _doing(action: BulkAction) -> str:
    those, value = images(action.matched), action.params.get("value")
    favourites = "a favourite" if action.matched == 1 else "favourites"
    return {
        Action.TAG: f"Adding {_names(action)} to {those}",
        Action.UNTAG: f"Removing {_names(action)} from {those}",
        Action.RATE: f"Rating {those}",
        Action.FAVORITE: f"Making {those} {favourites}" if value else f"Taking the heart off {those}",
        Action.SENSITIVE: f"Marking {those} as sensitive" if value else f"Marking {those} as not sensitive",
        Action.TRASH: f"Moving {those} to the trash",
        Action.RESTORE: f"Restoring {those}",
    }[Action(action.action)]


def _done(action: BulkAction) -> str:
    those, value = images(action.changed), action.params.get("value")
    favourites = "a favourite" if action.changed == 1 else "favourites"
    return {
        Action.TAG: f"Added {_names(action)} to {those}",
        Action.UNTAG: f"Removed {_names(action)} from {those}",
        Action.RATE: f"Rated {those} {value} of 5" if value else f"Took the rating off {those}",
        Action.FAVORITE: f"Made {those} {favourites}" if value else f"Took the heart off {those}",
        Action.SENSITIVE: f"Marked {those} as sensitive" if value else f"Marked {those} as not sensitive",
        Action.TRASH: f"Moved {those} to the trash",
        Action.RESTORE: f"Restored {those}",
    }[Action(action.action)]


def _nothing(action: BulkAction) -> str:
    """All of them were as wanted before."""
    one = action.matched == 1
    those = "This image" if one else f"All {action.matched:,} images"
    none = "This image does not have" if one else f"None of these {action.matched:,} images has"
    is_, has = ("is", "has") if one else ("are", "have")
    return {
        Action.TAG: f"{those} {has} {_names(action)} already.",
        Action.UNTAG: f"{none} {_names(action)}.",
        Action.TRASH: f"{those} {is_} in the trash already.",
        Action.RESTORE: f"Nothing was restored: {those.lower()} {is_} in the gallery already.",
    }.get(Action(action.action), f"{those} {is_} like that already.")


def _rest(action: BulkAction) -> str:
    """Those that were looked at and not changed, when it matters to know of them."""
    n = action.done - action.changed
    if not n or action.status != Status.DONE:
        return ""
    if action.action == Action.TAG:
        return f" {n:,} had {'it' if len(action.params['names']) == 1 else 'them'} already."
    if action.action == Action.RESTORE:
        return f" {n:,} {'is' if n == 1 else 'are'} in the gallery already; tags went to the copies there."
    return ""
