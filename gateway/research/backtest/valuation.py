"""What the trader's shares are worth at the last middle or print, and what they have realised.

Laws: `prove` holds after every event: cash and shares are what came in, and the profit less the
fees, to the micro-credit. Profit is read off the engine's own positions.
"""

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.errors import InvariantViolated
from gateway.research.backtest.ground import Ground
from gateway.research.strategy import NOTHING, Position


class Valuation:
    """Of all markets together; `value` in money."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._ids: dict[str, int] = {}
        self._marks: dict[str, int] = {}
        self._values: dict[str, int] = {}
        self._realised: dict[str, int] = {}
        self._held: dict[str, tuple[Position, int, int]] = {}
        """Before they were decided: what was held of them, and what its YES and its NO had cost."""
        self.positions: dict[str, Position] = {}
        """As they were when they were looked at last."""
        self.value = 0

    def know(self, market: str, market_id: int) -> None:
        """Hear of a market and its id in the engine."""
        self._ids[market] = market_id

    def mark(self, market: str, price: int) -> None:
        """Take what a YES share is worth."""
        self._marks[market] = price
        before = self._values.get(market)
        if before is not None:
            # Shares come and go by what the trader's orders do, behind which they are looked at.
            held = self.positions[market]
            value = held.yes * price + held.no * (PRICE_SCALE - price)
            self._values[market] = value
            self.value += value - before

    def look(self, market: str, price: int | None = None) -> None:
        """Look at what is held; at `price` if nothing has said yet what it is worth."""
        held = self._ground.holdings().get(self._ids[market])
        if held is None:
            return
        yes, no = held.yes, held.no
        self.positions[market] = position = Position(yes.quantity, no.quantity)
        if self._ground.market(self._ids[market]).resolution is None:
            # An order that ends with its market has it looked at when all of it is paid already.
            self._held[market] = position, yes.cost, no.cost
        mark = self._marks.get(market)
        if mark is None:
            mark = self._marks[market] = price or 0
        value = position.yes * mark + position.no * (PRICE_SCALE - mark)
        self.value += value - self._values.pop(market, 0)
        if position.yes or position.no:
            self._values[market] = value

    def look_at_all(self) -> None:
        """Look at all that was held at the last look."""
        for market in list(self._values):
            self.look(market)

    def held(self, market: str) -> tuple[Position, int]:
        """Return what was held of a market until it was decided, pairs apart, which are cash, and
        what that had cost.
        """
        held, yes_cost, no_cost = self._held.get(market, (NOTHING, 0, 0))
        pairs = min(held.yes, held.no)
        left = Position(held.yes - pairs, held.no - pairs)
        if not left.net:
            return NOTHING, 0
        quantity, cost = (held.yes, yes_cost) if left.yes else (held.no, no_cost)
        return left, cost - cost * pairs // quantity

    def realised(self, market: str) -> int:
        """Return the profit that was realised in a market since this was asked last, fees apart."""
        held = self._ground.holdings().get(self._ids[market])
        now = 0 if held is None else held.realised
        made = now - self._realised.get(market, 0)
        self._realised[market] = now
        return made

    def equity(self) -> int:
        """Return cash and shares."""
        return self._ground.cash() + self.value

    def prove(self) -> None:
        """Raise InvariantViolated unless the books add up."""
        ground = self._ground
        profit = 0
        for market_id, held in ground.holdings().items():
            value = self._values.get(ground.names[market_id], 0)
            profit += held.realised + value - held.yes.cost - held.no.cost
        expected = ground.deposited + profit - ground.fees_paid
        if self.equity() != expected:
            raise InvariantViolated(f"equity is {self.equity()}, not {expected}")
