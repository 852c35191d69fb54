"""When one's own order fills, in the model that knows only prints and the best of the book."""

from typing import cast

from exchange.messages.bounds import QUANTITY_MAX
from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import BUY, GTC, SELL, STOP_LIMIT, YES, OrderStatus
from gateway.research.backtest.desk import BacktestDesk
from gateway.research.backtest.figures import Notes, Outcome
from gateway.research.backtest.prints import TRADER, PrintsModel
from gateway.research.backtest.run import Backtest
from gateway.research.strategy import Book, Desk, Fill, Position, Resolved, Strategy, Trade
from gateway.research.tape.events import TapeEvent
from tests.gateway.research.told import Act, Played, book, bought, ended, listed, sold

FIRST: list[TapeEvent] = [listed(), book(1, [(5_000, 300)], [(5_200, 400)])]


def test_an_order_that_crosses_trades_at_once_with_what_is_shown() -> None:
    played = Played([*FIRST, book(3)], {2: lambda desk: desk.bid("m", 5_300, 100)})
    assert played.fills == [(2, BUY, 5_200, 100, False)]


def test_it_takes_no_more_than_is_shown() -> None:
    played = Played([*FIRST, bought(3, 5_300, 1)], {2: lambda desk: desk.bid("m", 5_200, 1_000)})
    assert played.fills == [(2, BUY, 5_200, 400, False)]
    assert [one.remaining for one in played.run.desk.open_orders("m").values()] == [600]


def test_what_rests_waits_for_the_volume_ahead_of_it() -> None:
    played = Played(
        [*FIRST, sold(3, 5_000, 200), sold(4, 5_000, 150), sold(5, 5_000, 100)],
        {2: lambda desk: desk.bid("m", 5_000, 100)},
    )
    assert played.fills == [(4, BUY, 5_000, 50, True), (5, BUY, 5_000, 50, True)]


def test_volume_that_came_later_is_behind_it() -> None:
    later: TapeEvent = book(3, [(5_000, 900)], [(5_200, 400)])
    played = Played(
        [*FIRST, later, sold(4, 5_000, 350)], {2: lambda desk: desk.bid("m", 5_000, 100)}
    )
    assert played.fills == [(4, BUY, 5_000, 50, True)]


def test_volume_that_goes_is_taken_from_behind_it_and_then_from_ahead() -> None:
    grown, shrunk = book(3, [(5_000, 900)], []), book(4, [(5_000, 310)], [])
    acts = {2.0: lambda desk: desk.bid("m", 5_000, 100)}
    assert Played([*FIRST, grown, shrunk, sold(5, 5_000, 300)], acts).fills == []
    gone = book(4, [(5_000, 40)], [])
    assert Played([*FIRST, grown, gone, sold(5, 5_000, 60)], acts).fills == [
        (5, BUY, 5_000, 20, True)
    ]


def test_a_level_may_be_as_large_as_an_order_however_much_of_it_was_traded() -> None:
    full = [book(time, [(5_000, QUANTITY_MAX)], []) for time in (1, 3, 5)]
    tape: list[TapeEvent] = [
        listed(),
        full[0],
        sold(2, 5_000, 10),
        full[1],
        sold(4, 5_000, 10),
        full[2],
    ]
    played = Played(tape, {})
    orders = played.model.ground.engine.state.orders
    assert sum(one.remaining for one in orders.values()) == QUANTITY_MAX


def test_the_largest_order_stays_where_it_was_unseen() -> None:
    shown = book(3, [(1, 200)], [])
    tape = [listed(tick=1), FIRST[1], shown]
    acts: dict[float, Act] = {2: lambda desk: desk.bid("m", 1, QUANTITY_MAX)}
    played = Played(tape, acts, cash=20_000_000_000)
    assert [one.remaining for one in played.run.desk.open_orders("m").values()] == [QUANTITY_MAX]


def test_a_print_through_its_price_fills_it_before_all_else() -> None:
    played = Played([*FIRST, sold(3, 4_900, 100)], {2: lambda desk: desk.bid("m", 5_000, 100)})
    assert played.fills == [(3, BUY, 5_000, 100, True)]


def test_a_better_price_is_first_in_line() -> None:
    played = Played([*FIRST, sold(3, 5_000, 70)], {2: lambda desk: desk.bid("m", 5_100, 100)})
    assert played.fills == [(3, BUY, 5_100, 70, True)]


def test_a_quote_that_comes_to_its_price_or_crosses_it_fills_nothing() -> None:
    played = Played(
        [*FIRST, book(3, [(4_700, 10)], [(4_900, 500)]), book(4, [(4_700, 10)], [(4_800, 500)])],
        {2: lambda desk: desk.bid("m", 5_000, 100)},
    )
    assert played.fills == []


