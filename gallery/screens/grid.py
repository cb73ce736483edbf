"""Pictures as the grid shows them: tiles, and the groups by day or month that they stand in.

A page has up to 120 tiles, so a tile is drawn by one `format` and not by a template. Style attributes are
forbidden, so numbers travel as classes, which `static/css/ratios.css` turns back into numbers.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from gallery.files.media import thumbnail_url
from gallery.models import Image
from gallery.search import tiles
from gallery.templatetags.ui import icon

type Row = dict[str, Any]  # of gallery.search.tiles
type Badges = Mapping[int, str]  # HTML by the key of a picture
type Sizes = Mapping[int, int]  # how many pictures one stands for, itself included, by its key

EAGER = 12  # tiles that are likely above the fold
URGENT = 4
BUSY_DAY = 12  # pictures from which a day has a group of its own
ALL = "all"  # the period of pictures that are not grouped by date
STRETCH = 1.2  # a small rendition may be shown this much larger before the big one is fetched

TILE = (
    '<li class="tile r{ratio:02d} t{top} b{bottom}{extra}" id="image-{id}">'
    '<a href="{href}" data-full="{full}"><img src="{small}" '
    'srcset="{small} {small_width}w, {full} {full_width}w" '
    'sizes="{sizes}" width="{width}" height="{height}" alt="{alt}" decoding="async" {loading}></a>'
    '<span class="veil"></span><label class="pick"><input type="checkbox" name="ids" value="{id}{whole}" '
    'form="bulk" aria-label="{select}"></label>{badge}{heart}{show}</li>'
)
HEART = (
    '<button class="fav" form="fav" formaction="{url}favourite/" data-favourite="{id}" '
    'aria-pressed="{pressed}" aria-label="{favourite}">{icon}</button>'
)
BADGE = '<span class="badge"><span class="vh">{animated}</span>{icon}</span>'
STACK = (
    '<a class="badge" href="{url}stack/{suffix}" data-stack><span class="vh">{before} </span>'
    '{icon}{n}<span class="vh"> {after}</span></a>'
)
SHOW = '<label class="show"><input type="checkbox" class="vh">{icon}<span>{show}</span></label>'
NO_BADGES: Badges = {}
NO_SIZES: Sizes = {}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Pictures of one day or month that follow each other."""

    key: str  # part of its element's id: "2026-11-8f2c91"
    title: str
    tiles: SafeString
    sum_class: str  # its ratios added up: by it the browser knows the height before drawing
    size: int  # pictures in it so far, those of pages before included
    continues: bool  # the group stands on the page already, and these are more of it
    is_open: bool  # the next page may continue it, so its size cannot be told yet

    @property
    def mark(self) -> str:
        """Name the group and its size, for the page that follows: "2026-11-8f2c91:23"."""
        return f"{self.key}:{self.size}"


def ratio_step(width: int, height: int) -> int:
    """Number of the ratio class, 0 (2:5) to 78 (5:2), in steps of 2.4 percent."""
    return min(78, max(0, round(math.log(width / height / 0.40) / math.log(1.024))))


def sum_step(total: float) -> int:
    """Number of the class for a sum of ratios, 0 (0.4) to 40 (588), in steps of a fifth."""
    return min(40, max(0, round(math.log(max(total, 0.4) / 0.4) / math.log(1.2))))


def draw(
    images: Iterable[Image],
    *,
    query: str = "",
    first: bool = True,
    hearts: bool = True,
    badges: Badges = NO_BADGES,
) -> SafeString:
    """Draw list items for `images`, which the search `query` found; `first` is false below the fold.

    `badges` has what stands in the corner of some, by the key of the picture.
    """
    return _join(tiles(images), query, first=first, hearts=hearts, badges=badges)


def _join(
    rows: list[Row],
    query: str,
    *,
    first: bool,
    hearts: bool = True,
    badges: Badges = NO_BADGES,
    sizes: Sizes = NO_SIZES,
) -> SafeString:
    return mark_safe("".join(_draw(rows, query, first, hearts, badges, sizes)))  # noqa: S308  its parts are escaped


def _draw(
    rows: list[Row], query: str, first: bool, hearts: bool, badges: Badges, sizes: Sizes
) -> Iterator[str]:
    home, suffix = reverse("index"), f"?in={quote(query)}" if query else ""
    heart, show, layers = (
        icon("heart"),
        SHOW.format(icon=icon("eye", "s"), show=gettext("Show")),
        icon("layers", "s"),
    )
    animated = BADGE.format(icon=icon("play", "s"), animated=gettext("Animated"))
    select, favourite = gettext("Select {name}"), gettext("Favourite {name}")
    before, after = gettext("Show the stack of {n} images").split("{n}")
    for index, row in enumerate(rows):
        public_id, alt = str(row["public_id"]), escape(row["alt"])
        url = f"{home}images/{public_id}/"
        own = {"id": public_id, "alt": alt, "url": url}
        pressed = str(row["favorite"]).lower()
        liked = HEART.format(**own, pressed=pressed, icon=heart, favourite=favourite.format(name=alt))
        n = sizes.get(row["pk"], 1)
        stack = (
            STACK.format(url=url, suffix=suffix, icon=layers, n=n, before=before.strip(), after=after.strip())
            if n > 1
            else ""
        )
        yield TILE.format(
            **own,
            **_shape(row),
            href=url + suffix,
            whole=f"+{n}" if n > 1 else "",
            select=select.format(name=alt),
            heart=liked if hearts else "",
            badge=stack or badges.get(row["pk"]) or (animated if row["frames"] > 1 else ""),
            loading=_loading(index if first else EAGER),
            extra=" tile--sensitive" if row["sensitive"] else "",
            show=show if row["sensitive"] else "",
        )


