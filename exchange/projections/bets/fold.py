"""The commands of the journal, in order, into bets.

    bet:7:12     the order of account 7's bet 12: what it buys is the bet
    sale:7:12:3  the order that sells bet 12

Laws: what follows depends on events alone, and on whose the order is, which its system id says, so
bets can be made again from the first command; for every account, market and outcome the shares in
open bets never exceed those held; a bet whose order bought nothing isn't there. Whoever folds on
from the middle hands in what was open there (`know`), and how markets were decided that still pay.
"""

from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import Command, PlaceOrder
from exchange.messages.events import (
    MarketResolved,
    OrderPlaced,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Resolution, Side, TradeKind
from exchange.projections.bets.records import Bet, BetStatus, Exit, ExitKind
from exchange.projections.bets.shares import Bought, Half, halves, pairs, parts_sold

BET: Final = "bet"
SALE: Final = "sale"
_BET_PARTS: Final = 3
_SALE_PARTS: Final = 4
_TradeExecuted: Final = TradeExecuted
_PairsNetted: Final = PairsNetted
_PositionSettled: Final = PositionSettled
_MarketResolved: Final = MarketResolved

Place = tuple[int, int]
"""(account id, market id)."""
Decision = tuple[Resolution, int]
"""How a market was decided, and what a share of YES is paid (price)."""


def bet_id(account_id: int, bet: int) -> str:
    """Return the system id of a bet's order."""
    return f"{BET}:{account_id}:{bet}"


def sale_id(account_id: int, bet: int, sale: int) -> str:
    """Return the system id of the order of a bet's sale."""
    return f"{SALE}:{account_id}:{bet}:{sale}"


def order_of(command: Command) -> tuple[int, bool] | None:
    """Return of which bet a command is the order, and whether it sells it; None for another."""
    if type(command) is not PlaceOrder or command.client_order_id is None:
        return None
    if command.conditions is None or not command.conditions.system:
        return None
    parts = command.client_order_id.split(":")
    if parts[0] == BET and len(parts) == _BET_PARTS:
        return int(parts[2]), False
    if parts[0] == SALE and len(parts) == _SALE_PARTS:
        return int(parts[2]), True
    return None


def sale_number(command: Command) -> int | None:
    """Return which sale of a bet a command is the order of; None for another."""
    order = order_of(command)
    if order is None or not order[1] or type(command) is not PlaceOrder:
        return None
    return int((command.client_order_id or "").split(":")[3])


class BetFold:
    """Bets as they stand after the commands that were taken.

    `changed` are those that were since they were cleared last, by number; so are `exits`, by bet,
    command, kind and the bet on the other side, and `decisions` that are new.
    """

    def __init__(self) -> None:
        self.open: dict[Place, list[Bet]] = {}
        """Bets that still have shares, those placed first first; a place that is known to have none
        may be here too.
        """
        self.decided: dict[int, Decision] = {}
        self.changed: dict[int, Bet] = {}
        self.exits: dict[tuple[int, int, ExitKind, int], Exit] = {}
        self.decisions: dict[int, Decision] = {}

    def know(self, place: Place, bets: list[Bet]) -> None:
        """Take in what was open at a place, in the order of its placing."""
        self.open[place] = bets

    def take(self, execution: Execution) -> None:
        """Take the next command."""
        step: _Step | None = None
        for event in execution.events:
            kind = type(event)
            if kind is _TradeExecuted or kind is _PairsNetted or kind is _PositionSettled:
                step = step or _Step(self, execution)
                step.take(event)  # type: ignore[arg-type]
            elif kind is _MarketResolved:
                self._decide(event)  # type: ignore[arg-type]

    def settled(self) -> None:
        """Forget what was told: what changed, how shares left, and bets that ended."""
        for bet in self.changed.values():
            if not bet.shares:
                place = bet.account_id, bet.market_id
                self.open[place] = [one for one in self.open.get(place, ()) if one.shares]
        self.changed.clear()
        self.exits.clear()
        self.decisions.clear()

    def _decide(self, event: MarketResolved) -> None:
        decision = event.outcome, event.yes_payout
        self.decided[event.market_id] = self.decisions[event.market_id] = decision


class _Step:
    """One command on its way into the bets."""

    def __init__(self, fold: BetFold, execution: Execution) -> None:
        self._fold = fold
        self._seq = execution.seq
        self._at = execution.at
        self._order_id = 0
        self._bet: Bet | None = None
        """The one that the command's order places."""
        self._sold: int | None = None
        """The number of the one that it sells."""
        self._bought: dict[tuple[int, int, Outcome], Bought] = {}
        order, first = order_of(execution.command), execution.events[0]
        if order is None or type(first) is not OrderPlaced:
            return
        self._order_id = first.order_id
        number, sells = order
        if sells:
            self._sold = number
        else:
            self._bet = Bet(
                number,
                *(first.account_id, first.market_id, first.outcome),
                execution.seq,
                execution.at,
            )

    def take(self, event: TradeExecuted | PairsNetted | PositionSettled) -> None:
        """Take the next of its events by which anybody's shares change."""
        if isinstance(event, TradeExecuted):
            self._trade(event)
        elif isinstance(event, PairsNetted):
            self._net(event)
        else:
            self._settle(event)

    def _trade(self, event: TradeExecuted) -> None:
        taker, maker = event.taker_account_id, event.maker_account_id
        market_id, quantity = event.market_id, event.quantity
        side, outcome, price = event.side, event.outcome, event.price
        self._fill(
            *(taker, market_id, side, outcome, quantity, price * quantity, event.taker_fee),
            event.taker_order_id,
        )
        if event.kind is TradeKind.TRANSFER:
            side = SELL if side is BUY else BUY
        else:
            outcome, price = NO if outcome is YES else YES, PRICE_SCALE - price
        self._fill(
            *(maker, market_id, side, outcome, quantity, price * quantity, event.maker_fee),
            event.maker_order_id,
        )

    def _fill(
        self,
        account_id: int,
        market_id: int,
        side: Side,
        outcome: Outcome,
        quantity: int,
        money: int,
        fee: int,
        order_id: int,
    ) -> None:
        is_own = order_id == self._order_id
        if side is SELL:
            bets = self._open(account_id, market_id, outcome)
            own = None
            if is_own and self._sold is not None:
                own = next((bet for bet in bets if bet.number == self._sold), None)
            for bet, *part in parts_sold(bets, own, quantity, money, fee):
                self._leave(bet, ExitKind.SALE, 0, *part)
        elif is_own and self._bet is not None:
            bet = self._bet
            if not bet.bought:
                self._fold.open.setdefault((account_id, market_id), []).append(bet)
            bet.buy(quantity, money, fee)
            self._fold.changed[bet.number] = bet
        else:
            bought = self._bought.setdefault((account_id, market_id, outcome), Bought(0, 0))
            bought.quantity += quantity
            bought.cost += money

    def _net(self, event: PairsNetted) -> None:
        account_id, market_id = event.account_id, event.market_id
        if not self._fold.open.get((account_id, market_id)):
            return
        yes, no = (
            self._halves(account_id, market_id, outcome, event.quantity) for outcome in (YES, NO)
        )
        for first, brought, second, rest in pairs(yes, no):
            self._give_back(first, second, brought)
            self._give_back(second, first, rest)

    def _halves(
        self, account_id: int, market_id: int, outcome: Outcome, quantity: int
    ) -> list[Half]:
        bets = self._open(account_id, market_id, outcome)
        own = self._bet if self._bet is not None and self._bet in bets else None
        bought = self._bought.get((account_id, market_id, outcome))
        return halves(bets, own, bought, quantity, self._seq)

    def _give_back(self, half: Half, other: Half, brought: int) -> None:
        if half.bet is not None:
            by_bet = 0 if other.bet is None else other.bet.number
            self._leave(half.bet, ExitKind.NETTING, by_bet, half.quantity, brought, 0)

    def _settle(self, event: PositionSettled) -> None:
        bets = self._fold.open.get((event.account_id, event.market_id))
        if not bets:
            return
        resolution, yes_payout = self._fold.decided[event.market_id]
        for bet in bets:
            if not bet.shares:
                continue
            price = yes_payout if bet.outcome is YES else PRICE_SCALE - yes_payout
            quantity = bet.shares
            self._leave(bet, ExitKind.PAYOUT, 0, quantity, price * quantity, 0)
            bet.status = _ended(bet, resolution)

    def _open(self, account_id: int, market_id: int, outcome: Outcome) -> list[Bet]:
        bets = self._fold.open.get((account_id, market_id), ())
        return [bet for bet in bets if bet.outcome is outcome]

    def _leave(
        self, bet: Bet, kind: ExitKind, by_bet: int, quantity: int, brought: int, fee: int
    ) -> None:
        bet.give(quantity, brought, fee)
        bet.changed_seq = self._seq
        if not bet.shares:
            bet.status, bet.ended_at = BetStatus.SOLD, self._at
        fold = self._fold
        fold.changed[bet.number] = bet
        key = bet.number, self._seq, kind, by_bet
        before = fold.exits.get(key)
        if before is not None:
            quantity, brought = quantity + before.quantity, brought + before.brought
            fee += before.fee
        fold.exits[key] = Exit(
            *(bet.number, self._seq, self._at, kind, by_bet), quantity, brought, fee
        )


def _ended(bet: Bet, resolution: Resolution) -> BetStatus:
    """Return how a bet ended that is paid out: of a split won is what brought a profit."""
    if resolution is Resolution.VOID:
        return BetStatus.VOID
    if resolution is Resolution.SPLIT:
        return BetStatus.WON if bet.profit > 0 else BetStatus.LOST
    is_right = (resolution is Resolution.YES) is (bet.outcome is YES)
    return BetStatus.WON if is_right else BetStatus.LOST
