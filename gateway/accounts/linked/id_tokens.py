"""ID tokens: what an issuer signs of who somebody is (OpenID Connect Core, 3.1.3.7).

Laws: RS256 and nothing else, by a key of the issuer's own set, which the header's `kid` names. The
token is for us alone, from our issuer, of now, and holds the nonce of the very sign-in. Keys
rotate: a `kid` that isn't known has the set fetched anew, but not more often than every
`REFETCH_S`.
"""

import hmac
import time
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.accounts.linked.providers import Failure, SignInFailed, answered, decoded
from gateway.outbound.asking import Outbound

ALGORITHM: Final = "RS256"
TOKEN_LENGTH: Final = 16_384
KEYS_MAX: Final = 32
REFETCH_S: Final = 10
KEPT_S: Final = (300, 86_400)
"""How long a set is kept at least and at most, whatever its answer says."""
LEEWAY_S: Final = 60
"""So far the issuer's clock may be from ours."""
_LEAST_BITS: Final = 2_048
_REQUIRED: Final = ["iss", "aud", "exp", "iat", "sub", "nonce"]
_SUBJECT_LENGTH: Final = 255


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


_KEY_SET: Final = msgspec.json.Decoder(_KeySet)


class IdTokens:
    """Checks the ID tokens of one issuer."""

    def __init__(self, outbound: Outbound, issuer: str, client_id: str) -> None:
        self._outbound = outbound
        self._issuer = issuer
        self._client_id = client_id
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = float("-inf")
        self._kept_s = 0.0

    async def verified(self, token: str, jwks_url: str, nonce: str) -> dict[str, Any]:
        """Return the claims of a token that holds; raises SignInFailed."""
        try:
            header = jwt.get_unverified_header(token) if len(token) <= TOKEN_LENGTH else {}
            kid = header.get("kid")
            if header.get("alg") != ALGORITHM or not isinstance(kid, str):
                raise SignInFailed(Failure.IDENTITY_INVALID)
            key = await self._key(kid, jwks_url)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._client_id,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            raise SignInFailed(Failure.IDENTITY_INVALID) from None
        subject, told = claims["sub"], claims["nonce"]
        is_text = isinstance(subject, str) and isinstance(told, str)
        if not is_text or not subject.isascii() or not told.isascii():
            raise SignInFailed(Failure.IDENTITY_INVALID)
        is_ours = hmac.compare_digest(told, nonce)
        if not is_ours or not 0 < len(subject) <= _SUBJECT_LENGTH:
            raise SignInFailed(Failure.IDENTITY_INVALID)
        return claims

    async def _key(self, kid: str, jwks_url: str) -> RSAPublicKey:
        """Return the issuer's key of a name; raises SignInFailed."""
        age_s = time.monotonic() - self._fetched_at
        if age_s >= self._kept_s or (kid not in self._keys and age_s >= REFETCH_S):
            await self._fetch(jwks_url)
        key = self._keys.get(kid)
        if key is None:
            raise SignInFailed(Failure.IDENTITY_INVALID)
        return key

    async def _fetch(self, jwks_url: str) -> None:
        answer = await answered(self._outbound, "GET", jwks_url)
        found = decoded(answer, _KEY_SET).keys[:KEYS_MAX]
        least, most = KEPT_S
        self._keys = dict(pair for pair in map(_key_of, found) if pair is not None)
        self._kept_s = min(max(answer.max_age_s, least), most)
        self._fetched_at = time.monotonic()


def _key_of(told: dict[str, Any]) -> tuple[str, RSAPublicKey] | None:
    """Return a key by its name, None for one of another kind."""
    kid = told.get("kid")
    if told.get("kty") != "RSA" or told.get("use", "sig") != "sig" or not isinstance(kid, str):
        return None
    try:
        key = jwt.PyJWK(told, ALGORITHM).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        return None
    return kid, key
