"""The exchange's tables in memory, with the procedure that writes a batch as PostgreSQL has it.

Laws: what `commit_batch` of migration 0057 does with its arguments is done here with the same bytes
and texts, so that what an engine reads back was laid out by the product and by nobody else; a batch
is written whole or not at all; rows are replaced and never changed, so that a copy of the
dictionaries is a snapshot.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from exchange.proof.ledger import Owner
from persistence.journal.order_rows import COLUMNS as ORDER_COLUMNS
from persistence.journal.rows import GENESIS_HASH, JournalRow

_ORDER: Final = struct.Struct(">qqqqqqqqqqqqqqHBBBBBBBq")
_ORDER_CHANGE: Final = struct.Struct(">qqqqqqqqBB")
_ENTRY: Final = struct.Struct(">qqqqqqqqqqiBB")
_ID: Final = struct.Struct(">qqqB")
_ACCOUNT: Final = struct.Struct(">qqqqq")
_POSITION: Final = struct.Struct(">qqqqqqqqq")
_MARKET: Final = struct.Struct(">qqqqqqHHBB")
_BLOCK: Final = struct.Struct(">q64s")
_ORDER_NAMES: Final = tuple(name.strip() for name in ORDER_COLUMNS.split(","))
_PLACED: Final = (
    *("id", "account_id", "market_id", "quantity", "max_cost", "filled", "filled_cash"),
    *("fees_paid", "fee_carry", "locked", "placed_seq", "seq", "created_at", "updated_at"),
    *("price", "side", "outcome", "type", "time_in_force", "self_trade_prevention", "status"),
    *("cancel_reason", "place"),
)
_CHANGED: Final = (
    *("id", "filled", "filled_cash", "fees_paid", "fee_carry", "locked", "seq", "updated_at"),
    *("status", "cancel_reason"),
)
_POSITION_NAMES: Final = (
    *("account_id", "market_id", "yes_free", "yes_locked", "yes_cost"),
    *("no_free", "no_locked", "no_cost", "realised"),
)
_MARKET_CHANGED: Final = (
    *("id", "collateral", "seq", "trade_no", "volume", "resolved_at", "last_price"),
    *("yes_payout", "status", "resolution"),
)
_NEW_MARKET: Final = dict.fromkeys((*_MARKET_CHANGED[1:], "next_payout", "resumes_at"), 0) | {
    "source": "",
    "limits": None,
    "extremes": None,
}
_REACHED: Final = ("commands_ms", "commands_no")
_COPIED: Final = ("accounts", "markets", "positions", "orders", "open_orders", "ids", "ledger")


class FenceLost(Exception):
    """What SQLSTATE PB001 says."""


class Unstorable(Exception):
    """A row that a constraint refuses."""


class Row(dict[str, Any]):
    """A record as asyncpg gives one: by name, by place, and unpacked into its values."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def __missing__(self, place: Any) -> Any:
        return list(self.values())[place]


