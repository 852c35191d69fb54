"""All routes of the API: each area's rows, put together in one place."""

from typing import Final

from gateway import admin_routes, auth_routes, docs_routes
from gateway.routing import RouteTable

API_TABLE: Final = RouteTable(
    (*auth_routes.ROUTES, *admin_routes.ROUTES, *docs_routes.ROUTES),
)
