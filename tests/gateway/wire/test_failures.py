"""One table from failure to answer, and both transports that use it."""

import asyncio
import gc
import weakref

import asyncpg
import pytest

from gateway.wire.errors import ApiError, NotFound
from gateway.wire.failures import answer_of
from persistence.errors import (
    DatabaseUnavailable,
    EngineClosed,
    EngineElsewhere,
    FenceLost,
    OutcomeUnknown,
    QueueFull,
)
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk

TABLE = [
    (NotFound("no such thing"), 404, "NOT_FOUND", "no such thing"),
    (EngineElsewhere("over there"), 503, "READS_ONLY", "over there"),
    (QueueFull(), 503, "UNAVAILABLE", None),
    (EngineClosed(), 503, "UNAVAILABLE", None),
    (DatabaseUnavailable("away"), 503, "UNAVAILABLE", None),
    (ConnectionResetError(), 503, "UNAVAILABLE", None),
    (TimeoutError(), 503, "UNAVAILABLE", None),
    (asyncpg.QueryCanceledError(), 503, "UNAVAILABLE", None),
    (OutcomeUnknown(), 504, "UNKNOWN_OUTCOME", None),
]


@pytest.mark.parametrize(("failure", "status", "code", "message"), TABLE)
def test_a_failure_has_its_answer(
    failure: Exception, status: int, code: str, message: str | None
) -> None:
    answer = answer_of(failure)
    assert isinstance(answer, ApiError)
    assert (answer.status, answer.code) == (status, code)
    if message is not None:
        assert answer.message == message


def test_what_nobody_waits_for_any_more_is_unknown() -> None:
    answer = answer_of(asyncio.CancelledError())
    assert answer is not None
    assert answer.code == "UNKNOWN_OUTCOME"


@pytest.mark.parametrize("fault", [ZeroDivisionError(), KeyError("x"), FenceLost(), TypeError()])
def test_a_fault_of_ours_has_none(fault: Exception) -> None:
    assert answer_of(fault) is None


class Asked:
    """Stands for what a request keeps alive."""


def test_an_answered_failure_keeps_nothing_of_its_request() -> None:
    def serve() -> weakref.ref[Asked]:
        asked = Asked()
        try:
            try:
                raise DatabaseUnavailable("away")
            except DatabaseUnavailable as outage:
                raise NotFound from outage
        except ApiError as error:
            # As a dispatcher does, whose frame is among those of the failure.
            answer = answer_of(error)
        assert answer is not None
        return weakref.ref(asked)

    gc.disable()
    try:
        assert serve()() is None
    finally:
        gc.enable()


def test_a_fault_of_ours_keeps_its_traceback_for_the_log() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 // 0
    assert answer_of(raised.value) is None
    assert raised.value.__traceback__ is not None


@pytest.mark.parametrize(("failure", "status", "code", "message"), TABLE)
async def test_both_transports_tell_it(
    failure: Exception,
    status: int,
    code: str,
    message: str | None,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_command: object) -> None:
        raise failure

    body = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
    monkeypatch.setattr(desk.engine, "submit", fail)
    reply = await desk.call("POST", "/orders/rain", "ann", body)
    assert (reply.status, reply.error["code"]) == (status, code)
    async with open_socket_desk() as other, socket_client(other.port, "1") as client:
        monkeypatch.setattr(other.engine, "submit", fail)
        error = await client.refusal("order:place", body | {"market": "rain"})
        assert (error["code"], error["message"]) == (code, reply.error["message"])
