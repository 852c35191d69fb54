"""How many credits are given to whom, outside the book."""

from enum import Enum
from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import money, whole


class Seller(Enum):
    """Who is paid for credits."""

    OFF = "off"
    SIMULATED = "simulated"


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
    bet_min: Annotated[int, setting("MIN_BET_AMOUNT", "10", money, "Credits; no bet is smaller.")]
    bet_max: Annotated[int, setting("MAX_BET_AMOUNT", "10000", money, "Credits; no bet is larger.")]
    daily_reward_credits: Annotated[
        int,
        setting("DAILY_REWARD_CREDITS", "100", money, "Of a day, before the bonus of a streak."),
    ]
    referral_bonus_credits: Annotated[
        int,
        setting(
            "REFERRAL_BONUS_CREDITS",
            "50",
            money,
            "To who invited and to who was, once the invited has placed a first order.",
        ),
    ]
    referrals_max: Annotated[
        int,
        setting(
            "REFERRALS_PER_INVITER_MAX",
            "50",
            whole(0, 1_000_000),
            "For so many of those one invited one is given a bonus.",
        ),
    ]
    leaderboard_minutes: Annotated[
        int,
        setting(
            "LEADERBOARD_MINUTES",
            "15",
            whole(1, 60),
            "Leaderboards are made anew so often; a demonstration does it every minute.",
        ),
    ]
    forecasts_min: Annotated[
        int,
        setting(
            "LEADERBOARD_FORECASTS_MIN",
            "5",
            whole(1, 10_000),
            "Whoever held fewer positions until they were paid has no place for calibration.",
        ),
    ]
    purchases: Annotated[
        Seller,
        setting(
            "PURCHASES",
            "off",
            Seller,
            "off, or simulated: credits are sold, and nobody is charged anything.",
        ),
    ]

    @property
    def bet_bounds(self) -> tuple[int, int]:
        """The least and the most money of one bet."""
        return self.bet_min, self.bet_max
