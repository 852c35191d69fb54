"""Accounts that a replay acts through: signed in, and signed in again when their token ends."""

import secrets
import threading
from collections.abc import Mapping
from typing import Final

from gateway.client.rest import ApiClient, ApiRefused, Envelope

_UNAUTHORIZED: Final = 401
_CONFLICT: Final = 409


class ReplayAccount:
    """One user of the exchange; for many threads at once."""

    def __init__(self, client: ApiClient, email: str, password: str) -> None:
        self._client = client
        self._email = email
        self._password = password
        self._signing_in = threading.Lock()
        self._token = ""
        self.user_id = ""

    def sign_in(self, path: str = "/auth/login") -> None:
        """Log in (or register); raises ApiRefused and ApiUnreachable."""
        body = {"email": self._email, "password": self._password}
        data = self._client.call("POST", path, body).data
        self._token = data["accessToken"]
        self.user_id = data["user"]["id"]

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Envelope:
        """Call the API as this user; raises ApiRefused and ApiUnreachable."""
        token = self._token
        try:
            return self._client.call(method, path, body, token)
        except ApiRefused as refusal:
            if refusal.status != _UNAUTHORIZED:
                raise
        with self._signing_in:
            # Another thread may have been here meanwhile.
            if self._token == token:
                self.sign_in()
        return self._client.call(method, path, body, self._token)


def register(client: ApiClient, email: str) -> ReplayAccount:
    """Return a new user with a password nobody is told; raises ApiRefused and ApiUnreachable."""
    account = ReplayAccount(client, email, secrets.token_urlsafe(24))
    try:
        account.sign_in("/auth/register")
    except ApiRefused as refusal:
        # The address is this run's own, so it can only be our own lost answer.
        if refusal.status != _CONFLICT:
            raise
        account.sign_in()
    return account
