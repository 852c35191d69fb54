"""The statements that make the boards; each is about so many commands, trades or accounts at most.

    cash         what trades, fees, netted pairs and payouts added to an account's cash
    worth        its shares at a moment, at the last price of each market until then
    gain         cash + worth: what it has, less all that was put in and plus all that was taken out
    volume       price x quantity of its side of each trade
    error        (price paid - what came)^2 of shares that were held until they were paid

Netting a pair takes one share of each outcome, worth 1 together at whatever price, and adds 1 to
the cash: of it nobody gains. Prices are of YES, in 1/10 000; a trade is of the taker's outcome, and
of the maker's other one where a pair is made or given up.
"""

from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Outcome, Resolution, Side, TradeKind
from exchange.model.system_accounts import SYSTEM_ACCOUNTS
from exchange.proof.ledger import EntryKind, Owner
from persistence.journal.codes import OUTCOME, RESOLUTION, SIDE, TRADE_KIND
from persistence.repositories.leaderboards.words import BOARD, SPAN, Board, Span

_BUY, _YES = SIDE[Side.BUY], OUTCOME[Outcome.YES]
_TRANSFER: Final = TRADE_KIND[TradeKind.TRANSFER]
_IN_MARKETS: Final = ", ".join(
    str(int(kind))
    for kind in (EntryKind.TRADE, EntryKind.FEE, EntryKind.NETTING, EntryKind.SETTLEMENT)
)
_SLICE: Final = "command_seq > $1 AND command_seq <= $2"

# Of a maker: the other side of the same outcome, or the same side of the other one.
_LEGS: Final = f"""
    SELECT taker_account_id AS account_id, market_id, at, quantity, price, side = {_BUY} AS buys,
           outcome = {_YES} AS is_yes
      FROM trades WHERE {{where}}
    UNION ALL
    SELECT maker_account_id, market_id, at, quantity,
           CASE WHEN kind = {_TRANSFER} THEN price ELSE {PRICE_SCALE} - price END,
           (side = {_BUY}) <> (kind = {_TRANSFER}), (outcome = {_YES}) = (kind = {_TRANSFER})
      FROM trades WHERE {{where}}
"""  # noqa: S608 - constants

# As an array, so that the trades are found by their key, however many there are of other markets.
_OF_SETTLED: Final = "market_id = ANY($1::bigint[]) AND trade_no > $2 AND trade_no <= $3"

STATE: Final = "SELECT through_seq, day, week, month FROM leaderboard_run FOR UPDATE"
LAST_SEQ: Final = "SELECT last_seq FROM engine_state"
FIRST_AFTER: Final = f"""
SELECT least((SELECT min(command_seq) FROM ledger WHERE {_SLICE} AND at >= $3),
             (SELECT min(command_seq) FROM settlements WHERE {_SLICE} AND at >= $3))
"""  # noqa: S608 - constants
MOVE_ON: Final = "UPDATE leaderboard_run SET through_seq = $1"

