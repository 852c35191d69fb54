"""Does a site stay as it is under the same load for a long time?

    make soak                       20 minutes, drawn into docs/pictures/soak.svg
    make soak MINUTES=3 RATE=50

Laws: memory is that of the server's process; it is flat if the line through it after the warm-up
rises by less than `MOST_MIB_A_MINUTE`. No answer may be an error that the caller isn't the cause
of. Waits are steady if the p99 of the last third is no worse than `MOST_TIMES` that of the first
after the warm-up. Exit code 1 if one doesn't hold.
"""

import argparse
import asyncio
import importlib.util
import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
import psutil
import uvloop

from benchmarks.harness.plots import PICTURES
from benchmarks.site.load import Outcome, percentile
from benchmarks.site.mix import Mix
from benchmarks.site.offered import Answer, offer
from benchmarks.site.place import PEOPLE, SLUG, SOCKETS, listening, own_server, people
from tests.server_process import ServerProcess

MOST_MIB_A_MINUTE: Final = 1.0
MOST_TIMES: Final = 2.0
WARM_UP: Final = 0.2
"""The part of it, at the beginning, in which caches and pools fill."""
LEAST_P99_MS: Final = 50.0
"""Below it a p99 isn't held against another: it is the machine's."""
_SAMPLES: Final = 120
_LEAST_SECONDS: Final = 2.0
_LEAST_SAMPLES: Final = 3
"""After the warm-up; a line through fewer is no slope, and they have no thirds."""


class Sample(msgspec.Struct, frozen=True):
    """How it was in one piece of the time."""

    minute: float
    memory_mib: float
    p50_ms: float
    p99_ms: float
    answers: int
    wrong: int
    load: float
    """Of the machine, by everybody on it (a minute's mean)."""


