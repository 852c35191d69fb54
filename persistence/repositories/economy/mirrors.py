"""The table of mirrors: which market of ours stands for which of another venue, on what terms, and
what its source said of its end.

Laws: of a source there is one mirror, whoever asks for it at once; how many there may be is looked
at under the lock that adds one. A mirror moves on once from each state. What was decided is taken
back only while nothing was done about it. Times are microseconds since the Unix epoch.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.commands import CreateMarket
from persistence.clock import AHEAD_US
from persistence.postgres.database import DeadlinePool, Fetching, affected

if TYPE_CHECKING:
    from asyncpg import Record

SLUG: Final = "mirror-{}"
"""What the market of a mirror is called, by the mirror's id."""
_COLUMNS: Final = (
    "id, platform, external_id, status, command, yes_label, no_label, market_id, refusal, spread,"
    " size, exposure, quotes, made_at, changed_at, said, said_payout, said_at, source_at,"
    " confirmed_at, disputed, decided_at, resolved_at, resolution"
)
_STANDING: Final = "status IN ('MAKING', 'OPEN', 'ENDED')"
# The transaction that wrote a row stands for its version.
_VERSIONS: Final = f"SELECT id, xmin::text::bigint FROM mirrors WHERE {_STANDING} ORDER BY id"  # noqa: S608 - a constant
_CHANGED: Final = (
    f"SELECT {_COLUMNS}, xmin::text::bigint AS version FROM mirrors"  # noqa: S608 - a constant
    f" WHERE id = ANY($1::bigint[]) AND {_STANDING}"
)
_ADD: Final = (
    "INSERT INTO mirrors (id, platform, external_id, status, command, yes_label, no_label, spread,"  # noqa: S608 - a constant
    " size, exposure, made_at, tried_at, changed_at, made_by)"
    " VALUES ($1, $2, $3, 'MAKING', $4, $5, $6, $7, $8, $9, $10, $10, $10, $11)"
    f" RETURNING {_COLUMNS}"
)
# A try that lies ahead of now is of a clock that was wrong: nobody is at it.
_CLAIM: Final = (
    "UPDATE mirrors SET tried_at = $1 WHERE id IN (SELECT id FROM mirrors WHERE status = 'MAKING'"  # noqa: S608 - constants
    f" AND (tried_at <= $2 OR tried_at > $1::bigint + {AHEAD_US}) ORDER BY id LIMIT $3"
    f" FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"
)
# Only a mirror that nothing was done about yet is judged anew.
_JUDGED: Final = (
    "UPDATE mirrors SET said = $3, said_payout = $4, said_at = $5, source_at = $6,"
    " confirmed_at = $7, disputed = $8, decided_at = $9, changed_at = $2"
    " WHERE id = $1 AND status IN ('OPEN', 'ENDED') AND disputed IS NULL"
    " AND said_at IS NOT DISTINCT FROM $10"
)

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(CreateMarket).decode


class TooMany(Exception):
    """There are as many mirrors as there may be."""


class TooManyOfOne(Exception):
    """One person has had as many made as may be."""


class Maker(msgspec.Struct, frozen=True):
    """Whose first bet a mirror is made for, who has had at most `most` made since a time."""

    person: int
    most: int
    since: int


class NewMirror(msgspec.Struct, frozen=True, kw_only=True):
    """A mirror to be made: of what, the market of ours that it lists, and the house's terms.

    `spread` (price units) is how far a quote stands from the source's best price, `size` (1/100
    share) how much of it is quoted, `exposure` (money) what the house may have at stake.
    """

    platform: str
    external_id: str
    command: CreateMarket
    """Its slug is made of the mirror's id, whatever stands here."""
    labels: tuple[str, str]
    """What YES and NO are called there."""
    spread: int
    size: int
    exposure: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a source said of its end: `outcome` YES, NO, SPLIT (then with a `payout`) or VOID."""

    outcome: str
    payout: int | None
    at: int
    """Since when it stands: when it was heard first, or not heard last."""
    source_at: int | None
    """When it ended there, by its own word."""
    confirmed_at: int
    """When the same was heard last."""


class Mirror(NewMirror, frozen=True, kw_only=True):
    """A mirror as it stands; `status` is MAKING, OPEN, ENDED, RESOLVED or REFUSED."""

    id: int
    status: str
    market_id: int | None
    refusal: str | None
    quotes: bool
    """Whether the house may quote there."""
    made_at: int
    changed_at: int
    said: Said | None
    disputed: str | None
    """Why an admin has to see to it; None: nobody has."""
    decided_at: int | None
    resolved_at: int | None
    resolution: str | None

    @property
    def source(self) -> str:
        """The source's id on the wire."""
        return f"{self.platform}:{self.external_id}"

    @property
    def slug(self) -> str:
        """What its market is called."""
        return SLUG.format(self.id)

    @property
    def is_standing(self) -> bool:
        """Whether it waits for its source's end."""
        return self.status in {"MAKING", "OPEN", "ENDED"}


