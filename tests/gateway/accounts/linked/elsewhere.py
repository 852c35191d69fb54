"""X and Google as stand-ins that speak their protocols: PKCE, single-use codes, ID tokens."""

import base64
import hashlib
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.requests import Request
from starlette.responses import Response

from tests.venues.stand_in import StandIn, answer

CLIENT_ID, CLIENT_SECRET = "our-id", "our secret/+"
_KIDS = itertools.count(1)


class Key:
    """A key that signs ID tokens."""

    def __init__(self, bits: int = 2_048) -> None:
        self.kid = f"key-{next(_KIDS)}"
        self.private = rsa.generate_private_key(public_exponent=65_537, key_size=bits)

    def told(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.kid, "use": "sig", "alg": "RS256"}


@dataclass
class Someone:
    """Who signs in there."""

    subject: str = "1001"
    email: str = "ada@example.org"
    verified: Any = True
    username: str = "ada_lovelace"


@dataclass
class Elsewhere:
    """Both providers at one address."""

    key: Key = field(default_factory=Key)
    someone: Someone = field(default_factory=Someone)
    claims: dict[str, Any] = field(default_factory=dict)
    """What is said in the place of what is true."""
    header: dict[str, Any] = field(default_factory=dict)
    forger: Key | None = None
    """Who signs in the place of the key that is published."""
    algorithm: str = "RS256"
    published: list[Key] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    """What is answered in the place of tokens."""
    url: str = ""
    revoked: list[tuple[str, str, str]] = field(default_factory=list)
    """Where tokens were given back, which, and of which kind."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def stand_in(self) -> StandIn:
        return StandIn(
            {
                "/.well-known/openid-configuration": self._discovery,
                "/jwks": self._jwks,
                "/authorize": self._authorize,
                "/i/oauth2/authorize": self._authorize,
                "/token": self._token,
                "/2/oauth2/token": self._token,
                "/2/users/me": self._me,
                "/revoke": self._revoke,
                "/2/oauth2/revoke": self._revoke,
            }
        )

    def approve(self, url: str) -> dict[str, str]:
        """Do as a browser in which somebody says yes; return what it is sent back with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(40)
        self.codes[code] = asked
        return {"state": asked["state"], "code": code}

    # -- what is served -----------------------------------------------------------------------

    async def _discovery(self, _request: Request) -> Response:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?hd=*",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "revocation_endpoint": f"{self.url}/revoke",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return answer(json.dumps(found).encode())

    async def _authorize(self, request: Request) -> Response:
        """Say yes at once, and send the browser back."""
        told = self.approve(str(request.url))
        back = f"{request.query_params['redirect_uri']}?{urlencode(told)}"
        return answer(b"", 302, location=back)

    async def _jwks(self, _request: Request) -> Response:
        keys = [self.key] if self.published is None else self.published
        odd = [{"kty": "EC", "kid": "other", "crv": "P-256"}, {"kty": "RSA", "kid": "broken"}]
        return answer(json.dumps({"keys": [*odd, *(key.told() for key in keys)]}).encode())

    async def _token(self, request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        if not _is_ours(request):
            return _refused("invalid_client", 401)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form["grant_type"] != "authorization_code":
            return _refused("invalid_grant")
        raw = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        if (challenge, form["redirect_uri"]) != (asked["code_challenge"], asked["redirect_uri"]):
            return _refused("invalid_grant")
        tokens = {"access_token": "secret-access", "token_type": "bearer", "expires_in": 7_200}
        if "openid" in asked["scope"]:
            tokens["id_token"] = self.id_token(asked["nonce"])
        return answer(json.dumps({**tokens, "scope": asked["scope"], **self.told}).encode())

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": self.someone.subject,
            "email": self.someone.email,
            "email_verified": self.someone.verified,
            "nonce": nonce,
            "iat": now,
            "exp": now + 3_600,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": self.key.kid} | self.header
        key: Any = (self.forger or self.key).private
        if self.algorithm == "RS256":
            return _signed(header, claims, key)
        if self.algorithm == "none":
            key = None
        elif self.algorithm.startswith("HS"):
            key = "the published key taken for a secret, which it is none"
        return jwt.encode(claims, key, self.algorithm, headers=header)

    async def _revoke(self, request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        if not _is_ours(request):
            return _refused("invalid_client", 401)
        told = request.url.path, form["token"], form["token_type_hint"]
        self.revoked.append(told)
        # RFC 7009, 2.2: 200, whether the token was known or not.
        return answer(b"{}")

    async def _me(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer secret-access":
            return _refused("unauthorized", 401)
        told = {"id": self.someone.subject, "username": self.someone.username, "name": "Ada"}
        return answer(json.dumps({"data": told}).encode())


def _is_ours(request: Request) -> bool:
    """Say whether the exchange has said who it is."""
    scheme, _, encoded = request.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    identity, _, secret = base64.b64decode(encoded).decode().partition(":")
    return (identity, secret) == (CLIENT_ID, "our%20secret%2F%2B")


def _signed(header: dict[str, Any], claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    """Sign as the library would with a key that it takes."""
    told = {name: text for name, text in header.items() if text is not None}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "RS256", "typ": "JWT", **told}, claims)
    ]
    signature = key.sign(b".".join(parts), padding.PKCS1v15(), hashes.SHA256())
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def _refused(error: str, status: int = 400) -> Response:
    return answer(json.dumps({"error": error}).encode(), status)
