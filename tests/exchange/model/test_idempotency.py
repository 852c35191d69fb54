"""The memory of client ids: what is remembered, for how long, and what counts as the same."""

import msgspec
import pytest

from exchange.messages.bounds import BATCH_COMMANDS, RECENT_IDS
from exchange.messages.command_bases import Prior
from exchange.messages.commands import (
    BatchOrders,
    CancelOrder,
    CreditAccount,
    NamedOrder,
    PlaceOrder,
    RefuseUnstorable,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandReplayed, FundsCredited, OrderCancelled, OrderPlaced
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    MarketStatus,
    SelfTradePrevention,
)
from exchange.model.idempotency import (
    ORDER_ID,
    REQUEST_ID,
    SYSTEM_ID,
    RecentIds,
    fingerprint,
    key_of,
    keys_of,
)
from exchange.proof.state_hash import state_hash
from tests.exchange.worlds import ANN, BOB, World, reason_of

ORDER = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id="a")
CREDIT = CreditAccount(ANN, 500, "gift", "a")
_TAKER = SelfTradePrevention.CANCEL_TAKER
_MAKER = SelfTradePrevention.CANCEL_MAKER
_BOTH = SelfTradePrevention.CANCEL_BOTH


def test_keys_tell_accounts_and_kinds_apart() -> None:
    assert key_of(ORDER) == (ANN, ORDER_ID, "a")
    assert key_of(CREDIT) == (ANN, REQUEST_ID, "a")
    assert key_of(RefuseUnstorable(ANN, "PlaceOrder", "a")) == (ANN, ORDER_ID, "a")
    assert key_of(msgspec.structs.replace(ORDER, client_order_id=None)) is None
    assert key_of(msgspec.structs.replace(CREDIT, request_id=None)) is None
    assert key_of(RefuseUnstorable(ANN, "PlaceOrder")) is None
    assert key_of(CancelOrder(ANN, 1)) is None


def test_an_order_of_our_own_code_has_a_key_of_its_own_kind_and_leaves_no_trace_of_it() -> None:
    order = msgspec.structs.replace(ORDER, conditions=OrderConditions(system=True))
    assert key_of(order) == (ANN, SYSTEM_ID, "a")
    assert key_of(RefuseUnstorable(ANN, "PlaceOrder", "a", space=SYSTEM_ID)) == key_of(order)
    assert fingerprint(order) != fingerprint(ORDER)
    world, plain = World(), World()
    (placed,) = world.send(order)
    assert placed == plain.send(msgspec.structs.replace(ORDER, client_order_id=None))[0]
    assert world.send(order) == [CommandReplayed(world.state.orders[1].placed_seq)]
    assert isinstance(world.send(ORDER)[0], OrderPlaced)


def test_a_credit_that_could_not_be_stored_uses_up_its_request_id_and_no_order_id() -> None:
    assert key_of(RefuseUnstorable(ANN, "CreditAccount", "a")) == (ANN, REQUEST_ID, "a")


def test_the_fingerprint_is_the_content_without_what_the_shell_wrote() -> None:
    prior = Prior(7, b"x")
    assert fingerprint(msgspec.structs.replace(ORDER, prior=prior)) == fingerprint(ORDER)
    assert fingerprint(msgspec.structs.replace(CREDIT, prior=prior)) == fingerprint(CREDIT)
    assert len(fingerprint(ORDER)) == 16
    # What the short way of making it takes for granted.
    assert PlaceOrder.__struct_fields__[-2:] == ("prior", "conditions")
    assert fingerprint(RefuseUnstorable(ANN, "PlaceOrder", "a", b"print")) == b"print"
    assert fingerprint(RefuseUnstorable(ANN, "PlaceOrder", "a")) == b""


