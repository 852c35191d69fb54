"""Scenarios as tables: one command a line, its whole outcome after the bar.

    open ann 100                  | opened, ann +100
    list rain fees=0.01/0.02      | rain OPEN
    ann buy 10 YES 0.60           | #1 rests
    bob buy 4 NO market           | #2, MINT 4 at 0.4 with #1 fees 0.032/0.024
    book rain                     | 0.6x6 /
    show ann                      | 93.94 + 3.636, YES 4 cost 2.4

`play` runs the lines through the engine and its naive twin side by side, so every scenario also
checks the invariants, the ledger and the replay.  The grammar is `_VERBS`, an order's rare terms
are options (`GTD until=60`, `postOnly=yes`, `trigger=0.40`, `group=mm`), two orders of which one
cancels the other are joined (`ann oco sell 5 YES 0.7 + sell 5 YES market trigger=0.4`), a batch's
operations stand behind a colon; times are seconds since midnight of a day long ago. `trigger` runs
what is due, as when nobody sends anything.
What a scenario means belongs in its name and its `#` lines.
"""

import re
from collections.abc import Callable
from typing import Any, cast

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.commands import (
    BatchOrders,
    CancelAll,
    CancelOrder,
    CloseAccount,
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    EndSession,
    Leg,
    NamedOrder,
    OpenAccount,
    PlaceOco,
    PlaceOrder,
    RenewLease,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
)
from exchange.messages.events import CommandRejected
from exchange.messages.execution import Execution
from exchange.messages.group_commands import ResetOrderGroup
from exchange.messages.limit_commands import BeginPostOnly, SetAccountLimits, SetMarketLimits
from exchange.messages.limits import AccountLimits, MarketLimits, VolatilityHalt
from exchange.messages.terms import (
    ExchangeMode,
    FeeModel,
    MarketStatus,
    MoneyKind,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from exchange.messages.units import parse_money, parse_price, parse_quantity, parse_rate
from tests.properties.pair import Pair
from tests.properties.twin import Twin
from tests.scenarios.order_words import (
    GATEWAY,
    SECOND,
    Options,
    Words,
    amend,
    conditions,
    group,
    order_type,
)
from tests.scenarios.wording import render_account, render_book, render_events

ACCOUNTS = {"ann": 1, "bob": 2, "cem": 3, "dot": 4, "nobody": 99}


class Play:
    """One scenario as it runs."""

    def __init__(self, twin: Twin | None = None) -> None:
        self.pair = Pair(twin)
        self.clock = 0
        self.last_refusal = ""
        """What the last refused command was told."""

    @property
    def slugs(self) -> dict[str, int]:
        return {market.slug: market.id for market in self.pair.state.markets.values()}

    def line(self, text: str) -> str:
        """Run one line's command and return its outcome in words."""
        if " batch" in text:
            return self._send(self._batch(text))
        words = [word for word in text.split() if "=" not in word]
        options = dict(word.split("=", 1) for word in text.split() if "=" in word)
        verb = words[0]
        if verb in ACCOUNTS and words[1] == "oco":
            return self._send(self._pair(verb, text, options))
        if verb in ACCOUNTS:
            return self._send(self._order_command(words, options))
        if verb == "trigger":
            return self._render(self.pair.run_triggers(self.clock))
        if verb == "time":
            self.clock = int(words[1]) * SECOND
            return self._render(self.pair.run_timers(self.clock))
        if verb == "book":
            return render_book(self.pair.state, self.slugs[words[1]])
        if verb == "show":
            return render_account(self.pair.state, ACCOUNTS[words[1]])
        return self._send(_VERBS[verb](self, words[1:], options))

    def market_id(self, slug: str) -> int:
        """Return the id of a market, 99 for one that doesn't exist."""
        return self.slugs.get(slug, 99)

    def _send(self, command: Command) -> str:
        return self._render(self.pair.run(self.clock, command))

    def _render(self, executions: list[Execution]) -> str:
        names = {number: name for name, number in ACCOUNTS.items()}
        for execution in executions:
            if isinstance(execution.events[0], CommandRejected):
                self.last_refusal = execution.events[0].message
        return "; ".join(render_events(e.events, self.pair.state, names) for e in executions)

    def _batch(self, text: str) -> Command:
        """Read e.g. "ann batch all id=b1: buy 1 YES 0.50; cancel #1"."""
        head, _, rest = text.partition(":")
        words = [word for word in head.split() if "=" not in word]
        options = dict(word.split("=", 1) for word in head.split() if "=" in word)
        account_id = ACCOUNTS[words[0]]
        operations = []
        for part in rest.split(";"):
            its_words = [words[0], *(word for word in part.split() if "=" not in word)]
            its_options = dict(word.split("=", 1) for word in part.split() if "=" in word)
            name = its_words[2] if its_words[1] in {"amend", "cancel"} else "#"
            if not name.startswith("#"):
                its_words[2] = "#0"
            operation = cast("Any", self._order_command(its_words, its_options))
            if not name.startswith("#"):
                operation = NamedOrder(account_id, name, operation)
            operations.append(operation)
        return BatchOrders(account_id, tuple(operations), "all" in words, options.get("id"))

    def _order_command(self, words: Words, options: Options) -> Command:
        account_id = ACCOUNTS[words[0]]
        if words[1] == "cancel":
            if words[2] != "all":
                return CancelOrder(account_id, int(words[2].removeprefix("#")))
            market_id = self.market_id(words[3]) if len(words) > 3 else None
            sides = {"buy": Side.BUY, "sell": Side.SELL}
            outcomes = {one.value: one for one in Outcome}
            its = sides.get(options.get("side", "")), outcomes.get(options.get("outcome", ""))
            return CancelAll(account_id, market_id, *its, options.get("group"))
        if words[1] == "group":
            return group(account_id, words[2], options)
        if words[1] == "reset":
            return ResetOrderGroup(account_id, words[2])
        if words[1] == "heartbeat":
            return SetDeadMan(account_id, int(words[2]))
        if words[1] == "leaves":
            return EndSession(account_id, GATEWAY, int(words[2]))
        if words[1] == "amend":
            return amend(account_id, int(words[2].removeprefix("#")), options)
        return self._place(account_id, words, options)

    def _pair(self, name: str, text: str, options: Options) -> Command:
        legs = []
        for leg in text.split(" oco ")[1].split(" + "):
            words = [name, *(word for word in leg.split() if "=" not in word)]
            own = dict(word.split("=", 1) for word in leg.split() if "=" in word)
            own.pop("request", None)
            legs.append(self._place(ACCOUNTS[name], words, own))
        return PlaceOco(ACCOUNTS[name], legs[0], legs[1], options.get("request"))

    def _place(self, account_id: int, words: Words, options: Options) -> PlaceOrder:
        side = Side(words[1].upper())
        quantity = None
        if words[2] not in {"YES", "NO"}:
            quantity = parse_quantity(words.pop(2))
        outcome, price = Outcome(words[2]), words[3]
        limit = price != "market"
        usual = TimeInForce.GTC if limit else TimeInForce.IOC
        max_cost = options.get("maxCost")
        return PlaceOrder(
            account_id=account_id,
            market_id=self.market_id(options.get("on", "rain")),
            side=side,
            outcome=outcome,
            type=order_type(options, limit=limit),
            price=parse_price(price) if limit else None,
            quantity=quantity,
            time_in_force=TimeInForce(words[4]) if len(words) > 4 else usual,
            self_trade_prevention=SelfTradePrevention(
                "CANCEL_" + options.get("stp", "taker").upper()
            ),
            max_cost=None if max_cost is None else parse_money(max_cost),
            client_order_id=options.get("id"),
            conditions=conditions(options),
        )


def _open(_play: Play, words: Words, _options: Options) -> Command:
    credit = words[1] if len(words) > 1 else "0"
    return OpenAccount(ACCOUNTS[words[0]], 0 if credit == "0" else parse_money(credit))


def _credit(_play: Play, words: Words, options: Options) -> Command:
    return CreditAccount(
        ACCOUNTS[words[0]],
        parse_money(words[1]),
        "gift",
        options.get("id"),
        kind=MoneyKind(options.get("kind", "ADMIN")),
        valid_until=_until(options),
    )


def _debit(_play: Play, words: Words, options: Options) -> Command:
    amount, until = parse_money(words[1]), _until(options)
    account_id, id_ = ACCOUNTS[words[0]], options.get("id")
    return DebitAccount(account_id, amount, "mistake", id_, valid_until=until)


def _pay(_play: Play, words: Words, options: Options) -> Command:
    legs = tuple(
        Leg(ACCOUNTS[payer], ACCOUNTS[payee], parse_money(amount))
        for payer, payee, amount in zip(words[::3], words[1::3], words[2::3], strict=True)
    )
    sender, kind = legs[0].payer_id, MoneyKind(options.get("kind", "ADMIN"))
    id_, until = options.get("id"), _until(options)
    return TransferCash(sender, legs, "share", id_, kind=kind, valid_until=until)


def _suspend(_play: Play, words: Words, _options: Options) -> Command:
    return SuspendAccount(ACCOUNTS[words[0]], suspended="off" not in words)


def _close(_play: Play, words: Words, _options: Options) -> Command:
    return CloseAccount(ACCOUNTS[words[0]])


def _limits(play: Play, words: Words, options: Options) -> Command:
    parsers: dict[str, Callable[[str], int]] = {
        "order_quantity": parse_quantity,
        "order_notional": parse_money,
        "open_orders": int,
        "position": parse_quantity,
        "price_band": parse_price,
    }
    given: dict[str, Any] = {
        name: parsers[name](text) for name, text in options.items() if name != "halt"
    }
    if "halt" in options:
        # How far in how long, then for how long, e.g. 0.10/60/30/10.
        move, *seconds = options["halt"].split("/")
        window, halted, post_only = map(int, seconds)
        given["volatility_halt"] = VolatilityHalt(
            move=parse_price(move), window=window, halted=halted, post_only=post_only
        )
    if words[0] in ACCOUNTS:
        return SetAccountLimits(ACCOUNTS[words[0]], AccountLimits(**given))
    return SetMarketLimits(play.market_id(words[0]), MarketLimits(**given))


def _restart(_play: Play, words: Words, _options: Options) -> Command:
    return BeginPostOnly(int(words[0]))


def _until(options: Options) -> int | None:
    return int(options["until"]) * SECOND if "until" in options else None


def _list(_play: Play, words: Words, options: Options) -> Command:
    maker, taker = options.get("fees", "0/0").split("/")
    return CreateMarket(
        slug=words[0],
        question=options.get("question", "Will-it-rain?"),
        description="",
        category="",
        close_time=int(options.get("close", "86400")) * SECOND,
        tick_size=parse_price(options.get("tick", "0.01")),
        min_quantity=parse_quantity(options.get("min", "0.01")),
        maker_fee=parse_rate(maker, 1_000),
        taker_fee=parse_rate(taker, 1_000),
        fee_model=FeeModel(options.get("model", "flat")),
        draft="draft" in words,
    )


def _force(_play: Play, words: Words, _options: Options) -> Command:
    return ForceCancel(int(words[0].removeprefix("#")))


def _edit(play: Play, words: Words, options: Options) -> Command:
    close, least = options.get("close"), options.get("min")
    return EditMarket(
        play.market_id(words[0]),
        options.get("question"),
        options.get("description"),
        options.get("category"),
        None if close is None else int(close) * SECOND,
        None if least is None else parse_quantity(least),
    )


def _status(play: Play, words: Words, _options: Options) -> Command:
    return SetMarketStatus(play.market_id(words[0]), MarketStatus(words[1]))


def _resolve(play: Play, words: Words, _options: Options) -> Command:
    payout = parse_price(words[2]) if len(words) > 2 else None
    return ResolveMarket(play.market_id(words[0]), Resolution(words[1]), payout, "", in_slices=True)


def _lease(_play: Play, _words: Words, _options: Options) -> Command:
    return RenewLease(GATEWAY)


def _mode(_play: Play, words: Words, _options: Options) -> Command:
    return SetExchangeMode(ExchangeMode(words[0]))


_VERBS: dict[str, Callable[[Play, Words, Options], Command]] = {
    "open": _open,
    "credit": _credit,
    "list": _list,
    "edit": _edit,
    "force-cancel": _force,
    "status": _status,
    "resolve": _resolve,
    "mode": _mode,
    "lease": _lease,
    "debit": _debit,
    "pay": _pay,
    "suspend": _suspend,
    "close": _close,
    "limits": _limits,
    "restart": _restart,
}


def play(table: str, twin: Twin | None = None) -> Play:
    """Run every line of a table and compare its outcome; return the play for further questions."""
    run = Play(twin)
    for number, line in enumerate(table.splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        command, bar, expected = text.partition("|")
        assert bar, f"line {number} has no outcome: {text}"
        outcome = run.line(command.strip())
        wanted = re.sub(r"\s+", " ", expected.strip())
        assert outcome == wanted, f"line {number}: {command.strip()}\n  {outcome}\nnot {wanted}"
    run.pair.check_replay()
    return run
