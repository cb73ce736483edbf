"""A batch as a grid: heads, pictures, and what became of each cell."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched

from django.utils.translation import gettext

from gallery.models import Batch, BatchCell, Generation, Image
from gallery.models.batch import ENDED
from gallery.models.generation import Status
from gallery.screens import boxes
from gallery.screens.boxes import Box
from gallery.screens.cards import PILLS, TROUBLE, Pill

State = BatchCell.State


@dataclass(frozen=True, kw_only=True)
class Square:
    """One cell on the page."""

    name: str
    pill: Pill
    url: str = ""  # of its generation
    sentence: str = ""
    pictures: tuple[Box, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All cells of a batch, and what they come to."""

    columns: list[str]  # heads; empty: a single column without one
    rows: list[tuple[str, tuple[Square, ...]]]
    counts: dict[str, int] = field(default_factory=dict)  # planned, active, done, failed
    pictures: int = 0
    usd: Decimal = Decimal(0)
    again: int = 0  # cells that can be tried again at once
    unsure: int = 0  # cells that may have been charged, and would perhaps be once more


def cells_of(batch: Batch) -> list[BatchCell]:
    """The cells in their order, with all that a page or an answer needs. Two queries."""
    rows = batch.cells.select_related("generation__profile", "generation__follows")
    return list(rows.prefetch_related("generation__results__image"))


def grid_of(batch: Batch, cells: list[BatchCell]) -> Grid:
    heads = batch.axes[-1]["labels"] if len(batch.axes) > 1 else []
    squares = [(cell.row, square_of(cell)) for cell in cells]
    lines = batched(squares, max(1, len(heads)), strict=False)
    return Grid(
        columns=heads,
        rows=[(line[0][0], tuple(square for _, square in line)) for line in lines],
        counts=dict(Counter(fate_of(cell) for cell in cells)),
        pictures=sum(len(cell.generation.results.all()) for cell in cells if cell.generation),
        usd=spent_on(cells),
        again=sum(_can_be_tried(cell) for cell in cells),
        unsure=sum(_is_unsure(cell) for cell in cells),
    )


def fate_of(cell: BatchCell) -> str:
    """In one word: planned, active, done or failed."""
    if cell.state == State.PLANNED:
        return "planned"
    if cell.state == State.FAILED or cell.generation is None:
        return "failed" if cell.state == State.FAILED else "done"
    if cell.generation.is_active:
        return "active"
    return "done" if cell.generation.status in (Status.DONE, Status.PARTIAL) else "failed"


def spent_on(cells: list[BatchCell]) -> Decimal:
    """US dollars that are known to be charged, earlier attempts among them."""
    now = (cell.generation.cost_usd or Decimal(0) for cell in cells if cell.generation)
    return sum(now, Decimal(0)) + sum((cell.earlier_cost_usd for cell in cells), Decimal(0))


def square_of(cell: BatchCell) -> Square:
    made, name = cell.generation, " · ".join(filter(None, (cell.row, cell.column)))
    if cell.state == State.FAILED:
        return Square(name=name, pill=Pill(text=gettext("Failed"), tone="bad"), sentence=cell.error)
    if cell.state == State.PLANNED:
        return Square(name=name, pill=Pill(text=gettext("Planned")))
    if made is None:
        return Square(name=name, pill=Pill(text=gettext("Deleted")))
    images: list[Image] = [result.image for result in made.results.all()]
    return Square(
        name=name,
        pill=_pill(made),
        url=made.get_absolute_url(),
        sentence="" if made.status in (Status.DONE, Status.CANCELLED) else made.sentence,
        pictures=tuple(boxes.of_picture(image) for image in images if image.trashed_at is None),
    )


def _pill(made: Generation) -> Pill:
    if made.status in TROUBLE and made.status != Status.UNKNOWN and made.error_code in PILLS:
        text, tone, _ = PILLS[made.error_code]
        return Pill(text=text, tone=tone)
    tones = {Status.DONE: "ok", Status.UNKNOWN: "warn", Status.PARTIAL: "warn", Status.FAILED: "bad"}
    tone = "accent" if made.is_active and made.status != Status.QUEUED else tones.get(Status(made.status), "")
    return Pill(text=made.get_status_display(), tone=tone)


def _can_be_tried(cell: BatchCell) -> bool:
    if cell.state == State.FAILED:
        return True
    made = cell.generation if cell.state == State.SUBMITTED else None
    return made is not None and made.status in ENDED and not made.may_have_been_charged


def _is_unsure(cell: BatchCell) -> bool:
    made = cell.generation if cell.state == State.SUBMITTED else None
    return made is not None and made.status in (*ENDED, Status.UNKNOWN) and made.may_have_been_charged
