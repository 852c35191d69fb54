"""Everything a caller can be told went wrong, as exceptions that know their status and code.

    ApiError                        status  code
    ├── ValidationFailed            400     VALIDATION_ERROR
    ├── Unauthorized                401     UNAUTHORIZED
    ├── SecondFactorRequired        401     SECOND_FACTOR_REQUIRED  (half of a sign-in)
    ├── Forbidden                   403     FORBIDDEN
    ├── FreshLoginRequired          403     FRESH_LOGIN_REQUIRED    (prove again who you are)
    ├── SecondFactorMissing         403     SECOND_FACTOR_MISSING   (an admin who has to set one up)
    ├── ProposalRequired            403     PROPOSAL_REQUIRED       (by POST /admin/proposals)
    ├── AccountSuspended            403     ACCOUNT_SUSPENDED       (of orders: 422, by the engine)
    ├── NotFound                    404     NOT_FOUND
    ├── MethodNotAllowed            405     METHOD_NOT_ALLOWED      (with Allow)
    ├── Conflict                    409     CONFLICT
    ├── PayloadTooLarge             413     PAYLOAD_TOO_LARGE       (closes the connection)
    ├── UnsupportedMediaType        415     UNSUPPORTED_MEDIA_TYPE
    ├── OutOfRange                  416     OUT_OF_RANGE
    ├── Refused                     422     the engine's own code
    ├── LimitReached                422     LIMIT_REACHED
    ├── PriceUnknown                422     PRICE_UNKNOWN
    ├── RateLimited                 429     RATE_LIMITED            (with Retry-After)
    ├── InternalError               500     INTERNAL_ERROR      (says nothing of the cause)
    ├── ExternalApiFailed           502     EXTERNAL_API_ERROR
    ├── Unavailable                 503     UNAVAILABLE         (nothing happened: try again)
    ├── ReadsOnly                   503     READS_ONLY          (never here, at the engine's place)
    ├── UnknownOutcome              504     UNKNOWN_OUTCOME     (retry with the same clientOrderId)
    └── NotYetReached               504     NOT_YET_REACHED     (a read; the message says how far)

A message is written for the caller: it holds no internals, no secrets and no other person's data.
"""

from typing import ClassVar

import msgspec


class Detail(msgspec.Struct, frozen=True):
    """One field of the request that is wrong; `field` is its path in camelCase."""

    field: str
    message: str


