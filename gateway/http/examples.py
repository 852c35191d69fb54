"""Examples for bodies and answers in the OpenAPI document, made of their schemas.

Laws: an example fits its schema (a test holds every one to it), names nobody, and is the same each
time. What a field is called says what stands in it (`_BY_NAME`); where the schema doesn't take
that, or no name is known, the plainest value that the schema takes does. What may be null is shown
as it is when it is there; in a body, what may be left out is left out unless it belongs to the
common case.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Schema = Mapping[str, Any]

_TIME: Final = "2026-11-27T12:00:00.000Z"
_REFERENCE: Final = "#/components/schemas/"
_DEEPEST: Final = 8
_BASE64: Final = "QmFzZTY0dXJs"
_IS_TIME: Final = re.compile(r"(At|Time|Until|After|^time|^at|timestamp|^from|^to|since)$")
_BY_NAME: Final[dict[str, Sequence[Any]]] = {
    "price": ("0.55",), "yesPrice": ("0.55",), "lastPrice": ("0.55",), "averagePrice": ("0.55",),
    "bestBid": ("0.54",), "bestAsk": ("0.56",), "mid": ("0.55",), "spread": ("0.02",),
    "triggerPrice": ("0.60",), "worstPrice": ("0.60",), "avgCost": ("0.55",),
    "quantity": ("10.00", "10"), "remaining": ("6.00",), "filled": ("4.00",), "free": ("10.00",),
    "orderQuantity": ("10.00",), "minQuantity": ("1.00",),
    "maxNet": ("100",), "maxFilled": ("100",),
    "available": ("994.500000",), "locked": ("5.500000",), "cost": ("5.500000",),
    "total": (1, "1000.000000"), "amount": ("100", "100.000000"), "value": ("5.500000",),
    "fee": ("0.000000",), "fees": ("0.000000",), "takerFee": ("0.01",), "makerFee": ("0",),
    "maxCost": ("6.00",), "tickSize": ("0.01",), "yesPayout": ("1.0000", "0.25"),
    "volume": ("1204.000000",), "volume24h": ("310.000000",), "liquidity": ("86.000000",),
    "id": ("7", 7, _BASE64), "rawId": (_BASE64,), "marketId": ("1",), "orderId": ("7",),
    "userId": ("3",), "tradeId": ("12",), "portfolioId": ("2",), "eventId": ("rain-2026",),
    "market": ("rain",), "slug": ("rain",), "question": ("Will it rain tomorrow?",),
    "description": ("Any rain at the airport's station.",), "category": ("weather",),
    "platform": ("exchange",), "status": ("OPEN", "open"), "outcome": ("YES",),
    "side": ("BUY", "THIS"),
    "type": ("LIMIT",), "timeInForce": ("GTC",), "email": ("ada@example.org",),
    "password": ("correct horse",), "currentPassword": ("correct horse",),
    "newPassword": ("battery staple",), "displayName": ("Ada",), "username": ("ada",),
    "name": ("Rain",), "title": ("Rain",), "label": ("laptop",), "clientOrderId": ("mine-1",),
    "requestId": ("request-1",), "groupId": ("quotes",), "reason": ("asked for by its owner",),
    "source": ("the weather service's report",), "avatarUrl": ("https://example.org/ada.png",),
    "url": ("https://example.org",), "code": ("123456", "a" * 43), "timeZone": ("Europe/Vienna",),
    "language": ("en",), "currency": ("USD",), "role": ("USER",), "nextCursor": ("bmV4dA",),
    "closeTime": ("2026-12-31T00:00:00Z",), "expiresAt": ("2026-12-31T00:00:00Z",), "epoch": (3,),
    "seq": (1204,), "asOfSeq": (1204,), "accountSeq": (57,), "tradeNo": (12, "12"), "version": (1,),
    "limit": (50, "50"), "windowSeconds": (60,), "timeoutMs": (10_000,), "checksum": (3795016920,),
    "address": ("0x52908400098527886E0F7030069857D2E4169EE7", "203.0.113.7"), "chainId": ("1",),
    "signature": (_BASE64,), "attestationObject": (_BASE64,), "authenticatorData": (_BASE64,),
    "clientDataJSON": (_BASE64,), "userHandle": (_BASE64,), "scopes": (["read"],), "op": ("place",),
    "yesAsk": ("0.56",), "noAsk": ("0.46",), "tags": (["weather"],), "priceBand": ("0.10",),
    "packageId": ("regular",), "kind": ("add", "PRICE_ABOVE"), "reference": ("1-1",),
    "resolution": ("YES",), "change24h": ("0.02",),
    "query": ("What do forecasts say about rain in Vienna this week?",), "processor": ("base",),
    "budget": ("100.00",), "held": ("1.00",), "spent": ("2.50",), "left": ("96.50",),
    "searchCost": ("0.50",), "month": ("2026-11",), "content": ("It will probably rain.",),
    "check": ("supply",), "subject": ("market 1",), "expected": ("1000000 owed",),
    "seen": ("2000000 collateral",), "note": ("restored from the backup of 04:40",),
    **dict.fromkeys(("root", "chainHead", "salt", "hash"), ("5f" * 32,)), "place": (517,),
    "collateral": ("120.000000",), "issued": ("10000.000000",),
    "proofId": ("7",), "jws": ("eyJhbGciOiJFZERTQSJ9.eyJ2ZXJzaW9uIjoxfQ.c2lnbmVk",),
    **dict.fromkeys(("open", "high", "low", "close", "high24h", "low24h", "markPrice"), ("0.55",)),
    "closePrice": ("0.55",), "basePrice": ("1.000000",), "liquidationPrice": ("0.800000",),
    "reserveId": ("9000000000000001",), "currentPrice": ("1.000000",),
    "noPrice": ("0.45",), "priceMin": ("0.0001",), "priceMax": ("0.9999",),
    "priceDifference": ("0.02",),
    **dict.fromkeys(("bestBidQuantity", "bestAskQuantity", "bidQuantity"), ("10.00",)),
    **dict.fromkeys(("askQuantity", "quantity24h", "yesQuantity", "noQuantity"), ("10.00",)),
    **dict.fromkeys(("openInterest", "position", "lockedShares"), ("10.00",)),
    "quantityMax": ("1000000.00",),
    **dict.fromkeys(("balanceAfter", "availableAfter", "equity", "issued"), ("1000.000000",)),
    **dict.fromkeys(("lockedAfter", "lockedCredits", "positionsCost"), ("5.500000",)),
    **dict.fromkeys(("positionsValue", "capitalCost", "turnover"), ("5.500000",)),
    **dict.fromkeys(("profit", "netProfit", "realisedProfit"), ("1.200000",)),
    **dict.fromkeys(("unrealisedProfit", "realizedPnl", "totalPnl"), ("1.200000",)),
    "unrealizedPnl": ("1.200000",), "volumeTotal": ("5402.000000",),
    "orderNotional": ("5500.000000",), "nextAmount": ("110.000000",), "earned": ("50.000000",),
    **dict.fromkeys(("payout", "paid", "collateral"), ("10.000000",)), "noPayout": ("0.0000",),
    "credits": ("1100.000000",), "bonus": ("100.000000",),
    **dict.fromkeys(("alertId", "webhookId", "firingId", "ocoOrderId", "accountId"), ("7",)),
    **dict.fromkeys(("actorId", "proposerId", "decidedBy"), ("3",)),
    "externalId": ("KXHIGHNY-26JAN31-B40",), "day": ("2026-11-27",),
    "clientBetId": ("bet-1",), "betId": ("7",), "closedBy": ("8",), "maxPrice": ("0.60",),
    **dict.fromkeys(("shares", "openShares", "sold"), ("100.00",)),
    **dict.fromkeys(("proceeds", "minProceeds", "minProceedsMax"), ("55.000000",)),
    "potentialPayout": ("100.000000",), "tape": ("sample",), "model": ("trades",),
    **dict.fromkeys(("start", "end", "cash"), ("1000.000000",)),
    **dict.fromkeys(("net", "gross", "drawdownMoney"), ("1.200000",)), "drawdown": ("0.012000",),
    **dict.fromkeys(("sharpe", "sortino", "profitFactor"), ("1.250000",)),
    **dict.fromkeys(("totalReturn", "winRate", "exposure", "fillRatio"), ("0.120000",)),
    "brier": ("0.180000",), "queueSeconds": ("4.200000",), "progress": ("1.0000",),
}  # fmt: skip
"""What stands in a field of that name, the first that its schema takes."""
_IN_BODY: Final = frozenset(
    {"price", "quantity", "timeInForce", "clientOrderId", "market", "label", "reason", "email"}
    | {"displayName", "closeTime", "outcome", "name", "token", "requestId", "side", "type"}
    | {"clientBetId", "tape"}
)
"""What a body shows though it may be left out."""


def example_of(schema: Schema, components: Mapping[str, Schema], *, is_body: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Return an example of a schema whose references lie in `components`."""
    return _Maker(components, is_body=is_body).make(schema, "", 0)


