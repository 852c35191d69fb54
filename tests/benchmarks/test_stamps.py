"""What an order waits for adds up to its wait, and a server that notes it serves as any other."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from benchmarks.loads.paced_orders import Sent
from benchmarks.loads.stamps import (
    COLLECTING,
    FILE,
    PARTS,
    SERVER,
    Pauses,
    Stamped,
    Told,
    breakdown,
    parts_of,
)
from tests.server_process import ServerProcess

_SENT = Sent(0, due=1.0, sent=1.25, heard=9.0)
_NOTED = Stamped(submitted=2.0, ran=3.0, before=4.0, written=5.0, durable=7.0, answered=8.0)


def test_the_parts_follow_one_another_from_when_it_was_due_to_its_ack() -> None:
    assert parts_of(_SENT, _NOTED) == (0.25, 0.75, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0)
    assert len(PARTS) == 8


@pytest.mark.parametrize(("ran", "before"), [(1.9, 4.0), (5.1, 4.0), (3.0, 2.5), (3.0, 5.5)])
def test_moments_that_cross_leave_no_part_below_nothing(ran: float, before: float) -> None:
    parts = parts_of(_SENT, _NOTED._replace(ran=ran, before=before))
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(_SENT.wait)


def test_a_pause_counts_as_far_as_it_lies_in_a_wait() -> None:
    pauses = Pauses([(1.0, 2.0), (4.0, 4.5)])
    assert pauses.within(0.0, 9.0) == 1.5
    assert pauses.within(1.5, 4.25) == 0.75
    assert pauses.within(2.0, 4.0) == 0.0
    assert Pauses([]).within(0.0, 1.0) == 0.0


def test_orders_are_found_among_those_of_their_account_by_when_they_came() -> None:
    later = [order._replace(due=order.due + 20, sent=order.sent + 20, heard=order.heard + 20)
             for order in (_SENT, _SENT)]  # fmt: skip
    noted = [Stamped(*[moment + 20 for moment in _NOTED])] * 2
    told = Told({7: [_NOTED, *noted]}, [(25.5, 26.0)])
    parts = breakdown(later, [7], told)
    assert [part.name for part in parts] == ["whole", *PARTS, COLLECTING]
    assert parts[0].p50 == pytest.approx(8.0)
    assert parts[-1].p50 == pytest.approx(0.5)
    # What warms up is found as well, and not told of.
    late = later[1]._replace(due=21.125)
    told.orders[7].append(noted[0])
    assert breakdown([later[0], late, late], [7], told, 1)[0].p50 == pytest.approx(7.875)
    with pytest.raises(ValueError, match="zip"):
        breakdown([_SENT, *later], [8], told)


def test_a_server_that_notes_an_order_serves_as_any_other(tmp_path: Path) -> None:
    notes = tmp_path / "stamps.json"
    server = ServerProcess(tmp_path / "data", {FILE: str(notes)})
    server.program = SERVER
    try:
        server.start()
        user_id, token = server.trader()
        server.market("noted")
        order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
        for _ in range(2):
            server.call("POST", "/orders/noted", token, order)
        assert server.end() == 0
    finally:
        server.clean_up()
    told = msgspec.json.decode(notes.read_bytes(), type=Told)
    assert [*told.orders] == [user_id]
    assert len(told.orders[user_id]) == 2
    for noted in told.orders[user_id]:
        moments = (noted.submitted, noted.written, noted.durable, noted.answered)
        assert all(earlier < later for earlier, later in pairwise(moments))
        # Of another clock, to a millisecond or so.
        assert noted.submitted - 0.01 < noted.ran < noted.written + 0.01
        assert noted.before < noted.written
