"""The three steps of a bet and of its sale, around the one order that each is.

Laws: of any number of bets that come under one id one is placed; of a bet no more is ever being
sold than is in it, also where a bet on the other side has just closed it. What the engine traded is
noted with its answer, in one transaction, and what becomes of a bet follows from the journal:
nothing here computes a balance.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from exchange.messages.terms import NO, YES, Outcome
from exchange.model.market import Market
from exchange.model.state import State
from exchange.projections.bets.fold import bet_id, sale_id
from gateway.economy.bets.orders import (
    Traded,
    bet_order,
    nothing_traded,
    sale_order,
    traded,
)
from gateway.economy.bets.quotes import foreseen
from gateway.economy.bets.tallies import BetMetrics
from gateway.economy.mirrors.making import Foreseen, Mirroring
from gateway.economy.movements.movements import Kind, Movements, Note
from gateway.engine_side.refusals import EngineRefused
from gateway.markets.lookup import find_market, named_market
from gateway.wire.errors import Conflict, NotFound, Refused, Unavailable, UnknownOutcome
from gateway.wire.scalars import quantity_text
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer
from persistence.postgres.database import OUTAGES
from persistence.repositories.economy.bets import Bets, NewBet, NewSale, Sale, StoredBet
from persistence.repositories.economy.intents import Intent, Intents, NewIntent

SIDES: Final[Mapping[str, Outcome]] = {"THIS": YES, "YES": YES, "THAT": NO, "NO": NO}
BEHIND_S: Final = 0.1
BEHIND_TRIES: Final = 20
"""So often a sale looks whether the projector, a fraction of a second behind, has come so far."""
RowT = TypeVar("RowT")


class Betting:
    """Places bets and sells them again."""

    def __init__(
        self,
        rows: Bets,
        movements: Movements,
        view: State,
        metrics: BetMetrics,
        mirrors: Mirroring,
    ) -> None:
        self._rows = rows
        self._movements = movements
        self._view = view
        self._metrics = metrics
        self._mirrors = mirrors

    async def market(
        self, name: str, account_id: int, side: str, amount: int, max_price: int | None
    ) -> Market:
        """Return our market of that slug or id, or the one that mirrors another platform's, which
        is made for the first bet that it would take: whoever can't bet there fills no place.

        Raises EngineRefused for no such market, and as the bet would be; Refused for another
        platform's without a mirror, or if nothing could be bought; LimitReached; ReadsOnly.
        """
        ours = self._own_market(name)
        if ours is not None:
            return ours
        self._movements.require_engine()
        shown = await self._mirrors.foreseen(name, person=account_id)
        if isinstance(shown, Foreseen):
            self.foresee(shown, account_id, side, amount, max_price)
            return await self._mirrors.mirror_of(name, person=account_id)
        return shown

    async def shown_market(self, name: str) -> Market | Foreseen:
        """Return it, or what its mirror would be like; nothing is made. Raises as `market`."""
        ours = self._own_market(name)
        return await self._mirrors.foreseen(name) if ours is None else ours

    def foresee(
        self, market: Foreseen, account_id: int, side: str, amount: int, max_price: int | None
    ) -> Traded:
        """Return what somebody's bet would trade in a mirror that isn't there yet.

        Raises EngineRefused and Refused as the bet would be.
        """
        account = self._view.accounts.get(account_id)
        available = 0 if account is None else account.available
        return foreseen(market, SIDES[side], amount, max_price, available)

    def _own_market(self, name: str) -> Market | None:
        """Return our market of a name; None if it is the name of another platform's."""
        if ":" in name and find_market(self._view, name) is None:
            return None
        return named_market(self._view, name, field="marketId")

    async def bet(
        self,
        account_id: int,
        market: Market,
        side: str,
        amount: int,
        max_price: int | None,
        client_bet_id: str | None,
        call: str,
    ) -> tuple[StoredBet, Intent, bool]:
        """Bet at most `amount` (money); return the bet, its intent, whether it was placed before.

        Raises Conflict for another bet under this id, EngineRefused, Refused if nothing could be
        bought, ValidationFailed, ReadsOnly, CommandNotTaken, UnknownOutcome.
        """
        new = NewBet(account_id, client_bet_id, market.id, side, amount, max_price)
        number = 0

        async def write(connection: Any) -> Intent:  # noqa: ANN401 - the pool's
            nonlocal number
            if client_bet_id is not None:
                await self._rows.hold_owner(connection, account_id)
            there = await self._rows.asked_before(connection, account_id, client_bet_id)
            if there is not None:
                if not there.is_same(new):
                    raise Conflict("clientBetId: another bet has this id")
                raise _Asked(there.intent_id)
            number = await self._rows.next_number(connection, "bets")
            system_id = bet_id(account_id, number)
            order = bet_order(market, account_id, SIDES[side], amount, max_price, system_id)
            intent = await Intents.add(connection, NewIntent(Kind.BET, order), now_us())
            await self._rows.add(connection, number, new, now_us(), intent.id)
            return intent

        intent, is_repeat = await self._carried_out(Kind.BET, write, call)
        bet = await self._answered(self._rows.by_intent(intent.id))
        if not is_repeat:
            self._metrics.bet(bet.cost or 0, is_placed=bool(bet.bought))
        if not bet.bought:
            raise _again(nothing_traded(bet.reason), is_repeat)
        return bet, intent, is_repeat

    async def sell(
        self,
        account_id: int,
        number: int,
        quantity: int | None,
        min_proceeds: int | None,
        request_id: str | None,
        call: str,
    ) -> tuple[Sale, Intent, bool]:
        """Sell shares of a bet, all of it for None; return the sale, its intent, and whether it was
        sold before.

        Raises NotFound for another's bet, Conflict for another sale under this id, Refused if so
        much isn't in it or nothing could be sold, Unavailable if that isn't known yet, and what
        `bet` does.
        """

        async def write(connection: Any) -> Intent:  # noqa: ANN401 - the pool's
            rows = self._rows
            if request_id is not None:
                await rows.hold_owner(connection, account_id)
            there = await rows.sale_asked_before(connection, account_id, request_id)
            if there is not None:
                if not there.is_same(number, quantity, min_proceeds):
                    raise Conflict("requestId: another sale has this id")
                raise _Asked(there.intent_id)
            bet = None
            if await rows.hold(connection, account_id, number):
                bet = await rows.find(account_id, number, connection)
            if bet is None:
                raise NotFound("There is no such bet of yours")
            left = await rows.sellable(number, connection)
            if left is None:
                raise _Behind
            wanted = required_shares(left, quantity)
            sale = await rows.next_number(connection, "bet_sales")
            order = sale_order(
                self._view.markets[bet.market_id],
                *(account_id, SIDES[bet.side], wanted, min_proceeds),
                sale_id(account_id, number, sale),
            )
            intent = await Intents.add(connection, NewIntent(Kind.SALE, order), now_us())
            new = NewSale(number, account_id, request_id, wanted, quantity is None, min_proceeds)
            await rows.add_sale(connection, sale, new, now_us(), intent.id)
            return intent

        intent, is_repeat = await self._sold(write, call)
        sale = await self._answered(self._rows.sale(intent.id))
        if not is_repeat:
            self._metrics.sold(is_placed=bool(sale.sold))
        if not sale.sold:
            raise _again(nothing_traded(sale.reason), is_repeat)
        return sale, intent, is_repeat

    async def sellable(self, number: int) -> int:
        """Return how many shares of a bet may be sold now; raises Unavailable if that isn't known
        in a while.
        """
        for _ in range(BEHIND_TRIES):
            left = await self._rows.sellable(number)
            if left is not None:
                return left
            await asyncio.sleep(BEHIND_S)
        raise _not_known()

    async def _sold(
        self, write: Callable[[Any], Awaitable[Intent]], call: str
    ) -> tuple[Intent, bool]:
        """Sell once it is known what is in the bet, or raise Unavailable."""
        for _ in range(BEHIND_TRIES):
            try:
                return await self._carried_out(Kind.SALE, write, call)
            except _Behind:
                await asyncio.sleep(BEHIND_S)
        raise _not_known()

    async def _carried_out(
        self, kind: Kind, write: Callable[[Any], Awaitable[Intent]], call: str
    ) -> tuple[Intent, bool]:
        is_first = True
        try:
            intent = await self._movements.begin(kind, write)
        except _Asked as asked:
            is_first = False
            there = await self._movements.by_id(asked.intent_id)
            if there is None:
                raise CommandNotTaken("what was under way was taken back") from None
            intent = there
        try:
            intent, is_repeat = await self._movements.carry_out(
                intent, request_id=call, is_first=is_first
            )
        except EngineRefused as error:
            if not is_first:
                error.replayed = True
            elif kind is Kind.BET:
                self._metrics.bet(0, is_placed=False)
            else:
                self._metrics.sold(is_placed=False)
            raise
        return intent, is_repeat or not is_first

    @staticmethod
    async def _answered(reading: Awaitable[RowT | None]) -> RowT:
        """Return a row whose answer is stored; raises UnknownOutcome where it can't be read."""
        try:
            row = await reading
        except OUTAGES as error:
            raise UnknownOutcome from error
        if row is None:
            raise TypeError("an intent of a bet has lost its row")
        return row


