"""Somebody who has one of everything that can be somebody's, and what became of it.

A new kind of thing that people have is made in `give_one_of_everything`, and its place in paths is
a line there.
"""

import re
from dataclasses import dataclass
from typing import Any

from exchange.messages.commands import OpenAccount, PlaceOrder
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES
from persistence.clock import now_us
from persistence.repositories.research.budgets import MonthlyBounds
from persistence.repositories.research.inquiries import Bounds, Inquiries, NewInquiry
from tests.gateway.conftest import Person, Web
from tests.gateway.portfolio.venue_fake import Caller
from tests.persistence.running import listing

CREDITS = 1_000_000_000
OTHERS = 9_000
MOVES = {"exportedAt", "doneByYou"}
MEANINGLESS = "1"
"""Stands in a path for what the row's rule doesn't ask about."""


@dataclass
class Belongings:
    """What one person has, by its place in a path."""

    web: Web
    owner: Person
    places: dict[str, str]
    """What begins a path -> the same with the owner's thing in it; the longest one counts."""

    def path(self, template: str) -> str:
        """Fill in the owner's things."""
        best = max((p for p in self.places if template.startswith(p)), key=len, default="")
        path = self.places.get(best, "") + template[len(best) :]
        return re.sub(r"\{\w+\}", MEANINGLESS, path)

    async def told(self) -> dict[str, Any]:
        """Return all that is the owner's, in the database and in the exchange."""
        caller = Caller(self.web, self.owner)
        answer = await caller.call("GET", "/users/me/export")
        assert answer.status_code == 200, answer.text
        kept = answer.json()
        # What others try is noted of them, and when somebody was last seen moves.
        told = {name: part for name, part in kept.items() if name not in MOVES}
        # So is that an auditor looked.
        told["doneAboutYou"] = [
            line for line in told["doneAboutYou"] if line["action"] != "user.read"
        ]
        for path in ("/orders", "/user/balance", "/order-groups"):
            told[path] = await caller.data("GET", path)
        sessions = await caller.data("GET", "/users/me/sessions")
        told["sessions"] = [session["id"] for session in sessions]
        return told


def open_account(web: Web, person: Person) -> None:
    """Give somebody credits in the exchange."""
    if person.id not in web.engine.view.accounts:
        web.engine.run(OpenAccount(person.id, CREDITS))


async def give_one_of_everything(web: Web) -> Belongings:
    """Register somebody who has one of everything."""
    owner = await web.register()
    ann = Caller(web, owner)
    web.engine.run(listing())
    web.engine.run(listing("snow"))
    open_account(web, owner)
    for name in (None, "one"):
        place = PlaceOrder(owner.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id=name)
        web.engine.run(place)
    web.engine.run(SetOrderGroup(owner.id, "mm", 4_000, 1))
    watchlist = (await ann.data("POST", "/watchlists", {"name": "a"}))["id"]
    watched = {"marketId": "rain", "platform": "exchange"}
    item = (await ann.data("POST", f"/watchlists/{watchlist}/items", watched))["id"]
    hook = await ann.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/"})
    alert = (await ann.data("POST", "/alerts", {"kind": "FILL"}))["id"]
    asked = {"strategy": "momentum", "tape": "sample"}
    backtest = (await ann.data("POST", "/backtests", asked))["id"]
    question = await _question(web, owner)
    bet = await _bet(web, ann)
    portfolio = (await ann.data("POST", "/portfolios", {"name": "a"}))["id"]
    noted = {"marketId": "rain", "side": "YES", "quantity": "1", "avgCost": "0.5"}
    position = (await ann.data("POST", f"/portfolios/{portfolio}/positions", noted))["id"]
    wanted = {"label": "a", "algorithm": "hmac-sha256", "scopes": ["read"]}
    key = await ann.data("POST", "/users/me/api-keys", wanted)
    passkey, wallet = await _ways_in(web, owner.id)
    session = (await ann.data("GET", "/users/me/sessions"))[0]["id"]
    places = {
        "/alerts/webhooks/{id}": f"/alerts/webhooks/{hook['webhook']['id']}",
        "/alerts/{id}": f"/alerts/{alert}",
        "/auth/2fa/passkeys/{id}": f"/auth/2fa/passkeys/{passkey}",
        "/backtests/{id}": f"/backtests/{backtest}",
        "/bets/{id}": f"/bets/{bet}",
        "/order-groups/{id}": "/order-groups/mm",
        "/orders/by-client-id/{clientOrderId}": "/orders/by-client-id/one",
        "/orders/{id}": "/orders/1",
        "/portfolios/{id}": f"/portfolios/{portfolio}",
        "/positions/{id}": f"/positions/{position}",
        "/research/{id}": f"/research/{question}",
        "/users/me/api-keys/{id}": f"/users/me/api-keys/{key['key']['id']}",
        "/users/me/sessions/{id}": f"/users/me/sessions/{session}",
        "/users/me/links/{provider}": "/users/me/links/x",
        "/users/me/wallets/{id}": f"/users/me/wallets/{wallet}",
        "/watchlists/{id}": f"/watchlists/{watchlist}",
        "/watchlists/{id}/items/{itemId}": f"/watchlists/{watchlist}/items/{item}",
    }
    return Belongings(web, owner, places)


async def _question(web: Web, owner: Person) -> int:
    """Let somebody have asked something; return its id."""
    new = NewInquiry(
        user_id=owner.id,
        request_id=None,
        query="rain?",
        platform=None,
        external_id=None,
        processor="base",
        format="text",
        input="rain?",
        key=b"k" * 32,
        token="theirs",
        cost=1,
        month=202_611,
    )
    now = now_us()
    return (
        await Inquiries(web.parts.pool).ask(new, Bounds(1, MonthlyBounds(1, 0), 1), now, now)
    ).id


_PASSKEY = """
INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, label, transports, is_synced,
                      created_at)
VALUES ($1, 'theirs', 'a key', 0, 'phone', '{}', false, 1) RETURNING id
"""
_WALLET = """
INSERT INTO wallets (user_id, kind, address, created_at, last_used_at)
VALUES ($1, 'ethereum', '0x52908400098527886E0F7030069857D2E4169EE7', 1, 1) RETURNING id
"""

_LINK = "INSERT INTO linked_accounts VALUES ($1, 'x', 'theirs', 'them', 'tokens', 1, 1)"


async def _bet(web: Web, ann: Caller) -> str:
    """Have somebody bet against the orders of somebody else; return the bet's id."""
    web.engine.run(OpenAccount(OTHERS, CREDITS))
    for outcome, price in ((NO, 5_000), (YES, 4_000)):
        web.engine.run(PlaceOrder(OTHERS, 2, BUY, outcome, LIMIT, price, 10_000, GTC))
    wanted = {"marketId": "snow", "side": "THIS", "amount": "10"}
    number: str = (await ann.data("POST", "/bets", wanted))["id"]
    return number


async def _ways_in(web: Web, user_id: int) -> tuple[int, int]:
    """Give somebody a passkey, a wallet and an account at X, past what they would have to prove;
    return the first two's ids.
    """
    passkey: int = await web.parts.pool.fetchval(_PASSKEY, user_id)
    wallet: int = await web.parts.pool.fetchval(_WALLET, user_id)
    await web.parts.pool.execute(_LINK, user_id)
    return passkey, wallet
