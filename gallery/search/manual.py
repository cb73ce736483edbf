"""What the help page says: every line of the grammar, with examples that are searched for by a click."""

from dataclasses import dataclass

from gallery.language.wording import format_lazy, gettext_lazy
from gallery.search.fields import LISTED, MARKS, THINGS
from gallery.search.orders import SORTS


@dataclass(frozen=True, kw_only=True)
class Chapter:
    title: str
    lines: tuple[tuple[str, str], ...]  # (example, what it finds)
    note: str = ""


CHAPTERS = (
    Chapter(
        title=gettext_lazy("Words"),
        lines=(
            (
                "winter cloak",
                gettext_lazy("Pictures with both words in the prompt, the title or the notes"),
            ),
            ("wint", gettext_lazy("The beginning of a word is enough; case and accents do not matter")),
            ('"blue hour"', gettext_lazy("These words in this order")),
        ),
    ),
    Chapter(
        title=gettext_lazy("Combine"),
        lines=(
            ("winter -cloak", gettext_lazy("Without this; NOT cloak says the same")),
            ("rain OR snow", gettext_lazy("One of the two. OR is written in capitals")),
            ("tag:forest (rain OR snow)", gettext_lazy("Brackets keep together what belongs together")),
            ("tag:rain,snow", gettext_lazy("A comma means: one of these values")),
            ("-(tag:wip rating:<3)", gettext_lazy("A minus works on brackets too")),
        ),
        note=gettext_lazy("What stands side by side must all hold. It binds more closely than OR."),
    ),
    Chapter(
        title=gettext_lazy("Tags"),
        lines=(
            (
                "character:mira",
                gettext_lazy("Pictures of a character, in any look and by any of its other names"),
            ),
            (
                'look:"Mira:winter cloak"',
                gettext_lazy('One look of a character; look:"winter cloak" is that of anybody'),
            ),
            ('persona:"Ash Lane"', gettext_lazy("A persona. Names with spaces stand in quotes")),
            ('chat:"The Long Night"', "A chat"),
            ("tag:rain", gettext_lazy("A tag of your own")),
            ("is:untagged", gettext_lazy("Nothing at all")),
        ),
    ),
    Chapter(
        title=gettext_lazy("What you said about it"),
        lines=(
            ("favourite:yes", gettext_lazy("Favourites")),
            ("rating:>=4", gettext_lazy("Four stars or five; also rating:2..3 and rating:none")),
            ("sensitive:no", gettext_lazy("Not marked as sensitive")),
            ("has:notes", format_lazy(gettext_lazy("Has {things}"), things=", ".join(THINGS))),
            ("is:edited", format_lazy(gettext_lazy("Is {states}"), states=", ".join((*MARKS, *LISTED)))),
        ),
    ),
    Chapter(
        title=gettext_lazy("Where it came from"),
        lines=(
            ("source:generated", gettext_lazy("upload, import or generated")),
            ("model:gpt-image*", gettext_lazy("Made by a model whose name begins like this")),
            ("provider:openai", gettext_lazy("Made by this provider")),
            ('profile:"My studio"', gettext_lazy("Made with this connection; connection: is the same")),
            (
                "cost:>0.05",
                gettext_lazy("Cost more than five cents; also cost:0.01..0.10, cost:free and cost:unknown"),
            ),
        ),
    ),
    Chapter(
        title=gettext_lazy("When"),
        lines=(
            (
                "date:2026-11",
                gettext_lazy("A day, a month or a year; also date:today, yesterday, week, month and year"),
            ),
            ("date:2026-11-01..2026-11-22", gettext_lazy("From one day to another, both included")),
            ("before:2026-11", gettext_lazy("Before this day, month or year began")),
            ("after:2026-11-05", gettext_lazy("After this day, month or year was over")),
        ),
        note=gettext_lazy("Days are those on which a picture came into the library."),
    ),
    Chapter(
        title=gettext_lazy("Shape and size"),
        lines=(
            ("ratio:portrait", gettext_lazy("portrait, landscape or square; shape: is the same")),
            ("ratio:16:9", gettext_lazy("Width to height, within two percent")),
            ("width:>2000", gettext_lazy("More than 2,000 pixels wide")),
            ("height:512..1024", gettext_lazy("Between 512 and 1,024 pixels high")),
            (
                "size:>=2000",
                gettext_lazy("The longest side; also size:1024x1536 and, for the file, size:>5MB"),
            ),
        ),
    ),
    Chapter(
        title=gettext_lazy("One picture"),
        lines=(
            (
                "id:0198c2f6-8a7e-7000-8000-0123456789ab",
                gettext_lazy("The picture with this id, as in its address"),
            ),
            ("stack:0198c2f6-8a7e-7000-8000-0123456789ab", gettext_lazy("Every picture of its stack")),
        ),
    ),
    Chapter(
        title=gettext_lazy("Order"),
        lines=tuple((f"sort:{name}", label) for name, label in SORTS.items()),
        note=gettext_lazy(
            "The menu above the pictures does the same. A random order stays while you go through it."
        ),
    ),
)
