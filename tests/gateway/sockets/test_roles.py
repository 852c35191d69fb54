"""Sockets of auditors, of those whose role changes, and of those whose account is suspended."""

from exchange.messages.commands import SuspendAccount
from exchange.messages.terms import Standing
from gateway.access.principals import Role
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.socket_desk import SocketDesk, create_market, open_socket_desk

ORDER = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
ORDER |= {"price": "0.55", "quantity": "1"}
CHANGES = {
    "order:place": ORDER,
    "order:oco": {"requestId": "a", "orders": []},
    "order:batch": {"operations": []},
    "order:amend": {"orderId": "1"},
    "order:cancel": {"orderId": "1"},
    "order:cancel_all": {},
    "session:heartbeat": {"timeoutMs": 5_000},
    "session:cancel_on_disconnect": {"enabled": True},
}


async def closed_as(client: SocketClient) -> tuple[int | None, str | None]:
    await client.connection.wait_closed()
    return client.connection.close_code, client.connection.close_reason


async def test_auditors_hear_all_that_admins_hear_and_change_nothing() -> None:
    async with open_socket_desk() as desk:
        desk.names.roles["1"] = Role.AUDITOR
        desk.engine.run(create_market("secret", draft=True))
        events = desk.sockets.server._events
        async with socket_client(desk.port, "1") as auditor, socket_client(desk.port, "2") as other:
            changing = {name for name, event in events.items() if event.scope != "read"}
            assert changing == CHANGES.keys()
            seq = desk.engine.view.seq
            for name, body in CHANGES.items():
                assert (await auditor.refusal(name, body))["code"] == "FORBIDDEN"
            assert desk.engine.view.seq == seq
            await auditor.ok("subscribe:market", {"slug": "secret"})
            await auditor.ok("order:preview", ORDER)
            refusal = await other.refusal("subscribe:market", {"slug": "secret"})
            assert refusal["code"] == "MARKET_NOT_FOUND"
            await other.ok("order:place", ORDER)


async def test_a_socket_of_somebody_who_has_another_role_now_is_closed() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as bob,
    ):
        for listener in desk.names.on_role_changed:
            listener(1, "ADMIN")
            listener(2, "USER")
        assert await closed_as(ann) == (1008, "role changed")
        await bob.ok("ping")


async def suspended(desk: SocketDesk, number: int, *, to: bool = True) -> None:
    desk.engine.run(SuspendAccount(number, to))


async def test_sockets_of_a_suspended_account_end_with_what_became_of_its_orders() -> None:
    async with open_socket_desk() as desk:
        async with socket_client(desk.port, "1") as ann, socket_client(desk.port, "2") as bob:
            await ann.ok("order:place", ORDER)
            await suspended(desk, 1)
            assert desk.engine.view.accounts[1].standing is Standing.SUSPENDED
            assert await closed_as(ann) == (1008, "account suspended")
            (cancelled,) = ann.heard("order_cancelled")
            assert cancelled["cancelReason"] == "SUSPENDED"
            await bob.ok("order:place", ORDER)
        async with socket_client(desk.port, "1") as refused:
            assert refused.refused["data"]["code"] == "ACCOUNT_SUSPENDED"
        async with socket_client(desk.port) as stranger:
            refusal = await stranger.refusal("session:authenticate", {"token": "1"})
            assert refusal["code"] == "ACCOUNT_SUSPENDED"
        await suspended(desk, 1, to=False)
        async with socket_client(desk.port, "1") as ann:
            await ann.ok("order:place", ORDER)
