"""The public benchmark's flow: its generator, and that core and yardstick say the same of it."""

import pytest

from benchmarks import consensus
from benchmarks.loads import consensus_flow
from benchmarks.loads.consensus_flow import Message
from benchmarks.loads.consensus_reports import TRADE, Report, ReportHash
from benchmarks.peers.classic_book import OwnClassicBook
from benchmarks.peers.consensus_peer import Fills


def test_the_generator_is_the_one_of_the_cpp_standard() -> None:
    # [rand.predef]: the 10 000th number of a default-made std::mt19937, whose seed is 5489.
    numbers = consensus_flow._seeded(5_489)
    for _ in range(9_999):
        numbers.getrandbits(32)
    assert numbers.getrandbits(32) == 4_123_659_995


@pytest.mark.parametrize("scenario", consensus_flow.PUBLISHED)
def test_core_and_yardstick_say_the_same(scenario: str) -> None:
    flow = consensus_flow.consensus_flow(scenario, orders=3_000)
    book, reports = OwnClassicBook(), list[Report]()
    for seq, message in enumerate(flow):
        book.take(seq, message, reports)
    assert any(report[0] == TRADE for report in reports) is (scenario == "normal")
    theirs = ReportHash()
    theirs.add(reports)
    ours = ReportHash()
    filled: dict[int, int] = {}
    Fills().note(reports, filled)
    part: list[tuple[int, Message]] = list(enumerate(flow))
    consensus.run_turn(consensus.CoreOnFlow(), part, filled, ours)
    assert any(filled.values()) is (scenario == "normal")
    assert ours.hexdigest() == theirs.hexdigest()
