"""The values that cross the border between the gallery and the vendors. `base.py` hands them on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from providers import redaction

Mode = Literal["generate", "edit", "variation"]
CostSource = Literal["reported", "computed", "table", "unknown"]
ModelStatus = Literal["current", "deprecated", "retired"]
TagKind = Literal["character", "persona", "chat", "tag"]
LONGEST_WORD = 200  # characters of a name that only the server knows


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach a vendor: a connection profile, without the database."""

    base_url: str = ""  # empty: the vendor's own root
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)  # the profile's own switches
    allowed_private_hosts: tuple[str, ...] = ()  # "host", "host:port" or CIDR
    listed: tuple["ModelInfo", ...] = ()  # the vendor's own list, as it was read last; empty: not read

    def __post_init__(self) -> None:
        redaction.remember(self.api_key)


@dataclass(frozen=True, kw_only=True)
class InputImage:
    """A picture that goes along: a reference, or a mask (white is repainted)."""

    path: Path
    mime_type: str  # "image/png"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An earlier exchange of a chat that a request goes on from."""

    prompt: str  # as it was sent
    references: tuple[InputImage, ...] = ()  # that went along
    pictures: tuple[InputImage, ...] = ()  # that came, byte for byte
    facts: Mapping[str, Any] = field(default_factory=dict)  # of the first of them: `GeneratedImage.facts`


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One wish for pictures. `None` means the provider's default and is never sent."""

    prompt: str
    model: str
    mode: Mode = "generate"
    n: int = 1
    size: str | None = None  # "1024x1536", pixels, or "auto"
    aspect_ratio: str | None = None  # "2:3"
    resolution: str | None = None  # "1K"
    quality: str | None = None  # the vendor's word: "high"
    style: str | None = None
    background: str | None = None  # "transparent"
    output_format: str | None = None  # "png", "jpeg", "webp"
    seed: int | None = None
    negative_prompt: str | None = None
    references: tuple[InputImage, ...] = ()
    mask: InputImage | None = None
    turns: tuple[Turn, ...] = ()  # of the chat so far, the oldest first
    stream: bool = False
    user_id: str = ""  # a salted hash of the person, for vendors that ask for one
    options: Mapping[str, Any] = field(default_factory=dict)  # vendor-specific: {"moderation": "low"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A parameter with a short list of values, the vendor's default first or named; or a number."""

    values: tuple[str, ...] = ()
    default: str | None = None
    open: bool = False  # `values` are proposals: which others there are, only the server knows
    minimum: int | None = None  # with `maximum`: a number in this range instead of a list
    maximum: int | None = None
    decimals: int = 0  # places after the point that the number may have

    def problem(self, value: object) -> str | None:
        """What is wrong with `value`, in words that follow the parameter's name, or None."""
        if self.minimum is None or self.maximum is None:
            return self._problem_of_word(value)
        if isinstance(value, bool) or not self._is_number(str(value)):
            kind = "number" if self.decimals else "whole number"
            return f"must be a {kind} from {self.minimum} to {self.maximum}"
        return None

    def _is_number(self, text: str) -> bool:
        if self.minimum is None or self.maximum is None:
            return False
        if not self.decimals and not text.lstrip("-").isdecimal():
            return False
        try:
            number = Decimal(text)
            return number == round(number, self.decimals) and self.minimum <= number <= self.maximum
        except InvalidOperation:  # no number, or none that has a size
            return False

    def _problem_of_word(self, value: object) -> str | None:
        word = str(value).lower() if isinstance(value, bool) else str(value)
        if word in self.values:
            return None
        if not self.open:
            return f"must be one of {', '.join(self.values)}"
        is_word = isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_WORD
        return None if is_word else f"must be a name such as {', '.join(self.values[:3])}"


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A setting of a connection, in its `options`: how one server differs from others of its kind."""

    label: str
    help: str = ""  # one sentence for the person
    values: tuple[str, ...] = ()  # the first one is the default; empty: a text, or JSON
    is_json: bool = False
    is_header: bool = False  # sent in a header, which takes plain characters only


@dataclass(frozen=True, kw_only=True)
class SizeRules:
    """Which pixel sizes a model makes: a list, or any WxH within limits."""

    values: tuple[str, ...] = ()  # shown first; the only ones unless `free`
    default: str | None = None
    free: bool = False
    multiple_of: int = 1  # pixels
    max_edge: int = 0  # pixels
    max_ratio: float = 0  # long side : short side
    min_pixels: int = 0
    max_pixels: int = 0

    def problem(self, size: str) -> str | None:
        """What is wrong with `size`, in a sentence, or None."""
        if size in self.values:
            return None
        if not self.free:
            return f"Choose one of {', '.join(self.values)}."
        try:
            width, height = (int(part) for part in size.split("x"))
        except ValueError:
            return "Write the size as WIDTHxHEIGHT in pixels, such as 1024x1536."
        long, short = max(width, height), min(width, height)
        if short < 1:
            return "Width and height must be at least 1 pixel."
        if self.multiple_of > 1 and (width % self.multiple_of or height % self.multiple_of):
            return f"Width and height must be multiples of {self.multiple_of}."
        if self.max_edge and long > self.max_edge:
            return f"The longest side may be {self.max_edge} pixels."
        if self.max_ratio and long > self.max_ratio * short:
            return f"The long side may be {self.max_ratio:g} times the short side."
        if self.min_pixels and width * height < self.min_pixels:
            return f"The picture must have at least {self.min_pixels:,} pixels."
        if self.max_pixels and width * height > self.max_pixels:
            return f"The picture may have at most {self.max_pixels:,} pixels."
        return None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a model takes. The form offers these, the API refuses the rest, the adapter sends no other."""

    modes: tuple[Mode, ...] = ("generate",)
    max_n: int = 1  # pictures in one generation
    max_n_per_call: int = 1  # pictures in one paid request; more are split into several
    max_prompt: int | None = None  # characters
    size: SizeRules | None = None
    aspect_ratio: Choice | None = None
    resolution: Choice | None = None
    quality: Choice | None = None
    style: Choice | None = None
    background: Choice | None = None
    output_format: Choice | None = None
    seed: bool = False
    negative_prompt: bool = False
    max_references: int = 0
    mask: bool = False
    turns: bool = False  # goes on from earlier turns of a chat
    stream: bool = False
    options: Mapping[str, Choice] = field(default_factory=dict)  # vendor-specific, by name


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A model as the catalogue or the vendor's live list knows it."""

    id: str
    label: str
    status: ModelStatus = "current"
    retires_on: date | None = None  # for deprecated: will; for retired: did
    successor: str = ""
    note: str = ""  # one sentence for the person
    capabilities: Capabilities = Capabilities()
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else its adapter has to know
    prices: Mapping[str, Any] = field(default_factory=dict)  # as in the catalogue file; see pricing.py
    prices_read_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a request will cost, before it is made."""

    usd: Decimal | None  # for all n pictures; None: not known
    basis: str = ""  # "price list of 22 November 2026"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the vendor counted, as it says it, and what that costs."""

    raw: Mapping[str, Any] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    cost_source: CostSource = "unknown"


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """A model that writes and, with `vision`, looks at pictures."""

    id: str
    label: str
    status: ModelStatus = "current"
    retires_on: date | None = None
    successor: str = ""
    note: str = ""  # one sentence for the person
    vision: bool = True
    effort: str = ""  # the least thinking it can be asked for, in the vendor's word; empty: never sent
    prices: Mapping[str, Any] = field(default_factory=dict)  # per million tokens; see pricing.py
    prices_read_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class TextRequest:
    """One wish for a short text; with a picture to look at, or with the JSON form that it must have."""

    prompt: str
    model: str
    instructions: str = ""  # the system message
    max_tokens: int = 1000  # of the answer
    image: InputImage | None = None
    schema: Mapping[str, Any] | None = None  # JSON schema of the answer
    user_id: str = ""  # a salted hash of the person, for vendors that ask for one


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The text that came."""

    text: str
    usage: Usage = Usage()
    model: str = ""  # the one that really served, when the vendor says so
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class DescribeRequest:
    """One wish for a caption and tags of a picture."""

    image: InputImage  # small: about 1300 pixels on the longest side are enough
    model: str
    instructions: str = ""  # what the person wants looked at, in their own words
    known_tags: tuple[str, ...] = ()  # "character:Mirel", "forest": preferred where they fit
    max_tokens: int = 1000
    user_id: str = ""


@dataclass(frozen=True, kw_only=True)
class TagSuggestion:
    """A tag that a model saw in a picture."""

    kind: TagKind
    name: str
    confidence: float  # 0 to 1


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a model saw in a picture: suggestions, for the person to accept or reject."""

    caption: str
    tags: tuple[TagSuggestion, ...]
    usage: Usage = Usage()
    model: str = ""
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One vendor's raw answer, complete, in a spool file that survives a crash."""

    path: Path
    status: int
    headers: Mapping[str, str]  # lower-case names
    body_offset: int  # bytes into the file


@dataclass(frozen=True, kw_only=True)
class GeneratedImage:
    """One picture, decoded to a file. Its type is whatever its bytes are."""

    path: Path
    url: str = ""  # from `parse`: where `read` has to fetch it from, into `path`
    revised_prompt: str = ""
    seed: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else is worth keeping


@dataclass(frozen=True, kw_only=True)
class GenerationResult:
    """What one call brought."""

    images: Sequence[GeneratedImage]
    usage: Usage = Usage()
    model: str = ""  # the one that really served, when the vendor says so
    request_id: str = ""
    refused: int = 0  # pictures that a safety filter held back
    message: str = ""  # why there are fewer pictures than asked, in a sentence


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Outcome of a provider's free key check."""

    ok: bool
    code: str  # "ok" or an error code
    message: str  # a sentence for the person


@dataclass(frozen=True, kw_only=True)
class PartialImage:
    """A preview that came while the picture was being drawn."""

    index: int
    data: bytes = field(repr=False)


OnPartial = Callable[[PartialImage], None]
Cancelled = Callable[[], bool]