def test_at_a_price_that_is_not_shown_only_a_print_through_it_fills_it() -> None:
    acts = {2.0: lambda desk: desk.bid("m", 4_500, 100)}
    assert Played([*FIRST, sold(3, 4_500, 5_000)], acts).fills == []
    assert Played([*FIRST, sold(3, 4_400, 5_000)], acts).fills == [(3, BUY, 4_500, 100, True)]


def test_what_a_print_went_through_is_first_in_line_at_its_price() -> None:
    acts: dict[float, Act] = {2: lambda desk: desk.bid("m", 4_500, 100)}
    played = Played([*FIRST, sold(3, 4_400, 30), sold(4, 4_500, 500)], acts)
    assert played.fills == [(3, BUY, 4_500, 30, True), (4, BUY, 4_500, 70, True)]


def test_orders_that_are_over_are_no_longer_unseen() -> None:
    def again(desk: Desk) -> None:
        for order in desk.open_orders("m"):
            desk.cancel(order)
        desk.bid("m", 4_000, 1)

    tape: list[TapeEvent] = [listed(), *(sold(1 + n, 5_000, 1) for n in range(50))]
    played = Played(tape, dict.fromkeys((n + 1.5 for n in range(50)), again))
    assert len(played.model._markets["m"].unseen) == 1


def test_what_comes_to_be_shown_is_ahead_of_what_waited_there_unseen() -> None:
    shown = book(3, [(4_500, 200)], [(4_700, 1)])
    played = Played(
        [*FIRST, shown, sold(4, 4_500, 230)], {2: lambda desk: desk.bid("m", 4_500, 100)}
    )
    assert played.fills == [(4, BUY, 4_500, 30, True)]


def test_what_was_ahead_is_remembered_while_its_price_is_out_of_sight() -> None:
    away, back = book(3, [(5_100, 50)], [(5_200, 400)]), book(4, [(5_000, 900)], [(5_200, 400)])
    acts = {2.0: lambda desk: desk.bid("m", 5_000, 100)}
    assert Played([*FIRST, away, back, sold(5, 5_000, 340)], acts).fills == [
        (5, BUY, 5_000, 40, True)
    ]
    assert Played([*FIRST, away, sold(4, 5_000, 330)], acts).fills == [(4, BUY, 5_000, 30, True)]
    # Beyond the best it isn't out of sight, but gone; so it is on a side that is empty.
    for gone in (book(3, [(4_900, 50)], []), book(3, [], [(5_200, 400)])):
        tape = [*FIRST, gone, book(4, [(5_000, 900)], []), sold(5, 5_000, 340)]
        assert Played(tape, acts).fills == [(5, BUY, 5_000, 100, True)]


def test_what_is_remembered_goes_with_the_order_that_waits_behind_it() -> None:
    away = [book(time, [(5_100, 40 + time)], [(5_200, 400)]) for time in (3, 5)]
    acts: dict[float, Act] = {2: lambda desk: desk.bid("m", 5_000, 100)}
    waits = Played([*FIRST, *away], acts).model.ground.engine.state
    assert [one.yes_price for one in waits.accounts[1].orders.values()] == [5_000, 5_200, 5_100]
    acts[4] = lambda desk: desk.cancel(1)
    left = Played([*FIRST, *away], acts).model.ground.engine.state
    assert [one.yes_price for one in left.accounts[1].orders.values()] == [5_200, 5_100]


def test_nothing_is_remembered_ahead_of_an_order_that_waits_for_a_trigger() -> None:
    """It stands outside the book: whatever is there when it comes is ahead of it."""
    stop = PlaceOrder(
        *(TRADER, 1, BUY, YES, STOP_LIMIT, 5_000, 100, GTC),
        conditions=OrderConditions(trigger_price=5_600),
    )
    away: TapeEvent = book(3, [(5_100, 50)], [(5_200, 400)])
    played = Played([*FIRST, away], {2: lambda desk: cast("BacktestDesk", desk).send(stop)})
    state = played.model.ground.engine.state
    (waiting,) = state.accounts[TRADER].orders.values()
    assert (waiting.status, waiting.yes_price) == (OrderStatus.PENDING, 5_000)
    assert [one.yes_price for one in state.accounts[1].orders.values()] == [5_200, 5_100]


def test_without_cash_for_its_place_it_stays_where_nothing_reaches_it() -> None:
    shown = book(3, [(4_500, 200)], [(4_700, 1)])
    tape = [*FIRST, shown, sold(4, 4_500, 5_000), sold(5, 4_400, 10)]
    played = Played(tape, {2: lambda desk: desk.bid("m", 4_500, 100)}, cash=450_000)
    assert played.fills == [(5, BUY, 4_500, 10, True)]


