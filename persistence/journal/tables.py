"""The tables as one snapshot, and the state that they are.

Laws: everything is read in one transaction that sees one moment; what is built is equal, hash for
hash, to the state that wrote it (RULEBOOK 10, 7); a snapshot can be built twice, for the live state
and for the committed view, which share nothing. Nothing is checked here: see `recovery`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.bounds import RECENT_IDS
from exchange.messages.command_bases import Prior
from exchange.messages.limits import AccountLimits, Limits, MarketLimits
from exchange.messages.terms import OrderStatus
from exchange.model.accounts import Account
from exchange.model.idempotency import ORDER_ID, Key
from exchange.model.market import UNFINISHED, Market
from exchange.model.order_groups import OrderGroup
from exchange.model.price_window import Window
from exchange.model.state import State
from exchange.model.timers import CLOSING, DEAD_MAN, LEASE, PAYOUT
from exchange.transitions.group_transitions import join_group
from exchange.transitions.limit_transitions import judge, set_opening, set_reopening
from exchange.transitions.order_transitions import set_expiry
from exchange.transitions.switch_transitions import tie
from exchange.transitions.waiting_index import join_waiting
from persistence.errors import HistoryMismatch
from persistence.journal.codes import (
    EXCHANGE_MODE,
    FEE_MODEL,
    MARKET_STATUS,
    RESOLUTION,
    STANDING,
    words,
)
from persistence.journal.open_orders import ids_in
from persistence.journal.order_rows import COLUMNS as ORDER_COLUMNS
from persistence.journal.order_rows import order_of
from persistence.journal.reader import executions_after, first_uses
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, Fetching

if TYPE_CHECKING:
    import asyncpg

_MODES: Final = words(EXCHANGE_MODE)
_STANDINGS: Final = words(STANDING)
_FEE_MODELS: Final = words(FEE_MODEL)
_STATUSES: Final = words(MARKET_STATUS)
_RESOLUTIONS: Final = words(RESOLUTION)
_PENDING: Final = OrderStatus.PENDING


class Head(msgspec.Struct, frozen=True):
    """The row of `engine_state`."""

    database_id: str
    epoch: int
    last_seq: int
    chain_hash: bytes
    stream_id: str | None
    now: int
    mode: int
    mode_since: int
    post_only_until: int
    next_order_id: int
    next_market_id: int
    next_place: int
    issued: int
    fees: int


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that `build` needs, as rows; `ids` in the order of their first use."""

    head: Head
    accounts: list[Any]
    markets: list[Any]
    positions: list[Any]
    open_ids: list[int]
    orders: list[Any]
    ids: list[tuple[Key, Prior]]
    leases: list[Any]
    groups: list[Any]


async def read(
    connection: Connection, *, with_ids: bool = True, segments: Segments | None = None
) -> Snapshot:
    """Read one moment of the tables; a view does without the client ids.

    Open orders come in the order of their ids.
    """
    async with one_moment(connection):
        return await read_in_transaction(connection, with_ids=with_ids, segments=segments)


@asynccontextmanager
async def one_moment(connection: Connection) -> AsyncIterator[None]:
    """Let all that is read inside be of one moment, which the first statement inside makes."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # What is made of large tables between two statements takes longer than a batch may stand
        # still (`journal.SESSION`); nobody waits for a transaction that only reads.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


async def read_in_transaction(
    connection: Connection, *, with_ids: bool = True, segments: Segments | None = None
) -> Snapshot:
    """Do what `read` does in the caller's snapshot."""
    head = await read_head(connection)
    blocks = await connection.fetch("SELECT block, bits FROM open_orders ORDER BY block")
    open_ids = [order_id for block, bits in blocks for order_id in ids_in(block, bits.bytes)]
    return Snapshot(
        head,
        await connection.fetch(
            "SELECT id, opened_seq, available, locked, seq, dead_man, standing,"
            " limits FROM accounts"
            " ORDER BY id"
        ),
        await connection.fetch("SELECT * FROM markets ORDER BY id"),
        await connection.fetch(
            "SELECT account_id, market_id, yes_free, yes_locked, yes_cost, no_free, no_locked,"
            " no_cost, realised FROM positions ORDER BY account_id, market_id"
        ),
        open_ids,
        await connection.fetch(
            f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ANY($1::bigint[]) ORDER BY id",  # noqa: S608 - a constant
            open_ids,
        ),
        await _read_ids(connection, head.last_seq, open_ids, segments) if with_ids else [],
        await connection.fetch("SELECT gateway, due FROM leases ORDER BY gateway"),
        await connection.fetch(
            "SELECT account_id, name, max_filled, max_net, window_s, triggered, slices"
            " FROM order_groups ORDER BY account_id, name"
        ),
    )


