"""Pictures drawn on this computer, for those who have no provider yet.

The prompt chooses the colours; the seed chooses the place, the time of day and everything else, so that one
prompt is one world and its pictures differ at a glance.
"""

import hashlib
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFont, ImageOps

from providers import landscapes, portraits
from providers.brushes import Color, add_mist, between, turned

Scene = Callable[[random.Random, list[Color], int, int], Image.Image]

# Sky above, sky at the horizon, light, far, near.
PALETTES = (
    ("#1b2347", "#e8876b", "#ffe3b0", "#6d5a86", "#151531"),
    ("#0d2b3e", "#7fb7b2", "#f6f1d6", "#3c7480", "#07202b"),
    ("#3a1c4a", "#e2698d", "#ffd9a8", "#8d4577", "#1f0f2c"),
    ("#24365e", "#f2c38b", "#fff4d9", "#8e7f92", "#1a2138"),
    ("#102a24", "#b7c98a", "#fdf3c0", "#54795f", "#0a1c18"),
    ("#46202a", "#ee9a5a", "#ffe9b8", "#a4574a", "#250f18"),
    ("#1a1f3d", "#8f9fd6", "#f3f0ff", "#5a659c", "#0f1228"),
    ("#2b3a42", "#d8c3b0", "#fff8ea", "#84898a", "#171f25"),
)


SCENES: tuple[Scene, ...] = (
    landscapes.ridges_over_water,
    portraits.figure_under_halo,
    landscapes.towers_at_dusk,
    landscapes.wood_in_mist,
    landscapes.dunes_under_sun,
    landscapes.lighthouse_by_the_sea,
    landscapes.moons_over_a_plain,
)


def paint(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """Draw a picture of `width` × `height` pixels for `prompt`; the same seed draws the same picture."""
    taste = random.Random(hashlib.sha256(prompt.encode()).digest())  # noqa: S311
    palette = [turned(color, taste.uniform(-0.05, 0.05)) for color in taste.choice(PALETTES)]
    scenes = taste.sample(SCENES, len(SCENES))
    dice = random.Random(f"{prompt}/{seed}")  # noqa: S311
    canvas = scenes[seed % len(scenes)](dice, _at_another_hour(dice, palette), width, height)
    if dice.random() < 0.5:
        canvas = ImageOps.mirror(canvas)
    _sign(canvas, prompt, palette[2], palette[4])
    return canvas


def _at_another_hour(dice: random.Random, palette: list[Color]) -> list[Color]:
    """The same colours by day, at dawn, at night or in haze, leaning a little to one side of the circle."""
    sky, horizon, light, far, near = palette
    hour = dice.choice(
        (
            palette,
            [
                between(horizon, light, 0.2),
                between(light, horizon, 0.3),
                light,
                between(far, horizon, 0.3),
                far,
            ],
            [between(sky, (4, 6, 18), 0.6), between(sky, far, 0.5), light, between(far, near, 0.5), near],
            [between(sky, light, 0.45), between(horizon, light, 0.6), light, between(far, light, 0.35), far],
        )
    )
    by = dice.uniform(-0.06, 0.06)
    return [turned(color, by) for color in hour]


def _sign(canvas: Image.Image, prompt: str, light: Color, dark: Color) -> None:
    """Write "demo" and the first words of the prompt along the lower edge, large enough for a thumbnail."""
    size = max(canvas.size) // 26
    font = ImageFont.load_default(size)
    words = prompt.split()
    text = f"demo · {' '.join(words)}"
    while font.getlength(text) > canvas.width - 2 * size and len(words) > 1:
        words.pop()
        text = f"demo · {' '.join(words).rstrip('.,;:')}…"
    add_mist(canvas, canvas.height - 4 * size, canvas.height, between(dark, (0, 0, 0), 0.4), 0.85)
    place = (size, canvas.height - size * 0.9)
    ImageDraw.Draw(canvas).text(place, text, between(light, (255, 255, 255), 0.5), font, anchor="ls")
