"""The public benchmark's flow: its generator, and that core and yardstick say the same of it."""

import pytest

from benchmarks import consensus
from benchmarks.loads import consensus_flow
from benchmarks.loads.consensus_flow import Message
from benchmarks.loads.consensus_reports import NO_MODIFY, TRADE, Report, ReportHash
from benchmarks.peers.classic_book import OwnClassicBook


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
    refused = {report[1] for report in reports if report[0] == NO_MODIFY}
    part: list[tuple[int, Message]] = list(enumerate(flow))
    consensus.run_turn(consensus.CoreOnFlow(), part, refused, ours)
    assert ours.hexdigest() == theirs.hexdigest()