ENTRIES: Final = f"SELECT count(*) FROM ledger WHERE {_SLICE}"  # noqa: S608 - a constant
JUDGING: Final = """
CREATE TEMPORARY TABLE settled (
    account_id bigint, market_id bigint, at bigint, is_yes boolean, yes_payout integer,
    is_told boolean) ON COMMIT DROP;
CREATE TEMPORARY TABLE bought (
    account_id bigint, market_id bigint, is_yes boolean, cost bigint, quantity bigint)
    ON COMMIT DROP;
"""
SETTLED: Final = f"""
INSERT INTO settled
SELECT s.account_id, s.market_id, s.at, s.yes_quantity > s.no_quantity, m.yes_payout,
       m.resolution <> {RESOLUTION[Resolution.VOID]}
  FROM settlements s JOIN markets m ON m.id = s.market_id
 WHERE {_SLICE} AND s.yes_quantity <> s.no_quantity
"""  # noqa: S608 - constants
SETTLED_MARKETS: Final = """
SELECT market_id, coalesce((SELECT max(trade_no) FROM trades t WHERE t.market_id = s.market_id), 0)
  FROM (SELECT DISTINCT market_id FROM settled WHERE is_told) AS s ORDER BY market_id
"""
# What those who were paid had bought: of some markets, some of their trades.
BOUGHT: Final = f"""
INSERT INTO bought
SELECT account_id, market_id, is_yes, sum(price * quantity), sum(quantity)
  FROM ({_LEGS.format(where=_OF_SETTLED)}) AS legs
  JOIN settled USING (account_id, market_id, is_yes)
 WHERE buys GROUP BY account_id, market_id, is_yes
"""  # noqa: S608 - constants
FOLD: Final = f"""
WITH moved AS (
    SELECT owner_id AS account_id, sum(available + locked) AS cash,
           sum(abs(available + locked)) FILTER (WHERE kind = {EntryKind.TRADE:d}) AS volume,
           max(at) FILTER (WHERE kind = {EntryKind.TRADE:d}) AS traded_at
      FROM ledger
     WHERE {_SLICE} AND owner = {Owner.ACCOUNT:d} AND kind IN ({_IN_MARKETS})
     GROUP BY owner_id
), paid AS (
    SELECT account_id, market_id, is_yes, round(sum(cost) / sum(quantity)) AS price
      FROM bought GROUP BY account_id, market_id, is_yes
), judged AS (
    SELECT s.account_id, max(s.at) AS settled_at, count(b.price) AS forecasts,
           sum((CASE WHEN s.is_yes THEN b.price ELSE {PRICE_SCALE} - b.price END
                - s.yes_payout) ^ 2) AS errors
      FROM settled s
      LEFT JOIN paid b ON s.is_told AND (b.account_id, b.market_id, b.is_yes)
                                        = (s.account_id, s.market_id, s.is_yes)
     GROUP BY s.account_id
)
INSERT INTO leaderboard_sums AS known
SELECT account_id, coalesce(cash, 0), coalesce(volume, 0), coalesce(errors, 0),
       coalesce(forecasts, 0), coalesce(traded_at, 0), coalesce(settled_at, 0)
  FROM moved FULL JOIN judged USING (account_id)
    ON CONFLICT (account_id) DO UPDATE
   SET cash = known.cash + excluded.cash, volume = known.volume + excluded.volume,
       errors = known.errors + excluded.errors, forecasts = known.forecasts + excluded.forecasts,
       traded_at = greatest(known.traded_at, excluded.traded_at),
       settled_at = greatest(known.settled_at, excluded.settled_at)
"""  # noqa: S608 - constants

