"""The markets of the demonstration: questions that stay open whenever somebody starts it.

Everything is counted from the first start: a market closes so many days after it was listed, so no
question names a date. Nobody resolves these by the facts; an admin may, for show.
"""

from typing import Final, NamedTuple

from exchange.messages.commands import CreateMarket
from exchange.messages.terms import FeeModel

_DAY_US: Final = 86_400 * 1_000_000
_TICK: Final = 100
_MIN_QUANTITY: Final = 100
_NOTE: Final = (
    "A demonstration: simulated traders with play money keep this market alive."
    " It resolves when an admin says so."
)


class DemoMarket(NamedTuple):
    """One question; `fair` is the YES price around which its traders wander."""

    slug: str
    question: str
    category: str
    days: int
    fair: int
    taker_fee: int = 0

    def command(self, at: int) -> CreateMarket:
        """Return the command that lists it at `at` (microseconds)."""
        return CreateMarket(
            self.slug,
            self.question,
            _NOTE,
            self.category,
            at + self.days * _DAY_US,
            _TICK,
            _MIN_QUANTITY,
            0,
            self.taker_fee,
            FeeModel.QUADRATIC,
            False,
        )


DEMO_MARKETS: Final = (
    DemoMarket(
        "demo-rain-in-lisbon",
        "Will it rain in Lisbon on the day this market closes?",
        "weather",
        180,
        3400,
    ),
    DemoMarket(
        "demo-two-hour-marathon",
        "Will an official marathon be run in under two hours before this market closes?",
        "sports",
        365,
        2200,
    ),
    DemoMarket(
        "demo-rate-cut",
        "Will the European Central Bank's next rate decision be a cut?",
        "economy",
        120,
        5600,
        taker_fee=100,
    ),
    DemoMarket(
        "demo-walk-on-the-moon",
        "Will people walk on the Moon again before this market closes?",
        "science",
        720,
        1500,
    ),
    DemoMarket(
        "demo-chess-tie-breaks",
        "Will the next World Chess Championship be decided in tie-breaks?",
        "sports",
        300,
        4700,
    ),
    DemoMarket(
        "demo-animated-best-picture",
        "Will an animated film be nominated for the next Oscar for Best Picture?",
        "culture",
        240,
        6800,
    ),
)
