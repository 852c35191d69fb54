"""What holds of every backtest: no look ahead, the same bytes, money that adds up."""

import gzip
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.messages.bounds import TIME_MAX
from exchange.messages.commands import BatchOrders, CancelOrder, PlaceOco, PlaceOrder
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY, GTC, LIMIT, YES, Side
from gateway.research.backtest.desk import TooManyOrders, ordered_by
from gateway.research.backtest.figures import Notes
from gateway.research.backtest.prints import TRADER, PrintsModel
from gateway.research.backtest.result import CASH, Result, Setup, backtest
from gateway.research.backtest.run import Backtest
from gateway.research.backtest.thinned import POINTS_MAX, Thinned
from gateway.research.live.desk import LiveDesk
from gateway.research.strategies import STRATEGIES
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.strategy import Book, ParametersRefused, Strategy, Terms, parameters_of
from gateway.research.tape.events import Ended, Listed, TapeEvent, TapeRefused, checked
from gateway.research.tape.files import LINE_MAX, read_tape, write_tape
from gateway.research.tape.synthetic import synthetic_tape
from tests.gateway.research.told import at, book, bought, ended, listed, sold

STEPS = 1_500
ALL = sorted(STRATEGIES)


def tape(seed: int, steps: int = STEPS) -> list[TapeEvent]:
    """Return a made-up tape of two markets of one question."""
    return list(checked(synthetic_tape(seed, markets=2, steps=steps)))


def result_of(name: str, events: list[TapeEvent], **setup: Any) -> Result:
    """Run one of the five with its defaults, the books proved after every event."""
    return backtest(STRATEGIES[name], {}, PrintsModel(CASH), events, Setup(check=True, **setup))


@pytest.mark.parametrize("name", ALL)
def test_the_same_run_gives_the_same_bytes(name: str) -> None:
    encode = msgspec.json.encode
    first = encode(result_of(name, tape(3)))
    assert encode(result_of(name, tape(3))) == first
    assert encode(result_of(name, tape(4))) != first


@pytest.mark.parametrize("name", ALL)
def test_a_strategy_does_the_same_when_the_future_is_cut_off(name: str) -> None:
    events = tape(5)
    cut = len(events) * 2 // 3
    now = events[cut - 1].at
    whole = [one for one in result_of(name, events).executions if one.at <= now]
    part = [one for one in result_of(name, events[:cut]).executions if one.at <= now]
    assert part == whole
    if name in {"market-maker", "momentum", "mean-reversion", "arbitrage"}:
        assert part, "or this would compare nothing"


@pytest.mark.parametrize("name", ALL)
def test_every_one_of_the_five_trades(name: str) -> None:
    fills = sum(result_of(name, tape(seed)).figures.fills for seed in range(4))
    assert fills > 10


def test_books_that_do_not_add_up_are_noticed() -> None:
    class Meddler(Strategy):
        def on_book(self, book: Book) -> None:
            run._ground.engine.state.accounts[TRADER].available += 1

    run = Backtest(PrintsModel(1_000), lambda desk: Meddler(desk, None), Notes(), check=True)
    with pytest.raises(InvariantViolated, match="equity is"):
        run.run(tape(1)[:20])


def test_a_long_tape_leaves_a_bounded_curve() -> None:
    result = result_of("market-maker", tape(6, 6_000))
    assert 100 < len(result.curve) <= POINTS_MAX
    assert all(one[0] < other[0] for one, other in pairwise(result.curve))
    assert result.curve[-1][1] == result.figures.end


@pytest.mark.parametrize("points", [1, POINTS_MAX - 1, POINTS_MAX, POINTS_MAX + 1, 3 * POINTS_MAX])
def test_a_course_ends_with_its_last_value_however_long_it_is(points: int) -> None:
    course = Thinned()
    for number in range(points - 1):
        course.add(number, number)
    course.end(points, -1)
    assert course.points[-1] == (points, -1)
    assert len(course.points) <= POINTS_MAX
    assert points == 1 or course.points[0] == (0, 0)


def test_a_run_of_too_many_events_stops_and_says_so() -> None:
    result = backtest(
        STRATEGIES["momentum"], {}, PrintsModel(CASH), tape(1), Setup(most_events=100)
    )
    assert (result.events, result.stopped) == (100, "100 events")


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("market-maker", {"spread": "5"}, "spread"),
        ("market-maker", {"half_spread": "0"}, "half_spread"),
        ("market-maker", {"half_spread": "wide"}, "half_spread"),
        ("fair-value", {"fraction": "1.5"}, "fraction"),
        ("momentum", {"memory_s": "nan"}, "memory_s"),
        ("momentum", {"most": "9" * 30}, "most"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, given: dict[str, str], told: str) -> None:
    with pytest.raises(ParametersRefused, match=told):
        parameters_of(STRATEGIES[name], given)


