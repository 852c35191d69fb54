"""Who has signed a call: all that is asked of a call before it is taken, in this order.

    time stamp within its window (the refusal tells the server's time)
    the key is known, the signature is its own          else one answer for both
    not expired, not revoked, from an address of its list
    not taken before                                    `nonces.py`, behind the rate limit

Laws: what can be said without looking anything up is asked first. Whoever can't sign learns nothing
of a key, not even that there is one; whoever can is told what else is wrong. Failures count as
tokens that don't hold do, by address, and an address with too many is refused before it costs a
look-up or a check of a signature; but not for a key that was used rightly from there before. Each
refusal is counted, and of a known key audited, at most once a minute for a key and a reason.
"""

import contextlib
import enum
import time
from collections.abc import Callable
from typing import Final, NoReturn

from gateway.access.api_keys.signed_call import SignedCall
from gateway.access.api_keys.standing import KeyStanding, KeyUse
from gateway.access.principals import Principal, Role
from gateway.access.rate_limits import RateLimits
from gateway.accounts.api_keys.keys import ApiKeys, KnownKey
from gateway.accounts.api_keys.nonces import NonceBook, SharedNonces, Taken
from gateway.wire.errors import ApiError, Detail, Forbidden, Unauthorized
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail

AHEAD_MS: Final = 1_000
"""A caller's clock may be so much ahead of ours."""
NO_END: Final = 253_402_300_799
"""The last second of the year 9999: when a key ends that never does."""
_AUDITED_EACH_S: Final = 60.0
_AUDITED: Final = 10_000
WRONG: Final = "The API key is not known, or it didn't make this signature"
_US_PER_MS: Final = 1_000
_MICROSECONDS: Final = 1_000_000


class KeyRefusal(enum.StrEnum):
    """Why a signed call was refused: a closed list, for the metrics and the audit log."""

    TIMESTAMP = "timestamp"
    UNKNOWN_KEY = "unknown key"
    SIGNATURE = "signature"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ADDRESS = "address"
    REPLAYED = "replayed"


class KeyGate:
    """Checks signed calls; implements `KeyChecks`."""

    def __init__(
        self,
        keys: ApiKeys,
        book: NonceBook,
        shared: SharedNonces | None,
        limits: RateLimits,
        audit: AuditLog,
        count: Callable[[str], None],
        window_max_ms: int,
    ) -> None:
        """Check by `keys`; `shared` is what remembers calls where there are several processes, and
        `count` is told of each refusal.
        """
        self._keys = keys
        self._book = book
        self._shared = shared
        self._limits = limits
        self._audit = audit
        self._count = count
        self._window_max_ms = window_max_ms
        self._audited: dict[tuple[int, KeyRefusal], float] = {}

    async def caller(self, call: SignedCall, address: str) -> Principal:
        """Return who signed a call; raises Unauthorized, Forbidden or RateLimited."""
        self._check_time(call)
        known = self._keys.remembered(call.key)
        if known is None or not known.standing.was_right_at(address):
            self._limits.check_token(address)
        known = known or await self._keys.look_up(call.key)
        if known is None:
            self._limits.count_wrong_token(address)
            self._count(KeyRefusal.UNKNOWN_KEY)
            raise Unauthorized(WRONG)
        if not known.verifies(call.text(known.algorithm), call.signature):
            self._limits.count_wrong_token(address)
            await self._refuse(known.standing, KeyRefusal.SIGNATURE, Unauthorized(WRONG))
        use = await self._usable(known, address)
        if self._book.holds(_taken(use.key, call)):
            await self._refuse(use.key, KeyRefusal.REPLAYED, _replayed())
        self._limits.adopt(use.key.counted_as, use.key.user_id)
        expires_at = use.key.expires_at
        ends = NO_END if expires_at is None else expires_at // _MICROSECONDS
        return Principal(use.key.user_id, Role.USER, 0, ends, use)

    async def use_up(self, call: SignedCall, caller: Principal) -> None:
        """Note that a call was taken; raises Unauthorized if it was before, and RateLimited."""
        if caller.key is None:
            raise TypeError("nobody signed it")
        key = caller.key.key
        taken = _taken(key, call)
        # Between the two nothing of the book changes hands: it is this step that decides.
        is_new = self._book.take(taken)
        if is_new and self._shared is not None:
            is_new = await self._shared.take(taken)
        if not is_new:
            await self._refuse(key, KeyRefusal.REPLAYED, _replayed())
        key.used_at = now_us()

    def _check_time(self, call: SignedCall) -> None:
        """Raise Unauthorized for a call whose window is too long, or isn't now."""
        now = now_us() // _US_PER_MS
        most = self._window_max_ms
        self._book.forget(now - most - AHEAD_MS)
        if call.window > most:
            self._refuse_time("window", f"is {call.window} ms; at most {most} are allowed", now)
        if not now - call.window <= call.timestamp <= now + AHEAD_MS:
            early = "ahead of" if call.timestamp > now else "behind"
            off = abs(now - call.timestamp)
            self._refuse_time("timestamp", f"is {off} ms {early} the server's time", now)
        if call.timestamp < self._book.floor:
            self._refuse_time("timestamp", "lies before this server began; sign it anew", now)

    def _refuse_time(self, field: str, message: str, now: int) -> NoReturn:
        self._count(KeyRefusal.TIMESTAMP)
        shown = f"{now} ({iso_millis(now * _US_PER_MS)})"
        raise Unauthorized(
            f"{field}: {message}; the server's time is {shown}",
            details=(Detail(field, message), Detail("serverTime", str(now))),
        )

    async def _usable(self, known: KnownKey, address: str) -> KeyUse:
        """Return the use of a key from an address; raises why it may not be used there."""
        key = known.standing
        key.note_right(address)
        use = KeyUse(key, address)
        refusal = use.refusal()
        if refusal is not None:
            reason = KeyRefusal.ADDRESS if isinstance(refusal, Forbidden) else KeyRefusal.EXPIRED
            await self._refuse(key, KeyRefusal.REVOKED if key.is_over else reason, refusal)
        return use

    async def _refuse(self, key: KeyStanding, reason: KeyRefusal, error: ApiError) -> NoReturn:
        """Count and audit a refusal of a key that is known, and raise it."""
        self._count(reason)
        now, noted = time.monotonic(), (key.id, reason)
        if now - self._audited.get(noted, -_AUDITED_EACH_S) >= _AUDITED_EACH_S:
            self._audited.pop(noted, None)
            if len(self._audited) >= _AUDITED:
                del self._audited[next(iter(self._audited))]
            self._audited[noted] = now
            trail, is_written = AuditTrail(self._audit, "signed-call"), False
            try:
                with contextlib.suppress(*OUTAGES):
                    await trail.note(None, "api_key.use", f"api-key:{key.id}", reason.value)
                    is_written = True
            finally:
                if not is_written:  # refused in any case; the next refusal is to write the line
                    self._audited.pop(noted, None)
        raise error


def _taken(key: KeyStanding, call: SignedCall) -> Taken:
    return Taken(key.id, call.nonce, call.timestamp)


def _replayed() -> Unauthorized:
    message = "was used before; every call needs one of its own"
    return Unauthorized(f"nonce: {message}", details=(Detail("nonce", message),))
