"""By whom mail is sent, from whom it comes, and where its links lead."""

import re
from email.utils import parseaddr
from typing import Annotated, ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import duration, http_url, optional, seconds, whole

LOG: Final = "log"
_SCHEMES: Final = {"smtp": 587, "smtps": 465}
_STARTTLS: Final = {"required": True, "optional": None, "off": False}
_NO_SMTP_URL: Final = (
    "must be smtps://user:password@host, smtp://user:password@host:587 (behind it"
    " ?starttls=optional or ?starttls=off), with / : @ # ? [ % encoded, or log"
)
_PLAIN: Final = re.compile(r"[ -~]{3,320}", re.ASCII)


class SmtpServer(msgspec.Struct, frozen=True):
    """Who takes our mail."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    is_tls: bool = False
    """Whether the connection begins with TLS."""
    starttls: bool | None = True
    """Whether it goes on with TLS; None: if the server offers it."""


def smtp_server(value: str) -> SmtpServer | str:
    """Return a server, or LOG; the value itself is never shown, as it holds a password."""
    if value == LOG:
        return LOG
    try:
        parts = urlsplit(value)
        port = parts.port
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(_NO_SMTP_URL) from None
    starttls = dict(query).get("starttls", "required")
    is_known = [name for name, _ in query] in ([], ["starttls"]) and starttls in _STARTTLS
    if parts.scheme not in _SCHEMES or not parts.hostname or not is_known or not value.isascii():
        raise ValueError(_NO_SMTP_URL)
    if parts.path not in {"", "/"} or parts.fragment or (parts.scheme == "smtps" and query):
        raise ValueError(_NO_SMTP_URL)
    if (parts.username is None) != (parts.password is None):
        raise ValueError(_NO_SMTP_URL)
    is_tls = parts.scheme == "smtps"
    return SmtpServer(
        parts.hostname,
        port or _SCHEMES[parts.scheme],
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
        is_tls,
        False if is_tls else _STARTTLS[starttls],
    )


def sender(value: str) -> str:
    """Return who mail comes from: an address, or a name and one."""
    _, address = parseaddr(value)
    if _PLAIN.fullmatch(value) is None or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise ValueError("must be an address such as Probity <no-reply@example.org>, in ASCII")
    return value


class MailSettings(Area, frozen=True, kw_only=True):
    """Mail; without a server none is sent, and what needs it is answered 503."""

    TITLE: ClassVar[str] = "Mail"

    server: Annotated[
        SmtpServer | str | None,
        setting(
            "SMTP_URL",
            "",
            optional(smtp_server),
            "smtps://user:password@host; unset: no mail; log: written to the log with its tokens,"
            " for development.",
        ),
    ]
    sender: Annotated[
        str | None,
        setting("MAIL_FROM", "", optional(sender), "Who mail comes from; needed with SMTP_URL."),
    ]
    frontend_url: Annotated[
        str | None,
        setting(
            "FRONTEND_URL",
            "",
            optional(http_url),
            "Where the pages are that links in mail lead to; unset: mail holds the token alone.",
        ),
    ]
    queue_size: Annotated[
        int, setting("MAIL_QUEUE_SIZE", "1000", whole(1, 10**6), "Mails that wait; more: 503.")
    ]
    timeout_seconds: Annotated[
        float, setting("MAIL_TIMEOUT_SECONDS", "15", seconds, "How long one try may take.")
    ]
    tries: Annotated[
        int, setting("MAIL_TRIES", "5", whole(1, 20), "How often a mail is tried in all.")
    ]
    reset_expires_in: Annotated[
        int,
        setting("PASSWORD_RESET_EXPIRES_IN", "1h", duration, "How long a reset can be finished."),
    ]
    confirm_expires_in: Annotated[
        int,
        setting(
            "EMAIL_CONFIRM_EXPIRES_IN", "24h", duration, "How long an address can be confirmed."
        ),
    ]

    def __post_init__(self) -> None:
        """Check that mail comes from somebody."""
        if isinstance(self.server, SmtpServer) and self.sender is None:
            raise SettingsError("MAIL_FROM: is missing, but SMTP_URL is set")