async def read_head(source: Fetching) -> Head:
    """Read where the engine stands; raises HistoryMismatch if the row is missing."""
    row = await source.fetchrow(
        "SELECT database_id::text, epoch, last_seq, chain_hash, stream_id, now, mode,"
        " mode_since, post_only_until, next_order_id, next_market_id, next_place, issued, fees"
        " FROM engine_state"
    )
    if row is None:
        raise HistoryMismatch("engine_state is empty")
    return Head(*row.values())


def build(snapshot: Snapshot, *, with_ids: bool) -> State:
    """Build a new state from the rows; a view does without the client ids.

    O(everything).

    Raises:
        LookupError: a row names a code, an account, a market or an order that isn't there.
    """
    head = snapshot.head
    state = State(
        seq=head.last_seq,
        now=head.now,
        mode=_MODES[head.mode],
        mode_since=head.mode_since or None,
        next_order_id=head.next_order_id,
        next_market_id=head.next_market_id,
        moved=head.next_place - head.next_order_id,
        issued=head.issued,
        fees=head.fees,
    )
    if head.post_only_until:
        set_opening(state, head.post_only_until)
    _add_accounts(state, snapshot)
    for row in snapshot.markets:
        _add_market(state, row)
    for account_id, market_id, *numbers, realised in snapshot.positions:
        position = state.open_position(account_id, market_id)
        position.realised = realised
        yes, no = position.yes, position.no
        yes.free, yes.locked, yes.cost, no.free, no.locked, no.cost = numbers
    _set_payouts(state)
    _add_groups(state, snapshot)
    _add_orders(state, snapshot)
    if with_ids:
        for key, prior in snapshot.ids:
            state.recent_ids.restore(key, prior, head.last_seq)
        state.recent_ids.forget_older(head.last_seq, state.open_client_ids)
    # What setting timers anew noted is stored already.
    state.dirty.clear()
    return state


def _add_orders(state: State, snapshot: Snapshot) -> None:
    """Add the open orders, each to its book or to those that wait for a price."""
    for order_id, row in zip_longest(snapshot.open_ids, snapshot.orders):
        if row is None or row["id"] != order_id:
            raise LookupError(f"order {order_id} is open, but isn't there")
        order = order_of(row)
        state.orders[order.id] = order
        state.accounts[order.account_id].orders[order.id] = order
        if order.conditions is not None:
            set_expiry(state, order)
            tie(state, order)
            join_group(state, order)
            if order.status is _PENDING:
                join_waiting(state, state.markets[order.market_id], order)
        if order.client_order_id is not None:
            state.open_client_ids[(order.account_id, ORDER_ID, order.client_order_id)] = order.id
    for order in sorted(state.orders.values(), key=lambda order: order.place):
        if order.status is not _PENDING:
            state.markets[order.market_id].book.own_side(order).add(order)


