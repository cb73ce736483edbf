"""What a person orders: one wish, and what is to vary in it. From it, the cells and their price."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext

from gallery.batches import expand
from gallery.batches.expand import Axis
from gallery.batches.recipes import shaped
from gallery.generations import generation
from gallery.generations.generation import Wish
from gallery.language.wording import gettext_lazy
from gallery.models import Placeholder, Tag
from gallery.models.tag import fold
from gallery.money import costs
from gallery.prompting.filling import BRACES
from gallery.prompting.mentions import Cast
from gallery.templatetags.ui import money
from gallery.vendors import provider_for
from providers.base import Capabilities
from providers.errors import InvalidRequest, ProviderError

SAMPLE = 20  # cells whose price is worked out while a person still types
NOTHING_VARIES = gettext_lazy(
    "Nothing varies here. Write choices into the prompt, such as {red|blue}, or give a list."
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One wish, and the lists that it is varied by. `{a|b}` in its prompt varies anyway."""

    wish: Wish
    prompts: tuple[str, ...] = ()  # whole prompts, in place of that of the wish; sent as they are typed
    placeholders: tuple[Placeholder, ...] = ()  # of which each value is used
    looks: tuple[Tag, ...] = ()
    words: tuple[str, ...] = ()  # at the place of {}, else at the end of the prompt
    shapes: tuple[str, ...] = ()  # "1:1" or "1024x1024"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One picture to be made, or `n` of them."""

    index: int
    row: str
    column: str
    prompt: str
    shape: dict[str, str]

    @property
    def name(self) -> str:
        return " · ".join(filter(None, (self.row, self.column)))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All cells of an order, and what they are expected to cost."""

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    usd: Decimal | None  # None: not known
    standing: costs.Standing
    pictures: int


def lay_out(order: Order, *, in_full: bool = True) -> Layout:
    """The cells of `order` and their price, without sending anything. Raises `ProviderError` with a sentence.

    In full, each cell is checked against the model; else the price is worked out from SAMPLE of them.
    """
    _see_that_it_can_vary(order)
    able = _abilities(order.wish)
    template = _template(order)
    axes = [*template.axes, *_more_axes(order)]
    if not axes:
        raise InvalidRequest(str(NOTHING_VARIES), field="prompt")
    expand.see_that_it_is_small(axes)
    cells = tuple(_cells(order, template, axes, able))
    usd = _price(order, cells if in_full else cells[:: -(-len(cells) // SAMPLE)], len(cells))
    return Layout(
        axes=tuple(axes),
        cells=cells,
        usd=usd,
        standing=costs.standing(order.wish.profile, usd, len(cells), _chats(order.wish)),
        pictures=len(cells) * order.wish.n,
    )


def see_that_it_is_paid_for(laid: Layout) -> None:
    """Raise `BudgetExceeded`, which says how many cells fit, when not all do."""
    standing = laid.standing
    if standing.limit is None or not standing.over or laid.usd is None:
        return
    limit = standing.limit
    fits = (
        gettext(", which is enough for {fits} of {n}").format(fits=standing.fits, n=len(laid.cells))
        if standing.fits
        else ""
    )
    raise costs.BudgetExceeded(
        gettext(
            "This would cost about {usd}, and {left}{fits}. Take values out, raise the "
            "limit, or wait for the next month."
        ).format(usd=money(laid.usd), left=costs.what_is_left(limit), fits=fits)
    )


def _chats(wish: Wish) -> list[Tag]:
    return costs.chats_among((*wish.tags, *filter(None, [wish.chat])))


def _see_that_it_can_vary(order: Order) -> None:
    if not order.prompts and not order.wish.prompt.strip():
        raise InvalidRequest(gettext("Write what the pictures should show."), field="prompt")


def _abilities(wish: Wish) -> Capabilities:
    provider = provider_for(wish.profile)
    return provider.model_info(
        wish.model or wish.profile.default_model or provider.default_model()
    ).capabilities


def _template(order: Order) -> expand.Template:
    if order.prompts:
        prompts = Axis(kind="prompt", name=gettext_lazy("Prompt"), values=tuple(dict.fromkeys(order.prompts)))
        return expand.Template(spots=[expand.Spot(axis=0)], axes=[prompts])
    listed = {row.folded: row for row in order.placeholders}
    template = expand.template_of(order.wish.prompt, listed, with_words=bool(order.words))
    used = {axis.name for axis in template.axes if axis.kind == "placeholder"}
    if missing := next((row for row in order.placeholders if str(row) not in used), None):
        raise InvalidRequest(
            gettext("The prompt has no “{missing}” in it. Put it where it belongs.").format(missing=missing),
            field="placeholders",
        )
    return template


def _more_axes(order: Order) -> Iterator[Axis]:
    """Looks, one axis for each character; words; shapes, which run across."""
    people = dict.fromkeys(look.parent for look in order.looks if look.parent)
    for person in people:
        looks = [look for look in dict.fromkeys(order.looks) if look.parent_id == person.pk]
        keys, names = tuple(str(look.pk) for look in looks), tuple(look.name for look in looks)
        yield Axis(kind="looks", name=person.name, values=keys, labels=names)
    if order.words:
        yield Axis(kind="words", name=gettext_lazy("Words"), values=tuple(dict.fromkeys(order.words)))
    if order.shapes:
        shapes = tuple(dict.fromkeys(order.shapes))
        labels = tuple(shape.replace("x", " × ") for shape in shapes)
        yield Axis(kind="shape", name=gettext_lazy("Shape"), values=shapes, labels=labels)


def _cells(
    order: Order, template: expand.Template, axes: Sequence[Axis], able: Capabilities
) -> Iterator[Cell]:
    spots = []
    for place in expand.places(axes):
        values = [axis.values[at] for axis, at in zip(axes, place.at, strict=True)]
        by_kind = {axis.kind: value for axis, value in zip(axes, values, strict=True)}
        text = template.text(values[: len(template.axes)], by_kind.get("words", ""))
        wanted = {int(value) for axis, value in zip(axes, values, strict=True) if axis.kind == "looks"}
        spots.append((place, text, wanted, _shape(by_kind.get("shape", ""), able)))
    dressed = _dressed(order, [(text, wanted) for _, text, wanted, _ in spots])
    for (place, _, _, shape), prompt in zip(spots, dressed, strict=True):
        row, column = expand.heads(axes, place)
        yield Cell(index=place.index, row=row, column=column, prompt=prompt, shape=shape)


def _shape(value: str, able: Capabilities) -> dict[str, str]:
    if not value:
        return {}
    is_size = able.size and ("x" in value or not able.aspect_ratio)
    return {"size" if is_size else "aspect_ratio": value}


def _dressed(order: Order, texts: Iterable[tuple[str, set[int]]]) -> Iterator[str]:
    """The prompts with the looks written behind the names of those who have them."""
    texts = list(texts)
    if not order.looks:
        yield from (text for text, _ in texts)
        return
    looks = {look.pk: look for look in order.looks}
    cast = Cast(order.wish.profile.owner, [text for text, _ in texts], order.wish.persona)
    for text, wanted in texts:
        yield _with_looks(text, cast, {looks[key].parent_id: looks[key] for key in wanted})


def _with_looks(text: str, cast: Cast, looks: dict[int | None, Tag]) -> str:
    bare = [mention for mention in cast.mentions(text) if mention.tag.pk in looks and not mention.looks]
    named = {mention.tag.pk for mention in bare}
    if lost := next((look for key, look in looks.items() if key not in named and look.parent), None):
        name = lost.parent.name if lost.parent else ""
        raise InvalidRequest(
            gettext(
                "Write @{name}, without a look, into the prompt, so that somebody wears the looks."
            ).format(name=name),
            field="looks",
        )
    for mention in reversed(bare):
        name = looks[mention.tag.pk].name
        written = name if '"' in name else f'"{name}"'
        text = f"{text[: mention.end]}:{written}{text[mention.end :]}"
    return text


def wish_for(order: Order, cell: Cell) -> Wish:
    """What `cell` asks for."""
    return shaped(replace(order.wish, prompt=cell.prompt), cell.shape)


def _price(order: Order, looked_at: Sequence[Cell], n: int) -> Decimal | None:
    total = Decimal(0)
    for cell in looked_at:
        usd = _plan(order, cell, n).estimate.usd
        if usd is None:
            return None
        total += usd
    return total if len(looked_at) == n else (total / len(looked_at) * n).quantize(Decimal("0.000001"))


def _plan(order: Order, cell: Cell, n: int) -> generation.Plan:
    try:
        return generation.plan(wish_for(order, cell))
    except InvalidRequest as exc:
        if n == 1 or not cell.name:
            raise
        raise InvalidRequest(f"{cell.name[:100]}: {exc.message}", field=exc.field) from exc
    except ProviderError:
        raise


def lists_in(owner, prompt: str) -> list[Placeholder]:
    """The placeholders in `prompt` that have several values, in their order there."""
    names = [fold(match[1]) for match in BRACES.finditer(prompt)]
    rows = Placeholder.objects.owned_by(owner).filter(folded__in=names) if names else ()
    found = {row.folded: row for row in rows if len(row.values) > 1}
    return [found[name] for name in dict.fromkeys(names) if name in found]
