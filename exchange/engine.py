"""The door of the core: stamp a command, run it, get its events.

`Engine.run(at, commands)` first runs every timer due at or before `at`, then the commands in their
order, each under the next sequence number and the time t = max(last t, at).  Orders that a command
reached (RULEBOOK 14) are triggered before the next one from outside, by commands of their own; so
many may be due that others get their turn between them.  Two engines that are given the same
commands at the same times go through the same states, byte for byte.

The state x command rules are where they belong (`model/market.py`, the handlers); here is only what
holds for every command: its stamp, its id (RULEBOOK 7) and its one entry in the dispatch table.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.bounds import RECENT_IDS, TRIGGERS_BETWEEN
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
from exchange.messages.completeness import require_all
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import CommandRejected, Event
from exchange.messages.execution import Execution
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
from exchange.model.idempotency import key_of
from exchange.model.state import State
from exchange.rules import (
    amending,
    batching,
    cancelling,
    expiring,
    market_admin,
    placing,
    settlement,
)
from exchange.rules.accounts import funding, standing, switches
from exchange.rules.groups import administering
from exchange.rules.limits import halting, restarting, setting
from exchange.rules.once import run_once
from exchange.rules.waiting import oco, reaching, triggering
from exchange.transitions import transitions

_AmendOrder: Final = AmendOrder
_CancelOrder: Final = CancelOrder
_PlaceOrder: Final = PlaceOrder
_Execution: Final = Execution
"""Compiled code finds a `Final` of its own module at once, another module's name in a dict."""

RULES_VERSION: Final = 2
"""Rises when the same commands would give other events; journaled with every batch."""
ALTERED: Final[dict[int, tuple[type[Any], ...]]] = {1: (EditMarket,)}
"""Of each older version the commands that may give other events by now; all else gives the same.

1: a market was edited while it took orders, into another question as well.
"""


class Engine:
    """The rules, run on a state that belongs to this engine alone."""

    __slots__ = ("state",)

    def __init__(self, state: State) -> None:
        self.state = state

    def run(self, at: int, commands: Iterable[Command]) -> list[Execution]:
        """Run the timers due by `at` and then the commands, each after the triggers that are due
        before it; return what happened, in order.
        """
        done = self.run_halts(at)
        done += self.run_timers(at)
        state = self.state
        at = max(at, state.now)
        for command in commands:
            if state.due:
                done += self.run_triggers(at, TRIGGERS_BETWEEN)
            done.append(self.execute(at, command))
            if state.volatile:
                done += self.run_halts(at)
        return done

    def run_until_due(self, at: int, commands: Iterable[Command]) -> list[Execution]:
        """Run the commands one after the other, up to the first that reached an order that waits or
        moved a market too far; return what happened.  For whoever runs halts, timers and triggers
        between them.
        """
        state = self.state
        at = max(at, state.now)
        done: list[Execution] = []
        for command in commands:
            done.append(self.execute(at, command))
            if state.due or state.volatile:
                break
        return done

    def run_triggers(self, at: int, most: int) -> list[Execution]:
        """Trigger what is due, in the order of RULEBOOK 14, at most so many; return what happened.

        What these reach in their turn is among them, and what they halt comes right after.
        """
        state = self.state
        done: list[Execution] = []
        while state.due and most > 0:
            most -= 1
            done.append(self.execute(at, TriggerOrder(state.due[0][2])))
            if state.volatile:
                done += self.run_halts(at)
        return done

    def run_halts(self, at: int) -> list[Execution]:
        """Halt the markets that moved too far, in the order of their ids; return what happened.

        Nothing else may come before it, timers included.
        """
        state = self.state
        at = max(at, state.now)
        done: list[Execution] = []
        while state.volatile:
            done.append(self.execute(at, HaltMarket(min(state.volatile))))
        return done

    def run_timers(self, at: int, most: int | None = None, *, left: bool = True) -> list[Execution]:
        """Run the timers due by `at`, at most so many of them; return what happened, in order.

        While any is due, nothing else may be stamped with that time (RULEBOOK 8); but for work
        that is left over, which without `left` waits.
        """
        state = self.state
        at = max(at, state.now)
        done: list[Execution] = []
        while most is None or len(done) < most:
            timer = state.timers.first_due(at, left=left)
            if timer is None:
                break
            done.append(self.execute(at, timer))
        return done

    def execute(self, at: int, command: Command) -> Execution:
        """Run one command at time `at`, which must not lie before the last one's."""
        state = self.state
        if at < state.now:
            raise InvariantViolated(f"time would run back from {state.now} to {at}")
        seq = state.seq + 1
        transitions.begin(state, seq, at)
        kind = type(command)
        # Nearly all commands are of three kinds, which need not be looked up.
        if kind is _CancelOrder:
            events = cancelling.cancel(state, cast("CancelOrder", command))
        elif kind is _PlaceOrder and cast("PlaceOrder", command).client_order_id is None:
            events = placing.place(state, cast("PlaceOrder", command))
        elif kind is _AmendOrder:
            events = amending.amend(state, cast("AmendOrder", command))
        elif (key := key_of(command)) is None:
            events = _HANDLERS[kind](state, command)
        else:
            events = run_once(state, key, command, _HANDLERS[kind])
        if state.stirred:
            reaching.mark_reached(state, events)
        ids = state.recent_ids
        if ids.oldest <= seq - RECENT_IDS:
            ids.forget_older(seq, state.open_client_ids)
        return _Execution(seq, at, command, events)


def _refuse(_state: State, _command: RefuseUnstorable) -> list[Event]:
    return [CommandRejected(Reason.NOT_STORED, "", "the command could not be stored")]


_HANDLERS: Final[dict[type[Any], Callable[[State, Any], list[Event]]]] = {
    OpenAccount: funding.open_account,
    CreditAccount: funding.credit,
    CreateMarket: market_admin.create,
    SetMarketStatus: market_admin.set_status,
    ResolveMarket: settlement.resolve,
    SetExchangeMode: market_admin.set_mode,
    PlaceOrder: placing.place,
    AmendOrder: amending.amend,
    CancelOrder: cancelling.cancel,
    CancelAll: cancelling.cancel_all,
    CloseMarket: market_admin.close_due,
    ExpireOrder: expiring.expire,
    RefuseUnstorable: _refuse,
    PayHolders: settlement.pay_holders,
    SetDeadMan: switches.set_dead_man,
    FireDeadMan: switches.fire_dead_man,
    RenewLease: switches.renew_lease,
    EndSession: switches.end_session,
    EndLease: switches.end_lease,
    DebitAccount: funding.debit,
    TransferCash: funding.transfer,
    SuspendAccount: standing.suspend,
    CloseAccount: standing.close,
    BatchOrders: batching.run_batch,
    PlaceOco: oco.place_pair,
    TriggerOrder: triggering.trigger,
    SetOrderGroup: administering.set_group,
    ResetOrderGroup: administering.reset_group,
    SetMarketLimits: setting.set_market_limits,
    SetAccountLimits: setting.set_account_limits,
    HaltMarket: halting.halt,
    EndHalt: halting.end_halt,
    EndPostOnly: halting.end_post_only,
    BeginPostOnly: restarting.begin_post_only,
    ForceCancel: cancelling.force_cancel,
    EditMarket: market_admin.edit,
}
require_all(Command, _HANDLERS, "the engine's table of handlers")
