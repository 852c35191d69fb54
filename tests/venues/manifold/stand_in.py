"""Manifold on loopback: its list of markets, newest first, and its bets."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.venues.stand_in import StandIn, answer


def manifold(markets: list[dict[str, Any]], bets: list[dict[str, Any]]) -> StandIn:
    async def list_markets(request: Request) -> Response:
        asked, ids = request.query_params, request.query_params.getlist("ids")
        names = [market["id"] for market in markets]
        begin = names.index(asked["before"]) + 1 if "before" in asked else 0
        found = [market for market in markets[begin:] if not ids or market["id"] in ids]
        return answer(json.dumps(found[: int(asked["limit"])]).encode())

    async def list_bets(request: Request) -> Response:
        of = request.query_params["contractId"]
        found = [bet for bet in bets if bet["contractId"] == of]
        return answer(json.dumps(found[: int(request.query_params["limit"])]).encode())

    return StandIn({"/v0/markets": list_markets, "/v0/bets": list_bets})
