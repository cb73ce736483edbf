"""What stands for a picture while it loads, and what it looks like, from a small grid of its pixels."""

from math import cos, pi
from operator import mul

SIDE = 32  # pixels of the grid on each side; the picture is stretched to fill it
LEVELS = (26, 84, 146, 214)  # the four steps of each colour in the style sheet's placeholder classes

Grid = list[tuple[float, float, float]]  # red, green, blue, 0 to 1, row by row
Waves = list[list[float]]
Channel = tuple[float, list[float], float]  # constant, varying factors, scale

_WAVES: Waves = [[cos(pi / SIDE * n * (x + 0.5)) for x in range(SIDE)] for n in range(8)]


def is_blank(pixels: bytes) -> bool:
    """Whether all RGBA `pixels` are the same: nothing can be seen."""
    return pixels == pixels[:4] * (len(pixels) // 4)


def opaque(pixels: bytes) -> tuple[Grid, list[float]]:
    """Lay RGBA `pixels` on their own average colour. Returns the colours and the alpha values, 0 to 1."""
    alphas = [a / 255 for a in pixels[3::4]]
    total = sum(alphas)
    channels = []
    for plane in (pixels[0::4], pixels[1::4], pixels[2::4]):
        average = sum(map(mul, plane, alphas)) / total / 255 if total else 0.5
        channels.append([average + (v / 255 - average) * a for v, a in zip(plane, alphas, strict=True)])
    return list(zip(*channels, strict=True)), alphas


def tint(grid: Grid) -> str:
    """Return the colours of the upper and the lower third, each as two hex digits of base-4 levels."""
    third = len(grid) // SIDE // 3 * SIDE
    return _tint_of(grid[:third]) + _tint_of(grid[-third:])


def _tint_of(grid: Grid) -> str:
    averages = [sum(channel) / len(grid) * 255 for channel in zip(*grid, strict=True)]
    levels = [min(range(4), key=lambda i: abs(LEVELS[i] - value)) for value in averages]
    return f"{levels[0] * 16 + levels[1] * 4 + levels[2]:02x}"


def phash(grid: Grid) -> int:
    """Return the 64-bit DCT hash of C. Zauner ("pHash", 2010), signed: near pictures differ in few bits."""
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in grid]
    sums = [value for row in _cosine_sums(grey, 8, 8) for value in row]
    middle = sum(sorted(sums)[31:33]) / 2
    bits = sum(1 << place for place, value in enumerate(reversed(sums)) if value > middle)
    return bits - (1 << 64) if bits >> 63 else bits


def thumbhash(grid: Grid, alphas: list[float], width: int, height: int) -> bytes:
    """Return the ThumbHash (Evan Wallace, https://evanw.github.io/thumbhash/) of the picture."""
    has_alpha = sum(alphas) < len(alphas) - 1e-6
    across, down = _luminance_terms(width, height, 5 if has_alpha else 7)
    channels = [
        _encode([(r + g + b) / 3 for r, g, b in grid], max(3, across), max(3, down)),
        _encode([(r + g) / 2 - b for r, g, b in grid], 3, 3),
        _encode([r - g for r, g, _ in grid], 3, 3),
    ]
    shorter = down if width > height else across
    head = _thumbhash_head(channels, has_alpha=has_alpha, landscape=width > height, terms=shorter)
    if has_alpha:
        channels.append(_encode(alphas, 5, 5))
        constant, _, scale = channels[3]
        head += bytes([round(15 * constant) | round(15 * scale) << 4])
    nibbles = [round(15 * factor) for _, factors, _ in channels for factor in factors]
    nibbles += [0] * (len(nibbles) % 2)
    return head + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _luminance_terms(width: int, height: int, limit: int) -> tuple[int, int]:
    longest = max(width, height)
    return max(1, round(limit * width / longest)), max(1, round(limit * height / longest))


def _thumbhash_head(channels: list[Channel], *, has_alpha: bool, landscape: bool, terms: int) -> bytes:
    (light, _, light_scale), (yellow, _, yellow_scale), (red, _, red_scale) = channels
    first = round(63 * light) | round(31.5 + 31.5 * yellow) << 6 | round(31.5 + 31.5 * red) << 12
    first |= round(31 * light_scale) << 18 | has_alpha << 23
    second = terms | round(63 * yellow_scale) << 3 | round(63 * red_scale) << 9 | landscape << 15
    return first.to_bytes(3, "little") + second.to_bytes(2, "little")


def _encode(channel: list[float], across: int, down: int) -> Channel:
    sums = _cosine_sums(channel, across, down)
    factors = [
        sums[y][x] / len(channel)
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    constant, varying = factors[0], factors[1:]
    scale = max(map(abs, varying))
    if scale > 1e-6:  # less is rounding; it would be blown up to full contrast
        return constant, [0.5 + 0.5 / scale * factor for factor in varying], scale
    return constant, [0.5] * len(varying), 0.0


def _cosine_sums(channel: list[float], across: int, down: int) -> Waves:
    """Return the unnormalised DCT-II of the grid, `sums[y][x]`, for the first waves only."""
    rows = [channel[at : at + SIDE] for at in range(0, len(channel), SIDE)]
    columns = [[sum(map(mul, row, _WAVES[x])) for row in rows] for x in range(across)]
    return [[sum(map(mul, column, _WAVES[y])) for column in columns] for y in range(down)]
