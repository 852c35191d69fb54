"""Connections that are being closed have half a second, not five."""

import pytest


@pytest.fixture(autouse=True)
def _closes_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says nothing to the close that he is sent, as strangers do here, is waited for."""
    monkeypatch.setattr("gateway.access.connections.CLOSING_SECONDS", 0.5)
