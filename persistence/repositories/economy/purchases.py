"""The table of purchases: credits that somebody buys, from being charged to being given.

    CHARGING --> PAID       the provider was paid; an intent of that moment gives the credits
        |           '--> REFUSED --> REFUNDED   the engine didn't give them; the money went back
        '------> DECLINED   the provider wasn't paid; nothing is given

Laws: a purchase is stored before its provider is asked; who adds one holds its owner's row, so of
any number that come under one request id one is stored. It moves on once from each state, whoever
comes first. Credits are money, prices hundredths of the currency, times microseconds.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.clock import AHEAD_US, MICROSECONDS
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

CLAIM_US: Final = 30 * MICROSECONDS
"""For so long nobody else goes on with what somebody is doing."""
_COLUMNS: Final = (
    "p.id, p.account_id, p.request_id, p.package, p.credits, p.price, p.currency, p.provider,"
    " p.method, p.status, p.created_at, p.intent_id"
)
_SHOWN: Final = (
    f"SELECT {_COLUMNS}, i.status FROM purchases p LEFT JOIN money_intents i ON i.id = p.intent_id"  # noqa: S608 - a constant
)
_ADD: Final = (
    "INSERT INTO purchases AS p (account_id, request_id, package, credits, price, currency,"  # noqa: S608 - a constant
    " provider, method, created_at, tried_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"
    f" RETURNING {_COLUMNS}, NULL"
)
# A try that lies ahead of now is of a clock that was wrong: nobody is at it.
_CLAIM: Final = (
    "UPDATE purchases p SET tried_at = $1 WHERE id IN (SELECT id FROM purchases"  # noqa: S608 - constants
    " WHERE status IN ('CHARGING', 'REFUSED')"
    f" AND (tried_at <= $2 OR tried_at > $1::bigint + {AHEAD_US}) ORDER BY tried_at LIMIT $3"
    f" FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}, NULL"
)


class NewPurchase(msgspec.Struct, frozen=True):
    """What is to be bought, and how it is paid; `request_id` is whoever asks' own."""

    account_id: int
    request_id: str | None
    package: str
    credits: int
    price: int
    currency: str
    provider: str
    method: str


class Purchase(NewPurchase, frozen=True):
    """A purchase as it stands; `intent_status` is None until there is an intent."""

    id: int
    status: str
    created_at: int
    intent_id: int | None
    intent_status: str | None

    @property
    def reference(self) -> str:
        """Its id at the provider, and in the exchange."""
        return f"purchase:{self.account_id}:{self.id}"

    def is_same(self, other: NewPurchase) -> bool:
        """Whether somebody who asks for `other` asks for this one again."""
        return (self.package, self.method) == (other.package, other.method)


class Purchases:
    """Reads and writes purchases."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    @staticmethod
    async def hold_owner(connection: Any, account_id: int) -> None:  # noqa: ANN401 - the pool's
        """Hold a person's row until the transaction ends."""
        await connection.execute(HOLD_OWNER, account_id)

    @staticmethod
    async def asked_before(source: Fetching, new: NewPurchase) -> Purchase | None:
        """Return the purchase of its request id; None if there is none."""
        if new.request_id is None:
            return None
        row = await source.fetchrow(
            f"{_SHOWN} WHERE p.account_id = $1 AND p.request_id = $2",
            new.account_id,
            new.request_id,
        )
        return None if row is None else _purchase(row)

    @staticmethod
    async def add(source: Fetching, new: NewPurchase, now: int) -> Purchase:
        """Store a purchase that its provider is asked for next."""
        return _purchase(await source.fetchrow(_ADD, *msgspec.structs.astuple(new), now))

    async def by_id(self, purchase_id: int) -> Purchase:
        """Return a purchase as it stands."""
        return _purchase(await self._pool.fetchrow(f"{_SHOWN} WHERE p.id = $1", purchase_id))

    async def page(self, account_id: int, before: int, limit: int) -> list[Purchase]:
        """Return a person's purchases below the id `before`, newest first."""
        rows = await self._pool.fetch(
            f"{_SHOWN} WHERE p.account_id = $1 AND p.id < $2 ORDER BY p.id DESC LIMIT $3",
            *(account_id, before, limit),
        )
        return [_purchase(row) for row in rows]

    async def claim(self, now: int, limit: int) -> list[Purchase]:
        """Take over at most `limit` that are charged for, or to be refunded, by nobody just now."""
        rows = await self._pool.fetch(_CLAIM, now, now - CLAIM_US, limit)
        return [_purchase(row) for row in rows]

    @staticmethod
    async def hold_charging(connection: Any, purchase_id: int) -> bool:  # noqa: ANN401 - the pool's
        """Hold a purchase until the transaction ends; say whether it is still charged for."""
        held = await connection.fetchval(
            "SELECT id FROM purchases WHERE id = $1 AND status = 'CHARGING' FOR UPDATE", purchase_id
        )
        return held is not None

    @staticmethod
    async def pay(connection: Any, purchase_id: int, intent_id: int) -> None:  # noqa: ANN401 - the pool's
        """Note that a purchase was paid for, and by which intent its credits are given."""
        await connection.execute(
            "UPDATE purchases SET status = 'PAID', intent_id = $2 WHERE id = $1",
            *(purchase_id, intent_id),
        )

    async def decline(self, purchase_id: int) -> bool:
        """Note that a purchase was not paid for; say whether that is news."""
        return await self._move(purchase_id, "CHARGING", "DECLINED")

    async def refunded(self, purchase_id: int) -> bool:
        """Note that the money of a refused purchase went back; say whether that is news."""
        return await self._move(purchase_id, "REFUSED", "REFUNDED")

    @staticmethod
    async def refuse(connection: Any, intent_id: int) -> None:  # noqa: ANN401 - the pool's
        """Note that the engine didn't give what was paid for, so that it is refunded at once."""
        await connection.execute(
            "UPDATE purchases SET status = 'REFUSED', tried_at = 0 WHERE intent_id = $1", intent_id
        )

    async def _move(self, purchase_id: int, before: str, after: str) -> bool:
        done = await self._pool.execute(
            "UPDATE purchases SET status = $3 WHERE id = $1 AND status = $2",
            *(purchase_id, before, after),
        )
        return affected(done) == 1


def _purchase(row: "Record | None") -> Purchase:
    if row is None:
        raise TypeError("there is no such purchase")
    number, *terms, status, created_at, intent_id, intent_status = row.values()
    values = *terms, number, status, created_at, intent_id, intent_status
    return Purchase(*values)
