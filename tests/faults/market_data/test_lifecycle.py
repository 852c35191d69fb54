"""A market's life at a real server, whose projector works, and which is killed in the middle."""

import asyncio
from typing import Any

import pytest

from tests.faults.conftest import MakeServer
from tests.server_process import ServerProcess, until

SLUG = "rain"
LIFE = f"/markets/{SLUG}/lifecycle"


def life(server: ServerProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.call("GET", LIFE)
    return found


def set_status(server: ServerProcess, status: str) -> int:
    """Give the market another status; return its seq then."""
    path, body = f"/markets/{SLUG}/status", {"status": status}
    seq: int = server.call("PATCH", path, server.admin(), body)["seq"]
    return seq


@pytest.mark.timeout(90)
async def test_the_projector_tells_the_market_s_seq_of_each_change(
    make_server: MakeServer,
) -> None:
    server = make_server(PROJECTOR="on")
    await asyncio.to_thread(server.start)
    server.market(SLUG)
    seqs = [1, *(set_status(server, status) for status in ("HALTED", "OPEN"))]
    assert [one["status"] for one in life(server)] == ["OPEN", "HALTED", "OPEN"], "told at once"
    await until(lambda: [one["marketSeq"] for one in life(server)] == seqs, 30)
    server.kill()
    await asyncio.to_thread(server.start)
    seqs.append(set_status(server, "POST_ONLY"))
    told = life(server)
    assert [one["status"] for one in told] == ["OPEN", "HALTED", "OPEN", "POST_ONLY"]
    assert [one["marketSeq"] for one in told[:3]] == seqs[:3]
    await until(lambda: [one["marketSeq"] for one in life(server)] == seqs, 30)
    assert {one["by"] for one in told} == {"ADMIN"}
