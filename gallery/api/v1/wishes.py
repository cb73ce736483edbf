"""What programs ask for: the body of a request for pictures, and the wish that it becomes."""

import math
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from pydantic import AfterValidator, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import Body, Line, TagSpecs, Text, resolve_tags, storable
from gallery.forms.pictures import parse_id
from gallery.forms.presets import SHAPE, for_wish
from gallery.generations import generation as generations
from gallery.generations import masks
from gallery.models import ConnectionProfile, Generation, Preset
from gallery.prompting import presets

MAX_OPTION = 10_000  # characters


def _scalar(value: Any) -> Any:
    if isinstance(value, str) and len(storable(value)) > MAX_OPTION:
        raise ValueError(f"Send at most {MAX_OPTION} characters.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Send a finite number.")
    if not isinstance(value, str | float | int | None):
        raise ValueError("Send text, a number, true, false or null.")
    return value


Word = Annotated[Text, Field(max_length=80)] | None
Scalar = Annotated[Any, AfterValidator(_scalar)]


class GenerationRequest(Body):
    """A wish. What is left out, the model decides."""

    profile: Line | None = Field(None, description="Id or name; left out: the default one.")
    model: Annotated[Text, Field(max_length=120)] = ""
    prompt: Annotated[Text, Field(max_length=100_000, description="Only a variation needs none.")] = ""
    mode: Literal["generate", "edit", "variation"] | None = Field(
        None, description="Left out: “edit” with references, else “generate”."
    )
    n: Annotated[int, Field(ge=1, le=100)] = 1
    size: Word = None
    aspect_ratio: Word = None
    resolution: Word = None
    quality: Word = None
    style: Word = None
    background: Word = None
    output_format: Word = None
    seed: Annotated[int, Field(ge=-1, le=2**63 - 1)] | None = None
    negative_prompt: Annotated[Text, Field(max_length=100_000)] | None = None
    references: Annotated[list[UUID], Field(max_length=100, description="Ids of pictures, in order.")] = []
    mask: Annotated[str, Field(max_length=masks.LONGEST_DATA_URL)] | None = Field(
        None,
        description="The id of a picture, or a data URL of a PNG, JPEG or WebP. White is painted anew. "
        "It belongs to the first reference and has its shape; one of another size is scaled to it.",
    )
    follows: UUID | None = Field(
        None,
        description="The id of the generation that this one goes on from, as a turn of a chat. Its history "
        "is sent along; where a model has no memory, its picture is edited. Of several pictures, the one "
        "that is named in “references” is meant, else the first.",
    )
    stream: bool = Field(False, description="With previews while the picture is drawn.")
    tags: TagSpecs = []
    persona: Line | None = Field(None, description="By name. Whom “@me” means; a tag of the pictures.")
    chat: Line | None = Field(None, description="By name. Its house style is used; a tag of the pictures.")
    preset: Line | None = Field(
        None,
        description="A preset by id or name. Its parameters stand in for those that are left out here, as "
        "far as the model takes them; the words of a style go around the prompt.",
    )
    expand: bool = Field(
        True,
        description="“@Mirel”, “{{placeholder}}”, house style and reference pictures of the cast; "
        "without it, the prompt goes out byte for byte.",
    )
    options: Annotated[dict[Line, Scalar], Field(max_length=50)] = {}


NOT_AS_SENT = {"profile", "tags", "persona", "chat", "references", "mask", "follows", "preset"}


def with_preset(owner, body: GenerationRequest) -> tuple[GenerationRequest, dict[str, Any]]:
    """The request with what its preset sets, and fields of the wish. The request's own words go first."""
    if not body.preset:
        return body, {}
    try:
        preset = presets.find(owner, body.preset)
    except presets.PresetError as exc:
        raise Invalid("preset", exc.message) from exc
    if preset.kind == Preset.Kind.STYLE:
        if not body.expand:
            raise Invalid(
                "preset", "Without “expand”, the prompt goes out as typed. Leave out one of the two."
            )
        return body, {"preset": preset}
    body, notes = _with_model(owner, body, preset)
    kept, lost = for_wish(preset.values, choose_profile(owner, body.profile), body.model)
    said = body.model_fields_set | (set(SHAPE) if body.model_fields_set & set(SHAPE) else set())
    update = {name: value for name, value in kept.items() if name not in said}
    return body.model_copy(update=update), {"notes": (*notes, *lost)}


def _with_model(owner, body: GenerationRequest, preset: Preset) -> tuple[GenerationRequest, list[str]]:
    """The request for the preset's own model, where it names no other."""
    model, profile_id = preset.values.get("model", ""), preset.values.get("profile", "")
    if not model or body.model:
        return body, []
    chosen = choose_profile(owner, body.profile) if body.profile else None
    own = ConnectionProfile.objects.owned_by(owner).filter(public_id=parse_id(profile_id)).first()
    profile = chosen or own
    if profile is None and not profile_id:
        profile = choose_profile(owner, None)
    if profile is None or (own and profile != own):
        return body, [f"The model of “{preset.name}”, {model}, is not offered by this connection."]
    return body.model_copy(update={"profile": str(profile.public_id), "model": model}), []


def wish_of(owner, body: GenerationRequest, *, create: bool = True) -> generations.Wish:
    """The wish in `body`; with `create=False` its tags are only looked up, and unknown ones are left out."""
    body, of_preset = with_preset(owner, body)
    asked = body.model_dump(exclude=NOT_AS_SENT) | of_preset
    for kind in ("persona", "chat"):
        named = [f'{kind}:"{name}"' for name in [getattr(body, kind)] if name]
        asked[kind] = next(iter(resolve_tags(owner, named, field=kind, create=create)), None)
    tags = dict.fromkeys(resolve_tags(owner, body.tags, create=create))
    tags |= dict.fromkeys(tag for tag in (asked["persona"], asked["chat"]) if tag)
    asked["follows"] = followed(owner, body.follows)
    return generations.Wish(profile=choose_profile(owner, body.profile), tags=tuple(tags), **asked)


def followed(owner, generation_id: UUID | None) -> Generation | None:
    """The turn to go on from. 404 when it is somebody else's."""
    if generation_id is None:
        return None
    return get_object_or_404(Generation.objects.owned_by(owner), public_id=generation_id)


def choose_profile(owner, wanted: str | None) -> ConnectionProfile:
    """The profile of that name or id; without one, the default."""
    mine = ConnectionProfile.objects.owned_by(owner)
    if not wanted:
        chosen = ConnectionProfile.objects.default_for(owner)
        if chosen is None:
            raise Invalid("profile", "There is no default profile. Name one, or make one the default.")
        return chosen
    if chosen := mine.filter(name__iexact=wanted).first():
        return chosen
    try:
        return mine.get(public_id=UUID(wanted))
    except ValueError as exc:
        raise Invalid("profile", f"There is no profile called “{wanted}”.") from exc
    except ConnectionProfile.DoesNotExist as exc:
        raise Http404 from exc
