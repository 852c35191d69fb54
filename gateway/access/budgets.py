"""The one table of limits: what is counted, for whom, how much of it in how long.

    Budget   what a row of the route table, or an event, says it is counted as
    Policy   one limit: its name in headers and refusals, its key, its size, its settings

Laws: no limit of calls stands anywhere else; `docs/limits.md` shows this table and a test compares
the two. What one budget has used up takes nothing from another, but for cancels past their own:
pings can't starve cancels, reads can't starve sign-in. How they are counted is
`access/rate_limits.py`'s, and for what has to hold over all processes `accounts/attempts.py`'s.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.access.settings import LimitSettings


class Budget(enum.Enum):
    """What a call counts as."""

    STANDARD = "standard"
    """The user's requests; the address's for whoever isn't signed in."""
    SIGN_IN = "sign-in"
    """The address's attempts to sign in, whatever token comes along."""
    RENEWAL = "renewal"
    """The address's renewals of a session, whatever token comes along."""
    SESSION = "session"
    """What keeps a session alive; before sign-in it counts as STANDARD."""
    CANCEL = "cancel"
    """The user's cancels: some each second and one per open order are always taken."""
    CANCEL_ALL = "cancel-all"
    """Counted with the cancels, and never refused."""
    NONE = "none"
    """Counted nowhere."""


class Per(enum.Enum):
    """Whose count it is."""

    ADDRESS = "address"
    USER = "user"
    ACCOUNT = "account tried"
    ACCOUNT_AT_ADDRESS = "account tried, by address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One limit."""

    name: str
    per: Per
    limit: Callable[[LimitSettings], int]
    window_ms: Callable[[LimitSettings], int]
    counts: str
    """What counts, in words."""
    settings: tuple[str, ...]
    """What sets it, in the order limit, window."""


_ADDRESS_SETTINGS: Final = ("RATE_LIMIT_MAX_REQUESTS", "RATE_LIMIT_WINDOW_MS")
_USER_SETTINGS: Final = ("RATE_LIMIT_USER_MAX_REQUESTS", "RATE_LIMIT_USER_WINDOW_MS")

ANONYMOUS: Final = Policy(
    name="anonymous",
    per=Per.ADDRESS,
    limit=lambda limits: limits.max_requests,
    window_ms=lambda limits: limits.window_ms,
    counts="requests and events of whoever isn't signed in, unknown paths",
    settings=_ADDRESS_SETTINGS,
)
USER: Final = Policy(
    name="user",
    per=Per.USER,
    limit=lambda limits: limits.user_max_requests,
    window_ms=lambda limits: limits.user_window_ms,
    counts="requests and events of a user that no other line counts",
    settings=_USER_SETTINGS,
)
CANCEL: Final = Policy(
    name="cancel",
    per=Per.USER,
    # Twice, so that nobody who keeps to the pace is refused for where a second happens to begin.
    limit=lambda limits: 2 * limits.cancels_per_second,
    window_ms=lambda _: 1_000,
    counts="cancels and heartbeats of dead-man switches; more count as `user`, and are refused"
    " when that is used up too and so is"
    " one per open order; cancelling all is never refused",
    settings=("RATE_LIMIT_CANCELS_PER_SECOND",),
)
SESSION: Final = Policy(
    name="session",
    per=Per.USER,
    limit=lambda limits: limits.user_max_requests,
    window_ms=lambda limits: limits.user_window_ms,
    counts="`session:authenticate`, `session:cancel_on_disconnect`",
    settings=_USER_SETTINGS,
)
RENEWAL: Final = Policy(
    name="session-address",
    per=Per.ADDRESS,
    limit=lambda limits: limits.max_requests,
    window_ms=lambda limits: limits.window_ms,
    counts="`/auth/refresh` and `/auth/logout`",
    settings=_ADDRESS_SETTINGS,
)
TOKEN: Final = Policy(
    name="token",
    per=Per.ADDRESS,
    limit=lambda limits: limits.max_requests,
    window_ms=lambda limits: limits.window_ms,
    counts="access tokens that don't hold; past that, none that was neither seen before nor issued"
    " here just now is looked at",
    settings=_ADDRESS_SETTINGS,
)
SIGN_IN: Final = Policy(
    name="sign-in",
    per=Per.ADDRESS,
    limit=lambda limits: limits.sign_ins or limits.max_requests,
    window_ms=lambda limits: limits.window_ms,
    counts="`/auth/login` and `/auth/register`, whatever token comes along; over all processes",
    settings=("RATE_LIMIT_SIGN_INS", "RATE_LIMIT_WINDOW_MS"),
)
FAILURES_HERE: Final = Policy(
    name="sign-in-failures",
    per=Per.ACCOUNT_AT_ADDRESS,
    limit=lambda limits: limits.sign_in_failures,
    window_ms=lambda limits: limits.failures_window_ms,
    counts="wrong passwords for one e-mail address from one address; over all processes",
    settings=("RATE_LIMIT_SIGN_IN_FAILURES", "RATE_LIMIT_FAILURES_WINDOW_MS"),
)
FAILURES: Final = Policy(
    name="sign-in-failures-account",
    per=Per.ACCOUNT,
    limit=lambda limits: limits.account_failures,
    window_ms=lambda limits: limits.failures_window_ms,
    counts="wrong passwords for one e-mail address from anywhere; over all processes; not asked"
    " of an address from which its owner has signed in before",
    settings=("RATE_LIMIT_ACCOUNT_FAILURES", "RATE_LIMIT_FAILURES_WINDOW_MS"),
)
SOCKETS: Final = Policy(
    name="sockets",
    per=Per.ADDRESS,
    limit=lambda limits: limits.sockets_per_address,
    window_ms=lambda limits: limits.sockets_window_ms,
    counts="new sockets on which nobody has signed in; past that only whoever does is let in,"
    " and past a hundred times as many nobody",
    settings=("RATE_LIMIT_SOCKETS_PER_ADDRESS", "RATE_LIMIT_SOCKETS_WINDOW_MS"),
)
SOCKETS_OF_USER: Final = Policy(
    name="sockets-user",
    per=Per.USER,
    limit=lambda limits: limits.sockets_per_user,
    window_ms=lambda limits: limits.sockets_window_ms,
    counts="new sockets on which the user has signed in",
    settings=("RATE_LIMIT_SOCKETS_PER_USER", "RATE_LIMIT_SOCKETS_WINDOW_MS"),
)

POLICIES: Final = (
    ANONYMOUS,
    USER,
    CANCEL,
    SESSION,
    RENEWAL,
    TOKEN,
    SIGN_IN,
    FAILURES_HERE,
    FAILURES,
    SOCKETS,
    SOCKETS_OF_USER,
)
