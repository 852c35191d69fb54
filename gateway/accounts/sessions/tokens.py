"""Access tokens: JWTs signed with an Ed25519 key of ours, and nothing else is ever accepted.

The key is an object, never bytes that could be taken for an HMAC secret; the algorithm is fixed;
every claim we rely on is required. Which of our keys it is says the header's `kid`, one of those
that `keys.py` knows and no address to fetch one from: a header with anything beside `alg`, `typ`
and `kid` is refused. A token of before there were `kid`s is one of the first key. A token says who
(`sub`) and which session (`sid`), not what they may do: the role is read from the database, so that
a change takes effect at once.
"""

import enum
import secrets
import time
from typing import Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.accounts.sessions.keys import KeyRing
from gateway.wire.errors import Unauthorized
from gateway.wire.scalars import parse_id

ALGORITHM: Final = "EdDSA"
TYPE: Final = "JWT"
ISSUER: Final = "probity"
AUDIENCE: Final = "probity-api"
TOKEN_LENGTH: Final = 1_024
"""No token of ours is longer; a longer one is not even parsed."""
_HEADER: Final = frozenset({"alg", "typ", "kid"})
_REQUIRED: Final = ["exp", "iat", "sub", "sid", "jti", "aud", "iss"]


class Claims(msgspec.Struct, frozen=True):
    """What a token that holds says."""

    user_id: int
    session_id: int
    expires_at: int
    """Seconds since the epoch."""


class Lost(enum.Enum):
    """Which keys hold no longer."""

    NONE = 0
    RAN_OUT = 1
    """Keys whose time is over, and that of all tokens that they have signed for us."""
    TAKEN = 2
    """One that held no longer before its time: somebody else may have it."""


class ExpiredToken(Unauthorized):
    """A token of ours whose time is over; told like any other that doesn't hold."""


class Tokens:
    """Issues and verifies access tokens."""

    __slots__ = ("_held", "_keys", "expires_in")

    def __init__(self, keys: KeyRing, expires_in: int) -> None:
        self._keys = keys
        self._held = self._names()
        self.expires_in = expires_in
        """Life of a token in seconds, if nothing shorter is asked for."""

    def issue(self, user_id: int, session_id: int, expires_in: int | None = None) -> str:
        """Return a new token of a session, that lives for so many seconds."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + (self.expires_in if expires_in is None else expires_in),
        }
        key = self._keys.signing()
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})

    def verify(self, token: bytes) -> Claims:
        """Return the claims of a token that holds; raises Unauthorized for any other."""
        if len(token) > TOKEN_LENGTH:
            raise Unauthorized
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise ExpiredToken from None
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Unauthorized from None
        user_id, session_id = parse_id(str(claims["sub"])), parse_id(str(claims["sid"]))
        if user_id is None or session_id is None:
            raise Unauthorized
        return Claims(user_id, session_id, int(claims["exp"]))

    def lost_keys(self) -> Lost:
        """Say whether keys hold no longer that did when this was asked before."""
        before, self._held = self._held, self._names()
        gone = before - self._held
        if not gone:
            return Lost.NONE
        return Lost.RAN_OUT if all(map(self._keys.ran_out, gone)) else Lost.TAKEN

    def _names(self) -> frozenset[str]:
        return frozenset(key.kid for key in self._keys.holding())

    def _key_of(self, token: bytes) -> Ed25519PublicKey:
        """Return the key that a token says it is signed with; raises Unauthorized."""
        header = jwt.get_unverified_header(token)
        # Whatever else the keys sign says so in its `typ`.
        if not header.keys() <= _HEADER or header.get("typ", TYPE) != TYPE:
            raise Unauthorized
        key = self._keys.find(header.get("kid"))
        if key is None:
            raise Unauthorized
        return key.public
