"""Who one is at a running exchange: signed in for as long as it takes, over REST.

Laws: the cookie renews the access token before it expires; a session that is over is begun anew.
The password is in memory alone, and in no line that is printed.
"""

import time
from typing import Any, Final

import httpx

from gateway.research.live.line import Declined, LineLost, refusal

ROWS_MAX: Final = 100_000
"""Of a list no more is read."""
_TIMEOUT_S: Final = 10.0
_RENEWED_AFTER: Final = 2 / 3
"""Of a token's life."""


class Session:
    """Signs in, and asks."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/api/v1", timeout=_TIMEOUT_S, trust_env=False
        )
        # The cookie counts with this alone.
        self._client.headers["X-Requested-With"] = "probity"
        self._person = {"email": email, "password": password}
        self._renew_at = 0.0
        self.token = ""

    async def fresh(self) -> bool:
        """Have a token that holds for a while; True if it is another one."""
        if time.monotonic() < self._renew_at:
            return False
        try:
            signed_in = await self.call("POST", "/auth/refresh")
        except Declined as refusal:
            if refusal.code != "UNAUTHORIZED":
                raise
            signed_in = await self.call("POST", "/auth/login", self._person)
        if "accessToken" not in signed_in:
            raise Declined("SECOND_FACTOR", "an account with a second factor can't run a bot so")
        self.token = signed_in["accessToken"]
        self._renew_at = time.monotonic() + signed_in["expiresIn"] * _RENEWED_AFTER
        return True

    async def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the data of an answer; raises Declined, LineLost."""
        data, _ = await self._answer(method, path, body)
        return data

    async def every(self, path: str) -> list[Any]:
        """Return a list to its end, part by part, `ROWS_MAX` at most; raises as `call`."""
        found: list[Any] = []
        asked = path
        while True:
            part, cursor = await self._answer("GET", asked, None)
            found += part
            if cursor is None or len(found) >= ROWS_MAX:
                return found[:ROWS_MAX]
            asked = f"{path}{'&' if '?' in path else '?'}cursor={cursor}"

    async def _answer(self, method: str, path: str, body: object) -> tuple[Any, str | None]:
        """Return the data of an answer, and where a list goes on."""
        signed = {} if path.startswith("/auth/") else {"authorization": f"Bearer {self.token}"}
        try:
            answer = await self._client.request(method, path, json=body, headers=signed)
            told: Any = answer.json() if answer.content else {"data": None}
        except (httpx.HTTPError, ValueError) as error:
            raise LineLost(f"{type(error).__name__}: {error}") from error
        try:
            if answer.is_success:
                return told["data"], told.get("nextCursor")
            refused = refusal(told["error"]["code"], told["error"]["message"])
        except (KeyError, TypeError):
            # Of whoever stands in front of the exchange.
            raise LineLost(f"something else answered {answer.status_code}") from None
        raise refused

    async def close(self) -> None:
        """Leave."""
        await self._client.aclose()
