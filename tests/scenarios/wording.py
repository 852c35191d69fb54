"""How a scenario table words what happened: events, books and accounts as short texts."""

from collections.abc import Callable, Mapping
from typing import Any

from exchange.messages.account_events import (
    CashTransferred,
    DeadManFired,
    DeadManSet,
    FundsDebited,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
    StandingChanged,
)
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    HoldersPaid,
    MarketCreated,
    MarketEdited,
    MarketResolved,
    MarketStatusChanged,
    OperationRun,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    OrdersCancelled,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.messages.limit_events import (
    AccountLimitsSet,
    MarketLimitsSet,
    PostOnlySet,
    ReopeningSet,
)
from exchange.messages.limits import AccountLimits, VolatilityHalt
from exchange.messages.terms import Side
from exchange.messages.units import format_money, format_price, format_quantity
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.model.order_book import BookSide
from exchange.model.state import State

Names = Mapping[int, str]


def render_events(events: list[Event], state: State, names: Names) -> str:
    """Return a command's whole outcome, e.g. "#2, MINT 4 at 0.4 with #1"; a batch's by operation,
    with " / " between them.
    """
    parts: list[list[str]] = [[]]
    for event in events:
        if isinstance(event, OperationRun):
            parts.append([])
        else:
            parts[-1].append(_render(event, state, names))
    return " / ".join(", ".join(part) for part in parts if part)


def render_book(state: State, market_id: int) -> str:
    """Return the YES book as "bids / asks", best first, e.g. "0.6x6 0.5x1 / 0.7x2"."""
    book = state.markets[market_id].book
    return f"{_side(book.bids)} / {_side(book.asks)}".strip()


def render_account(state: State, account_id: int) -> str:
    """Return "available + locked, shares ...", shares as free(+locked)."""
    account = state.accounts[account_id]
    parts = [f"{money(account.available)} + {money(account.locked)}"]
    for market_id, position in account.positions.items():
        where = "" if len(state.markets) == 1 else f" on {state.markets[market_id].slug}"
        for holding in (position.yes, position.no):
            if holding.quantity:
                locked = f"(+{quantity(holding.locked)})" if holding.locked else ""
                shares = f"{quantity(holding.free)}{locked}"
                parts.append(f"{holding.outcome.value} {shares} cost {money(holding.cost)}{where}")
        if position.realised:
            parts.append(f"realised {money(position.realised)}{where}")
    return ", ".join(parts)


def _render(event: Event, state: State, names: Names) -> str:  # noqa: C901, PLR0912 - a dictionary of words
    match event:
        case CommandRejected(reason=reason):
            return reason.name
        case CommandReplayed():
            return "replayed"
        case AccountOpened():
            return "opened"
        case FundsCredited(account_id=account_id, amount=amount):
            return f"{names[account_id]} +{money(amount)}"
        case MarketCreated(slug=slug, status=status):
            return f"{slug} {status.value}"
        case MarketEdited(question=question, close_time=closes):
            return f"{question} until {closes // 1_000_000}"
        case MarketStatusChanged(market_id=market_id, status=status):
            return f"{state.markets[market_id].slug} {status.value}"
        case MarketResolved(outcome=outcome, yes_payout=payout):
            return f"{outcome.value} pays {price(payout)}"
        case PositionSettled(account_id=account_id, payout=payout):
            return f"{names[account_id]} is paid {money(payout)}"
        case HoldersPaid():
            return "others follow"
        case DeadManSet(due=due):
            return "dead man lifted" if due is None else f"dead man at {due // 1_000_000}"
        case DeadManFired(account_id=account_id, count=count):
            return f"dead man of {names[account_id]} ends {count}"
        case LeaseRenewed(due=due):
            return f"lease until {due // 1_000_000}"
        case SessionEnded(session=session, count=count):
            return f"session {session} ends {count}"
        case LeaseEnded():
            return "lease ends"
        case FundsDebited(account_id=account_id, amount=amount):
            return f"{names[account_id]} -{money(amount)}"
        case CashTransferred(legs=legs):
            return ", ".join(
                f"{names[leg.payer_id]} pays {names[leg.payee_id]} {money(leg.amount)}"
                for leg in legs
            )
        case StandingChanged(account_id=account_id, standing=standing):
            return f"{names[account_id]} {standing.value}"
        case ExchangeModeChanged(mode=mode):
            return f"mode {mode.value}"
        case OrderPlaced(order_id=order_id, resting=resting, conditions=terms):
            waits = terms is not None and terms.trigger_price is not None
            return f"#{order_id}" + (" rests" if resting else " waits" if waits else "")
        case OrderAmended(order_id=order_id, keeps_place=keeps_place, resting=resting):
            how = " in place" if keeps_place else " to rest" if resting else ""
            return f"#{order_id} amended{how}"
        case TradeExecuted():
            return _render_trade(event)
        case OperationRun(number=number):
            return f"operation {number}"
        case OrderRested(order_id=order_id):
            return f"#{order_id} rests"
        case OrderFilled():
            return "FILLED"
        case OrderCancelled(order_id=order_id, reason=why):
            return f"#{order_id} ends {why.value}"
        case OrdersCancelled(count=count):
            return f"{count} cancelled"
        case PairsNetted(account_id=account_id, quantity=pairs):
            return f"{names[account_id]} nets {quantity(pairs)}"
        case _:
            return _render_waiting(event)


