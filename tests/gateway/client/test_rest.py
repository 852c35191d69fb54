"""The API client against a real HTTP server that answers by script."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.cli.replay.accounts import ReplayAccount, register
from gateway.client.rest import ApiClient, ApiRefused, ApiUnreachable

Answer = tuple[int, dict[str, str], object]


class Script(ThreadingHTTPServer):
    """Gives the answers in their order and keeps what it was asked."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, Any, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, status: int, body: object = None, **headers: str) -> None:
        self.answers.append((status, headers, body))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Script

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        token = self.headers.get("authorization")
        self.server.asked.append((self.command, self.path, body, token))
        status, headers, answer = self.server.answers.pop(0)
        if status == 0:
            self.close_connection = True
            return
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - the library's names

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def script() -> Iterator[Script]:
    server = Script()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.socket.close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(script: Script, slept: list[float]) -> Iterator[ApiClient]:
    made = ApiClient(script.url, sleep=slept.append)
    yield made
    made.close()
    script.server_close()


def ok(data: object) -> dict[str, object]:
    return {"success": True, "data": data, "meta": {}}


def failed(code: str) -> dict[str, object]:
    return {"success": False, "error": {"code": code, "message": "no", "details": []}, "meta": {}}


def test_a_call_sends_json_with_the_token(script: Script, client: ApiClient) -> None:
    script.says(201, ok(5))
    assert client.call("POST", "/orders/m", {"price": "0.5"}, "abc").data == 5
    assert script.asked == [("POST", "/api/v1/orders/m", {"price": "0.5"}, "Bearer abc")]


def test_a_limit_is_obeyed_however_long_it_takes(
    script: Script, client: ApiClient, slept: list[float]
) -> None:
    for _ in range(20):
        script.says(429, failed("RATE_LIMITED"), retry_after="7")
    script.says(200, ok(1))
    assert client.call("GET", "/markets").data == 1
    assert slept == [7] * 20


def test_busy_unknown_and_lost_are_tried_again_with_growing_pauses(
    script: Script, client: ApiClient, slept: list[float]
) -> None:
    script.says(503, failed("UNAVAILABLE"))
    script.says(504, failed("UNKNOWN_OUTCOME"))
    script.says(0)
    script.says(200, ok(1))
    assert client.call("POST", "/orders/m", {"clientOrderId": "a"}).data == 1
    assert [body for _, _, body, _ in script.asked] == [{"clientOrderId": "a"}] * 4
    assert slept == sorted(slept)


def test_a_refusal_has_its_code(script: Script, client: ApiClient, slept: list[float]) -> None:
    script.says(422, failed("OFF_TICK"))
    with pytest.raises(ApiRefused, match="422 OFF_TICK: no") as caught:
        client.call("POST", "/orders/m", {})
    assert (caught.value.status, caught.value.code, slept) == (422, "OFF_TICK", [])


def test_patience_ends(script: Script, client: ApiClient) -> None:
    for _ in range(10):
        script.says(503, failed("UNAVAILABLE"))
    with pytest.raises(ApiUnreachable, match="no answer after 10 attempts"):
        client.call("GET", "/markets")


def test_an_exchange_that_restarts_is_waited_for_longer(
    script: Script, client: ApiClient, slept: list[float]
) -> None:
    script.says(200, ok(1))
    client.call("GET", "/markets")
    for _ in range(40):
        script.says(0)
    with pytest.raises(ApiUnreachable, match="no answer after 40 attempts"):
        client.call("GET", "/markets")
    assert 60 < sum(slept) < 90


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://localhost:99999",
        "http://[::1",
        "http://localhost/?a=1",
        "http://localhost/#a",
        "http://ann:secret@localhost",
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ApiUnreachable, match="no address"):
        ApiClient(url)


@pytest.mark.parametrize("answer", [b"<html>", b'{"success": true, "data": "\xff"}', b"[" * 9_999])
def test_another_server_is_said(script: Script, client: ApiClient, answer: bytes) -> None:
    script.says(200, answer)
    with pytest.raises(ApiUnreachable, match="not an answer of the exchange"):
        client.call("GET", "/markets")


def test_an_ended_token_is_renewed(script: Script, client: ApiClient) -> None:
    account = ReplayAccount(client, "a@b.example", "secret-password")
    script.says(200, ok({"accessToken": "one", "user": {"id": "4"}}))
    script.says(401, failed("UNAUTHORIZED"))
    script.says(200, ok({"accessToken": "two", "user": {"id": "4"}}))
    script.says(200, ok("done"))
    account.sign_in()
    assert account.call("GET", "/user/balance").data == "done"
    assert [token for _, _, _, token in script.asked] == [None, "Bearer one", None, "Bearer two"]


def test_registering_again_after_a_lost_answer_logs_in(script: Script, client: ApiClient) -> None:
    script.says(504, failed("UNKNOWN_OUTCOME"))
    script.says(409, failed("CONFLICT"))
    script.says(200, ok({"accessToken": "one", "user": {"id": "4"}}))
    assert register(client, "a@b.example").user_id == "4"
    assert [path for _, path, _, _ in script.asked] == [
        "/api/v1/auth/register",
        "/api/v1/auth/register",
        "/api/v1/auth/login",
    ]
