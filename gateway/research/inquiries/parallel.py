"""Parallel.ai's Task and Search API, as far as it is asked here.

    POST /v1/tasks/runs                 {input, processor, task_spec, metadata, webhook} -> a run
    GET  /v1/tasks/runs/{id}            the run: queued, running, completed, failed, ...
    GET  /v1/tasks/runs/{id}/result     {run, output: {type, content, basis}}
    GET  /v1/tasks/runs/{id}/events     server-sent events: its state, and how far it is
    POST /v1/search                     {objective, search_queries, ...} -> {results}

(https://docs.parallel.ai/api-reference; header `x-api-key`.) `metadata.probity` is what a run is
called here.

Laws: making a run is paid and can't be made twice the same, so what isn't known for certain to have
been refused counts as made (`Lost`). Everything is bounded in time and size (`gateway/outbound`),
and nothing that is asked or answered is logged.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from gateway.outbound.asking import Answer, NotReached, Outbound, OutboundFailed, TooLarge
from gateway.research.inquiries.outputs import (
    MESSAGE_LENGTH,
    Found,
    Malformed,
    answer_of,
    cut,
    found_of,
    json_object,
    run_of,
)
from persistence.repositories.research.steps import Answered

RESULT_BYTES: Final = 2 * 1_024 * 1_024
EVENTS_BYTES: Final = 4 * 1_024 * 1_024
EVENT_BYTES: Final = 64 * 1_024
ASKED_S: Final = 30.0
"""A question takes no longer; a search included."""
ACTIVE: Final = frozenset({"queued", "running", "cancelling", "action_required"})
_RATE_LIMITED: Final = 429
_UNAVAILABLE: Final = 503
_REFUSALS: Final = range(400, 500)
_MAY_PASS: Final = frozenset({401, 402, 403, 408, _RATE_LIMITED})
"""Of a run that is there: a wrong key, an empty account or haste says nothing of its answer."""
_BETA: Final = "webhook-2025-08-12,events-sse-2025-07-24"


class ServiceFailed(Exception):
    """The service didn't do what it was asked; in our words, and nothing of what was asked."""


