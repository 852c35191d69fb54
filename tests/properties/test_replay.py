"""Replay: the same commands, or their events alone, give the same bytes anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.engine import Engine
from exchange.messages.execution import Execution
from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.state_hash import state_hash
from exchange.transitions import transitions
from tests.lengths import length
from tests.properties.flow_hash import executions, flow_hash

ROOT = Path(__file__).parents[2]
SEEDS = st.integers(0, 2**32)


@given(SEEDS)
@settings(max_examples=length(15, long=1_000))
def test_events_alone_rebuild_the_state(seed: int) -> None:
    pair, done = executions(seed, 400)
    journal = msgspec.msgpack.encode(done)
    state = State()
    for execution in msgspec.msgpack.decode(journal, type=list[Execution]):
        transitions.begin(state, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(state, event)
    assert state_hash(state, with_ids=False) == state_hash(pair.state, with_ids=False)
    invariants.check(state)


@given(SEEDS)
@settings(max_examples=length(15, long=1_000))
def test_commands_run_again_give_the_same_events_byte_for_byte(seed: int) -> None:
    pair, done = executions(seed, 400)
    engine = Engine(State())
    again = [engine.execute(execution.at, execution.command) for execution in done]
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(done)
    assert state_hash(engine.state) == state_hash(pair.state)


@given(SEEDS, st.data())
@settings(max_examples=length(10, long=1_000))
def test_a_state_rebuilt_half_way_goes_on_like_the_live_one(seed: int, data: st.DataObject) -> None:
    pair, done = executions(seed, 300)
    half = data.draw(st.integers(0, len(done)))
    state = State()
    for execution in done[:half]:
        transitions.begin(state, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(state, event)
    # The ids come from the store, as at a start.
    for key, prior in pair.stored_ids.items():
        if prior.seq <= state.seq:
            state.recent_ids.restore(key, prior, state.seq)
    engine = Engine(state)
    again = [engine.execute(execution.at, execution.command) for execution in done[half:]]
    assert again == done[half:]
    assert state_hash(state) == state_hash(pair.state)


def test_another_hash_seed_gives_the_same_bytes() -> None:
    expected = flow_hash(5, 1_500)
    for hash_seed in ("0", "1", "4242"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.properties.flow_hash", "5", "1500"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == expected, f"PYTHONHASHSEED={hash_seed}"
