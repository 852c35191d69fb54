"""Nothing is forgotten: a kind that no table knows stops the program at its start, by name."""

import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

from exchange.messages.commands import CancelAll, CancelOrder
from exchange.messages.completeness import require_all
from exchange.messages.errors import InvariantViolated

ROOT = Path(__file__).parents[3]


class Word(Enum):
    """Two words."""

    THIS = 1
    THAT = 2


@pytest.mark.parametrize(
    ("kinds", "keys", "problem"),
    [
        (CancelOrder | CancelAll, [CancelOrder], "the table misses: CancelAll"),
        (CancelOrder | CancelAll, [CancelAll, CancelOrder, CancelAll], "repeats: CancelAll"),
        (CancelOrder | CancelAll, [CancelAll, CancelOrder, Word], "has a stranger: Word"),
        (Word, [], "misses: THIS, THAT"),
        (Word, [Word.THAT], "misses: THIS"),
    ],
)
def test_what_is_wrong_is_named(kinds: object, keys: list[object], problem: str) -> None:
    with pytest.raises(InvariantViolated, match=problem):
        require_all(kinds, keys, "the table")


def test_a_complete_table_passes() -> None:
    require_all(CancelOrder | CancelAll, {CancelAll: 1, CancelOrder: 2}, "the table")
    require_all(Word, Word, "the table")


COMMAND = """
from exchange.messages import commands
class Amend(commands.CancelOrder, frozen=True, tag="Amend"): pass
commands.Command |= Amend
"""
EVENT = """
from exchange.messages import events
class Amended(events.OrderFilled, frozen=True, tag="Amended"): pass
events.Event |= Amended
"""
REASON = """
from enum import IntEnum
from exchange.messages import reasons
reasons.Reason = IntEnum("Reason", {one.name: one.value for one in reasons.Reason} | {"NEW": 999})
"""
WORD = """
from enum import Enum
from exchange.messages import terms
names = {one.name: one.value for one in terms.CancelReason}
terms.CancelReason = Enum("CancelReason", names | {"NEW": "NEW"})
"""


@pytest.mark.parametrize(
    ("addition", "module", "missing"),
    [
        (COMMAND, "exchange.model.idempotency", "the table of client ids misses: Amend"),
        (EVENT, "exchange.transitions.transitions", "the table of transitions misses: Amended"),
        (EVENT, "exchange.proof.ledger", "the ledger's table of postings misses: Amended"),
    ],
)
def test_a_new_message_stops_the_import_of_whoever_has_no_row_for_it(
    addition: str, module: str, missing: str
) -> None:
    assert missing in error_of(addition, module)


def test_a_new_command_stops_the_engine_too() -> None:
    known = "from exchange.model import idempotency\n" + COMMAND
    assert "the engine's table of handlers misses: Amend" in error_of(known, "exchange.engine")


@pytest.mark.parametrize(
    ("addition", "module", "missing"),
    [
        (REASON, "gateway.engine_side.refusals", "refusals' statuses misses: NEW"),
        (WORD, "persistence.journal.codes", "CancelReason's codes misses: NEW"),
    ],
)
def test_so_does_a_new_word(addition: str, module: str, missing: str) -> None:
    assert missing in error_of(addition, module)


def error_of(addition: str, module: str) -> str:
    """Import a module in a process in which the core has something more; return its last words."""
    run = subprocess.run(
        [sys.executable, "-c", f"{addition}\nimport {module}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run
    return run.stderr.splitlines()[-1]
