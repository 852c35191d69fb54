"""How many API keys there may be, and for how long a signed call holds."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import whole


class ApiKeySettings(Area, frozen=True, kw_only=True):
    """API keys."""

    TITLE: ClassVar[str] = "API keys"

    per_user: Annotated[
        int, setting("API_KEYS_PER_USER", "10", whole(0, 1_000), "API keys one account may have.")
    ]
    window_max_ms: Annotated[
        int,
        setting(
            "API_KEY_WINDOW_MAX_MS",
            "30000",
            whole(1_000, 300_000),
            "Longest window in which a signed call may ask to be taken.",
        ),
    ]
    remembered: Annotated[
        int,
        setting("API_KEY_CACHE_SIZE", "10000", whole(1, 10**6), "API keys remembered."),
    ]
    nonces: Annotated[
        int,
        setting(
            "API_KEY_NONCES",
            "200000",
            whole(1_000, 10**8),
            "Signed calls remembered until their windows are over; one key has a tenth.",
        ),
    ]
