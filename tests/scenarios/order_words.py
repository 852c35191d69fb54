"""What an order's words and options in a scenario stand for: its kind, its rare terms, its amend,
its group.
"""

from typing import Any

from exchange.messages.commands import AmendOrder, Command
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.terms import OrderType, TriggerBy
from exchange.messages.units import parse_price, parse_quantity

SECOND = 1_000_000
GATEWAY = 7
Words = list[str]
Options = dict[str, str]


def order_type(options: Options, *, limit: bool) -> OrderType:
    """Return an order's kind."""
    if "trigger" not in options:
        return OrderType.LIMIT if limit else OrderType.MARKET
    if "profit" in options.get("kind", ""):
        return OrderType.TAKE_PROFIT
    return OrderType.STOP_LIMIT if limit else OrderType.STOP


def amend(account_id: int, order_id: int, options: Options) -> Command:
    """Read e.g. "ann amend #1 price=0.5 until=60"."""
    price, quantity, until = (options.get(name) for name in ("price", "quantity", "until"))
    version, trigger = options.get("version"), options.get("trigger")
    return AmendOrder(
        account_id,
        order_id,
        None if price is None else parse_price(price),
        None if quantity is None else parse_quantity(quantity),
        None if until is None else int(until) * SECOND,
        None if version is None else int(version),
        None if trigger is None else parse_price(trigger),
    )


def group(account_id: int, name: str, options: Options) -> Command:
    """Read e.g. "ann group mm filled=100 net=50 window=60"."""
    net = options.get("net")
    return SetOrderGroup(
        account_id,
        name,
        parse_quantity(options["filled"]),
        int(options.get("window", "60")),
        None if net is None else parse_quantity(net),
    )


def conditions(options: Options) -> OrderConditions | None:
    """Return an order's rare terms; None if it has none."""
    given: dict[str, Any] = {}
    if "until" in options:
        given["expires_at"] = int(options["until"]) * SECOND
    if "trigger" in options:
        given["trigger_price"] = parse_price(options["trigger"])
        given["trigger_by"] = TriggerBy(options.get("by", "LAST"))
    if "postOnly" in options:
        given["post_only"] = True
    if "reduceOnly" in options:
        given["reduce_only"] = True
    if "worst" in options:
        given["worst_price"] = parse_price(options["worst"])
    if "session" in options:
        given["session"] = GATEWAY, int(options["session"])
    if "system" in options:
        given["system"] = True
    if "group" in options:
        given["group"] = options["group"]
    return OrderConditions(**given) if given else None
