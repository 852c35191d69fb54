"""The tables of bets: what people bet and sell again, with what the engine answered, beside what
became of it.

    PENDING --> OPEN --> WON, LOST, SOLD, VOID   as the projector makes it from the journal
       '------> REFUSED                          the engine refused it, or it bought nothing

Laws: who adds one under an id of its owner's holds that person's row, so of any number that come
under it one is stored; of a bet no more is ever being sold than is in it, since who adds a sale
holds the bet. What is written
here is what was asked and answered; how a bet stands is the projector's to write (`bet_states`),
at most a fraction of a second behind. Units as in `exchange/projections/bets`.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.projections.bets.fold import bet_id, sale_id
from exchange.projections.bets.records import Bet
from exchange.proof.ledger import EntryKind, Owner
from persistence.postgres.database import DeadlinePool, Fetching
from persistence.repositories.economy.bet_states import STATE_COLUMNS, bet_of
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

EXITS_SHOWN: Final = 100
"""The newest ways in which shares left a bet."""
YES_SIDES: Final = ("THIS", "YES")
"""The words for the first of a market's outcomes."""
_BET: Final = (
    "b.id, b.account_id, b.client_bet_id, b.market_id, b.side, b.amount, b.max_price, b.created_at,"
    " b.intent_id, b.bought, b.cost, b.fee, b.reason, i.status, i.reason, i.seq, i.answered_at"
)
_BET_COLUMNS: Final = 17
_STATE: Final = ", ".join(f"s.{name}" for name in STATE_COLUMNS.split(", "))
_SHOWN: Final = f"""
SELECT {_BET}, {_STATE}
  FROM bets b JOIN money_intents i ON i.id = b.intent_id LEFT JOIN bet_states s ON s.bet_id = b.id
"""  # noqa: S608 - constants
# Two statements, so that one market's bets are found by their index.
_PAGE: Final = f"""{_SHOWN}
 WHERE b.account_id = $1 AND b.id < $2 AND $3::bigint IS NOT NULL
   AND ($4::text[] IS NULL OR CASE WHEN s.bet_id IS NOT NULL THEN s.status
                                   WHEN i.status = 'REFUSED' OR b.bought = 0 THEN 'REFUSED'
                                   WHEN i.status = 'DONE' THEN 'OPEN' ELSE 'PENDING' END
                              = ANY($4))
 ORDER BY b.id DESC LIMIT $5
"""
_PAGE_OF_MARKET: Final = _PAGE.replace("$3::bigint IS NOT NULL", "b.market_id = $3::bigint")
_CHANGED: Final = f"""{_SHOWN}
 WHERE (s.changed_seq, s.bet_id) > ($1, $2) AND s.changed_seq <= $3
   AND s.account_id = ANY($4::bigint[])
 ORDER BY s.changed_seq, s.bet_id LIMIT $5
"""
_SALE: Final = (
    "x.id, x.bet_id, x.account_id, x.request_id, x.quantity, x.all_of_it, x.min_proceeds,"
    " x.created_at, x.intent_id, x.sold, x.brought, x.fee, x.reason"
)
# In one statement, so that what the projector has come to and what it made of it agree. Shares may
# have left by what it hasn't come to: pairs that were netted, and trades that were no bet and no
# sale, of which the rows here say enough.
_SELLABLE: Final = f"""
SELECT CASE WHEN NOT EXISTS (
       SELECT FROM ledger l
        WHERE l.owner_id = b.account_id AND l.owner = {Owner.ACCOUNT:d}
          AND l.command_seq > (SELECT last_seq FROM projection_state)
          AND l.market_id = b.market_id
          AND (l.kind = {EntryKind.NETTING:d}
               OR l.kind = {EntryKind.TRADE:d} AND NOT EXISTS (
                  SELECT FROM money_intents i
                   WHERE i.seq = l.command_seq AND i.account_id = b.account_id)))
  THEN coalesce(s.shares, b.bought, 0) - coalesce((
       SELECT sum(CASE WHEN i.status = 'PENDING' THEN x.quantity ELSE x.sold END)
         FROM bet_sales x JOIN money_intents i ON i.id = x.intent_id
        WHERE x.bet_id = b.id
          AND (i.status = 'PENDING'
               OR i.status = 'DONE' AND i.seq > (SELECT last_seq FROM projection_state))), 0) END
  FROM bets b LEFT JOIN bet_states s ON s.bet_id = b.id WHERE b.id = $1
"""  # noqa: S608 - constants


class NewBet(msgspec.Struct, frozen=True):
    """What is bet: at most `amount` (money), at `max_price` of its own outcome or better."""

    account_id: int
    client_bet_id: str | None
    market_id: int
    side: str
    amount: int
    max_price: int | None


