"""What is kept about a person: the one list, by which it is told to them and taken away.

    ERASED    hangs on the row of `users` and goes with it
    KEPT      the exchange's own books under the number of an account that is nobody's any more
    NOT_SAID  tables that name an account and hold nothing of a person beside what is told above

Laws: a table that names people is in one of the three, which a test compares with the schema. What
is told leaves out secrets (hashes of passwords and tokens) and whatever is somebody else's: the
other side of a trade, who wrote a line of the audit log. Rows come in pieces of bounded size, each
by the key after the one before, so telling holds no connection and costs no more towards its end.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from exchange.proof.ledger import EntryKind, Owner
from persistence.errors import LastAdmin
from persistence.postgres.database import DeadlinePool
from persistence.repositories.people.sessions import revoke_all
from persistence.repositories.second_factor.factors import hold_user
from persistence.repositories.watchlists import HOLD_OWNER

PIECE_ROWS: Final = 500


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one kind: `rows` reads them, with the person's number as $1."""

    name: str
    """Of the part, on the wire."""
    table: str
    rows: str
    key: tuple[str, ...]
    """Columns that no two of the rows share, by which they are ordered."""
    hidden: tuple[str, ...] = ()
    """Columns that aren't told."""


def _of(
    table: str,
    owner: str,
    key: tuple[str, ...],
    hidden: tuple[str, ...] = (),
    *,
    name: str = "",
    more: str = "",
) -> Part:
    """Return the part of a table whose column `owner` is the person's number."""
    rows = f"SELECT * FROM {table} WHERE {owner} = $1{more}"  # noqa: S608 - names of ours
    return Part(name=name or table, table=table, rows=rows, key=key, hidden=(owner, *hidden))


ERASED: Final = (
    _of("users", "id", ("created_at",), ("password_hash",), name="profile"),
    _of("sessions", "user_id", ("id",)),
    _of("api_keys", "user_id", ("id",), ("material",)),
    _of("totp_factors", "user_id", ("last_step",), ("secret", "pending"), name="second_factor"),
    _of("recovery_codes", "user_id", ("code_hash",), ("code_hash",)),
    _of("passkeys", "user_id", ("id",)),
    _of("sign_in_challenges", "user_id", ("token_hash",), ("token_hash",)),
    _of("passkey_challenges", "user_id", ("challenge_hash",), ("challenge_hash",)),
    _of("wallets", "user_id", ("id",)),
    _of("linked_accounts", "user_id", ("provider",), ("tokens",)),
    _of("mail_tokens", "user_id", ("expires_at", "token_hash"), ("token_hash",), name="mails"),
    _of("email_changes", "user_id", ("expires_at",), name="email_change"),
    _of("rate_tiers", "user_id", ("tier",), name="rate_tier"),
    _of("daily_rewards", "user_id", ("day",), ("intent_id",)),
    _of("alert_webhooks", "user_id", ("id",), ("secret",)),
    _of("alerts", "user_id", ("id",)),
    _of("research", "user_id", ("id",), ("key", "token", "run_id")),
    _of("research_budgets", "user_id", ("month",)),
    _of("alert_firings", "user_id", ("id",)),
    _of("alert_deliveries", "user_id", ("id",)),
    _of("backtest_results", "user_id", ("id",)),
    Part(
        name="backtest_executions",
        # Which names the person; its fills go with it.
        table="backtest_results",
        rows="SELECT e.* FROM backtest_executions e JOIN backtest_results b ON b.id = e.backtest_id"
        " WHERE b.user_id = $1",
        key=("backtest_id", "number"),
    ),
    _of("referral_codes", "user_id", ("code",)),
    _of(
        "referrals",
        "invited_id",
        ("created_at",),
        ("inviter_id", "inviter_note", "inviter_intent", "invited_intent"),
        name="invited_by_somebody",
    ),
    _of(
        "referrals",
        "inviter_id",
        ("invited_id",),
        ("invited_id", "invited_note", "inviter_intent", "invited_intent"),
        name="invited_by_you",
    ),
    _of("watchlists", "user_id", ("id",)),
    _of("watchlist_items", "user_id", ("id",)),
    _of("portfolios", "user_id", ("id",)),
    _of("portfolio_positions", "user_id", ("id",)),
    Part(
        name="portfolio_values",
        table="portfolio_values",
        rows="SELECT *, coalesce(portfolio_id, 0) AS place FROM portfolio_values"
        " WHERE user_id = $1",
        key=("day", "place"),
        hidden=("user_id", "place"),
    ),
)
_FILLS: Final = f"""
SELECT l.command_seq, l.entry_no, l.order_id, t.market_id, t.trade_no, t.kind, t.side, t.outcome,
       t.price, t.yes_price, t.quantity, t.at,
       CASE WHEN t.taker_order_id = l.order_id THEN t.taker_fee ELSE t.maker_fee END AS fee
  FROM ledger l JOIN trades t ON t.market_id = l.market_id AND t.trade_no = l.trade_no
 WHERE l.owner_id = $1 AND l.owner = {Owner.ACCOUNT.value} AND l.kind = {EntryKind.TRADE.value}
"""  # noqa: S608 - constants
_ABOUT: Final = (
    "SELECT id, at, action, target, outcome FROM audit_log"
    " WHERE split_part(target, ' ', 1) = 'user:' || $1::bigint"
    " AND actor_id IS DISTINCT FROM $1"
)
_OWN_LEDGER: Final = f" AND owner = {Owner.ACCOUNT.value}"
KEPT: Final = (
    _of("accounts", "id", ("opened_seq",), name="account"),
    _of("positions", "account_id", ("market_id",)),
    _of("orders", "account_id", ("id",)),
    Part(name="fills", table="trades", rows=_FILLS, key=("command_seq", "entry_no")),
    _of("ledger", "owner_id", ("command_seq", "entry_no"), ("owner",), more=_OWN_LEDGER),
    _of("credits", "account_id", ("command_seq",)),
    _of("money_intents", "account_id", ("id",), ("command",), name="movements"),
    _of("purchases", "account_id", ("id",), ("method",)),
    _of("bets", "account_id", ("id",), ("intent_id",)),
    _of("bet_sales", "account_id", ("id",), ("intent_id",)),
    _of("bet_states", "account_id", ("bet_id",), name="how_bets_stand"),
    _of("stock_orders", "account_id", ("id",), ("intent_id", "steps")),
    _of("stock_trades", "account_id", ("id",)),
    _of("stock_positions", "account_id", ("stock_id",)),
    _of("settlements", "account_id", ("command_seq", "market_id")),
    _of("order_groups", "account_id", ("name",)),
    _of("leaderboard_standings", "account_id", ("span",), name="leaderboards"),
    _of("idempotency", "account_id", ("client_id", "kind"), ("fingerprint",), name="client_ids"),
    _of("audit_log", "actor_id", ("id",), ("previous_hash", "hash"), name="done_by_you"),
    _of("proposals", "proposer_id", ("id",), ("effect_id", "decided_by")),
    _of("proposals", "decided_by", ("id",), ("effect_id", "proposer_id"), name="decided_by_you"),
    Part(name="done_about_you", table="audit_log", rows=_ABOUT, key=("id",)),
)
NOT_SAID: Final[Mapping[str, str]] = {
    "refresh_tokens": "hashes of tokens of the sessions, which they go with",
    "sign_in_flows": "a link that is being made at a provider, for some minutes",
    "sign_in_codes": "a sign-in that is being finished, for a minute",
    "api_key_nonces": "of calls of the minute, signed with keys that are told",
    "account_segments": "the account's events, made from the journal; told by GET /user/events",
    "leaderboard_sums": "sums over the ledger and settlements, of which leaderboards are made",
    "leaderboard_starts": "the same, as they were when the day, week and month began",
    "leaderboard_tops": "the first of the standings, which are told",
    "account_waiting": "which orders wait, made from the journal; they are among the orders",
}
"""Why they are not told by themselves."""
PARTS: Final = (*ERASED, *KEPT)