def test_a_short_is_no_shares_and_a_sale_of_what_is_held_is_one() -> None:
    played = Played(
        [*FIRST, book(4, [(5_000, 300)], [(5_200, 400)])],
        {
            2: lambda desk: desk.ask("m", 5_000, 100),
            3: lambda desk: desk.bid("m", 5_200, 100),
        },
    )
    assert played.fills == [(2, SELL, 5_000, 100, False), (3, BUY, 5_200, 100, False)]
    assert played.run.desk.position("m") == Position(0, 0)
    assert played.run.desk.cash == 1_000_000_000 - 200 * 100


def test_a_cancel_that_frees_a_pair_is_worth_nothing() -> None:
    worth: list[int] = []
    acts: dict[float, Act] = {
        2: lambda desk: desk.bid("m", 5_200, 100),
        3: lambda desk: desk.ask("m", 5_400, 100),
        # What is held waits to be sold: NO is bought.
        4: lambda desk: desk.ask("m", 5_000, 100),
        5: lambda desk: desk.cancel(2),
        6: lambda desk: worth.append(desk.equity()),
        7: lambda desk: worth.append(desk.position("m").net),
    }
    played = Played([*FIRST, bought(9, 5_200, 1)], acts)
    assert worth == [1_000_000_000 - 200 * 100, 0]
    assert played.run.desk.position("m") == Position(0, 0)
    assert played.run.desk.worth == worth[0]
    assert max(equity for _, equity in played.notes.equity.points) <= 1_000_000_000


def test_an_end_pays_what_is_held() -> None:
    played = Played([*FIRST, ended(9, 10_000)], {2: lambda desk: desk.bid("m", 5_200, 100)})
    assert played.run.desk.worth == 1_000_000_000 + 4_800 * 100
    [resolved] = [one for one in played.strategy.heard if isinstance(one, Resolved)]
    assert resolved.yes_payout == 10_000
    split = Played([*FIRST, ended(9, 5_000)], {2: lambda desk: desk.bid("m", 5_200, 100)})
    assert split.run.desk.worth == 1_000_000_000 - 200 * 100


def test_what_was_held_to_the_end_is_known_though_an_order_ends_with_its_market() -> None:
    acts: dict[float, Act] = {
        2: lambda desk: desk.bid("m", 5_200, 100),
        3: lambda desk: desk.bid("m", 4_000, 100),
    }
    played = Played([*FIRST, ended(9, 10_000)], acts)
    assert played.notes.outcomes == [Outcome("m", 100, 5_200, 10_000)]
    # 60 wait to be sold when 20 NO are bought, which the end of that order makes pairs.
    acts |= {
        4: lambda desk: desk.ask("m", 5_400, 60),
        5: lambda desk: desk.ask("m", 5_000, 41),
        6: lambda desk: desk.ask("m", 5_000, 19),
    }
    played = Played([*FIRST, ended(9, 10_000)], acts)
    assert played.run.desk.position("m") == Position(0, 0)
    assert played.notes.outcomes == [Outcome("m", 40, 5_200, 10_000)]


def test_an_order_arrives_after_its_latency_behind_what_the_tape_says_then() -> None:
    tape = [*FIRST, book(2.05, [(5_000, 300)], [(5_400, 400)])]
    act = {2.0: lambda desk: desk.bid("m", 5_200, 100)}
    assert Played(tape, act, latency_us=50_000).fills == []
    assert Played(tape, act, latency_us=49_999).fills == [(2.049999, BUY, 5_200, 100, False)]


def test_an_order_arrives_behind_all_that_the_tape_has_of_a_moment() -> None:
    class Sniper(Strategy):
        def on_trade(self, trade: Trade) -> None:
            self.desk.bid("m", 5_200, 100)

    gone = book(2, [(5_500, 10)], [(5_600, 10)])
    for rest, filled in (([], 100), ([gone], 0), ([gone, book(3)], 0)):
        notes = Notes()
        run = Backtest(PrintsModel(10**9), lambda desk: Sniper(desk, None), notes)
        run.run([*FIRST, bought(2, 5_200, 10), *rest])
        assert sum(one.quantity for one in notes.executions) == filled


