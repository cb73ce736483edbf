"""What is known of a picture, in words: the rows of "Made with" on its page."""

from dataclasses import dataclass, field

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from gallery.language.wording import gettext_lazy
from gallery.models import Image
from gallery.screens.receipts import Span, spans
from gallery.templatetags.ui import money
from providers import registry

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
}
NAMES = {
    "quality": gettext_lazy("Quality"),
    "style": gettext_lazy("Style"),
    "background": gettext_lazy("Background"),
    "resolution": gettext_lazy("Resolution"),
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    name: str
    value: str
    note: str = ""  # in paler ink after the value


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One of the texts that a picture's prompt went through."""

    key: str  # "typed", "sent" or "rewritten", as in the address
    label: str
    text: str
    spans: list[Span] = field(default_factory=list)  # of what was sent: where each part came from


def made_with(image: Image) -> list[Fact]:
    """List how `image` was made and what its file is; facts that are not known are left out."""
    facts = [
        Fact(name=gettext("Model"), value=image.model),
        Fact(name=gettext("Connection"), value=_connection(image)),
        Fact(name=gettext("Size"), value=f"{image.width} × {image.height}", note=_asked(image)),
        Fact(
            name=gettext("File"),
            value=f"{FORMATS.get(image.mime_type, image.mime_type)}, {filesizeformat(image.bytes)}",
            note=gettext("arrived damaged") if image.params.get("damaged") else "",
        ),
        *(
            Fact(name=name, value=str(image.params.get(key) or "").capitalize())
            for key, name in NAMES.items()
        ),
        Fact(name=gettext("Avoided"), value=image.negative_prompt),
        Fact(name=gettext("Seed"), value="" if image.seed is None else str(image.seed)),
        Fact(name=gettext("Took"), value=_took(image)),
        *_cost(image),
    ]
    return [fact for fact in facts if fact.value]


def wordings(image: Image) -> list[Wording]:
    """List the texts of the prompt that differ from the one before: as typed, as sent, as rewritten."""
    texts = (
        ("typed", gettext("As typed"), image.prompt),
        ("sent", gettext("As sent"), image.prompt_sent),
        ("rewritten", gettext("As rewritten"), image.revised_prompt),
    )
    seen: dict[str, Wording] = {}
    for key, label, text in texts:
        if text:
            marked = spans(_pieces(image)) if key == "sent" else []
            seen.setdefault(text, Wording(key=key, label=label, text=text, spans=marked))
    return list(seen.values())


def _pieces(image: Image) -> list[dict[str, str]]:
    return image.generation.receipt.get("pieces", []) if image.generation else []


def _connection(image: Image) -> str:
    label = dict(registry.provider_choices()).get(image.provider, image.provider)
    if not image.profile or image.profile.name == label:
        return label
    return f"{image.profile.name}, {label}" if label else image.profile.name


def _asked(image: Image) -> str:
    width, cross, height = str(image.params.get("size") or "").partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        return ""
    same = (int(width), int(height)) == (image.width, image.height)
    return (
        gettext("as asked")
        if same
        else gettext("you asked for {width} × {height}").format(width=width, height=height)
    )


def _took(image: Image) -> str:
    generation = image.generation
    if not (generation and generation.started_at and generation.finished_at):
        return ""
    return f"{(generation.finished_at - generation.started_at).total_seconds():.1f} s"


def _cost(image: Image) -> list[Fact]:
    if image.source != Image.Source.GENERATED:
        return []
    note = image.get_cost_source_display() if image.cost_usd else ""  # nothing to explain about "free"
    return [Fact(name=gettext("Cost"), value=money(image.cost_usd), note=note)]
