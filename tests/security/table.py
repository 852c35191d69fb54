"""Who may call what: one line for each route and for each event of a socket.

    EVERYBODY      whoever comes, signed in or not
    SIGNED_IN      whoever is signed in; it acts on the caller's own things and names nobody else's
    ADMIN          admins
    theirs(...)    whoever is signed in and has the thing that the path or the body names; what
                   everybody else is told, admins included, and the body to try it with

Laws: a route or an event without a line here fails the tests, as does a line without a route. The
rule is written by hand, apart from the route's own `access`, so that a slip in the one is seen in
the other. A path is tried with the things of `belongings.py`.
"""

from typing import Any, Final, NamedTuple

from gateway.http.routing import Access
from gateway.site.terminal import PAGES


class Rule(NamedTuple):
    """What holds of a row: who may call it, and what it says of somebody else's thing."""

    access: Access
    refusal: tuple[int, str] | None = None
    """Status and code for whoever hasn't the thing; None where no thing is named."""
    body: dict[str, Any] | None = None
    """What the thing is asked for with."""


EVERYBODY: Final = Rule(Access.PUBLIC)
SIGNED_IN: Final = Rule(Access.USER)
ADMIN: Final = Rule(Access.ADMIN)
NOT_FOUND: Final = (404, "NOT_FOUND")
NOT_OWNER: Final = (403, "NOT_ORDER_OWNER")


def sent(body: dict[str, Any]) -> Rule:
    """Return the rule of an event that needs a body before it is asked who sends it."""
    return Rule(Access.USER, None, body)


def theirs(refusal: tuple[int, str] = NOT_FOUND, body: dict[str, Any] | None = None) -> Rule:
    """Return the rule of what somebody has."""
    return Rule(Access.USER, refusal, body)


