"""Trading over a real socket: what traders and watchers hear, in which order."""

import asyncio
import json
from typing import Any

import pytest

from exchange.messages.commands import PlaceOrder, ResolveMarket, SetMarketStatus
from exchange.messages.terms import BUY, GTC, LIMIT, YES, MarketStatus, Outcome, Resolution
from gateway.markets.views import book_levels
from tests.gateway.commit_fake import CommitFake
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.gateway.socket_desk import EPOCH, open_socket_desk


def order(text: str, **more: Any) -> dict[str, Any]:
    """The payload of e.g. "BUY YES 10 @ 0.55" in the market "rain"."""
    side, outcome, quantity, _, price = text.split()
    return {
        "market": "rain",
        "side": side,
        "outcome": outcome,
        "type": "LIMIT",
        "quantity": quantity,
        "price": price,
    } | more


async def test_two_traders_and_a_watcher() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2", path="/socket.io/", namespace="/ws") as ben,
        socket_client(desk.port, namespace="/ws") as watcher,
    ):
        joined = await watcher.ok("subscribe:market", {"slug": "rain", "outcome": "NO"})
        assert joined == {
            "marketId": "1",
            "slug": "rain",
            "outcomes": ["NO"],
            "epoch": EPOCH,
            "seq": 1,
            "tradeNo": 0,
        }
        placed = await ann.ok("order:place", order("BUY YES 10 @ 0.55", clientOrderId="a-1"))
        assert (placed["order"]["status"], placed["trades"]) == ("OPEN", [])
        again = await ann.ok("order:place", order("BUY YES 10.00 @ 0.5500", clientOrderId="a-1"))
        assert again == placed | {"replayed": True}
        filled = await ben.ok("order:place", order("BUY NO 4 @ 0.47"))
        assert filled["order"]["status"] == "FILLED"
        assert [t["price"] for t in filled["trades"]] == ["0.4500"]
        cancelled = await ann.ok("order:cancel", {"orderId": "1"})
        assert (cancelled["order"]["status"], cancelled["balance"]["locked"]) == (
            "CANCELLED",
            "0.000000",
        )
        await watcher.until(lambda: len(watcher.heard("orderbook_update")) == 4)
        model = BookModel()
        for message in watcher.heard("orderbook_update"):
            model.apply(message)
        assert model.levels() == ([], [])
        (trade,) = watcher.heard("trade_executed")
        assert (trade["id"], trade["seq"], trade["epoch"]) == ("1-1", 3, EPOCH)
        assert {name for name, _ in watcher.events} <= {
            "orderbook_update",
            "trade_executed",
            "heartbeat",
        }
        await ann.until(lambda: ann.heard("order_cancelled"))
        private = [(name, data["accountSeq"]) for name, data in ann.events if name != "heartbeat"]
        assert (
            private
            == [
                ("order_placed", 2),
                ("balance_updated", 3),
                ("order_updated", 4),
                ("order_filled", 4),
                ("balance_updated", 5),
                ("position_updated", 6),
                ("order_cancelled", 7),
                ("balance_updated", 8),
            ][: len(private)]
        )


async def test_watchers_follow_random_trading() -> None:
    """Models fed over real sockets equal the book, in both outcomes, at every end."""
    seed = 11
    print(f"seed {seed}")
    async with (
        open_socket_desk(people=4) as desk,
        socket_client(desk.port) as yes,
        socket_client(desk.port, namespace="/ws") as both,
    ):
        await yes.ok("subscribe:market", {"marketId": "1", "outcome": "YES"})
        await both.ok("subscribe:market", {"marketId": "1"})
        for number, command in enumerate(random_commands(seed, desk.engine.view, 1, 4, 1_000)):
            desk.engine.run(command)
            if number % 50 == 0:
                await asyncio.sleep(0)
        market = desk.market()
        for client in (yes, both):
            await client.until(
                lambda: client.heard("orderbook_update")[-1]["seq"] == market.seq  # noqa: B023
            )
            for outcome in Outcome:
                model = BookModel()
                heard = [
                    m for m in client.heard("orderbook_update") if m["outcome"] == outcome.value
                ]
                for message in heard:
                    model.apply(message)
                if heard:
                    assert model.levels() == book_levels(market, outcome, 10_000)
            numbers = [trade["tradeNo"] for trade in client.heard("trade_executed")]
            assert numbers == list(range(1, market.trade_no + 1))


