"""Places that the demo draws: mountains, woods, towers, dunes, a lighthouse, moons."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

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
    ridge,
)  # fmt: skip


def ridges_over_water(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    shore = int(height * dice.uniform(0.62, 0.74))
    land = gradient(width, shore, sky, horizon)
    add_stars(land, dice, light, 90)
    add_disc(land, dice.uniform(0.2, 0.8), dice.uniform(0.35, 0.7), dice.uniform(0.05, 0.1), light)
    count = dice.randint(4, 6)
    for step in range(count):
        depth = (step + 1) / count
        top = shore * (0.5 + 0.42 * depth)
        edge = ridge(dice, width, top, shore * (0.34 - 0.24 * depth))
        fill(land, [*edge, (width, shore), (0, shore)], between(between(horizon, far, 0.6), near, depth))
        add_mist(land, int(top), shore, horizon, 0.34 * (1 - depth))
    return _with_reflection(land, dice, shore, height, near, light)


def _with_reflection(
    land: Image.Image, dice: random.Random, shore: int, height: int, near: Color, light: Color
) -> Image.Image:
    """`land` above, and below it the same upside down, darker and stirred by ripples."""
    canvas = Image.new("RGB", (land.width, height), near)
    canvas.paste(land, (0, 0))
    mirror = ImageOps.flip(land).resize((land.width, height - shore)).filter(ImageFilter.GaussianBlur(3))
    canvas.paste(Image.blend(mirror, Image.new("RGB", mirror.size, near), 0.32), (0, shore))
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(70):
        y = shore + (height - shore) * dice.random() ** 1.6
        long = land.width * (0.02 + 0.12 * (y - shore) / (height - shore)) * dice.uniform(0.5, 2)
        x = dice.uniform(-long, land.width)
        draw.line([(x, y), (x + long, y)], (*light, dice.randint(10, 44)), dice.randint(1, 3))
    return canvas


def wood_in_mist(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    canvas = gradient(width, height, between(sky, far, 0.5), between(horizon, light, 0.35))
    add_disc(canvas, dice.uniform(0.3, 0.7), dice.uniform(0.3, 0.45), dice.uniform(0.07, 0.12), light)
    for step in range(5):
        depth = (step + 1) / 5
        color = between(between(horizon, far, 0.55), near, depth**1.4)
        ground = height * (0.62 + 0.3 * depth)
        for _ in range(int(22 - 14 * depth)):
            fill(canvas, _tree(dice, dice.uniform(-0.05, 1.05) * width, ground, height, depth), color)
        edge = ridge(dice, width, ground, height * 0.04)
        fill(canvas, [*edge, (width, height), (0, height)], color)
        add_mist(canvas, int(ground - height * 0.24), int(ground), horizon, 0.4 * (1 - depth))
    return canvas


def _tree(dice: random.Random, x: float, ground: float, height: int, depth: float) -> Points:
    """Outline of a fir that stands at `x` and grows with its nearness."""
    tall = height * (0.16 + 0.4 * depth) * dice.uniform(0.7, 1.2)
    wide = tall * dice.uniform(0.13, 0.18)
    tiers = 9
    left, right = [], []
    for tier in range(1, tiers + 1):
        y = ground + height * 0.05 - tall * (1 - tier / tiers)
        reach = wide * tier / tiers * dice.uniform(0.8, 1.15)
        left += [(x - reach, y), (x - reach * 0.45, y - tall * 0.012)]
        right += [(x + reach, y), (x + reach * 0.45, y - tall * 0.012)]
    return [(x, ground + height * 0.05 - tall), *right, *reversed(left)]


def towers_at_dusk(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    canvas = gradient(width, height, sky, horizon)
    add_stars(canvas, dice, light, 60)
    add_disc(canvas, dice.uniform(0.15, 0.85), dice.uniform(0.18, 0.5), dice.uniform(0.04, 0.13), light)
    rows = dice.randint(3, 4)
    for row in range(rows):
        depth = (row + 1) / rows
        color = between(between(horizon, far, 0.55), near, depth)
        x = -0.05 * width
        while x < width:
            wide = width * dice.uniform(0.05, 0.12) * (0.6 + 0.6 * depth)
            top = height * (dice.uniform(0.2, 0.62) + 0.16 * depth)
            fill(canvas, _tower(dice, x, top, wide, height), color)
            if row == rows - 1:
                _light_windows(canvas, dice, x, top, wide, light)
            x += wide * dice.uniform(0.9, 1.5)
        add_mist(canvas, int(height * 0.4), height, horizon, 0.42 * (1 - depth))
    return canvas


def _tower(dice: random.Random, x: float, top: float, wide: float, height: int) -> Points:
    """Outline of a tower: flat, pointed, or with a stepped crown."""
    corners = {
        "flat": [(0.0, 0.0), (1.0, 0.0)],
        "pointed": [(0.0, 0.0), (0.5, -1.1), (1.0, 0.0)],
        "stepped": [(0.0, 0.0), (0.2, 0.0), (0.2, -0.4), (0.8, -0.4), (0.8, 0.0), (1.0, 0.0)],
    }[dice.choice(("flat", "pointed", "stepped"))]
    roof = [(x + across * wide, top + up * wide) for across, up in corners]
    return [(x, height), *roof, (x + wide, height)]


def _light_windows(
    canvas: Image.Image, dice: random.Random, x: float, top: float, wide: float, light: Color
) -> None:
    draw = ImageDraw.Draw(canvas, "RGBA")
    step = max(6.0, wide / 6)
    for column in range(1, 6):
        y = top + step
        while y < canvas.height * 0.93:
            if dice.random() < 0.28:
                left = x + column * step - step / 5
                draw.rectangle([left, y, left + step / 2.5, y + step / 2], (*light, dice.randint(120, 230)))
            y += step * 1.3


def dunes_under_sun(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    canvas = gradient(width, height, between(sky, horizon, 0.35), between(horizon, light, 0.45))
    add_disc(canvas, dice.uniform(0.2, 0.8), dice.uniform(0.28, 0.48), dice.uniform(0.12, 0.24), light)
    count = dice.randint(3, 6)
    for step in range(count):
        depth = (step + 1) / count
        crest, phase, swell = height * (0.44 + 0.4 * depth), dice.uniform(0, 6.3), dice.uniform(0.6, 1.6)
        edge = [
            (width * i / 60, crest - height * 0.07 * math.sin(phase + swell * math.pi * i / 60))
            for i in range(61)
        ]
        color = between(between(horizon, far, 0.35), near, depth**1.6)
        fill(canvas, [*edge, (width, height), (0, height)], color)
        add_mist(canvas, int(crest), height, between(color, light, 0.3), 0.3 * (1 - depth))
    _add_birds(canvas, dice, near)
    return canvas


def _add_birds(canvas: Image.Image, dice: random.Random, color: Color) -> None:
    draw = ImageDraw.Draw(canvas, "RGBA")
    x, y, span = (dice.uniform(0.2, 0.7), dice.uniform(0.12, 0.3), canvas.width * dice.uniform(0.012, 0.022))
    for _ in range(dice.randint(4, 9)):
        cx = (x + dice.uniform(-0.14, 0.2)) * canvas.width
        cy = (y + dice.uniform(-0.06, 0.08)) * canvas.height
        wings = [(cx - span, cy - span * 0.5), (cx, cy), (cx + span, cy - span * 0.5)]
        draw.line(wings, (*color, 220), max(2, int(span / 5)), joint="curve")


def lighthouse_by_the_sea(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    shore = int(height * dice.uniform(0.66, 0.78))
    canvas = gradient(width, height, between(sky, near, 0.3), between(horizon, far, 0.3))
    add_stars(canvas, dice, light, 160)
    fill(canvas, [(0, shore), (width, shore), (width, height), (0, height)], between(far, near, 0.55))
    x, unit = width * dice.uniform(0.2, 0.8), min(width, height)
    foot, top = shore - unit * 0.06, shore - unit * dice.uniform(0.4, 0.56)
    _add_beam(canvas, dice, x, top, light)
    cliff = ridge(dice, width, shore - unit * 0.02, unit * 0.03)
    slope = [(cx, cy - unit * 0.12 * math.exp(-(((cx - x) / (unit * 0.3)) ** 2))) for cx, cy in cliff]
    waist, lamp = unit * 0.045, unit * 0.024
    tower = [(x - waist, foot), (x - lamp, top), (x + lamp, top), (x + waist, foot)]
    fill(canvas, tower, between(light, far, 0.25))
    fill(canvas, [*slope, (width, shore + unit * 0.05), (0, shore + unit * 0.05)], near)
    fill(canvas, oval(x, top - lamp * 0.6, lamp * 1.3, lamp * 1.5), light)
    add_mist(canvas, shore, height, horizon, 0.25)
    return canvas


def _add_beam(canvas: Image.Image, dice: random.Random, x: float, y: float, light: Color) -> None:
    """Two rays of the lamp, one each way."""
    glow = Image.new("L", (canvas.width // 4, canvas.height // 4))
    draw, lean, reach = ImageDraw.Draw(glow), dice.uniform(-0.2, 0.2), canvas.width * 1.2
    for side in (-1, 1):
        ends = [(x + side * reach, y + (side * lean + open_) * reach * 0.5) for open_ in (-0.12, 0.12)]
        draw.polygon([(px / 4, py / 4) for px, py in [(x, y), *ends]], 120)
    soft = glow.filter(ImageFilter.GaussianBlur(5)).resize(canvas.size, Image.Resampling.BICUBIC)
    canvas.paste(light, (0, 0), soft)


def moons_over_a_plain(dice: random.Random, palette: list[Color], width: int, height: int) -> Image.Image:
    sky, horizon, light, far, near = palette
    canvas = gradient(width, height, between(sky, near, 0.55), sky)
    add_stars(canvas, dice, light, 320)
    side = min(width, height)
    places = [(0.28, dice.uniform(0.2, 0.3)), (0.7, dice.uniform(0.07, 0.14)), (0.88, 0.04)]
    for place, size in places:
        x, y = (place + dice.uniform(-0.06, 0.06)) * width, dice.uniform(0.18, 0.46) * height
        r = size * side
        fill(canvas, oval(x, y, r, r), between(horizon, light, dice.uniform(0.3, 0.8)))
        night_side = [*_half(x, y, r, 1), *reversed(_half(x, y, r, dice.uniform(-0.2, 0.75)))]
        fill(canvas, night_side, between(sky, horizon, 0.22))
    ground = ridge(dice, width, height * dice.uniform(0.7, 0.82), height * 0.03)
    fill(canvas, [*ground, (width, height), (0, height)], between(far, near, 0.6))
    add_mist(canvas, int(height * 0.62), int(height * 0.84), horizon, 0.4)
    return canvas


def _half(x: float, y: float, radius: float, part: float) -> list[tuple[float, float]]:
    """The right edge of a disc, from top to bottom, drawn in to `part` of its width."""
    angles = [math.pi * (i / 40 - 0.5) for i in range(41)]
    return [(x + part * radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