NOTED: Final = {"marketId": "rain", "side": "YES", "quantity": "1", "avgCost": "0.5"}
WATCHED: Final = {"marketId": "snow", "platform": "exchange"}
ROUTES: Final[dict[str, Rule]] = {
    **{f"GET {path}": EVERYBODY for path in (*PAGES, "/assets/{name}", "/notices.txt", "/plain")},
    "GET /auth/ways": EVERYBODY,
    "GET /proof": EVERYBODY,
    "GET /proof/me": SIGNED_IN,
    "GET /proof/{id}": EVERYBODY,
    "DELETE /admin/mirrors/{id}": ADMIN,
    "DELETE /admin/orders/{id}": ADMIN,
    "DELETE /alerts/webhooks/{id}": theirs(),
    "DELETE /research/{id}": theirs(),
    "DELETE /alerts/{id}": theirs(),
    "DELETE /backtests/{id}": theirs(),
    "DELETE /auth/2fa/passkeys/{id}": theirs(),
    "DELETE /auth/2fa/totp": SIGNED_IN,
    "DELETE /orders": SIGNED_IN,
    "DELETE /orders/by-client-id/{clientOrderId}": theirs((404, "ORDER_NOT_FOUND")),
    "DELETE /orders/{id}": theirs(NOT_OWNER),
    "DELETE /portfolios/{id}": theirs(),
    "DELETE /positions/{id}": theirs(),
    "DELETE /users/me": SIGNED_IN,
    "DELETE /users/me/api-keys/{id}": theirs(),
    "DELETE /users/me/links/{provider}": theirs(),
    "DELETE /users/me/sessions": SIGNED_IN,
    "DELETE /users/me/sessions/{id}": theirs(),
    "DELETE /users/me/wallets/{id}": theirs(),
    "DELETE /watchlists/{id}": theirs(),
    "DELETE /watchlists/{id}/items/{itemId}": theirs(),
    "GET /": EVERYBODY,
    "GET /alerts (page)": EVERYBODY,
    "GET /backtests (page)": EVERYBODY,
    "GET /research (page)": EVERYBODY,
    "GET /research/{id} (page)": EVERYBODY,
    "GET /markets (page)": EVERYBODY,
    "GET /proof (page)": EVERYBODY,
    "GET /matches (page)": EVERYBODY,
    "GET /.well-known/jwks.json": EVERYBODY,
    "GET /admin/accounts": ADMIN,
    "GET /admin/audit": ADMIN,
    "GET /admin/audit/export": ADMIN,
    "GET /admin/engine": ADMIN,
    "GET /admin/house": ADMIN,
    "GET /admin/jobs": ADMIN,
    "GET /admin/markets/{slug}/limits": ADMIN,
    "GET /admin/markets/{slug}/settlement": ADMIN,
    "GET /admin/mirrors": ADMIN,
    "GET /admin/mirrors/{id}": ADMIN,
    "GET /admin/checker": ADMIN,
    "GET /admin/findings": ADMIN,
    "GET /admin/proposals": ADMIN,
    "GET /admin/proposals/{id}": ADMIN,
    "GET /admin/stats": ADMIN,
    "GET /admin/users": ADMIN,
    "GET /admin/users/{id}": ADMIN,
    "GET /admin/users/{id}/limits": ADMIN,
    "GET /asyncapi.json": EVERYBODY,
    "GET /auth/2fa": SIGNED_IN,
    "GET /auth/2fa/passkeys": SIGNED_IN,
    "GET /auth/google": EVERYBODY,
    "GET /auth/google/callback": EVERYBODY,
    "GET /auth/me": SIGNED_IN,
    "GET /auth/wallet/nonce": EVERYBODY,
    "GET /auth/x": EVERYBODY,
    "GET /auth/x/callback": EVERYBODY,
    "GET /docs": EVERYBODY,
    "GET /bets/me": SIGNED_IN,
    "GET /bets/quote": SIGNED_IN,
    "GET /bets/{id}": theirs(),
    "GET /bets/{id}/sell/quote": theirs(),
    "GET /errors": EVERYBODY,
    "GET /events": EVERYBODY,
    "GET /events/{id}": EVERYBODY,
    "GET /exchange/status": EVERYBODY,
    "GET /export/{kind}": EVERYBODY,
    "GET /feed/status": EVERYBODY,
    "GET /health": EVERYBODY,
    "GET /hello": EVERYBODY,
    "GET /live": EVERYBODY,
    "GET /markets": EVERYBODY,
    "GET /markets/categories": EVERYBODY,
    "GET /markets/category/{category}": EVERYBODY,
    "GET /markets/random": EVERYBODY,
    "GET /markets/search": EVERYBODY,
    "GET /markets/{slug}": EVERYBODY,
    "GET /markets/{slug}/candles": EVERYBODY,
    "GET /markets/{slug}/full": EVERYBODY,
    "GET /markets/{slug}/history": EVERYBODY,
    "GET /markets/{slug}/latest": EVERYBODY,
    "GET /markets/{slug}/lifecycle": EVERYBODY,
    "GET /markets/{slug}/live": EVERYBODY,
    "GET /markets/{slug}/matches": EVERYBODY,
    "GET /markets/{slug}/orderbook": EVERYBODY,
    "GET /markets/{slug}/orderbook/deltas": EVERYBODY,
    "GET /markets/{slug}/orderbook/orders": EVERYBODY,
    "GET /markets/{slug}/snapshots": EVERYBODY,
    "GET /markets/{slug}/snapshots/latest": EVERYBODY,
    "GET /markets/{slug}/ticker": EVERYBODY,
    "GET /markets/{slug}/trades": EVERYBODY,
    "GET /matches": EVERYBODY,
    "GET /metrics": EVERYBODY,
    "GET /openapi.json": EVERYBODY,
    "GET /order-groups": SIGNED_IN,
    "GET /orders": SIGNED_IN,
    "GET /orders/by-client-id/{clientOrderId}": theirs((404, "ORDER_NOT_FOUND")),
    "GET /orders/user/orders": SIGNED_IN,
    "GET /orders/{id}": theirs(NOT_OWNER),
    "GET /orders/{id}/events": theirs(NOT_OWNER),
    "GET /orders/{slug}/orderbook": EVERYBODY,
    "GET /orders/{slug}/trades": EVERYBODY,
    "GET /portfolios": SIGNED_IN,
    "GET /portfolios/summary": SIGNED_IN,
    "GET /portfolios/{id}": theirs(),
    "GET /portfolios/{id}/history": theirs(),
    "GET /portfolios/{id}/positions": theirs(),
    "GET /positions/{id}": theirs(),
    "GET /ready": EVERYBODY,
    "GET /snapshots/{id}": EVERYBODY,
    "GET /static/{name}": EVERYBODY,
    "GET /summaries": EVERYBODY,
    "GET /summaries/{day}": EVERYBODY,
    "GET /tickers": EVERYBODY,
    "GET /time": EVERYBODY,
    "GET /user/balance": SIGNED_IN,
    "GET /user/escrow": SIGNED_IN,
    "GET /user/events": SIGNED_IN,
    "GET /user/fills": SIGNED_IN,
    "GET /user/ledger": SIGNED_IN,
    "GET /user/limits": SIGNED_IN,
    "GET /user/portfolio": SIGNED_IN,
    "GET /user/positions": SIGNED_IN,
    "GET /user/settlements": SIGNED_IN,
    "GET /users/me": SIGNED_IN,
    "GET /users/me/api-keys": SIGNED_IN,
    "GET /users/me/export": SIGNED_IN,
    "GET /users/me/links": SIGNED_IN,
    "GET /users/me/preferences": SIGNED_IN,
    "GET /users/me/sessions": SIGNED_IN,
    "GET /users/me/wallets": SIGNED_IN,
    "GET /users/{id}": EVERYBODY,
    "GET /economy/daily-credits": SIGNED_IN,
    "GET /leaderboard/calibration": EVERYBODY,
    "GET /leaderboard/me": SIGNED_IN,
    "GET /leaderboard/pnl": EVERYBODY,
    "GET /leaderboard/volume": EVERYBODY,
    "GET /economy/portfolio": SIGNED_IN,
    "GET /economy/stocks": EVERYBODY,
    "GET /economy/stocks/{symbol}/prices": EVERYBODY,
    "GET /economy/stocks/{symbol}/quote": SIGNED_IN,
    "GET /economy/transactions": SIGNED_IN,
    "GET /purchases/me": SIGNED_IN,
    "GET /purchases/packages": EVERYBODY,
    "GET /referrals/me": SIGNED_IN,
    "GET /referrals/me/invited": SIGNED_IN,
    "GET /transactions/me": SIGNED_IN,
    "GET /transactions/me/export": SIGNED_IN,
    "GET /research": SIGNED_IN,
    "GET /research/budget": SIGNED_IN,
    "GET /research/{id}": theirs(),
    "GET /alerts": SIGNED_IN,
    "GET /alerts/firings": SIGNED_IN,
    "GET /alerts/webhooks": SIGNED_IN,
    "GET /alerts/webhooks/{id}/deliveries": theirs(),
    "GET /alerts/{id}": theirs(),
    "GET /backtests": SIGNED_IN,
    "GET /backtests/strategies": SIGNED_IN,
    "GET /backtests/{id}": theirs(),
    "GET /watchlists": SIGNED_IN,
    "GET /watchlists/{id}": theirs(),
    "PATCH /admin/mirrors/{id}": ADMIN,
    "PATCH /admin/users/{id}/role": ADMIN,
    "PATCH /admin/stocks/{symbol}": ADMIN,
    "PATCH /auth/2fa/passkeys/{id}": theirs(body={"label": "b"}),
    "PATCH /markets/{slug}": ADMIN,
    "PATCH /markets/{slug}/status": ADMIN,
    "PATCH /orders/{id}": theirs(NOT_OWNER, {"quantity": "2"}),
    "PATCH /portfolios/{id}": theirs(body={"name": "b"}),
    "PATCH /positions/{id}": theirs(body={"quantity": "2"}),
    "PATCH /users/me": SIGNED_IN,
    "PATCH /users/me/api-keys/{id}": theirs(body={"label": "b"}),
    "PATCH /alerts/webhooks/{id}": theirs(body={"active": True}),
    "PATCH /alerts/{id}": theirs(body={"note": "b"}),
    "PATCH /watchlists/{id}": theirs(body={"name": "b"}),
    "POST /admin/exchange/mode": ADMIN,
    "POST /admin/mirrors": ADMIN,
    "POST /admin/findings/{id}/acknowledge": ADMIN,
    "POST /admin/proposals": ADMIN,
    "POST /admin/proposals/{id}/approve": ADMIN,
    "POST /admin/proposals/{id}/reject": ADMIN,
    "POST /admin/stocks": ADMIN,
    "POST /admin/users/{id}/credit": ADMIN,
    "POST /admin/users/{id}/debit": ADMIN,
    "POST /admin/users/{id}/suspend": ADMIN,
    "POST /backtests": SIGNED_IN,
    "POST /backtests/{id}/cancel": theirs(),
    "POST /auth/2fa/options": EVERYBODY,
    "POST /auth/2fa/passkeys": SIGNED_IN,
    "POST /auth/2fa/passkeys/options": SIGNED_IN,
    "POST /auth/2fa/recovery": SIGNED_IN,
    "POST /auth/2fa/totp": SIGNED_IN,
    "POST /auth/2fa/totp/confirm": SIGNED_IN,
    "POST /auth/2fa/verify": EVERYBODY,
    "POST /auth/code": EVERYBODY,
    "POST /auth/email/send": SIGNED_IN,
    "POST /auth/email/verify": EVERYBODY,
    "POST /auth/login": EVERYBODY,
    "POST /auth/logout": EVERYBODY,
    "POST /auth/passkeys": EVERYBODY,
    "POST /auth/passkeys/options": EVERYBODY,
    "POST /auth/password/change": SIGNED_IN,
    "POST /auth/password/forgot": EVERYBODY,
    "POST /auth/password/reset": EVERYBODY,
    "POST /auth/refresh": EVERYBODY,
    "POST /auth/register": EVERYBODY,
    "POST /auth/step-up": SIGNED_IN,
    "POST /auth/step-up/options": SIGNED_IN,
    "POST /auth/wallet": EVERYBODY,
    "POST /auth/wallet/step-up": SIGNED_IN,
    "POST /markets": ADMIN,
    "POST /markets/ingest": ADMIN,
    "POST /markets/{slug}/resolve": ADMIN,
    "POST /matches/{id}": ADMIN,
    "POST /order-groups": SIGNED_IN,
    "POST /order-groups/{id}/reset": theirs((404, "GROUP_NOT_FOUND")),
    "POST /orders/batch": SIGNED_IN,
    "POST /orders/heartbeat": SIGNED_IN,
    "POST /orders/oco": SIGNED_IN,
    "POST /orders/preview": SIGNED_IN,
    "POST /orders/{id}": SIGNED_IN,
    "POST /portfolios": SIGNED_IN,
    "POST /portfolios/{id}/positions": theirs(body=NOTED),
    "POST /positions/{id}/close": theirs(body={"price": "0.5"}),
    "POST /users/me/api-keys": SIGNED_IN,
    "POST /users/me/links/{provider}": SIGNED_IN,
    "POST /users/me/wallets": SIGNED_IN,
    "POST /economy/buy": SIGNED_IN,
    "POST /economy/daily-credits": SIGNED_IN,
    "POST /economy/sell": SIGNED_IN,
    "POST /alerts": SIGNED_IN,
    "POST /alerts/webhooks": SIGNED_IN,
    "POST /alerts/webhooks/{id}/test": theirs(),
    "POST /bets": SIGNED_IN,
    "POST /bets/{id}/sell": theirs(),
    "POST /purchases": SIGNED_IN,
    "POST /research": SIGNED_IN,
    "POST /research/search": SIGNED_IN,
    "POST /research/webhook": EVERYBODY,
    "POST /watchlists": SIGNED_IN,
    "POST /watchlists/{id}/items": theirs(body=WATCHED),
    "PUT /admin/markets/{slug}/limits": ADMIN,
    "PUT /admin/users/{id}/limits": ADMIN,
    "PUT /admin/users/{id}/rate-tier": ADMIN,
    "PUT /users/me/preferences": SIGNED_IN,
}
"""By method and path as the route table writes them."""

