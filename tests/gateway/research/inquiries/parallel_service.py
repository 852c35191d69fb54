"""Parallel.ai as far as it is asked, on loopback: runs that a test lets go on, end or fail."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.venues.stand_in import StandIn, answer

KEY = "a key of the tests"
SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
TEXT = {
    "type": "text",
    "content": "It will rain.",
    "basis": [
        {
            "field": "output",
            "reasoning": "Two forecasts agree.",
            "confidence": "high",
            "citations": [
                {
                    "url": "https://weather.example/vienna",
                    "title": "Vienna",
                    "excerpts": ["Rain from noon."],
                }
            ],
        }
    ],
}


@dataclass
class ParallelService:
    """The service: `made` has what it was asked to make, `runs` how each stands."""

    line: StandIn
    made: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    stream: list[dict[str, Any]] = field(default_factory=list)
    """What each stream says before it stops."""
    answers: dict[str, Response] = field(default_factory=dict)
    """What is answered instead, by path; a run is made all the same."""
    ends_at_once: bool = False
    ends_as: str = "completed"
    found: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.line.url

    def end(
        self, run_id: str, status: str = "completed", output: Any = None, error: str = ""
    ) -> None:
        """Let a run end."""
        run = self.runs[run_id]
        run["status"], run["is_active"] = status, False
        run["error"] = {"message": error, "ref_id": "1"} if error else None
        self.outputs[run_id] = TEXT if output is None else output

    def message(self, run_id: str, message_id: str = "whevent_1", at: float | None = None) -> Any:
        """Return (headers, body) of what it says by itself of a run."""
        told = {"timestamp": "2026-11-27T12:00:00Z", "type": "task_run.status"}
        body = json.dumps({**told, "data": self.runs[run_id]}).encode()
        return signed(body, message_id, at), body

    # -- its paths ----------------------------------------------------------------------------

    async def make(self, request: Request) -> Response:
        assert request.headers["x-api-key"] == KEY
        asked = json.loads(await request.body())
        self.made.append(asked)
        run_id = f"trun_{len(self.made)}"
        self.runs[run_id] = {
            "run_id": run_id,
            "interaction_id": run_id,
            "status": "running",
            "is_active": True,
            "processor": asked["processor"],
            "metadata": asked["metadata"],
            "created_at": "2026-11-27T12:00:00Z",
        }
        if self.ends_at_once:
            self.end(run_id, self.ends_as)
        made = answer(json.dumps(self.runs[run_id]).encode(), 202)
        return self.answers.get("make", made)

    async def show(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["id"])
        told = answer(b'{"error":{"message":"no such run"}}', 404)
        if run is not None:
            told = answer(json.dumps(run).encode())
        return self.answers.get("show", told)

    async def result(self, request: Request) -> Response:
        run_id = request.path_params["id"]
        told = {"run": self.runs[run_id], "output": self.outputs[run_id]}
        return self.answers.get("result", answer(json.dumps(told).encode()))

    async def events(self, request: Request) -> Response:
        run = {"type": "task_run.state", "run": self.runs[request.path_params["id"]]}
        said = [*self.stream, run]
        text = "".join(f"event: {one['type']}\r\ndata: {json.dumps(one)}\r\n\r\n" for one in said)
        told = answer(text.encode(), content_type="text/event-stream")
        return self.answers.get("events", told)

    async def search(self, request: Request) -> Response:
        self.made.append(json.loads(await request.body()))
        told = {"search_id": "search_1", "results": self.found}
        return self.answers.get("search", answer(json.dumps(told).encode()))


def signed(
    body: bytes, message_id: str = "whevent_1", at: float | None = None, secret: str = SECRET
) -> dict[str, str]:
    """Return the headers of a message that is signed, as the service does."""
    timestamp = str(int(time.time() if at is None else at))
    text = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret.encode(), text, hashlib.sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,AAAA v1,{signature}",
    }


@asynccontextmanager
async def parallel_service() -> AsyncIterator[ParallelService]:
    """Listen until the block's end."""
    service = ParallelService(StandIn({}))
    service.line.paths = {
        "/v1/tasks/runs": service.make,
        "/v1/tasks/runs/{id}": service.show,
        "/v1/tasks/runs/{id}/result": service.result,
        "/v1/tasks/runs/{id}/events": service.events,
        "/v1/search": service.search,
    }
    async with service.line.running():
        yield service
