"""The cookies, the refresh token's above all: unreadable for scripts, their path the longest that
both mounts of the API share.

Laws: what a stranger sends is looked at in linear time and up to a bound (the standard library's
parser takes quadratic time for some values, on some of the Pythons we run on); only what can be a
token of ours comes out of here. A browser sends the cookie by itself, so the cookie alone does
nothing: an origin that isn't ours is refused, and so is whoever lacks `X-Requested-With`, a header
that no form and no other site's page can send unless CORS_ORIGIN names it.
"""

import re
from typing import Final

from gateway.http.request import AnyRequest
from gateway.wire.errors import Detail, Forbidden

REFRESH: Final = "probity_refresh"
HEADER_MAX_BYTES: Final = 8_192
"""A longer Cookie header holds no token for us: browsers send 4 kB a cookie at most."""
FOREIGN_PAGE: Final = "Pages of this origin may not use the cookie; CORS_ORIGIN doesn't name it"
REQUESTED_WITH: Final = b"x-requested-with"
_REQUESTED_WITH_NAME: Final = "X-Requested-With"
NO_HEADER: Final = f"The cookie counts with a header {_REQUESTED_WITH_NAME} alone, of any value"
_NAME: Final = REFRESH.encode("ascii")
_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{43}")
"""What `secrets.token_urlsafe(32)` makes."""


def refresh_cookie(
    token: str, max_age: int, is_https: bool, *, for_other_sites: bool = False
) -> tuple[bytes, bytes]:
    """Return the header that sets the cookie for `max_age` seconds; 0 removes it.

    A cookie `for_other_sites` is sent by their pages too, if it came over https; `CookieOrigins`
    then says whose.
    """
    secure = "; Secure" if is_https else ""
    same_site = "None" if for_other_sites and is_https else "Strict"
    text = f"{REFRESH}={token}; Max-Age={max_age}; Path=/api; HttpOnly; SameSite={same_site}"
    return b"set-cookie", (text + secure).encode("ascii")


class CookieOrigins:
    """Whose pages may use the cookie: our own, and those of origins named one by one."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins) - {"*"}

    @property
    def other_sites(self) -> bool:
        """Say whether pages of other sites may."""
        return bool(self._origins)

    def check(self, request: AnyRequest) -> None:
        """Raise Forbidden for a page of another site, and naming the header that is missing.

        Programs send no origin. What came over https is no page's that didn't.
        """
        text = request.header(b"origin").decode("latin-1")
        if text and text not in self._origins:
            scheme, _, host = text.partition("://")
            is_plain = request.is_https and scheme != "https"
            if is_plain or host != request.header(b"host").decode("latin-1"):
                raise Forbidden(FOREIGN_PAGE)
        if not request.header(REQUESTED_WITH):
            missing = Detail(_REQUESTED_WITH_NAME, "is required")
            raise Forbidden(NO_HEADER, details=(missing,))


def read_refresh_cookie(header: bytes) -> str | None:
    """Return the refresh token in a Cookie header, None if there is none that could be ours."""
    return read_cookie(header, _NAME)


def read_cookie(header: bytes, wanted: bytes) -> str | None:
    """Return the 256 random bits of a cookie of ours in a Cookie header, None if there is none.

    The first one that could be counts: of several, browsers send the most specific first.
    O(length of the header), which is bounded.
    """
    if len(header) > HEADER_MAX_BYTES:
        return None
    for pair in header.split(b";"):
        name, _, value = pair.strip(b" \t").partition(b"=")
        if name == wanted and _TOKEN.fullmatch(value) is not None:
            return value.decode("ascii")
    return None
