"""Texts: they are small, go without a spool, and are one request each."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from providers import catalog, describing, pricing, rules
from providers.vendor import Vendor
from providers.vocabulary import (
    Answer,
    Completion,
    DescribeRequest,
    Description,
    Estimate,
    TextModel,
    TextRequest,
)

if TYPE_CHECKING:
    from providers.http import WireRequest


class Writer(Vendor):
    """What writes and describes. Subclasses build and parse."""

    supports_text: ClassVar[bool] = False
    supports_vision: ClassVar[bool] = False
    text_deadline: ClassVar[float] = 120  # seconds for a text

    def build_text(self, request: TextRequest) -> "WireRequest":
        """The one HTTP request that asks for a text, with `request.image` and `request.schema` if given."""
        raise NotImplementedError

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        """The words of a successful answer. Raises `Refused`, or `BadResponse` when there are none."""
        raise NotImplementedError

    def text_models(self) -> tuple[TextModel, ...]:
        """The models that write, from the built-in catalogue; no network."""
        return catalog.text_models(self.slug)

    def list_text_models(self) -> Iterable[TextModel]:
        """The vendor's own list of them, over the network. The default: the built-in catalogue."""
        return self.text_models()

    def live_text_models(self) -> tuple[TextModel, ...]:
        """The vendor's list of models that write. Raises `ProviderError`."""
        return tuple(self.list_text_models())

    def text_model_info(self, model_id: str) -> TextModel:
        """The model as the catalogue knows it; an unknown id gets no price."""
        return catalog.find_text(self.slug, model_id)

    def default_text_model(self) -> str:
        return catalog.default_text_model(self.slug)

    def check_text(self, request: TextRequest | DescribeRequest) -> None:
        """Raise `InvalidRequest` or `ModelUnavailable` for what cannot be written. Sends nothing."""
        rules.check_text(_as_text(request), self, self.text_model_info(request.model))

    def estimate_text(self, request: TextRequest | DescribeRequest) -> Estimate:
        """The most that a text or a description will cost."""
        return pricing.estimate_text(_as_text(request), self.text_model_info(request.model))

    def complete(self, request: TextRequest) -> Completion:
        """Have a text written: one paid request, never repeated. Raises what `send` and `read` raise."""
        from providers import http

        self.check_text(request)
        with http.ask(
            self._built(lambda: self.build_text(request)),
            deadline=self.text_deadline,
            allowed_private_hosts=self.connection.allowed_private_hosts,
        ) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            return self.parse_text(request, answer)

    def describe(self, request: DescribeRequest) -> Description:
        """Have a picture described and tags suggested: one paid request, never repeated."""
        return describing.read(self.complete(describing.text_request(request)))


def _as_text(request: TextRequest | DescribeRequest) -> TextRequest:
    return describing.text_request(request) if isinstance(request, DescribeRequest) else request
