"""A bet's whole life on a real server, with its projector and its sockets: quoted, placed, heard
of, a part sold, closed by a bet on the other side, paid out, counted.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Person
from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose journal is followed."""
    folder = tmp_path_factory.mktemp("server") / "data"
    with running_server(folder, {"PROJECTOR": "on"}) as made:
        yield made


def mine(socket: SocketClient, number: str) -> list[dict[str, Any]]:
    """What was heard of a bet."""
    return [one for one in socket.heard("bet_updated") if one["id"] == number]


async def heard(socket: SocketClient, number: str, status: str, shares: str) -> dict[str, Any]:
    """Wait until a bet is heard to stand so."""
    wanted = (status, shares)

    def is_there() -> bool:
        told = mine(socket, number)
        return bool(told) and (told[-1]["status"], told[-1]["openShares"]) == wanted

    await socket.until(is_there)
    return mine(socket, number)[-1]


async def test_a_bets_life(server: ServerProcess, people: list[Person]) -> None:
    maker, ann, _ = people
    server.market("rain")
    maker.order("rain", "BUY", "NO", "0.60", "400")
    maker.order("rain", "BUY", "YES", "0.35", "400")
    async with socket_client(server.port, ann.token) as socket:
        bet = {"marketId": "rain", "side": "THIS", "amount": "40"}
        quote = ann.data("GET", "/bets/quote?marketId=rain&side=THIS&amount=40")
        first = ann.data("POST", "/bets", bet)
        assert (first["shares"], first["cost"]) == (quote["shares"], quote["cost"])
        told = await heard(socket, first["id"], "OPEN", "100.00")
        told = {name: told[name] for name in told if not name.startswith("topic")}
        assert first == told | {"balance": first["balance"], "placedAt": first["placedAt"]}
        sale = ann.data("POST", f"/bets/{first['id']}/sell", {"shares": "20"})
        assert sale["proceeds"] == "7.000000"
        # A read holds what one's own last sale did.
        assert ann.data("GET", f"/bets/{first['id']}")["openShares"] == "80.00"
        second = ann.data("POST", "/bets", bet | {"side": "THAT", "amount": "26"})
        await heard(socket, second["id"], "SOLD", "0.00")
        closed = ann.data("GET", f"/bets/{first['id']}")
        assert [one["closedBy"] for one in closed["exits"]] == [second["id"], None]
        admin = {"outcome": "YES", "source": "seen"}
        server.call("POST", "/markets/rain/resolve", server.admin(), admin)
        told = await heard(socket, first["id"], "WON", "0.00")
        assert (told["proceeds"], told["profit"]) == ("61.000000", "21.000000")
        numbers = [one["topicSeq"] for one in socket.heard("bet_updated")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 3, "two changes of a bet within a moment are told as one"
    assert ann.data("GET", "/user/balance")["total"] == "1021.000000"
    assert [one["status"] for one in ann.data("GET", "/bets/me?status=WON,SOLD")] == ["SOLD", "WON"]
    lines = {
        (one["reference"], one["type"])
        for one in ann.data("GET", "/transactions/me")
        if one["reference"] is not None
    }
    assert (first["reference"], "TRADE") in lines
    assert (sale["reference"], "TRADE") in lines
    assert 'bets_placed_total{result="placed"} 2' in metrics(server)
    assert "bets_staked_credits_total 66" in metrics(server)


def metrics(server: ServerProcess) -> str:
    return httpx.get(f"{server.url}/metrics").text