async def test_orders_in_flight_keep_their_order() -> None:
    """8 sockets with 16 orders in flight each: every socket's orders run as it sent them."""
    sockets, in_flight, rounds = 8, 16, 10
    async with open_socket_desk(people=sockets, commit_seconds=0.002) as desk:

        async def trade(number: int) -> None:
            async with socket_client(desk.port, str(number)) as client:
                gate = asyncio.Semaphore(in_flight)
                acks = []
                for turn in range(in_flight * rounds):
                    await gate.acquire()
                    client_id = f"{number}-{turn}"
                    ack = client.emit(
                        "order:place", order("BUY YES 1 @ 0.50", clientOrderId=client_id)
                    )
                    ack.add_done_callback(lambda _ack: gate.release())
                    acks.append(ack)
                answers = await asyncio.wait_for(asyncio.gather(*acks), 30)
                assert all(answer["ok"] for answer in answers)
                seqs = [answer["data"]["order"]["seq"] for answer in answers]
                assert seqs == sorted(seqs)

        await asyncio.gather(*(trade(number) for number in range(1, sockets + 1)))
        for number in range(1, sockets + 1):
            ran = [
                command.client_order_id
                for command in desk.engine.commands
                if isinstance(command, PlaceOrder) and command.account_id == number
            ]
            assert ran == [f"{number}-{turn}" for turn in range(in_flight * rounds)]


async def test_ack_is_the_answer_rest_gives() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        answer = await ann.ok("order:place", order("BUY YES 10 @ 0.55"))
        assert set(answer) == {"order", "trades", "balance"}
        gone = await ann.ok("order:cancel_all", {"market": "rain"})
        assert (gone["cancelled"], gone["orderIds"]) == (1, [answer["order"]["id"]])
        assert (await ann.ok("order:cancel_all"))["cancelled"] == 0
        assert gone["balance"] == {
            "available": "10000.000000",
            "locked": "0.000000",
            "total": "10000.000000",
        }


async def test_market_updates_and_the_end_of_a_market() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as ben,
    ):
        await ben.ok("subscribe:market", {"slug": "rain"})
        await ann.ok("order:place", order("BUY YES 10 @ 0.55"))
        await ben.ok("order:place", order("BUY NO 4 @ 0.45"))
        desk.engine.run(
            SetMarketStatus(1, MarketStatus.HALTED),
            ResolveMarket(1, Resolution.YES, None, "the weather service"),
        )
        await ben.until(lambda: len(ben.heard("market_updated")) == 2)
        assert [m["status"] for m in ben.heard("market_updated")] == ["HALTED", "RESOLVED"]
        await ann.until(lambda: ann.heard("order_cancelled"))
        assert ann.heard("order_cancelled")[0]["cancelReason"] == "MARKET_CLOSED"
        assert ann.heard("balance_updated")[-1]["total"] == "10001.800000"
        refusal = await ann.refusal("order:place", order("BUY YES 1 @ 0.55"))
        assert (refusal["code"], refusal["transient"]) == ("MARKET_NOT_OPEN", True)


async def test_private_rooms_are_private() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as ben,
        socket_client(desk.port) as nobody,
    ):
        for client in (ben, nobody):
            await client.ok("subscribe:market", {"slug": "rain"})
        for room in ("u:1", "m:1", "1"):
            refusal = await nobody.refusal("subscribe:market", {"room": room})
            assert refusal["code"] == "VALIDATION_ERROR"
        await ann.ok("order:place", order("BUY YES 10 @ 0.55", clientOrderId="secret-1"))
        await nobody.until(lambda: len(nobody.heard("orderbook_update")) == 4)
        await ben.ok("ping")
        for client in (ben, nobody):
            heard = json.dumps(client.events)
            assert "secret-1" not in heard
            assert "accountSeq" not in {key for _, data in client.events for key in data} or (
                {name for name, data in client.events if "accountSeq" in data} == {"heartbeat"}
            )


