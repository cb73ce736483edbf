"""Names that files came with. They are shown and sent back, and never used as a path."""

import unicodedata

MAX_LENGTH = 255  # characters
NEVER = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, ends of lines
# These turn the writing round. They disguise "gnp.exe" as "exe.png"; right-to-left names do without them,
# unlike joiners and single marks, which Arabic, Hebrew and composed emoji need.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    """`text` without what cannot be stored or shown, or shows something else."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c for c in whole if unicodedata.category(c) not in NEVER and c not in TURNING)


def last_part(name: str) -> str:
    """The name without its folders; empty for one that says nothing, as "../" and "."."""
    last = visible(name).replace("\\", "/").rsplit("/", 1)[-1].strip()
    return last[:MAX_LENGTH] if last.strip(".") else ""
