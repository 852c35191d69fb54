"""How requests are taken, and how much of a list is given."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import Network, networks, origins, seconds, whole


class HttpSettings(Area, frozen=True, kw_only=True):
    """Whose pages and proxies are believed, and what a request may cost."""

    TITLE: ClassVar[str] = "Web"

    cors_origin: Annotated[
        tuple[str, ...],
        setting(
            "CORS_ORIGIN",
            "",
            origins,
            "Origins of other sites' pages that may call, comma-separated; * for any, which"
            " can't stay signed in.",
        ),
    ]
    trusted_proxies: Annotated[
        tuple[Network, ...],
        setting(
            "TRUSTED_PROXIES",
            "",
            networks,
            "Networks whose X-Forwarded-For and -Proto are believed, comma-separated.",
        ),
    ]
    head_max_bytes: Annotated[
        int, setting("REQUEST_HEAD_MAX_BYTES", "32768", whole(1_024, 2**20), "More: 400.")
    ]
    head_timeout_seconds: Annotated[
        float, setting("REQUEST_HEAD_TIMEOUT_SECONDS", "10", seconds, "Wait for a head.")
    ]
    body_max_bytes: Annotated[
        int, setting("REQUEST_BODY_MAX_BYTES", "65536", whole(1_024, 2**24), "More: 413.")
    ]
    body_timeout_seconds: Annotated[
        float, setting("REQUEST_BODY_TIMEOUT_SECONDS", "10", seconds, "Wait for a body.")
    ]
    answer_timeout_seconds: Annotated[
        float, setting("REQUEST_ANSWER_TIMEOUT_SECONDS", "60", seconds, "For an answer of ours.")
    ]
    read_timeout_seconds: Annotated[
        float, setting("ANSWER_READ_TIMEOUT_SECONDS", "30", seconds, "Wait for a client to read.")
    ]
    connections_per_address: Annotated[
        int,
        setting(
            "CONNECTIONS_PER_ADDRESS",
            "256",
            whole(1, 10**6),
            "Open at once; more: 429. Trusted proxies aren't counted.",
        ),
    ]
    keep_alive_seconds: Annotated[
        int, setting("HTTP_KEEP_ALIVE_SECONDS", "30", whole(1, 3_600), "Idle connections.")
    ]
    overload_wait_ms: Annotated[
        int,
        setting(
            "OVERLOAD_WAIT_MS",
            "250",
            whole(1, 60_000),
            "When a request has waited so long to be begun, others are refused: 503.",
        ),
    ]
    overload_waiting_max: Annotated[
        int,
        setting(
            "OVERLOAD_WAITING_MAX",
            "1000",
            whole(16, 10**6),
            "Requests that wait to be begun; more: 503.",
        ),
    ]


class PageLimits(Area, frozen=True, kw_only=True):
    """How much of a list is given at once."""

    TITLE: ClassVar[str] = "Pages"

    size: Annotated[
        int, setting("PAGE_SIZE", "50", whole(1, 10_000), "Items of a page when not asked for.")
    ]
    size_max: Annotated[
        int, setting("PAGE_SIZE_MAX", "200", whole(1, 10_000), "Most items of a page.")
    ]
    offset_max: Annotated[
        int, setting("PAGE_OFFSET_MAX", "100000", whole(0, 10**9), "Largest offset.")
    ]

    def __post_init__(self) -> None:
        """Check that a page which isn't asked for is allowed."""
        if self.size > self.size_max:
            raise SettingsError("PAGE_SIZE: must not be larger than PAGE_SIZE_MAX")
