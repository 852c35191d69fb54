"""The process of one attack: what it is told comes on stdin, what it found goes to stdout.

A process of its own, and a humble one (`arena`), so that what it costs is the server's answer and
not the attacker's arithmetic.
"""

import asyncio
import sys
from typing import Final

import msgspec

from tests.faults.attacks.on_http import ON_HTTP
from tests.faults.attacks.on_sockets import ON_SOCKETS
from tests.faults.attacks.wire import Target

ATTACKS: Final = {**ON_HTTP, **ON_SOCKETS}


async def attack(name: str, target: Target) -> object:
    """Run one attack to its end; return what it has to say."""
    return await ATTACKS[name].run(target)


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Target)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(attack(sys.argv[1], told)) or {}))
