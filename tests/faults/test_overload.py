"""Far more than a server can do, for some seconds: nothing acknowledged is lost, the excess is
refused by 503 and soon, cancels pass, and afterwards all is as before.
"""

import asyncio
from collections import Counter
from typing import Final

import httpx

from benchmarks.site.mix import Mix, Person
from benchmarks.site.offered import Answer, offer
from benchmarks.site.place import orders_of
from tests.faults.conftest import MakeServer
from tests.server_process import ServerProcess

SLUG: Final = "crowded"
SECONDS: Final = 1.5
RATE: Final = 15_000.0
"""More than any generator makes, so that all of its connections wait for an answer: some of it is
done on any machine, and none does all of it within the wait below."""
WAIT_MS: Final = 1
PEOPLE: Final = 6
MAY_BE: Final = {200, 201, 422, 429, 503}


async def cancels(server: ServerProcess, token: str, ended: asyncio.Event) -> Counter[int]:
    """Take back everything of one's own, again and again, and look at the health."""
    statuses = Counter[int]()
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
        while not ended.is_set():
            for method, path in (("DELETE", "/api/v1/orders"), ("GET", "/health")):
                statuses[(await client.request(method, path)).status_code] += 1
            await asyncio.sleep(0.02)
    return statuses


async def ask(server: ServerProcess, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        return await client.get(path)


async def test_what_is_too_much_is_refused_and_nothing_acknowledged_is_lost(
    make_server: MakeServer,
) -> None:
    server = make_server(
        OVERLOAD_WAIT_MS=str(WAIT_MS), STARTING_CREDITS="1000000", LOG_LEVEL="warning"
    )
    server.start()
    server.market(SLUG)
    crowd = [Person(number, "", server.trader()[1]) for number in range(PEOPLE)]
    _, apart = server.trader()
    kinds = {"book": 500, "balance": 200, "order": 300}
    mix = Mix(f"127.0.0.1:{server.port}", SLUG, crowd, seed=16, shares=kinds)
    heard: list[Answer] = []
    ended = asyncio.Event()
    spared = asyncio.create_task(cancels(server, apart, ended))
    await offer(mix, server.port, RATE, SECONDS, heard.append)
    ended.set()
    assert set(await spared) == {200}, "neither a cancel nor a look at the health is refused"
    statuses = Counter(answer.status for answer in heard)
    print(statuses)
    assert set(statuses) <= MAY_BE
    assert statuses[503] > 100
    assert statuses[201] > 10
    for person in crowd:
        own = {answer.order_id for answer in heard if answer.person is person} - {""}
        assert own <= await orders_of(server.port, person)
    text = (await ask(server, "/metrics")).text
    [shed] = [line for line in text.splitlines() if line.startswith("requests_shed_total ")]
    assert float(shed.split()[1]) >= statuses[503]
    # Afterwards there is time for everybody again.
    assert (await ask(server, f"/api/v1/markets/{SLUG}/orderbook")).status_code == 200
    assert server.end() == 0
    assert server.run("verify", timeout=120).returncode == 0
