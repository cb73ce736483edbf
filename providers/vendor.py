"""A vendor, whatever it makes: how it is reached, with which key, and what its errors mean."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from providers import errors, faults, switches
from providers.errors import ProviderError
from providers.vocabulary import Answer, Connection, Switch

if TYPE_CHECKING:
    from providers.http import WireRequest


class Vendor:
    """One connection to a vendor."""

    slug: ClassVar[str] = ""
    label: ClassVar[str] = ""
    default_base_url: ClassVar[str] = ""
    needs_key: ClassVar[bool] = True
    needs_base_url: ClassVar[bool] = False
    connection_options: ClassVar[Mapping[str, Switch]] = {}  # what a connection's `options` may hold

    def __init__(self, connection: Connection):
        self.connection = connection

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    @property
    def base_url(self) -> str:
        return (self.connection.base_url or self.default_base_url).rstrip("/")

    @property
    def is_free(self) -> bool:
        """Whether nobody sends a bill, whatever comes of a request."""
        return False

    @property
    def api_key(self) -> str:
        """The key as it may go into a header. Raises `AuthError` for what cannot be a key."""
        key = self.connection.api_key.strip()
        if self.needs_key and not key:
            raise errors.AuthError("This connection has no key. Enter one in its settings.")
        if not all("!" <= character <= "~" for character in key):
            raise errors.AuthError("The key has spaces or odd characters in it. Copy and enter it again.")
        return key

    def error_for(self, answer: Answer) -> ProviderError:
        """What an error answer means. The default goes by the status alone."""
        return faults.from_status(answer, self.label)

    def failure(self, answer: Answer) -> ProviderError:
        """What an error answer means, without the key, which some servers repeat in their answers."""
        return self.without_key(self.error_for(answer))

    def as_billed(self, error: ProviderError) -> ProviderError:
        """The error with what is true here about money: where nobody sends a bill, nothing was charged."""
        if self.is_free:
            error.may_have_been_charged, error.cost_usd = False, None
        return error

    def without_key(self, error: ProviderError) -> ProviderError:
        """The error, with the key taken out of the vendor's words."""
        if self.connection.api_key:
            error.provider_message = error.provider_message.replace(self.connection.api_key, "…")
        return error

    @classmethod
    def clean_options(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """A connection's `options` as they are kept; what is at its default may be left out.

        Raises `InvalidRequest` whose `field` is the option that is wrong.
        """
        return switches.clean(given, cls.connection_options, cls.label)

    def _built(self, build: Callable[[], "WireRequest"]) -> "WireRequest":
        try:
            return build()
        except OSError as exc:
            raise errors.InvalidRequest(
                "A picture that should go along cannot be read. Choose it again.", field="references"
            ) from exc
