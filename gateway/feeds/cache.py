"""What was asked for lately: one interface over Redis, where there is one, and memory.

    age <= fresh           given as it is                                     hit
    age <= fresh + lends   given as it is, and asked for anew behind it       stale
    older, or not there    asked for, once however many wait for it           miss
    the asking fails       what is there is given, however old, marked so     failed
    nothing is there       the failure is the answer                          failed
    it says there is none  as if it were older, after a moment (`NOTHING_S`)

Laws: bytes only (no pickles: whoever can write to Redis mustn't be able to run code here); every
part is bounded: entries in memory, bytes of an entry, time and number of questions under way. A
Redis that fails is left alone for `REST_S` and memory serves meanwhile; when it is back, the
younger of what both have counts. What lies in Redis is sealed with the secret that the processes of
one exchange share, under a name that holds its database and this version: what another exchange,
another version or a stranger wrote there isn't there for us, nor is what can't be read, as after a
change of the same version. `stores.py` keeps the entries; what age means, and that one question is
asked once, is ours.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final, TypeVar

import msgspec

from gateway.feeds.stores import Memory, SharedStore, StoreFailed, redis_at
from gateway.feeds.venue import VenueUnavailable
from gateway.observability.logs import Logger
from gateway.observability.metrics import CacheMetrics
from persistence.clock import MICROSECONDS, now_us

BODY_MAX_BYTES: Final = 2**20
"""A longer entry is given and not kept, unless its policy says less."""
FETCH_S: Final = 15.0
FETCHES_MAX: Final = 200
REST_S: Final = 5.0
FAILED_PAUSE_S: Final = 2.0
"""So long after a question failed it isn't asked again behind what is there."""
NOTHING_S: Final = 2.0
_PAUSES_MAX: Final = 2_000
_SWEEP_S: Final = 10
_PREFIX: Final = "probity:feed:"
_VERSION: Final = version("probity")
"""Other versions may write their entries in another way."""
_SEAL_BYTES: Final = 32


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How old an entry of one kind may be, in seconds, and how many are kept in memory."""

    name: str
    """A label of the metric."""
    fresh_s: float
    lends_s: float
    kept_s: float
    entries: int
    body_max: int = BODY_MAX_BYTES
    """In bytes; a longer entry is given and not kept."""
    nothing: frozenset[bytes] = frozenset()
    """Bodies that say that nothing is there: fresh for `NOTHING_S`, as the first may come now."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What was answered, and when it was asked for (microseconds)."""

    at: int
    body: bytes
    failed: bool = False
    """Whether it is given because asking anew failed."""


Fetch = Callable[[], Awaitable[bytes]]
T = TypeVar("T")

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Entry).decode


class SharedRedis(msgspec.Struct, frozen=True, kw_only=True):
    """A Redis that the processes of one exchange share, perhaps with strangers."""

    url: str
    identity: str
    """Of the exchange's database (`persistence/relay/looks.py`)."""
    secret: bytes
    """Known to the exchange's processes alone."""

    @property
    def prefix(self) -> str:
        """Return what the names of all entries begin with."""
        return f"{_PREFIX}{_VERSION}:{self.identity}:"

    def seal(self, name: str, raw: bytes) -> bytes:
        """Return an entry as it is kept under a name."""
        return self._mac(name, raw) + raw

    def open(self, name: str, sealed: object) -> bytes | None:
        """Return an entry; None for what wasn't sealed under this name."""
        if not isinstance(sealed, bytes):
            return None
        raw = sealed[_SEAL_BYTES:]
        return raw if hmac.compare_digest(self._mac(name, raw), sealed[:_SEAL_BYTES]) else None

    def _mac(self, name: str, raw: bytes) -> bytes:
        key = hmac.digest(self.secret, b"probity feed cache", "sha256")
        return hmac.digest(key, name.encode("utf-8", "replace") + b"\0" + raw, "sha256")


