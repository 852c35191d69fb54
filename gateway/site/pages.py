"""The API's description of itself: the OpenAPI document and a page to read it."""

from typing import Final

from gateway.http.request import File, Request
from gateway.http.routing import Access, Limit, Route, Shape
from gateway.operations.health_routes import STATIC_FILES


async def openapi(request: Request[None, None]) -> File:
    """Return the OpenAPI document."""
    return File("application/json", request.services.openapi)


async def docs(_request: Request[None, None]) -> File:
    """Return the page that shows it."""
    return STATIC_FILES["docs.html"]


ROUTES: Final = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        access=Access.PUBLIC,
        answer=str,
        shape=Shape.FILE,
        limit=Limit.UNLIMITED,
        summary="The OpenAPI document",
        tag="docs",
    ),
    Route(
        method="GET",
        path="/docs",
        handler=docs,
        access=Access.PUBLIC,
        answer=str,
        shape=Shape.FILE,
        limit=Limit.UNLIMITED,
        summary="A page to read it",
        tag="docs",
    ),
)
