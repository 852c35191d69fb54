"""`probity run`: a strategy as a bot against a running exchange.

Laws: who one is comes from the environment (`PROBITY_EMAIL`, `PROBITY_PASSWORD`), never from the
command line, where other people of the machine could read it. Ctrl-C and SIGTERM take back what
rests, and then end it.
"""

import asyncio
import os
import signal
import sys
from typing import Any, Final

import click

from exchange.messages.units import format_money, format_price, format_quantity
from gateway.cli.backtest.loading import NotLoaded, pairs, strategy_of
from gateway.research.live.line import Declined
from gateway.research.live.running import LiveRun, Summary
from gateway.research.live.session import Session
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import Fill, ParametersRefused, parameters_of
from gateway.wire.scalars import iso_millis

EMAIL: Final = "PROBITY_EMAIL"
PASSWORD: Final = "PROBITY_PASSWORD"  # noqa: S105 - the name of a variable
_HELP = f"""Run STRATEGY, one of {", ".join(STRATEGIES)} or a file of Python, as a bot.

Signs in as {EMAIL} with {PASSWORD}, both of the environment, to a running exchange and trades
there with that account's credits. Its orders are cancelled when it ends, however it does."""


@click.command("run", help=_HELP)
@click.argument("strategy")
@click.option("--url", default="http://localhost:8080", show_default=True, help="The exchange's.")
@click.option("--market", "markets", multiple=True, required=True, help="Slug; may be given again.")
@click.option("--param", "params", multiple=True, help="name=value; may be given again.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0), help="End after so long.")
def run_command(strategy: str, url: str, markets: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - as click has it
    """Run the command; exit code 2 for what was given wrongly, 1 for what was refused."""
    email, password = os.environ.get(EMAIL, ""), os.environ.get(PASSWORD, "")
    try:
        if not email or not password:
            raise NotLoaded(f"set {EMAIL} and {PASSWORD} in the environment")
        if not url.startswith(("http://", "https://")):
            raise NotLoaded(f"--url {url}: must begin with http:// or https://")
        found = strategy_of(strategy)
        parameters = parameters_of(found, pairs(given["params"], "--param"))
    except (NotLoaded, ParametersRefused) as error:
        click.echo(f"probity run: {error}", err=True)
        sys.exit(2)
    summary = Summary()

    def on_fill(fill: Fill) -> None:
        summary.add(fill)
        click.echo(fill_line(fill))

    async def live() -> None:
        session = Session(url, email, password)
        one = LiveRun(
            url,
            session,
            list(dict.fromkeys(markets)),
            lambda desk: found(desk, parameters),
            seed=given["seed"],
            say=lambda text: click.echo(f"probity run: {text}", err=True),
            on_fill=on_fill,
        )
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if given["seconds"] is not None:
            loop.call_later(given["seconds"], stop.set)
        try:
            await one.run(stop)
        finally:
            await session.close()

    try:
        asyncio.run(live())
    except Declined as error:
        click.echo(f"probity run: {error}", err=True)
        sys.exit(1)
    finally:
        click.echo(summary_line(summary))


def fill_line(fill: Fill) -> str:
    """Return what is printed of a fill."""
    role = "maker" if fill.is_maker else "taker"
    traded = f"{format_quantity(fill.quantity)} YES at {format_price(fill.price)}"
    return f"{iso_millis(fill.at)} {fill.market} {fill.side.value} {traded} {role}"


def summary_line(summary: Summary) -> str:
    """Return what is printed at the end."""
    bought, sold = format_quantity(summary.bought), format_quantity(summary.sold)
    fees = format_money(summary.fees)
    return f"{summary.fills} fills: bought {bought}, sold {sold}, fees {fees}"
