"""The API keys: made, changed and revoked by their owners, looked up when a call is signed.

Laws: a secret is shown once and kept sealed; nothing but the audit log tells later that a key was
there. A key that is known is one object for everything that uses it (`KeyStanding`), so what
changes it changes here at once, and what another process changed within a second or two
(`key_watch.py`): sockets are closed, commands that wait are refused.
"""

import weakref
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.access.api_keys.standing import KeyStanding, Scope
from gateway.access.principals import Actor
from gateway.accounts.api_keys.fields import parsed_networks
from gateway.accounts.api_keys.settings import ApiKeySettings
from gateway.accounts.api_keys.signing import (
    Algorithm,
    Verifies,
    new_name,
    new_secret,
    verifier_of,
)
from gateway.sealing.seal import NotOpened, Seal
from gateway.settings.values import Network
from gateway.wire.errors import LimitReached, NotFound, Unavailable
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import BoundReached
from persistence.repositories.api_keys.keys import ApiKeyRow, ApiKeyRows, NewApiKey
from persistence.repositories.audit import AuditLog, AuditTrail

_MINUTE: Final = 60 * MICROSECONDS
_NOT_OPENED: Final = "The secret of this API key can't be opened here: see ENCRYPTION_KEY"
_RESEALED_AT_ONCE: Final = 100


class KnownKey(msgspec.Struct, frozen=True):
    """A key as it is remembered: how it stands, and how its signatures are checked."""

    standing: KeyStanding
    algorithm: Algorithm
    verifies: Verifies


class NewKey(msgspec.Struct, frozen=True):
    """A key that was made, and its secret if we made one."""

    row: ApiKeyRow
    secret: str | None


