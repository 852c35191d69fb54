"""What can be asked about limits before the trade. `commands` says how commands are made, and lists
them all.
"""

from typing import ClassVar, Final

from exchange.messages.command_bases import AccountCommand, ExchangeCommand, Timer
from exchange.messages.limits import AccountLimits, MarketLimits

THE_EXCHANGE: Final = 0
"""Stands for the whole of it where a market's id is; no market has it."""


class SetMarketLimits(ExchangeCommand, frozen=True):
    """Bind trading in a market by these limits and no others; None lifts all."""

    market_id: int
    limits: MarketLimits | None


class SetAccountLimits(AccountCommand, frozen=True):
    """Bind an account by these limits in place of its markets' own; None: by those alone."""

    urgent: ClassVar[bool] = True

    limits: AccountLimits | None


class HaltMarket(Timer, frozen=True):
    """A market's price moved further than it may."""

    market_id: int


class EndHalt(Timer, frozen=True):
    """The time has come at which a market that halted by itself takes orders again."""

    market_id: int


class EndPostOnly(Timer, frozen=True):
    """The time has come at which a market that halted by itself trades again, or (THE_EXCHANGE) the
    whole exchange after a restart.
    """

    market_id: int


class BeginPostOnly(ExchangeCommand, frozen=True):
    """Let the exchange take nothing but post-only orders for so long, if it was open: of the shell
    after a restart.
    """

    seconds: int