TEMPORARY: Final = """
CREATE TEMPORARY TABLE later_shares (
    account_id bigint, market_id bigint, yes bigint, no bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE later_trades (market_id bigint, first_no bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE prices (market_id bigint PRIMARY KEY, price bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE worths (account_id bigint PRIMARY KEY, worth bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE shown (account_id bigint PRIMARY KEY) ON COMMIT DROP;
"""
FRESH: Final = """
CREATE TEMPORARY TABLE fresh (
    account_id bigint PRIMARY KEY, is_shown boolean, gain bigint, volume bigint, brier bigint,
    forecasts bigint, moved_at bigint, traded_at bigint, settled_at bigint, gain_rank integer,
    volume_rank integer, calibration_rank integer) ON COMMIT DROP;
"""
# What commands after the moment did to shares, so that it can be taken back.
LATER_SHARES: Final = f"""
INSERT INTO later_shares
SELECT account_id, market_id, sum(yes), sum(no) FROM (
    SELECT account_id, market_id,
           CASE WHEN is_yes THEN CASE WHEN buys THEN quantity ELSE -quantity END ELSE 0 END AS yes,
           CASE WHEN is_yes THEN 0 ELSE CASE WHEN buys THEN quantity ELSE -quantity END END AS no
      FROM ({_LEGS.format(where=_SLICE)}) AS legs
    UNION ALL
    SELECT owner_id, market_id, -available / {PRICE_SCALE}, -available / {PRICE_SCALE}
      FROM ledger WHERE {_SLICE} AND owner = {Owner.ACCOUNT:d} AND kind = {EntryKind.NETTING:d}
    UNION ALL
    SELECT account_id, market_id, -yes_quantity, -no_quantity FROM settlements WHERE {_SLICE}
) AS changes GROUP BY account_id, market_id
"""  # noqa: S608 - constants
LATER_TRADES: Final = f"""
INSERT INTO later_trades
SELECT market_id, min(trade_no) FROM trades WHERE {_SLICE} GROUP BY market_id
"""  # noqa: S608 - constants
PRICES: Final = """
INSERT INTO prices
SELECT m.id, coalesce(t.yes_price, m.last_price)
  FROM markets m
  LEFT JOIN (SELECT market_id, min(first_no) AS first_no FROM later_trades GROUP BY market_id) AS l
       ON l.market_id = m.id
  LEFT JOIN trades t ON t.market_id = m.id AND t.trade_no = l.first_no - 1
"""
END_OF_PIECE: Final = (
    "SELECT account_id FROM leaderboard_sums WHERE account_id > $1"
    " ORDER BY account_id OFFSET $2 - 1 LIMIT 1"
)
WORTHS: Final = f"""
INSERT INTO worths
SELECT account_id, sum(yes * price + no * ({PRICE_SCALE} - price)) FROM (
    SELECT account_id, market_id, yes_free + yes_locked AS yes, no_free + no_locked AS no
      FROM positions WHERE account_id > $1 AND account_id <= $2
    UNION ALL
    SELECT account_id, market_id, -yes, -no FROM later_shares
     WHERE account_id > $1 AND account_id <= $2
) AS held JOIN prices USING (market_id)
 GROUP BY account_id
"""  # noqa: S608 - constants
FORGET_START: Final = "DELETE FROM leaderboard_starts WHERE span = $1"
START: Final = """
INSERT INTO leaderboard_starts
SELECT $1, account_id, s.cash + coalesce(w.worth, 0), s.volume, s.errors, s.forecasts
  FROM leaderboard_sums s LEFT JOIN worths w USING (account_id)
 WHERE s.account_id > $2 AND s.account_id <= $3
"""

