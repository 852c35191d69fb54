"""A strategy that does what a test says, and remembers what it heard."""

from collections.abc import Callable, Iterable
from typing import Any

from exchange.messages.terms import Side
from gateway.research.backtest.figures import Notes
from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.run import Backtest
from gateway.research.strategy import Book, Desk, Fill, Level, Resolved, Strategy, Trade
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent, checked

Act = Callable[[Desk], object]
START = 1_000_000
"""When the tapes of tests begin; their times are in seconds after it."""


def at(seconds: float) -> int:
    """Return a time."""
    return START + round(seconds * 1_000_000)


def listed(market: str = "m", **terms: Any) -> Listed:
    """List a market at the start."""
    return Listed(at(0), market, **terms)


def book(
    seconds: float,
    bids: Iterable[tuple[int, int]] = (),
    asks: Iterable[tuple[int, int]] = (),
    market: str = "m",
) -> Seen:
    """Show a book of (price, quantity), the best first."""
    return Seen(
        at(seconds),
        market,
        tuple(Level(*level) for level in bids),
        tuple(Level(*level) for level in asks),
    )


def bought(seconds: float, price: int, quantity: int, market: str = "m") -> Printed:
    """Print what a buyer took."""
    return Printed(at(seconds), market, price, quantity, Side.BUY)


def sold(seconds: float, price: int, quantity: int, market: str = "m") -> Printed:
    """Print what a seller took."""
    return Printed(at(seconds), market, price, quantity, Side.SELL)


def ended(seconds: float, payout: int, market: str = "m") -> Ended:
    """End a market."""
    return Ended(at(seconds), market, payout)


class Told(Strategy):
    """Does what it is told when its clock has come to a time."""

    def __init__(self, desk: Desk, acts: dict[float, Act]) -> None:
        super().__init__(desk, None)
        self.acts = acts
        self.heard: list[Any] = []

    def on_start(self) -> None:
        """Ask to be woken."""
        for seconds in self.acts:
            self.desk.wake(at(seconds))

    def on_timer(self, at: int) -> None:
        """Do what is due."""
        self.acts[(at - START) / 1_000_000](self.desk)

    def on_book(self, book: Book) -> None:
        """Remember it."""
        self.heard.append(book)

    def on_trade(self, trade: Trade) -> None:
        """Remember it."""
        self.heard.append(trade)

    def on_fill(self, fill: Fill) -> None:
        """Remember it."""
        self.heard.append(fill)

    def on_refused(self, order: int, reason: str) -> None:
        """Remember it."""
        self.heard.append((order, reason))

    def on_resolution(self, resolved: Resolved) -> None:
        """Remember it."""
        self.heard.append(resolved)

    def fills(self) -> list[tuple[float, Side, int, int, bool]]:
        """Return (seconds, side, price, quantity, as maker) of each fill."""
        return [
            ((one.at - START) / 1_000_000, one.side, one.price, one.quantity, one.is_maker)
            for one in self.heard
            if isinstance(one, Fill)
        ]


class Played:
    """A tape played to a strategy that was told what to do, its books proved throughout."""

    def __init__(
        self,
        tape: Iterable[TapeEvent],
        acts: dict[float, Act],
        *,
        cash: int = 1_000_000_000,
        latency_us: int = 0,
    ) -> None:
        self.model = PrintsModel(cash)
        self.notes = Notes()
        strategies: list[Told] = []

        def make(desk: Desk) -> Told:
            strategies.append(Told(desk, acts))
            return strategies[0]

        self.run = Backtest(self.model, make, self.notes, latency_us=latency_us, check=True)
        self.strategy = strategies[0]
        self.run.run(checked(tape))

    @property
    def fills(self) -> list[tuple[float, Side, int, int, bool]]:
        """What the strategy was told of its fills."""
        return self.strategy.fills()
