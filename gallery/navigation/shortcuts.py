"""Every key of the screens, for the page that lists them all.

The handlers in `static/js` name their keys and words themselves; the sheet behind "?" is drawn from them.
A browser test walks the pages and compares: what stands here is what works.
"""

from dataclasses import dataclass
from itertools import groupby

from gallery.language.wording import gettext_lazy

SPOKEN = {
    "ArrowLeft": "←",
    "ArrowRight": "→",
    "ArrowUp": "↑",
    "ArrowDown": "↓",
    "Escape": gettext_lazy("Esc"),
    " ": gettext_lazy("Space"),
}
EVERYWHERE = gettext_lazy("Everywhere")
GRID = gettext_lazy("In the grid")
VIEWER = gettext_lazy("In the viewer")
GENERATE = gettext_lazy("On Generate")
COMPARE = gettext_lazy("Comparing")


@dataclass(frozen=True)
class Shortcut:
    """A key as browsers name it, `f` or `Ctrl K` or `g q` for one after the other, and what it does."""

    group: str
    key: str
    label: str

    @property
    def strokes(self) -> list[str]:
        """What is pressed, one after the other, as it stands on keyboards."""
        return strokes(self.key)


def strokes(key: str) -> list[str]:
    """The keys of `g q` as people know them: ["G", "Q"]."""
    if key in SPOKEN:
        return [str(SPOKEN[key])]
    parts = [key] if key.startswith(("Ctrl ", "Alt ", "Shift ")) else key.split(" ")
    return [part.upper() if len(part) == 1 else part for part in parts]


def groups() -> list[tuple[str, list[Shortcut]]]:
    """All shortcuts, by where they work."""
    return [(group, list(some)) for group, some in groupby(SHORTCUTS, key=lambda each: each.group)]


def _of(group: str, *pairs: tuple[str, str]) -> list[Shortcut]:
    return [Shortcut(group, key, label) for key, label in pairs]


SHORTCUTS = [
    *_of(
        EVERYWHERE,
        ("Ctrl K", gettext_lazy("Commands")),
        ("a", gettext_lazy("Add images")),
        ("/", gettext_lazy("Search")),
        ("h", gettext_lazy("Hide or show all pictures")),
        ("z", gettext_lazy("Undo")),
        ("?", gettext_lazy("Show this list")),
        ("g g", gettext_lazy("Gallery")),
        ("g c", gettext_lazy("Characters")),
        ("g p", gettext_lazy("Personas")),
        ("g h", gettext_lazy("Chats")),
        ("g t", gettext_lazy("Tags")),
        ("g q", gettext_lazy("Queue")),
        ("g r", gettext_lazy("Prompts")),
        ("g o", gettext_lazy("Costs")),
        ("g x", gettext_lazy("Trash")),
        ("g s", gettext_lazy("Settings")),
    ),
    *_of(
        GRID,
        ("ArrowRight", gettext_lazy("Next picture")),
        ("ArrowLeft", gettext_lazy("Picture before")),
        ("ArrowDown", gettext_lazy("Row below")),
        ("ArrowUp", gettext_lazy("Row above")),
        ("Home", gettext_lazy("First picture")),
        ("End", gettext_lazy("Last picture on the page")),
        ("f", gettext_lazy("Favourite")),
        ("v", gettext_lazy("Make a variation")),
        ("r", gettext_lazy("Rate: then 0 to 5")),
        ("o", gettext_lazy("Show or fold the stack")),
        ("x", gettext_lazy("Select")),
        (" ", gettext_lazy("Select")),
        ("Shift →", gettext_lazy("Select a range")),
        ("Ctrl A", gettext_lazy("Select all on the page, then all of the search")),
        ("t", gettext_lazy("Tags")),
        ("d", gettext_lazy("Download")),
        ("#", gettext_lazy("Move to trash")),
        ("Delete", gettext_lazy("Move to trash")),
        ("Escape", gettext_lazy("Clear the selection")),
        ("1", gettext_lazy("Small tiles")),
        ("2", gettext_lazy("Medium tiles")),
        ("3", gettext_lazy("Large tiles")),
        ("s", gettext_lazy("Slideshow")),
    ),
    *_of(
        VIEWER,
        ("ArrowLeft", gettext_lazy("Previous picture")),
        ("ArrowRight", gettext_lazy("Next picture")),
        ("k", gettext_lazy("Previous picture")),
        ("j", gettext_lazy("Next picture")),
        ("f", gettext_lazy("Favourite")),
        ("d", gettext_lazy("Download the original")),
        ("#", gettext_lazy("Move to trash")),
        ("Delete", gettext_lazy("Move to trash")),
        ("i", gettext_lazy("Details")),
        ("e", gettext_lazy("Edit with words")),
        ("t", gettext_lazy("Add tags")),
        ("z", gettext_lazy("Fit or actual size")),
        ("v", gettext_lazy("Make a variation")),
        ("p", gettext_lazy("Copy the prompt")),
        ("[", gettext_lazy("The one before in the stack")),
        ("]", gettext_lazy("The next one in the stack")),
        ("c", gettext_lazy("Hold: the one before in the stack")),
        ("x", gettext_lazy("Add to the selection")),
        ("0", gettext_lazy("Take the rating away")),
        ("1", gettext_lazy("Rate 1 of 5")),
        ("2", gettext_lazy("Rate 2 of 5")),
        ("3", gettext_lazy("Rate 3 of 5")),
        ("4", gettext_lazy("Rate 4 of 5")),
        ("5", gettext_lazy("Rate 5 of 5")),
        ("s", gettext_lazy("Slideshow")),
        (" ", gettext_lazy("Pause the slideshow")),
        ("Escape", gettext_lazy("Stop the slideshow")),
        ("Escape", gettext_lazy("Back")),
    ),
    *_of(
        GENERATE,
        ("Ctrl Enter", gettext_lazy("Generate")),
        ("Alt M", gettext_lazy("Model")),
        ("Alt S", gettext_lazy("Shape")),
        ("Alt R", gettext_lazy("Reference images")),
    ),
    *_of(
        COMPARE,
        ("z", gettext_lazy("Fit or enlarge")),
        ("c", gettext_lazy("The other image")),
    ),
]
