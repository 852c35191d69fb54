"""Whom a token stands for, within the limit of tokens that don't hold; the same for each transport.

Laws: a token that was seen before costs a look into memory. Another one costs a signature check and
a query, so those that don't hold are counted by address, and an address with too many is refused
before it costs that: a flood of forgeries costs little. One that was issued here just now is no
stranger's, and is looked at all the same.
"""

from gateway.access.principals import Principal, TokenChecks
from gateway.access.rate_limits import RateLimits
from gateway.wire.errors import Unauthorized


class TokenGate:
    """Looks tokens up."""

    __slots__ = ("_limits", "_tokens")

    def __init__(self, tokens: TokenChecks, limits: RateLimits) -> None:
        self._tokens = tokens
        self._limits = limits

    async def principal(self, token: bytes, address: str) -> Principal:
        """Return who a token stands for; raises Unauthorized or RateLimited."""
        caller = self._tokens.remembered(token)
        if caller is not None:
            return caller
        if not self._tokens.is_expected(token):
            self._limits.check_token(address)
        try:
            return await self._tokens.verify(token)
        except Unauthorized:
            self._limits.count_wrong_token(address)
            raise
