"""The errors a caller can meet, as a tree.

OneInboxError               status 500, code INTERNAL_ERROR
├── BadRequest              400
├── Unauthorized            401
├── Forbidden               403
├── NotFound                404
├── Conflict                409
├── Unprocessable           422
├── TooManyRequests         429
├── Unavailable             503
└── ProviderError           502  something outside said no, or nothing
"""

from typing import ClassVar


class OneInboxError(Exception):
    """Base of all errors with an answer: the message is a sentence for the caller and holds no secret."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"


class BadRequest(OneInboxError):
    """The request can't be carried out as it stands."""

    status = 400
    code = "BAD_REQUEST"


class Unauthorized(OneInboxError):
    """No valid credential came with the request."""

    status = 401
    code = "UNAUTHORIZED"


class Forbidden(OneInboxError):
    """The credential is valid but may not do this."""

    status = 403
    code = "FORBIDDEN"


class NotFound(OneInboxError):
    """Nothing of that id is in this workspace; another workspace's is answered the same."""

    status = 404
    code = "NOT_FOUND"


class Conflict(OneInboxError):
    """The request contradicts what is there."""

    status = 409
    code = "CONFLICT"


class Unprocessable(OneInboxError):
    """The request is well-formed but its values can't be taken together."""

    status = 422
    code = "UNPROCESSABLE"


class TooManyRequests(OneInboxError):
    """A limit is reached; try later."""

    status = 429
    code = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        """`retry_after`: seconds after which trying again makes sense."""
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(OneInboxError):
    """A part of the deployment is not there for the moment."""

    status = 503
    code = "UNAVAILABLE"


class ProviderError(OneInboxError):
    """A vendor or an engine failed; `retryable` alone decides whether it may be tried again."""

    status = 502
    code = "PROVIDER_ERROR"

    def __init__(self, provider: str, message: str, *, retryable: bool, status_code: int | None = None) -> None:
        super().__init__(message)
        self.provider = provider
        self.retryable = retryable
        self.status_code = status_code
