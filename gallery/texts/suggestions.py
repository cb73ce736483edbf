"""What a model saw in a picture, as it waits for the person: caption and tags, accepted or rejected each."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from gallery import tagging
from gallery.models import Assist, Image, ImageTag, ImageText, Tag, User
from gallery.models.tag import fold
from gallery.tagging.tagspec import TagError, clean_name
from providers.base import Description

TITLE = 200  # characters


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One tag that waits, and its place in the answer."""

    index: int
    kind: str
    name: str
    confidence: float  # 0 to 1
    is_new: bool  # the owner has no such tag yet

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)


def answer_of(owner: User, description: Description) -> dict:
    """What is kept of a description: its tags in the owner's own words, each once."""
    known = _known(owner, [tag.name for tag in description.tags])
    tags: dict[tuple[str, str], dict] = {}
    for seen in description.tags:
        try:
            name = clean_name(seen.name)
        except TagError:
            continue  # no letter, no digit: nothing that could be a tag
        tag = known.get((seen.kind, fold(name))) or _of_other_kind(known, seen.kind, name)
        kind, name = (tag.kind, tag.name) if tag else (seen.kind, name)
        entry = {"kind": kind, "name": name, "confidence": round(seen.confidence, 3), "is_new": tag is None}
        tags.setdefault((kind, fold(name)), entry)
    return {"caption": description.caption, "tags": list(tags.values())}


def _known(owner: User, names: list[str]) -> dict[tuple[str, str], Tag]:
    """The owner's tags of these names; an alias gives the tag it stands for."""
    # Without looks: a model does not know whose they are.
    tags = Tag.objects.owned_by(owner).filter(folded__in={fold(name) for name in names}, parent=None)
    return {(tag.kind, tag.folded): tag.alias_of or tag for tag in tags.select_related("alias_of")}


def _of_other_kind(known: dict[tuple[str, str], Tag], kind: str, name: str) -> Tag | None:
    """Models call a character a tag at times; the owner knows better."""
    if kind != Tag.Kind.TAG:
        return None
    return next((tag for (_, folded), tag in known.items() if folded == fold(name)), None)


def open_for(image: Image) -> Assist | None:
    """The description of `image` that waits for the person, if there is one."""
    return Assist.objects.owned_by(image.owner_id).filter(image=image, is_open=True).first()


def waiting(assist: Assist, tags: list[Tag]) -> list[Suggestion]:
    """The suggestions that are not decided, without those that the picture has already."""
    has = {(tag.kind, tag.folded) for tag in tags}
    return [
        Suggestion(index=index, **{name: tag[name] for name in ("kind", "name", "confidence", "is_new")})
        for index, tag in enumerate(assist.answer.get("tags", []))
        if "accepted" not in tag and (tag["kind"], fold(tag["name"])) not in has
    ]


def accept(assist: Assist, image: Image, chosen: Callable[[int], bool]) -> int:
    """Put the suggestions whose index is `chosen` on the picture. Returns how many. Raises `TagError`."""
    with transaction.atomic():
        fresh = _locked(assist)
        tags = [tag for i, tag in enumerate(fresh.answer["tags"]) if "accepted" not in tag and chosen(i)]
        specs = [f'{tag["kind"]}:"{tag["name"]}"' for tag in tags]
        tagging.add([image], tagging.resolve(image.owner, specs), origin=ImageTag.Origin.SUGGESTION)
        _decide(fresh, tags, True)
    assist.answer = fresh.answer
    return len(tags)


def reject(assist: Assist, chosen: Callable[[int], bool]) -> None:
    with transaction.atomic():
        fresh = _locked(assist)
        tags = [tag for index, tag in enumerate(fresh.answer["tags"]) if chosen(index)]
        _decide(fresh, tags, False)
    assist.answer = fresh.answer


def close(assist: Assist) -> None:
    """Put what is left of the suggestions away; the row and its cost stay."""
    assist.is_open = False
    assist.save(update_fields=["is_open"])


def use_caption(assist: Assist, image: Image, field: str) -> None:
    """Make the caption the picture's title, or add it to its notes."""
    caption = assist.answer.get("caption", "")
    if field == "title":
        image.title = _cut(caption)
    else:
        image.notes = f"{image.notes.rstrip()}\n\n{caption}".strip()
    with transaction.atomic():
        image.save(update_fields=[field])
        ImageText.refresh(image)


def _cut(caption: str) -> str:
    """The caption as a title: its first words, as many as fit, without the final stop."""
    if len(caption) <= TITLE:
        return caption.removesuffix(".")
    return caption[: TITLE - 1].rsplit(" ", 1)[0] + "…"


def _locked(assist: Assist) -> Assist:
    return Assist.objects.select_for_update().get(pk=assist.pk)


def _decide(assist: Assist, tags: list[dict], accepted: bool) -> None:
    for tag in tags:
        tag["accepted"] = accepted
    assist.save(update_fields=["answer"])
