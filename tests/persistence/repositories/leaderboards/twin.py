"""The boards worked out by brute force: every account looked at after every command.

Laws: nothing here is the database's. What an account has is the engine's view, what was put in the
events'; so a gain is what is had less what was put in, in the words of the rule.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.events import (
    FundsCredited,
    MarketResolved,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, YES, Resolution, TradeKind
from exchange.model.state import State
from exchange.model.system_accounts import SYSTEM_ACCOUNTS
from persistence.repositories.leaderboards.words import Board, Span, start_of


@dataclass
class Figures:
    """What an account has come to."""

    gain: int = 0
    volume: int = 0
    errors: int = 0
    forecasts: int = 0


@dataclass
class Twin:
    """Listens to the engine."""

    put_in: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    figures: dict[int, Figures] = field(default_factory=lambda: defaultdict(Figures))
    traded_at: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    settled_at: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    past: list[tuple[int, dict[int, Figures]]] = field(default_factory=list)
    fees: int = 0
    _bought: dict[tuple[int, int, bool], list[int]] = field(default_factory=dict)
    _told: dict[int, int] = field(default_factory=dict)

    def on_execution(self, execution: Execution, view: State) -> None:
        for event in execution.events:
            match event:
                case FundsCredited():
                    self.put_in[event.account_id] += event.amount
                case FundsDebited():
                    self.put_in[event.account_id] -= event.amount
                case CashTransferred():
                    for leg in event.legs:
                        self.put_in[leg.payer_id] -= leg.amount
                        self.put_in[leg.payee_id] += leg.amount
                case TradeExecuted():
                    self._traded(event, execution.at)
                case MarketResolved() if event.outcome is not Resolution.VOID:
                    self._told[event.market_id] = event.yes_payout
                case PositionSettled():
                    self._settled(event, execution.at)
        for account in view.accounts.values():
            worth = sum(
                position.yes.quantity * (view.markets[market].last_price or 0)
                + position.no.quantity * (PRICE_SCALE - (view.markets[market].last_price or 0))
                for market, position in account.positions.items()
            )
            had = account.available + account.locked + worth
            self.figures[account.id].gain = had - self.put_in[account.id]
        known = {one: Figures(**vars(figures)) for one, figures in self.figures.items()}
        self.past.append((execution.at, known))

    def _traded(self, trade: TradeExecuted, at: int) -> None:
        self.fees += trade.taker_fee + trade.maker_fee
        taker_buys, is_yes, moved = (
            trade.side is BUY,
            trade.outcome is YES,
            trade.kind is TradeKind.TRANSFER,
        )
        legs = [
            (trade.taker_account_id, taker_buys, is_yes, trade.price),
            (
                trade.maker_account_id,
                taker_buys is not moved,
                is_yes is moved,
                trade.price if moved else PRICE_SCALE - trade.price,
            ),
        ]
        for account, buys, of_yes, price in legs:
            self.figures[account].volume += price * trade.quantity
            self.traded_at[account] = at
            if buys:
                bought = self._bought.setdefault((account, trade.market_id, of_yes), [0, 0])
                bought[0] += price * trade.quantity
                bought[1] += trade.quantity

    def _settled(self, event: PositionSettled, at: int) -> None:
        if event.yes_quantity == event.no_quantity:
            return
        of_yes = event.yes_quantity > event.no_quantity
        self.settled_at[event.account_id] = at
        if event.market_id in self._told:
            paid, shares = self._bought[event.account_id, event.market_id, of_yes]
            price = (2 * paid + shares) // (2 * shares)
            chance = price if of_yes else PRICE_SCALE - price
            figures = self.figures[event.account_id]
            figures.errors += (chance - self._told[event.market_id]) ** 2
            figures.forecasts += 1

    def boards(
        self, now: int, forecasts_min: int, is_shown: Callable[[int], bool]
    ) -> dict[tuple[Board, Span], list[tuple[int, int]]]:
        """(account, score) of each board, the first first."""
        made: dict[tuple[Board, Span], list[tuple[int, int]]] = {}
        for span in Span:
            since = start_of(span, now)
            before = next((known for at, known in reversed(self.past) if at < since), {})
            places: dict[Board, list[tuple[int, int, int]]] = {board: [] for board in Board}
            for account, then in self.figures.items():
                start = before.get(account, Figures())
                traded, settled = self.traded_at[account], self.settled_at[account]
                moved = max(traded, settled)
                if account in SYSTEM_ACCOUNTS or not is_shown(account) or not moved:
                    continue
                gain, volume = then.gain - start.gain, then.volume - start.volume
                forecasts = then.forecasts - start.forecasts
                if gain or moved >= since:
                    places[Board.PNL].append((-gain, moved, account))
                if volume:
                    places[Board.VOLUME].append((-volume, traded, account))
                if forecasts >= forecasts_min:
                    errors = then.errors - start.errors
                    score = (2 * errors + forecasts) // (2 * forecasts)
                    places[Board.CALIBRATION].append((score, settled, account))
            for board, found in places.items():
                sign = 1 if board is Board.CALIBRATION else -1
                made[board, span] = [(account, sign * score) for score, _, account in sorted(found)]
        return made