class PersonalData:
    """Tells what is kept about people, and takes it away."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def held(self, user_id: int) -> AsyncIterator[bool]:
        """Hold a person's row, so that they buy no stock meanwhile; yield whether they have shares
        of one, or are about to.

        It takes a connection for as long, at most `DeadlinePool.lent_s`: TimeoutError after that.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            found = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM stock_positions WHERE account_id = $1 AND shares > 0)"
                " OR EXISTS (SELECT FROM stock_orders"
                " WHERE account_id = $1 AND status = 'PENDING')",
                user_id,
            )
            yield bool(found)

    async def pieces(self, part: Part, user_id: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the rows of a part, at most `PIECE_ROWS` at once, in the order of their key."""
        keys = ", ".join(part.key)
        head = f"SELECT {keys}, (to_jsonb(r) - $2::text[])::text AS row FROM ({part.rows}) r"  # noqa: S608 - names of ours
        tail = f" ORDER BY {keys} LIMIT {PIECE_ROWS}"
        after = ", ".join(f"${number}" for number in range(3, 3 + len(part.key)))
        last: tuple[Any, ...] = ()
        while True:
            where = f" WHERE ({keys}) > ({after})" if last else ""
            found = await self._pool.fetch(head + where + tail, user_id, list(part.hidden), *last)
            if found:
                yield [msgspec.json.decode(row["row"]) for row in found]
            if len(found) < PIECE_ROWS:
                return
            last = tuple(found[-1][name] for name in part.key)

    async def erase(self, user_id: int, at: int) -> list[int] | None:
        """Take a person away with all of `ERASED`; return the ids of the sessions that stood.

        None if there is no such person. Raises LastAdmin if nobody could administer any more.
        """
        async with self._pool.transaction() as connection:
            admins = await connection.fetch(
                "SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE"
            )
            if [row["id"] for row in admins] == [user_id]:
                raise LastAdmin
            # Before their sessions: a sign-in holds the two in this order.
            await hold_user(connection, user_id)
            ended = await revoke_all(connection, user_id, at)
            # Before the month's budget: what ends a question holds the two in this order.
            await connection.execute("SELECT FROM research WHERE user_id = $1 FOR UPDATE", user_id)
            gone = await connection.fetchval(
                "DELETE FROM users WHERE id = $1 RETURNING id", user_id
            )
        return None if gone is None else ended