class Listed(msgspec.Struct, frozen=True):
    """Which market of ours is a mirror, of what, and what YES and NO are called there."""

    id: int
    changed_at: int
    market_id: int
    source: str
    labels: tuple[str, str]


class Mirrors:
    """Reads and writes mirrors."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool
        self._standing: dict[int, tuple[int, Mirror]] = {}
        """What was read of them last, with the row's version."""

    async def add(
        self, new: NewMirror, most: int, now: int, maker: Maker | None = None
    ) -> tuple[Mirror, bool]:
        """Store a mirror that is made next; return it, or that of before, and whether it is new.

        Of a source whose listing was refused before, the new one takes the place of that. One that
        is new counts as its maker's, unless its listing is refused. Raises TooManyOfOne for one too
        many of the maker's, TooMany if `most` wait for their end.
        """
        async with self._pool.transaction() as connection:
            # Whoever comes at once waits here, and finds it.
            await connection.execute("LOCK TABLE mirrors IN SHARE ROW EXCLUSIVE MODE")
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM mirrors WHERE platform = $1 AND external_id = $2"  # noqa: S608 - a constant
                " AND status <> 'REFUSED'",
                *(new.platform, new.external_id),
            )
            if row is not None:
                return _mirror(row), False
            await _require_room(connection, most, maker)
            await connection.execute(
                "DELETE FROM mirrors WHERE platform = $1 AND external_id = $2",
                *(new.platform, new.external_id),
            )
            number = await connection.fetchval(
                "SELECT nextval(pg_get_serial_sequence('mirrors', 'id'))"
            )
            added = await connection.fetchrow(
                _ADD,
                number,
                new.platform,
                new.external_id,
                _encode(msgspec.structs.replace(new.command, slug=SLUG.format(number))),
                *new.labels,
                *(new.spread, new.size, new.exposure, now),
                None if maker is None else maker.person,
            )
        return _mirror(added), True

    async def require_room(self, most: int, maker: Maker | None) -> None:
        """Raise TooManyOfOne or TooMany if `add` would, of a source that has no mirror."""
        await _require_room(self._pool, most, maker)

    async def of_source(self, platform: str, external_id: str) -> Mirror | None:
        """Return the mirror of a market elsewhere."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM mirrors WHERE platform = $1 AND external_id = $2"  # noqa: S608 - a constant
            " AND status <> 'REFUSED'",
            *(platform, external_id),
        )
        return None if row is None else _mirror(row)

    async def by_id(self, mirror_id: int) -> Mirror | None:
        """Return a mirror as it stands."""
        row = await self._pool.fetchrow(f"SELECT {_COLUMNS} FROM mirrors WHERE id = $1", mirror_id)  # noqa: S608 - a constant
        return None if row is None else _mirror(row)

    async def standing(self) -> list[Mirror]:
        """Return those that wait for their source's end, by id; no more than there may be.

        It is asked for every second: of those that are as they were, only the versions are read.
        """
        versions = await self._pool.fetch(_VERSIONS)
        known = self._standing
        changed = {row[0] for row in versions if known.get(row[0], (None,))[0] != row[1]}
        fresh: dict[int, tuple[int, Mirror]] = {}
        if changed:
            for row in await self._pool.fetch(_CHANGED, [*changed]):
                fields = dict(row)
                fresh[fields["id"]] = fields.pop("version"), _mirror(fields)
        found = {
            number: fresh.get(number) or known[number]
            for number, _ in versions
            if number in fresh or number not in changed
        }
        self._standing = found
        return [mirror for _, mirror in found.values()]

    async def changed(self, after: tuple[int, int], limit: int) -> list[Listed]:
        """Return those that have a market of ours and changed after a (time, mirror id), by these;
        at most `limit`.
        """
        rows = await self._pool.fetch(
            "SELECT id, changed_at, market_id, platform, external_id, yes_label, no_label"
            "  FROM mirrors WHERE changed_at >= $1 AND (changed_at, id) > ($1, $2)"
            "   AND market_id IS NOT NULL ORDER BY changed_at, id LIMIT $3",
            *(*after, limit),
        )
        return [
            Listed(row[0], row[1], row[2], f"{row[3]}:{row[4]}", (row[5], row[6])) for row in rows
        ]

    async def page(self, statuses: list[str] | None, before: int, limit: int) -> list[Mirror]:
        """Return mirrors below the id `before`, newest first; of these statuses, of which DISPUTED
        is any with a dispute, or of all.
        """
        rows = await self._pool.fetch(
            f"SELECT {_COLUMNS} FROM mirrors WHERE id < $2"  # noqa: S608 - a constant
            " AND ($1::text[] IS NULL OR status = ANY($1)"
            " OR (disputed IS NOT NULL AND 'DISPUTED' = ANY($1)))"
            " ORDER BY id DESC LIMIT $3",
            *(statuses, before, limit),
        )
        return [_mirror(row) for row in rows]

    async def claim(self, now: int, not_since: int, limit: int) -> list[Mirror]:
        """Take over at most `limit` whose making broke off, that nobody tried since a time."""
        return [_mirror(row) for row in await self._pool.fetch(_CLAIM, now, not_since, limit)]

    async def made(self, mirror_id: int, market_id: int, now: int) -> bool:
        """Note which market of ours it is; say whether that is news."""
        return await self._one(
            "UPDATE mirrors SET status = 'OPEN', market_id = $2, changed_at = $3"
            " WHERE id = $1 AND status = 'MAKING'",
            *(mirror_id, market_id, now),
        )

    async def refuse(self, mirror_id: int, refusal: str, now: int) -> bool:
        """Note that the engine wouldn't list it; say whether that is news."""
        return await self._one(
            "UPDATE mirrors SET status = 'REFUSED', refusal = $2, changed_at = $3"
            " WHERE id = $1 AND status = 'MAKING'",
            *(mirror_id, refusal, now),
        )

    async def set_terms(
        self, before: Mirror, spread: int, size: int, exposure: int, now: int, *, quotes: bool
    ) -> bool:
        """Change the house's terms; say whether they still were as `before` has them, and it waits
        for its end still.
        """
        return await self._one(
            "UPDATE mirrors SET spread = $2, size = $3, exposure = $4, quotes = $5,"  # noqa: S608 - a constant
            " changed_at = $6 WHERE id = $1"
            f" AND (spread, size, exposure, quotes) = ($7, $8, $9, $10) AND {_STANDING}",
            *(before.id, spread, size, exposure, quotes, now),
            *(before.spread, before.size, before.exposure, before.quotes),
        )

    async def end(self, mirror_id: int, now: int) -> bool:
        """Take it off: nobody quotes or trades it from now on; say whether that is news."""
        return await self._one(
            "UPDATE mirrors SET status = 'ENDED', quotes = false, changed_at = $2"
            " WHERE id = $1 AND status = 'OPEN'",
            *(mirror_id, now),
        )

    async def judge(
        self,
        mirror: Mirror,
        now: int,
        said: Said | None,
        *,
        disputed: str | None = None,
        decided: bool = False,
    ) -> bool:
        """Note what its source says, and what follows; say whether it still was as `mirror` has it.

        `disputed` hands it to an admin and takes back what was decided; `decided` lets it resolve.
        """
        fields = msgspec.structs.astuple(said) if said is not None else (None,) * 5
        before = None if mirror.said is None else mirror.said.at
        return await self._one(
            _JUDGED, mirror.id, now, *fields, disputed, now if decided else None, before
        )

    async def settle_dispute(self, mirror_id: int, now: int) -> bool:
        """Begin to listen to its source anew; say whether there was a dispute."""
        return await self._one(
            "UPDATE mirrors SET disputed = NULL, said = NULL, said_payout = NULL, said_at = NULL,"
            " source_at = NULL, confirmed_at = NULL, decided_at = NULL, changed_at = $2"
            " WHERE id = $1 AND disputed IS NOT NULL AND status IN ('OPEN', 'ENDED')",
            *(mirror_id, now),
        )

    async def resolved(self, mirror_id: int, resolution: str, at: int, now: int) -> bool:
        """Note how its market ended; say whether that is news."""
        return await self._one(
            "UPDATE mirrors SET status = 'RESOLVED', resolution = $2, resolved_at = $3,"
            " quotes = false, disputed = NULL, changed_at = $4"
            " WHERE id = $1 AND status IN ('OPEN', 'ENDED')",
            *(mirror_id, resolution, at, now),
        )

    async def counts(self) -> dict[str, int]:
        """Return how many mirrors stand in each status, and as `disputed` how many of all."""
        rows = await self._pool.fetch(
            "SELECT status, count(*), count(disputed) FROM mirrors GROUP BY status"
        )
        found = {row[0]: int(row[1]) for row in rows}
        return found | {"disputed": sum(int(row[2]) for row in rows)}

    async def _one(self, statement: str, *arguments: object) -> bool:
        return affected(await self._pool.execute(statement, *arguments)) == 1


async def _require_room(source: Fetching, most: int, maker: Maker | None) -> None:
    if maker is not None:
        count = await source.fetchval(
            "SELECT count(*) FROM mirrors"
            " WHERE made_by = $1 AND made_at > $2 AND status <> 'REFUSED'",
            *(maker.person, maker.since),
        )
        if count >= maker.most:
            raise TooManyOfOne
    count = await source.fetchval(f"SELECT count(*) FROM mirrors WHERE {_STANDING}")  # noqa: S608 - a constant
    if count >= most:
        raise TooMany


def _mirror(row: "Record | dict[str, Any] | None") -> Mirror:
    if row is None:
        raise TypeError("there is no such mirror")
    fields = dict(row)
    outcome, payout, at, source_at, confirmed_at = (
        fields.pop(name) for name in ("said", "said_payout", "said_at", "source_at", "confirmed_at")
    )
    said = None
    if outcome is not None:
        said = Said(
            outcome=outcome, payout=payout, at=at, source_at=source_at, confirmed_at=confirmed_at
        )
    labels = fields.pop("yes_label"), fields.pop("no_label")
    command = _decode(fields.pop("command"))
    return Mirror(**fields, labels=labels, command=command, said=said)