ORDER: Final = {
    "market": "rain",
    "side": "BUY",
    "outcome": "YES",
    "type": "LIMIT",
    "price": "0.01",
    "quantity": "1",
}
EVENTS: Final[dict[str, Rule]] = {
    "order:amend": theirs(NOT_OWNER, {"quantity": "2"}),
    "order:batch": sent({"operations": [{"op": "cancel", "orderId": "9"}]}),
    "order:cancel": theirs(NOT_OWNER, {}),
    "order:cancel_all": SIGNED_IN,
    "order:oco": sent({"orders": [ORDER, ORDER]}),
    "order:place": sent(ORDER),
    "order:preview": sent(ORDER),
    "ping": EVERYBODY,
    "session:authenticate": EVERYBODY,
    "session:cancel_on_disconnect": sent({"enabled": False}),
    "session:heartbeat": sent({"timeoutMs": 0}),
    "session:resume": sent({"accountSeq": 1}),
    "subscribe:market": EVERYBODY,
    "subscribe:stocks": EVERYBODY,
    "unsubscribe:market": EVERYBODY,
    "unsubscribe:stocks": EVERYBODY,
}
"""By name; that of `theirs` is sent with the `orderId` of somebody else's order."""


def unruled(kind: str, rules: dict[str, Any], there: set[str]) -> str:
    """Say what is missing in, or left over of, a table of rules; empty if nothing is."""
    lines = [
        f'    "{name}": EVERYBODY | SIGNED_IN | ADMIN | theirs(...),'
        for name in sorted(there - rules.keys())
    ]
    told = [f"say who may, in {kind} of tests/security/table.py:", *lines] if lines else []
    gone = sorted(rules.keys() - there)
    return "\n".join([*told, *(f"{kind} has a rule for {name}, which is gone" for name in gone)])
