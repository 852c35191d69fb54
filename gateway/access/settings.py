"""How often one may call."""

from typing import Annotated, ClassVar

from gateway.settings import values
from gateway.settings.reader import Area, setting
from gateway.settings.values import optional, whole


class LimitSettings(Area, frozen=True, kw_only=True):
    """The sizes of the limits in the table of `access/budgets.py`."""

    TITLE: ClassVar[str] = "Rate limits"

    max_requests: Annotated[
        int, setting("RATE_LIMIT_MAX_REQUESTS", "100", whole(1, 10**9), "Per address, no login.")
    ]
    window_ms: Annotated[
        int, setting("RATE_LIMIT_WINDOW_MS", "60000", values.window_ms, "Window of the above.")
    ]
    user_max_requests: Annotated[
        int, setting("RATE_LIMIT_USER_MAX_REQUESTS", "1000", whole(1, 10**9), "Per user.")
    ]
    user_max_writes: Annotated[
        int | None,
        setting(
            "RATE_LIMIT_USER_MAX_WRITES",
            "",
            optional(whole(1, 10**9)),
            "Orders and other writes per user; unset: as many as of the above.",
        ),
    ]
    user_window_ms: Annotated[
        int, setting("RATE_LIMIT_USER_WINDOW_MS", "60000", values.window_ms, "Window of the above.")
    ]
    cancels_per_second: Annotated[
        int,
        setting(
            "RATE_LIMIT_CANCELS_PER_SECOND",
            "10",
            whole(1, 10**6),
            "Cancels per user, always taken; one per open order on top.",
        ),
    ]
    sign_ins: Annotated[
        int | None,
        setting(
            "RATE_LIMIT_SIGN_INS",
            "",
            optional(whole(1, 10**9)),
            "Sign-ins and registrations per address; unset: RATE_LIMIT_MAX_REQUESTS.",
        ),
    ]
    sign_ins_begun: Annotated[
        int,
        setting(
            "RATE_LIMIT_SIGN_INS_BEGUN",
            "60",
            whole(1, 10**9),
            "Nonces for wallets, and ways to X and Google, per address.",
        ),
    ]
    sign_in_failures: Annotated[
        int,
        setting(
            "RATE_LIMIT_SIGN_IN_FAILURES",
            "20",
            whole(1, 10**9),
            "Wrong passwords for one account from one address.",
        ),
    ]
    account_failures: Annotated[
        int,
        setting(
            "RATE_LIMIT_ACCOUNT_FAILURES",
            "100",
            whole(1, 10**9),
            "Wrong passwords for one account from anywhere.",
        ),
    ]
    code_failures: Annotated[
        int,
        setting(
            "RATE_LIMIT_CODE_FAILURES",
            "10",
            whole(1, 10**9),
            "Wrong second factors of one user from anywhere.",
        ),
    ]
    failures_window_ms: Annotated[
        int,
        setting(
            "RATE_LIMIT_FAILURES_WINDOW_MS",
            "900000",
            values.window_ms,
            "Window of all three of the above.",
        ),
    ]
    mails: Annotated[
        int,
        setting(
            "RATE_LIMIT_MAILS",
            "5",
            whole(1, 10**9),
            "Mails to one e-mail address asked for from one address.",
        ),
    ]
    account_mails: Annotated[
        int,
        setting(
            "RATE_LIMIT_ACCOUNT_MAILS",
            "20",
            whole(1, 10**9),
            "Mails to one e-mail address asked for from anywhere.",
        ),
    ]
    mails_window_ms: Annotated[
        int,
        setting(
            "RATE_LIMIT_MAILS_WINDOW_MS",
            "3600000",
            values.window_ms,
            "Window of both of the above.",
        ),
    ]
    webhook_tests: Annotated[
        int,
        setting(
            "RATE_LIMIT_WEBHOOK_TESTS",
            "10",
            whole(1, 500),
            "Tests that one user has sent to webhooks.",
        ),
    ]
    webhook_tests_window_ms: Annotated[
        int,
        setting(
            "RATE_LIMIT_WEBHOOK_TESTS_WINDOW_MS", "600000", values.window_ms, "Window of these."
        ),
    ]
    sockets_per_address: Annotated[
        int, setting("RATE_LIMIT_SOCKETS_PER_ADDRESS", "10", whole(1, 10**9), "New sockets.")
    ]
    sockets_per_user: Annotated[
        int,
        setting(
            "RATE_LIMIT_SOCKETS_PER_USER", "60", whole(1, 10**9), "New sockets with a sign-in."
        ),
    ]
    sockets_window_ms: Annotated[
        int,
        setting("RATE_LIMIT_SOCKETS_WINDOW_MS", "60000", values.window_ms, "Window of both."),
    ]
    tracked_keys: Annotated[
        int,
        setting(
            "RATE_LIMIT_TRACKED_KEYS",
            "100000",
            whole(100, 10**8),
            "Counters kept for each limit.",
        ),
    ]