class Soaked(msgspec.Struct, frozen=True):
    """What a soak came to."""

    samples: list[Sample]
    wrong: int
    closed: int

    @property
    def warm(self) -> list[Sample]:
        """Return the samples after the warm-up."""
        return self.samples[int(WARM_UP * len(self.samples)) :]

    @property
    def slope(self) -> float:
        """Return by how many MiB a minute memory rises after the warm-up (least squares)."""
        return slope([(sample.minute, sample.memory_mib) for sample in self.warm])

    @property
    def times(self) -> float:
        """Return how many times longer the p99 is in the last third than in the first."""
        third = max(1, len(self.warm) // 3)
        first, last = (
            percentile([sample.p99_ms for sample in part], 0.5)
            for part in (self.warm[:third], self.warm[-third:])
        )
        return max(last, LEAST_P99_MS) / max(first, LEAST_P99_MS)

    @property
    def faults(self) -> list[str]:
        """Name what doesn't hold."""
        found = []
        if len(self.warm) < _LEAST_SAMPLES:
            found.append(f"too short: {len(self.warm)} samples after the warm-up say nothing")
        if self.slope >= MOST_MIB_A_MINUTE:
            found.append(f"memory rises by {self.slope:.2f} MiB a minute")
        if self.times > MOST_TIMES:
            found.append(f"p99 became {self.times:.1f} times as long")
        if self.wrong:
            found.append(f"{self.wrong} answers must not be")
        if self.closed:
            found.append(f"{self.closed} sockets were closed")
        return found


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the line through points, by least squares; 0 where there is none."""
    if len({x for x, _ in points}) < 2:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


async def soak(server: ServerProcess, rate: float, seconds: float, seed: int) -> Soaked:
    """Offer `rate` calls a second for so many seconds and sample what becomes of it."""
    crowd = await people(server.port, PEOPLE)
    mix = Mix(f"127.0.0.1:{server.port}", SLUG, crowd, seed)
    process = psutil.Process(server.pid)
    samples: list[Sample] = []
    now, whole = Outcome(), Outcome()

    def hear(answer: Answer) -> None:
        now.hear(answer)

    async def sample(begun: float, every: float) -> None:
        nonlocal now
        for number in count(1):
            await asyncio.sleep(max(0.0, begun + number * every - time.monotonic()))
            piece, now = now, Outcome()
            whole.statuses.update(piece.statuses)
            waits = piece.all_waits
            found = Sample(
                minute=(time.monotonic() - begun) / 60,
                memory_mib=process.memory_info().rss / 2**20,
                p50_ms=percentile(waits, 0.5),
                p99_ms=percentile(waits, 0.99),
                answers=len(waits),
                wrong=piece.wrong,
                load=os.getloadavg()[0],
            )
            samples.append(found)
            print(
                f"{found.minute:5.1f} min  {found.memory_mib:7.1f} MiB  p50 {found.p50_ms:6.1f}"
                f"  p99 {found.p99_ms:7.1f} ms  {found.answers} answers, {found.wrong} wrong;"
                f" load {found.load:.1f}",
                flush=True,
            )

    async with listening(server.port, SLUG, crowd[:SOCKETS]) as listeners:
        every = max(_LEAST_SECONDS, seconds / _SAMPLES)
        sampling = asyncio.create_task(sample(time.monotonic(), every))
        await offer(mix, server.port, rate, seconds, hear)
        sampling.cancel()
        closed = sum(not listener.is_open for listener in listeners)
    whole.statuses.update(now.statuses)
    print(f"statuses {dict(sorted(whole.statuses.items()))}")
    return Soaked(samples, whole.wrong, closed)


def draw(soaked: Soaked, path: Path, title: str) -> bool:
    """Draw memory and waits over time as an SVG; False where nothing can draw."""
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from matplotlib import rc_context  # noqa: PLC0415 - a second to load
    from matplotlib.figure import Figure  # noqa: PLC0415

    minutes = [sample.minute for sample in soaked.samples]
    with rc_context({"svg.hashsalt": "probity", "svg.fonttype": "none", "font.size": 9}):
        drawing = Figure(figsize=(9, 5), layout="constrained")
        memory, waits = drawing.subplots(2, sharex=True)
        memory.plot(minutes, [sample.memory_mib for sample in soaked.samples], color="#2e7d5b")
        memory.set_ylim(bottom=0)
        memory.set_ylabel("MiB of the server")
        memory.set_title(title, loc="left", fontsize=9)
        if soaked.warm:
            memory.axvspan(0, soaked.warm[0].minute, color="#8a8f98", alpha=0.15)
        for name, colour in (("p99_ms", "#b3403a"), ("p50_ms", "#2e7d5b")):
            found = [getattr(sample, name) for sample in soaked.samples]
            waits.plot(minutes, found, color=colour, label=name.partition("_")[0])
        waits.set_yscale("log")
        waits.set_ylabel("ms until the answer")
        waits.set_xlabel("minutes")
        waits.legend(frameon=False, loc="upper left")
        for axes in (memory, waits):
            axes.spines[["top", "right"]].set_visible(False)
        drawing.savefig(path, metadata={"Date": None})
    return True


def main(minutes: float, rate: float, picture: Path, seed: int) -> int:
    """Soak a server of our own, draw it, and return the exit code."""
    with own_server() as server:
        soaked = uvloop.run(soak(server, rate, 60 * minutes, seed))
        verified = server.run("verify", timeout=600).returncode
    title = (
        f"{rate:.0f} calls/s for {minutes:.0f} minutes: memory {soaked.slope:+.2f} MiB a minute"
        f" after the warm-up, {soaked.wrong} errors"
    )
    print(title)
    print(f"drawn: {picture}" if draw(soaked, picture, title) else "not drawn: no matplotlib")
    for fault in soaked.faults:
        print(fault)
    return 1 if soaked.faults or verified else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=__doc__)
    _parser.add_argument("--minutes", type=float, default=20.0)
    _parser.add_argument("--rate", type=float, default=100.0)
    _parser.add_argument("--picture", type=Path, default=PICTURES / "soak.svg")
    _parser.add_argument("--seed", type=int, default=20_262)
    _arguments = _parser.parse_args()
    sys.exit(main(_arguments.minutes, _arguments.rate, _arguments.picture, _arguments.seed))
