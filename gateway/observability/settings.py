"""What is reported, and to whom."""

from typing import Annotated, ClassVar

from gateway.settings import values
from gateway.settings.reader import Area, setting
from gateway.settings.values import optional, text


class ReportSettings(Area, frozen=True, kw_only=True):
    """The log and the reports of errors."""

    TITLE: ClassVar[str] = "Operation"

    log_level: Annotated[
        str, setting("LOG_LEVEL", "info", values.log_level, "debug, info, warning or error.")
    ]
    sentry_dsn: Annotated[
        str | None, setting("SENTRY_DSN", "", optional(text), "Reports errors to Sentry.")
    ]
