"""The area of settings that belongs to the process itself: where it listens, how it ends."""

from typing import Annotated, ClassVar

from gateway.settings import values
from gateway.settings.reader import Area, setting
from gateway.settings.values import whole


class ListenSettings(Area, frozen=True, kw_only=True):
    """The address, and the end."""

    TITLE: ClassVar[str] = "Where it listens"

    host: Annotated[
        str, setting("HOST", "127.0.0.1", values.host, "Address to listen on; 0.0.0.0 for all.")
    ]
    port: Annotated[
        int, setting("PORT", "8080", whole(0, 65_535), "Port to listen on; 0 takes a free one.")
    ]
    shutdown_timeout_seconds: Annotated[
        int,
        setting(
            "SHUTDOWN_TIMEOUT_SECONDS",
            "10",
            whole(1, 300),
            "Draining at the end: requests after sockets (3 s), beside them jobs (15 s at most).",
        ),
    ]
