"""A batch of commands as the rows that store it: what each command adds, and the after-images of
what the batch changed.

    per command    journal payload, trades, ledger entries (with the balance after each), client
                   ids, settled positions, why money moved outside the book
    per batch      orders, accounts, positions, markets as they stand after its last command

Laws: rows are made from events and from what `state.dirty` lists, no rule of the exchange is asked;
the balances after each entry are sums of the ledger alone (`exchange.proof.running_balances`). How
a row is laid out is `row_layouts`.
"""

from typing import Any, Final

import msgspec

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.events import (
    Event,
    FundsCredited,
    MarketCreated,
    MarketResolved,
    OperationRun,
    OrderPlaced,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.model.idempotency import ORDER_ID
from exchange.model.state import State
from exchange.proof.running_balances import RunningBalances
from persistence.journal.codes import EXCHANGE_MODE, STANDING
from persistence.journal.order_rows import conditions_text
from persistence.journal.rare_images import (
    Extremes,
    Lease,
    LimitsOf,
    Mode,
    Payout,
    RareImages,
    Reopening,
    Switch,
    edited_market,
    group_row,
)
from persistence.journal.row_layouts import (
    AmendedOrder,
    ListedMarket,
    MovedMoney,
    ResolvedMarket,
    SettledPosition,
    account_row,
    amended_order,
    as_json,
    listed_market,
    market_row,
    moved_money,
    order_change,
    order_row,
    pack_entry,
    pack_id,
    packed,
    position_row,
    settled_position,
    text_list,
    trade_row,
)
from persistence.journal.rows import encode_execution

_RARE: Final = frozenset(
    {
        *(FundsCredited, FundsDebited, CashTransferred),
        *(MarketCreated, MarketResolved, PositionSettled),
    }
)


class BatchRows:
    """The rows of one batch, growing command by command until `after_images` ends it."""

    __slots__ = (
        "commands",
        "credited",
        "entries",
        "id_fingerprints",
        "id_texts",
        "ids",
        "listed",
        "payload",
        "resolved",
        "settled",
        "trades",
    )

    def __init__(self) -> None:
        self.commands = 0
        self.payload: list[bytes] = []
        self.trades: list[bytes] = []
        self.entries: list[bytes] = []
        self.ids: list[bytes] = []
        self.id_texts: list[str] = []
        self.id_fingerprints: list[bytes] = []
        self.listed: list[ListedMarket] = []
        self.resolved: list[ResolvedMarket] = []
        self.settled: list[SettledPosition] = []
        self.credited: list[MovedMoney] = []

    def per_command(self) -> tuple[Any, ...]:
        """Return the arguments of `commit_batch` from `traded` to `used_fingerprints`.

        Ledger rows begin with their owner: sorted, one owner's lie together in table and index.
        """
        return (
            packed(self.trades),
            packed(sorted(self.entries)),
            packed(self.ids),
            text_list(self.id_texts),
            text_list([f"\\x{fingerprint.hex()}" for fingerprint in self.id_fingerprints]),
        )


def add_execution(rows: BatchRows, balances: RunningBalances, execution: Execution) -> None:
    """Append what one command stores by itself, its client id apart."""
    rows.commands += 1
    rows.payload.append(encode_execution(execution))
    for event in execution.events:
        if isinstance(event, TradeExecuted):
            rows.trades.append(trade_row(event, execution))
        elif type(event) not in _RARE:
            continue
        elif isinstance(event, MarketCreated):
            rows.listed.append(listed_market(event, execution.at))
        elif isinstance(event, MarketResolved):
            rows.resolved.append(ResolvedMarket(event.market_id, event.source))
        elif isinstance(event, PositionSettled):
            rows.settled.append(settled_position(event, execution))
        elif isinstance(event, FundsCredited | FundsDebited | CashTransferred):
            rows.credited += moved_money(event, execution.seq)
    balances.post(execution.events, execution.seq, execution.at, pack_entry, rows.entries)


def add_ids(rows: BatchRows, state: State, executions: list[Execution]) -> None:
    """Append the client ids that these commands were the first to use, and forget them."""
    added = state.recent_ids.added
    if not added:
        return
    first_seq = executions[0].seq
    batch, placed_in_batch = 0, dict[str | None, int]()
    for (account_id, kind, text), prior in added:
        order_id = 0
        if kind == ORDER_ID:
            events = executions[prior.seq - first_seq].events
            first = events[0]
            if isinstance(first, OrderPlaced):
                order_id = first.order_id
            elif isinstance(first, OperationRun):
                if batch != prior.seq:
                    batch, placed_in_batch = prior.seq, _placed(events)
                order_id = placed_in_batch.get(text, 0)
        rows.ids.append(pack_id(account_id, prior.seq, order_id, kind))
        rows.id_texts.append(text)
        rows.id_fingerprints.append(prior.fingerprint)
    added.clear()


def _placed(events: list[Event]) -> dict[str | None, int]:
    """Return the orders that a batch placed, by their client's ids."""
    placed = [event for event in events if isinstance(event, OrderPlaced)]
    return {event.client_order_id: event.order_id for event in placed}


def after_images(rows: BatchRows, state: State, previous_seq: int) -> dict[str, Any]:
    """Return the rest of the arguments of `commit_batch` by name; reads `state.dirty` whole.

    Changed orders begin with their id: sorted, neighbours are found on the page at hand.
    """
    dirty = state.dirty
    placed: list[bytes] = []
    placed_ids: list[str | None] = []
    placed_conditions: list[str | None] = []
    changed: list[bytes] = []
    amended: list[AmendedOrder] = []
    for order in dirty.orders:
        rare = order.conditions
        if order.placed_seq > previous_seq:
            placed.append(order_row(order))
            placed_ids.append(order.client_order_id)
            placed_conditions.append(None if rare is None else conditions_text(rare))
        else:
            changed.append(order_change(order))
        if order.version or (rare is not None and rare.trigger_price is not None):
            amended.append(amended_order(order))
    opened: list[bytes] = []
    accounts: list[bytes] = []
    for account in dirty.accounts:
        row = account_row(account)
        (opened if account.opened_seq > previous_seq else accounts).append(row)
    return {
        "placed": packed(placed),
        "placed_ids": text_list(placed_ids) if any(placed_ids) else "",
        "placed_conditions": placed_conditions if any(placed_conditions) else [],
        "changed": packed(sorted(changed)),
        "opened_accounts": packed(opened),
        "changed_accounts": packed(accounts),
        "held": packed(_position_rows(state)),
        "changed_markets": packed([market_row(market) for market in dirty.markets]),
        "listed": as_json(rows.listed),
        "resolved": as_json(rows.resolved),
        "settled": as_json(rows.settled),
        "credited": as_json(rows.credited),
        "amended": as_json(amended),
        "rare": msgspec.json.encode(_rare_images(state)).decode() if dirty.has_rare else "{}",
    }


def mode_code(state: State) -> int:
    """Return the number of the exchange's mode."""
    return EXCHANGE_MODE[state.mode]


def _rare_images(state: State) -> RareImages:
    dirty = state.dirty
    return RareImages(
        [Payout(market.id, market.next_payout or 0) for market in dirty.payouts.values()],
        [
            Switch(account.id, account.dead_man or 0, STANDING[account.standing])
            for account in dirty.switches.values()
        ],
        [Lease(gateway, due) for gateway, due in dirty.leases.items()],
        [group_row(group) for group in dirty.groups.values()],
        [LimitsOf(market.id, market.limits) for market in dirty.market_limits.values()],
        [LimitsOf(account.id, account.limits) for account in dirty.account_limits.values()],
        [Reopening(market.id, market.resumes_at or 0) for market in dirty.reopenings.values()],
        [Extremes(market.id, market.extremes or None) for market in dirty.windows.values()],
        [Mode(state.mode_since or 0, state.post_only_until or 0)] if dirty.mode else [],
        [edited_market(market) for market in dirty.edited.values()],
    )


def _position_rows(state: State) -> list[bytes]:
    touched = dict.fromkeys((held.account_id, held.market_id) for held in state.dirty.holdings)
    markets = state.markets
    return [
        position_row(markets[market_id].positions[account_id]) for account_id, market_id in touched
    ]
