"""The vocabulary that every vendor speaks here, and `Provider`, what they all have in common.

Values in, values out: nothing in `providers` knows of Django or of the gallery. A picture's way through:

    check(request) → split(request) → send(request, …) → Answer on disk → read(answer, …) → GenerationResult

`send` makes exactly one paid request and leaves the raw answer, complete and synced, in a spool file;
`read` makes pictures of that file, at once or days later after a crash.

Vendors that take jobs are asked how far they are (`jobs.py`), and after a crash `resume` goes on with the
same job. Pictures that an answer names by address are fetched by `read` (`links.py`).

`vendor.py` has what is true whatever a vendor makes; `writer.py` texts: `complete` and `describe` make one
request and give back its words.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from providers import catalog, errors, faults, pricing, rules, spooling, streams
from providers.errors import BadResponse, ProviderError
from providers.vocabulary import (
    Answer,
    Cancelled,
    Capabilities,
    CheckResult,
    Choice,
    Completion,
    Connection,
    CostSource,
    DescribeRequest,
    Description,
    Estimate,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    InputImage,
    Mode,
    ModelInfo,
    ModelStatus,
    OnPartial,
    PartialImage,
    SizeRules,
    Switch,
    TagKind,
    TagSuggestion,
    TextModel,
    TextRequest,
    Turn,
    Usage,
)
from providers.writer import Writer

if TYPE_CHECKING:
    from providers.bodies import JsonBody
    from providers.http import WireRequest

__all__ = [
    "Answer",
    "Cancelled",
    "Capabilities",
    "CheckResult",
    "Choice",
    "Completion",
    "Connection",
    "CostSource",
    "DescribeRequest",
    "Description",
    "Estimate",
    "GeneratedImage",
    "GenerationResult",
    "ImageRequest",
    "InputImage",
    "Mode",
    "ModelInfo",
    "ModelStatus",
    "OnPartial",
    "PartialImage",
    "Provider",
    "SizeRules",
    "Switch",
    "TagKind",
    "TagSuggestion",
    "TextModel",
    "TextRequest",
    "Turn",
    "Usage",
]

UNASKED = "{} answered with a stream of events that nobody asked for. The raw answer is kept."
# Answers that arrive together are made into pictures a few at a time, or they would eat the memory.
READERS = threading.BoundedSemaphore(4)


class Provider(Writer):
    """A vendor's service. Subclasses declare, build, parse and explain; the rest is written once, here."""

    supports_image_generation: ClassVar[bool] = True
    takes_any_model: ClassVar[bool] = True  # also one that no list names
    request_deadline: ClassVar[float] = 600  # seconds for one call, from connect to the last byte
    safe_to_repeat: ClassVar[bool] = False  # without effect: recovery may send it again

    open_answer = staticmethod(spooling.open_answer)

    # What a subclass writes

    def build(self, request: ImageRequest) -> "WireRequest":
        """The one HTTP request that asks for `request`."""
        raise NotImplementedError

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        """Make pictures of a successful answer, as files in `folder`."""
        raise NotImplementedError

    def preview_in(self, event: "JsonBody") -> tuple[int, object] | None:
        """The preview in an event of a stream: its index and its base64 string. The default: as OpenAI."""
        return streams.image_preview(event)

    def ends_stream(self, event: "JsonBody") -> bool:
        """Whether an event of a stream is its end, good or bad. The default: as OpenAI."""
        return streams.ends_images(event)

    def list_models(self) -> Iterable[ModelInfo]:
        """The vendor's own list, over the network. The default: the built-in catalogue."""
        return self.models()

    # What all have in common

    def models(self) -> tuple[ModelInfo, ...]:
        """The built-in catalogue; no network."""
        return catalog.models(self.slug)

    def model_info(self, model_id: str) -> ModelInfo:
        """The model as the vendor's list or the catalogue knows it; an unknown id gets few abilities."""
        listed = next((model for model in self.connection.listed if model.id == model_id), None)
        return catalog.as_of(listed, _today()) if listed else catalog.find(self.slug, model_id)

    def offered(self) -> tuple[ModelInfo, ...]:
        """The models to choose from: the vendor's list if it was read, else the built-in one."""
        return tuple(catalog.as_of(model, _today()) for model in self.connection.listed) or self.models()

    def knows(self, model_id: str) -> bool:
        """Whether what is offered as the abilities of a model is more than a guess."""
        return any(model.id == model_id for model in self.offered()) or catalog.knows(self.slug, model_id)

    def default_model(self) -> str:
        return catalog.default_model(self.slug)

    @classmethod
    def has_live_list(cls) -> bool:
        """Whether the vendor can be asked for its models."""
        return cls.list_models is not Provider.list_models

    def live_models(self) -> tuple[ModelInfo, ...]:
        """The vendor's list, with what the catalogue knows, and the catalogue's retired models last."""
        live = tuple(self.list_models())
        listed = {model.id for model in live}
        gone = (model for model in self.models() if model.status == "retired" and model.id not in listed)
        return (*live, *gone)

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        """Everything in `request` that the model does not take, each with its `field`. Sends nothing."""
        yield from rules.problems(request, self.model_info(request.model))

    def check(self, request: ImageRequest) -> None:
        """Raise the first of the `problems`; the others stand in its `also`."""
        errors.raise_first(self.problems(request))

    def estimate(self, request: ImageRequest) -> Estimate:
        """What all n pictures of `request` will cost."""
        return pricing.estimate(request, self.model_info(request.model))

    def split(self, request: ImageRequest) -> list[ImageRequest]:
        """The paid calls that `request` takes, each for as many pictures as one call may bring."""
        most = 1 if request.stream else max(1, self.model_info(request.model).capabilities.max_n_per_call)
        full, rest = divmod(request.n, most)
        return [replace(request, n=n) for n in [most] * full + [rest] * bool(rest)]

    def send(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Make exactly one paid request and leave the whole raw answer, synced, in the file `spool`.

        With `request.stream`, pictures on their way go to `on_partial` while they come. Never repeats
        itself. Raises `NetworkError` when the vendor was provably not reached,
        `ConnectionLost` or `DeadlineExceeded` when the request may have been carried out.
        """
        from providers import http  # here, because it imports the HTTP client, which few processes need

        if cancelled and cancelled():
            raise errors.Cancelled("Stopped before anything was sent. Nothing was charged.")
        return http.post(
            self._built(lambda: self.build(request)),
            spool,
            deadline=self.request_deadline,
            allowed_private_hosts=self.connection.allowed_private_hosts,
            follower=streams.Follower(self, on_partial) if request.stream else None,
        )

    @classmethod
    def can_resume(cls, spool: Path) -> bool:
        """Whether a request that went out and is not answered in `spool` can be asked for by its job."""
        return False

    def resume(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Go on waiting for a job that an earlier `send` submitted. Submits nothing; raises like `send`."""
        raise errors.ConnectionLost("The answer was lost, and it cannot be asked for.")

    def read(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        """Make pictures, as files in `folder`, of an answer; raise what an error answer means."""
        with READERS:
            if answer.status != 200:
                raise self.failure(answer)
            if streams.is_stream(answer.status, answer.headers) and not request.stream:
                raise faults.explain(errors.NoPicture, UNASKED.format(self.label), answer, "")
            result = self.parse(request, answer, folder)
        if any(image.url for image in result.images):
            return self._with_fetched(result)
        return result

    def _with_fetched(self, result: GenerationResult) -> GenerationResult:
        """The result with the pictures that it names by address; those that cannot be had are left out."""
        images, failure = [], None
        for image in result.images:
            try:
                self.fetch(image)
                images.append(image)
            except BadResponse as exc:
                failure = exc
        if failure is None:
            return result
        if not images:
            failure.request_id = result.request_id
            raise faults.costing(failure, result.usage)
        lost = f"{len(images)} of {len(result.images)} pictures could be fetched. {failure.message}"
        return replace(result, images=images, message=f"{result.message} {lost}".strip())

    def fetch(self, image: GeneratedImage) -> None:
        """Bring the picture at `image.url` into the file `image.path`; nothing to do where it has none."""
        from providers import links

        if image.url:
            links.save(
                image.url,
                image.path,
                base_url=self.base_url,
                allowed_private_hosts=self.connection.allowed_private_hosts,
            )

    def test(self) -> CheckResult:
        """Try the key with something that costs nothing."""
        try:
            self.list_models()
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        return CheckResult(ok=True, code="ok", message=f"{self.label} accepted the key.")


def _today() -> date:
    return datetime.now(UTC).date()
