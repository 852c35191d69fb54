"""Tokens of accounts elsewhere: sealed for their row, and sealed anew when the key is another."""

from typing import Any, Final

import msgspec

from gateway.accounts.linked.providers import Identity
from gateway.sealing.seal import NotOpened, Seal
from persistence.repositories.people.linked_accounts import LinkedAccounts, NewLink

_AT_ONCE: Final = 100


class LinkedTokens:
    """Seals and opens them."""

    NAME = "tokens of linked accounts"

    def __init__(self, rows: LinkedAccounts, seal: Seal) -> None:
        self._rows = rows
        self._seal = seal

    def sealed(self, provider: str, identity: Identity) -> NewLink:
        """Return what is stored of somebody's account elsewhere."""
        text = msgspec.json.encode(identity.tokens)
        tokens = self._seal.seal(text, _place(provider, identity.subject))
        return NewLink(provider, identity.subject, identity.label, tokens)

    def opened(self, provider: str, subject: str, tokens: bytes) -> dict[str, Any]:
        """Return tokens that were sealed for a row; raises NotOpened."""
        text = self._seal.open(tokens, _place(provider, subject))
        return msgspec.json.decode(text, type=dict[str, Any])

    async def reseal(self) -> tuple[int, int]:
        """Seal anew what an older key of ENCRYPTION_KEY has sealed; return how many were, and how
        many no key opens.
        """
        after, done, lost = (0, ""), 0, 0
        while rows := await self._rows.sealed(after, _AT_ONCE):
            for row in rows:
                after = (row.user_id, row.provider)
                if self._seal.is_current(row.tokens):
                    continue
                place = _place(row.provider, row.subject)
                try:
                    text = self._seal.open(row.tokens, place)
                except NotOpened:
                    lost += 1
                    continue
                await self._rows.reseal(row, self._seal.seal(text, place))
                done += 1
        return done, lost


def _place(provider: str, subject: str) -> str:
    """Return where the tokens of a link are sealed for."""
    return f"linked_accounts.tokens:{provider}:{subject}"
