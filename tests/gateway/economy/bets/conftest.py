"""What the tests of bets share."""

import pytest

from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.economy.bets.stories import list_market


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    """The application with one market."""
    made = await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")
    list_market(made)
    return made
