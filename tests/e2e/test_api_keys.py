"""API keys against real processes: the programs of docs/examples, and a key that is revoked while
another process serves it.
"""

import asyncio
import base64
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.gateway.socket_client import raw_client
from tests.measured import tries
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, running_server

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "docs" / "examples"
MODULES: Final = ROOT / "tests" / "e2e" / "node_modules"
ENDS_WITHIN_S: Final = 2.0


def example() -> Any:
    """The Python example as a module."""
    spec = importlib.util.spec_from_file_location("signed_calls", EXAMPLES / "signed_calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """An engine's process and a gateway beside it, over Redis."""
    folder = tmp_path_factory.mktemp("keys")
    redis = RedisProcess(folder)
    redis.start()
    try:
        settings = {"REDIS_URL": redis.url}
        with running_server(folder / "data", settings) as engine:
            engine.market("rain")
            gateway = ServerProcess(folder / "data", settings, command="gateway")
            gateway.log = folder / "gateway.log"
            try:
                gateway.start()
                yield engine, gateway
                assert gateway._running().poll() is None
            finally:
                if gateway.process is not None:
                    gateway.process.terminate()
                    gateway.process.wait(60)
    finally:
        redis.clean_up()


def new_key(server: ServerProcess, token: str, public: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"label": "bot", "scopes": ["read", "trade"]}
    body |= {"algorithm": "hmac-sha256" if public is None else "ed25519"}
    body |= {} if public is None else {"publicKey": public}
    made: dict[str, Any] = server.call("POST", "/users/me/api-keys", token, body)
    return made


@pytest.fixture(scope="module")
def environments(
    servers: tuple[ServerProcess, ServerProcess], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, str]]:
    """What the examples are told of a key of each kind."""
    engine, _ = servers
    _, token = engine.trader()
    private = Ed25519PrivateKey.generate()
    path = tmp_path_factory.mktemp("pem") / "key.pem"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    own = new_key(engine, token, pem.decode())
    ours = new_key(engine, token, None)
    assert own["secret"] is None
    return [
        {"PROBITY_KEY": own["key"]["apiKey"], "PROBITY_PRIVATE_KEY": str(path)},
        {"PROBITY_KEY": ours["key"]["apiKey"], "PROBITY_SECRET": ours["secret"]},
    ]


def run(arguments: list[str], environment: dict[str, str], folder: Path = ROOT) -> str:
    """Run a program to its end and return what it says."""
    done = subprocess.run(
        arguments,
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_programs_in_python_and_javascript_trade_by_either_kind_of_key(
    servers: tuple[ServerProcess, ServerProcess],
    environments: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    engine, _ = servers
    (tmp_path / "node_modules").symlink_to(MODULES)
    script = tmp_path / "signed_calls.mjs"
    script.write_text((EXAMPLES / "signed_calls.mjs").read_text("utf-8"))
    programs = [[sys.executable, str(EXAMPLES / "signed_calls.py")], ["node", str(script)]]
    for program in programs:
        for environment in environments:
            said = run([*program, engine.url, "rain"], environment, tmp_path)
            assert "and heard of it" in said, said
            assert "cancelled 1" in said
            assert "available 1000.000000" in said


def test_curl_signs_by_either_kind_of_key(
    servers: tuple[ServerProcess, ServerProcess], environments: list[dict[str, str]]
) -> None:
    engine, gateway = servers
    script = str(EXAMPLES / "signed_call.sh")
    body = '{"side":"BUY","outcome":"YES","type":"LIMIT","price":"0.01","quantity":"1"}'
    for environment in environments:
        there = environment | {"PROBITY_URL": engine.url}
        placed = run([script, "POST", "/api/v1/orders/rain", body], there)
        assert '"success":true' in placed
        asked = run([script, "GET", "/api/v1/orders?market=rain&status=OPEN"], there)
        assert '"status":"OPEN"' in asked
        assert '"cancelled":1' in run([script, "DELETE", "/api/v1/orders?market=rain"], there)
        elsewhere = environment | {"PROBITY_URL": gateway.url}
        assert '"available":"1000.000000"' in run(
            [script, "GET", "/api/v1/user/balance"], elsewhere
        )


async def test_what_one_process_has_taken_the_other_refuses(
    servers: tuple[ServerProcess, ServerProcess], environments: list[dict[str, str]]
) -> None:
    engine, gateway = servers
    module, environment = example(), environments[1]
    sign = module.hmac_sha256(environment["PROBITY_SECRET"])
    api = module.SignedApi(engine.url, environment["PROBITY_KEY"], "hmac-sha256", sign)
    path = "/api/v1/user/balance"
    signed = api.signed("GET", path)
    headers = {f"Probity-{name.capitalize()}": value for name, value in signed.items()}
    headers["Probity-Key"] = environment["PROBITY_KEY"]
    async with httpx.AsyncClient() as client:
        seen = await asyncio.gather(
            *(client.get(f"{url}{path}", headers=headers) for url in (engine.url, gateway.url) * 4)
        )
    assert sorted(answer.status_code for answer in seen) == [200] + [401] * 7
    await api.client.aclose()


async def test_a_key_revoked_at_one_process_ends_at_the_other_within_two_seconds(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    engine, gateway = servers
    _, token = engine.trader()
    for attempt in tries():
        private = Ed25519PrivateKey.generate()
        raw = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        key = new_key(engine, token, raw)["key"]
        api = example().SignedApi(gateway.url, key["apiKey"], "ed25519", private.sign)
        async with raw_client(gateway.port) as there, raw_client(engine.port) as here:
            await there.join(api.socket_auth())
            await here.join(api.socket_auth())
            assert (await api.call("GET", "/user/balance"))["available"] == "1000.000000"
            engine.call("DELETE", f"/users/me/api-keys/{key['id']}", token)
            revoked_at = time.monotonic()
            await asyncio.wait_for(here.closed.wait(), 30)
            await asyncio.wait_for(there.closed.wait(), 30)
            attempt.takes("sockets closed, s", time.monotonic() - revoked_at, ENDS_WITHIN_S)
        assert (here.close_reason, there.close_reason) == ("api key ended", "api key ended")
        with pytest.raises(RuntimeError, match="not known"):
            await api.call("GET", "/user/balance")
        await api.client.aclose()
