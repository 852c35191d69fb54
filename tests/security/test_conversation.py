"""What the OpenAPI document says is what a real server does, whoever asks whatever of it."""

import time
from pathlib import Path
from typing import Final

import pytest

from gateway.http.routing import Shape
from tests.gateway.trading_desk import all_tables
from tests.lengths import IS_LONG, length
from tests.security.conversation import ROLES, SEED, Conversation, ask_everything, tokens_of
from tests.server_process import running_server

EACH: Final = length(2, long=len(ROLES))
"""So often is each operation asked in each way, every time by the next role; in a long run by each
of them.
"""
SECONDS: Final = 900.0 if IS_LONG else 240.0
"""A minute and a half is enough on two cores that do nothing else."""
LEAST: Final = 2_000 if IS_LONG else 1
SETTINGS = {"MIN_SEQ_WAIT_SECONDS": "0.05", "JWT_ACCESS_EXPIRES_IN": "2h"}


@pytest.mark.timeout(SECONDS + 120)
def test_every_answer_is_one_that_the_document_knows(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", SETTINGS) as server:
        conversation, begun = Conversation(server, tokens_of(server)), time.monotonic()
        ask_everything(conversation, EACH, SECONDS)
        took = time.monotonic() - begun
        failed = [line for line in server.log.read_text().splitlines() if "failed" in line]
    by_role = ", ".join(f"{count} as {role}" for role, count in conversation.asked_by.items())
    print(f"{conversation.asked} cases in {took:.0f} s, seed {SEED}: {by_role}")
    told = "\n\n".join(f"{name}\n{text}" for name, text in conversation.differences.items())
    assert not conversation.differences, told
    assert failed == []
    assert conversation.asked >= LEAST, "the machine was too slow to ask"
    if conversation.is_cut_short:
        return
    assert set(conversation.asked_by) == set(ROLES)
    assert {200, 201, 400, 401, 403, 404, 422} <= conversation.statuses
    documented = {(r.method, r.path) for r in all_tables()[0].routes if r.shape is not Shape.FILE}
    assert conversation.operations_asked == documented