def test_texts_are_taken_for_numbers() -> None:
    parameters = parameters_of(STRATEGIES["market-maker"], {"half_spread": "300", "size": 5})
    assert parameters == MarketMaker.Parameters(half_spread=300, size=5)


WRONG: list[tuple[str, list[TapeEvent]]] = [
    ("time .* lies before", [listed(), book(2), book(1)]),
    ("behind the year 9999", [listed(), msgspec.structs.replace(book(1), at=TIME_MAX + 1)]),
    ("isn't listed", [book(1)]),
    ("listed twice", [listed(), listed()]),
    ("tick 7", [listed(tick=7)]),
    ("price 5001", [listed(), bought(1, 5_001, 1)]),
    ("price 10000", [listed(), sold(1, 10_000, 1)]),
    ("quantity 0", [listed(), sold(1, 5_000, 0)]),
    ("has ended", [listed(), ended(1, 0), sold(2, 5_000, 1)]),
    ("yes_payout 10001", [listed(), ended(1, 10_001)]),
    ("best price comes first", [listed(), book(1, [(5_000, 1), (5_100, 1)])]),
    ("best price comes first", [listed(), book(1, [], [(5_000, 1), (5_000, 1)])]),
    ("isn't below", [listed(), book(1, [(5_000, 1)], [(5_000, 1)])]),
    ("more than 200 levels", [listed(tick=1), book(1, [(9_000 - n, 1) for n in range(201)])]),
]


@pytest.mark.parametrize(("told", "events"), WRONG, ids=[told for told, _ in WRONG])
def test_a_tape_that_breaks_a_law_is_refused_at_the_event(
    told: str, events: list[TapeEvent]
) -> None:
    with pytest.raises(TapeRefused, match=rf"event {len(events)} \(m\): .*{told}"):
        list(checked(events))


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_tape_survives_its_file(tmp_path: Path, suffix: str) -> None:
    events, path = tape(7, 50), tmp_path / f"tape{suffix}"
    assert write_tape(path, events) == len(events)
    assert list(read_tape(path)) == events


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "line 2"),
        (b'{"kind":"other","at":1,"market":"m"}', "line 2: .*other"),
        (b'{"kind":"trade","at":1,"market":"m","price":0.5,"quantity":1}', "line 2: .*price"),
        (b"x" * (LINE_MAX + 2), "line 2: longer"),
    ],
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_bytes(msgspec.json.encode(listed()) + b"\n" + line + b"\n")
    with pytest.raises(TapeRefused, match=told):
        list(read_tape(path))


def test_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"
    write_tape(path, tape(7, 200))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TapeRefused, match=r"tape\.jsonl\.gz, line"):
        list(read_tape(path))
    path.write_bytes(b"no gzip at all")
    with pytest.raises(TapeRefused, match=r"tape\.jsonl\.gz, line 1"):
        list(read_tape(path))
    with gzip.open(path, "wb") as file:
        file.write(b"\n\n")
    assert list(read_tape(path)) == []


