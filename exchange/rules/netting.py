"""Netting: free YES and free NO shares of one account are cash, pair by pair (RULEBOOK 2).

It happens at the end of a command, for every account and market the command touched, and never in
the middle, whatever freed the shares: while a batch of orders runs, it is only noted for whom.
"""

from collections.abc import Iterable

from exchange.messages.events import Event, PairsNetted
from exchange.model.market import Market
from exchange.model.state import State
from exchange.transitions import order_transitions


def net(state: State, market: Market, account_ids: Iterable[int], events: list[Event]) -> None:
    """Turn the free pairs of these accounts into cash; applies and appends PairsNetted."""
    unnetted = state.unnetted
    if unnetted is not None:
        unnetted.update(dict.fromkeys((market.id, account_id) for account_id in account_ids))
        return
    for account_id in account_ids:
        position = market.positions.get(account_id)
        if position is None:
            continue
        pairs = min(position.yes.free, position.no.free)
        if pairs:
            event = PairsNetted(account_id, market.id, pairs)
            events.append(event)
            order_transitions.pairs_netted(state, event)
