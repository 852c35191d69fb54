"""Who needs a second factor, and under which name authenticators keep one."""

from typing import Annotated, ClassVar, Final

from gateway.settings.reader import Area, setting
from gateway.settings.values import switch, text

NAME_LENGTH: Final = 60


def shown_name(value: str) -> str:
    """Return a name that stands in an authenticator's list."""
    if not (1 <= len(text(value)) <= NAME_LENGTH and value.isprintable()) or ":" in value:
        raise ValueError('must be 1 to 60 printable characters without ":"')
    return value


class SecondFactorSettings(Area, frozen=True, kw_only=True):
    """Second factors."""

    TITLE: ClassVar[str] = "Second factors"

    required_for_admins: Annotated[
        bool,
        setting(
            "SECOND_FACTOR_REQUIRED_FOR_ADMINS",
            "off",
            switch,
            "Whether admins without a second factor may do nothing that admins do.",
        ),
    ]
    name: Annotated[
        str,
        setting(
            "SECOND_FACTOR_NAME",
            "Probity",
            shown_name,
            "What authenticator apps and passkeys call this exchange.",
        ),
    ]
