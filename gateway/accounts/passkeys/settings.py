"""For which pages passkeys are made."""

import re
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import optional, origins, whole

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*{_LABEL}", re.ASCII)


def page_origins(value: str) -> tuple[str, ...]:
    """Return origins of pages; browsers make passkeys over https, and on this machine."""
    found = origins(value)
    for origin in found:
        if not is_secure(origin):
            raise ValueError(f'"{origin}" must begin with https://, or be http://localhost')
    return found


def relying_party_id(value: str) -> str:
    """Return a domain such as example.org."""
    if _DOMAIN.fullmatch(value) is None:
        raise ValueError("must be a domain such as example.org, in lower case")
    return value


def is_secure(origin: str) -> bool:
    """Say whether browsers make passkeys on pages of an origin."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or parts.hostname == "localhost"


class PasskeySettings(Area, frozen=True, kw_only=True):
    """Passkeys; without a page nobody can make one, and what needs them is answered 503."""

    TITLE: ClassVar[str] = "Passkeys"

    relying_party: Annotated[
        str | None,
        setting(
            "PASSKEY_RP_ID",
            "",
            optional(relying_party_id),
            "Domain that passkeys are for; unset: the host of FRONTEND_URL. Another one makes all"
            " passkeys of before useless.",
        ),
    ]
    origins: Annotated[
        tuple[str, ...],
        setting(
            "PASSKEY_ORIGINS",
            "",
            page_origins,
            "Pages that may ask for passkeys, https://... with commas between; unset: the origin"
            " of FRONTEND_URL.",
        ),
    ]
    per_user: Annotated[
        int, setting("PASSKEYS_PER_USER", "20", whole(0, 1_000), "Passkeys one account may have.")
    ]

    def __post_init__(self) -> None:
        """Check that the domain covers the pages, as browsers do."""
        if self.relying_party is None:
            return
        for origin in self.origins:
            host = urlsplit(origin).hostname or ""
            if host != self.relying_party and not host.endswith(f".{self.relying_party}"):
                raise SettingsError(f'PASSKEY_ORIGINS: "{origin}" lies outside PASSKEY_RP_ID')
