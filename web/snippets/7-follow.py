"""Follow a book: a snapshot first, then what changes."""

import asyncio

import socketio  # pip install python-socketio[asyncio_client]

PROBITY = "http://localhost:8080"


async def follow() -> None:
    """Print the answer and three messages."""
    async with socketio.AsyncSimpleClient() as exchange:
        await exchange.connect(PROBITY, socketio_path="ws", transports=["websocket"])
        wanted = {"market": "rain", "outcome": "YES"}
        print(await exchange.call("subscribe:market", wanted))
        for _ in range(3):
            event, data = await exchange.receive(timeout=10)
            print(event, data)


asyncio.run(follow())
