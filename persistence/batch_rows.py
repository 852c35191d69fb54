"""A batch of commands as the rows that store it: what each command adds, and the after-images of
what the batch changed.

    per command    journal payload, trades, ledger entries (with the balance after each), client ids
    per batch      orders, accounts, positions, markets as they stand after its last command

Laws: rows are made from events and from what `state.dirty` lists, no rule of the exchange is asked;
the balances after each entry are summed up here from the ledger alone and compared with the
accounts, so that a drift between the two is caught before it is stored. The layouts are those that
`commit_batch` of migration 0002 reads: fixed-width numbers in network order. Strictly for speed, a
word's code is picked by identity where one of two words is by far the most frequent.
"""

import struct
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from asyncpg import BitString

from exchange import ledger
from exchange.accounts import Account
from exchange.bounds import PRICE_SCALE
from exchange.engine import Execution
from exchange.errors import InvariantViolated
from exchange.events import MarketCreated, MarketResolved, OrderPlaced, TradeExecuted
from exchange.idempotency import ORDER_ID
from exchange.ledger import Owner
from exchange.market import Market
from exchange.order_book import Order
from exchange.state import State
from exchange.terms import BUY, GTC, LIMIT, YES, OrderStatus, SelfTradePrevention, TradeKind
from persistence.codes import (
    CANCEL_REASON,
    EXCHANGE_MODE,
    FEE_MODEL,
    MARKET_STATUS,
    ORDER_STATUS,
    ORDER_TYPE,
    RESOLUTION,
    SELF_TRADE_PREVENTION,
    TIME_IN_FORCE,
    TRADE_KIND,
)
from persistence.journal_rows import encode_execution

_pack_order: Final = struct.Struct(">qqqqqqqqqqqqqqHBBBBBBBB").pack
_pack_order_change: Final = struct.Struct(">qqqqqqqqBBB").pack
_pack_trade: Final = struct.Struct(">qqqqqqqqqqqqHHBBB").pack
_pack_entry: Final = struct.Struct(">qqqqqqqqqqiBB").pack
_pack_id: Final = struct.Struct(">qqqB").pack
_pack_account: Final = struct.Struct(">qqqqq").pack
_pack_position: Final = struct.Struct(">qqqqqqqqq").pack
_pack_market: Final = struct.Struct(">qqqqqqHHBB").pack

_OPEN: Final = OrderStatus.OPEN
_PARTIAL: Final = OrderStatus.PARTIAL
_FILLED: Final = OrderStatus.FILLED
_CANCEL_TAKER: Final = SelfTradePrevention.CANCEL_TAKER
_MINT: Final = TradeKind.MINT
_ACCOUNT: Final = int(Owner.ACCOUNT)
_RARE: Final = frozenset({MarketCreated, MarketResolved})


class ListedMarket(msgspec.Struct, frozen=True):
    """The terms of a new market, named as their columns are."""

    id: int
    slug: str
    question: str
    description: str
    category: str
    close_time: int
    tick_size: int
    min_quantity: int
    maker_fee: int
    taker_fee: int
    fee_model: int
    created_at: int


class ResolvedMarket(msgspec.Struct, frozen=True):
    """Where a resolution was read."""

    id: int
    source: str


