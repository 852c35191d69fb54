"""Fuzzing that follows the code's branches (atheris, libFuzzer): a program, since it never returns.

    python -m tests.fuzz.run NAME|all SECONDS [FOLDER]

With `all` the first byte of an input chooses its target, so that one process tries each. What is
found is written to FOLDER, by default `build/fuzz`: a file that breaks a target is a test when it
is copied into `corpus/NAME/`. The exit status is not 0 if anything was found.
"""

import contextlib
import importlib
import sys
import time
from pathlib import Path

import atheris

from tests.fuzz.readers import READERS

# Before all else: whatever is imported later isn't followed.
with atheris.instrument_imports(include=["exchange", "gateway"]):
    for reader in READERS:
        importlib.import_module(reader)

from tests.fuzz.targets import LONGEST, REFUSALS, TARGETS, TOO_LONG_S

CORPUS = Path(__file__).parent / "corpus"
SEED = "20260101"
_TRIES = 3


def check(name: str, data: bytes) -> None:
    """Try one input; raises what the target raises, and TimeoutError if it is too slow.

    Twice more if it is slow: a collection of garbage is nobody's fault, but not three times.
    """
    took = TOO_LONG_S
    for _ in range(_TRIES):
        begun = time.thread_time()
        with contextlib.suppress(*REFUSALS):
            TARGETS[name](data)
        took = min(took, time.thread_time() - begun)
        if took < TOO_LONG_S:
            return
    raise TimeoutError(f"{name}: {len(data)} bytes took {took:.3f} s of the processor")


def _seeds(chosen: list[str], folder: Path) -> None:
    """Put the kept inputs into a folder, marked with their target if there are several."""
    for number, name in enumerate(chosen):
        mark = b"" if len(chosen) == 1 else bytes([number])
        for kept in sorted((CORPUS / name).iterdir()):
            (folder / f"{name}-{kept.name}").write_bytes(mark + kept.read_bytes())


def main(wanted: str, seconds: str, folder: str = "build/fuzz") -> None:
    """Fuzz one target or all; never returns."""
    chosen = sorted(TARGETS) if wanted == "all" else [wanted]
    place = Path(folder)
    inputs, found = place / "inputs", place / "found"
    for one in (inputs, found):
        one.mkdir(parents=True, exist_ok=True)
    _seeds(chosen, inputs)

    def one_input(data: bytes) -> None:
        if len(chosen) == 1:
            check(chosen[0], data)
        elif data:
            check(chosen[data[0] % len(chosen)], data[1:])

    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={found}/",
        f"-seed={SEED}",
        "-rss_limit_mb=2048",
        "-timeout=5",
        "-print_final_stats=1",
        str(inputs),
    ]
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
