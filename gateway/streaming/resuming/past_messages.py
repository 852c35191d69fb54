"""The private messages of commands in the journal, made again: what the replay pool computes.

    an account's image + the journal's rows that touched it -> its messages, as they were told live

Laws: pure, and all it needs is handed in, for it runs in another process. Messages are made by the
code that makes the live ones (`account_messages`), from records that follow the events
(`exchange/projections/account_replay.py`), under the epoch that wrote the row. What a market is
called no event of an account says, so each slug is left out and named by its market; who has the
view writes it in.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from exchange.messages.execution import Execution
from exchange.messages.terms import FeeModel, MarketStatus
from exchange.model.market import Market
from exchange.projections.account_replay import AccountReplay
from gateway.streaming.account_messages import AccountMessage, Stamp, account_messages
from persistence.repositories.account_events import TakenRow

_encode: Final = msgspec.json.Encoder().encode
_SLUG: Final = "\x01{}\x02"
"""What stands for a market's slug: no text of a message has such characters."""
_NAMED: Final = re.compile(rb"\\u0001(\d+)\\u0002")


class AccountEvent(msgspec.Struct, frozen=True):
    """A private message as it was told: the event's name and its payload."""

    event: str
    data: AccountMessage


class Replayed(msgspec.Struct, frozen=True):
    """What became of a part of the journal.

    `reached` is the number of the last message in it; `events` are JSON objects, joined by commas,
    in pieces: every other one is a market's id in the place of its slug. `image` is what the next
    part begins with, None if all that was wanted is there.
    """

    reached: int
    events: list[bytes]
    image: bytes | None


class NamelessMarkets(dict[int, Market]):
    """Markets as far as private messages show them; one is made when it is first named."""

    def __missing__(self, market_id: int) -> Market:
        self[market_id] = market = Market(
            id=market_id,
            slug=_SLUG.format(market_id),
            question="",
            description="",
            category="",
            close_time=0,
            tick_size=1,
            min_quantity=1,
            maker_fee=0,
            taker_fee=0,
            fee_model=FeeModel.FLAT,
            status=MarketStatus.OPEN,
            created_at=0,
        )
        return market


def replay_part(
    account_id: int, image: bytes | None, rows: Sequence[TakenRow], after: int, until: int
) -> Replayed:
    """Return the account's messages with numbers above `after` up to `until`.

    Args:
        account_id: whose.
        image: as it stood before these rows; None: before it was opened.
        rows: in order; all that touched the account between its image and their end.
        after: the number before the first that is wanted.
        until: the last one wanted.
    """
    replay = AccountReplay(account_id) if image is None else AccountReplay.load(image)
    markets = NamelessMarkets()
    events: list[bytes] = []
    reached = after
    for row in rows:
        for execution in row.executions():
            if not replay.take(execution.seq, execution.at, execution.events):
                continue
            if replay.account.seq > after:
                told = messages_of(replay, execution, row.epoch, markets)
                events += [_encode(one) for one in told if after < one.data.account_seq <= until]
                reached = min(replay.account.seq, until)
            if reached == until:
                return Replayed(reached, _in_pieces(events), None)
    return Replayed(reached, _in_pieces(events), replay.dump())


def messages_of(
    replay: AccountReplay, execution: Execution, epoch: int, markets: dict[int, Market]
) -> list[AccountEvent]:
    """Return the messages of the command that the account has just taken."""
    account = replay.account
    for holding in replay.holdings:
        # Of a market a message shows the account's own profit.
        market_id = holding.market_id
        markets[market_id].positions[account.id] = account.positions[market_id]
    stamp = Stamp(execution.seq, execution.at, epoch)
    changed = replay.orders, replay.holdings, replay.fills
    told = account_messages(stamp, account, *changed, markets)
    return [AccountEvent(event, data) for event, data in told]


def joined(pieces: Sequence[bytes], slug_of: Callable[[int], str]) -> bytes:
    """Return the events of a `Replayed` with the slugs written in: JSON, joined by commas."""
    whole = list(pieces)
    whole[1::2] = [slug_of(int(market_id)).encode("ascii") for market_id in whole[1::2]]
    return b"".join(whole)


def _in_pieces(events: Sequence[bytes]) -> list[bytes]:
    return _NAMED.split(b",".join(events))
