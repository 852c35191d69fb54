"""Telling sockets the prices of stocks as they change, on a public channel of its own.

    subscribe:stocks -> {epoch, seq, timestamp, stocks: [{symbol, status, price, supply, value}]}
    stock_updated {epoch, seq, timestamp, symbol, status, price, supply, value}

Laws: told by every process that has sockets, of what is done, as the tables have it; nothing is
asked of them while nobody follows. Each message tells all of a stock, so a slow reader gets the
newest of each. `seq` is one more with each message of an `epoch`, which is another one in every
process; heartbeats carry that of the last (`stocksSeq`). A past is told over REST alone.
"""

import asyncio
from typing import Final

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.views import StockStatus
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.observability.tallies import Tally
from gateway.sockets.events import Heard, NoBody, SocketEvent
from gateway.sockets.framing.frames import Message
from gateway.sockets.session import SocketSession
from gateway.sockets.state_room import StateRoom
from gateway.wire.scalars import iso_millis, money_text, quantity_text
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.economy.stocks.stocks import STOCKS_MAX, StockRow, Stocks

EVENT: Final = "stock_updated"
INTERVAL_S: Final = 0.5
COST: Final = 5
"""Events that a subscription counts as: its answer has all stocks."""


class StockState(AnswerStruct, frozen=True, gc=False):
    """A stock at a glance: `price` is what the next share costs, about; `value` what all shares
    together would bring.
    """

    symbol: str
    status: StockStatus
    price: str
    supply: str
    value: str


class StockMessage(StockState, frozen=True, gc=False):
    """The same as it is told when it has changed."""

    epoch: int
    seq: int
    timestamp: str


class StocksPlace(AnswerStruct, frozen=True):
    """How far the channel has come."""

    epoch: int
    seq: int


class StocksFollowed(StocksPlace, frozen=True):
    """How far the channel has come, and all stocks as they were then, at `timestamp`."""

    timestamp: str
    stocks: list[StockState]


HEARD: Final = (
    Heard(EVENT, (StockMessage,), "Followers of stocks: a price, a supply or a status changed"),
)


class StockTelling:
    """Tells; one a process with sockets, of continuous work."""

    NAME: Final = "stocks-tell"

    def __init__(
        self, rows: Stocks, room: StateRoom, sent: Tally, interval_s: float = INTERVAL_S
    ) -> None:
        self._rows = rows
        self._room = room
        self._sent = sent
        self._interval_s = interval_s
        self._epoch = now_us()
        self._told: dict[str, StockState] = {}
        self._looking = asyncio.Lock()
        self._known: set[SocketSession] = set()
        """Who leaves the room at their end."""

    async def run(self, check_in: CheckIn) -> None:
        """Tell what changes until cancelled; an absent database is waited for."""
        await look_again(self.look, check_in, pause_s=self._interval_s)

    async def look(self) -> None:
        """Tell what has changed since the last look, if anybody follows."""
        if self._room.members:
            async with self._looking:
                await self._look()

    async def _look(self) -> None:
        """Tell what has changed since the last look, which whoever calls keeps others from."""
        for row in await self._rows.page(0, STOCKS_MAX):
            state = stock_state(row)
            if self._told.get(row.symbol) == state:
                continue
            self._told[row.symbol] = state
            self._room.seq += 1
            place = self._epoch, self._room.seq, iso_millis(now_us())
            fields = (*msgspec.structs.astuple(state), *place)
            self._room.send(Message(EVENT, StockMessage(*fields)), key=row.symbol)
            self._sent.count += len(self._room.members)

    def follow(self, session: SocketSession, _body: NoBody | None, ack_id: int | None) -> None:
        """Tell a session of all that changes from its answer on."""
        session.run(ack_id, self._followed(session))

    async def _followed(self, session: SocketSession) -> StocksFollowed:
        async with self._looking:
            if not self._room.members:
                # While nobody followed nobody looked.
                await self._look()
            self._room.begin(session)
        if session not in self._known:
            self._known.add(session)
            session.on_end(lambda: self._ended(session))
        return StocksFollowed(
            self._epoch, self._room.seq, iso_millis(now_us()), list(self._told.values())
        )

    def unfollow(self, session: SocketSession, _body: NoBody | None, ack_id: int | None) -> None:
        """Tell a session no more; one that wasn't told is no mistake."""
        self._room.leave(session)
        session.ack(ack_id, StocksPlace(self._epoch, self._room.seq))

    def _ended(self, session: SocketSession) -> None:
        self._known.discard(session)
        self._room.leave(session)

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "subscribe:stocks": SocketEvent(
                msgspec.json.Decoder(NoBody),
                self.follow,
                payload_required=False,
                cost=COST,
                scope=Scope.READ,
                answer=StocksFollowed,
                summary="Follow the prices of all stocks, which the answer has as they are",
                needs_user=False,
            ),
            "unsubscribe:stocks": SocketEvent(
                msgspec.json.Decoder(NoBody),
                self.unfollow,
                payload_required=False,
                scope=Scope.READ,
                answer=StocksPlace,
                summary="Follow them no longer",
                needs_user=False,
            ),
        }


def stock_state(row: StockRow) -> StockState:
    """Return a stock at a glance."""
    curve = Curve(row.base, row.slope)
    return StockState(
        row.symbol,
        StockStatus.HALTED if row.is_halted else StockStatus.OPEN,
        money_text(curve.price(row.supply)),
        quantity_text(row.supply),
        money_text(curve.proceeds(row.supply, row.supply)),
    )
