"""How often one may call."""

from typing import Annotated, ClassVar

from gateway.settings import values
from gateway.settings.reader import Area, setting
from gateway.settings.values import whole


class LimitSettings(Area, frozen=True, kw_only=True):
    """Requests and new sockets in a window, by address and by user."""

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
    user_window_ms: Annotated[
        int, setting("RATE_LIMIT_USER_WINDOW_MS", "60000", values.window_ms, "Window of the above.")
    ]
    sockets_per_address: Annotated[
        int, setting("RATE_LIMIT_SOCKETS_PER_ADDRESS", "10", whole(1, 10**9), "New sockets.")
    ]
    sockets_window_ms: Annotated[
        int,
        setting("RATE_LIMIT_SOCKETS_WINDOW_MS", "60000", values.window_ms, "Window of the above."),
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
