"""What an answer says of how long its service wants to be left alone."""

import pytest

from gateway.outbound.asking import Outbound, wait_of
from tests.venues.stand_in import StandIn, answer

NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 40, 999_999_999.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("\u0661\u0662", 0.0),
        ("soon", 0.0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert wait_of(header, NOW) == seconds


async def test_an_answer_says_how_long_to_wait() -> None:
    async def busy(_request: object) -> object:
        return answer(b"{}", 429, retry_after="7")

    async def good(_request: object) -> object:
        return answer(b"{}")

    service = StandIn({"/busy": busy, "/good": good})  # type: ignore[dict-item]
    async with service.running():
        asked = [await Outbound(30).ask("GET", service.url + path) for path in ("/busy", "/good")]
    assert [(one.status, one.wait_s) for one in asked] == [(429, 7.0), (200, 0.0)]
