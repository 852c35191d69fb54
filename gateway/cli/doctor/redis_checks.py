"""What `probity doctor` looks at in Redis, if one is set: that it answers, and is new enough."""

from collections.abc import AsyncIterator
from typing import Final

from gateway.cli.doctor.finding import Finding, fail, ok
from gateway.settings.settings import Settings
from persistence.relay.messages import FAILURES, reason_of, server_version

OLDEST: Final = (6, 2)


async def redis(settings: Settings) -> AsyncIterator[Finding]:
    """Judge the Redis that carries market data to other gateways; nothing to say if none is set."""
    if settings.redis_url is None:
        return
    try:
        version = await server_version(settings.redis_url)
    except FAILURES as error:
        advice = "see that it runs, and that address and password fit; trading goes on without it"
        yield fail(f"REDIS_URL: {reason_of(error)}", advice)
        return
    found = f"REDIS_URL: Redis {'.'.join(map(str, version))}"
    if version < OLDEST:
        yield fail(found, f"{'.'.join(map(str, OLDEST))} or later is needed")
    else:
        yield ok(f"{found} answers")
