"""The one cookie: the refresh token, for scripts unreadable and sent to no other site.

Its path is /api, the longest that both mounts of the API share.
"""

from http.cookies import CookieError, SimpleCookie
from typing import Final

REFRESH: Final = "probity_refresh"
_TOKEN_LENGTH: Final = 128


def refresh_cookie(token: str, max_age: int, is_https: bool) -> tuple[bytes, bytes]:
    """Return the header that sets the cookie for `max_age` seconds; 0 removes it."""
    secure = "; Secure" if is_https else ""
    text = f"{REFRESH}={token}; Max-Age={max_age}; Path=/api; HttpOnly; SameSite=Strict{secure}"
    return b"set-cookie", text.encode("ascii")


def read_refresh_cookie(header: bytes) -> str | None:
    """Return the refresh token in a Cookie header, None if there is none that could be ours."""
    if REFRESH.encode("ascii") not in header:
        return None
    try:
        morsel = SimpleCookie(header.decode("latin-1")).get(REFRESH)
    except CookieError:
        return None
    if morsel is None or not morsel.value.isascii() or len(morsel.value) > _TOKEN_LENGTH:
        return None
    return morsel.value or None