class Busy(ServiceFailed):
    """It did nothing for certain, and may do it later: not before `wait_s`, if it said so."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Turned(ServiceFailed):
    """It did nothing for certain, and never will."""


class Lost(ServiceFailed):
    """Nobody knows whether it did it."""


class Run:
    """What a run is: its id, its state, what it is called here, what went wrong with it."""

    __slots__ = ("error", "id", "status", "token")

    def __init__(self, value: object) -> None:
        """Read what the service says; raises Malformed."""
        self.id, self.status, self.token, self.error = run_of(value)

    @property
    def is_active(self) -> bool:
        """Whether it goes on."""
        return self.status in ACTIVE


class Parallel:
    """Asks the service; of one event loop."""

    def __init__(self, url: str, key: str, webhook_url: str | None, outbound: Outbound) -> None:
        """`webhook_url` is where it tells by itself that a run has ended; None: nowhere."""
        self._url = url.rstrip("/")
        self._headers = {"x-api-key": key, "parallel-beta": _BETA}
        self._webhook_url = webhook_url
        self._outbound = outbound

    async def begin(self, question: str, processor: str, output: str, token: str) -> Run:
        """Have a question researched; raises Busy, Turned, Lost."""
        asked: dict[str, Any] = {
            "input": question,
            "processor": processor,
            "task_spec": {"output_schema": {"type": output}},
            "metadata": {"probity": token},
            "enable_events": True,
        }
        if self._webhook_url is not None:
            asked["webhook"] = {"url": self._webhook_url, "event_types": ["task_run.status"]}
        answer = await self._pay("/v1/tasks/runs", asked)
        try:
            if not answer.is_good:
                raise Malformed
            return Run(json_object(answer.body))
        except Malformed:
            raise Lost("the service's answer can't be read") from None

    async def run(self, run_id: str) -> Run:
        """Return how a run stands; raises ServiceFailed."""
        answer = await self._read(f"/v1/tasks/runs/{run_id}")
        try:
            return Run(json_object(answer.body))
        except Malformed as wrong:
            # A page of whoever stands in front of it, say; the run itself is still there.
            raise Busy(str(wrong)) from None

    async def result(self, run_id: str) -> Answered:
        """Return what a run that is completed has found; raises ServiceFailed, Malformed."""
        answer = await self._read(f"/v1/tasks/runs/{run_id}/result?timeout=10")
        return answer_of(answer.body)

    @asynccontextmanager
    async def events(self, run_id: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Read what the service says of a run while it goes on; raises Busy where that breaks.

        Whoever reads bounds how long.
        """
        url = f"{self._url}/v1/tasks/runs/{run_id}/events"
        headers = {**self._headers, "accept": "text/event-stream"}
        try:
            async with self._outbound.reading(url, headers=headers, most=EVENTS_BYTES) as (
                status,
                pieces,
            ):
                if status != 200:  # noqa: PLR2004 - the one that streams
                    raise Busy(f"it answered {status}")
                yield _events(pieces)
        except OutboundFailed as failure:
            raise Busy(f"its stream {failure}") from None

    async def search(self, query: str, most: int) -> list[Found]:
        """Return at most `most` pages about something; raises Busy, Turned, Lost."""
        asked = {
            "objective": query,
            "search_queries": [query[:200]],
            "mode": "basic",
            "advanced_settings": {"max_results": most},
        }
        answer = await self._pay("/v1/search", asked)
        if not answer.is_good:
            raise Lost(f"it answered {answer.status}")
        try:
            return found_of(answer.body, most)
        except Malformed as wrong:
            raise Lost(str(wrong)) from None

    async def _pay(self, path: str, asked: dict[str, Any]) -> Answer:
        """Ask for what is paid; raises Busy, Turned, Lost."""
        try:
            answer = await self._ask("POST", path, asked)
        except NotReached:
            raise Busy("the service can't be reached") from None
        except OutboundFailed:
            raise Lost("the service's answer was lost") from None
        if _did_nothing(answer):
            raise Busy("the service is busy", answer.wait_s)
        if answer.status in _REFUSALS:
            raise Turned(_reason(answer))
        return answer

    async def _read(self, path: str) -> Answer:
        try:
            answer = await self._ask("GET", path, None)
        except TooLarge:
            raise Turned("its answer is larger than what is read of one") from None
        except OutboundFailed as failure:
            raise Busy(f"it {failure}") from None
        if answer.status in _REFUSALS and answer.status not in _MAY_PASS:
            raise Turned(_reason(answer))
        if not answer.is_good:
            raise Busy(f"it answered {answer.status}", answer.wait_s)
        return answer

    async def _ask(self, method: str, path: str, asked: dict[str, Any] | None) -> Answer:
        return await self._outbound.ask(
            method, f"{self._url}{path}", headers=self._headers, json=asked, most=RESULT_BYTES
        )


def _did_nothing(answer: Answer) -> bool:
    """Say whether a service that may do it later has done nothing for certain.

    Whoever stands in front of it says 503, too, where the service took what it was sent and the
    line broke then: only one that names a time is the service's own.
    """
    if answer.status == _UNAVAILABLE:
        return answer.wait_s > 0
    return answer.status == _RATE_LIMITED


def _reason(answer: Answer) -> str:
    """Say why it refused: in its words, cut, if it has any."""
    try:
        error = json_object(answer.body).get("error")
    except Malformed:
        error = None
    said = cut(error.get("message"), MESSAGE_LENGTH) if isinstance(error, dict) else ""
    return f"it answered {answer.status}{': ' if said else ''}{said}"


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of a stream of server-sent events; one that is no object is passed over.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    held, data = b"", bytearray()
    async for piece in pieces:
        held += piece
        if len(held) > EVENT_BYTES and b"\n" not in held:
            raise OutboundFailed("is too large")
        *lines, held = held.replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line:
                if line.startswith(b"data:"):
                    data += line[5:].removeprefix(b" ") + b"\n"
                if len(data) > EVENT_BYTES:
                    raise OutboundFailed("is too large")
                continue
            if data:
                try:
                    event = json_object(bytes(data))
                except Malformed:
                    event = {}
                data.clear()
                yield event
