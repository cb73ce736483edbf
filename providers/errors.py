"""What can go wrong at a vendor. One class per `error.code`; each has a sentence for the person.

Three readers: the person reads `message`, a program `code`, `retryable` and `may_have_been_charged`,
a developer `provider_message`, `status` and `request_id`. No sentence tells what it
cost: `message` adds that.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

CHARGED, PERHAPS_CHARGED = "It was charged.", "It may have been charged."


class ProviderError(Exception):
    """A vendor said no, said nothing, or could not be reached."""

    code = "server_error"
    retryable = False  # a person may sensibly press "Try again"
    may_have_been_charged = False
    cost_source = "reported"  # how `cost_usd` is known, when it is
    is_settled = False  # charged or not, nothing more will come of it: failed, not unknown

    def __init__(
        self,
        message: str,
        *,
        field: str = "",  # the request's field that is at fault
        provider_message: str = "",  # the vendor's own words
        status: int | None = None,  # HTTP status
        request_id: str = "",  # the vendor's
        retry_after: timedelta | None = None,  # the vendor asked to wait this long
        may_have_been_charged: bool | None = None,
        cost_usd: Decimal | None = None,  # reported by the vendor although it failed
    ):
        self.sentence = str(message)  # a text that is put into words late is put into words now
        super().__init__(self.sentence)
        self.field = field
        self.provider_message = provider_message[:500]
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        if may_have_been_charged is not None:
            self.may_have_been_charged = may_have_been_charged
        self.cost_usd = cost_usd
        self.also: tuple[ProviderError, ...] = ()  # what else is wrong with the same request

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """The sentence for the person, and what is known about the money."""
        if self.cost_usd:
            return f"{self.sentence} {CHARGED}"
        unsure = self.may_have_been_charged and self.cost_usd is None
        return f"{self.sentence} {PERHAPS_CHARGED}" if unsure else self.sentence


class AuthError(ProviderError):
    code = "auth"


class PermissionDenied(ProviderError):
    code = "permission"


class BillingError(ProviderError):
    code = "billing"


class RateLimited(ProviderError):
    """The vendor said "come back"; the call waits and is sent again, for nothing was charged."""

    code = "rate_limited"
    retryable = True


class Refused(ProviderError):
    """A safety filter declined the prompt or the picture."""

    code = "refused"


class ModelUnavailable(ProviderError):
    code = "model_unavailable"


class InvalidRequest(ProviderError):
    code = "invalid_request"


class Overloaded(ProviderError):
    """A documented "overloaded, come back": like a rate limit, nothing was charged."""

    code = "overloaded"
    retryable = True


class ServerError(ProviderError):
    code = "server_error"
    retryable = True
    may_have_been_charged = True


class NetworkError(ProviderError):
    """The vendor was provably not reached: name, connection or TLS. Nothing was sent."""

    code = "network"
    retryable = True


class CertificateRefused(ProviderError):
    """The vendor's certificate is not valid. Nothing was sent, and trying again will not help."""

    code = "network"


class ConnectionLost(ProviderError):
    """The request went out and no complete answer came back."""

    code = "network"
    retryable = True
    may_have_been_charged = True


class DeadlineExceeded(ProviderError):
    """The request went out and the answer did not come in time."""

    code = "timeout"
    retryable = True
    may_have_been_charged = True


class BadResponse(ProviderError):
    """The answer came and cannot be used. The raw answer is kept."""

    code = "bad_response"
    retryable = True
    may_have_been_charged = True


class NoPicture(BadResponse):
    """The answer is whole and well formed, and there is no picture in it: nothing more will come."""

    is_settled = True


class BadPicture(BadResponse):
    """The answer is whole and a picture in it is not: asking for the same answer again would not mend it."""

    is_settled = True


class NotUnderstood(BadResponse):
    """A question that is free was answered in a form that is not the vendor's."""

    may_have_been_charged = False


class LinkBlocked(BadResponse):
    """The answer names its picture by an address that is never used."""

    retryable = False
    is_settled = True


class Cancelled(ProviderError):
    """The person stopped it before the request went out."""

    code = "cancelled"


def raise_first(found: Iterable[ProviderError]) -> None:
    """Raise the first error, if there is one, with the others in its `also`."""
    errors = iter(found)
    if first := next(errors, None):
        first.also = tuple(errors)
        raise first