class Tables:
    """All of them; `refuses` says which orders break a constraint."""

    def __init__(self, refuses: Callable[[Row], bool] = lambda _: False) -> None:
        self.refuses = refuses
        self.engine = Row(
            database_id="1",
            epoch=0,
            last_seq=0,
            chain_hash=GENESIS_HASH,
            stream_id=None,
            now=0,
            mode=1,
            mode_since=0,
            post_only_until=0,
            next_order_id=1,
            next_market_id=1,
            next_place=1,
            commands_ms=0,
            commands_no=0,
            last_stream_id=None,
            last_commands_ms=0,
            last_commands_no=0,
            issued=0,
            fees=0,
        )
        self.journal: list[JournalRow] = []
        self.accounts: dict[int, Row] = {}
        self.markets: dict[int, Row] = {}
        self.positions: dict[tuple[int, int], Row] = {}
        self.orders: dict[int, Row] = {}
        self.open_orders: dict[int, bytes] = {}
        self.ids: dict[tuple[int, str, int], tuple[int, bytes]] = {}
        self.ledger: dict[int, tuple[tuple[int, int, int, int], ...]] = {}
        """Of each account (sequence, number in it, free, locked after it)."""
        self.leases: dict[int, int] = {}
        self.groups: dict[tuple[int, str], Row] = {}

    def snapshot(self) -> "Tables":
        """Return what stands here now."""
        copy = Tables(self.refuses)
        copy.become(self)
        return copy

    def become(self, other: "Tables") -> None:
        """Take over what stands in another."""
        self.engine, self.journal = Row(other.engine.items()), list(other.journal)
        for name in (*_COPIED, "leases", "groups"):
            setattr(self, name, dict(getattr(other, name)))

    def raise_epoch(self, stream_id: str | None) -> None:
        """Fence off every engine before, and note how far it came in its stream of commands."""
        engine = self._engine()
        ended = {f"last_{name}": engine[name] for name in ("stream_id", *_REACHED)}
        begun = {"epoch": engine["epoch"] + 1, "stream_id": stream_id}
        self.engine = Row(engine | ended | begun | dict.fromkeys(_REACHED, 0))

    def holds_the_fence(
        self, epoch: int, previous_seq: int, previous_hash: bytes, reached: tuple[int, int]
    ) -> bool:
        """Say whether the engine that leads writes behind the last batch, and doesn't go back in
        its stream of commands.
        """
        engine = self.engine
        place = epoch, previous_seq, previous_hash
        if (engine["commands_ms"], engine["commands_no"]) > reached:
            return False
        return place == (engine["epoch"], engine["last_seq"], engine["chain_hash"])

    def commit_batch(self, *arguments: Any) -> JournalRow:
        """Write a batch, or raise FenceLost or Unstorable and write nothing."""
        epoch, previous_seq, previous_hash, last_seq, hash_, at, rules, payload = arguments[:8]
        ms, number = arguments[34:]
        if not self.holds_the_fence(epoch, previous_seq, previous_hash, (ms, number)):
            raise FenceLost
        mode, order_id, market_id, issued, fees = arguments[8:13]
        placed, placed_ids, conditions, changed, _traded, posted = arguments[13:19]
        used, used_ids, fingerprints, opened, accounts, held, markets, blocks = arguments[19:27]
        listed, resolved, _settled, _credited, amended, place, rare = arguments[27:34]
        new = list(self._placed(placed.bytes, placed_ids, conditions))
        if any(self.refuses(row) for row in new):
            raise Unstorable
        self.engine = Row(
            self._engine()
            | {"last_seq": last_seq, "chain_hash": hash_, "now": at, "mode": mode}
            | {"next_order_id": order_id, "next_market_id": market_id, "next_place": place}
            | {"issued": issued, "fees": fees, "commands_ms": ms, "commands_no": number}
        )
        row = JournalRow(
            previous_seq + 1, last_seq, epoch, at, rules, payload, previous_hash, hash_
        )
        self.journal.append(row)
        self.orders |= {order["id"]: order for order in new}
        self._replace(self.orders, _ORDER_CHANGE, _CHANGED, changed.bytes)
        for one in msgspec.json.decode(amended):
            one["conditions"] = _text(one["conditions"])
            self._update(self.orders, one)
        self._post(posted.bytes)
        lines = zip(used_ids.split("\n"), fingerprints.split("\n"), strict=True)
        for (account, seq, _, kind), (text, print_) in zip(
            _ID.iter_unpack(used.bytes), lines if used.bytes else (), strict=True
        ):
            self.ids[account, text, kind] = seq, bytes.fromhex(print_[2:])
        self._keep_accounts(opened.bytes, accounts.bytes)
        for numbers in _POSITION.iter_unpack(held.bytes):
            self.positions[numbers[:2]] = Row(zip(_POSITION_NAMES, numbers, strict=True))
        for block, bits in _BLOCK.iter_unpack(blocks.bytes):
            self.open_orders[block] = bits
            if not any(bits):
                del self.open_orders[block]
        for one in msgspec.json.decode(listed):
            self.markets[one["id"]] = Row(one | _NEW_MARKET)
        self._replace(self.markets, _MARKET, _MARKET_CHANGED, markets.bytes)
        for one in msgspec.json.decode(resolved):
            self._update(self.markets, one)
        self._keep_rare(msgspec.json.decode(rare))
        return row

    def _engine(self) -> dict[str, Any]:
        return dict(self.engine.items())

    @staticmethod
    def _placed(rows: bytes, ids: str, conditions: list[str | None]) -> Iterator[Row]:
        names = ids.split("\n") if ids else []
        for number, values in enumerate(_ORDER.iter_unpack(rows)):
            found = dict(zip(_PLACED, values, strict=True))
            found["client_order_id"] = (names[number] or None) if names else None
            found["conditions"] = conditions[number] if conditions else None
            found["version"] = 0
            yield Row((name, found[name]) for name in _ORDER_NAMES)

    @staticmethod
    def _update(table: dict[int, Row], change: dict[str, Any]) -> None:
        table[change["id"]] = Row(dict(table[change["id"]].items()) | change)

    def _replace(
        self, table: dict[int, Row], layout: struct.Struct, names: tuple[str, ...], rows: bytes
    ) -> None:
        for values in layout.iter_unpack(rows):
            self._update(table, dict(zip(names, values, strict=True)))

    def _post(self, rows: bytes) -> None:
        entries = sorted(
            _ENTRY.iter_unpack(rows), key=lambda entry: (entry[0], entry[1], entry[10])
        )
        for owner_id, seq, _, _, free, locked, _, _, _, _, number, owner, _ in entries:
            if owner == Owner.ACCOUNT:
                before = self.ledger.get(owner_id, ())
                self.ledger[owner_id] = (*before, (seq, number, free, locked))

    def _keep_accounts(self, opened: bytes, changed: bytes) -> None:
        for id_, seq_opened, available, locked, seq in _ACCOUNT.iter_unpack(opened):
            self.accounts[id_] = Row(
                id=id_,
                opened_seq=seq_opened,
                available=available,
                locked=locked,
                seq=seq,
                dead_man=0,
                standing=1,
                limits=None,
            )
        for id_, _, available, locked, seq in _ACCOUNT.iter_unpack(changed):
            change = {"id": id_, "available": available, "locked": locked, "seq": seq}
            self._update(self.accounts, change)

    def _keep_rare(self, rare: dict[str, list[dict[str, Any]]]) -> None:
        for name, table in (("market_limits", self.markets), ("account_limits", self.accounts)):
            for one in rare.get(name, ()):
                self._update(table, one | {"limits": _text(one["limits"])})
        for one in rare.get("windows", ()):
            self._update(self.markets, one | {"extremes": _text(one["extremes"])})
        for name in ("edited", "reopenings", "payouts"):
            for one in rare.get(name, ()):
                self._update(self.markets, one)
        for one in rare.get("switches", ()):
            self._update(self.accounts, one)
        for one in rare.get("modes", ()):
            self.engine["mode_since"] = one["since"]
            self.engine["post_only_until"] = one["post_only_until"]
        for one in rare.get("groups", ()):
            key = one["account_id"], one["name"]
            self.groups[key] = Row(one | {"slices": _text(one["slices"])})
        for one in rare.get("leases", ()):
            self.leases[one["gateway"]] = one["due"]
            if not one["due"]:
                del self.leases[one["gateway"]]


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
