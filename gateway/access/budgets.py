"""The one table of limits: what is counted, for whom, how much of it in how long.

    Budget   what a row of the route table, or an event, says it is counted as
    Policy   one limit: its name in headers and refusals, its key, its size, its settings
    Tier     how many times as much a user has of each limit that is a user's

Laws: no limit of calls stands anywhere else; `docs/limits.md` shows this table and a test compares
the two. What one budget has used up takes nothing from another, but for cancels past their own:
pings can't starve cancels, reads can't starve sign-in. How they are counted is
`access/rate_limits.py`'s, and for what has to hold over all processes
`accounts/passwords/attempts.py`'s and `alerts/webhooks/routes.py`'s.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.access.settings import LimitSettings


class Budget(enum.Enum):
    """What a call counts as."""

    STANDARD = "read"
    """The user's reads, and writes over REST (`Route.counted_as`); the address's calls for whoever
    isn't signed in.
    """
    WRITE = "write"
    """The user's orders, amends, and whatever else changes something."""
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


class Tier(enum.Enum):
    """What an admin gives a user; closed, and appended to."""

    STANDARD = "standard"
    ADVANCED = "advanced"
    MAKER = "maker"

    @property
    def factor(self) -> int:
        """Return how many times as large the user's buckets are."""
        return _FACTORS[self]


_FACTORS: Final = {Tier.STANDARD: 1, Tier.ADVANCED: 4, Tier.MAKER: 20}


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
    fills: bool = False
    """Whether it is a bucket that fills by and by; else a window that ends at once."""

    def header(self, size: int, window_s: float) -> tuple[bytes, bytes]:
        """Return the header that tells of the limit (draft-ietf-httpapi-ratelimit-headers-10)."""
        text = f'"{self.name}";q={size};w={max(1, round(window_s))}'
        return b"ratelimit-policy", text.encode("ascii")


_ADDRESS_SETTINGS: Final = ("RATE_LIMIT_MAX_REQUESTS", "RATE_LIMIT_WINDOW_MS")
_USER_SETTINGS: Final = ("RATE_LIMIT_USER_MAX_REQUESTS", "RATE_LIMIT_USER_WINDOW_MS")

ANONYMOUS: Final = Policy(
    name="anonymous",
    per=Per.ADDRESS,
    limit=lambda limits: limits.max_requests,
    window_ms=lambda limits: limits.window_ms,
    counts="requests and events of whoever isn't signed in, unknown paths",
    settings=_ADDRESS_SETTINGS,
    fills=True,
)
READ: Final = Policy(
    name="read",
    per=Per.USER,
    limit=lambda limits: limits.user_max_requests,
    window_ms=lambda limits: limits.user_window_ms,
    counts="requests and events of a user that no other line counts",
    settings=_USER_SETTINGS,
    fills=True,
)
WRITE: Final = Policy(
    name="write",
    per=Per.USER,
    limit=lambda limits: limits.user_max_writes or limits.user_max_requests,
    window_ms=lambda limits: limits.user_window_ms,
    counts="orders, amends, and every other request of a user that isn't a GET; a batch counts"
    " as its operations",
    settings=("RATE_LIMIT_USER_MAX_WRITES", "RATE_LIMIT_USER_WINDOW_MS"),
    fills=True,
)
CANCEL: Final = Policy(
    name="cancel",
    per=Per.USER,
    # Twice the pace: what two seconds bring fits into it at once.
    limit=lambda limits: 2 * limits.cancels_per_second,
    window_ms=lambda _: 2_000,
    counts="cancels, heartbeats of dead-man switches and resets of order groups; more count as"
    " `write`, and are refused when that is used up too and so is"
    " one per open order; cancelling all is never refused",
    settings=("RATE_LIMIT_CANCELS_PER_SECOND",),
    fills=True,
)
SESSION: Final = Policy(
    name="session",
    per=Per.USER,
    limit=lambda limits: limits.user_max_requests,
    window_ms=lambda limits: limits.user_window_ms,
    counts="`session:authenticate`, `session:cancel_on_disconnect`",
    settings=_USER_SETTINGS,
    fills=True,
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
    counts="sign-ins, registrations, and whatever is asked for or done by mail, whatever token"
    " comes along; over all processes",
    settings=("RATE_LIMIT_SIGN_INS", "RATE_LIMIT_WINDOW_MS"),
)
BEGUN: Final = Policy(
    name="sign-in-begun",
    per=Per.ADDRESS,
    limit=lambda limits: limits.sign_ins_begun,
    window_ms=lambda limits: limits.window_ms,
    counts="nonces for wallets, and sign-ins that go on at X or Google; each is a `sign-in`, too;"
    " over all processes",
    settings=("RATE_LIMIT_SIGN_INS_BEGUN", "RATE_LIMIT_WINDOW_MS"),
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
CODE_FAILURES: Final = Policy(
    name="second-factor-failures",
    per=Per.USER,
    limit=lambda limits: limits.code_failures,
    window_ms=lambda limits: limits.failures_window_ms,
    counts="wrong second factors of one user (codes, recovery codes, answers of passkeys) from"
    " anywhere; over all processes",
    settings=("RATE_LIMIT_CODE_FAILURES", "RATE_LIMIT_FAILURES_WINDOW_MS"),
)
MAILS_HERE: Final = Policy(
    name="mails",
    per=Per.ACCOUNT_AT_ADDRESS,
    limit=lambda limits: limits.mails,
    window_ms=lambda limits: limits.mails_window_ms,
    counts="mails to one e-mail address, whether somebody has it or not, asked for from one"
    " address; over all processes",
    settings=("RATE_LIMIT_MAILS", "RATE_LIMIT_MAILS_WINDOW_MS"),
)
MAILS: Final = Policy(
    name="mails-account",
    per=Per.ACCOUNT,
    limit=lambda limits: limits.account_mails,
    window_ms=lambda limits: limits.mails_window_ms,
    counts="mails to one e-mail address, whether somebody has it or not, asked for from anywhere;"
    " over all processes",
    settings=("RATE_LIMIT_ACCOUNT_MAILS", "RATE_LIMIT_MAILS_WINDOW_MS"),
)
WEBHOOK_TESTS: Final = Policy(
    name="webhook-tests",
    per=Per.USER,
    limit=lambda limits: limits.webhook_tests,
    window_ms=lambda limits: limits.webhook_tests_window_ms,
    counts="tests of webhooks that were sent, each a `write`, too; over all processes",
    settings=("RATE_LIMIT_WEBHOOK_TESTS", "RATE_LIMIT_WEBHOOK_TESTS_WINDOW_MS"),
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
    READ,
    WRITE,
    CANCEL,
    SESSION,
    RENEWAL,
    TOKEN,
    SIGN_IN,
    BEGUN,
    FAILURES_HERE,
    FAILURES,
    CODE_FAILURES,
    MAILS_HERE,
    MAILS,
    WEBHOOK_TESTS,
    SOCKETS,
    SOCKETS_OF_USER,
)
