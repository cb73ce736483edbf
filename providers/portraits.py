"""A figure under a halo, as the demo draws it."""

import math
import random

from PIL import Image, ImageDraw

from providers.brushes import (
    Color,
    Points,
    add_disc,
    add_mist,
    add_stars,
    between,
    fill,
    gradient,
    oval,
    smooth,
)  # fmt: skip


def figure_under_halo(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    canvas = gradient(width, height, sky, between(sky, horizon, 0.75))
    add_stars(canvas, dice, light, 140)
    unit, middle, eyes = min(width, height * 0.8), width / 2, height * dice.uniform(0.36, 0.4)
    _add_rings(canvas, dice, middle, eyes, unit, light)
    add_disc(canvas, 0.5, eyes / height, 0.23 * unit / width, between(light, horizon, 0.35))
    lean = dice.uniform(-0.02, 0.02) * unit
    fill(canvas, _hair(dice, middle, eyes, unit), between(near, far, 0.25))
    fill(canvas, _shoulders(dice, middle, eyes, unit, height), between(near, sky, 0.2))
    fill(
        canvas,
        oval(middle + lean, eyes + unit * 0.02, unit * 0.105, unit * 0.145),
        between(far, light, 0.28),
    )
    fill(canvas, _fringe(dice, middle + lean, eyes, unit), between(near, far, 0.12))
    _add_embroidery(canvas, dice, middle, eyes, unit, light)
    add_mist(canvas, int(height * 0.72), height, between(horizon, far, 0.5), 0.45)
    return canvas


def _hair(dice: random.Random, x: float, y: float, unit: float) -> Points:
    """Hair that falls to the shoulders or below, a little wavy."""
    long, wave, phase = dice.uniform(0.2, 0.46), dice.uniform(0.006, 0.022), dice.uniform(0, 6)
    sides = []
    for step in range(31):
        down = step / 30
        reach = 0.15 + 0.07 * math.sin(down * 2.2) + wave * math.sin(down * 11 + phase)
        sides.append((reach, -0.02 + down * long))
    crown = [(0.15 * math.cos(a), -0.02 - 0.17 * math.sin(a)) for a in (i * math.pi / 24 for i in range(25))]
    right, left = list(sides), [(-reach, down) for reach, down in reversed(sides)]
    return [(x + a * unit, y + b * unit) for a, b in [*reversed(crown), *right, *left]]


def _shoulders(dice: random.Random, x: float, y: float, unit: float, height: int) -> Points:
    slope, broad = dice.uniform(0.05, 0.09), dice.uniform(0.29, 0.36)
    half = [(0.045, 0.1), (0.05, 0.19), (0.12, 0.21 + slope / 2), (broad, 0.25 + slope), (broad + 0.08, 0.5)]
    bottom = (height - y) / unit + 0.05
    half.append((broad + 0.13, bottom))
    right = smooth(half)
    return [(x + a * unit, y + b * unit) for a, b in [*right, *((-a, b) for a, b in reversed(right))]]


def _fringe(dice: random.Random, x: float, y: float, unit: float) -> Points:
    part = dice.uniform(-0.05, 0.05)
    brow = [(-0.118, 0.06), (-0.09, -0.03), (part, -0.1), (0.09, -0.03), (0.118, 0.06)]
    crown = [(0.125 * math.cos(a), 0.02 - 0.185 * math.sin(a)) for a in (i * math.pi / 20 for i in range(21))]
    return [(x + a * unit, y + b * unit) for a, b in [*crown, *smooth(brow)]]


def _add_rings(
    canvas: Image.Image, dice: random.Random, x: float, y: float, unit: float, light: Color
) -> None:
    draw = ImageDraw.Draw(canvas, "RGBA")
    rays = dice.choice((24, 36, 48, 72))
    for ray in range(rays):
        angle = 2 * math.pi * ray / rays
        near, far = unit * 0.29, unit * (0.36 if ray % 2 else 0.42)
        ends = [(x + r * math.cos(angle), y + r * math.sin(angle)) for r in (near, far)]
        draw.line(ends, (*light, 120), 3)
    for radius, alpha in ((0.27, 170), (0.44, 90), (0.455, 60)):
        r = radius * unit
        draw.ellipse([x - r, y - r, x + r, y + r], outline=(*light, alpha), width=2)


def _add_embroidery(
    canvas: Image.Image, dice: random.Random, x: float, y: float, unit: float, light: Color
) -> None:
    """Two lines of small stitches from the neck downwards."""
    draw = ImageDraw.Draw(canvas, "RGBA")
    spread = dice.uniform(0.5, 0.9)
    for step in range(16):
        across, down, r = (
            (0.045 + step * 0.012 * spread) * unit,
            (0.22 + step * 0.022) * unit,
            4 - step * 0.15,
        )
        for side in (-1, 1):
            cx, cy = x + side * across, y + down
            draw.polygon([(cx, cy - r), (cx + r, cy), (cx, cy + r), (cx - r, cy)], (*light, 190))