SHOWN: Final = f"""
INSERT INTO shown
SELECT s.account_id FROM leaderboard_sums s JOIN users u ON u.id = s.account_id
 WHERE u.preferences #> '{{profile,leaderboards}}' IS DISTINCT FROM 'false'
   AND s.account_id NOT BETWEEN {SYSTEM_ACCOUNTS.start} AND {SYSTEM_ACCOUNTS.stop - 1}
   AND s.account_id > $1 AND s.account_id <= $2
"""  # noqa: S608 - constants
# Whoever did nothing in the span, and whose shares are worth what they were, is on no board of it.
FIGURES: Final = f"""
INSERT INTO fresh
SELECT account_id, is_shown,
       CASE WHEN gain <> 0 OR greatest(traded_at, settled_at) >= $2 THEN gain END,
       nullif(volume, 0), CASE WHEN forecasts >= $3 THEN round(errors / forecasts) END, forecasts,
       greatest(traded_at, settled_at), traded_at, settled_at
  FROM (SELECT s.account_id, h.account_id IS NOT NULL AS is_shown,
               s.cash + coalesce(w.worth, 0) - coalesce(b.gain, 0) AS gain,
               s.volume - coalesce(b.volume, 0) AS volume,
               (s.errors - coalesce(b.errors, 0))::numeric AS errors,
               s.forecasts - coalesce(b.forecasts, 0) AS forecasts, s.traded_at, s.settled_at
          FROM leaderboard_sums s
          LEFT JOIN worths w USING (account_id)
          LEFT JOIN shown h USING (account_id)
          LEFT JOIN leaderboard_starts b ON b.span = $1 AND b.account_id = s.account_id
         WHERE s.account_id NOT BETWEEN {SYSTEM_ACCOUNTS.start} AND {SYSTEM_ACCOUNTS.stop - 1}
           AND s.account_id > $4 AND s.account_id <= $5) AS figures
 WHERE gain <> 0 OR volume <> 0 OR forecasts <> 0 OR greatest(traded_at, settled_at) >= $2
"""  # noqa: S608 - constants
_RANKED: Final = {
    Board.PNL: ("gain", "gain DESC, moved_at", "gain_rank"),
    Board.VOLUME: ("volume", "volume DESC, traded_at", "volume_rank"),
    Board.CALIBRATION: ("brier", "brier, settled_at", "calibration_rank"),
}
# All in one, since each statement would write every row anew.
_NUMBERED: Final = ", ".join(
    f"CASE WHEN {score} IS NOT NULL THEN row_number() OVER"
    f" (PARTITION BY {score} IS NULL ORDER BY {order}, account_id) END AS {rank}"
    for score, order, rank in _RANKED.values()
)
RANKS: Final = f"""
UPDATE fresh SET gain_rank = places.gain_rank, volume_rank = places.volume_rank,
                 calibration_rank = places.calibration_rank
  FROM (SELECT account_id, {_NUMBERED} FROM fresh WHERE is_shown) AS places
 WHERE places.account_id = fresh.account_id
"""  # noqa: S608 - constants
KEEP: Final = """
INSERT INTO leaderboard_standings AS known
SELECT account_id, $1, gain, volume, brier, forecasts, gain_rank, volume_rank, calibration_rank
  FROM fresh WHERE account_id > $2 AND account_id <= $3
    ON CONFLICT (account_id, span) DO UPDATE
   SET gain = excluded.gain, volume = excluded.volume, brier = excluded.brier,
       forecasts = excluded.forecasts, gain_rank = excluded.gain_rank,
       volume_rank = excluded.volume_rank, calibration_rank = excluded.calibration_rank
 WHERE known IS DISTINCT FROM excluded
"""
DROP_OTHERS: Final = """
DELETE FROM leaderboard_standings s
 WHERE span = $1 AND account_id > $2 AND account_id <= $3
   AND NOT EXISTS (SELECT FROM fresh f WHERE f.account_id = s.account_id)
"""
FORGET_TOPS: Final = "DELETE FROM leaderboard_tops WHERE span = $1"
TOPS: Final = tuple(
    f"""
INSERT INTO leaderboard_tops
SELECT {BOARD[board]}, $1, {rank}, account_id, {score}, forecasts
  FROM fresh WHERE {rank} <= $2
"""  # noqa: S608 - constants
    for board, (score, _, rank) in _RANKED.items()
)
BOARDS: Final = f"""
INSERT INTO leaderboard_boards
SELECT board, $1, $2, $3, $4, ranked
  FROM (SELECT count(gain_rank), count(volume_rank), count(calibration_rank) FROM fresh)
       AS counts(gains, volumes, forecasts),
       LATERAL (VALUES ({BOARD[Board.PNL]}, gains), ({BOARD[Board.VOLUME]}, volumes),
                       ({BOARD[Board.CALIBRATION]}, forecasts)) AS boards(board, ranked)
    ON CONFLICT (board, span) DO UPDATE
   SET since = excluded.since, made_at = excluded.made_at,
       through_seq = excluded.through_seq, ranked = excluded.ranked
"""  # noqa: S608 - constants
BEGUN: Final[dict[Span, str]] = {
    span: f"UPDATE leaderboard_run SET {span.value} = $1"  # noqa: S608 - a word of ours
    for span in SPAN
    if span is not Span.ALL
}
