"""The cookie that binds a sign-in elsewhere to the browser that began it, and what follows from it.

Laws: whoever has the address of a callback, or a code out of one, can do nothing without the
cookie: scripts can't read it, and only its hash is stored. The secret halves of what a provider is
shown (PKCE's verifier) or gives back signed (OpenID's nonce) are made of it and of the state, so
that they are stored nowhere.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final

from gateway.accounts.sessions.cookies import read_cookie

COOKIE: Final = "probity_sign_in"
_NAME: Final = COOKIE.encode("ascii")


def browser_of(header: bytes) -> str | None:
    """Return what a Cookie header says which browser it is, None for one that has begun nothing."""
    return read_cookie(header, _NAME)


def new_secret() -> str:
    """Return 256 random bits: of a browser, a state or a code."""
    return secrets.token_urlsafe(32)


def browser_cookie(
    browser: str, max_age: int, is_https: bool, *, for_other_sites: bool
) -> tuple[bytes, bytes]:
    """Return the header that sets the cookie for `max_age` seconds.

    Not Strict: the provider sends the browser back, and that call is another site's.
    """
    secure = "; Secure" if is_https else ""
    same_site = "None" if for_other_sites and is_https else "Lax"
    text = f"{COOKIE}={browser}; Max-Age={max_age}; Path=/api; HttpOnly; SameSite={same_site}"
    return b"set-cookie", (text + secure).encode("ascii")


def verifier_of(browser: str, state: str) -> str:
    """Return PKCE's verifier of a sign-in: 43 characters."""
    return _derived(browser, "verifier", state)


def nonce_of(browser: str, state: str) -> str:
    """Return OpenID's nonce of a sign-in: 43 characters."""
    return _derived(browser, "nonce", state)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret of 256 random bits, which needs no salt."""
    return hashlib.sha256(secret.encode("utf-8")).digest()


def _derived(browser: str, what: str, state: str) -> str:
    raw = hmac.digest(browser.encode("ascii"), f"{what}\0{state}".encode(), "sha256")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
