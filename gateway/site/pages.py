"""The parts of pages, and the API's description of itself with a page to read it.

The page is the terminal's for developers; where the terminal isn't built it is a plain list.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from importlib.resources import files
from typing import Final

import msgspec

from gateway.access.budgets import Budget
from gateway.http.openapi import Choices, Document, openapi_document
from gateway.http.request import File, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.site.forms import Forms, compressed
from gateway.site.terminal import PageQuery, Terminal
from gateway.wire.errors import NotFound

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Pages and their parts, by file name; read once, as the package holds them."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        for entry in files("gateway.site").joinpath("static").iterdir():
            content_type = _TYPES.get(entry.name.rpartition(".")[2])
            if content_type is not None:
                self._files[entry.name] = File(content_type, entry.read_bytes(), is_page=True)

    def find(self, name: str) -> File:
        """Return a file; raises NotFound."""
        found = self._files.get(name)
        if found is None:
            raise NotFound
        return found

    async def static_file(self, request: Request[None, None]) -> File:
        """Return a part of a page."""
        return self.find(request.path["name"])

    def routes(self) -> tuple[Route, ...]:
        """Return the row, at the root."""
        return (
            Route(
                method="GET",
                path="/static/{name}",
                handler=self.static_file,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                errors=(NotFound,),
                summary="Parts of pages",
                tag="pages",
            ),
        )


class ApiDescription:
    """The OpenAPI document of all rows, its own among them, and a page that shows it.

    The document is made, and compressed, when somebody asks for it first, beside the loop: it takes
    a tenth of a second, which no start and no order has to wait for.
    """

    def __init__(self, static: StaticFiles, terminal: Terminal) -> None:
        self._list = static.find("docs.html")
        self._terminal = terminal
        self._make: Callable[[], Document] = dict
        self._document: Forms | None = None
        self._making = asyncio.Lock()

    def describe(self, routes: Iterable[Route], pages: PageLimits, choices: Choices) -> None:
        """Take the rows that the document is of; asked for once, when the table is whole."""
        self._make = partial(openapi_document, tuple(routes), pages, choices)

    async def openapi(self, request: Request[None, None]) -> File:
        """Return the OpenAPI document."""
        async with self._making:
            if self._document is None:
                self._document = await asyncio.to_thread(self._made)
        return self._document.answer(request)

    def _made(self) -> Forms:
        text = msgspec.json.encode(self._make())
        return compressed(File("application/json", text, is_asked_anew=True))

    async def docs(self, request: Request[None, PageQuery]) -> File:
        """Return the page that shows it."""
        if self._terminal.is_there:
            return await self._terminal.page(request)
        return self._list

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/openapi.json",
                handler=self.openapi,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="The OpenAPI document",
                tag="docs",
            ),
            Route(
                method="GET",
                path="/docs",
                handler=self.docs,
                access=Access.PUBLIC,
                query=PageQuery,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="A page to read it",
                tag="pages",
            ),
        )
