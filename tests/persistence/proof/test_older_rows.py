"""A row of the journal as an older version wrote it, before there were order conditions.

It holds accounts, a market, orders of most kinds with and without ids, trades with fees, a repeat,
a refusal and cancels; the hash is that of the state the older version was then in.
"""

import msgspec
import pytest

from exchange.messages.commands import CancelAll, CreditAccount, PlaceOrder
from exchange.messages.events import FundsCredited, OrderPlaced
from exchange.proof.state_hash import state_hash
from persistence.journal.rows import GENESIS_HASH, JournalRow, encode_execution
from persistence.proof.rerun import Rerun

COMMANDS = 12
PAYLOAD = bytes.fromhex(
    "dd0000000c9401cd03e893ab4f70656e4163636f756e7401ce05f5e1009292ad4163636f756e744f70656e656401"
    "95ad46756e6473437265646974656401ce05f5e100b07374617274696e672063726564697473c09402cd03e993ab"
    "4f70656e4163636f756e7402ce05f5e1009292ad4163636f756e744f70656e65640295ad46756e64734372656469"
    "74656402ce05f5e100b07374617274696e672063726564697473c09403cd03ea9cac4372656174654d61726b6574"
    "a47261696ead57696c6c206974207261696e3fa0a0ce3b9aca0064011464a4666c6174c2919dad4d61726b657443"
    "72656174656401a47261696ead57696c6c206974207261696e3fa0a0ce3b9aca0064011464a4666c6174a44f5045"
    "4e9404cd03eb9daa506c6163654f726465720101a3425559a3594553a54c494d4954cd1770cd03e8a3475443ac43"
    "414e43454c5f54414b4552c0a161c0919fab4f72646572506c61636564010101a3425559a3594553a54c494d4954"
    "cd1770cd03e8a3475443ac43414e43454c5f54414b4552c0a161ce005bbc60c39405cd03ec9daa506c6163654f72"
    "6465720201a3425559a24e4fa54c494d4954cd0fa0cd0190a3475443ac43414e43454c5f4d414b4552c0a162c092"
    "9fab4f72646572506c61636564020201a3425559a24e4fa54c494d4954cd0fa0cd0190a3475443ac43414e43454c"
    "5f4d414b4552c0a162ce0018a880c2dc0014ad54726164654578656375746564010103a44d494e54a3425559a24e"
    "4fcd0fa0cd1770cd01900202ce0018a880cd3e80000101ce0024b1c0cd12c0009406cd03ed9daa506c6163654f72"
    "6465720201a3425559a24e4fa64d41524b4554c0c0a3494f43ac43414e43454c5f54414b4552ce0007a120c0c093"
    "9fab4f72646572506c61636564030201a3425559a24e4fa64d41524b4554c0c0a3494f43ac43414e43454c5f5441"
    "4b4552ce0007a120c000c2dc0014ad54726164654578656375746564010204a44d494e54a3425559a24e4fcd0fa0"
    "cd17707b030200cd1338000101ce000b4894cd05c40094ab4f7264657246696c6c65640302019407cd03ee96ad43"
    "72656469744163636f756e740207a467696674a172c09195ad46756e647343726564697465640207a467696674a1"
    "729408cd03ef9daa506c6163654f726465720101a3425559a3594553a54c494d4954cd1770cd03e8a3475443ac43"
    "414e43454c5f54414b4552c0a161c09192af436f6d6d616e645265706c61796564049409cd03f09daa506c616365"
    "4f726465720101a453454c4ca3594553a54c494d4954cd1b5864a3464f4bac43414e43454c5f54414b4552c0c0c0"
    "9194af436f6d6d616e6452656a6563746564cd0259a87175616e74697479d922312e3030206f662069742063616e"
    "27742062652066696c6c6564206174206f6e6365940acd03f193ab43616e63656c4f7264657201019197ae4f7264"
    "657243616e63656c6c6564010101a3425559a455534552ce002bc20c940bcd03f29daa506c6163654f7264657201"
    "01a453454c4ca3594553a54c494d4954cd1b58cd012ca3475443ac43414e43454c5f54414b4552c0a163c0919fab"
    "4f72646572506c61636564040101a453454c4ca3594553a54c494d4954cd1b58cd012ca3475443ac43414e43454c"
    "5f54414b4552c0a163cd012cc3940ccd03f393a943616e63656c416c6c02c09194af4f726465727343616e63656c"
    "6c656402c000"
)
HASH = bytes.fromhex("9cb69f5e9e7072450137b4afb3c766fe0a0138816f1e76cba7a1562b2de31b0a")
STATE_HASH = "549aab5307ab958567de1ff0e60df82525bd422f944e4449d74111413f803c08"
ROW = JournalRow(1, COMMANDS, 1, 1011, 1, PAYLOAD, GENESIS_HASH, HASH)


def test_it_is_applied_and_run_again_to_the_state_that_was() -> None:
    assert ROW.expected_hash() == HASH
    rerun = Rerun()
    rerun.run(ROW)
    assert (rerun.event_problem, rerun.command_problem) == (None, None)
    assert rerun.reruns == COMMANDS
    assert state_hash(rerun.state).hex() == STATE_HASH


@pytest.mark.parametrize("seq", range(1, COMMANDS + 1))
def test_its_commands_are_written_today_with_a_none_more_for_each_new_field(seq: int) -> None:
    then = msgspec.msgpack.decode(PAYLOAD)[seq - 1]
    today = msgspec.msgpack.decode(encode_execution(ROW.execution(seq)))
    for message in (today[2], *today[3]):
        if message[0] in (PlaceOrder.__name__, OrderPlaced.__name__):
            assert message.pop() is None
        if message[0] == CancelAll.__name__:
            assert [message.pop() for _ in range(3)] == [None] * 3
        if message[0] == CreditAccount.__name__:
            assert [message.pop(), message.pop()] == [None, "ADMIN"]
        if message[0] == FundsCredited.__name__:
            assert message.pop() == "ADMIN"
    assert today == then
