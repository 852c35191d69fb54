"""All routes of the API: each area's rows, put together in one place."""

from typing import Final

from gateway.accounts import admin_routes
from gateway.accounts import routes as auth_routes
from gateway.http.routing import RouteTable
from gateway.markets import admin_routes as market_admin_routes
from gateway.markets import routes as market_routes
from gateway.operations import admin_routes as exchange_admin_routes
from gateway.portfolio import routes as user_routes
from gateway.site import pages as docs_routes
from gateway.trading import routes as order_routes

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
