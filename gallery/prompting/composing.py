"""From the prompt as it is typed to the prompt as it is sent, for one model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext, ngettext

from gallery.language.numerals import thousands
from gallery.models import Fragment, Generation, HouseStyle, Image, Preset, Tag, User
from gallery.prompting import fitting, packs
from gallery.prompting.filling import TYPED, Placeholders, Stretch
from gallery.prompting.mentions import Cast, Mention
from gallery.prompting.parts import Fixed, Paragraph, Part, Person, Piece, Side, Wording
from providers.base import Capabilities

HOUSE_STYLE = "house style"
AVOID = "Avoid: "
PLACE = "{prompt}"  # where in the words of a style preset the prompt goes
OF_PRESET = 0  # stands for the key of a fragment: what a style preset avoids
NOT_TAKEN = "This model has no field for what to avoid."


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a prompt is composed for, beside its words."""

    owner: User
    able: Capabilities  # of the model
    negative: str = ""  # what to avoid, as typed
    persona: Tag | None = None  # whom `@me` and `{{user}}` mean; None: the owner's own
    chat: Tag | None = None  # whose house style goes before the owner's
    tags: Sequence[Tag] = ()  # that the pictures get anyway
    preset: Preset | None = None  # a style that was chosen, whatever the picture
    styled: bool = True  # with the house style: not for what changes a picture that is there
    references: Sequence[Image] = ()  # that go along anyway
    with_packs: bool = True


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What is not sent, or not at its full length."""

    text: str
    source: str
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Composition:
    """A prompt as it is sent, and how it came about."""

    pieces: tuple[Piece, ...]
    negative: str = ""
    avoided: tuple[Piece, ...] = ()  # what `negative` consists of
    references: tuple[packs.Chosen, ...] = ()  # from reference packs, in the order in which they are sent
    tags: tuple[Tag, ...] = ()  # of everybody and everything that is named
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    fragments: tuple[Fragment, ...] = field(default=())  # whose words are in it
    preset: Preset | None = None  # the style that was chosen

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def is_plain(self) -> bool:
        """Whether it is just what was typed."""
        return all(piece.source == TYPED for piece in self.pieces) and not (
            self.avoided or self.references or self.left_out or self.warnings
        )

    def receipt(self) -> dict[str, Any]:
        """What is kept: {pieces, avoided, references, left_out, warnings, fragments}, perhaps {preset}."""
        style = self.preset
        chosen = {"preset": {"id": str(style.public_id), "name": style.name}} if style else {}
        return chosen | {
            "pieces": [{"text": piece.text, "from": piece.source} for piece in self.pieces],
            "avoided": [{"text": piece.text, "from": piece.source} for piece in self.avoided],
            "references": [
                {"id": str(pick.image.public_id), "from": pick.source} for pick in self.references
            ],
            "left_out": [
                {"text": some.text, "from": some.source, "name": some.name, "reason": some.reason}
                for some in self.left_out
            ],
            "warnings": list(self.warnings),
            "fragments": [
                {"id": str(one.public_id), "name": one.name, "from": one.tag.spec, "version": one.version}
                for one in self.fragments
            ],
        }


def as_typed(prompt: str, negative: str = "") -> Composition:
    """The prompt byte for byte."""
    return Composition(pieces=(Piece(text=prompt, source=TYPED),) if prompt else (), negative=negative)


def repeated(generation: Generation) -> Composition:
    """What was sent, to be sent once more, whatever became of its fragments; without what was attached."""
    stored = generation.receipt.get("pieces", [])
    pieces = tuple(Piece(text=piece["text"], source=piece["from"]) for piece in stored)
    negative = generation.params.get("negative_prompt", "")
    if pieces and "".join(piece.text for piece in pieces) == generation.prompt_sent:
        return Composition(pieces=pieces, negative=negative)
    return as_typed(generation.prompt_sent or generation.prompt, negative)


def compose(prompt: str, scene: Scene) -> Composition:
    """Put `prompt` together for the model of `scene`: the cast, placeholders, house style, references.

    It is what is sent, what the receipt shows and what the price is estimated of, so that they agree. At most
    seven queries, however many are named.
    """
    return _Composer(prompt, scene).composition()


class _Composer:
    def __init__(self, prompt: str, scene: Scene):
        self.scene = scene
        persona = scene.persona or scene.owner.persona
        self.placeholders = Placeholders.of(scene.owner, prompt, self._known(persona))
        stretches = list(self.placeholders.expand(prompt))
        self.cast = Cast(scene.owner, (stretch.text for stretch in stretches), persona)
        self.named: list[Mention] = []
        self.tags: dict[int, Tag] = {}
        self.said: dict[int, Wording] = {}  # by fragment: each is said once
        self.avoid: dict[int, Wording] = {}
        self.parts: list[Part] = [part for stretch in stretches for part in self._parts_of(stretch)]
        self.style = self._house_style() if scene.styled and prompt.strip() else []
        self.around = self._preset() if scene.preset and prompt.strip() else []

    def _known(self, persona: Tag | None) -> dict[str, str]:
        """The placeholders that the cast fills."""
        character = next((tag for tag in self.scene.tags if tag.kind == Tag.Kind.CHARACTER), None)
        return {"user": persona.name if persona else "", "char": character.name if character else ""}

    def _parts_of(self, stretch: Stretch) -> Iterator[Part]:
        at = 0
        for mention in self.cast.mentions(stretch.text):
            yield Fixed(text=stretch.text[at : mention.start], source=stretch.source)
            yield self._person(mention)
            at = mention.end
        yield Fixed(text=stretch.text[at:], source=stretch.source)
        for tag in self.cast.free_tags(stretch.text):
            self.tags.setdefault(tag.pk, tag)

    def _person(self, mention: Mention) -> Person:
        self.named.append(mention)
        for tag in (mention.tag, *mention.looks):
            self.tags.setdefault(tag.pk, tag)
        return Person(
            name=mention.tag.name, source=mention.tag.spec, wordings=list(self._wordings_of(mention))
        )

    def _wordings_of(self, mention: Mention) -> Iterator[Wording]:
        """What is said of somebody here; what was said before is not said again."""
        asked = {fragment.pk for fragment in mention.asked}
        for tag in (mention.tag, *mention.looks):
            own = self.cast.fragments.get(tag.pk, [])
            spoken = [one for one in own if one.use == Fragment.Use.ALWAYS or one.pk in asked]
            for fragment in spoken:
                if fragment.pk not in self.said:
                    self.said[fragment.pk] = Wording.of(fragment, self._filler(mention.tag))
                    yield self.said[fragment.pk]
            if tag in mention.looks and not spoken:
                yield Wording(texts=[tag.name], source=tag.spec, name=tag.name)
            for fragment in own:
                if fragment.use == Fragment.Use.NEVER:
                    self.avoid.setdefault(fragment.pk, Wording.of(fragment, self._filler(mention.tag)))

    def _filler(self, tag: Tag):
        def filled(text: str) -> str:
            if "{{" not in text:
                return text
            values = {**self.placeholders.values, "char": [tag.name]}
            return "".join(stretch.text for stretch in Placeholders(values=values).expand(text))

        return filled

    def _preset(self) -> list[Side]:
        """What a style preset puts before the prompt and behind it."""
        preset = self.scene.preset
        if preset is None:
            return []
        source = f"style:{preset.name}"
        if avoid := preset.values.get("negative", ""):
            self.avoid[OF_PRESET] = Wording(texts=[avoid], source=source, name="Style")
        said = preset.values.get("words", "")
        before, place, behind = said.partition(PLACE)
        if not place:
            before, behind = "", f"\n\n{said}"
        wording = Wording(texts=[said], source=source, name="Style")
        return [Side(wording=wording, text=text) for text in (before, behind)] if said else []

    def _house_style(self) -> list[Wording]:
        chats = [None, *([self.scene.chat] if self.scene.chat else [])]
        rows = {style.chat_id: style for style in _styles(self.scene.owner, chats)}
        own = rows.get(self.scene.chat.pk if self.scene.chat else None) or rows.get(None)
        if own is None:
            return []
        texts = {"scene": own.scene, "people": own.people if self.named else ""}
        return [
            Wording(texts=[text.strip()], source=HOUSE_STYLE, name=f"House style: {name}")
            for name, text in texts.items()
            if text.strip()
        ]

    def composition(self) -> Composition:
        able, negatives = self.scene.able, list(self.avoid.values())
        in_words = negatives if not able.negative_prompt and self.scene.owner.avoid_in_words else []
        before, behind = self.around[:1], self.around[1:]
        wordings = [*self._all_said(), *(side.wording for side in before), *self.style, *in_words]
        parts = [
            *before,
            *self.parts,
            *behind,
            Paragraph(wordings=self.style),
            Paragraph(wordings=in_words, begins=AVOID),
        ]
        fitting.fit(parts, wordings, able.max_prompt)
        avoided = self._avoided() if able.negative_prompt and negatives else ()
        chosen, lost = self._references()
        silent = negatives if not (able.negative_prompt or in_words) else []
        return Composition(
            pieces=tuple(_joined(piece for part in parts for piece in part.pieces())),
            negative="".join(piece.text for piece in avoided) or self.scene.negative,
            avoided=avoided,
            references=tuple(chosen),
            tags=tuple(self.tags.values()),
            left_out=(*self._left_out(wordings), *map(_not_avoided, silent)),
            warnings=(*self.placeholders.warnings, *self._about_references(lost)),
            fragments=tuple(w.fragment for w in [*wordings, *negatives] if w.fragment and not w.dropped),
            preset=self.scene.preset,
        )

    def _all_said(self) -> Iterator[Wording]:
        for part in self.parts:
            if isinstance(part, Person):
                yield from part.wordings

    def _avoided(self) -> tuple[Piece, ...]:
        """What was typed under Avoid, then what the cast is never to be."""
        typed = self.scene.negative.strip()
        pieces = [Piece(text=typed, source=TYPED)] if typed else []
        for wording in self.avoid.values():
            if wording.text not in typed:  # a recipe that is used again has it already
                before = ", " if pieces else ""
                pieces.append(Piece(text=before + wording.text, source=wording.source))
        return tuple(pieces)

    def _references(self) -> tuple[list[packs.Chosen], int]:
        if not self.scene.with_packs or not self.scene.able.max_references:
            return [], 0
        room = self.scene.able.max_references - len(self.scene.references)
        people: dict[int, tuple[Tag, ...]] = {mention.tag.pk: (mention.tag,) for mention in self.named}
        for mention in self.named:
            people[mention.tag.pk] = (*mention.looks, *people[mention.tag.pk])
        return packs.choose(people.values(), room, (image.pk for image in self.scene.references))

    def _about_references(self, lost: int) -> Iterator[str]:
        if lost:
            most = self.scene.able.max_references
            words = ngettext(
                "The model takes {n} reference picture: {lost} of the cast’s stay behind.",
                "The model takes {n} reference pictures: {lost} of the cast’s stay behind.",
                most,
            )
            yield words.format(n=most, lost=lost)

    def _left_out(self, wordings: Iterable[Wording]) -> Iterator[LeftOut]:
        most = self.scene.able.max_prompt or 0
        for wording in wordings:
            how = ""
            if wording.dropped:
                how = gettext("Left out: the model takes {n} characters.")
            elif wording.is_shortened:
                how = gettext("Shortened: the model takes {n} characters.")
            if how:
                reason = how.format(n=thousands(most))
                yield LeftOut(text=wording.texts[0], source=wording.source, name=wording.name, reason=reason)


def _styles(owner: User, chats: Sequence[Tag | None]):
    of_chats = [chat for chat in chats if chat]
    rows = HouseStyle.objects.owned_by(owner)
    return rows.filter(chat=None) | rows.filter(chat__in=of_chats)


def _not_avoided(wording: Wording) -> LeftOut:
    return LeftOut(text=wording.texts[0], source=wording.source, name=wording.name, reason=NOT_TAKEN)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of the same source become one."""
    last: Piece | None = None
    for piece in pieces:
        if last and last.source == piece.source:
            last = Piece(text=last.text + piece.text, source=last.source)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last