@pytest.mark.parametrize(
    ("command", "print_of_then"),
    [
        (ORDER, "578e8266f9265a3f6ab6d0a0e0f5c044"),
        (
            PlaceOrder(
                7, 300, SELL, NO, LIMIT, 9_999, 10**10, FOK, _BOTH, client_order_id="order:7.x_-"
            ),
            "d07d8b0bf5bbe72d0c41478a692a3f9b",
        ),
        (
            PlaceOrder(2, 4, SELL, YES, MARKET, None, 250, IOC, _MAKER, client_order_id="b"),
            "65ee28895f172a511c02dde3f87d8d2e",
        ),
        (
            PlaceOrder(70_000, 2, BUY, NO, MARKET, None, None, IOC, _TAKER, 12_345_678, "c" * 64),
            "558c04ac56d3a3228b61e9046b03804f",
        ),
        (PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC), "136649ae23bf969634dc8ffd18b46a40"),
        (CreditAccount(3, 5_000_000, "gift", "req-1"), "5a0e6874a9ec7651e6752fe77cba6116"),
        (CreditAccount(3, 10**15, ""), "ec16f0d5ae5c50ba6609e8ec5de3a665"),
    ],
)
def test_a_fingerprint_is_what_it_was_before_there_were_conditions(
    command: PlaceOrder | CreditAccount, print_of_then: str
) -> None:
    assert fingerprint(command).hex() == print_of_then


def test_conditions_count_if_they_are_given() -> None:
    bound = msgspec.structs.replace(ORDER, conditions=OrderConditions())
    assert fingerprint(bound) != fingerprint(ORDER)
    assert fingerprint(msgspec.structs.replace(bound, conditions=None)) == fingerprint(ORDER)
    known = msgspec.structs.replace(bound, prior=Prior(7, b"x"))
    assert fingerprint(known) == fingerprint(bound)


@pytest.mark.parametrize(
    "change",
    [
        {"market_id": 2},
        {"outcome": NO},
        {"price": 5_100},
        {"quantity": 101},
        {"client_order_id": "b"},
        {"max_cost": 1},
    ],
)
def test_every_part_of_the_content_counts(change: dict[str, object]) -> None:
    assert fingerprint(msgspec.structs.replace(ORDER, **change)) != fingerprint(ORDER)


def test_a_repeat_is_answered_with_the_first_and_changes_nothing() -> None:
    world = World()
    first = world.state.seq + 1
    assert isinstance(world.send(ORDER)[0], OrderPlaced)
    assert world.send(ORDER) == [CommandReplayed(first)]
    assert len(world.state.orders) == 1
    assert isinstance(world.send(CREDIT)[0], FundsCredited)
    assert world.send(CREDIT) == [CommandReplayed(first + 2)]
    assert world.state.accounts[ANN].available == 100_000_000 - 500_000 + 500


def test_another_content_conflicts_and_leaves_the_first_in_force() -> None:
    world = World()
    world.send(ORDER)
    changed = msgspec.structs.replace(ORDER, quantity=7)
    assert reason_of(world.send(changed)) is Reason.CONFLICT
    assert isinstance(world.send(ORDER)[0], CommandReplayed)


def test_the_same_id_of_another_account_is_another_id() -> None:
    world = World()
    world.send(ORDER)
    assert isinstance(world.send(msgspec.structs.replace(ORDER, account_id=BOB))[0], OrderPlaced)


def test_a_refusal_uses_the_id_up() -> None:
    world = World(cash=0)
    refused = world.send(ORDER)
    assert reason_of(refused) is Reason.INSUFFICIENT_BALANCE
    world.credit(ANN, 10**9)
    assert world.send(ORDER) == [CommandReplayed(world.state.seq - 2)]
    again = msgspec.structs.replace(ORDER, client_order_id="b")
    assert isinstance(world.send(again)[0], OrderPlaced)


def test_the_id_is_looked_at_before_account_and_market() -> None:
    world = World()
    nobody = msgspec.structs.replace(ORDER, account_id=99, market_id=99)
    assert reason_of(world.send(nobody)) is Reason.ACCOUNT_NOT_FOUND
    assert isinstance(world.send(nobody)[0], CommandReplayed)
    changed = msgspec.structs.replace(nobody, quantity=3)
    assert reason_of(world.send(changed)) is Reason.CONFLICT


