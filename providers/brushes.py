"""What pictures of the demo are drawn with: colours, outlines, light and mist.

Light shapes are drawn small and enlarged, which is soft and quick; edges are drawn twice as large and
reduced, which is smooth.
"""

import colorsys
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

Color = tuple[int, int, int]
Points = Sequence[tuple[float, float]]


def gradient(width: int, height: int, top: Color, bottom: Color) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR)
    return ImageOps.colorize(ramp, top, bottom)


def fill(canvas: Image.Image, outline: Points, color: Color) -> None:
    """Fill `outline`, with smooth edges."""
    left, top = (max(0, int(min(point[axis] for point in outline)) - 1) for axis in (0, 1))
    right = min(canvas.width, int(max(point[0] for point in outline)) + 2)
    bottom = min(canvas.height, int(max(point[1] for point in outline)) + 2)
    if left >= right or top >= bottom:
        return
    mask = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
    ImageDraw.Draw(mask).polygon([((x - left) * 2, (y - top) * 2) for x, y in outline], 255)
    canvas.paste(color, (left, top), mask.reduce(2))


def add_disc(canvas: Image.Image, x: float, y: float, radius: float, color: Color) -> None:
    """A sun or moon with its glow; place and radius as parts of the picture's width and height."""
    width, height, scale = canvas.width, canvas.height, 8
    cx, cy, r = x * width, y * height, radius * width
    glow = Image.new("RGB", (width // scale, height // scale))
    box = [(cx - 2 * r) / scale, (cy - 2 * r) / scale, (cx + 2 * r) / scale, (cy + 2 * r) / scale]
    ImageDraw.Draw(glow).ellipse(box, between((0, 0, 0), color, 0.5))
    glow = glow.filter(ImageFilter.GaussianBlur(r / scale)).resize(canvas.size, Image.Resampling.BICUBIC)
    canvas.paste(ImageChops.screen(canvas, glow))
    fill(canvas, oval(cx, cy, r, r), color)


def add_stars(canvas: Image.Image, dice: random.Random, color: Color, count: int) -> None:
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(count):
        x, y, r = (
            dice.uniform(0, canvas.width),
            canvas.height * 0.7 * dice.random() ** 1.5,
            dice.uniform(0.6, 1.9),
        )
        draw.ellipse([x - r, y - r, x + r, y + r], (*color, dice.randint(60, 200)))


def add_mist(canvas: Image.Image, top: int, bottom: int, color: Color, strength: float) -> None:
    """Mist that thickens from `top` to `bottom`."""
    top = max(0, top)
    if bottom <= top or strength <= 0:
        return
    ramp = Image.linear_gradient("L").resize((canvas.width, bottom - top), Image.Resampling.BILINEAR)
    canvas.paste(color, (0, top), ramp.point([int(value * strength) for value in range(256)]))


def ridge(dice: random.Random, width: int, top: float, rough: float) -> list[tuple[float, float]]:
    """A mountain line from left to right, by halving and moving the middles."""
    heights = [dice.uniform(-1, 1), dice.uniform(-1, 1)]
    amount = 1.0
    while len(heights) < 256:
        middles = [
            (a + b) / 2 + dice.uniform(-amount, amount) for a, b in zip(heights, heights[1:], strict=False)
        ]
        heights = [h for pair in zip(heights, middles, strict=False) for h in pair] + heights[-1:]
        amount *= 0.52
    last = len(heights) - 1
    return [(width * i / last, top - rough * h) for i, h in enumerate(heights)]


def oval(x: float, y: float, across: float, down: float) -> Points:
    return [
        (x + across * math.cos(angle), y + down * math.sin(angle))
        for angle in (2 * math.pi * i / 96 for i in range(96))
    ]


def smooth(points: list[tuple[float, float]], rounds: int = 3) -> list[tuple[float, float]]:
    """Round the corners of an open line (Chaikin's algorithm)."""
    for _ in range(rounds):
        cut = [points[0]]
        for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
            cut += [
                (0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by),
                (0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by),
            ]
        points = [*cut, points[-1]]
    return points


def between(one: Color, other: Color, part: float) -> Color:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def turned(color: str | Color, by: float) -> Color:
    """`color`, such as "#1b2347", with its hue turned by a part of the circle."""
    parts = bytes.fromhex(color[1:]) if isinstance(color, str) else color
    red, green, blue = (part / 255 for part in parts)
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)
    red, green, blue = colorsys.hls_to_rgb((hue + by) % 1, light, full)
    return round(red * 255), round(green * 255), round(blue * 255)