def _loading(index: int) -> str:
    if index < URGENT:
        return 'fetchpriority="high"'
    return "" if index < EAGER else 'loading="lazy"'


def _shape(row: Row) -> dict[str, object]:
    ratio = row["width"] / row["height"]
    shown = min(2.4, max(0.5, ratio))
    across = min(1.0, ratio)  # part of the rendition's longest side that is its width
    return {
        "ratio": ratio_step(row["width"], row["height"]),
        "top": row["tint"][:2],
        "bottom": row["tint"][2:],
        "small": thumbnail_url(row["public_id"], row["owner_id"], 320),
        "full": thumbnail_url(row["public_id"], row["owner_id"], 1280),
        "small_width": round(320 * across * STRETCH),
        "full_width": round(1280 * across * STRETCH),
        "sizes": f"auto, (max-width: 639px) {46 * shown:.0f}vw, {230 * shown:.0f}px",
        "width": row["width"],
        "height": row["height"],
    }


def strip(images: Sequence[Image], *, query: str = "") -> list[Row]:
    """Describe `images` for a row of small squares: id, address, thumbnails, alternative text, sensitive."""
    home, suffix = reverse("index"), f"?in={quote(query)}" if query else ""
    return [
        {
            "id": row["public_id"],
            "url": f"{home}images/{row['public_id']}/{suffix}",
            "thumbnail": thumbnail_url(row["public_id"], row["owner_id"], 320),
            "large": thumbnail_url(row["public_id"], row["owner_id"], 1280),
            "alt": row["alt"],
            "sensitive": row["sensitive"],
        }
        for row in (tiles(images) if images else ())
    ]


# --- Groups -------------------------------------------------------------------------------------


def group(
    images: Sequence[Image],
    *,
    query: str = "",
    after: str = "",
    more: bool = False,
    dated: bool = True,
    sizes: Sizes = NO_SIZES,
) -> list[Group]:
    """Put `images` into groups. `after` is the mark of the group before them, `more` says that others follow.
    Those with a number in `sizes` stand for a stack, and ticked they mean all of it.

    A day with many pictures, today and yesterday stand on their own; the rest stands by months. Without
    `dated` all stand in one group without a title.
    """
    key, counted = _read_mark(after)
    rows = _with_days(tiles(images))
    per_day, yesterday = Counter(row["day"] for row in rows), timezone.localdate() - timedelta(days=1)
    dates = partial(_period, per_day=per_day, running=key, yesterday=yesterday)
    period_of = dates if dated else lambda row: ALL
    runs = [(period, list(run)) for period, run in groupby(rows, key=period_of)]
    groups = []
    for index, (period, run) in enumerate(runs):
        continues = index == 0 and key.rpartition("-")[0] == period
        groups.append(
            Group(
                key=key if continues else f"{period}-{run[0]['public_id'].hex[-6:]}",
                title=_title(period),
                tiles=_join(run, query, first=index == 0 and not after, sizes=sizes),
                sum_class=f"s{sum_step(sum(row['width'] / row['height'] for row in run)):02d}",
                size=len(run) + (counted if continues else 0),
                continues=continues,
                is_open=more and index == len(runs) - 1,
            )
        )
    return groups


def _read_mark(text: str) -> tuple[str, int]:
    key, _, count = text.partition(":")
    return key[:24], int(count) if count.isdecimal() and len(count) < 8 else 0


def _with_days(rows: list[Row]) -> list[Row]:
    zone = timezone.get_current_timezone()  # `localdate` would look for it each time
    return [row | {"day": row["created_at"].astimezone(zone).date()} for row in rows]


def _period(row: Row, per_day: Counter[date], running: str, yesterday: date) -> str:
    day = row["day"]
    if day >= yesterday or per_day[day] >= BUSY_DAY or running.rpartition("-")[0] == day.isoformat():
        return day.isoformat()
    return f"{day:%Y-%m}"


def _title(period: str) -> str:
    if period == ALL:
        return ""
    if len(period) == len("2026-11"):
        return date_format(date.fromisoformat(f"{period}-01"), "F Y")
    day, today = date.fromisoformat(period), timezone.localdate()
    if day == today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    return date_format(day, gettext("l j F") if day.year == today.year else gettext("l j F Y"))
