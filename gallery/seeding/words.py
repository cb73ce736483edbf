"""Names and prompts for a made-up library."""
# ruff: noqa: SIM905  lists of words are read as text

from itertools import accumulate, islice, product
from random import Random

FIRST = (
    "Mirel Anselm Ysolde Corvin Tamsin Odran Liora Bastian Wren Isaura Kestrel Doran Neve Caspian "
    "Elowen Rurik Sable Thalia Perrin Vesna Alaric Briony Lucan Maren Soren Ilse Ruben Zora Emrys Fenna"
).split()
LAST = (
    "Vane Aldous Marsh Thorne Calloway Hale Rook Winter Lark Ashdown Fell Greave Hollis Ivers Quill "
    "Sterling Voss Wilde Yarrow Brandt"
).split()
QUALITIES = (
    "blue golden quiet broken winter summer old wild soft dark pale distant hidden rainy misty velvet "
    "silver copper burning frozen hollow gentle crooked sunlit moonlit drowned painted forgotten narrow "
    "tall"
).split()
THINGS = (
    "hour forest harbour lantern cloak garden tower river mirror staircase library rooftop market "
    "chapel bridge meadow train island theatre kitchen window desert orchard castle station cellar "
    "lighthouse carnival courtyard canyon portrait closeup silhouette landscape interior sketch armour "
    "letter feast storm"
).split()
PLOTS = ("The Long Road", "Letters from Ashdown", "Night Shift", "Salt and Iron", "The Glass Court")
LOOKS = ("winter cloak", "ball gown", "armour", "at home", "aged twelve", "in disguise", "summer", "on duty")
SYLLABLES = "ba ce di fo gu ha il jo ka le mi no or pa qui ra se ti ur ve wi xa yo za".split()
PSEUDO_WORDS = 4000
LONGEST = 28  # words of a prompt


def _mixed(first: list[str], second: list[str]) -> list[str]:
    names = [f"{one} {other}" for one, other in product(first, second)]
    return Random("names").sample(names, len(names))  # noqa: S311


PEOPLE, FREE = _mixed(FIRST, LAST), _mixed(QUALITIES, THINGS)


def character(number: int) -> str:
    return _nth(PEOPLE, number)


def chat(number: int) -> str:
    return f"{PLOTS[number % len(PLOTS)]} {number // len(PLOTS) + 1}"


def free_tag(number: int) -> str:
    return _nth(FREE, number)


def _nth(names: list[str], number: int) -> str:
    """Names come round again with a number behind them."""
    lap, place = divmod(number, len(names))
    return f"{names[place]} {lap + 1}" if lap else names[place]


class Writer:
    """Writes prompts whose words are as uneven as those of a language (Zipf)."""

    def __init__(self) -> None:
        dice = Random("words")  # noqa: S311
        made = ("".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))) for _ in iter(int, 1))
        self.words = [*QUALITIES, *THINGS, *islice(made, PSEUDO_WORDS)]
        self.weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def prompt(self, dice: Random) -> str:
        """Some words in lower case, without signs that would separate them further."""
        return " ".join(dice.choices(self.words, cum_weights=self.weights, k=dice.randint(6, LONGEST)))
