"""Running a command that has a client id: the first time it takes effect, later it is only told of
(RULEBOOK 7).

The id is looked at before everything else, and used up whatever comes of the command. A system id
isn't the name of the order that is placed under it: there the order has none.
"""

from collections.abc import Callable
from typing import Any

from exchange.messages.command_bases import Prior
from exchange.messages.commands import Command, PlaceOrder
from exchange.messages.events import CommandRejected, CommandReplayed, Event
from exchange.messages.reasons import Reason
from exchange.model.idempotency import ORDER_ID, SYSTEM_ID, Key, fingerprint
from exchange.model.state import State
from exchange.rules.order_terms import without_system_id


def run_once(
    state: State, key: Key, command: Command, handler: Callable[[State, Any], list[Event]]
) -> list[Event]:
    """Run `command` by its handler unless its id, `key`, was used; return the events."""
    content = fingerprint(command)
    prior = state.recent_ids.find(key) or getattr(command, "prior", None)
    if prior is not None:
        if prior.fingerprint == content:
            return [CommandReplayed(prior.seq)]
        field = "clientOrderId" if key[1] == ORDER_ID else "requestId"
        return [CommandRejected(Reason.CONFLICT, field, "was used before with other content")]
    state.recent_ids.add(key, Prior(state.seq, content))
    if key[1] == SYSTEM_ID and type(command) is PlaceOrder:
        command = without_system_id(command)
    return handler(state, command)