class SecondFactorAsked(msgspec.Struct, frozen=True, rename="camel"):
    """A sign-in whose first factor was right: what goes on with it, and by what."""

    challenge: str
    """Goes back with the second factor; good once."""
    methods: tuple[str, ...]
    """By what it may be proved: totp, passkey, recovery."""
    expires_in: int
    """Seconds."""


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong, as every transport tells it."""

    code: str
    message: str
    details: tuple[Detail, ...]
    transient: bool | msgspec.UnsetType = msgspec.UNSET
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    retry_after: int | msgspec.UnsetType = msgspec.field(name="retryAfter", default=msgspec.UNSET)
    """Seconds, where a limit is used up."""
    second_factor: SecondFactorAsked | msgspec.UnsetType = msgspec.field(
        name="secondFactor", default=msgspec.UNSET
    )
    """Where a sign-in waits for one."""


class ApiError(Exception):
    """Root of the tree: a failure with an answer of its own."""

    status: int = 500
    code: str = "INTERNAL_ERROR"
    default_message: ClassVar[str] = "Something went wrong"
    transient: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether the same may succeed later; only the engine's refusals say."""
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    """Set if this is the first answer to a client's id, given again."""
    retry_after_seconds: int | msgspec.UnsetType = msgspec.UNSET
    """When to come back, where that is known."""
    second_factor: SecondFactorAsked | msgspec.UnsetType = msgspec.UNSET

    def __init__(
        self,
        message: str = "",
        *,
        details: tuple[Detail, ...] = (),
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.message = message or self.default_message
        self.details = details
        self.headers = headers
        super().__init__(self.message)

    def body(self) -> ErrorBody:
        """Return what is told of it."""
        return ErrorBody(
            self.code,
            self.message,
            self.details,
            self.transient,
            self.replayed,
            self.retry_after_seconds,
            self.second_factor,
        )


class ValidationFailed(ApiError):
    """The request is malformed; the details name the fields."""

    status = 400
    code = "VALIDATION_ERROR"
    default_message = "The request is not valid"

    @classmethod
    def of(cls, field: str, message: str) -> "ValidationFailed":
        """Return the error for one field."""
        return cls(f"{field}: {message}", details=(Detail(field, message),))


class Unauthorized(ApiError):
    """No access token, or one that doesn't hold; which of the two is not told."""

    status = 401
    code = "UNAUTHORIZED"
    default_message = "A valid access token is required"

    def __init__(self, message: str = "", *, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message, details=details, headers=((b"www-authenticate", b"Bearer"),))


class SecondFactorRequired(ApiError):
    """The first factor was right, and nobody is signed in before the second one is, too."""

    status = 401
    code = "SECOND_FACTOR_REQUIRED"
    default_message = "A second factor is required: send it to POST /auth/2fa/verify"

    def __init__(self, asked: SecondFactorAsked) -> None:
        super().__init__(headers=((b"www-authenticate", b"Bearer"),))
        self.second_factor = asked


class Forbidden(ApiError):
    """The caller is known and may not do this."""

    status = 403
    code = "FORBIDDEN"
    default_message = "You may not do this"


class FreshLoginRequired(ApiError):
    """The caller may do this, but has to prove again who it is."""

    status = 403
    code = "FRESH_LOGIN_REQUIRED"
    default_message = (
        "The last sign-in of this session is too long ago for this: sign in anew, or call"
        " POST /auth/step-up, then try again"
    )


class ProposalRequired(ApiError):
    """An admin may do this, but not alone."""

    status = 403
    code = "PROPOSAL_REQUIRED"
    default_message = "This takes two admins: propose it by POST /admin/proposals"


class SecondFactorMissing(ApiError):
    """The caller is an admin, and admins need a second factor here."""

    status = 403
    code = "SECOND_FACTOR_MISSING"
    default_message = "Admins need a second factor here: set one up under /auth/2fa, then try again"


class AccountSuspended(ApiError):
    """The caller's account is suspended: it is read, and changes nothing."""

    status = 403
    code = "ACCOUNT_SUSPENDED"
    default_message = "The account is suspended: nobody signs in to it, and it changes nothing"


class NotFound(ApiError):
    """Nothing of that name, or nothing the caller may know of."""

    status = 404
    code = "NOT_FOUND"
    default_message = "There is nothing here"


class MethodNotAllowed(ApiError):
    """The path exists, for other methods."""

    status = 405
    code = "METHOD_NOT_ALLOWED"
    default_message = "This path doesn't take that method"

    def __init__(self, allow: str) -> None:
        super().__init__(headers=((b"allow", allow.encode("ascii")),))


class Conflict(ApiError):
    """It contradicts what is already there."""

    status = 409
    code = "CONFLICT"
    default_message = "This contradicts what is already there"


class PayloadTooLarge(ApiError):
    """The body passes the bound; the rest of it is not read."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "The body is too large"

    def __init__(self, limit: int) -> None:
        message = f"may have at most {limit} bytes"
        super().__init__(
            f"The body {message}",
            details=(Detail("body", message),),
            headers=((b"connection", b"close"),),
        )


class UnsupportedMediaType(ApiError):
    """The body is not declared as JSON."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "The body must be application/json in UTF-8"

    def __init__(self, message: str = "") -> None:
        text = message or self.default_message
        super().__init__(text, details=(Detail("content-type", text),))


class OutOfRange(ApiError):
    """It is a place that isn't there, or not yet; the details name the field and where it ends."""

    status = 416
    code = "OUT_OF_RANGE"
    default_message = "There is nothing there yet"

    @classmethod
    def of(cls, field: str, message: str) -> "OutOfRange":
        """Return the error for one field."""
        return cls(f"{field}: {message}", details=(Detail(field, message),))


class Refused(ApiError):
    """The engine understood and refused; the code is its reason."""

    status = 422

    def __init__(self, code: str, message: str, *, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message, details=details)
        self.code = code


class LimitReached(ApiError):
    """One has as many of these as one may have; the details name what they are."""

    status = 422
    code = "LIMIT_REACHED"
    default_message = "There are as many of these as there may be"

    @classmethod
    def of(cls, field: str, most: int) -> "LimitReached":
        """Return the refusal of one more than `most` of what `field` names."""
        message = f"there may be at most {most}; delete one first"
        return cls(f"{field}: {message}", details=(Detail(field, message),))


class PriceUnknown(ApiError):
    """No price is known by which to do it; the request may name one."""

    status = 422
    code = "PRICE_UNKNOWN"
    default_message = "price: no live price of this market is known: give one"

    def __init__(self, message: str = "") -> None:
        super().__init__(message, details=(Detail("price", "no live price is known: give one"),))


class RateLimited(ApiError):
    """Too many of these; the details name the limit, its size and what refills it, `retryAfter`
    says when to come back.
    """

    status = 429
    code = "RATE_LIMITED"
    default_message = "Too many requests"

    def __init__(
        self,
        retry_after_seconds: int,
        message: str = "",
        *,
        limit: str = "",
        size: int = 0,
        refill: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        seconds = max(1, retry_after_seconds)
        told = {"limit": limit, "size": str(size) if size else "", "refill": refill}
        details = tuple(Detail(field, text) for field, text in told.items() if text)
        retry_after = (b"retry-after", b"%d" % seconds)
        super().__init__(message, details=details, headers=(retry_after, *headers))
        self.retry_after_seconds = seconds
        self.says_limit = bool(headers)
        """Whether its headers tell of a limit, in the place of the one first counted against."""


class InternalError(ApiError):
    """A fault of ours; the log knows it by the request id."""


class ExternalApiFailed(ApiError):
    """A venue we read from failed."""

    status = 502
    code = "EXTERNAL_API_ERROR"
    default_message = "A venue didn't answer as it should"


class Unavailable(ApiError):
    """Not now; nothing happened."""

    status = 503
    code = "UNAVAILABLE"
    default_message = "The exchange can't take this now; nothing happened, try again"

    def __init__(self, message: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers=((b"retry-after", b"%d" % retry_after_seconds),))
        self.retry_after_seconds = retry_after_seconds


class DatabaseAway(Unavailable):
    """The database can't be reached, or takes too long; nothing happened."""

    default_message = "The exchange can't reach its database now; try again in a moment"


class ReadsOnly(ApiError):
    """Not in this process, however often it is tried: so there is no Retry-After."""

    status = 503
    code = "READS_ONLY"
    default_message = (
        "This gateway serves reads and feeds only: send orders, commands and registrations to the"
        " engine's own address"
    )


class UnknownOutcome(ApiError):
    """It may or may not have happened."""

    status = 504
    code = "UNKNOWN_OUTCOME"
    default_message = (
        "The outcome is not known; retry with the same clientOrderId or requestId to learn it"
    )


class NotYetReached(ApiError):
    """This process doesn't know the command yet that a read asks for."""

    status = 504
    code = "NOT_YET_REACHED"
    default_message = "This process has not come so far yet; try again in a moment"

    @classmethod
    def of(cls, wanted: int, reached: int) -> "NotYetReached":
        """Return the error of a read that asks for `wanted` where `reached` is the last."""
        message = f"is {wanted}, but this process has come to {reached}; try again in a moment"
        return cls(f"minSeq: {message}", details=(Detail("minSeq", message),))
