"""Bets, against the journal from the first command on.

    how each stands, and by what its shares left     as the fold makes it, up to where the projector
                                                     has come
    what was answered to each bet and sale           as their orders traded
    of every account, market and outcome             no more in open bets than is held

Laws: one walk beside the others; an ended bet is compared when it ends, or at the projector's
place, and dropped, so that memory holds the open ones. What is PENDING may or may not have happened
yet.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from exchange.messages.events import OrderPlaced, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.terms import YES, Outcome
from exchange.model.state import State
from exchange.projections.bets.fold import BetFold, order_of, sale_number
from exchange.projections.bets.records import Bet
from persistence.postgres.database import Connection
from persistence.repositories.economy.bet_states import STATE_COLUMNS, bet_of, state_row

AT_ONCE: Final = 1_000
_STATES: Final = f"""
SELECT {STATE_COLUMNS},
       (SELECT coalesce(sum(quantity), 0)::bigint FROM bet_exits e WHERE e.bet_id = s.bet_id),
       (SELECT coalesce(sum(brought), 0)::bigint FROM bet_exits e WHERE e.bet_id = s.bet_id),
       (SELECT coalesce(sum(fee), 0)::bigint FROM bet_exits e WHERE e.bet_id = s.bet_id)
  FROM bet_states s WHERE s.bet_id = ANY($1::bigint[])
"""  # noqa: S608 - a constant
_BETS: Final = """
SELECT b.id, b.account_id, b.market_id,
       CASE WHEN b.side IN ('THIS', 'YES') THEN 'YES' ELSE 'NO' END,
       i.status, b.bought, b.cost, b.fee
  FROM bets b JOIN money_intents i ON i.id = b.intent_id WHERE b.id = ANY($1::bigint[])
"""
_SALES: Final = """
SELECT x.id, x.bet_id, i.status, x.sold, x.brought, x.fee
  FROM bet_sales x JOIN money_intents i ON i.id = x.intent_id WHERE x.id = ANY($1::bigint[])
"""
_COUNTS: Final = """
SELECT (SELECT count(*) FROM bet_states),
       (SELECT count(*) FROM bets WHERE bought > 0), (SELECT count(*) FROM bet_sales WHERE sold > 0)
"""
_EXITS: Final = -3
"""Where the sums of a row's exits begin."""


async def projected_to(connection: Connection) -> int:
    """Return the last command that is in what the projector stored."""
    seq: int = await connection.fetchval("SELECT last_seq FROM projection_state")
    return seq


