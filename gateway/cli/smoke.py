"""`probity smoke URL`: a real trade through the public API, as a deployment's last question.

    sign in -> list a market -> two new users -> one buys YES, the other NO -> both filled, the
    trade is told -> the market is void, and all have theirs back

Laws: it only uses what anybody could, over the address that users type; it leaves no order open
and, in a market of its own, no money moved, whatever fails in between, as long as the exchange
still answers; exit code 0 only if every step did what it has to. With `--market` an open market
that is kept for this is traded in and stays open, which needs no admin: the two new users keep what
they bought in it, a YES and a NO, together worth what they paid, whatever it resolves to.
"""

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final

import click

from gateway.cli.replay.accounts import ReplayAccount, register
from gateway.client.rest import ApiClient, ApiRefused, ApiUnreachable
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us

PRICE: Final = "0.50"
QUANTITY: Final = "1"
_LIFE_US: Final = 3_600_000_000
_TWO_PERSONS: Final = "PROPOSAL_REQUIRED"

Say = Callable[[str], None]


class SmokeFailed(Exception):
    """The exchange answered, but not what a trade has to come to."""


@click.command(epilog="Exit code: 0 if a trade went through, else 1.")
@click.argument("url")
@click.option("--admin-email", envvar="PROBITY_ADMIN_EMAIL", help="Or PROBITY_ADMIN_EMAIL.")
@click.option(
    "--admin-password",
    envvar="PROBITY_ADMIN_PASSWORD",
    help="Or PROBITY_ADMIN_PASSWORD; asked for on a terminal, where nobody else can see it.",
)
@click.option("--market", help="An open market to trade in, instead of one of an admin's.")
def smoke(
    url: str, admin_email: str | None, admin_password: str | None, market: str | None
) -> None:
    """Trade once at URL, such as https://exchange.example, and say each step."""
    if market is None and admin_email and not admin_password and _somebody_types():
        admin_password = click.prompt(f"Password of {admin_email}", hide_input=True)
    if market is None and not (admin_email and admin_password):
        click.echo("probity: --admin-email and --admin-password, or --market, are needed", err=True)
        sys.exit(2)
    try:
        client = ApiClient(url)
        try:
            if market is None:
                admin = ReplayAccount(client, admin_email or "", admin_password or "")
                trade_in_own_market(client, admin, click.echo)
            else:
                trade(client, market, click.echo)
        finally:
            client.close()
    except (ApiRefused, ApiUnreachable, SmokeFailed) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(1)
    click.echo("A trade went through.")


def _somebody_types() -> bool:
    return sys.stdin.isatty()


def trade_in_own_market(client: ApiClient, admin: ReplayAccount, say: Say) -> None:
    """List a market, trade in it, and end it so that all have their money back.

    Raises:
        ApiRefused, ApiUnreachable: a step was refused, or not answered.
        SmokeFailed: a step did something else than it has to.
    """
    admin.sign_in()
    say("signed in")
    slug = f"smoke-{secrets.token_hex(6)}"
    body = {
        "slug": slug,
        "question": "Does a trade go through?",
        "category": "smoke",
        "closeTime": iso_millis(now_us() + _LIFE_US),
    }
    admin.call("POST", "/markets", body)
    say(f"listed {slug}")
    try:
        trade(client, slug, say)
    finally:
        _end(admin, slug, say)


def _end(admin: ReplayAccount, slug: str, say: Say) -> None:
    try:
        body = {"outcome": "VOID", "source": "end of a smoke test"}
        admin.call("POST", f"/markets/{slug}/resolve", body)
        say("void, and everybody has theirs back")
    except ApiRefused as refusal:
        if refusal.code != _TWO_PERSONS:
            raise
        admin.call("PATCH", f"/markets/{slug}/status", {"status": "CLOSED"})
        say(f"closed {slug}: two persons have to void it")


def trade(client: ApiClient, slug: str, say: Say) -> None:
    """Let two new users trade with each other; raises as `trade_in_own_market` does."""
    run = secrets.token_hex(6)
    placed: list[tuple[ReplayAccount, str]] = []
    with ExitStack() as undoing:
        accounts: list[ReplayAccount] = []
        undoing.callback(_withdraw, accounts, say)
        for outcome in ("YES", "NO"):
            account = register(client, f"smoke-{run}-{outcome.lower()}@smoke.invalid")
            accounts.append(account)
            begun = time.monotonic()
            answer = account.call("POST", f"/orders/{slug}", _order(outcome, run))
            took_ms = (time.monotonic() - begun) * 1_000
            placed.append((account, answer.data["order"]["id"]))
            say(f"a new user's order for {outcome} was acknowledged in {took_ms:.0f} ms")
        for account, order_id in placed:
            order: dict[str, Any] = account.call("GET", f"/orders/{order_id}").data
            if order["status"] != "FILLED":
                raise SmokeFailed(f"order {order_id} is {order['status']} and not FILLED")
        undoing.pop_all()  # Nothing is open any more.
    if not placed[0][0].call("GET", f"/markets/{slug}/trades").data:
        raise SmokeFailed(f"the trade in {slug} isn't told")
    say("both orders are filled, and the trade is told")


def _withdraw(accounts: Sequence[ReplayAccount], say: Say) -> None:
    """Cancel all that these users have open: also orders whose answer was lost, with their id."""
    for account in accounts:
        try:
            account.call("DELETE", "/orders")
        except (ApiRefused, ApiUnreachable) as error:
            # What failed first is the better reason; it goes on being raised.
            say(f"an order may have been left open: {error}")
        else:
            say("open orders of the new user are cancelled")


def _order(outcome: str, run: str) -> dict[str, object]:
    return {
        "side": "BUY",
        "outcome": outcome,
        "type": "LIMIT",
        "price": PRICE,
        "quantity": QUANTITY,
        "clientOrderId": f"smoke-{run}",
    }
