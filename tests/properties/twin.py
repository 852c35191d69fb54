"""A naive twin of the engine, written from RULEBOOK and not from the engine's code.

Lists, dicts and `min`; no index, no cached sum, nothing shared with `exchange/` but commands,
events and enumerations.  The book is a search through all open orders; a FOK is decided by trying
it on a copy; netting looks at everything the command touched.  It is slow, short and obvious:
where it and the engine differ, one of them is wrong.

Orders and their walk are in `twin_orders.py`, their amends in `twin_amends.py`, their endings in
`twin_endings.py`, those that wait for a price and pairs in `waiting/`, batches in
`batches/twin_batches.py`, order groups in `groups/twin_groups.py`, markets in `life/markets.py`,
switches in `life/switches.py`, limits in `limits/`, accounts and money in `life/money.py`, the
records in `twin_records.py`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    CloseAccount,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    EndLease,
    EndSession,
    ExpireOrder,
    FireDeadMan,
    OpenAccount,
    PayHolders,
    PlaceOco,
    PlaceOrder,
    RefuseUnstorable,
    RenewLease,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
    TriggerOrder,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandReplayed, Event
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.limit_commands import (
    BeginPostOnly,
    EndHalt,
    EndPostOnly,
    HaltMarket,
    SetAccountLimits,
    SetMarketLimits,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import MoneyKind
from tests.properties.batches.twin_batches import TwinBatches
from tests.properties.life.markets import LIVE, refused
from tests.properties.life.money import MONEY, TwinMoney
from tests.properties.twin_records import HALTED
from tests.properties.twin_terms import is_system
from tests.properties.waiting.twin_oco import TwinOco

TIMERS: dict[int, Callable[[int], Command]] = {
    1: CloseMarket,
    2: ExpireOrder,
    3: FireDeadMan,
    4: EndLease,
    5: EndHalt,
    6: EndPostOnly,
    7: PayHolders,
}
"""What runs when a time comes, by its place among what is due at one moment (RULEBOOK 8)."""


class Twin(TwinMoney, TwinBatches, TwinOco):
    """Every command of the exchange, the slow and obvious way."""

    def run(self, at: int, *commands: Command) -> list[tuple[Command, list[Event]]]:
        """Run what is due by `at` and then the commands; return each with its events."""
        at = max(at, self.now)
        done = self.run_halts(at)
        while (timer := self._first_due(at)) is not None:
            done.append((timer, self.execute(at, timer)))
        for command in commands:
            done += self.run_triggers(at, self.triggers_between)
            done.append((command, self.execute(at, command)))
            done += self.run_halts(at)
        return done

    def run_triggers(self, at: int, most: int) -> list[tuple[Command, list[Event]]]:
        """Trigger what is due, at most so many; return each with its events."""
        done: list[tuple[Command, list[Event]]] = []
        while most > 0 and (trigger := self.next_due()) is not None:
            most -= 1
            done.append((trigger, self.execute(at, trigger)))
            done += self.run_halts(at)
        return done

    def run_halts(self, at: int) -> list[tuple[Command, list[Event]]]:
        """Halt what moved too far; return each with its events."""
        done: list[tuple[Command, list[Event]]] = []
        while (halt := self.next_halt()) is not None:
            done.append((halt, self.execute(at, halt)))
        return done

    def _first_due(self, at: int) -> Command | None:
        """Return the next timer: of one moment in the order of the kinds, then by id."""
        due = [
            (market.close_time, 1, market.id)
            for market in self.markets.values()
            if market.status in LIVE
        ]
        due += [(o.expires_at, 2, o.id) for o in self.orders.values() if o.expires_at is not None]
        due += [(a.dead_man, 3, a.id) for a in self.accounts.values() if a.dead_man is not None]
        due += [(ends, 4, gateway) for gateway, ends in self.leases.items()]
        due += [
            (market.resumes_at, 5 if market.status is HALTED else 6, market.id)
            for market in self.markets.values()
            if market.resumes_at is not None
        ]
        if self.post_only_until is not None:
            due.append((self.post_only_until, 6, 0))
        due += [
            (market.next_payout, 7, market.id)
            for market in self.markets.values()
            if market.next_payout is not None
        ]
        when, kind, number = min(due, default=(at + 1, 0, 0))
        return None if when > at else TIMERS[kind](number)

    def execute(self, at: int, command: Command) -> list[Event]:
        """Run one command and return its events."""
        self.begin(at)
        events = self.with_passed_locks(self.once(command))
        events += self.reached_by(events)
        self.finish()
        return events

    def once(self, command: Command) -> list[Event]:
        """Answer an id that was used before; let every other command through."""
        key, content = id_of(command)
        if key is not None:
            if key in self.ids:
                first_seq, first_content = self.ids[key]
                if first_content == content:
                    return [CommandReplayed(first_seq)]
                field = "clientOrderId" if key[1] == "order" else "requestId"
                return refused(Reason.CONFLICT, field)
            self.ids[key] = (self.seq, content)
        return self._handle(command)

    def _handle(self, command: Command) -> list[Event]:  # noqa: C901, PLR0912 - a list of commands
        match command:
            case OpenAccount():
                return self.open_account(command)
            case CreditAccount() | DebitAccount() | TransferCash():
                return self.move_money(command)
            case SuspendAccount():
                return self.suspend(command)
            case CloseAccount():
                return self.close_account(command)
            case CreateMarket():
                return self.create_market(command)
            case SetMarketStatus():
                return self.set_status(command)
            case ResolveMarket():
                return self.resolve(command)
            case CloseMarket():
                return self.close_due(command)
            case SetExchangeMode():
                return self.set_mode(command.mode)
            case BeginPostOnly():
                return self.begin_post_only(command)
            case PlaceOrder():
                return self.place(less_its_system_id(command))
            case ExpireOrder():
                return self.expire(command)
            case AmendOrder():
                return self.amend(command)
            case CancelOrder():
                return self.cancel(command)
            case ForceCancel():
                return self.force_cancel(command)
            case EditMarket():
                return self.edit_market(command)
            case CancelAll():
                return self.cancel_all(command)
            case PayHolders():
                return self.pay_holders(command)
            case SetDeadMan():
                return self.set_dead_man(command)
            case FireDeadMan():
                return self.fire_dead_man(command)
            case RenewLease():
                return self.renew_lease(command)
            case EndSession():
                return self.end_session(command)
            case EndLease():
                return self.end_lease(command)
            case BatchOrders():
                return self.batch(command)
            case PlaceOco():
                return self.place_oco(command)
            case TriggerOrder():
                return self.trigger(command)
            case SetOrderGroup():
                return self.set_group(command)
            case ResetOrderGroup():
                return self.reset_group(command)
            case SetMarketLimits():
                return self.set_market_limits(command)
            case SetAccountLimits():
                return self.set_account_limits(command)
            case HaltMarket():
                return self.halt(command)
            case EndHalt():
                return self.end_halt(command)
            case EndPostOnly():
                return self.end_post_only(command)
            case RefuseUnstorable():
                return refused(Reason.NOT_STORED, "")


def id_of(command: Command) -> tuple[tuple[int, str, str] | None, Any]:
    """Return under which id a command takes effect once, and its content."""
    match command:
        case PlaceOrder(client_order_id=str() as client_id):
            space = "system" if is_system(command) else "order"
            content = without_prior(command)
            return (command.account_id, space, client_id), content
        case (
            CreditAccount(request_id=str() as request_id)
            | DebitAccount(request_id=str() as request_id)
            | TransferCash(request_id=str() as request_id)
        ):
            space = "request" if command.kind is MoneyKind.ADMIN else "system"
            content = type(command).__name__, *without_prior(command)
            return (command.account_id, space, request_id), content
        case BatchOrders(request_id=str() as request_id):
            operations = tuple(
                without_prior(one) if isinstance(one, PlaceOrder) else one
                for one in command.operations
            )
            content = operations, command.all_or_none
            return (command.account_id, "request", request_id), content
        case PlaceOco(request_id=str() as request_id):
            content = "OCO", without_prior(command.first), without_prior(command.second)
            return (command.account_id, "request", request_id), content
    return None, None


def less_its_system_id(command: PlaceOrder) -> PlaceOrder:
    """Return the order that is placed under a system id, which isn't its name."""
    if command.conditions is None or command.client_order_id is None or not is_system(command):
        return command
    left: OrderConditions | None = msgspec.structs.replace(command.conditions, system=False)
    left = None if left == OrderConditions() else left
    return msgspec.structs.replace(command, client_order_id=None, conditions=left)


def without_prior(command: PlaceOrder | MONEY) -> tuple[Any, ...]:
    """Return a command's content, less what the shell wrote into it and what nobody asked for."""
    if isinstance(command, PlaceOrder) and command.conditions is not None:
        asked = msgspec.structs.replace(command.conditions, session=None)
        conditions = None if asked == OrderConditions() else asked
        command = msgspec.structs.replace(command, conditions=conditions)
    return msgspec.structs.astuple(msgspec.structs.replace(command, prior=None))