class StoredBet(msgspec.Struct, frozen=True):
    """A bet as it stands: what was asked, what the engine answered (None before), what became of it
    (`state`, None until the projector has come to it).

    `reason` says why no more was bought, None if the amount was spent; `intent_reason` why the
    engine refused it.
    """

    id: int
    account_id: int
    client_bet_id: str | None
    market_id: int
    side: str
    amount: int
    max_price: int | None
    created_at: int
    intent_id: int
    bought: int | None
    cost: int | None
    fee: int | None
    reason: str | None
    intent_status: str
    intent_reason: str | None
    seq: int | None
    answered_at: int | None
    state: Bet | None

    def is_same(self, other: NewBet) -> bool:
        """Whether somebody who bets `other` bets this one again."""
        return (self.market_id, self.is_on_yes, self.amount, self.max_price) == (
            *(other.market_id, other.side in YES_SIDES, other.amount, other.max_price),
        )

    @property
    def is_on_yes(self) -> bool:
        """Whether it is on the first of the market's outcomes."""
        return self.side in YES_SIDES

    @property
    def reference(self) -> str:
        """Its id in the exchange."""
        return bet_id(self.account_id, self.id)

    @property
    def status(self) -> str:
        """How it stands, in the words of this module."""
        if self.state is not None:
            return self.state.status.value
        if self.intent_status == "REFUSED" or self.bought == 0:
            return "REFUSED"
        return "OPEN" if self.intent_status == "DONE" else "PENDING"


class NewSale(msgspec.Struct, frozen=True):
    """What is to be sold of a bet; with `all_of_it` that is what there was."""

    bet_id: int
    account_id: int
    request_id: str | None
    quantity: int
    all_of_it: bool
    min_proceeds: int | None


class Sale(NewSale, frozen=True):
    """A sale and what the engine answered, None before; `brought` (money) is before the fee."""

    id: int
    created_at: int
    intent_id: int
    sold: int | None
    brought: int | None
    fee: int | None
    reason: str | None

    @property
    def reference(self) -> str:
        """Its id in the exchange."""
        return sale_id(self.account_id, self.bet_id, self.id)

    def is_same(self, bet: int, quantity: int | None, min_proceeds: int | None) -> bool:
        """Whether somebody who sells so much of a bet, None for all, asks for this again."""
        mine = None if self.all_of_it else self.quantity
        return (self.bet_id, mine, self.min_proceeds) == (bet, quantity, min_proceeds)


class BetFilter(msgspec.Struct, frozen=True):
    """Which bets; no statuses stand for all, market 0 for every one."""

    statuses: Collection[str] = ()
    market_id: int = 0


class Leaving(msgspec.Struct, frozen=True):
    """Shares that left a bet; `by_bet` is the bet on the other side that closed it, 0 for none."""

    kind: str
    by_bet: int
    at: int
    quantity: int
    brought: int
    fee: int


