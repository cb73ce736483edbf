"""An action on many pictures in a sentence: before, while and after it happens."""

from django.utils.translation import gettext, ngettext

from gallery.language.numerals import images, thousands
from gallery.models import BulkAction

Action, Status = BulkAction.Action, BulkAction.Status
SHOWN = 3  # names of tags


def sentence(action: BulkAction) -> str:
    """What is being done, was done, or was taken back: "Added “forest” to 4 images."."""
    if action.status in (Status.QUEUED, Status.RUNNING):
        return f"{_doing(action)}."
    if action.status == Status.DONE and action.changed == 0:
        return _nothing(action)
    if action.status == Status.UNDONE and action.changed == 0:
        return gettext("Undone: nothing had been changed yet.")
    done = _done(action)
    later = f"{done[0].lower()}{done[1:]}"
    return {
        Status.STOPPED: gettext("{done}, then it was stopped."),
        Status.FAILED: gettext("{done}, then it failed. {error}"),
        Status.UNDOING: gettext("Being undone: {later}."),
        Status.UNDONE: gettext("Undone: {later}."),
    }.get(Status(action.status), "{done}.{rest}").format(
        done=done, later=later, error=action.error, rest=_rest(action)
    )


def _names(action: BulkAction) -> str:
    names = [gettext("“{name}”").format(name=name) for name in action.params.get("names", [])]
    if len(names) > SHOWN:
        some = ", ".join(names[:SHOWN])
        return gettext("{names} and {n} more").format(names=some, n=len(names) - SHOWN)
    return gettext(" and ").join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _doing(action: BulkAction) -> str:
    value, n = action.params.get("value"), action.matched
    words = {
        Action.TAG: gettext("Adding {names} to {those}"),
        Action.UNTAG: gettext("Removing {names} from {those}"),
        Action.RATE: gettext("Rating {those}"),
        Action.FAVORITE: ngettext("Making {those} a favourite", "Making {those} favourites", n)
        if value
        else gettext("Taking the heart off {those}"),
        Action.SENSITIVE: gettext("Marking {those} as sensitive")
        if value
        else gettext("Marking {those} as not sensitive"),
        Action.TRASH: gettext("Moving {those} to the trash"),
        Action.RESTORE: gettext("Restoring {those}"),
    }
    return words[Action(action.action)].format(names=_names(action), those=images(n))


def _done(action: BulkAction) -> str:
    value, n = action.params.get("value"), action.changed
    words = {
        Action.TAG: gettext("Added {names} to {those}"),
        Action.UNTAG: gettext("Removed {names} from {those}"),
        Action.RATE: gettext("Rated {those} {value} of 5")
        if value
        else gettext("Took the rating off {those}"),
        Action.FAVORITE: ngettext("Made {those} a favourite", "Made {those} favourites", n)
        if value
        else gettext("Took the heart off {those}"),
        Action.SENSITIVE: gettext("Marked {those} as sensitive")
        if value
        else gettext("Marked {those} as not sensitive"),
        Action.TRASH: gettext("Moved {those} to the trash"),
        Action.RESTORE: gettext("Restored {those}"),
    }
    return words[Action(action.action)].format(names=_names(action), those=images(n), value=value)


def _nothing(action: BulkAction) -> str:
    """All of them were as wanted before."""
    n = action.matched
    words = {
        Action.TAG: ngettext("This image has {names} already.", "All {n} images have {names} already.", n),
        Action.UNTAG: ngettext(
            "This image does not have {names}.", "None of these {n} images has {names}.", n
        ),
        Action.TRASH: ngettext(
            "This image is in the trash already.", "All {n} images are in the trash already.", n
        ),
        Action.RESTORE: ngettext(
            "Nothing was restored: this image is in the gallery already.",
            "Nothing was restored: all {n} images are in the gallery already.",
            n,
        ),
    }
    like_that = ngettext("This image is like that already.", "All {n} images are like that already.", n)
    return words.get(Action(action.action), like_that).format(names=_names(action), n=thousands(n))


def _rest(action: BulkAction) -> str:
    """Those that were looked at and not changed, when it matters to know of them."""
    n = action.done - action.changed
    if not n or action.status != Status.DONE:
        return ""
    words = ""
    if action.action == Action.TAG:
        one = len(action.params["names"]) == 1
        words = gettext(" {n} had it already.") if one else gettext(" {n} had them already.")
    elif action.action == Action.RESTORE:
        words = ngettext(
            " {n} is in the gallery already; tags went to the copies there.",
            " {n} are in the gallery already; tags went to the copies there.",
            n,
        )
    return words.format(n=thousands(n))