def _render_waiting(event: Event) -> str:
    match event:
        case OrderTriggered(order_id=order_id, resting=resting):
            return f"#{order_id} triggered" + (" to rest" if resting else "")
        case PendingAmended(order_id=order_id):
            return f"#{order_id} amended"
        case LockPassed(order_id=order_id, side=side, reserved=more):
            unit = money if side is Side.BUY else quantity
            sign = "+" if more > 0 else "-"
            return f"#{order_id} locks {sign}{unit(abs(more))}"
        case OrdersReached(order_ids=ids):
            return f"{' '.join(f'#{id_}' for id_ in ids)} due"
        case OrdersStoodDown(order_ids=ids):
            return f"{' '.join(f'#{id_}' for id_ in ids)} not due"
        case GroupSet(name=name):
            return f"group {name}"
        case GroupTriggered(name=name):
            return f"group {name} triggered"
        case GroupReset(name=name):
            return f"group {name} reset"
        case PostOnlySet(until=at) | ReopeningSet(resumes_at=at):
            return f"until {at // 1_000_000}"
        case MarketLimitsSet(limits=limits) | AccountLimitsSet(limits=limits):
            return _render_limits(limits)
        case _:
            raise TypeError(f"no words for {type(event).__name__}")


def _render_limits(limits: AccountLimits | None) -> str:
    if limits is None:
        return "no limits"
    told: dict[str, Callable[[Any], str]] = {
        "order_quantity": quantity,
        "order_notional": money,
        "open_orders": str,
        "position": quantity,
        "price_band": price,
        "volatility_halt": _halt,
    }
    given = ((name, getattr(limits, name, None)) for name in told)
    return " ".join(f"{name}={told[name](number)}" for name, number in given if number is not None)


def _halt(halt: VolatilityHalt) -> str:
    return f"{price(halt.move)}/{halt.window}/{halt.halted}/{halt.post_only}"


def _render_trade(trade: TradeExecuted) -> str:
    size, at = quantity(trade.quantity), price(trade.price)
    text = f"{trade.kind.value} {size} at {at} with #{trade.maker_order_id}"
    if trade.taker_fee or trade.maker_fee:
        text += f" fees {money(trade.taker_fee)}/{money(trade.maker_fee)}"
    return text


def _side(side: BookSide) -> str:
    return " ".join(f"{price(at)}x{quantity(size)}" for at, size in side.depth(99))


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".")


def price(units: int) -> str:
    return _short(format_price(units))


def quantity(units: int) -> str:
    return _short(format_quantity(units))


def money(units: int) -> str:
    return _short(format_money(units))
