"""Webhooks hear what fired: signed, in order, again after failures, and not for ever."""

import json

import pytest

from gateway.alerts.webhooks.sending import LEASE_S, LEAST_FAILURES, WAITS_S
from gateway.alerts.webhooks.signing import WebhookSecrets, signature
from gateway.sealing.seal import Seal
from persistence.clock import MICROSECONDS
from persistence.errors import BoundReached
from persistence.repositories.alerts import firings
from tests.gateway.alerts.webhooks.sent import DAY, USER, Sent


def header(head: bytes, name: str) -> str:
    (line,) = [one for one in head.decode().split("\r\n") if one.lower().startswith(f"{name}:")]
    return line.partition(":")[2].strip()


async def test_it_is_signed_and_told_in_order(sent: Sent) -> None:
    hook = await sent.begin()
    for note in "abc":
        await sent.fire(hook, note)
    assert await sent.sending.send_due() == 3
    assert await sent.sending.send_due() == 0
    assert [json.loads(one)["alert"]["note"] for one in sent.receiver.bodies] == ["a", "b", "c"]
    head, body = sent.receiver.heads[0], sent.receiver.bodies[0]
    timestamp = header(head, "probity-timestamp")
    assert int(timestamp) == sent.now // MICROSECONDS
    assert header(head, "probity-signature") == signature(sent.secret, int(timestamp), body)
    message = json.loads(body)
    assert header(head, "probity-delivery") == message["deliveryId"]
    assert message["type"] == "alert"
    assert message["alert"]["saw"] == {"price": "0.5000"}
    (last, *_) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert (last.status, last.answered, last.tries, last.error) == ("DELIVERED", 200, 1, None)
    stands = await sent.rows.get(USER, hook.id)
    assert stands is not None
    assert stands.last_success_at == sent.now
    value = sent.registry.get_sample_value("alert_deliveries_total", {"result": "delivered"})
    assert value == 3


async def test_what_fails_is_tried_again_after_growing_waits_and_then_no_more(sent: Sent) -> None:
    hook = await sent.begin()
    sent.receiver.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
    await sent.fire(hook)
    for wait in WAITS_S:
        await sent.sending.send_due()
        sent.later(wait - 1)
        assert await sent.sending.send_due() == 0
        (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
        assert (line.status, line.error) == ("PENDING", "it answered 500")
        sent.later(1)
    await sent.sending.send_due()
    (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert (line.status, line.tries, line.answered) == ("FAILED", len(WAITS_S) + 1, 500)
    sent.later(DAY)
    assert len(sent.receiver.bodies) == len(WAITS_S) + 1
    assert len(set(sent.receiver.bodies)) == 1, "by its id a receiver knows it"


async def test_whoever_redirects_is_not_followed(sent: Sent) -> None:
    hook = await sent.begin()
    sent.receiver.answer = (
        b"HTTP/1.1 307 Go\r\nlocation: https://10.0.0.1/\r\ncontent-length: 0\r\n\r\n"
    )
    await sent.fire(hook)
    assert await sent.sending.send_due() == 0
    (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert (line.status, line.error) == ("PENDING", "it answered 307")


async def test_a_webhook_that_hears_nothing_is_disabled_with_a_notice(sent: Sent) -> None:
    hook = await sent.begin()
    sent.receiver.answer = b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"
    for _ in range(LEAST_FAILURES - 1):
        await sent.fire(hook)
    await sent.sending.send_due()
    sent.later(3 * DAY)
    await sent.fire(hook)
    await sent.fire(hook)
    await sent.sending.send_due()
    stands = await sent.rows.get(USER, hook.id)
    assert stands is not None
    assert stands.disabled_at == sent.now
    lines = await sent.rows.log(USER, hook.id, 2**62, 99)
    assert {line.status for line in lines} == {"FAILED"}
    notice = await sent.pool.fetchrow("SELECT * FROM alert_firings ORDER BY id DESC LIMIT 1")
    assert notice is not None
    assert notice["kind"] == "WEBHOOK_DISABLED"
    audit = await sent.pool.fetchval("SELECT target FROM audit_log WHERE actor_id IS NULL")
    assert audit == f"user:{USER} webhook:{hook.id}"
    assert await sent.rows.enable(USER, hook.id) is not None
    sent.receiver.answer = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
    await sent.fire(hook)
    await sent.sending.send_due()
    stands = await sent.rows.get(USER, hook.id)
    assert stands is not None
    assert stands.disabled_at is not None, "it says itself that it is gone"


async def test_so_many_failures_in_a_row_disable_it(sent: Sent) -> None:
    few = Sent(sent.pool, sent.receiver, failures_max=2)
    hook = await few.begin()
    sent.receiver.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
    await few.fire(hook)
    await few.sending.send_due()
    sent.receiver.answer = b"HTTP/1.1 200 Yes\r\ncontent-length: 0\r\n\r\n"
    few.later(WAITS_S[0])
    assert await few.sending.send_due() == 1
    sent.receiver.answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
    await few.fire(hook)
    await few.sending.send_due()
    stands = await few.rows.get(USER, hook.id)
    assert stands is not None
    assert (stands.failures, stands.disabled_at) == (1, None)
    few.later(WAITS_S[0])
    await few.sending.send_due()
    stands = await few.rows.get(USER, hook.id)
    assert stands is not None
    assert stands.disabled_at is not None


async def test_a_sender_that_died_costs_a_try(sent: Sent) -> None:
    hook = await sent.begin()
    await sent.fire(hook)
    ((taken,),) = await sent.rows.take(sent.now, sent.now + LEASE_S * MICROSECONDS, 9, {})
    assert taken.tries == 1
    assert await sent.sending.send_due() == 0
    sent.later(LEASE_S)
    assert await sent.sending.send_due() == 1
    (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert line.tries == 2


async def test_a_webhook_that_is_gone_hears_nothing_more(sent: Sent) -> None:
    hook = await sent.begin()
    sent.receiver.answer = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
    for _ in range(3):
        await sent.fire(hook)
    assert await sent.sending.send_due() == 0
    assert len(sent.receiver.heads) == 1
    lines = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert [line.status for line in lines] == ["FAILED"] * 3


async def test_what_is_refused_is_not_told(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = await sent.begin()
    monkeypatch.setattr(firings, "_SEND", firings._SEND.replace(str(firings.WAITING_MAX), "1"))
    await sent.fire(hook)
    with pytest.raises(BoundReached):
        await sent.fire(hook)
    assert await sent.pool.fetchval("SELECT count(*) FROM alert_firings") == 1


async def test_where_webhooks_are_turned_off_nothing_is_sent(sent: Sent) -> None:
    off = Sent(sent.pool, sent.receiver, webhooks_max=0)
    await off.fire(await off.begin())
    assert await off.sending.send_due() == 0
    assert off.receiver.heads == []


async def test_secrets_that_another_key_sealed(sent: Sent) -> None:
    hook = await sent.begin()
    new, old = bytes([1]) * 32, bytes(32)
    lost = WebhookSecrets(sent.rows, lambda: Seal([new]))
    assert await lost.reseal() == (0, 1)
    both = WebhookSecrets(sent.rows, lambda: Seal([new, old]))
    assert await both.reseal() == (1, 0)
    assert await both.reseal() == (0, 0)
    found = await sent.rows.get(USER, hook.id)
    assert found is not None
    assert lost.opened(USER, found.url, found.secret) == sent.secret
    await sent.fire(hook)
    assert await sent.sending.send_due() == 0
    assert "can't be signed" in sent.log.getvalue()
    assert found.failures == 0, "that is no failure of the webhook's"
    (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert line.tries == 0, "nor a try"
