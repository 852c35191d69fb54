"""A world in which people bet, and the bets that follow from what happened."""

from typing import Any, Final

from exchange.messages.commands import Command, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, IOC, MARKET, SELL, Outcome
from exchange.projections.bets.fold import BetFold, bet_id, sale_id
from exchange.projections.bets.records import Bet, Exit
from tests.exchange.worlds import World

FIELDS: Final = (
    *("bought", "cost", "fee", "shares", "left", "brought", "exit_fees"),
    *("status", "ended_at", "changed_seq"),
)
"""What becomes of a bet."""


def copied(bet: Bet) -> Bet:
    """A bet that goes its own way, as one that was stored and loaded does."""
    made = Bet(
        *(bet.number, bet.account_id, bet.market_id, bet.outcome, bet.placed_seq, bet.placed_at)
    )
    for name in FIELDS:
        setattr(made, name, getattr(bet, name))
    return made


class Betting(World):
    """A world whose commands are folded into bets; `keeps_nothing` forgets all but what a table
    would keep after each one, as a process does that is killed.
    """

    def __init__(self, *, keeps_nothing: bool = False, **terms: Any) -> None:
        self.fold = BetFold()
        self.bets: dict[int, Bet] = {}
        self.exits: list[Exit] = []
        self.numbers = 0
        self._keeps_nothing = keeps_nothing
        super().__init__(**terms)

    def send(self, command: Command, at: int | None = None) -> list[Event]:
        now = self.state.now if at is None else at
        done = self.engine.run(now, [command])
        for execution in done:
            self._note(execution)
        return done[-1].events

    def _note(self, execution: Execution) -> None:
        fold = self.fold
        fold.take(execution)
        self.bets |= {number: copied(bet) for number, bet in fold.changed.items()}
        self.exits += fold.exits.values()
        fold.settled()
        if self._keeps_nothing:
            self.fold = BetFold()
            self.fold.decided.update(fold.decided)
            for place, bets in fold.open.items():
                self.fold.know(place, [copied(bet) for bet in bets])

    def bet(
        self,
        account_id: int,
        outcome: Outcome,
        max_cost: int,
        worst_price: int | None = None,
        market_id: int = 1,
    ) -> int:
        """Bet at most so much (money); return the bet's number."""
        self.numbers += 1
        command = PlaceOrder(
            *(account_id, market_id, BUY, outcome, MARKET, None, None, IOC),
            max_cost=max_cost,
            client_order_id=bet_id(account_id, self.numbers),
            conditions=OrderConditions(worst_price=worst_price, system=True),
        )
        self.send(command)
        return self.numbers

    def sell_bet(self, bet: Bet, quantity: int) -> list[Event]:
        """Sell so many of a bet's shares."""
        self.numbers += 1
        command = PlaceOrder(
            *(bet.account_id, bet.market_id, SELL, bet.outcome, MARKET, None, quantity, IOC),
            client_order_id=sale_id(bet.account_id, bet.number, self.numbers),
            conditions=OrderConditions(system=True),
        )
        return self.send(command)
