"""How much one may want to be told of, and for how long it is tried."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, whole


class AlertSettings(Area, frozen=True, kw_only=True):
    """Bounds of what one person has."""

    TITLE: ClassVar[str] = "Alerts"

    alerts_max: Annotated[
        int, setting("ALERTS_MAX", "100", whole(1, 1_000), "Alerts of one person, fired ones too.")
    ]
    webhooks_max: Annotated[
        int,
        setting(
            "ALERT_WEBHOOKS_MAX",
            "5",
            whole(0, 50),
            "Webhooks of one person; 0: none are made, and nothing is sent.",
        ),
    ]
    failures_max: Annotated[
        int,
        setting(
            "ALERT_WEBHOOK_FAILURES_MAX",
            "50",
            whole(1, 1_000),
            "Failures in a row after which a webhook is disabled.",
        ),
    ]
    failing_max: Annotated[
        int,
        setting(
            "ALERT_WEBHOOK_FAILING_MAX",
            "3d",
            duration,
            "How long nothing may get through to a webhook before it is disabled.",
        ),
    ]
    history_kept: Annotated[
        int,
        setting("ALERT_HISTORY_KEPT", "90d", duration, "How long it is kept what was told."),
    ]