async def test_an_amend_is_told_to_its_owner_and_moves_the_level_in_the_book() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port) as watcher,
    ):
        await ann.ok("order:place", order("BUY YES 10 @ 0.55"))
        await watcher.ok("subscribe:market", {"slug": "rain", "outcome": "YES"})
        amended = await ann.ok("order:amend", {"orderId": "1", "price": "0.54", "quantity": "8"})
        told = amended["order"]
        assert (told["price"], told["quantity"], told["version"]) == ("0.5400", "8.00", 1)
        assert (amended["trades"], amended["balance"]["locked"]) == ([], "4.320000")
        await ann.until(lambda: ann.heard("order_updated"))
        (message,) = ann.heard("order_updated")
        assert {name: message[name] for name in told} == told
        await watcher.until(lambda: len(watcher.heard("orderbook_update")) == 2)
        delta = watcher.heard("orderbook_update")[-1]
        assert sorted(delta["bids"]) == [["0.5400", "8.00"], ["0.5500", "0.00"]]
        refusal = await ann.refusal(
            "order:amend", {"orderId": "1", "price": "0.53", "expectedVersion": 0}
        )
        assert refusal["code"] == "VERSION_CHANGED"


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("order:place", order("BUY YES 10 @ 0.55"), "UNAUTHORIZED"),
        ("order:amend", {"orderId": "1", "price": "0.5"}, "UNAUTHORIZED"),
        ("order:cancel", {"orderId": "1"}, "UNAUTHORIZED"),
        ("order:cancel_all", {}, "UNAUTHORIZED"),
    ],
)
async def test_trading_needs_sign_in(event: str, payload: Any, code: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as nobody:
        assert (await nobody.refusal(event, payload))["code"] == code


async def test_refusals_have_the_engines_codes() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as ben,
    ):
        await ann.ok("order:place", order("BUY YES 10 @ 0.55"))
        cases = [
            ("order:place", order("SELL YES 1 @ 0.60"), "INSUFFICIENT_SHARES", ["quantity"]),
            ("order:place", order("BUY YES 90000 @ 0.60"), "INSUFFICIENT_BALANCE", []),
            ("order:place", order("BUY YES 1 @ 0.555"), "OFF_TICK", ["price"]),
            (
                "order:place",
                order("BUY YES 1 @ 0.5", market="hail"),
                "MARKET_NOT_FOUND",
                ["market"],
            ),
            ("order:amend", {"orderId": "1", "price": "0.5"}, "NOT_ORDER_OWNER", ["orderId"]),
            ("order:amend", {"orderId": "99", "price": "0.5"}, "ORDER_NOT_FOUND", ["orderId"]),
            ("order:amend", {"orderId": "x", "price": "0.5"}, "VALIDATION_ERROR", ["orderId"]),
            ("order:cancel", {"orderId": "1"}, "NOT_ORDER_OWNER", ["orderId"]),
            ("order:cancel", {"orderId": "99"}, "ORDER_NOT_FOUND", ["orderId"]),
            ("order:cancel", {"orderId": "x"}, "VALIDATION_ERROR", ["orderId"]),
            ("order:cancel_all", {"market": "hail"}, "MARKET_NOT_FOUND", ["market"]),
        ]
        for event, payload, code, fields in cases:
            refusal = await ben.refusal(event, payload)
            found = [detail["field"] for detail in refusal["details"]]
            assert (refusal["code"], found) == (code, fields), (event, payload)


async def test_full_and_lost() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        desk.engine.is_open = False
        refusal = await ann.refusal("order:place", order("BUY YES 1 @ 0.50"))
        assert refusal["code"] == "UNAVAILABLE"
        desk.engine.is_open, desk.engine.loses_answers = True, True
        refusal = await ann.refusal("order:place", order("BUY YES 1 @ 0.50"))
        assert refusal["code"] == "UNKNOWN_OUTCOME"
        assert len(desk.engine.commands) == 1


async def test_cancel_of_an_order_the_view_has_not_seen() -> None:
    """The next order's id can be guessed; its cancel may be on the queue before the view knows."""
    async with open_socket_desk(commit_seconds=0.05) as desk, socket_client(desk.port, "1") as ann:
        placing = ann.emit("order:place", order("BUY YES 1 @ 0.50"))
        cancelling = ann.emit("order:cancel", {"orderId": "1"})
        assert (await placing)["ok"]
        answer = await cancelling
        assert answer["data"]["order"]["status"] == "CANCELLED"


