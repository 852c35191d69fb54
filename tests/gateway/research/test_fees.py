"""What fills cost in the model `trades`: by our own fees, and by those of a venue."""

import pytest

from gateway.research.strategy import Fill
from gateway.research.tape.events import TapeEvent
from tests.gateway.research.told import Act, Played, book, bought, ended, listed, sold

FIRST: list[TapeEvent] = [listed(), book(1, [(5_000, 300)], [(5_200, 400)])]


def test_a_venues_own_fee_is_taken_from_the_cash() -> None:
    kalshi = listed(platform="kalshi", fee_terms=(("taker_rate", "0.07"), ("maker_rate", "0")))
    played = Played(
        [kalshi, FIRST[1], sold(3, 5_000, 400)],
        {
            2: lambda desk: desk.bid("m", 5_200, 100),
            2.5: lambda desk: desk.bid("m", 5_000, 100),
        },
    )
    taken, made = [one for one in played.strategy.heard if isinstance(one, Fill)]
    # 0.07 x 1 x 0.52 x 0.48 = 0.017472, rounded up to the cent.
    assert (taken.fee, made.fee) == (20_000, 0)
    assert played.run.desk.cash == 1_000_000_000 - 5_200 * 100 - 20_000 - 5_000 * 100


def test_a_venue_that_rounds_what_an_order_pays_rounds_it_once() -> None:
    """Kalshi: 0.07 x 1 x 0.25 = 0.0175 for each of four shares, 0.07 in all, and not 0.08."""
    kalshi = listed(platform="kalshi", fee_terms=(("taker_rate", "0.07"), ("maker_rate", "0.07")))
    rests: list[TapeEvent] = [kalshi, book(1), *(sold(3 + n, 4_900, 100) for n in range(4))]
    takes: list[TapeEvent] = [
        kalshi,
        book(1, [], [(5_000 + n * 100, 100) for n in range(4)]),
        book(9),
    ]
    waited = Played(rests, {2: lambda desk: desk.bid("m", 5_000, 400)})
    taken = Played(takes, {2: lambda desk: desk.bid("m", 5_300, 400)})
    for played in (waited, taken):
        fees = [one.fee for one in played.strategy.heard if isinstance(one, Fill)]
        assert fees == [20_000, 20_000, 20_000, 10_000]
    # Of the next order it is counted anew.
    each: Act = lambda desk: desk.bid("m", 5_300, 100)  # noqa: E731 - like those of other tests
    again = Played(takes, dict.fromkeys((2.0, 3.0, 4.0, 5.0), each))
    assert again.model.ground.fees_paid == 80_000


def test_what_an_order_paid_is_known_until_its_last_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where that is at a command behind which what has ended is thrown away; first it takes,
    then it waits: 0.07 x 0.25, and 0.0175 x 0.25 for each of the next two, are 0.02625 in all.
    """
    kalshi = listed(platform="kalshi", fee_terms=(("taker_rate", "0.07"), ("maker_rate", "0.0175")))
    tape: list[TapeEvent] = [
        kalshi,
        book(1, [], [(5_000, 100)]),
        *(sold(3 + n, 4_900, 100) for n in range(2)),
    ]
    monkeypatch.setattr("gateway.research.backtest.ground._CLEARED_EVERY", 1)
    played = Played(tape, {2: lambda desk: desk.bid("m", 5_000, 300)})
    fees = [one.fee for one in played.strategy.heard if isinstance(one, Fill)]
    assert fees == [20_000, 10_000, 0]
    assert not played.model.ground._charged


def test_a_fee_that_nobody_knows_is_told() -> None:
    unknown = listed(platform="kalshi", fee_terms=(("taker_rate", "0.07"),))
    acts: dict[float, Act] = {
        2: lambda desk: desk.bid("m", 5_200, 100),
        2.5: lambda desk: desk.bid("m", 5_000, 100),
    }
    played = Played([unknown, FIRST[1], sold(3, 5_000, 400)], acts)
    # What makers pay isn't among the terms.
    assert (played.model.ground.fees_paid, played.model.ground.fees_unknown) == (20_000, 1)


def test_a_venues_fee_is_that_of_the_leg_that_is_traded() -> None:
    terms = (("maker_fee", "0.01"), ("quadratic", "0"), ("taker_fee", "0.05"))
    charged = []
    for ours in (
        listed(platform="exchange", fee_terms=terms),
        listed(maker_fee=100, taker_fee=500),
    ):
        played = Played(
            [ours, book(1, [(9_000, 900)], [(9_200, 400)]), bought(5, 9_300, 10)],
            {
                2: lambda desk: desk.ask("m", 9_000, 300),
                3: lambda desk: desk.bid("m", 9_200, 100),
                4: lambda desk: desk.ask("m", 9_100, 10),
            },
        )
        charged.append([one.fee for one in played.strategy.heard if isinstance(one, Fill)])
    # 5 % of 0.10 for NO, 5 % of 0.08 for the NO that is sold, 1 % of 0.09 for the NO that waited.
    assert charged == [[15_000, 4_000, 90]] * 2


def test_turnover_is_what_was_paid_and_got_for_the_leg_that_was_traded() -> None:
    tape: list[TapeEvent] = [
        listed(),
        book(1, [(9_000, 900)], [(9_200, 400)]),
        bought(5, 9_300, 10),
    ]
    # YES for 0.92, sold for 0.90.
    long = Played(
        tape, {2: lambda desk: desk.bid("m", 9_200, 100), 3: lambda desk: desk.ask("m", 9_000, 100)}
    )
    assert long.model.ground.turnover == 9_200 * 100 + 9_000 * 100
    short = Played(
        tape,
        {
            2: lambda desk: desk.ask("m", 9_000, 300),
            3: lambda desk: desk.bid("m", 9_200, 100),
            4: lambda desk: desk.ask("m", 9_100, 10),
        },
    )
    # NO for 0.10, sold for 0.08, and for 0.09 as maker.
    assert short.model.ground.turnover == 1_000 * 300 + 800 * 100 + 900 * 10


def test_what_is_owed_is_paid_of_what_a_market_pays() -> None:
    kalshi = listed(platform="kalshi", fee_terms=(("taker_rate", "0.07"), ("maker_rate", "0")))
    tape = [kalshi, FIRST[1], ended(4, 10_000)]
    # All of the cash buys, and nothing is left for the fee.
    played = Played(tape, {2: lambda desk: desk.bid("m", 5_200, 100)}, cash=5_200 * 100)
    ground = played.model.ground
    assert ground.owed == 0
    assert played.run.desk.cash == ground.cash() == 100 * 10_000 - 20_000


def test_our_own_fees_are_the_engines() -> None:
    ours = listed(taker_fee=100)
    played = Played([ours, FIRST[1], book(3)], {2: lambda desk: desk.bid("m", 5_200, 100)})
    [fill] = [one for one in played.strategy.heard if isinstance(one, Fill)]
    assert fill.fee == 5_200 * 100 // 100
