"""All routes of the API: each area's rows, put together in one place."""

from typing import Final

from gateway import (
    admin_routes,
    auth_routes,
    docs_routes,
    exchange_admin_routes,
    market_admin_routes,
    market_routes,
    order_routes,
    user_routes,
)
from gateway.routing import RouteTable

API_TABLE: Final = RouteTable(
    (
        *auth_routes.ROUTES,
        *market_routes.ROUTES,
        *market_admin_routes.ROUTES,
        *order_routes.ROUTES,
        *user_routes.ROUTES,
        *admin_routes.ROUTES,
        *exchange_admin_routes.ROUTES,
        *docs_routes.ROUTES,
    ),
)
