"""The slideshow: the page of a picture that goes on to the next one by itself."""

SPEEDS = (3, 5, 10, 20)  # seconds for each picture
SLOWEST = 120


def seconds(text: str) -> int | None:
    """How long each picture is shown, as `?play=` says. None: it does not go on by itself."""
    if not text.isascii() or not text.isdecimal() or len(text) > 3:
        return None
    return min(SLOWEST, max(SPEEDS[0], int(text)))
