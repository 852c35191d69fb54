"""Trading stocks, by the three steps of `movements`: one order of a stock after the other.

Laws: an order is decided on the stock's row, held, and nothing is decided while another one of that
stock has no answer yet: that one is seen through first. A trade and everybody who is sold out by it
are one transfer; the supply and the positions change when it is done, in the transaction that
stores its answer, and not at all if the engine refuses it. Nothing is decided that breaks the laws
of `trading`, for the cash that the reserve really has. Nobody borrows, or sells and so pays back,
before the interest of the midnights that were is added: it is of the loans there were then. A
reserve is open before what pays it is stored, and isn't opened for what would be refused.
"""

import asyncio
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter

from exchange.messages.commands import OpenAccount
from exchange.messages.errors import InvariantViolated
from exchange.messages.reasons import Reason
from exchange.messages.units import format_money
from exchange.model.state import State
from exchange.model.system_accounts import reserve_of
from exchange.rules.accounts.funding import transfer_refusal
from gateway.economy.movements.movements import Kind, Movements
from gateway.economy.stocks.interest import Interest, interest_today
from gateway.economy.stocks.orders import (
    Ask,
    checked,
    decide,
    new_order,
    payable,
    require_transferable,
    stock_of,
    transfer,
)
from gateway.economy.stocks.rules.trading import Step, StepKind, Stock, TradeRefused
from gateway.engine_side.audited import OK
from gateway.engine_side.refusals import EngineRefused, accepted, refused
from gateway.wire.errors import (
    Conflict,
    Detail,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer, CommandPort
from persistence.postgres.database import OUTAGES, DeadlinePool
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.intents import Intent, Intents, NewIntent
from persistence.repositories.economy.stocks.orders import NewOrder, OrderRow, StockOrders
from persistence.repositories.economy.stocks.stocks import StockRow, Stocks

WAITING_MAX: Final = 200
"""Trades of a stock that wait for one another here."""
TRIES: Final = 3
"""So often a trade looks again, after seeing through what was under way."""
_RETRY_S: Final = 5


class StockDesk:
    """Trades stocks; made once a process, which has their lines."""

    def __init__(
        self,
        pool: DeadlinePool,
        movements: Movements,
        commands: CommandPort,
        view: State,
        registry: CollectorRegistry,
        audit: AuditLog,
    ) -> None:
        self._pool = pool
        self._stocks = Stocks(pool)
        self._interest = Interest(pool, audit)
        self._orders = StockOrders(pool)
        self._movements = movements
        self._commands = commands
        self._view = view
        self._audit = audit
        self._lines: dict[int, _Line] = {}
        self._done = Counter(
            "stock_trades",
            "Trades of stocks that were done, and who was sold out by them.",
            ["kind"],
            registry=registry,
        )

    def require_engine(self) -> None:
        """Raise ReadsOnly in a process without an engine."""
        self._movements.require_engine()

    async def trade(
        self, user_id: int, symbol: str, ask: Ask, request_id: str | None, call: str
    ) -> tuple[StockRow, OrderRow, Intent | None, bool]:
        """Do what somebody asks for; return the stock, the order, the intent of its money if it
        moved any, and whether it was done before.

        `request_id` is the trader's own, `call` the HTTP request's. Raises ValidationFailed for no
        stock, Conflict for another order under this id, Refused, EngineRefused, ReadsOnly,
        Unavailable, CommandNotTaken, UnknownOutcome.
        """
        self._movements.require_engine()
        stock = await self._stocks.by_symbol(symbol)
        if stock is None:
            raise ValidationFailed.of("symbol", "there is no such stock")
        line = self._lines.setdefault(stock.id, _Line())
        if line.waiting >= WAITING_MAX:
            raise Unavailable("Too many trade this stock just now", retry_after_seconds=_RETRY_S)
        line.waiting += 1
        try:
            async with line.turn:
                order, intent, is_repeat = await self._trade(stock, user_id, ask, request_id, call)
        finally:
            line.waiting -= 1
        if not is_repeat:
            self._done.labels(order.kind).inc()
            self._done.labels(StepKind.LIQUIDATION.value).inc(order.liquidated)
        return stock, order, intent, is_repeat

    async def open_reserve(self, stock_id: int) -> None:
        """Open the account of a stock's reserve, if it isn't."""
        if reserve_of(stock_id) not in self._view.accounts:
            accepted(await self._commands.submit(OpenAccount(reserve_of(stock_id), 0)))

    async def _trade(
        self, stock: StockRow, user_id: int, ask: Ask, request_id: str | None, call: str
    ) -> tuple[OrderRow, Intent | None, bool]:
        for _ in range(TRIES):
            try:
                return await self._tried(stock, user_id, ask, request_id, call)
            except _UnderWay as under_way:
                await self._see_through(under_way, call)
            except _InterestDue:
                await self._interest.add_to(stock.id, await interest_today(self._pool))
            except _NoReserve:
                await self.open_reserve(stock.id)
        raise Unavailable("Others trade this stock just now", retry_after_seconds=_RETRY_S)

    async def _tried(
        self, stock: StockRow, user_id: int, ask: Ask, request_id: str | None, call: str
    ) -> tuple[OrderRow, Intent | None, bool]:
        """Store the order and carry it out; raises _UnderWay if another one isn't done yet."""
        made: list[OrderRow] = []

        async def write(connection: Any) -> Intent:  # noqa: ANN401 - the pool's
            row, steps, new = await self._decided(connection, stock.id, user_id, ask, request_id)
            self._require_reserve(row, steps, ask)
            number = await self._orders.next_number(connection)
            command = transfer(row, number, steps, ask.kind)
            if command is None:
                raise _NoMoney
            intent = await Intents.add(connection, NewIntent(Kind.STOCK, command), now_us())
            made.append(await self._orders.begin(connection, number, new, intent.id, now_us()))
            return intent

        is_first = True
        try:
            intent = await self._movements.begin(Kind.STOCK, write)
            order = made[0]
        except _NoMoney:
            order = await self._done_at_once(stock, user_id, ask, request_id)
            what = f"user:{user_id} {format_money(0)} stock:{stock.id}:{order.id}"
            trail = AuditTrail(self._audit, call)
            await trail.note(user_id, f"economy.{Kind.STOCK.lower()}", what, OK)
            return order, None, False
        except _Asked as asked:
            order, is_first = asked.order, False
            if order.intent_id is None:
                return order, None, True
            there = await self._movements.by_id(order.intent_id)
            if there is None:
                raise CommandNotTaken("the order under way was taken back") from None
            intent = there
        try:
            intent, is_repeat = await self._movements.carry_out(
                intent, request_id=call, is_first=is_first, actor_id=user_id
            )
        except EngineRefused as refusal:
            if not is_first:
                refusal.replayed = True
            raise _of_field(refusal, ask) from None
        return order, intent, is_repeat or not is_first

    def _require_reserve(self, row: StockRow, steps: list[Step], ask: Ask) -> None:
        """Raise _NoReserve for money that needs a reserve which isn't open, and EngineRefused if
        that money wouldn't move all the same.

        The view may be behind: where somebody has shares the reserve is open, since they paid it.
        """
        command = transfer(row, 1, steps, ask.kind)
        if command is None or row.supply or row.reserve_id in self._view.accounts:
            return
        event = transfer_refusal(self._view, command, now_us(), row.reserve_id)
        if event is not None:
            raise _of_field(refused(event), ask)
        raise _NoReserve

    async def _decided(
        self,
        connection: Any,  # noqa: ANN401 - the pool's
        stock_id: int,
        user_id: int,
        ask: Ask,
        request_id: str | None,
    ) -> tuple[StockRow, list[Step], NewOrder]:
        """Hold the stock and decide; raises _Asked, _UnderWay, _InterestDue, Refused, Conflict."""
        if request_id is not None or ask.is_buy:
            # Who asks for two stocks under one id at once has one of them; who leaves buys none.
            await self._orders.hold_owner(connection, user_id)
        row = await self._stocks.hold(connection, stock_id)
        asked = ask.told(row.symbol)
        if request_id is not None:
            there = await self._orders.asked_before(connection, user_id, request_id)
            if there is not None:
                if there.asked != asked:
                    raise Conflict("requestId: stands for another order of yours")
                raise _Asked(there)
        if row.under_way is not None:
            raise await _under_way(connection, row.under_way)
        require_buyable(row, ask)
        changes_loans = ask.leverage > 1 or not ask.is_buy
        if changes_loans and row.interest_day < await interest_today(connection):
            raise _InterestDue
        holdings = await self._stocks.holdings(connection, row.id, user_id)
        stock = stock_of(row, holdings)
        steps = decided(row, stock, user_id, ask)
        steps = payable(steps, [one.account_id for one in holdings if one.is_closed])
        await self._check(connection, row, stock, steps)
        new = new_order(
            row,
            steps,
            user_id,
            asked,
            ask.kind,
            leverage=ask.leverage,
            request_id=request_id,
        )
        return row, steps, new

    async def _check(self, connection: Any, row: StockRow, stock: Stock, steps: list[Step]) -> None:  # noqa: ANN401 - the pool's
        """Raise InvariantViolated unless the stock keeps its laws by steps."""
        reserve = self._view.accounts.get(row.reserve_id)
        try:
            checked(stock, steps, 0 if reserve is None else reserve.available)
        except InvariantViolated:
            # Where another process has just traded, the view of this one may be behind its row.
            checked(stock, steps, await self._stocks.cash(connection, row.id))

    async def _done_at_once(
        self, stock: StockRow, user_id: int, ask: Ask, request_id: str | None
    ) -> OrderRow:
        """Do what moves no money: a sale all of which pays the seller's own loan."""
        done = None
        try:
            async with self._pool.transaction() as connection:
                row, steps, new = await self._decided(
                    connection, stock.id, user_id, ask, request_id
                )
                if transfer(row, 1, steps, ask.kind) is not None:
                    raise Unavailable("The stock has changed", retry_after_seconds=1)
                done = await self._orders.do(connection, new, now_us())
        except _Asked as asked:
            return asked.order
        except OUTAGES as error:
            if done is None:
                raise
            raise UnknownOutcome from error
        return done

    async def _see_through(self, there: "_UnderWay", call: str) -> None:
        """See an order of somebody else through; raises Unavailable if it isn't known yet."""
        intent = await self._movements.by_id(there.intent_id)
        if intent is None:
            return
        try:
            await self._movements.carry_out(
                intent, request_id=call, is_first=False, actor_id=there.account_id
            )
        except EngineRefused:
            return
        except (UnknownOutcome, CommandNotTaken) as error:
            raise Unavailable(
                "What came of the last order of this stock isn't known yet",
                retry_after_seconds=_RETRY_S,
            ) from error


def require_buyable(row: StockRow, ask: Ask) -> None:
    """Raise Refused for a purchase of what nobody may buy just now."""
    if ask.is_buy and row.is_halted:
        raise Refused("STOCK_HALTED", "Nobody buys this stock now; whoever has it may sell")


def decided(row: StockRow, stock: Stock, user_id: int, ask: Ask) -> list[Step]:
    """Decide what somebody asks for; raises Refused."""
    try:
        steps = decide(stock, user_id, ask)
        require_transferable(row, steps, "shares" if ask.amount is None else "amount")
    except TradeRefused as refused:
        text = f"{refused.field}: {refused}"
        details = (Detail(refused.field, str(refused)),)
        raise Refused(refused.code, text, details=details) from None
    return steps


def _of_field(refusal: EngineRefused, ask: Ask) -> EngineRefused:
    """Return what the engine answers; of what can't be paid it names what was asked for."""
    if refusal.reason is not Reason.INSUFFICIENT_BALANCE:
        return refusal
    field = "shares" if ask.amount is None else "amount"
    message = refusal.details[0].message if refusal.details else str(refusal)
    return EngineRefused(refusal.reason, message, field, replayed=refusal.replayed is True)


async def note_answer(connection: Any, intent: Intent, answer: Answer) -> None:  # noqa: ANN401 - the pool's
    """Do what the order of an intent says, now that its money moved; nothing if it was refused."""
    order = await StockOrders.of_intent(connection, intent.id)
    await StockOrders.finish(connection, order, answer.at, is_done=intent.status == "DONE")


async def _under_way(connection: Any, order_id: int) -> "_UnderWay":  # noqa: ANN401 - the pool's
    row = await connection.fetchrow(
        "SELECT intent_id, account_id FROM stock_orders WHERE id = $1", order_id
    )
    return _UnderWay(row["intent_id"], row["account_id"])


class _Line:
    """Those who trade a stock in this process, one after the other."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.waiting = 0


class _NoReserve(Exception):
    """What was decided pays a reserve that isn't open yet."""


class _InterestDue(Exception):
    """What is owed bears interest of midnights that were, and is about to be more or less."""


class _NoMoney(Exception):
    """What was decided moves no money."""


class _Asked(Exception):
    """The order was asked for before."""

    def __init__(self, order: OrderRow) -> None:
        super().__init__()
        self.order = order


class _UnderWay(Exception):
    """Another order of the stock has no answer yet; `account_id` None: a day's interest."""

    def __init__(self, intent_id: int, account_id: int | None) -> None:
        super().__init__()
        self.intent_id = intent_id
        self.account_id = account_id
