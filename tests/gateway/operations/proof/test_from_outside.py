"""A running exchange proves what it owes to whoever asks from outside, and halts by itself what
somebody changes behind it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from persistence.postgres.database import connect
from tests.server_process import ServerProcess, running_server

SCRIPT: Final = Path(__file__).parents[4] / "docs" / "examples" / "check_proof.py"
ORDER: Final = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.6", "quantity": "10"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"PROOF_INTERVAL": "2s", "CHECK_INTERVAL": "2s", "CHECK_ROUND": "2s"}
    with running_server(tmp_path_factory.mktemp("exchange") / "data", settings) as made:
        yield made


def until(found: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + 60
    while not (answer := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
    return answer


def check(place: str, token: str = "") -> tuple[int, str]:
    """Run the example as a reader does."""
    environment = {**os.environ, **({"PROBITY_TOKEN": token} if token else {})}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), place],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def told(server: ServerProcess, path: str, token: str = "") -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{server.url}{path}", headers=headers)
    return answer.json() if answer.status_code == 200 else None


def one_digit_on(text: str) -> str:
    """The same with its last digit, or hexadecimal digit, another one."""
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def with_digit(field: str, place: int | None = None) -> Callable[[Any], None]:
    """Return what changes a field's last digit, of the answer or of a node of its path."""

    def change(data: Any) -> None:
        where = data if place is None else data["path"][place]
        where[field] = one_digit_on(where[field])

    return change


def with_value(field: str, value: object) -> Callable[[Any], None]:
    """Return what puts something else in a field's place."""

    def change(data: Any) -> None:
        data[field] = value

    return change


def test_an_account_finds_itself_in_a_proof_and_a_changed_digit_is_refused(
    server: ServerProcess, tmp_path: Path
) -> None:
    server.market("rain")
    (_, ann), (number, bob) = server.trader(), server.trader()
    server.call("POST", "/orders/rain", ann, ORDER)
    server.call("POST", "/orders/rain", bob, ORDER | {"outcome": "NO", "price": "0.4"})
    traded = server.call("GET", "/exchange/status")["seq"]

    def newest() -> Any:
        found = told(server, "/api/v1/proof")
        return found if found and found["data"]["seq"] >= traded else None

    proof = until(newest)
    assert proof["data"]["collateral"] == "10.000000"
    assert proof["data"]["markets"] == [{"marketId": "1", "collateral": "10.000000"}]
    code, said = check(server.url, bob)
    assert code == 0, said
    assert f"account {number} is in it with" in said
    assert "5.000000 collateral" in said
    assert check(server.url)[0] == 0

    mine = told(server, "/api/v1/proof/me", bob)
    whole = {
        "jwks": told(server, "/.well-known/jwks.json"),
        "proof": told(server, f"/api/v1/proof/{mine['data']['proofId']}"),
        "me": mine,
    }

    def kept(**changed: Any) -> tuple[int, str]:
        for name, content in (whole | changed).items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return check(str(tmp_path))

    def changed(name: str, change: Callable[[Any], None]) -> tuple[int, str]:
        copy = json.loads(json.dumps(whole[name]))
        change(copy["data"])
        return kept(**{name: copy})

    assert kept()[0] == 0
    for field in ("available", "locked", "collateral", "salt"):
        code, said = changed("me", with_digit(field))
        assert (code, said.startswith("WRONG: the path leads to another root")) == (1, True), said
    for place, node in enumerate(mine["data"]["path"]):
        for field in node:
            code, said = changed("me", with_digit(field, place))
            assert code == 1, (place, field, said)
    assert changed("me", with_value("place", mine["data"]["place"] ^ 1))[0] == 1
    assert changed("me", lambda data: data["path"].pop())[0] == 1
    for field in ("available", "issued", "root", "chainHead"):
        code, said = changed("proof", with_digit(field))
        assert (code, "is shown as another" in said) == (1, True), said
    head, body, signature = whole["proof"]["data"]["jws"].split(".")
    middle = len(body) // 2
    forged = body[:middle] + ("A" if body[middle] != "A" else "B") + body[middle + 1 :]
    for jws in (f"{head}.{forged}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA"):
        code, said = changed("proof", with_value("jws", jws))
        assert code == 1, said
    # What the same key has signed is no access token, and an access token is no proof.
    answer = httpx.get(
        f"{server.url}/api/v1/user/balance",
        headers={"authorization": f"Bearer {whole['proof']['data']['jws'][:1000]}"},
    )
    assert answer.status_code == 401
    code, said = changed("proof", with_value("jws", bob))
    assert (code, "signed as" in said) == (1, True), said


def test_a_market_whose_collateral_somebody_changes_is_halted(server: ServerProcess) -> None:
    admin = server.admin()
    server.market("snow")
    market = server.call("GET", "/markets/snow")
    until(lambda: server.call("GET", "/admin/checker", admin)["lookedAt"])

    async def change() -> None:
        connection = await connect(server.database_url())
        # A holding that nobody has paid for: it is the market's own, as no cash is another.
        await connection.execute(
            "INSERT INTO positions SELECT 2, id, 100, 0, 0, 0, 0, 0, 0 FROM markets"
            " WHERE slug = 'snow'"
        )
        await connection.close()

    asyncio.run(change())
    until(lambda: server.call("GET", "/markets/snow")["status"] == "HALTED")
    found = httpx.get(
        f"{server.url}/api/v1/admin/findings?status=OPEN",
        headers={"authorization": f"Bearer {admin}"},
    ).json()["data"]
    assert [(one["check"], one["marketId"]) for one in found] == [("supply", market["id"])]
    assert server.call("GET", "/exchange/status")["mode"] == "open"
    metrics = httpx.get(f"{server.url}/metrics").text
    until(
        lambda: 'invariant_findings{check="supply"} 1.0' in httpx.get(f"{server.url}/metrics").text
    )
    assert 'invariant_findings{check="money"} 0.0' in metrics


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("--help", "PROBITY_TOKEN=... python check_proof.py"),
        ("http://127.0.0.1:1", "it can't be read: "),
        ("no-such-folder", "it can't be read: "),
    ],
)
def test_what_is_no_proof_is_said_in_a_line(place: str, said: str) -> None:
    code, words = check(place)
    assert code == 2
    assert said in words
