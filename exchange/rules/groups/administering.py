"""Making an order group, giving it other limits, and letting it begin anew.

Both work in every mode of the exchange. Other limits bind at once: a group that is at one of them
by what it has filled already is triggered by the change. One that is TRIGGERED stays so, whatever
its limits become, until its owner resets it: nobody's quotes come back by a side effect. A group
can't be taken away, as orders that have ended name it; its name can be used for anything.
"""

from exchange.messages.bounds import (
    CLIENT_ID_LENGTH,
    GROUP_WINDOW,
    GROUPS_PER_ACCOUNT,
    QUANTITY_MAX,
)
from exchange.messages.events import CommandRejected, Event
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.group_events import GroupReset, GroupSet
from exchange.messages.reasons import Reason
from exchange.model.state import State
from exchange.rules.groups.limits import net_ended, no_group_refusal, trigger_group
from exchange.transitions import group_transitions


def group_problem(command: SetOrderGroup) -> tuple[str, str] | None:
    """Return (field, what is wrong) if a group can't be, whatever else there is.

    The edge asks before it sends a command, the engine asks again.
    """
    least, most = GROUP_WINDOW
    if not 1 <= len(command.name) <= CLIENT_ID_LENGTH:
        return "groupId", f"must be 1 to {CLIENT_ID_LENGTH} characters"
    if not 1 <= command.max_filled <= QUANTITY_MAX:
        return "maxFilled", "must be positive and at most 100000000.00"
    if not least <= command.window <= most:
        return "windowSeconds", f"must be {least} to {most}"
    if command.max_net is not None and not 1 <= command.max_net <= QUANTITY_MAX:
        return "maxNet", "must be positive and at most 100000000.00"
    return None


def set_group(state: State, command: SetOrderGroup) -> list[Event]:
    """Run a SetOrderGroup and return its events, already applied.  O(orders that end)."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    problem = group_problem(command)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_AMOUNT, *problem)]
    groups = state.groups.get(account.id, {})
    if command.name not in groups and len(groups) >= GROUPS_PER_ACCOUNT:
        message = f"the account has {GROUPS_PER_ACCOUNT} order groups, the most it may have"
        return [CommandRejected(Reason.TOO_MANY_GROUPS, "groupId", message)]
    changed = GroupSet(
        account.id, command.name, command.max_filled, command.window, command.max_net
    )
    events: list[Event] = [changed]
    group_transitions.group_set(state, changed)
    group = state.groups[account.id][command.name]
    if group.is_over and not group.triggered:
        trigger_group(state, group, events)
        net_ended(state, events)
    return events


def reset_group(state: State, command: ResetOrderGroup) -> list[Event]:
    """Run a ResetOrderGroup and return its event, already applied."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    if command.name not in state.groups.get(account.id, {}):
        return [no_group_refusal()]
    reset = GroupReset(account.id, command.name)
    group_transitions.group_reset(state, reset)
    return [reset]