def _add_accounts(state: State, snapshot: Snapshot) -> None:
    for id_, opened_seq, available, locked, seq, dead_man, standing, limits in snapshot.accounts:
        account = state.accounts[id_] = Account(id_, opened_seq, available, locked, seq)
        account.standing = _STANDINGS[standing]
        account.limits = None if limits is None else _limits_of(limits, AccountLimits)
        if dead_man:
            account.dead_man = dead_man
            state.timers.set(DEAD_MAN, dead_man, id_)
    for gateway, due in snapshot.leases:
        state.leases[gateway] = due
        state.timers.set(LEASE, due, gateway)


def _add_groups(state: State, snapshot: Snapshot) -> None:
    for account_id, name, max_filled, max_net, window_s, triggered, slices in snapshot.groups:
        group = OrderGroup(account_id, name, max_filled, window_s, max_net or None)
        group.triggered = triggered
        for number, filled, net in msgspec.json.decode(slices, type=list[tuple[int, int, int]]):
            group.slices[number] = (filled, net)
            group.filled += filled
            group.net += net
        state.groups.setdefault(account_id, {})[name] = group


def _add_market(state: State, row: "asyncpg.Record") -> None:
    resolution = _RESOLUTIONS.get(row["resolution"])
    market = Market(
        id=row["id"],
        slug=row["slug"],
        question=row["question"],
        description=row["description"],
        category=row["category"],
        close_time=row["close_time"],
        tick_size=row["tick_size"],
        min_quantity=row["min_quantity"],
        maker_fee=row["maker_fee"],
        taker_fee=row["taker_fee"],
        fee_model=_FEE_MODELS[row["fee_model"]],
        status=_STATUSES[row["status"]],
        created_at=row["created_at"],
        collateral=row["collateral"],
        seq=row["seq"],
        trade_no=row["trade_no"],
        volume=row["volume"],
        last_price=row["last_price"] or None,
    )
    if resolution is not None:
        market.resolution = resolution
        market.yes_payout = row["yes_payout"]
        market.source = row["source"]
        market.resolved_at = row["resolved_at"]
    market.next_payout = row["next_payout"] or None
    limits = row["limits"]
    market.limits = None if limits is None else _limits_of(limits, MarketLimits)
    if row["extremes"] is not None:
        market.extremes = msgspec.json.decode(row["extremes"], type=Window)
    judge(state, market)
    if row["resumes_at"]:
        set_reopening(state, market, row["resumes_at"])
    state.markets[market.id] = market
    state.market_by_slug[market.slug] = market
    if market.status in UNFINISHED:
        state.timers.set(CLOSING, market.close_time, market.id)


def _limits_of(text: str, kind: type[Limits]) -> Limits:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise LookupError(f"limits that this Probity doesn't know: {error}") from error


def _set_payouts(state: State) -> None:
    """Go on paying where a resolution was interrupted; positions are there."""
    for market in state.markets.values():
        if market.next_payout is not None:
            market.unpaid = market.holders()
            state.timers.set(PAYOUT, market.next_payout, market.id)


async def _read_ids(
    connection: Connection, last_seq: int, open_ids: list[int], segments: Segments | None
) -> list[tuple[Key, Prior]]:
    """Read the ids that the core remembers: of open orders, and of the last commands.

    The latter come from the journal, so that the table of ids needs no index by sequence.
    """
    window_start = last_seq - RECENT_IDS
    older = await connection.fetch(
        "SELECT o.account_id, o.client_order_id, i.command_seq, i.fingerprint"
        "  FROM orders o JOIN idempotency i ON i.account_id = o.account_id"
        "   AND i.client_id = o.client_order_id AND i.kind = $2"
        " WHERE o.id = ANY($3::bigint[]) AND o.placed_seq <= $1 ORDER BY i.command_seq",
        window_start,
        ORDER_ID,
        open_ids,
    )
    ids = [
        ((account_id, ORDER_ID, text), Prior(seq, fingerprint))
        for account_id, text, seq, fingerprint in older
    ]
    for execution in await executions_after(JournalSource(connection, segments), window_start):
        ids += [(use.key, use.prior) for use in first_uses(execution)]
    return ids
