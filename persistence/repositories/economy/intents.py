"""The table of intents: what is to move money outside the book, and what the engine answered.

    PENDING --> DONE       the engine did it, by the command `seq`
       '------> REFUSED    the engine refused it, by the command `seq`; the reason is kept

Laws: an intent is there before its command is sent, in the transaction of the domain's own row, and
ends once: the first word counts. Its command is kept as the journal would keep it, so whoever sends
it again sends the same bytes. It is the one thing that is ever sent under its system id, which is
made of the domain row's key ("reward:7:2026-01-31:1"). Whoever stored an intent sends it as the
first of its `tries`, whoever else does takes it over before; so one that was tried once is taken
back by who stored it, if the engine didn't take it. Times are microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from exchange.messages.commands import Command, CreditAccount
from exchange.model.idempotency import key_of
from persistence.clock import AHEAD_US, MICROSECONDS
from persistence.journal.rows import encode_command
from persistence.postgres.database import DeadlinePool, Fetching, affected

if TYPE_CHECKING:
    from asyncpg import Record

CLAIM_US: Final = 30 * MICROSECONDS
"""For so long nobody else sends what somebody is sending."""
_COLUMNS: Final = (
    "id, system_id, account_id, kind, amount, command, status, created_at, tries, answered_at, seq,"
    " available, locked, reason, message"
)
_INSERT: Final = (
    "INSERT INTO money_intents (system_id, account_id, kind, amount, command, created_at, tried_at,"  # noqa: S608 - a constant
    f" tries) VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING {_COLUMNS}"
)
_PUT_IN_LINE: Final = _INSERT.replace(" RETURNING", " ON CONFLICT (system_id) DO NOTHING RETURNING")
# A try that lies ahead of now is of a clock that was wrong: nobody is at it.
_CLAIM: Final = (
    "UPDATE money_intents SET tried_at = $1, tries = tries + 1 WHERE id IN (SELECT id"  # noqa: S608 - constants
    " FROM money_intents WHERE status = 'PENDING'"
    f" AND (tried_at <= $2 OR tried_at > $1::bigint + {AHEAD_US}) ORDER BY tried_at LIMIT $3"
    f" FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"
)
_TAKE_OVER: Final = (
    "UPDATE money_intents SET tried_at = $2, tries = tries + 1"  # noqa: S608 - a constant
    f" WHERE id = $1 AND status = 'PENDING' RETURNING {_COLUMNS}"
)
_FINISH: Final = (
    "UPDATE money_intents SET status = $2, answered_at = $3, seq = $4, available = $5, locked = $6,"  # noqa: S608 - a constant
    f" reason = $7, message = $8 WHERE id = $1 AND status = 'PENDING' RETURNING {_COLUMNS}"
)
_TO_COME: Final = (
    "SELECT (coalesce((SELECT sum(amount) FROM money_intents"
    "                   WHERE account_id = $1 AND status = 'PENDING'), 0)"
    "      + coalesce((SELECT sum(credits) FROM purchases"
    "                   WHERE account_id = $1 AND status = 'CHARGING'), 0))::bigint"
)
_decode: Final = msgspec.msgpack.Decoder(Command).decode


class NewIntent(msgspec.Struct, frozen=True):
    """What is to be done; `kind` is a word of the domain's, `command` has to have a client's id.

    The id and the account are the command's own: of a transfer the payer of its first leg.
    """

    kind: str
    command: Command

    @property
    def key(self) -> tuple[int, str]:
        """Return (account id, system id); raises ValueError for what could be done twice, and for
        an id that doesn't begin with its domain and a colon.
        """
        key = key_of(self.command)
        if key is None or ":" not in key[2]:
            raise ValueError(f"{type(self.command).__name__} has no id of a domain's")
        return key[0], key[2]

    @property
    def amount(self) -> int:
        """Return what the account is given by it (money)."""
        return self.command.amount if type(self.command) is CreditAccount else 0


class Intent(msgspec.Struct, frozen=True):
    """An intent as it stands; what came of it is None while it is PENDING."""

    id: int
    system_id: str
    account_id: int
    kind: str
    amount: int
    encoded: bytes
    status: str
    created_at: int
    tries: int
    answered_at: int | None
    seq: int | None
    available: int | None
    locked: int | None
    reason: str | None
    message: str | None

    @property
    def command(self) -> Command:
        """Decode the command."""
        command: Command = _decode(self.encoded)
        return command


class Outcome(msgspec.Struct, frozen=True):
    """What the engine answered: by the command `seq`, with the account's cash right after it.

    `reason` is None for what was done.
    """

    at: int
    seq: int
    available: int
    locked: int
    reason: str | None = None
    message: str | None = None


class Intents:
    """Reads and writes intents."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    @staticmethod
    async def add(source: Fetching, new: NewIntent, now: int) -> Intent:
        """Store an intent within the transaction of `source`; who asks for it sends it, at once."""
        return _intent(await source.fetchrow(_INSERT, *_values(new, now, now)))

    @staticmethod
    async def put_in_line(source: Fetching, new: NewIntent, now: int) -> Intent | None:
        """Store, within the transaction of `source`, an intent that waits for the sweep, which
        takes it at once; None if there is one of its id.
        """
        row = await source.fetchrow(_PUT_IN_LINE, *_values(new, now, 0))
        return None if row is None else _intent(row)

    @staticmethod
    async def to_come(source: Fetching, account_id: int) -> int:
        """Return the money that pending intents, and purchases that are being charged for, give to
        an account; with its owner's row held nobody adds to it.
        """
        amount: int = await source.fetchval(_TO_COME, account_id)
        return amount

    @staticmethod
    async def held(source: Fetching, account_id: int, shown: int) -> int:
        """Return the money that an account holds, locked too: what the engine stored last, or what
        the view of this process has `shown`, which may be ahead or behind; the larger.

        Looked up behind `to_come`, what is given meanwhile counts twice rather than never.
        """
        stored: int | None = await source.fetchval(
            "SELECT available + locked FROM accounts WHERE id = $1", account_id
        )
        return max(shown, stored or 0)

    async def by_id(self, intent_id: int) -> Intent | None:
        """Return an intent as it stands."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM money_intents WHERE id = $1",  # noqa: S608 - a constant
            intent_id,
        )
        return None if row is None else _intent(row)

    async def claim(self, now: int, limit: int) -> list[Intent]:
        """Take over at most `limit` pending intents that nobody is sending, oldest try first."""
        return [_intent(row) for row in await self._pool.fetch(_CLAIM, now, now - CLAIM_US, limit)]

    async def take_over(self, intent_id: int, now: int) -> Intent | None:
        """Become a sender of what somebody else stored, who can't take it back from then on; None
        if it isn't pending, or was taken back.
        """
        row = await self._pool.fetchrow(_TAKE_OVER, intent_id, now)
        return None if row is None else _intent(row)

    @staticmethod
    async def finish(source: Fetching, intent_id: int, outcome: Outcome) -> Intent | None:
        """Store what came of an intent; None if that is known already."""
        row = await source.fetchrow(
            _FINISH,
            intent_id,
            "DONE" if outcome.reason is None else "REFUSED",
            outcome.at,
            outcome.seq,
            outcome.available,
            outcome.locked,
            outcome.reason,
            outcome.message,
        )
        return None if row is None else _intent(row)

    async def withdraw(self, intent_id: int) -> bool:
        """Take back, with the row it stands for, what was sent once and not taken; say whether.

        For whoever stored it alone.
        """
        done = await self._pool.execute(
            "DELETE FROM money_intents WHERE id = $1 AND status = 'PENDING' AND tries = 1",
            intent_id,
        )
        return affected(done) == 1


def _values(new: NewIntent, now: int, tried_at: int) -> tuple[str, int, str, int, bytes, int, int]:
    account_id, system_id = new.key
    encoded = encode_command(new.command)
    return system_id, account_id, new.kind, new.amount, encoded, now, tried_at


def _intent(row: "Record | None") -> Intent:
    if row is None:
        raise TypeError("an INSERT ... RETURNING gave no row")
    return Intent(*row)
