"""What holds for every answer: envelope, request id, headers, log, metrics, faults answered."""

import re

import msgspec
import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.engine_side.readiness import Readiness
from gateway.http.request import AnyRequest
from gateway.http.routing import Access, Route
from persistence.errors import OutcomeUnknown, QueueFull
from tests.gateway.conftest import MakeWeb, Web

ME = "/api/v1/auth/me"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


async def test_every_answer_is_in_the_envelope(web: Web) -> None:
    for method, path, status in (
        ("GET", "/health", 200),
        ("GET", ME, 401),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.js", 404),
        ("DELETE", ME, 405),
        ("BREW", ME, 405),
        ("OPTIONS", ME, 200),
        ("OPTIONS", "/api/v1/nothing", 404),
        ("POST", "/api/v1/auth/login", 415),
    ):
        answer = await web.client.request(method, path)
        body = answer.json()
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/json"
        assert body["success"] is (status < 400)
        assert set(body) == {"success", "data" if status < 400 else "error", "meta"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["meta"]["timestamp"])
        assert body["meta"]["requestId"] == answer.headers["x-request-id"]
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert "camera=(), " in answer.headers["permissions-policy"]
        assert "strict-transport-security" not in answer.headers


async def test_allow_is_told(web: Web) -> None:
    for method in ("DELETE", "OPTIONS"):
        answer = await web.client.request(method, ME)
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await web.client.head("/health")).status_code == 200


