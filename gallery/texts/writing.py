"""Texts by models: what is asked for a better prompt or a description, by whom, and what it will cost."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from gallery import decode
from gallery.files import storage
from gallery.generations import generation
from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models import Image, Tag, User
from gallery.texts import writers
from gallery.texts.writers import Writer
from providers import registry
from providers.base import (
    DescribeRequest,
    InputImage,
    Provider,
    TextRequest,
)
from providers.errors import InvalidRequest

LONGEST_DRAFT = 8000  # characters of a prompt that may be improved
MOST_KNOWN = 300  # tags that a model is told, the most used ones
MISSING = gettext_lazy("The picture is missing from storage, so it cannot be looked at.")
IMPROVE = """\
You help people to write prompts for models that make pictures. Rewrite the draft as one better prompt: say \
what is seen, in which setting and light, from where, in which style. Keep all that the draft asks for, and \
add nothing that contradicts it. Keep names, and words that begin with @ or stand in {{double braces}}, as \
they are. Use the language of the draft. Answer with the prompt alone, without quotes, \
in at most %d characters.\
"""
USUAL_LENGTH = 1200  # characters, where the model that will draw takes as many
SEEN = InputImage(path=Path("copy.jpg"), mime_type="image/jpeg")  # what is shown, before there is a copy


def refuse_the_mute(owner: User, provider: Provider, *, vision: bool = False) -> None:
    """Raise `InvalidRequest` for a provider that does not write, with those that do."""
    if provider.supports_vision if vision else provider.supports_text:
        return
    what = gettext("describes no pictures") if vision else gettext("writes no texts")
    mine = dict.fromkeys(writer.profile.name for writer in writers.writers(owner, vision=vision))
    those = (
        gettext("Of your connections, use {names}.").format(names=" or ".join(mine))
        if mine
        else gettext("{labels} do: add one of them.").format(labels=_labels())
    )
    raise InvalidRequest(f"{provider.label} {what}. {those}", field="profile")


def _labels() -> str:
    """The providers that write and look at pictures."""
    known = [registry.provider_class(slug) for slug, _ in registry.provider_choices()]
    *most, last = [provider.label for provider in known if provider.supports_vision]
    return gettext("{names} and {last}").format(names=", ".join(most), last=last)


def draft_request(owner: User, model: str, text: str, *, longest: int | None = None) -> TextRequest:
    """What is asked for a better prompt. Raises `InvalidRequest` for a draft that is no draft."""
    draft = text.strip()
    if not draft:
        raise InvalidRequest(gettext("Write a few words first, such as who and where."), field="prompt")
    if len(draft) > LONGEST_DRAFT:
        raise InvalidRequest(
            gettext("A draft has at most {longest_draft} characters. Shorten it.").format(
                longest_draft=thousands(LONGEST_DRAFT)
            ),
            field="prompt",
        )
    instructions = IMPROVE % min(longest or USUAL_LENGTH, USUAL_LENGTH)
    return TextRequest(
        prompt=draft, model=model, instructions=instructions, user_id=generation.alias_of(owner.pk)
    )


def describe_request(owner: User, model: str, image: InputImage) -> DescribeRequest:
    """What is asked about a picture, with the owner's own tags to choose from."""
    return DescribeRequest(
        image=image, model=model, known_tags=known_tags(owner), user_id=generation.alias_of(owner.pk)
    )


def known_tags(owner: User) -> tuple[str, ...]:
    """The most used tags of `owner`, as a model is told them: "character:Mirel", "forest"."""
    tags = Tag.objects.owned_by(owner).filter(alias_of=None, parent=None).order_by("-count__n", "folded")
    return tuple(
        name if kind == Tag.Kind.TAG else f"{kind}:{name}"
        for kind, name in tags.values_list("kind", "name")[:MOST_KNOWN]
    )


def first_model(provider: Provider, *, vision: bool = False) -> str:
    """The model that a connection uses when none is named; empty where it has none."""
    models = [m.id for m in provider.text_models() if m.status != "retired" and (m.vision or not vision)]
    usual = provider.default_text_model()
    return usual if usual in models else next(iter(models), usual)


@contextmanager
def copy_of(image: Image) -> Iterator[InputImage]:
    """A small JPEG of the picture in a file of its own. Raises `InvalidRequest` when there is none."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="seen-", dir=settings.SPOOL_DIR) as folder:
        stored, copy = Path(folder) / "stored", Path(folder) / "copy.jpg"
        try:
            stored.write_bytes(_stored(image))
            copy.write_bytes(decode.as_jpeg(stored))
        except FileNotFoundError as exc:
            raise InvalidRequest(MISSING) from exc
        except (storage.StorageError, decode.DecodeError) as exc:
            raise InvalidRequest(exc.message) from exc
        yield InputImage(path=copy, mime_type="image/jpeg")


def check_stored(image: Image) -> None:
    """Raise `InvalidRequest` for a picture that is nowhere, before it costs anything to look at it."""
    storage.probe()  # one that is away is known sooner than by asking for files
    keys = (image.thumbnail_key(1280), image.storage_key)
    if not any(storage.exists(key) for key in keys):
        raise InvalidRequest(MISSING)


def _stored(image: Image) -> bytes:
    """The large thumbnail, or the original where it is missing."""
    try:
        with storage.open(image.thumbnail_key(1280)) as file:
            return file.read()
    except FileNotFoundError:
        with storage.open(image.storage_key) as file:
            return file.read()


# --- What it will cost ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Priced:
    """A writer, and the most that one text of it costs; None where nobody knows."""

    writer: Writer
    usd: Decimal | None


def priced_for_prompts(found: Iterable[Writer]) -> list[Priced]:
    usual = TextRequest(prompt="x" * USUAL_LENGTH, model="", instructions=IMPROVE % USUAL_LENGTH)
    return [_priced(writer, usual) for writer in found]


def priced_for_pictures(found: Iterable[Writer]) -> list[Priced]:
    return [_priced(writer, DescribeRequest(image=SEEN, model="")) for writer in found]


def _priced(writer: Writer, request: TextRequest | DescribeRequest) -> Priced:
    usd = writer.provider.estimate_text(replace(request, model=writer.model.id)).usd
    return Priced(writer=writer, usd=usd)
