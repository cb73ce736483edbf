"""Comparisons of models on a page: a column for each model, and what a comparison would cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from gallery.forms.fitting import fit, has_own, own_in, own_name, with_own
from gallery.forms.generate import GenerateForm
from gallery.generations import comparisons, times
from gallery.models import Comparison, ComparisonColumn, Generation, User
from gallery.models.generation import Status
from gallery.money import costs
from gallery.offers import Offer
from gallery.screens import boxes, cards
from gallery.screens.boxes import Box
from gallery.screens.cards import Card, model_name

READ = ("columns__profile", "columns__generations__profile", "columns__generations__results__image")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One model of a comparison."""

    row: ComparisonColumn
    generation: Generation | None
    card: Card | None  # None: nothing was sent
    before: list[Card]  # of which some pictures came before the rest was tried again
    is_kept: bool
    can_be_kept: bool

    @property
    def name(self) -> str:
        return model_name(self.row.provider, self.row.model)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What the columns cost together, those that were tried again twice."""

    usd: Decimal  # as far as it is known
    to_come: Decimal  # estimates of what is under way
    is_known: bool  # False: a price is missing


def read(comparison: Comparison) -> list[Column]:
    """The columns of a comparison that was fetched with `READ` and `columns__generations__calls`."""
    rows = list(comparison.columns.all())
    known = times.typical(row.generation for row in rows if row.generation)
    return [_column(comparison, row, known.get((row.provider, row.model))) for row in rows]


def _column(comparison: Comparison, row: ComparisonColumn, typical: float | None) -> Column:
    made = row.generation
    return Column(
        row=row,
        generation=made,
        card=_card(made, typical, comparison.owner) if made else None,
        before=[
            cards.of_generation(each)
            for each in row.generations.all()
            if each != made and each.status == Status.PARTIAL
        ],
        is_kept=made is not None and made.pk == comparison.kept_id,
        can_be_kept=comparisons.can_be_kept(made),
    )


def _card(made: Generation, typical: float | None, owner: User) -> Card:
    """The job without what its column says already, and without a way out of it."""
    card = cards.of_generation(made, typical, is_paused=owner.queue_paused)
    return replace(card, facts=card.facts[1:], dismiss_url="")


def bill(comparison: Comparison) -> Bill:
    made = [each for column in comparison.columns.all() for each in column.generations.all()]
    waiting = [each.estimated_cost_usd for each in made if each.is_active]
    ended = [each for each in made if not each.is_active]
    lacking = None in waiting or any(_is_unpriced(each) for each in ended)
    return Bill(
        usd=sum((each.cost_usd or Decimal(0) for each in ended), Decimal(0)),
        to_come=sum((usd for usd in waiting if usd), Decimal(0)),
        is_known=not lacking,
    )


def _is_unpriced(made: Generation) -> bool:
    """Whether money may have been spent that nobody knows the amount of."""
    return made.cost_usd is None and (made.may_have_been_charged or bool(made.results.all()))


# --- The list -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Line:
    """A comparison in the list of them."""

    comparison: Comparison
    columns: list[tuple[str, bool]]  # the names of the models, and which was kept
    boxes: list[Box]
    bill: Bill


def lines(found: Iterable[Comparison]) -> list[Line]:
    """Describe comparisons that were fetched with `READ`."""
    return [_line(comparison) for comparison in found]


def _line(comparison: Comparison) -> Line:
    made = [(row, row.generation) for row in comparison.columns.all()]
    kept = comparison.kept_id
    return Line(
        comparison=comparison,
        columns=[(model_name(row.provider, row.model), bool(one and one.pk == kept)) for row, one in made],
        boxes=[boxes.of_picture(image) for image in _first_pictures(made, kept)],
        bill=bill(comparison),
    )


def _first_pictures(made: list, kept: int | None) -> Iterable[Any]:
    """A picture of each column, that of the kept one first."""
    for _, one in sorted(made, key=lambda pair: not (pair[1] and pair[1].pk == kept)):
        results = one.results.all() if one else ()
        shown = [result.image for result in results if result.image.trashed_at is None]
        yield from shown[:1]


# --- Before it is sent ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A choice that is made for one of several models alone."""

    name: str  # of its field in the form
    label: str
    choices: list[tuple[str, str]]
    chosen: str  # "": as for all


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a model would do for the comparison, and for how much."""

    offer: Offer
    n: int
    usd: Decimal | None
    notes: list[str]
    settings: tuple[Setting, ...] = ()  # that can be chosen for this model alone

    @property
    def has_own(self) -> bool:
        return any(setting.chosen for setting in self.settings)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The models that are ticked beside the chosen one."""

    quotes: list[Quote]
    usd: Decimal | None  # of all; None: a price is missing
    left: Decimal | None  # US dollars of the person's limit, where the sum goes over it

    @property
    def others(self) -> list[Quote]:
        return self.quotes[1:]

    @property
    def n(self) -> int:
        return sum(quote.n for quote in self.quotes)

    @property
    def notes(self) -> list[str]:
        return [note for quote in self.quotes for note in quote.notes]


def ask(
    owner: User, wanted: list[Offer], values: dict[str, Any], first: Quote, data: Mapping[str, Any]
) -> Asked | None:
    """What `wanted` would cost with these values of the form; None when it is no comparison.

    `data` is all that was sent: it has what was chosen for one model alone.
    """
    if len(wanted) < 2:
        return None
    quotes = [first, *(_quote(owner, offer, values, own_in(data, offer)) for offer in wanted[1:])]
    prices = [quote.usd for quote in quotes]
    usd = None if None in prices else sum(filter(None, prices), Decimal(0))
    limits = costs.limits(wanted[0].profile) if owner.monthly_budget_usd is not None else []
    left = next((limit.left for limit in limits if limit.profile is None), None)
    over = left is not None and usd is not None and usd > left
    return Asked(quotes=quotes, usd=usd, left=left if over else None)


def _quote(owner: User, offer: Offer, values: dict[str, Any], own: dict[str, str]) -> Quote:
    offer.profile.owner = owner  # read already
    fitted, notes = fit(with_own(values, own), offer)
    form = GenerateForm(fitted, offer=offer)
    usd, settings = form.estimate().usd, tuple(_settings(form, own))
    n = form.cleaned_data.get("n") or 1
    return Quote(offer=offer, n=n, usd=usd, notes=notes, settings=settings)


def _settings(form: GenerateForm, own: dict[str, str]) -> Iterator[Setting]:
    for name in has_own(form):
        field = form.fields[name]
        listed = field.widget.choices  # type: ignore[attr-defined]
        yield Setting(
            name=own_name(form.offer, name),
            label=str(field.label),
            choices=[(str(value), str(label)) for value, label in listed if value != ""],
            chosen=own.get(name, ""),
        )