class Wild(Strategy):
    """Sends whatever comes to its mind."""

    def _anything(self, market: str, middle: int) -> None:
        desk, chance = self.desk, self.desk.random
        for order in list(desk.open_orders(market).values()):
            if chance.random() < 0.3:
                desk.cancel(order.number)
        if len(desk.open_orders(market)) < 10 and chance.random() < 0.7:
            price = min(max(middle // 100 + chance.randrange(-4, 5), 1), 99) * 100
            send = desk.bid if chance.random() < 0.5 else desk.ask
            send(market, price, chance.choice((1, 50, 700)), post_only=chance.random() < 0.2)

    def on_book(self, book: Book) -> None:
        """Do anything."""
        if book.middle is not None:
            self._anything(book.market, book.middle)


def wild_tape(seed: int) -> Iterator[TapeEvent]:
    """Yield a tape whose markets charge by every fee there is."""
    chance = random.Random(seed)
    kalshi = (("taker_rate", "0.07"), ("maker_rate", "0.0175"))
    for event in synthetic_tape(seed, markets=2, steps=400):
        match event:
            case Listed(market="sample-1"):
                yield msgspec.structs.replace(event, taker_fee=123, maker_fee=17)
            case Listed():
                yield msgspec.structs.replace(event, platform="kalshi", fee_terms=kalshi)
            case Ended():
                yield msgspec.structs.replace(event, yes_payout=chance.choice((0, 3_700, 10_000)))
            case _:
                yield event


@pytest.mark.parametrize("seed", range(6))
def test_money_adds_up_whatever_a_strategy_does(seed: int) -> None:
    setup = Setup(check=True, seed=seed, latency_us=200_000)
    result = backtest(Wild, {}, PrintsModel(20_000_000), checked(wild_tape(seed)), setup)
    figures = result.figures
    assert figures.fills > 50
    assert figures.maker_fills > 5
    assert figures.fees > 0
    assert figures.net == figures.gross - figures.fees == figures.end - figures.start
    assert sum(one.quantity for one in result.executions) == figures.filled
    assert sum(one.fee for one in result.executions) == figures.fees
    assert at(0) < result.begun_at < result.ended_at
    held: dict[str, int] = {}
    for one in result.executions:
        up = one.quantity if one.side is BUY else -one.quantity
        held[one.market] = held.get(one.market, 0) + up
    kept = {market: abs(net) for market, net in held.items() if net}
    assert {one.market: one.quantity for one in result.outcomes} == kept != {}


def test_an_order_that_is_sent_anew_for_ever_ends_the_run() -> None:
    class Stubborn(Strategy):
        def on_book(self, book: Book) -> None:
            self.desk.bid(book.market, 5_001, 1)

        def on_refused(self, order: int, reason: str) -> None:
            self.desk.bid("m", 5_001, 1)

    tape: list[TapeEvent] = [listed(), book(1, [(5_000, 300)], [(5_200, 400)]), book(2)]
    run = Backtest(PrintsModel(CASH), lambda desk: Stubborn(desk, None), Notes())
    with pytest.raises(TooManyOrders, match="arrive at one time"):
        run.run(tape)
    late = Backtest(PrintsModel(CASH), lambda desk: Stubborn(desk, None), Notes(), latency_us=1_000)
    late.run(tape)
    assert 900 < late.desk.sent < 1_100


@pytest.mark.parametrize("asked", [(5_200.0, 100), (5_200, 10.5), (5_200, True), ("5200", 100)])
def test_what_is_no_whole_number_is_neither_a_price_nor_a_quantity(asked: Any) -> None:
    """Else half a hundredth of a share would be traded, for money with decimals."""

    class Halving(Strategy):
        def on_book(self, book: Book) -> None:
            self.desk.bid(book.market, *asked)

    tape: list[TapeEvent] = [listed(), book(1, [(5_000, 300)], [(5_200, 400)]), book(2)]
    run = Backtest(PrintsModel(CASH), lambda desk: Halving(desk, None), Notes())
    with pytest.raises(TypeError, match="must be a whole number"):
        run.run(tape)
    live = LiveDesk(0, lambda _order, _reason: None)
    live.terms["m"] = Terms(market="m")
    with pytest.raises(TypeError, match="must be a whole number"):
        live.bid("m", *asked)
    for desk in (run.desk, live):
        with pytest.raises(TypeError, match="at must be"):
            desk.wake(desk.now + 1e6)  # type: ignore[arg-type]


def test_a_market_maker_never_has_more_under_way_than_its_most() -> None:
    """The price moves while its cancels are on their way: all that is open may still trade."""
    most = [0, 0]

    class Watched(MarketMaker):
        def on_book(self, book: Book) -> None:
            super().on_book(book)
            net = self.desk.position("m").net
            orders = list(self.desk.open_orders("m").values())
            up = sum(one.remaining for one in orders if one.side is Side.BUY)
            down = sum(one.remaining for one in orders if one.side is Side.SELL)
            most[:] = [max(most[0], net + up), max(most[1], down - net)]

    parameters = MarketMaker.Parameters(size=600, most=1_000, skew=0, half_spread=100)
    walk = [5_000, 5_100, 5_200, 5_300, 5_200, 5_100, 5_000, 4_900]
    tape: list[TapeEvent] = [listed()]
    for number, price in enumerate(walk):
        tape.append(book(1 + number / 100, [(price - 200, 50)], [(price + 200, 50)]))
    run = Backtest(
        PrintsModel(CASH), lambda desk: Watched(desk, parameters), Notes(), latency_us=50_000
    )
    run.run(tape)
    assert max(most) == 1_000


def test_commands_of_the_engines_own_count_as_ordered() -> None:
    place = PlaceOrder(3, 1, BUY, YES, LIMIT, 5_000, 7, GTC)
    batch = BatchOrders(3, (place, CancelOrder(3, 1), place))
    assert [ordered_by(one) for one in (place, batch, PlaceOco(3, place, place))] == [7, 14, 7]
    assert ordered_by(CancelOrder(3, 1)) == 0