class Bets:
    """Reads and writes bets and their sales."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    # -- bets -------------------------------------------------------------------------------------

    @staticmethod
    async def hold_owner(connection: Any, account_id: int) -> None:  # noqa: ANN401 - the pool's
        """Hold a person's row until the transaction ends."""
        await connection.execute(HOLD_OWNER, account_id)

    @staticmethod
    async def asked_before(
        source: Fetching, account_id: int, client_bet_id: str | None
    ) -> StoredBet | None:
        """Return the bet of somebody's own id; None if there is none."""
        if client_bet_id is None:
            return None
        row = await source.fetchrow(
            f"{_SHOWN} WHERE b.account_id = $1 AND b.client_bet_id = $2", account_id, client_bet_id
        )
        return None if row is None else _bet(row)

    @staticmethod
    async def next_number(source: Fetching, table: str) -> int:
        """Return the number that the next row of `bets` or `bet_sales` has."""
        number: int = await source.fetchval(
            "SELECT nextval(pg_get_serial_sequence($1, 'id'))", table
        )
        return number

    @staticmethod
    async def add(
        connection: Any,  # noqa: ANN401 - the pool's
        number: int,
        new: NewBet,
        now: int,
        intent_id: int,
    ) -> None:
        """Store a bet whose order is sent next."""
        await connection.execute(
            "INSERT INTO bets (id, account_id, client_bet_id, market_id, side, amount, max_price,"
            " created_at, intent_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(number, *msgspec.structs.astuple(new), now, intent_id),
        )

    @staticmethod
    async def answered(
        connection: Any,  # noqa: ANN401 - the pool's
        intent_id: int,
        bought: int,
        cost: int,
        fee: int,
        reason: str | None,
    ) -> None:
        """Note what the engine answered to a bet."""
        await connection.execute(
            "UPDATE bets SET bought = $2, cost = $3, fee = $4, reason = $5 WHERE intent_id = $1",
            *(intent_id, bought, cost, fee, reason),
        )

    async def find(
        self, account_id: int, number: int, source: Fetching | None = None
    ) -> StoredBet | None:
        """Return one of somebody's bets; None for another's, or none."""
        row = await (source or self._pool).fetchrow(
            f"{_SHOWN} WHERE b.account_id = $1 AND b.id = $2", account_id, number
        )
        return None if row is None else _bet(row)

    async def by_intent(self, intent_id: int) -> StoredBet | None:
        """Return the bet of an intent."""
        row = await self._pool.fetchrow(f"{_SHOWN} WHERE b.intent_id = $1", intent_id)
        return None if row is None else _bet(row)

    async def page(
        self, account_id: int, wanted: BetFilter, before: int, limit: int
    ) -> list[StoredBet]:
        """Return somebody's bets below the number `before`, newest first."""
        statuses = list(wanted.statuses) or None
        asked = account_id, before, wanted.market_id, statuses, limit
        page = _PAGE_OF_MARKET if wanted.market_id else _PAGE
        return [_bet(row) for row in await self._pool.fetch(page, *asked)]

    async def exits(self, number: int) -> list[Leaving]:
        """Return the newest ways in which shares left a bet, newest first."""
        rows = await self._pool.fetch(
            "SELECT kind, by_bet, at, quantity, brought, fee FROM bet_exits WHERE bet_id = $1"
            " ORDER BY seq DESC, kind, by_bet LIMIT $2",
            *(number, EXITS_SHOWN),
        )
        return [Leaving(*row.values()) for row in rows]

    async def last_answered(self, account_id: int) -> int:
        """Return the last command that somebody's bets or sales were; 0 for none."""
        seq: int | None = await self._pool.fetchval(
            "SELECT max(seq) FROM money_intents"
            " WHERE account_id = $1 AND kind IN ('BET', 'SALE') AND status = 'DONE'",
            account_id,
        )
        return seq or 0

    async def projected(self) -> int:
        """Return the last command that is in how bets stand."""
        seq: int = await self._pool.fetchval("SELECT last_seq FROM projection_state")
        return seq

    async def changed(
        self, after: tuple[int, int], to: int, accounts: Sequence[int], limit: int
    ) -> list[StoredBet]:
        """Return what changed of some people's bets after a (command, bet), by the command `to` at
        the latest, oldest first.
        """
        rows = await self._pool.fetch(_CHANGED, *after, to, accounts, limit)
        return [_bet(row) for row in rows]

    # -- sales ------------------------------------------------------------------------------------

    @staticmethod
    async def hold(connection: Any, account_id: int, number: int) -> bool:  # noqa: ANN401 - the pool's
        """Hold a bet until the transaction ends; say whether there is one of that person's."""
        held = await connection.fetchval(
            "SELECT id FROM bets WHERE account_id = $1 AND id = $2 FOR UPDATE", account_id, number
        )
        return held is not None

    async def sellable(self, number: int, source: Fetching | None = None) -> int | None:
        """Return how many shares of a bet are still in it, less those that are being sold; None if
        others may have left it by what the projector hasn't come to.
        """
        quantity: int | None = await (source or self._pool).fetchval(_SELLABLE, number)
        return None if quantity is None else max(0, int(quantity))

    @staticmethod
    async def sale_asked_before(
        source: Fetching, account_id: int, request_id: str | None
    ) -> Sale | None:
        """Return the sale of somebody's own id; None if there is none."""
        if request_id is None:
            return None
        row = await source.fetchrow(
            f"SELECT {_SALE} FROM bet_sales x WHERE x.account_id = $1 AND x.request_id = $2",  # noqa: S608 - a constant
            *(account_id, request_id),
        )
        return None if row is None else _sale(row)

    @staticmethod
    async def add_sale(
        connection: Any,  # noqa: ANN401 - the pool's
        number: int,
        new: NewSale,
        now: int,
        intent_id: int,
    ) -> None:
        """Store a sale whose order is sent next."""
        await connection.execute(
            "INSERT INTO bet_sales (id, bet_id, account_id, request_id, quantity, all_of_it,"
            " min_proceeds, created_at, intent_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(number, *msgspec.structs.astuple(new), now, intent_id),
        )

    @staticmethod
    async def sale_answered(
        connection: Any,  # noqa: ANN401 - the pool's
        intent_id: int,
        sold: int,
        brought: int,
        fee: int,
        reason: str | None,
    ) -> None:
        """Note what the engine answered to a sale."""
        await connection.execute(
            "UPDATE bet_sales SET sold = $2, brought = $3, fee = $4, reason = $5"
            " WHERE intent_id = $1",
            *(intent_id, sold, brought, fee, reason),
        )

    async def sale(self, intent_id: int) -> Sale | None:
        """Return the sale of an intent."""
        row = await self._pool.fetchrow(
            f"SELECT {_SALE} FROM bet_sales x WHERE x.intent_id = $1",  # noqa: S608 - a constant
            intent_id,
        )
        return None if row is None else _sale(row)


def _bet(row: "Record") -> StoredBet:
    values = tuple(row.values())
    asked, state = values[:_BET_COLUMNS], values[_BET_COLUMNS:]
    found = *asked, None if state[0] is None else bet_of(state)
    return StoredBet(*found)


def _sale(row: "Record") -> Sale:
    number, bet_id, account_id, request_id, quantity, all_of_it, least, *rest = row.values()
    created_at, intent_id, *answer = rest
    asked = bet_id, account_id, request_id, quantity, all_of_it, least
    return Sale(*asked, number, created_at, intent_id, *answer)