class BatchRows:
    """The rows of one batch, growing command by command until `after_images` ends it."""

    __slots__ = (
        "commands",
        "entries",
        "id_fingerprints",
        "id_texts",
        "ids",
        "listed",
        "payload",
        "resolved",
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

    def per_command(self) -> tuple[Any, ...]:
        """Return the arguments of `commit_batch` from `traded` to `used_fingerprints`."""
        return (
            packed(self.trades),
            packed(self.entries),
            packed(self.ids),
            self.id_texts,
            self.id_fingerprints,
        )


class RunningBalances:
    """Every owner's cash as the sum of the ledger, one step ahead of nothing but the journal."""

    __slots__ = ("_balances",)

    def __init__(self, state: State) -> None:
        self._balances: dict[tuple[int, int], list[int]] = {
            (_ACCOUNT, account.id): [account.available, account.locked]
            for account in state.accounts.values()
        }
        for market in state.markets.values():
            self._balances[(int(Owner.COLLATERAL), market.id)] = [market.collateral, 0]
        self._balances[(int(Owner.FEES), 0)] = [state.fees, 0]
        self._balances[(int(Owner.ISSUANCE), 0)] = [-state.issued, 0]

    def post(self, execution: Execution, rows: list[bytes]) -> None:
        """Append a row for each ledger entry of a command."""
        seq, at = execution.seq, execution.at
        balances = self._balances
        for number, entry in enumerate(ledger.entries(execution.events)):
            owner, owner_id = entry.owner, entry.owner_id
            available, locked = entry.available, entry.locked
            balance = balances.get((owner, owner_id))
            if balance is None:
                balance = balances[(owner, owner_id)] = [0, 0]
            balance[0] += available
            balance[1] += locked
            rows.append(
                _pack_entry(
                    owner_id,
                    seq,
                    available,
                    locked,
                    balance[0],
                    balance[1],
                    entry.market_id,
                    entry.order_id,
                    entry.trade_no,
                    at,
                    number,
                    owner,
                    entry.kind,
                )
            )

    def compare(self, accounts: Iterable[Account]) -> None:
        """Raise InvariantViolated where the ledger and an account disagree (RULEBOOK 10, 1)."""
        for account in accounts:
            balance = self._balances.get((_ACCOUNT, account.id), (0, 0))
            if balance[0] != account.available or balance[1] != account.locked:
                raise InvariantViolated(
                    f"1: account {account.id} has {account.available}, {account.locked}; its"
                    f" ledger entries sum to {balance[0]}, {balance[1]}"
                )


def add_execution(rows: BatchRows, balances: RunningBalances, execution: Execution) -> None:
    """Append what one command stores by itself, its client id apart."""
    rows.commands += 1
    rows.payload.append(encode_execution(execution))
    for event in execution.events:
        if isinstance(event, TradeExecuted):
            rows.trades.append(_trade_row(event, execution))
        elif type(event) not in _RARE:
            continue
        elif isinstance(event, MarketCreated):
            rows.listed.append(_listed(event, execution.at))
        elif isinstance(event, MarketResolved):
            rows.resolved.append(ResolvedMarket(event.market_id, event.source))
    balances.post(execution, rows.entries)


def add_ids(rows: BatchRows, state: State, executions: list[Execution]) -> None:
    """Append the client ids that these commands were the first to use, and forget them."""
    added = state.recent_ids.added
    if not added:
        return
    first_seq = executions[0].seq
    for (account_id, kind, text), prior in added:
        order_id = 0
        if kind == ORDER_ID:
            first = executions[prior.seq - first_seq].events[0]
            if isinstance(first, OrderPlaced):
                order_id = first.order_id
        rows.ids.append(_pack_id(account_id, prior.seq, order_id, kind))
        rows.id_texts.append(text)
        rows.id_fingerprints.append(prior.fingerprint)
    added.clear()


def after_images(rows: BatchRows, state: State, previous_seq: int) -> dict[str, Any]:
    """Return the rest of the arguments of `commit_batch` by name; reads `state.dirty` whole."""
    dirty = state.dirty
    placed: list[bytes] = []
    placed_ids: list[str | None] = []
    changed: list[bytes] = []
    for order in dirty.orders.values():
        if order.placed_seq > previous_seq:
            placed.append(_order_row(order))
            placed_ids.append(order.client_order_id)
        else:
            changed.append(_order_change(order))
    opened: list[bytes] = []
    accounts: list[bytes] = []
    for account in dirty.accounts.values():
        row = _pack_account(
            account.id, account.opened_seq, account.available, account.locked, account.seq
        )
        (opened if account.opened_seq > previous_seq else accounts).append(row)
    return {
        "placed": packed(placed),
        "placed_ids": placed_ids if any(placed_ids) else [],
        "changed": packed(changed),
        "opened_accounts": packed(opened),
        "changed_accounts": packed(accounts),
        "held": packed(_position_rows(state)),
        "changed_markets": packed([_market_row(market) for market in dirty.markets.values()]),
        "listed": msgspec.json.encode(rows.listed).decode(),
        "resolved": msgspec.json.encode(rows.resolved).decode(),
    }


def mode_code(state: State) -> int:
    """Return the number of the exchange's mode."""
    return EXCHANGE_MODE[state.mode]


def packed(rows: list[bytes]) -> BitString:
    """Join rows into one parameter."""
    return BitString.frombytes(b"".join(rows))


def _order_row(order: Order) -> bytes:
    status, reason = order.status, order.cancel_reason
    kind, tif, prevention = order.type, order.time_in_force, order.self_trade_prevention
    return _pack_order(
        order.id,
        order.account_id,
        order.market_id,
        order.quantity or 0,
        order.max_cost or 0,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.locked,
        order.placed_seq,
        order.seq,
        order.created_at,
        order.updated_at,
        order.price or 0,
        1 if order.side is BUY else 2,
        1 if order.outcome is YES else 2,
        1 if kind is LIMIT else ORDER_TYPE[kind],
        1 if tif is GTC else TIME_IN_FORCE[tif],
        1 if prevention is _CANCEL_TAKER else SELF_TRADE_PREVENTION[prevention],
        3 if status is _FILLED else 1 if status is _OPEN else ORDER_STATUS[status],
        0 if reason is None else CANCEL_REASON[reason],
        status is _OPEN or status is _PARTIAL,
    )


def _order_change(order: Order) -> bytes:
    status, reason = order.status, order.cancel_reason
    return _pack_order_change(
        order.id,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.locked,
        order.seq,
        order.updated_at,
        3 if status is _FILLED else ORDER_STATUS[status],
        0 if reason is None else CANCEL_REASON[reason],
        status is _OPEN or status is _PARTIAL,
    )


def _trade_row(trade: TradeExecuted, execution: Execution) -> bytes:
    kind = trade.kind
    return _pack_trade(
        trade.market_id,
        trade.trade_no,
        execution.seq,
        trade.market_seq,
        trade.quantity,
        trade.taker_order_id,
        trade.taker_account_id,
        trade.taker_fee,
        trade.maker_order_id,
        trade.maker_account_id,
        trade.maker_fee,
        execution.at,
        trade.price,
        trade.yes_price,
        2 if kind is _MINT else TRADE_KIND[kind],
        1 if trade.side is BUY else 2,
        1 if trade.outcome is YES else 2,
    )


def _position_rows(state: State) -> list[bytes]:
    touched = dict.fromkeys((held.account_id, held.market_id) for held in state.dirty.holdings)
    rows = []
    for account_id, market_id in touched:
        position = state.markets[market_id].positions[account_id]
        yes, no = position.yes, position.no
        rows.append(
            _pack_position(
                account_id,
                market_id,
                yes.free,
                yes.locked,
                yes.cost,
                no.free,
                no.locked,
                no.cost,
                position.realised,
            )
        )
    return rows


def _market_row(market: Market) -> bytes:
    return _pack_market(
        market.id,
        market.collateral,
        market.seq,
        market.trade_no,
        market.volume,
        market.resolved_at or 0,
        market.last_price or 0,
        market.yes_payout or 0,
        MARKET_STATUS[market.status],
        0 if market.resolution is None else RESOLUTION[market.resolution],
    )


def _listed(event: MarketCreated, at: int) -> ListedMarket:
    return ListedMarket(
        event.market_id,
        event.slug,
        event.question,
        event.description,
        event.category,
        event.close_time,
        event.tick_size,
        event.min_quantity,
        event.maker_fee,
        event.taker_fee,
        FEE_MODEL[event.fee_model],
        at,
    )


def _check_codes() -> None:
    """The codes picked by identity above are those of `codes`."""
    picked = (
        (ORDER_TYPE[LIMIT], 1),
        (TIME_IN_FORCE[GTC], 1),
        (SELF_TRADE_PREVENTION[_CANCEL_TAKER], 1),
        (ORDER_STATUS[_OPEN], 1),
        (ORDER_STATUS[_FILLED], 3),
        (TRADE_KIND[_MINT], 2),
    )
    if any(code != number for code, number in picked) or PRICE_SCALE >= 2**15:
        raise InvariantViolated("batch_rows: a code or a width doesn't fit")


_check_codes()
