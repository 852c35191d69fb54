"""No bytes that a stranger sends break what reads them, or keep it busy.

What was found once is kept in `corpus/` and tried on every machine; new inputs are looked for where
there is an atheris (Linux on x86-64, Python before 3.13), longer by `make fuzz`.
"""

import contextlib
import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.fuzz.readers import READERS
from tests.fuzz.targets import LONGEST, REFUSALS, TARGETS, TOO_LONG_S
from tests.lengths import length

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
SECONDS = length(6, long=600)
KEPT_MAX = 24
KEPT_BYTES_MAX = 4_096
HAS_ATHERIS = importlib.util.find_spec("atheris") is not None


def take(name: str, data: bytes) -> None:
    """Try one input, three times if it is slow: this process has other things in its memory."""
    took = []
    for _ in range(3):
        begun = time.thread_time()
        with contextlib.suppress(*REFUSALS):
            TARGETS[name](data)
        took.append(time.thread_time() - begun)
        if took[-1] < TOO_LONG_S:
            return
    raise AssertionError(f"{name}: {len(data)} bytes took {min(took):.3f} s")


def kept(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def test_every_target_has_inputs_and_they_stay_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == TARGETS.keys()
    for name in TARGETS:
        inputs = kept(name)
        assert 0 < len(inputs) <= KEPT_MAX
        assert all(len(data) <= KEPT_BYTES_MAX for data in inputs)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_is_kept_and_what_is_near_it_breaks_nothing(name: str) -> None:
    chance = random.Random(name)
    take(name, b"")
    for data in kept(name):
        take(name, data)
        for _ in range(40):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(changed) + 1)
                changed[at : at + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 3))
            take(name, bytes(changed))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_is_as_long_as_may_be_keeps_nobody_waiting(name: str) -> None:
    for data in kept(name):
        for piece in (data, data[1:]):
            repeated = data[:1] + piece * (LONGEST // max(1, len(piece)))
            take(name, repeated[:LONGEST])


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_fuzzer_follows_whatever_of_ours_reads_an_input(name: str) -> None:
    reached: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            reached.add(frame.f_globals.get("__name__", ""))

    # What is made once, of all routes, is made before.
    for data in kept(name):
        take(name, data)
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for data in kept(name):
            take(name, data)
    finally:
        sys.setprofile(before)
    ours = {module for module in reached if module.startswith(("exchange.", "gateway."))}
    assert ours
    assert ours - set(READERS) == set()


@pytest.mark.skipif(not HAS_ATHERIS, reason="there is no wheel of atheris for this Python")
@pytest.mark.timeout(SECONDS + 120)
def test_nothing_new_is_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", "all", str(SECONDS), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [path.read_bytes() for path in (tmp_path / "found").iterdir()]
    assert done.returncode == 0, f"{found}\n{done.stdout[-2_000:]}\n{done.stderr[-6_000:]}"
    assert "stat::number_of_executed_units" in done.stderr
