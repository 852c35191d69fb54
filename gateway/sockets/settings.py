"""What one socket may cost."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import seconds, whole


class SocketSettings(Area, frozen=True, kw_only=True):
    """Bounds and deadlines of a socket."""

    TITLE: ClassVar[str] = "Sockets"

    frame_max_bytes: Annotated[
        int, setting("SOCKET_FRAME_MAX_BYTES", "32768", whole(1_024, 2**20), "Of one frame.")
    ]
    in_flight_max: Annotated[
        int, setting("SOCKET_IN_FLIGHT_MAX", "64", whole(1, 10_000), "Unanswered events.")
    ]
    other_frames_max: Annotated[
        int,
        setting(
            "SOCKET_OTHER_FRAMES_MAX",
            "500",
            whole(50, 10**6),
            "Frames in 10 s that are no events, or refused by a limit; more: closed.",
        ),
    ]
    send_queue_size: Annotated[
        int,
        setting("SOCKET_SEND_QUEUE_SIZE", "1024", whole(16, 10**6), "Messages; more: closed."),
    ]
    connect_timeout_seconds: Annotated[
        float, setting("SOCKET_CONNECT_TIMEOUT_SECONDS", "5", seconds, "To join a namespace.")
    ]
    ping_interval_seconds: Annotated[
        float, setting("SOCKET_PING_INTERVAL_SECONDS", "20", seconds, "Between pings.")
    ]
    ping_timeout_seconds: Annotated[
        float, setting("SOCKET_PING_TIMEOUT_SECONDS", "20", seconds, "Wait for a pong.")
    ]
