"""Making a proof: one picture of the tables, a leaf for each account, what is said of the whole.

What is summed for an account, in money:

    available    what it may spend
    locked       what its open BUY orders have locked
    collateral   its part of the collateral of markets: half a credit for each share of a market
                 that isn't decided, and what a share is paid in one that is being paid

Laws: as there are as many YES as NO shares, each market's collateral is exactly what its shares sum
to, so the root's sums and the fees are what was issued. A proof whose sums don't agree is not made:
that is the checker's to tell of. Leaves lie in the order of their salts, which are secret, so whose
leaf is another's neighbour says nothing; a salt of another proof tells nothing of this one.
Memory: 250 to 350 bytes an account.
"""

import hmac
import secrets
import struct
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import MarketStatus
from exchange.messages.units import format_money
from persistence.clock import now_us
from persistence.errors import PersistenceError
from persistence.journal import tables
from persistence.journal.codes import MARKET_STATUS
from persistence.postgres.database import Connection, connect
from persistence.proof.solvency.tree import (
    PART_LEAVES,
    Node,
    empty_part,
    leaf,
    levels,
    packed,
    part_levels,
    path,
)

MARKETS_MAX: Final = 1_000
"""Markets that a statement names, those with the most collateral first; others are added up."""
LOCK: Final = 0x70726F6270726F6F
"""Of PostgreSQL's advisory locks: whoever makes a proof holds it."""
_SESSION: Final = {
    "application_name": "probity proof",
    "statement_timeout": "60000",
    "idle_in_transaction_session_timeout": "60000",
}
_PREFETCH: Final = 5_000
_PAID: Final = MARKET_STATUS[MarketStatus.RESOLVING]
_ACCOUNTS: Final = f"""
SELECT a.id, a.available, a.locked, coalesce(s.collateral, 0)::bigint
  FROM accounts AS a LEFT JOIN (
       SELECT p.account_id, sum(CASE m.status WHEN {_PAID} THEN
              (p.yes_free + p.yes_locked)::numeric * m.yes_payout
              + (p.no_free + p.no_locked)::numeric * ({PRICE_SCALE} - m.yes_payout)
              ELSE (p.yes_free + p.yes_locked + p.no_free + p.no_locked)::numeric
              * {PRICE_SCALE // 2} END) AS collateral
         FROM positions AS p JOIN markets AS m ON m.id = p.market_id
        GROUP BY p.account_id) AS s ON s.account_id = a.id
"""  # noqa: S608 - constants
_MARKETS: Final = (
    "SELECT id, collateral FROM markets WHERE collateral <> 0 ORDER BY collateral DESC, id"
)
_ADD_PROOF: Final = (
    "INSERT INTO proofs (id, made_at, seq, statement, secret) VALUES ($1, $2, $3, $4, $5)"
)
_ADD_PART: Final = (
    "INSERT INTO proof_parts (proof_id, first_salt, place, owners, leaves, path)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)
_LEAF: Final = struct.Struct(">32s4Q")


class ProofImpossible(PersistenceError):
    """The sums don't agree, so nothing may be said of them."""


class MarketCollateral(msgspec.Struct, frozen=True, rename="camel"):
    """What lies in a market."""

    market_id: str
    collateral: str


class OtherMarkets(msgspec.Struct, frozen=True, rename="camel"):
    """Those that aren't named."""

    count: int
    collateral: str


class Statement(msgspec.Struct, frozen=True, rename="camel"):
    """What is signed. `database_id` is the exchange's, `chain_head` the hash of its journal at the
    command `seq`, `root` that of the tree, all in hexadecimal; amounts are credits.
    """

    version: int
    proof_id: str
    database_id: str
    made_at: int
    """Microseconds since the epoch."""
    seq: int
    chain_head: str
    accounts: int
    levels: int
    """From a leaf to the root."""
    root: str
    available: str
    locked: str
    collateral: str
    fees: str
    issued: str
    markets: list[MarketCollateral]
    other_markets: OtherMarkets


async def make_proof(url: str, clock: Callable[[], int] = now_us) -> int | None:
    """Make a proof of the exchange as it is; return its number, None where another one is made.

    `url` passes any pooler. Raises ProofImpossible, DatabaseUnavailable, asyncpg's errors.
    """
    connection = await connect(url, settings=_SESSION)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return None
        number: int = await connection.fetchval(
            "SELECT nextval(pg_get_serial_sequence('proofs', 'id'))"
        )
        secret = secrets.token_bytes(32)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            head = await tables.read_head(connection)
            leaves = await _leaves(connection, secret)
            markets = [(row["id"], row["collateral"]) for row in await connection.fetch(_MARKETS)]
        parts = [
            _Part(place, leaves[start : start + PART_LEAVES]) for place, start in _starts(leaves)
        ]
        above = levels([part.root for part in parts], empty_part())
        statement = _statement(number, clock(), head, len(leaves), above, markets)
        async with connection.transaction():
            text = msgspec.json.encode(statement)
            await connection.execute(
                _ADD_PROOF, number, statement.made_at, statement.seq, text, secret
            )
            for part in parts:
                await connection.execute(_ADD_PART, number, *part.row(path(above, part.place)))
        return number
    finally:
        await connection.close()


def salt_of(secret: bytes, account_id: int) -> bytes:
    """Return the salt of an account's leaf, which only the exchange and its owner know."""
    return hmac.digest(secret, account_id.to_bytes(8), "sha256")


def place_of(owners: bytes, account_id: int) -> int | None:
    """Return which leaf of a part is an account's, by the part's owners; None if none is."""
    wanted = account_id.to_bytes(8)
    at = owners.find(wanted)
    while at % 8 and at != -1:
        at = owners.find(wanted, at + 1)
    return None if at == -1 else at // 8


async def _leaves(connection: Connection, secret: bytes) -> list[bytes]:
    """Return what is in each leaf, in the order of their salts."""
    found = []
    async for account_id, *sums in connection.cursor(_ACCOUNTS, prefetch=_PREFETCH):
        try:
            found.append(_LEAF.pack(salt_of(secret, account_id), account_id, *sums))
        except struct.error:
            raise ProofImpossible(f"account {account_id} has less than nothing") from None
    found.sort()
    return found


def _starts(leaves: list[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the places of parts and where each begins; without an account there is one part."""
    return enumerate(range(0, max(len(leaves), 1), PART_LEAVES))


class _Part:
    """Some leaves, and what is above them."""

    def __init__(self, place: int, leaves: list[bytes]) -> None:
        self.place = place
        unpacked = [_LEAF.unpack(one) for one in leaves]
        self._first_salt = unpacked[0][0] if unpacked and place else bytes(32)
        self._owners = b"".join(one[1].to_bytes(8) for one in unpacked)
        self._leaves = [leaf(*one) for one in unpacked]
        self.root = part_levels(self._leaves)[-1][0]

    def row(self, above: list[Node]) -> tuple[bytes, int, bytes, bytes, bytes]:
        return self._first_salt, self.place, self._owners, packed(self._leaves), packed(above)


def _statement(
    number: int,
    made_at: int,
    head: tables.Head,
    accounts: int,
    above: list[list[Node]],
    markets: list[tuple[int, int]],
) -> Statement:
    """Return what is said of the whole; raises ProofImpossible where it doesn't agree."""
    root = above[-1][0]
    collateral = sum(amount for _, amount in markets)
    if root.collateral != collateral:
        told = f"{format_money(collateral)}, its shares are worth {format_money(root.collateral)}"
        raise ProofImpossible(f"the collateral is {told}")
    total = root.available + root.locked + root.collateral + head.fees
    if total != head.issued:
        told = f"{format_money(head.issued)} were issued, {format_money(total)} are there"
        raise ProofImpossible(told)
    others = markets[MARKETS_MAX:]
    return Statement(
        version=1,
        proof_id=str(number),
        database_id=head.database_id,
        made_at=made_at,
        seq=head.last_seq,
        chain_head=head.chain_hash.hex(),
        accounts=accounts,
        levels=PART_LEAVES.bit_length() - 1 + len(above) - 1,
        root=root.hash.hex(),
        available=format_money(root.available),
        locked=format_money(root.locked),
        collateral=format_money(root.collateral),
        fees=format_money(head.fees),
        issued=format_money(head.issued),
        markets=[
            MarketCollateral(str(market_id), format_money(amount))
            for market_id, amount in markets[:MARKETS_MAX]
        ],
        other_markets=OtherMarkets(len(others), format_money(sum(amount for _, amount in others))),
    )
