"""The receiver's program of docs/alerts.md takes what is ours, and nothing else."""

import re
from pathlib import Path
from typing import Any

from gateway.alerts.bodies import MINUTES_MOST, PAUSE_LEAST_S, PAUSE_MOST_S
from gateway.alerts.jobs import KEPT_OF_ONE
from gateway.alerts.webhooks.sending import TIMEOUT_S, WAITS_S
from gateway.alerts.webhooks.signing import new_secret, signature
from gateway.outbound.public import ANSWER_BYTES

TEXT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")


def test_a_receiver_knows_what_is_ours_and_new() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "docs/alerts.md", "exec"), names)  # noqa: S102 - the document's own program
    is_ours = names["is_ours"]
    secret, body, at = new_secret(), b'{"type":"alert"}', 1_800_000_000
    headers = {"probity-timestamp": str(at), "probity-signature": signature(secret, at, body)}
    assert is_ours(secret, headers, body, at + 300)
    assert not is_ours(secret, headers, body, at + 301), "it is old"
    assert not is_ours(secret, headers, body + b" ", at)
    assert not is_ours(new_secret(), headers, body, at)
    assert not is_ours(secret, headers | {"probity-timestamp": str(at + 1)}, body, at)


def test_its_numbers_are_those_of_the_code() -> None:
    assert WAITS_S == (10, 60, 5 * 60, 30 * 60, 2 * 3_600)
    assert TIMEOUT_S == 5
    assert ANSWER_BYTES == 16 * 1_024
    assert f"(up to {MINUTES_MOST})" in TEXT
    assert f"({PAUSE_LEAST_S} to {PAUSE_MOST_S})" in TEXT
    assert f"at most {KEPT_OF_ONE} lines" in TEXT
