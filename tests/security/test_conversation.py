"""What the OpenAPI document says is what a real server does, whoever asks whatever of it."""

from pathlib import Path

import pytest

from gateway.http.routing import Shape
from tests.gateway.trading_desk import all_tables
from tests.lengths import length
from tests.security.conversation import Conversation, ask_everything, tokens_of
from tests.server_process import running_server

EACH = length(1, long=7)
SECONDS = float(length(45, long=900))
LEAST = length(1, long=2_000)
SETTINGS = {"MIN_SEQ_WAIT_SECONDS": "0.05", "JWT_ACCESS_EXPIRES_IN": "2h"}


@pytest.mark.timeout(SECONDS + 120)
def test_every_answer_is_one_that_the_document_knows(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", SETTINGS) as server:
        conversation = Conversation(server, tokens_of(server))
        ask_everything(conversation, EACH, SECONDS)
        failed = [line for line in server.log.read_text().splitlines() if "failed" in line]
    told = "\n\n".join(f"{name}\n{text}" for name, text in conversation.differences.items())
    assert not conversation.differences, told
    assert failed == []
    assert conversation.asked >= LEAST, "the machine was too slow to ask"
    if conversation.is_cut_short:
        return
    assert {200, 201, 400, 401, 403, 404, 422} <= conversation.statuses
    documented = {(r.method, r.path) for r in all_tables()[0].routes if r.shape is not Shape.FILE}
    assert conversation.operations_asked == documented