async def test_a_committed_cancel_whose_order_cannot_be_read_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_socket_desk(commit_seconds=0.05) as desk, socket_client(desk.port, "1") as ann:

        async def away(_order_id: int) -> None:
            raise OSError("the database is away")

        monkeypatch.setattr(desk.engine, "order", away)
        placing = ann.emit("order:place", order("BUY YES 1 @ 0.50"))
        refusal = await ann.refusal("order:cancel", {"orderId": "1"})
        assert refusal["code"] == "UNKNOWN_OUTCOME"
        assert (await placing)["ok"]
        assert desk.engine.view.orders == {}


async def test_what_waits_is_told_to_its_owner_alone() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as ben,
    ):
        await ben.ok("subscribe:market", {"slug": "rain", "outcome": "YES"})
        await ann.ok("order:place", order("BUY YES 10 @ 0.50"))
        await ben.ok("order:place", order("BUY NO 10 @ 0.50"))
        seq = desk.market().seq
        legs = [
            order("SELL YES 10 @ 0.70"),
            order("SELL YES 10 @ 0.40", type="STOP_LIMIT", triggerPrice="0.45"),
        ]
        pair = await ann.ok("order:oco", {"orders": legs, "requestId": "exit"})
        assert [one["status"] for one in pair["orders"]] == ["OPEN", "PENDING"]
        assert desk.market().seq == seq + 1
        again = await ann.ok("order:oco", {"orders": legs, "requestId": "exit"})
        assert again == pair | {"replayed": True}
        amended = await ann.ok(
            "order:amend", {"orderId": pair["orders"][1]["id"], "triggerPrice": "0.44"}
        )
        assert (amended["order"]["triggerPrice"], desk.market().seq) == ("0.4400", seq + 1)
        await ben.ok("order:place", order("BUY YES 1 @ 0.44"))
        ann.events.clear()
        await ben.ok("order:place", order("BUY NO 1 @ 0.56", selfTradePrevention="CANCEL_MAKER"))
        assert ann.heard("order_updated") == []
        await ann.ok("order:place", order("BUY YES 1 @ 0.44"))
        await ben.ok("order:place", order("BUY NO 1 @ 0.56"))
        await ann.until(lambda: ann.heard("order_cancelled"))
        (ended,) = ann.heard("order_cancelled")
        assert (ended["id"], ended["cancelReason"]) == (pair["orders"][0]["id"], "OCO")
        told = [data for data in ann.heard("order_updated") if data["type"] == "STOP_LIMIT"]
        # It became due, then it came into the book.
        await ann.until(lambda: ann.heard("order_updated")[-1]["status"] == "OPEN")
        assert told[0]["status"] == "PENDING"
        assert not [
            data for name, data in ben.events if name == "order_updated" and "STOP" in str(data)
        ]


async def test_followed_books_are_left_one_by_one() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("subscribe:market", {"slug": "rain"})
        left = await client.ok("unsubscribe:market", {"marketId": "1", "outcome": "YES"})
        assert left == {"marketId": "1", "outcomes": ["YES"]}
        await _silent_for(client, desk.engine, Outcome.YES)
        await client.ok("unsubscribe:market", {"slug": "rain"})
        await client.ok("unsubscribe:market", {"slug": "rain"})
        assert desk.rooms.markets == {}


async def _silent_for(client: SocketClient, engine: CommitFake, outcome: Outcome) -> None:
    before = len(client.heard("orderbook_update"))
    engine.run(PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 1, GTC))
    await client.until(lambda: len(client.heard("orderbook_update")) > before)
    await client.ok("ping")
    new = client.heard("orderbook_update")[before:]
    assert outcome.value not in {message["outcome"] for message in new}


async def test_snapshot_and_deltas_leave_no_gap_while_trading() -> None:
    """Subscribing again and again in the middle of trading: each time the model is whole."""
    async with open_socket_desk(people=4) as desk, socket_client(desk.port) as client:
        commands = random_commands(5, desk.engine.view, 1, 4, 400)
        await client.ok("subscribe:market", {"slug": "rain", "outcome": "NO"})
        answers = []
        for number, command in enumerate(commands):
            answers.append(desk.engine.submit(command))
            if number % 40 == 0:
                await client.ok("subscribe:market", {"slug": "rain", "outcome": "NO"})
        await asyncio.gather(*answers)
        await client.until(lambda: client.heard("orderbook_update")[-1]["seq"] == desk.market().seq)
        model = BookModel()
        for message in client.heard("orderbook_update"):
            model.apply(message)
        assert model.levels() == book_levels(desk.market(), Outcome.NO, 10_000)