class _Asked(Exception):
    """It was asked for before, under its id."""

    def __init__(self, intent_id: int) -> None:
        super().__init__()
        self.intent_id = intent_id


class _Behind(Exception):
    """What shares left its owner's bets isn't known of the bet yet."""


def _not_known() -> Unavailable:
    return Unavailable("What is left in the bet isn't known yet; try again in a moment")


def required_shares(left: int, wanted: int | None) -> int:
    """Return how many shares are to be sold of those left; raises Refused if there aren't."""
    if not left:
        raise Refused("BET_ENDED", "Nothing is left in the bet, or all of it is being sold")
    if wanted is not None and wanted > left:
        raise Refused(
            "BET_SHARES", f"shares: only {quantity_text(left)} of the bet are left to sell"
        )
    return left if wanted is None else wanted


def _again(error: Refused, is_repeat: bool) -> Refused:
    if is_repeat:
        error.replayed = True
    return error


async def _note_bet(connection: Any, intent: Intent, answer: Answer) -> None:  # noqa: ANN401 - the pool's
    """Note on a bet what its order bought."""
    if intent.status == "DONE":
        made = traded(answer.events)
        values = made.quantity, made.money, made.fee, made.reason
        await Bets.answered(connection, intent.id, *values)


async def _note_sale(connection: Any, intent: Intent, answer: Answer) -> None:  # noqa: ANN401 - the pool's
    """Note on a sale what its order brought."""
    if intent.status == "DONE":
        made = traded(answer.events)
        values = made.quantity, made.money, made.fee, made.reason
        await Bets.sale_answered(connection, intent.id, *values)


NOTES: Final[Mapping[Kind, Note]] = {Kind.BET: _note_bet, Kind.SALE: _note_sale}
