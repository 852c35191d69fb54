"""How the simulated traders act."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import optional, seconds, switch, whole


class DemoSettings(Area, frozen=True, kw_only=True):
    """Their chance and their pace."""

    TITLE: ClassVar[str] = "Demonstration (serve --demo)"

    seed: Annotated[
        int | None,
        setting(
            "DEMO_SEED",
            "",
            optional(whole(0, 2**62)),
            "Seed of the simulated traders; unset: a new one, logged.",
        ),
    ]
    step_seconds: Annotated[
        float,
        setting(
            "DEMO_STEP_SECONDS",
            "1.5",
            seconds,
            "Between a market's steps, about: each requotes and perhaps trades.",
        ),
    ]
    accounts: Annotated[
        bool,
        setting(
            "DEMO_ACCOUNTS",
            "off",
            switch,
            "Let the sign-in page offer an account for trying things out; --demo does.",
        ),
    ]
