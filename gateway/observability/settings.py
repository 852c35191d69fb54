"""What is reported, and to whom."""

from typing import Annotated, ClassVar

from gateway.settings import values
from gateway.settings.reader import Area, setting
from gateway.settings.values import http_url, optional, share, text


class ReportSettings(Area, frozen=True, kw_only=True):
    """The log and the reports of errors."""

    TITLE: ClassVar[str] = "Operation"

    log_level: Annotated[
        str, setting("LOG_LEVEL", "info", values.log_level, "debug, info, warning or error.")
    ]
    sentry_dsn: Annotated[
        str | None, setting("SENTRY_DSN", "", optional(text), "Reports errors to Sentry.")
    ]
    tracing_url: Annotated[
        str | None,
        setting(
            "TRACING_URL",
            "",
            optional(http_url),
            "Sends OpenTelemetry traces there, e.g. http://collector:4318/v1/traces.",
        ),
    ]
    tracing_sample: Annotated[
        float, setting("TRACING_SAMPLE", "0.1", share, "Which part of all requests is traced.")
    ]
