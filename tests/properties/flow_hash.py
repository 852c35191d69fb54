"""Run a seeded market day and print a hash of all its events and of the state it leads to.

Started as a process of its own by `test_replay.py`, under another PYTHONHASHSEED each time.
"""

import sys
from hashlib import blake2b

import msgspec

from exchange.messages.execution import Execution
from exchange.proof.state_hash import state_hash
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.pair import Pair


def executions(seed: int, commands: int) -> tuple[Pair, list[Execution]]:
    """Return a pair that lived through a seeded day, and everything that happened in it."""
    pair, dice = Pair(), Dice(seed)
    day = MarketDay(pair.twin)
    done: list[Execution] = []
    for _ in range(commands):
        command = day.any_command(dice)
        done += pair.run(day.next_time(dice), command, compare=False)
    return pair, done


def flow_hash(seed: int, commands: int) -> str:
    """Return one hash of the journal and the state."""
    pair, done = executions(seed, commands)
    journal = blake2b(msgspec.msgpack.encode(done)).hexdigest()
    return f"{journal} {state_hash(pair.state).hex()}"


if __name__ == "__main__":
    print(flow_hash(int(sys.argv[1]), int(sys.argv[2])))
