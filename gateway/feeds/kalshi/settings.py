"""Where Kalshi is asked, and as whom; its public data needs nobody, its socket does."""

import ipaddress
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.feeds.kalshi.signing import private_key
from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import http_url, optional, socket_url, text


class Secret:
    """A text that no repr, log line or error shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep it."""
        self._value = value

    def reveal(self) -> str:
        """Return the text, for whoever it is meant for."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class KalshiSettings(Area, frozen=True, kw_only=True):
    """Endpoints and one of two ways to sign in."""

    TITLE: ClassVar[str] = "Kalshi"

    api_url: Annotated[
        str,
        setting(
            "KALSHI_API_URL",
            "https://api.elections.kalshi.com/trade-api/v2",
            http_url,
            "Its REST interface, trade-api v2.",
        ),
    ]
    ws_url: Annotated[
        str,
        setting(
            "KALSHI_WS_URL",
            "wss://api.elections.kalshi.com/trade-api/ws/v2",
            socket_url,
            "Its socket; it takes nobody who isn't signed in.",
        ),
    ]
    key_id: Annotated[
        str | None,
        setting("KALSHI_KEY_ID", "", optional(text), "Name of an API key there; unset: anonymous."),
    ]
    private_key: Annotated[
        RSAPrivateKey | None,
        setting(
            "KALSHI_PRIVATE_KEY",
            "",
            optional(private_key),
            "The key itself: RSA in PEM, on one line with \\n for its line ends.",
        ),
    ]
    email: Annotated[
        str | None,
        setting("KALSHI_EMAIL", "", optional(text), "The older way in, where there is no API key."),
    ]
    password: Annotated[
        Secret | None,
        setting("KALSHI_PASSWORD", "", optional(Secret), "Its password."),
    ]

    def __post_init__(self) -> None:
        """Refuse half of a way in."""
        if (self.key_id is None) != (self.private_key is None):
            raise SettingsError("KALSHI_KEY_ID: goes with KALSHI_PRIVATE_KEY, both or neither")
        if (self.email is None) != (self.password is None):
            raise SettingsError("KALSHI_EMAIL: goes with KALSHI_PASSWORD, both or neither")
        if self.key_id is None and self.email is None:
            return
        for name, url in (("KALSHI_API_URL", self.api_url), ("KALSHI_WS_URL", self.ws_url)):
            if not _is_private(url):
                raise SettingsError(f"{name}: must be encrypted (https, wss) where one signs in")


def _is_private(url: str) -> bool:
    """Say whether nobody on the way can read what is sent there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return is_here or parts.scheme in {"https", "wss"}