def test_what_the_shell_found_counts_like_what_the_core_remembers() -> None:
    world = World()
    known = Prior(2, fingerprint(ORDER))
    assert world.send(msgspec.structs.replace(ORDER, prior=known)) == [CommandReplayed(2)]
    other = Prior(2, b"something else")
    assert reason_of(world.send(msgspec.structs.replace(ORDER, prior=other))) is Reason.CONFLICT
    assert len(world.state.recent_ids) == 0


def test_a_command_that_could_not_be_stored_uses_its_id_up() -> None:
    world = World()
    stand_in = RefuseUnstorable(ANN, "PlaceOrder", "a", fingerprint(ORDER))
    assert reason_of(world.send(stand_in)) is Reason.NOT_STORED
    assert isinstance(world.send(ORDER)[0], CommandReplayed)
    assert reason_of(world.send(RefuseUnstorable(ANN, "CancelOrder"))) is Reason.NOT_STORED


def test_a_repeat_that_could_not_be_stored_is_a_repeat_of_what_the_store_knows() -> None:
    world = World()
    known = Prior(2, fingerprint(ORDER))
    stand_in = RefuseUnstorable(ANN, "PlaceOrder", "a", fingerprint(ORDER), known)
    assert world.send(stand_in) == [CommandReplayed(2)]
    other = msgspec.structs.replace(stand_in, fingerprint=b"something else")
    assert reason_of(world.send(other)) is Reason.CONFLICT
    assert world.state.recent_ids.added == []


def test_an_open_order_keeps_its_id_beyond_the_window() -> None:
    world = World()
    placed = world.send(ORDER)[0]
    assert isinstance(placed, OrderPlaced)
    world.idle(RECENT_IDS + 5)
    assert isinstance(world.send(ORDER)[0], CommandReplayed)
    world.cancel(ANN, placed.order_id)
    assert len(world.state.recent_ids) == 0


def test_an_ended_order_leaves_with_the_window() -> None:
    world = World()
    placed = world.send(ORDER)[0]
    assert isinstance(placed, OrderPlaced)
    world.cancel(ANN, placed.order_id)
    world.idle(RECENT_IDS - 2)
    assert len(world.state.recent_ids) == 1
    world.idle(1)
    assert len(world.state.recent_ids) == 0


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_an_order_may_end_in_the_very_command_in_which_its_id_leaves_the_window(late: int) -> None:
    world = World()
    placed = world.send(ORDER)[0]
    assert isinstance(placed, OrderPlaced)
    world.idle(RECENT_IDS - 1 + late)
    assert isinstance(world.cancel(ANN, placed.order_id)[0], OrderCancelled)
    assert len(world.state.recent_ids) == (1 if late < 0 else 0)
    world.idle(2)
    assert len(world.state.recent_ids) == 0


def test_the_shell_trusts_the_memory_only_with_a_margin() -> None:
    ids = RecentIds()
    key = (ANN, ORDER_ID, "a")
    ids.add(key, Prior(10, b""))
    last_safe = 10 + RECENT_IDS - BATCH_COMMANDS - 1
    assert ids.remembers(key, last_safe)
    assert not ids.remembers(key, last_safe + 1)
    assert not ids.remembers((ANN, ORDER_ID, "b"), 10)
    # Whatever it trusted is still there after as many commands as a batch can hold.
    ids.forget_older(last_safe + BATCH_COMMANDS, {})
    assert ids.find(key) is not None
    ids.forget_older(last_safe + BATCH_COMMANDS + 1, {})
    assert ids.find(key) is None