class Cache:
    """Gives what is known, and asks for what isn't."""

    def __init__(
        self,
        policies: tuple[Policy, ...],
        shared: SharedRedis | None,
        metrics: CacheMetrics,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._memory = {
            policy.name: Memory(size=policy.entries, check_interval=_SWEEP_S) for policy in policies
        }
        self._shared = shared
        self._prefix = _PREFIX if shared is None else shared.prefix
        self._redis = None if shared is None else redis_at(shared.url)
        self._rests_until = 0.0
        self._metrics = metrics
        self._logger = logger
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[Entry]] = {}
        self._pauses: dict[str, float] = {}

    async def start(self) -> None:
        """Open the stores."""
        for memory in self._memory.values():
            await memory.init()

    async def close(self) -> None:
        """End what is under way, and close the stores."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for memory in self._memory.values():
            await memory.close()
        if self._redis is not None and self._redis.is_init:
            await self._redis.close()

    async def get(self, policy: Policy, key: str, fetch: Fetch) -> Entry:
        """Return what `fetch` gives, or gave a short while ago.

        Raises what `fetch` does where nothing is known; VenueUnavailable if it takes longer than
        `FETCH_S`, or if too many questions are under way.
        """
        full = f"{self._prefix}{policy.name}:{key}"
        entry = await self._read(policy, full)
        if entry is not None:
            # Another process' clock may be ahead: what is as far from now as it may be old is old.
            age_s = abs(self._clock() - entry.at) / MICROSECONDS
            is_nothing = entry.body in policy.nothing
            if age_s <= (NOTHING_S if is_nothing else policy.fresh_s):
                self._metrics.counted(policy.name, "hit")
                return entry
            if not is_nothing and age_s <= policy.fresh_s + policy.lends_s:
                self._metrics.counted(policy.name, "stale")
                self._ask_behind(policy, full, fetch)
                return entry
            if self._is_resting(full):
                self._metrics.counted(policy.name, "failed")
                return Entry(entry.at, entry.body, True)
        try:
            fetched = await self._ask(policy, full, fetch)
        except Exception:
            self._metrics.counted(policy.name, "failed")
            if entry is None:
                raise
            return Entry(entry.at, entry.body, True)
        self._metrics.counted(policy.name, "miss")
        return fetched

    async def read(
        self, policy: Policy, key: str, fetch: Fetch, decode: Callable[[bytes], T]
    ) -> tuple[T, Entry]:
        """Return what `get` does, decoded, and its entry.

        What `decode` has a ValueError for (msgspec's are some) isn't there: it is asked for anew.
        Raises what `get` does.
        """
        entry = await self.get(policy, key, fetch)
        try:
            return decode(entry.body), entry
        except ValueError:
            await self.forget(policy, key)
        entry = await self.get(policy, key, fetch)
        return decode(entry.body), entry

    async def put(self, policy: Policy, key: str, body: bytes, at: int) -> None:
        """Keep what was learnt otherwise, asked for at a time."""
        await self._write(policy, f"{self._prefix}{policy.name}:{key}", Entry(at, body))

    async def forget(self, policy: Policy, key: str) -> None:
        """Drop an entry."""
        full = f"{self._prefix}{policy.name}:{key}"
        await self._memory[policy.name].delete(full)
        await self._on_redis(lambda redis: redis.delete(full))

    def _is_resting(self, full: str) -> bool:
        return self._pauses.get(full, 0.0) > asyncio.get_running_loop().time()

    def _ask_behind(self, policy: Policy, full: str, fetch: Fetch) -> None:
        if not self._is_resting(full) and len(self._under_way) < FETCHES_MAX:
            self._task(policy, full, fetch)

    async def _ask(self, policy: Policy, full: str, fetch: Fetch) -> Entry:
        if full not in self._under_way and len(self._under_way) >= FETCHES_MAX:
            raise VenueUnavailable("feed", "too many questions are under way")
        # Whoever stops waiting takes nothing from the others.
        return await asyncio.shield(self._task(policy, full, fetch))

    def _task(self, policy: Policy, full: str, fetch: Fetch) -> asyncio.Task[Entry]:
        task = self._under_way.get(full)
        if task is None:
            task = asyncio.create_task(self._fetch(policy, full, fetch), name="feed fetch")
            self._under_way[full] = task
            task.add_done_callback(lambda done: self._ended(full, done))
        return task

    def _ended(self, full: str, task: asyncio.Task[Entry]) -> None:
        self._under_way.pop(full, None)
        if task.cancelled() or task.exception() is None:
            self._pauses.pop(full, None)
            return
        if len(self._pauses) >= _PAUSES_MAX:
            self._pauses.clear()
        self._pauses[full] = asyncio.get_running_loop().time() + FAILED_PAUSE_S

    async def _fetch(self, policy: Policy, full: str, fetch: Fetch) -> Entry:
        at = self._clock()
        try:
            async with asyncio.timeout(FETCH_S):
                entry = Entry(at, await fetch())
        except TimeoutError as error:
            raise VenueUnavailable("feed", f"no answer within {FETCH_S:g} s") from error
        await self._write(policy, full, entry)
        return entry

    async def _read(self, policy: Policy, full: str) -> Entry | None:
        found = [_entry_of(await self._memory[policy.name].get(full))]
        if self._shared is not None:
            kept = await self._on_redis(lambda redis: redis.get(full))
            found.append(_entry_of(self._shared.open(full, kept)))
        there = [entry for entry in found if entry is not None]
        # What a clock stamped that was ahead isn't younger for that.
        now = self._clock()
        return min(there, key=lambda entry: abs(now - entry.at), default=None)

    async def _write(self, policy: Policy, full: str, entry: Entry) -> None:
        if len(entry.body) > policy.body_max:
            return
        raw = _encode(entry)
        if self._shared is not None:
            sealed = self._shared.seal(full, raw)
            if await self._on_redis(lambda redis: redis.set(full, sealed, expire=policy.kept_s)):
                await self._memory[policy.name].delete(full)
                return
        await self._memory[policy.name].set(full, raw, expire=policy.kept_s)

    async def _on_redis(self, work: Callable[[SharedStore], Awaitable[Any]]) -> Any:  # noqa: ANN401 - cashews' values
        """Return what Redis says; None without one, and while it is left alone."""
        redis, time = self._redis, asyncio.get_running_loop().time()
        if redis is None or time < self._rests_until:
            return None
        try:
            if not redis.is_init:
                await redis.init()  # type: ignore[no-untyped-call]
            return await work(redis)
        except (StoreFailed, OSError, TimeoutError) as error:
            self._rests_until = time + REST_S
            self._logger.warning("the cache's Redis is away", reason=type(error).__name__)
            return None


def _entry_of(raw: object) -> Entry | None:
    """Return an entry as it was written; None for what is none."""
    try:
        return _decode(raw) if isinstance(raw, bytes) else None
    except ValueError:
        return None


@asynccontextmanager
async def open_cache(
    policies: tuple[Policy, ...],
    shared: SharedRedis | None,
    metrics: CacheMetrics,
    logger: Logger,
) -> AsyncIterator[Cache]:
    """Yield a cache; nothing is asked of Redis before its first use."""
    cache = Cache(policies, shared, metrics, logger)
    await cache.start()
    try:
        yield cache
    finally:
        await cache.close()
