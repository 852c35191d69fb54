"""What a strategy is: a class with callbacks, and a desk that takes its orders.

    class Mine(Strategy):
        class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True): ...

        def on_book(self, book: Book) -> None:
            self.desk.bid(book.market, book.best_bid, 1_000)

Laws: a strategy knows what was stamped at or before `desk.now`, and nothing else. It says all
prices in YES terms, as the book has them (`bid` buys YES, `ask` buys NO at the complement, or sells
the YES shares that it holds), so nothing is written twice. Units are the engine's integers, and a
float is a TypeError: prices 1/10 000, quantities 1/100 share, money 1/1 000 000. It neither blocks
nor draws random numbers but from `desk.random`, so the same tape and seed give the same orders.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Protocol

import msgspec

from exchange.messages.commands import Command
from exchange.messages.terms import Side


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """A market as a strategy knows it; `closes_at` in microseconds since the epoch, 0: unknown, as
    of another venue's stored past it always is.
    """

    market: str
    title: str = ""
    closes_at: int = 0
    tick: int = 100
    """Price units between two valid prices."""
    event: str = ""
    """Markets of one event, or of one question on several venues, bear the same."""


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What rests at one price."""

    price: int
    quantity: int


class Book(msgspec.Struct, frozen=True, gc=False):
    """The best of what others have in a market's book, in YES terms, the best level first; a side
    may be empty.
    """

    at: int
    market: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def best_bid(self) -> int | None:
        """The highest price that is bid."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> int | None:
        """The lowest price that is asked."""
        return self.asks[0].price if self.asks else None

    @property
    def middle(self) -> int | None:
        """Halfway between the best prices, rounded down; None unless both sides are there."""
        return (self.bids[0].price + self.asks[0].price) // 2 if self.bids and self.asks else None


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A print of the tape; `side` is the taker's, of the YES leg, None where the tape doesn't
    say.
    """

    at: int
    market: str
    price: int
    quantity: int
    side: Side | None


class Fill(msgspec.Struct, frozen=True, gc=False):
    """What one of one's own orders traded, in YES terms; `fee` in money."""

    at: int
    market: str
    order: int
    side: Side
    """BUY: the position went up (YES was bought, or NO sold)."""
    price: int
    quantity: int
    fee: int
    is_maker: bool


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """A market ended: a YES share paid `yes_payout` price units, a NO share the complement."""

    at: int
    market: str
    yes_payout: int


class Position(msgspec.Struct, frozen=True, gc=False):
    """What is held of a market, in quantity units."""

    yes: int
    no: int

    @property
    def net(self) -> int:
        """YES less NO: what is gained if the price rises."""
        return self.yes - self.no


NOTHING: Position = Position(0, 0)


class Desk(Protocol):
    """Takes a strategy's orders: a backtest's, or a running exchange's."""

    @property
    def now(self) -> int:
        """The strategy's clock, microseconds since the epoch."""

    @property
    def random(self) -> Random:
        """The only source of chance that a strategy may use."""

    @property
    def markets(self) -> Mapping[str, Terms]:
        """The markets that have been listed so far."""

    @property
    def cash(self) -> int:
        """What isn't set aside for orders, in money."""

    def equity(self) -> int:
        """Return cash, set aside or not, and all shares at the last middle, in money."""

    def position(self, market: str) -> Position:
        """Return what is held of a market."""

    def bid(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order that buys YES (or sells NO that is held) at a YES price; return its
        number.
        """

    def ask(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order that sells YES that is held, or buys NO, at a YES price; return its
        number.
        """

    def cancel(self, order: int) -> None:
        """Ask for the end of an order; one that is over already is no error."""

    def open_orders(self, market: str) -> Mapping[int, "OpenOrder"]:
        """Return the orders that were sent and haven't ended, by number."""

    def wake(self, at: int) -> None:
        """Have `on_timer` called at a time, or as soon as can be if it has gone by."""


class OpenOrder(msgspec.Struct, gc=False):
    """One of one's own orders, in YES terms."""

    number: int
    market: str
    side: Side
    price: int
    remaining: int
    sent_at: int
    is_cancelling: bool = False


class Strategy:
    """Does nothing; override what you want to hear of."""

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """What may be set, with types, defaults and bounds."""

    title: ClassVar[str] = ""

    def __init__(self, desk: Desk, parameters: Any) -> None:  # noqa: ANN401 - its own kind
        self.desk = desk
        self.parameters = parameters

    def on_start(self) -> None:
        """Be told that the run begins; no market is listed yet."""

    def on_listed(self, terms: Terms) -> None:
        """Hear of a market before anything else of it."""

    def on_book(self, book: Book) -> None:
        """Hear that the best of a book is other than before."""

    def on_trade(self, trade: Trade) -> None:
        """Hear of a print."""

    def on_fill(self, fill: Fill) -> None:
        """Hear that an own order traded."""

    def on_refused(self, order: int, reason: str) -> None:
        """Hear that an order was refused: it is over, and nothing of it traded."""

    def on_timer(self, at: int) -> None:
        """Hear that a time has come that was asked for."""

    def on_turn(self, command: Command) -> None:
        """Hear what the account whose past is replayed did at this place (model `book`)."""

    def on_resolution(self, resolved: Resolved) -> None:
        """Hear that a market ended, and that its shares were paid."""


class ParametersRefused(ValueError):
    """A parameter is unknown, of the wrong kind or out of its bounds; the text names it."""


def parameters_of(strategy: type[Strategy], given: Mapping[str, Any]) -> msgspec.Struct:
    """Return a strategy's parameters; texts are taken for numbers, as the command line has them.

    Raises ParametersRefused.
    """
    try:
        return msgspec.convert(dict(given), strategy.Parameters, strict=False)
    except msgspec.ValidationError as error:
        names = ", ".join(field.name for field in msgspec.structs.fields(strategy.Parameters))
        raise ParametersRefused(f"{error} (there are: {names})") from error
