"""How many credits are given to whom, outside the book."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import money


class EconomySettings(Area, frozen=True, kw_only=True):
    """What the exchange gives; "0" gives nothing."""

    TITLE: ClassVar[str] = "Credits economy"

    user_credits_max: Annotated[
        int,
        setting(
            "MAX_USER_CREDITS",
            "1000000",
            money,
            "Rewards, bonuses and purchases that would pass it are refused; trades never are.",
        ),
    ]
    daily_reward_credits: Annotated[
        int,
        setting("DAILY_REWARD_CREDITS", "100", money, "Of a day, before the bonus of a streak."),
    ]
