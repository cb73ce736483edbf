"""What the help page says: every line of the grammar, with examples that are searched for by a click."""

from dataclasses import dataclass

from gallery.search.fields import LISTED, MARKS, THINGS
from gallery.search.orders import SORTS


@dataclass(frozen=True, kw_only=True)
class Chapter:
    title: str
    lines: tuple[tuple[str, str], ...]  # (example, what it finds)
    note: str = ""


CHAPTERS = (
    Chapter(
        title="Words",
        lines=(
            ("winter cloak", "Pictures with both words in the prompt, the title or the notes"),
            ("wint", "The beginning of a word is enough; case and accents do not matter"),
            ('"blue hour"', "These words in this order"),
        ),
    ),
    Chapter(
        title="Combine",
        lines=(
            ("winter -cloak", "Without this; NOT cloak says the same"),
            ("rain OR snow", "One of the two. OR is written in capitals"),
            ("tag:forest (rain OR snow)", "Brackets keep together what belongs together"),
            ("tag:rain,snow", "A comma means: one of these values"),
            ("-(tag:wip rating:<3)", "A minus works on brackets too"),
        ),
        note="What stands side by side must all hold. It binds more closely than OR.",
    ),
    Chapter(
        title="Tags",
        lines=(
            ("character:mira", "Pictures of a character, in any look and by any of its other names"),
            ('look:"Mira:winter cloak"', 'One look of a character; look:"winter cloak" is that of anybody'),
            ('persona:"Ash Lane"', "A persona. Names with spaces stand in quotes"),
            ('chat:"The Long Night"', "A chat"),
            ("tag:rain", "A tag of your own"),
            ("is:untagged", "Nothing at all"),
        ),
    ),
    Chapter(
        title="What you said about it",
        lines=(
            ("favourite:yes", "Favourites"),
            ("rating:>=4", "Four stars or five; also rating:2..3 and rating:none"),
            ("sensitive:no", "Not marked as sensitive"),
            ("has:notes", f"Has {', '.join(THINGS)}"),
            ("is:edited", f"Is {', '.join((*MARKS, *LISTED))}"),
        ),
    ),
    Chapter(
        title="Where it came from",
        lines=(
            ("source:generated", "upload, import or generated"),
            ("model:gpt-image*", "Made by a model whose name begins like this"),
            ("provider:openai", "Made by this provider"),
            ('profile:"My studio"', "Made with this connection; connection: is the same"),
            ("cost:>0.05", "Cost more than five cents; also cost:0.01..0.10, cost:free and cost:unknown"),
        ),
    ),
    Chapter(
        title="When",
        lines=(
            ("date:2026-11", "A day, a month or a year; also date:today, yesterday, week, month and year"),
            ("date:2026-11-01..2026-11-22", "From one day to another, both included"),
            ("before:2026-11", "Before this day, month or year began"),
            ("after:2026-11-05", "After this day, month or year was over"),
        ),
        note="Days are those on which a picture came into the library.",
    ),
    Chapter(
        title="Shape and size",
        lines=(
            ("ratio:portrait", "portrait, landscape or square; shape: is the same"),
            ("ratio:16:9", "Width to height, within two percent"),
            ("width:>2000", "More than 2,000 pixels wide"),
            ("height:512..1024", "Between 512 and 1,024 pixels high"),
            ("size:>=2000", "The longest side; also size:1024x1536 and, for the file, size:>5MB"),
        ),
    ),
    Chapter(
        title="One picture",
        lines=(
            ("id:0198c2f6-8a7e-7000-8000-0123456789ab", "The picture with this id, as in its address"),
            ("stack:0198c2f6-8a7e-7000-8000-0123456789ab", "Every picture of its stack"),
        ),
    ),
    Chapter(
        title="Order",
        lines=tuple((f"sort:{name}", label) for name, label in SORTS.items()),
        note="The menu above the pictures does the same. A random order stays while you go through it.",
    ),
)
