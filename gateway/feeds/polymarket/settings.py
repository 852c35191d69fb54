"""Where Polymarket is asked, and how often."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import http_url, optional, socket_url, whole


class PolymarketSettings(Area, frozen=True, kw_only=True):
    """Its public addresses; none of them needs a key."""

    TITLE: ClassVar[str] = "Polymarket"

    api_url: Annotated[
        str,
        setting(
            "POLYMARKET_API_URL",
            "https://gamma-api.polymarket.com",
            http_url,
            "Gamma: markets, events, search, tags.",
        ),
    ]
    clob_url: Annotated[
        str,
        setting(
            "POLYMARKET_CLOB_URL",
            "https://clob.polymarket.com",
            http_url,
            "The CLOB: books and price history.",
        ),
    ]
    data_url: Annotated[
        str,
        setting(
            "POLYMARKET_DATA_URL",
            "https://data-api.polymarket.com",
            http_url,
            "The Data-API: trades.",
        ),
    ]
    ws_url: Annotated[
        str,
        setting(
            "POLYMARKET_WS_URL",
            "wss://ws-subscriptions-clob.polymarket.com/ws/market",
            socket_url,
            "The market channel's socket.",
        ),
    ]
    api_key: Annotated[
        str | None,
        setting(
            "POLYMARKET_API_KEY",
            "",
            optional(str),
            "Sent as a bearer token, for a gateway in between; Polymarket itself asks for none.",
        ),
    ]
    requests_per_minute: Annotated[
        int,
        setting(
            "POLYMARKET_REQUESTS_PER_MINUTE",
            "300",
            whole(1, 100_000),
            "At most so many in any minute to each of the three; some may go at once.",
        ),
    ]

    def __repr__(self) -> str:
        """Show no key."""
        return f"PolymarketSettings({self.api_url!r})"