class BetComparison:
    """The comparison of one verification; the first problem is kept."""

    def __init__(self, connection: Connection, projected: int) -> None:
        """`projected` is the last command that is in what the projector stored."""
        self.problem: str | None = None
        self.market_id = 0
        """Of the problem's bet."""
        self.count = 0
        self._connection = connection
        self._projected = projected
        self._fold = BetFold()
        self._ended: list[Bet] = []
        self._placed: list[Bet] = []
        self._sales: dict[int, tuple[int, ...]] = {}
        self._seen = Counter[str]()

    async def compare(self, executions: Sequence[Execution]) -> None:
        """Compare what one batch comes to."""
        for execution in executions:
            if self.problem is not None:
                return
            fold = self._fold
            fold.take(execution)
            self._note_sale(execution)
            for bet in fold.changed.values():
                if bet.placed_seq == execution.seq:
                    self._placed.append(bet)
                    self.count += 1
                if not bet.shares and execution.seq <= self._projected:
                    self._ended.append(bet)
            fold.settled()
            if execution.seq == self._projected:
                await self._compare_states([bet for bets in fold.open.values() for bet in bets])
            if max(len(self._ended), len(self._placed), len(self._sales)) >= AT_ONCE:
                await self.compare_taken()

    async def finish(self, state: State) -> str | None:
        """Compare what is left with a rebuilt exchange; return the problem, None for none."""
        await self.compare_taken()
        if self.problem is None:
            row = await self._connection.fetchrow(_COUNTS)
            found = dict(zip(("states", "bets", "sales"), row.values(), strict=True))  # type: ignore[union-attr]
            for name, number in found.items():
                if number != self._seen[name]:
                    self.problem = f"{number} {name} are stored, {self._seen[name]} follow"
        return self.problem or self._too_many(state)

    def _note_sale(self, execution: Execution) -> None:
        sale, first = sale_number(execution.command), execution.events[0]
        if sale is None or not isinstance(first, OrderPlaced):
            return
        sold = brought = fee = 0
        for event in execution.events:
            if isinstance(event, TradeExecuted) and event.taker_order_id == first.order_id:
                sold += event.quantity
                brought += event.price * event.quantity
                fee += event.taker_fee
        order = order_of(execution.command)
        if sold and order is not None:
            self._sales[sale] = order[0], first.market_id, sold, brought, fee

    async def compare_taken(self) -> None:
        """Compare what of the batches so far is not compared yet."""
        ended, self._ended = self._ended, []
        placed, self._placed = self._placed, []
        sales, self._sales = self._sales, {}
        await self._compare_states(ended)
        await self._compare_placed(placed)
        await self._compare_sales(sales)

    async def _compare_states(self, bets: Sequence[Bet]) -> None:
        for start in range(0, len(bets), AT_ONCE):
            part = bets[start : start + AT_ONCE]
            rows = await self._by_number(_STATES, [bet.number for bet in part])
            for bet in part:
                self._seen["states"] += 1
                row = rows.get(bet.number)
                gone = bet.bought - bet.shares, bet.brought, bet.exit_fees
                if row is None:
                    self._found(f"bet {bet.number} follows from the journal, and isn't stored")
                elif state_row(bet_of(row[:_EXITS])) != state_row(bet):
                    self._found(
                        f"bet {bet.number} is stored as {row[:_EXITS]}, the journal says"
                        f" {state_row(bet)}"
                    )
                elif row[_EXITS:] != gone:
                    self._found(f"bet {bet.number} lost {gone}, its exits say {row[_EXITS:]}")

    async def _compare_placed(self, bets: Sequence[Bet]) -> None:
        rows = await self._by_number(_BETS, [bet.number for bet in bets])
        for bet in bets:
            expected = bet.account_id, bet.market_id, bet.outcome.value
            row = rows.get(bet.number)
            if row is None:
                self._found(f"bet {bet.number} was placed, and no row says so", bet.market_id)
                continue
            asked, status, answer = row[1:4], row[4], row[5:]
            if asked != expected:
                told = f"bet {bet.number} is of {asked}, its order of {expected}"
                self._found(told, bet.market_id)
            elif status == "DONE":
                self._seen["bets"] += 1
                bought = bet.bought, bet.cost, bet.fee
                if answer != bought:
                    told = f"bet {bet.number} was told {answer}, its order made {bought}"
                    self._found(told, bet.market_id)

    async def _compare_sales(self, sales: dict[int, tuple[int, ...]]) -> None:
        rows = await self._by_number(_SALES, list(sales))
        for number, (bet, market_id, *made) in sales.items():
            row = rows.get(number)
            if row is None or row[1] != bet:
                told = f"sale {number} of bet {bet} was carried out, and no row says so"
                self._found(told, market_id)
            elif row[2] == "DONE":
                self._seen["sales"] += 1
                if row[3:] != tuple(made):
                    told = f"sale {number} was told {row[3:]}, its order made {tuple(made)}"
                    self._found(told, market_id)

    async def _by_number(self, query: str, numbers: list[int]) -> dict[int, tuple[Any, ...]]:
        if not numbers or self.problem is not None:
            return {}
        rows = await self._connection.fetch(query, numbers)
        return {row[0]: tuple(row.values()) for row in rows}

    def _found(self, problem: str, market_id: int = 0) -> None:
        if self.problem is None:
            self.problem, self.market_id = problem, market_id

    def _too_many(self, state: State) -> str | None:
        """Say where more is in open bets than is held; None for nowhere."""
        in_bets: Counter[tuple[int, int, Outcome]] = Counter()
        for bets in self._fold.open.values():
            for bet in bets:
                in_bets[bet.account_id, bet.market_id, bet.outcome] += bet.shares
        for (account_id, market_id, outcome), shares in in_bets.items():
            position = state.markets[market_id].positions.get(account_id)
            held = 0
            if position is not None:
                held = (position.yes if outcome is YES else position.no).quantity
            if shares > held:
                return (
                    f"account {account_id} holds {held} {outcome.value} of market {market_id},"
                    f" its bets {shares}"
                )
        return None
