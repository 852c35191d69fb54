"""What admins ask of the engine about what others have made: another's order, a market before it
trades. `commands` says how commands are made, and lists them all.
"""

from exchange.messages.command_bases import ExchangeCommand


class ForceCancel(ExchangeCommand, frozen=True):
    """Take one open order out of its market, whosever it is; in every status and mode."""

    order_id: int


class EditMarket(ExchangeCommand, frozen=True):
    """Change what a market is about, before its first trade; what is None stays as it is.

    `close_time` in microseconds since the epoch, `min_quantity` in units of quantity.
    """

    market_id: int
    question: str | None = None
    description: str | None = None
    category: str | None = None
    close_time: int | None = None
    min_quantity: int | None = None