def test_a_refused_order_is_told_with_its_reason() -> None:
    played = Played([*FIRST], {})
    assert played.fills == []
    refused = Played(
        [*FIRST, book(3)],
        {
            1.5: lambda desk: desk.bid("m", 5_001, 100),
            2: lambda desk: desk.bid("m", 5_200, 100, post_only=True),
            2.5: lambda desk: desk.bid("m", 5_000, 1_000_000_000),
        },
    )
    heard = [one for one in refused.strategy.heard if not isinstance(one, (Book, Fill))]
    assert heard == [
        (1, "OFF_TICK"),
        (2, "POST_ONLY_WOULD_CROSS"),
        (3, "INSUFFICIENT_BALANCE"),
    ]
    assert refused.run.desk.open_orders("m") == {}


def test_a_trade_whose_book_comes_before_its_print_moves_it_up_once() -> None:
    acts: dict[float, Act] = {2: lambda desk: desk.bid("m", 5_000, 100)}
    after: TapeEvent = book(3, [(5_000, 100)], [(5_200, 400)])
    same = [*FIRST, after, sold(3, 5_000, 200)]
    assert Played(same, acts).fills == []
    # Two prints of that time are what has gone, and then more.
    assert Played([*FIRST, after, sold(3, 5_000, 150), sold(3, 5_000, 60)], acts).fills == []
    more = [*same, sold(4, 5_000, 130)]
    assert Played(more, acts).fills == [(4, BUY, 5_000, 30, True)]
    # The price went altogether: what is printed beyond what was there is the trader's.
    gone: TapeEvent = book(3, [(4_900, 10)], [(5_200, 400)])
    whole = [*FIRST, gone, sold(3, 5_000, 320)]
    assert Played(whole, acts).fills == [(3, BUY, 5_000, 20, True)]
    # At another time it is another trade.
    later = [*FIRST, after, sold(3.5, 5_000, 150)]
    assert Played(later, acts).fills == [(3.5, BUY, 5_000, 50, True)]


def test_books_of_one_time_take_away_together_what_is_printed_behind_them() -> None:
    acts: dict[float, Act] = {2: lambda desk: desk.bid("m", 5_000, 100)}
    asks = [(5_200, 400)]
    twice: list[TapeEvent] = [book(3, [(5_000, 200)], asks), book(3, [(5_000, 100)], asks)]
    assert Played([*FIRST, *twice, sold(3, 5_000, 200)], acts).fills == []
    gone: list[TapeEvent] = [book(3, [(5_000, 200)], asks), book(3, [(4_900, 10)], asks)]
    assert Played([*FIRST, *gone, sold(3, 5_000, 300)], acts).fills == []
    more = [*FIRST, *twice, sold(3, 5_000, 330)]
    assert Played(more, acts).fills == [(3, BUY, 5_000, 30, True)]


def test_a_print_goes_through_its_price_though_the_book_came_first() -> None:
    deep = book(1, [(5_000, 300), (4_900, 200)], [(5_200, 400)])
    swept: list[TapeEvent] = [
        book(3, [(4_800, 10)], [(5_200, 400)]),
        sold(3, 5_000, 300),
        sold(3, 4_900, 200),
    ]
    waits: dict[float, Act] = {2: lambda desk: desk.bid("m", 5_000, 100)}
    assert Played([listed(), deep, *swept], waits).fills == [(3, BUY, 5_000, 100, True)]
    # What it took of the print is no more at the price behind it.
    best: dict[float, Act] = {
        2: lambda desk: desk.bid("m", 5_100, 100),
        2.5: lambda desk: desk.bid("m", 5_000, 100),
    }
    after = book(3, [(5_000, 100)], [(5_200, 400)])
    played = Played([*FIRST, after, sold(3, 5_000, 290)], best)
    assert played.fills == [(3, BUY, 5_100, 100, True)]
    assert Played([*FIRST, after, sold(3, 5_000, 410)], best).fills == [
        (3, BUY, 5_100, 100, True),
        (3, BUY, 5_000, 10, True),
    ]
    sells: dict[float, Act] = {2: lambda desk: desk.ask("m", 5_100, 100)}
    lifted = [*FIRST, book(3, [(5_000, 300)], [(5_200, 300)]), bought(3, 5_200, 100)]
    assert Played(lifted, sells).fills == [(3, SELL, 5_100, 100, True)]


def test_what_went_at_a_better_price_hides_no_print_that_passes_an_unseen_order_by() -> None:
    """It trades with the better order alone, wherever books took something away."""
    acts: dict[float, Act] = {
        2: lambda desk: desk.bid("m", 4_500, 100),
        2.5: lambda desk: desk.bid("m", 4_600, 50),
    }
    two: list[TapeEvent] = [book(3, [(4_600, 90)], []), book(3)]
    tape = [*FIRST, *two, sold(3, 4_500, 60)]
    assert Played(tape, acts).fills == [(3, BUY, 4_600, 50, True)]
