"""Refine in a chat: a picture is changed turn by turn, in words."""

import uuid
from dataclasses import dataclass

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from gallery import offers
from gallery.forms import recipes
from gallery.forms.fitting import fit, typed_in
from gallery.forms.pictures import by_ids, parse_id
from gallery.forms.refine import RefineForm, edits, remembers
from gallery.generations import refining
from gallery.generations.generation import IdempotencyConflict
from gallery.generations.refining import Step, Talk
from gallery.language.wording import gettext_lazy
from gallery.models import Generation, Image, Tag
from gallery.offers import Offer, OfferGroup
from gallery.screens import boxes
from gallery.screens.feed import with_query
from gallery.views.add import price_of
from gallery.views.fragments import wants_fragment
from gallery.work import jobs
from providers.errors import ProviderError

GONE = gettext_lazy("The picture to go on from is not in the gallery any more. Choose another turn.")
SENT_TWICE = gettext_lazy(
    "This page was sent before with other words. Press the button to ask for another turn."
)
EMPTY = gettext_lazy(
    "No picture of this chat is left in the gallery. Open another picture and refine that one."
)
PARTS = ("price", "news", "model")  # that answer the form while it is filled in
CHOOSE = gettext_lazy("That model is no longer offered here. Choose one.")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a chat the next turn goes on."""

    chat: Tag | None  # None before the first turn
    talk: Talk
    image: Image
    follows: Generation | None
    groups: list[OfferGroup]  # the models that can go on from here
    own: Offer  # the model to begin with
    is_fixed: bool  # a model with a memory stays for the whole chat

    @property
    def url(self) -> str:
        return _address(self.chat) if self.chat else reverse("refine", args=[self.image.public_id])


@require_http_methods(["GET", "HEAD", "POST"])
def start(request, public_id):
    """Before the first turn; a picture that is in a chat already goes on there."""
    image = get_object_or_404(Image.objects.owned_by(request.user).live(), public_id=public_id)
    known = refining.chat_of(image)
    if known and request.method != "POST":
        return redirect(with_query(_address(known), **{"from": str(public_id)}))
    talk = Talk(turns=(), earlier=0, usd=None)
    return _answer(request, None, talk, refining.step_from(image))


@require_http_methods(["GET", "HEAD", "POST"])
def chat(request, public_id, slug):
    """The turns of a chat so far, and the next one."""
    rows = Tag.objects.owned_by(request.user).select_related("alias_of", "owner")
    tag = get_object_or_404(rows, public_id=public_id, kind=Tag.Kind.CHAT)
    if tag.alias_of or slug != tag.slug:
        return redirect(with_query(_address(tag.alias_of or tag), **request.GET.dict()))
    talk = refining.read(tag)
    if not talk.turns:
        return redirect(tag)
    return _answer(request, tag, talk, _chosen(request, talk))


def _address(tag: Tag) -> str:
    return reverse("chat-refine", args=[tag.public_id, tag.slug])


def _chosen(request, talk: Talk) -> Step | None:
    """Where to go on: where it was asked for, else at the tip. None when the picture is gone."""
    again = _again(request)
    if again and (source := refining.source_of(again)) and source.trashed_at is None:
        return source, again.follows
    is_sent = request.method == "POST" and request.POST.get("part") != "news"
    asked = request.POST if is_sent else request.GET
    if not asked.get("from"):
        return talk.tip
    found = by_ids(request.user.pk, [asked["from"]])
    return refining.step_from(found[0], asked.get("turn", "")) if found else None


def _again(request) -> Generation | None:
    """The turn whose words are to be changed."""
    if "again" not in request.GET:
        return None
    rows = Generation.objects.owned_by(request.user).select_related("follows")
    return get_object_or_404(rows, public_id=parse_id(request.GET["again"]))


def _answer(request, chat: Tag | None, talk: Talk, step: Step | None):
    if step is None:
        is_sent = request.method == "POST"
        return _nowhere(request, chat, talk, GONE if is_sent else EMPTY, status=422 if is_sent else 200)
    image, follows = step
    groups = offers.only(
        offers.offer_groups(request.user), lambda able: edits(able) or bool(follows) and remembers(able)
    )
    if not groups:
        return _nowhere(request, chat, talk, "", image=image)
    own = offers.first_choice(groups, *_made_with(image, follows))
    place = Place(
        chat=chat, talk=talk, image=image, follows=follows, groups=groups, own=own,
        is_fixed=_is_fixed(own, follows),
    )  # fmt: skip
    if request.method != "POST":
        return _begin(request, place)
    return _part(request, place) if "part" in request.POST else _submit(request, place)


def _made_with(image: Image, follows: Generation | None) -> tuple[int | None, str]:
    """The key of the connection, and the model."""
    return (follows.profile_id, follows.model) if follows else (image.profile_id, image.model)


def _is_fixed(own: Offer, follows: Generation | None) -> bool:
    made_here = follows and (follows.profile_id, follows.model) == (own.profile.pk, own.info.id)
    return bool(made_here) and remembers(own.info.capabilities)


def _begin(request, place: Place):
    values, notes = fit(_settings(request, place), place.own)
    _, model = _made_with(place.image, place.follows)
    if model and model != place.own.info.id:
        notes.insert(
            0,
            gettext("{model} cannot go on from a picture here, using {label}.").format(
                model=model, label=place.own.info.label
            ),
        )
    return _page(
        request, place, _form(place, place.own, initial=values | {"key": uuid.uuid4().hex}), notes=notes
    )


def _settings(request, place: Place) -> dict:
    """What the form begins with: the settings of the turn before, but one picture and no words yet."""
    again = _again(request)
    before = again or place.follows
    values = recipes.of_generation(before) if before else {}
    kept = {name: value for name, value in values.items() if name not in ("references", "original", "mask")}
    return kept | {"n": 1, "seed": "", "prompt": again.prompt if again else "", "mode": ""}


def _form(place: Place, offer: Offer, data=None, **kwargs) -> RefineForm:
    return RefineForm(data, offer=offer, image=place.image, follows=place.follows, **kwargs)


def _offer(request, place: Place) -> Offer | None:
    return place.own if place.is_fixed else offers.pick(place.groups, request.POST.get("model", ""))


def _part(request, place: Place):
    """The page with what was typed: for another model, other settings, or a turn that has ended."""
    offer = _offer(request, place) or place.own
    values, notes = fit(typed_in(request.POST), offer)
    part = request.POST["part"] if wants_fragment(request) else ""
    part = part if part in PARTS else ""
    return _page(request, place, _form(place, offer, initial=values), notes=notes, part=part)


def _submit(request, place: Place):
    offer = _offer(request, place)
    if offer is None:
        values, _ = fit(typed_in(request.POST), place.own)
        return _page(request, place, _form(place, place.own, initial=values), problem=CHOOSE, status=422)
    form = _form(place, offer, request.POST)
    if form.is_valid():
        try:
            asked = refining.ask(request.user, form.wish(), place.image, place.chat, form.cleaned_data["key"])
        except ProviderError as exc:
            form.blame(exc)
        except IdempotencyConflict:
            fresh = request.POST.copy()
            fresh["key"] = uuid.uuid4().hex
            return _page(request, place, _form(place, offer, fresh), problem=SENT_TWICE, status=409)
        else:
            return redirect(f"{_address(asked)}#change")
    return _page(request, place, form, status=422)


def _page(request, place: Place, form, *, notes=(), problem="", status=200, part=""):
    context = _context(request, place.chat, place.talk, place.image) | {
        "place": place,
        "source": boxes.of_picture(place.image),
        "goes_on_from": _number(place),
        "is_waiting": place.talk.is_waiting and "from" not in request.GET,
        "form": form,
        "offer": form.offer,
        "notes": notes,
        "problem": problem,
        **price_of(request, form),
    }
    template = "gallery/refine.html" + (f"#{part}" if part else "")
    return render(request, template, context, status=status)


def _nowhere(request, chat: Tag | None, talk: Talk, problem: str, *, image: Image | None = None, status=200):
    """The chat so far, without a way on: the picture is gone, or there is no model for it."""
    context = _context(request, chat, talk, image) | {"problem": problem}
    return render(request, "gallery/refine.html", context, status=status)


def _context(request, chat: Tag | None, talk: Talk, image: Image | None) -> dict:
    first = talk.turns[0].source if talk.turns else image
    return {
        "section": "chat" if chat else "gallery",
        "chat": chat,
        "talk": talk,
        "image": image,
        "here": request.get_full_path(),
        "live": jobs.poller([turn.card for turn in talk.turns], "chat"),
        "first_prompt": first.prompt if first else "",
        "beginning": boxes.of_picture(first) if first and first.trashed_at is None else None,
    }


def _number(place: Place) -> int:
    """The number of the turn that the next one goes on from; 0 for a picture from outside."""
    return next((turn.number for turn in place.talk.turns if turn.row == place.follows), 0)