class ApiKeys:
    """The service; one per process."""

    def __init__(
        self, rows: ApiKeyRows, audit: AuditLog, seal: Seal, settings: ApiKeySettings
    ) -> None:
        self._rows = rows
        self._audit = audit
        self._seal = seal
        self._settings = settings
        self._known: dict[str, KnownKey] = {}
        self._alive: weakref.WeakSet[KeyStanding] = weakref.WeakSet()
        """All that anything looks at: those that are remembered, and those of open sockets."""
        self._noted: dict[int, int] = {}
        self._revision = 0
        """Goes up with every change that is made here."""
        self.on_changed: list[Callable[[int], None]] = []
        """Called with a user's id when a key of theirs ended, or takes other addresses."""

    # -- for owners -----------------------------------------------------------------------------

    async def of_user(self, user_id: int) -> list[ApiKeyRow]:
        """Return somebody's keys, oldest first."""
        return await self._rows.of_user(user_id)

    async def create(
        self,
        actor: Actor,
        label: str,
        public_key: bytes | None,
        networks: tuple[Network, ...],
        expires_at: int | None,
        *,
        may_trade: bool,
    ) -> NewKey:
        """Make a key: Ed25519 with a public key, else HMAC with a secret; raises LimitReached."""
        name, secret, material = new_name(), None, public_key
        algorithm = Algorithm.ED25519
        if material is None:
            secret, algorithm = new_secret(), Algorithm.HMAC_SHA256
            material = self._seal.seal(secret.encode("ascii"), _place(name))
        new = NewApiKey(
            actor.user_id,
            name,
            label,
            algorithm.value,
            material,
            may_trade,
            [str(network) for network in networks],
            now_us(),
            expires_at,
        )
        most = self._settings.per_user
        try:
            row = await self._rows.create(new, most)
        except BoundReached:
            raise LimitReached.of("api keys", most) from None
        await self._note(actor, "api_key.create", row.id)
        return NewKey(row, secret)

    async def change(
        self,
        actor: Actor,
        key_id: int,
        label: str | None,
        networks: tuple[Network, ...] | None,
    ) -> ApiKeyRow:
        """Give a key another label or allow-list, None for the same; raises NotFound."""
        texts = None if networks is None else [str(network) for network in networks]
        row = await self._rows.change(actor.user_id, key_id, label, texts)
        if row is None:
            raise NotFound
        self._revision += 1
        self._apply(key_id, row.allow_list)
        await self._note(actor, "api_key.change", key_id)
        return row

    async def revoke(self, actor: Actor, key_id: int) -> None:
        """End a key at once; raises NotFound."""
        row = await self._rows.delete(actor.user_id, key_id)
        if row is None:
            raise NotFound
        self._revision += 1
        self._apply(key_id, None)
        await self._note(actor, "api_key.revoke", key_id)

    async def _note(self, actor: Actor, action: str, key_id: int) -> None:
        trail = AuditTrail(self._audit, actor.request_id)
        await trail.note(actor.user_id, action, f"api-key:{key_id}", "ok")

    # -- for calls ------------------------------------------------------------------------------

    def remembered(self, name: str) -> KnownKey | None:
        """Return a key that was looked up before and wasn't revoked; never waits."""
        return self._known.get(name)

    async def look_up(self, name: str) -> KnownKey | None:
        """Return the key of a name; raises Unavailable if its secret can't be opened."""
        revision = -1
        row = None
        while revision != self._revision:
            # What was read before a key was changed or revoked here isn't true any more.
            revision = self._revision
            row = await self._rows.by_name(name)
        known = self._known.get(name)
        if row is None or known is not None:
            return known  # somebody else has looked it up meanwhile
        algorithm, material = Algorithm(row.algorithm), row.material
        if algorithm is Algorithm.HMAC_SHA256:
            try:
                material = self._seal.open(material, _place(name))
            except NotOpened as error:
                raise Unavailable(_NOT_OPENED) from error
        scopes = {Scope.READ, Scope.TRADE} if row.may_trade else {Scope.READ}
        standing = KeyStanding(
            row.id,
            name,
            row.user_id,
            frozenset(scopes),
            parsed_networks(row.allow_list),
            row.expires_at,
        )
        self._alive.add(standing)
        known = KnownKey(standing, algorithm, verifier_of(algorithm, material))
        if len(self._known) >= self._settings.remembered:
            del self._known[next(iter(self._known))]
        self._known[name] = known
        return known

    # -- for the watch --------------------------------------------------------------------------

    async def recheck(self) -> None:
        """Notice what other processes, or this one before it knew a key, have changed.

        One query, and none while no key is known. Raises what a listener raised, after all keys
        were dealt with.
        """
        ids = {standing.id for standing in self._alive}
        if not ids:
            return
        found = await self._rows.standing(list(ids))
        failures: list[Exception] = []
        for key_id in ids:
            try:
                self._apply(key_id, found.get(key_id))
            except Exception as error:  # noqa: BLE001 - a listener's, raised again below
                failures.append(error)
        if failures:
            raise ExceptionGroup("listeners failed", failures)

    async def note_used(self) -> None:
        """Write down which keys were used since the last time, to the minute."""
        used = {}
        for standing in list(self._alive):
            minute = standing.used_at // _MINUTE * _MINUTE
            if minute and self._noted.get(standing.id, 0) < minute:
                used[standing.id] = minute
        if used:
            await self._rows.note_used(used)
        alive = {standing.id for standing in self._alive}
        self._noted = {i: at for i, at in {**self._noted, **used}.items() if i in alive}

    async def reseal(self) -> tuple[int, int]:
        """Seal anew what an older key of ENCRYPTION_KEY has sealed; return how many secrets were,
        and how many no key opens.
        """
        after = done = lost = 0
        while rows := await self._rows.secrets(after, _RESEALED_AT_ONCE):
            for key_id, name, sealed in rows:
                after = key_id
                if self._seal.is_current(sealed):
                    continue
                try:
                    text = self._seal.open(sealed, _place(name))
                except NotOpened:
                    lost += 1
                    continue
                await self._rows.reseal(key_id, sealed, self._seal.seal(text, _place(name)))
                done += 1
        return done, lost

    def _apply(self, key_id: int, allow_list: list[str] | None) -> None:
        """Let a key stand as its row says; None: it has none any more."""
        networks = None if allow_list is None else parsed_networks(allow_list)
        changed = None
        for standing in list(self._alive):
            if standing.id != key_id or standing.is_over:
                continue
            if networks is None:
                standing.is_over = True
                self._known.pop(standing.name, None)
                changed = standing.user_id
            elif networks != standing.networks:
                standing.networks = networks
                changed = standing.user_id
        if changed is not None:
            for listener in self.on_changed:
                listener(changed)


def _place(name: str) -> str:
    """Return where the secret of a key is sealed for."""
    return f"api_keys.material:{name}"