async def test_https_is_remembered_over_https_only(web: Web) -> None:
    answer = await web.client.get("https://exchange/health")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a-1\n", False),
        ('"}', False),
    ],
)
async def test_request_id_of_the_client_is_kept_if_sound(web: Web, given: str, kept: bool) -> None:
    answer = await web.client.get("/health", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is kept


async def test_cors_is_off_unless_set(web: Web) -> None:
    answer = await web.client.get("/health", headers={"origin": "https://a.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_cors_admits_the_origins_set(make_web: MakeWeb) -> None:
    web = await make_web(CORS_ORIGIN="https://a.example")
    preflight = {"access-control-request-method": "POST"}
    for origin, admitted in (("https://a.example", True), ("https://b.example", False)):
        answer = await web.client.get(ME, headers={"origin": origin})
        assert ("access-control-allow-origin" in answer.headers) is admitted
        answer = await web.client.options(ME, headers={"origin": origin, **preflight})
        assert answer.status_code == (200 if admitted else 400)
        if admitted:
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"


async def test_pages_of_named_origins_may_read_what_is_left_of_a_limit(make_web: MakeWeb) -> None:
    web = await make_web(CORS_ORIGIN="https://a.example")
    answer = await web.client.get(ME, headers={"origin": "https://a.example"})
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    limits = {name for name in answer.headers if name.startswith("ratelimit")}
    assert len(limits) == 2
    assert exposed == limits | {"retry-after", "x-as-of-seq", "x-request-id"}


async def test_any_origin_means_without_cookies(make_web: MakeWeb) -> None:
    web = await make_web(CORS_ORIGIN="*")
    answer = await web.client.get(ME, headers={"origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def _web_with(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> Web:
    async def fail(_request: AnyRequest) -> None:
        raise fault

    row = Route(
        method="GET",
        path="/fail/{id}",
        handler=fail,
        access=Access.PUBLIC,
        answer=None,
        summary="Fail",
        tag="test",
    )
    return await make_web(rows=(row,))


async def test_fault_is_answered_without_internals(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = RuntimeError("the password is swordfish")
    web = await _web_with(make_web, monkeypatch, fault)
    answer = await web.client.get("/api/v1/fail/17")
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "code": "INTERNAL_ERROR",
        "message": "Something went wrong",
        "details": [],
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    failed, request = web.log_lines()
    assert (failed["error"], failed["route"]) == ("RuntimeError", "/api/v1/fail/{id}")
    assert failed["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert any("in fail" in frame or " fail" in frame for frame in failed["traceback"])
    assert "swordfish" not in web.log.getvalue()
    assert "/fail/17" not in web.log.getvalue()


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (QueueFull(), 503, "UNAVAILABLE"),
        (OutcomeUnknown(), 504, "UNKNOWN_OUTCOME"),
        (ConnectionRefusedError(), 503, "UNAVAILABLE"),
        (TimeoutError(), 503, "UNAVAILABLE"),
    ],
)
async def test_operating_failures_have_their_own_answer(
    make_web: MakeWeb,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    status: int,
    code: str,
) -> None:
    web = await _web_with(make_web, monkeypatch, fault)
    answer = await web.client.get("/api/v1/fail/17")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_log_line_of_a_request(web: Web) -> None:
    ada = await web.register()
    await web.client.get(ME, headers=ada.bearer)
    line = web.log_lines()[-1]
    assert line == {
        "time": line["time"],
        "level": "info",
        "event": "request",
        "request_id": line["request_id"],
        "method": "GET",
        "route": ME,
        "status": 200,
        "ms": line["ms"],
        "user_id": ada.id,
    }


async def test_metrics_count_by_template_and_stay_bounded(web: Web) -> None:
    admin = await web.register(admin=True)
    for number in range(20):
        path = f"/api/v1/admin/users/{900 + number}/role"
        await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
        await web.client.get(f"/api/v1/none{number}")
        await web.client.request(f"BREW{number}", ME)
    text = (await web.client.get("/metrics")).text
    role = 'http_requests_total{method="PATCH",route="/api/v1/admin/users/{id}/role",status="404"}'
    assert f"{role} 20.0" in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 20.0' in text
    assert 'http_requests_total{method="OTHER",route="unmatched",status="405"} 20.0' in text
    assert "/900/" not in text
    assert "BREW" not in text


NAMES = (
    "http_request_duration_seconds",
    "http_requests_total",
    "websocket_connections_total",
    "websocket_messages_total",
    "orders_placed_total",
    "trades_executed_total",
    "order_matching_duration_seconds",
    "database_query_duration_seconds",
    "engine_batch_size",
    "engine_commit_duration_seconds",
    "engine_queue_depth",
    "engine_last_sequence",
    "engine_epoch",
    "event_loop_lag_seconds",
    "slow_consumers_closed_total",
    "bets_placed_total",
    "credits_moved_total",
)


async def test_metrics_have_the_names_of_the_contract(web: Web) -> None:
    text = (await web.client.get("/metrics")).text
    for name in NAMES:
        family = name if f"# TYPE {name} " in text else name.removesuffix("_total")
        assert f"# TYPE {family} " in text, name


async def test_ready_follows_the_engine_and_the_draining(web: Web) -> None:
    assert (await web.client.get("/ready")).status_code == 200
    web.engine.is_open = False
    assert (await web.client.get("/ready")).status_code == 503
    web.engine.is_open = True
    web.readiness.drain()
    assert (await web.client.get("/ready")).status_code == 503
    assert (await web.client.get("/health")).status_code == 200


def test_nothing_is_ready_before_it_is_opened_and_after_it_drains() -> None:
    readiness = Readiness()
    states = [(readiness.is_open, readiness.state)]
    for step in (readiness.open, readiness.drain, readiness.open):
        step()
        states.append((readiness.is_open, readiness.state))
    assert states == [(False, "starting"), (True, "open"), (False, "draining"), (False, "draining")]


async def test_a_process_that_drains_says_so(web: Web) -> None:
    web.readiness.drain()
    answer = await web.client.get("/ready")
    assert answer.json()["error"]["message"] == "The exchange is draining"


async def test_mounted_application_gets_its_paths_and_the_headers(make_web: MakeWeb) -> None:
    seen: list[str] = []

    async def mounted(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    web = await make_web({"ws": mounted})
    answer = await web.client.get("/ws/?EIO=4")
    assert (answer.status_code, seen) == (400, ["/ws/"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await web.client.get("/wsx")).status_code == 404


async def test_socket_whose_application_fails_is_closed(make_web: MakeWeb) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("swordfish")

    web = await make_web({"ws": broken})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    for path in ("/ws/", "/other"):
        client = ("192.0.2.1", 1)
        scope: Scope = {"type": "websocket", "path": path, "headers": [], "client": client}
        await web.application(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"] * 2
    assert "swordfish" not in web.log.getvalue()
    assert msgspec.json.decode(web.log.getvalue().splitlines()[0])["error"] == "RuntimeError"