def test_memory_restored_from_the_store_is_the_memory_that_was() -> None:
    world = World()
    for number in range(4):
        world.send(msgspec.structs.replace(ORDER, client_order_id=f"id-{number}"))
        world.idle(RECENT_IDS // 3)
    world.cancel(ANN, 1)
    live = world.state.recent_ids
    assert len(live) == 3
    restored = RecentIds()
    for key, prior in live.snapshot():
        restored.restore(key, prior, world.state.seq)
    assert restored.snapshot() == live.snapshot()
    assert restored.oldest == live.oldest
    for ids in (live, restored):
        ids.forget_older(world.state.seq + RECENT_IDS, world.state.open_client_ids)
    assert restored.snapshot() == live.snapshot()
    assert len(restored) == 3


def test_the_journal_is_told_each_new_id_once() -> None:
    world = World()
    world.send(ORDER)
    world.send(ORDER)
    world.send(CREDIT)
    assert [key for key, _ in world.state.recent_ids.added] == [key_of(ORDER), key_of(CREDIT)]


def test_closing_an_unknown_id_is_harmless_as_views_keep_none() -> None:
    ids = RecentIds()
    ids.order_closed((ANN, ORDER_ID, "a"), 10**6)
    assert len(ids) == 0
    assert state_hash(World().state) != b""


def batch(number: int) -> BatchOrders:
    """Fifty ids in one command, and one of its own; none of them is taken."""
    orders = [msgspec.structs.replace(ORDER, client_order_id=f"{number}-{n}") for n in range(50)]
    return BatchOrders(ANN, tuple(orders), request_id=f"batch-{number}")


def test_batches_push_out_older_ids_whole_and_in_order() -> None:
    """As many as a batch may use, memory holds RECENT_IDS of closed orders: of a command all or
    none.
    """
    world = World()
    world.market.status = MarketStatus.HALTED
    ids, batches = world.state.recent_ids, RECENT_IDS // 51
    for number in range(batches + 2):
        world.send(batch(number))
    assert len(ids) == batches * 51
    assert ids.find((ANN, ORDER_ID, "1-49")) is None
    assert ids.find((ANN, REQUEST_ID, "batch-1")) is None
    assert ids.find((ANN, ORDER_ID, "2-0")) is not None
    # A single order pushes out what is over the bound as well.
    world.send(ORDER)
    assert len(ids) <= RECENT_IDS


def test_an_id_that_batches_may_push_out_is_asked_of_the_store() -> None:
    world = World()
    world.market.status = MarketStatus.HALTED
    ids, key = world.state.recent_ids, (ANN, ORDER_ID, "0-0")
    world.send(batch(0))
    assert ids.remembers(key, world.state.seq)
    number = 0
    while ids.remembers(key, world.state.seq):
        number += 1
        world.send(batch(number))
    last = number
    # As many commands as may run between the look and the run, counted as the shell counts.
    while (number - last) * 50 < BATCH_COMMANDS:
        number += 1
        world.send(batch(number))
    assert ids.find(key) is not None


def test_a_batch_is_what_its_operations_are_without_what_the_shell_wrote() -> None:
    plain = BatchOrders(ANN, (ORDER, CancelOrder(ANN, 1)), request_id="a")
    written = msgspec.structs.replace(
        plain,
        operations=(msgspec.structs.replace(ORDER, prior=Prior(7, b"x")), CancelOrder(ANN, 1)),
        prior=Prior(8, b"y"),
    )
    assert fingerprint(written) == fingerprint(plain)
    for changes in (
        {"operations": (ORDER, CancelOrder(ANN, 2))},
        {"operations": (CancelOrder(ANN, 1), ORDER)},
        {"operations": (ORDER, NamedOrder(ANN, "a", CancelOrder(ANN, 0)))},
        {"all_or_none": True},
    ):
        assert fingerprint(msgspec.structs.replace(plain, **changes)) != fingerprint(plain)
    assert keys_of(plain) == [(ANN, REQUEST_ID, "a"), (ANN, ORDER_ID, "a")]
    assert key_of(RefuseUnstorable(ANN, "BatchOrders", "a")) == (ANN, REQUEST_ID, "a")
