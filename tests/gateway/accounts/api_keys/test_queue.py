"""A key that ends between the edge and the engine, over the real queue and the real desk."""

import asyncio
import json

import msgspec
import pytest

from exchange.messages.commands import SuspendAccount
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import OrderStatus
from gateway.access.api_keys.standing import KeyStanding, KeyUse, Scope
from gateway.access.client_address import counted_address
from gateway.accounts.api_keys.fields import allow_list
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.trading.desk import Desk, Sent
from gateway.trading.order_bodies import OrderBody
from gateway.trading.results import PlacedView
from gateway.wire.errors import ApiError, Forbidden, Unauthorized
from gateway.wire.strict_json import AnswerStruct
from persistence.loop.authority import acting_by, current_authority
from tests.gateway.accounts.api_keys.signer import make_key
from tests.gateway.conftest import MakeWeb
from tests.gateway.made_of import UNUSED
from tests.gateway.trading_desk import order
from tests.persistence.running import ANN, Running, open_for_trade, running

PLACE = msgspec.json.Decoder(OrderBody)


def standing_key() -> KeyStanding:
    scopes = frozenset({Scope.READ, Scope.TRADE})
    return KeyStanding(1, "pk", ANN, scopes, (), None)


def desk_of(engine: Running) -> Desk:
    return Desk(engine.sequencer, engine.view, UNUSED)


def place(desk: Desk, use: KeyUse) -> Sent[PlacedView]:
    body = PLACE.decode(json.dumps(order("BUY YES 1 @ 0.55")))
    with acting_by(use):
        return desk.place(ANN, "rain", body)


async def refusal_of(sent: Sent[PlacedView]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await sent.result()
    return caught.value


async def test_what_was_revoked_expired_or_moved_meanwhile_is_refused_at_the_queue(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        desk = desk_of(engine)
        for end in ("revoked", "expired", "off its list"):
            key = standing_key()
            stays = place(desk, KeyUse(standing_key(), "192.0.2.1"))
            gone = place(desk, KeyUse(key, counted_address("192.0.2.1")))
            if end == "revoked":
                key.is_over = True
            elif end == "expired":
                key.expires_at = 1
            else:
                key.networks = allow_list(["198.51.100.0/24"])
            refusal = await refusal_of(gone)
            assert isinstance(refusal, Forbidden if end == "off its list" else Unauthorized), end
            assert (await stays.result()).order.status is OrderStatus.OPEN
        assert len(engine.view.accounts[ANN].orders) == 3


async def test_an_account_suspended_meanwhile_is_refused_by_the_engine(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        desk, use = desk_of(engine), KeyUse(standing_key(), "192.0.2.1")
        suspended = engine.sequencer.submit(SuspendAccount(ANN, suspended=True))
        sent = place(desk, use)
        assert not isinstance((await suspended).events[0], CommandRejected)
        refusal = await refusal_of(sent)
        assert refusal.code == Reason.ACCOUNT_SUSPENDED.name


async def test_sweeps_by_a_key_are_one_and_nobody_elses(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        desk, key = desk_of(engine), standing_key()
        with acting_by(KeyUse(key, "192.0.2.1")):
            first = desk.cancel_all(ANN, None)
        with acting_by(KeyUse(key, "192.0.2.1")):
            second = desk.cancel_all(ANN, None)
        own = desk.cancel_all(ANN, None)
        key.is_over = True
        for sent in (first, second):
            with pytest.raises(Unauthorized):
                await sent.result()
        assert (await own.result()).cancelled == 0
        assert engine.view.seq == 5, "one of the key's, refused before it was stamped"


class Seen(AnswerStruct, frozen=True):
    """Nothing."""


async def test_every_handler_acts_by_the_key_that_called_it(make_web: MakeWeb) -> None:
    seen: list[object] = []

    async def handler(request: Request[None, None]) -> Seen:
        seen.append(current_authority())
        await asyncio.sleep(0)
        seen.append(await asyncio.create_task(_asked()))
        assert request.principal.counted_as < 0 or request.principal.key is None
        return Seen()

    async def _asked() -> object:
        return current_authority()

    row = Route(
        method="GET",
        path="/seen",
        handler=handler,
        access=Access.USER,
        scope=Scope.READ,
        answer=Seen,
        summary="See",
        tag="test",
    )
    silent = Route(
        method="GET",
        path="/silent",
        handler=handler,
        access=Access.USER,
        answer=Seen,
        summary="See",
        tag="test",
    )
    web = await make_web(rows=[row, silent])
    person = await web.register()
    key = await make_key(web, person)
    answers = await asyncio.gather(
        key.call(web.client, "GET", "/seen"),
        web.client.get("/api/v1/seen", headers=person.bearer),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    by_key = [one for one in seen if one is not None]
    assert len(by_key) == 2
    assert len(seen) == 4
    assert all(isinstance(one, KeyUse) and one.key.id == key.id for one in by_key)
    # What doesn't say what it asks of a key takes none.
    assert (await key.call(web.client, "GET", "/silent")).status_code == 403