def failure_example(code: str, message: str) -> dict[str, Any]:
    """Return an example of what is told of an error."""
    field, _, what = message.partition(": ")
    details = [{"field": field, "message": what}] if what and " " not in field else []
    return {
        "success": False,
        "error": {"code": code, "message": message, "details": details},
        "meta": {"timestamp": _TIME, "requestId": "request-1"},
    }


class _Maker:
    def __init__(self, components: Mapping[str, Schema], *, is_body: bool) -> None:
        self._components = components
        self._is_body = is_body

    def make(self, schema: Schema, name: str, depth: int) -> Any:  # noqa: ANN401 - any JSON
        """Return an example of what is called `name`."""
        if "$ref" in schema:
            found = self._components[schema["$ref"].removeprefix(_REFERENCE)]
            return self.make(found, name, depth)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                kinds = [kind for kind in schema[key] if kind.get("type") != "null"]
                rest = {k: v for k, v in schema.items() if k not in {key, "default"}}
                if not kinds:
                    return None
                kind = kinds[0]
                return self.make(kind if "$ref" in kind else {**rest, **kind}, name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return _first(_BY_NAME.get(name, ()), schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next(one for one in kind if one != "null")
        if kind == "null":
            return None
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return _scalar(schema, kind, name)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        made = {}
        for name, part in schema.get("properties", {}).items():
            if name not in required and (depth >= _DEEPEST or self._is_left_out(name, depth)):
                continue
            made[name] = self.make(part, name, depth + 1)
        return made

    def _is_left_out(self, name: str, depth: int) -> bool:
        # An id names one thing: what is there several times is shown without.
        return self._is_body and (name not in _IN_BODY or (name.endswith("Id") and depth > 0))

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            names = ("price", "quantity")
            parts = zip(schema["prefixItems"], names * len(schema["prefixItems"]), strict=False)
            return [self.make(part, one, depth + 1) for part, one in parts]
        least = schema.get("minItems", 0)
        if depth >= _DEEPEST:
            return []
        items = schema.get("items")
        known = next((one for one in _BY_NAME.get(name, ()) if isinstance(one, list)), None)
        if known is not None:
            return list(known)
        if not isinstance(items, Mapping):
            return []
        return [self.make(items, name.removesuffix("s"), depth + 1) for _ in range(max(least, 1))]


def _first(wanted: Sequence[Any], taken: Sequence[Any]) -> Any:  # noqa: ANN401 - any JSON
    return next((one for one in wanted if one in taken), taken[0])


def _scalar(schema: Schema, kind: str | None, name: str) -> Any:  # noqa: ANN401 - any JSON
    if schema.get("examples"):
        return schema["examples"][0]
    for known in _BY_NAME.get(name, ()):
        if _takes(schema, kind, known):
            return known
    if kind == "boolean":
        return bool(schema.get("default", True))
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 1), min(1, schema.get("maximum", 1)))
    if kind == "string":
        return _text(schema, name)
    return {}


def _text(schema: Schema, name: str) -> str:
    guesses = (
        _TIME if _IS_TIME.search(name) else "",
        name, "1", "0.01", "2026-12-31T00:00:00Z", _BASE64, "https://example.org/a", "a" * 43,
    )  # fmt: skip
    return next((one for one in guesses if one and _takes(schema, "string", one)), name)


def _takes(schema: Schema, kind: str | None, value: Any) -> bool:  # noqa: ANN401 - any JSON
    if kind == "string":
        if not isinstance(value, str):
            return False
        pattern = schema.get("pattern")
        fits = pattern is None or re.search(pattern, value) is not None
        return fits and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6)
    if kind in {"integer", "number"}:
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return False
