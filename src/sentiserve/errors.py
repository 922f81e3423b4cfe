"""Every error that callers may see, each with its HTTP status.

SentiserveError
├── BadInputError            422  what was sent cannot be used
│   └── UnknownURLError      422  no source knows this form of URL
├── UnauthorizedError        401
├── NotFoundError            404
│   └── OtherPlatformError   404  the post is of a platform that the source isn't of
├── PostProtectedError       403
├── PostDeletedError         410
├── TooLargeError            413
├── LimitedError             429  a client asks more often than it may
├── OverloadedError          503  the service has no room, or is stopping
├── SourceError              502  the source answered with nonsense
│   ├── SourceTimeoutError   504
│   ├── SourceRefusedError   502  it will say the same until somebody changes something
│   └── QuotaExhaustedError  503  the source answers again after some time
│       └── BudgetExhaustedError 503  what may be spent on the source is spent
├── ModelError               500  the model failed on a batch
├── BundleError              500  a bundle is missing, incomplete or not what it says
│   └── UnreachableError     500  the place that it comes from gives no answer now
│       └── OfflineError     500  it is not to be asked
├── StoreError               503  the store, the history or the journal cannot be used
│   ├── StoreDownError       503  the store gives no answer now
│   └── StoreTimeoutError    503  the store did not answer in time
├── RefusedError             500  the store works, but will never take this record
└── SettingsError            500  a setting has no usable value
"""

from http import HTTPStatus


class SentiserveError(Exception):
    """Anything that sentiserve raises on purpose.

    Attributes:
        status: the HTTP status that answers it.
        retry_after: seconds after which trying again makes sense, if it does.
        public: what callers over HTTP are told in place of the text, if that names paths or hosts
            and so is only for whoever runs the service.
    """

    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    retry_after: int | None = None
    public: str | None = None


class BadInputError(SentiserveError):
    """What was sent cannot be used as it is."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownURLError(BadInputError):
    """No source knows this form of URL."""


class UnauthorizedError(SentiserveError):
    """Credentials are missing or wrong."""

    status = HTTPStatus.UNAUTHORIZED


class NotFoundError(SentiserveError):
    """There is no such post, author or hashtag."""

    status = HTTPStatus.NOT_FOUND


class OtherPlatformError(NotFoundError):
    """The source isn't of the post's platform, and can say nothing of it."""


class PostProtectedError(SentiserveError):
    """The post's author shows it to followers only."""

    status = HTTPStatus.FORBIDDEN


class PostDeletedError(SentiserveError):
    """The post is gone."""

    status = HTTPStatus.GONE


class TooLargeError(SentiserveError):
    """The request's body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class LimitedError(SentiserveError):
    """A client asks more often than it may."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after: int) -> None:
        """Say in how many seconds it may ask again."""
        super().__init__(message)
        self.retry_after = retry_after


class OverloadedError(SentiserveError):
    """The service has no room for the request, or is stopping."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 1

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        """Say when there may be room, in seconds from now, where that is known."""
        super().__init__(message)
        if retry_after is not None:
            self.retry_after = retry_after


class SourceError(SentiserveError):
    """The source could not be asked, or answered with nonsense."""

    status = HTTPStatus.BAD_GATEWAY


class SourceTimeoutError(SourceError):
    """The source did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class SourceRefusedError(SourceError):
    """The source will say the same again until somebody changes something; the text says what."""


class QuotaExhaustedError(SourceError):
    """The source will not answer before its quota is renewed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 900

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        """Say when the quota is renewed, in seconds from now, where that is known."""
        super().__init__(message)
        if retry_after is not None:
            self.retry_after = retry_after


class BudgetExhaustedError(QuotaExhaustedError):
    """What may be spent on the source is spent; only a person or a new day changes that."""

    retry_after = 3600


class ModelError(SentiserveError):
    """The model failed on a batch."""


class BundleError(SentiserveError):
    """A bundle is missing, incomplete, or not what its manifest says."""


class UnreachableError(BundleError):
    """The place that a bundle comes from gives no answer now; later it may."""


class OfflineError(UnreachableError):
    """The place is not to be asked; trying again changes nothing."""


class StoreError(SentiserveError):
    """Where predictions are kept cannot be used: the store, the history or the journal."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 5
    public: str | None = (
        "what is kept cannot be used now; the reason is logged under this request's id"
    )


class StoreDownError(StoreError):
    """The store gives no answer now; later it may, and no setting is known to be wrong."""


class StoreTimeoutError(StoreError):
    """The store did not answer in time."""

    public = None


class RefusedError(SentiserveError):
    """The store works, but will never take this record; trying again doesn't help."""

    public = "the store refuses this; the reason is logged under this request's id"


class SettingsError(SentiserveError):
    """A setting has no usable value."""
