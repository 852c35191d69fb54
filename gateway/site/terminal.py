"""The web terminal as it was built: its one page under every path of its own, and the page's parts.

    GET /  /trade/{...}  /portfolio ...   the page, asked for anew each time
    GET /assets/{name}                    a part, whose name changes with what it holds: kept a year
    GET /notices.txt                      the licences of the libraries that are built into it

Laws: everything is read once, at the start, as `make web` left it beside this file, the compressed
forms with it; nothing is compressed while somebody waits. Where it wasn't built the simple front
page stands in its place. The page's paths are named here one by one, so that a path that means
nothing stays 404.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.http.request import File, Request
from gateway.http.routing import Access, Handler, Route, Shape
from gateway.site.forms import Forms
from gateway.wire.errors import NotFound
from gateway.wire.strict_json import QueryStruct

PAGES: Final = (
    "/markets",
    "/trade/{market}",
    "/events/{event}",
    "/matches",
    "/bet/{market}",
    "/bets",
    "/bets/mine",
    "/rewards",
    "/rewards/{part}",
    "/portfolio",
    "/portfolio/{part}",
    "/alerts",
    "/alerts/{part}",
    "/stocks",
    "/stocks/{part}",
    "/leaderboard",
    "/leaderboard/{board}",
    "/research",
    "/research/{id}",
    "/backtests",
    "/backtests/{part}",
    "/proof",
    "/account",
    "/account/{part}",
    "/admin",
    "/admin/{part}",
    "/admin/{part}/{id}",
    "/developers",
    "/developers/{part}",
    "/sign-in",
    "/register",
    "/welcome",
    "/settings",
    "/forgot-password",
    "/reset-password",
    "/verify-email",
)
"""The paths of the terminal beside `/`; `web/src/shell/routes.ts` has a page for each."""
DIST: Final = files("gateway.site").joinpath("dist")
"""Where `make web` leaves it."""
NOT_BUILT: Final = "the web terminal isn't built (`make web`): the simple front page is served"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
}
NOTICES: Final = "notices.txt"
_PLAIN_TEXT: Final = "text/plain; charset=utf-8"
_ENCODINGS: Final = (("br", b"br"), ("gz", b"gzip"))
"""What a built file may lie beside it as, the best first."""


def is_built(folder: Traversable = DIST) -> bool:
    """Say whether `make web` has been there."""
    return folder.joinpath("index.html").is_file()


class PageQuery(QueryStruct, frozen=True, forbid_unknown_fields=False):
    """Whatever stands behind "?": the page reads it, the exchange doesn't."""


class Terminal:
    """The page and its parts."""

    def __init__(self, simple: Handler, folder: Traversable = DIST) -> None:
        """Read what lies in `folder`; `simple` answers for the page if nothing does."""
        self._simple = simple
        self._page = _read(folder, "index.html", forever=False) if is_built(folder) else None
        self._parts: dict[str, Forms] = {}
        self._notices: Forms | None = None
        if self._page is not None:
            if folder.joinpath(NOTICES).is_file():
                self._notices = _read(folder, NOTICES, forever=False)
            assets = folder.joinpath("assets")
            names = [entry.name for entry in assets.iterdir()]
            kept = (name for name in names if name.rpartition(".")[2] in _TYPES)
            self._parts = {name: _read(assets, name, forever=True) for name in kept}

    @property
    def is_there(self) -> bool:
        """Say whether it was built."""
        return self._page is not None

    async def page(self, request: Request[None, PageQuery]) -> File:
        """Return the page, which finds out by its address what to show."""
        if self._page is None:
            simple: File = await self._simple(request)
            return simple
        return self._page.answer(request)

    async def part(self, request: Request[None, None]) -> File:
        """Return a part of the page."""
        part = self._parts.get(request.path["name"])
        if part is None:
            raise NotFound
        return part.answer(request)

    async def notices(self, request: Request[None, None]) -> File:
        """Return the licences of what is built in."""
        if self._notices is None:
            raise NotFound
        return self._notices.answer(request)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows, at the root."""
        return (
            *(_row(path, self.page, "The web terminal", query=PageQuery) for path in ("/", *PAGES)),
            _row("/assets/{name}", self.part, "Parts of the web terminal", NotFound),
            _row(f"/{NOTICES}", self.notices, "The licences of what is built into it", NotFound),
        )


def _row(
    path: str,
    handler: Handler,
    summary: str,
    *errors: type[NotFound],
    query: type[QueryStruct] | None = None,
) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=Access.PUBLIC,
        query=query,
        scope=Scope.OWNER,
        answer=str,
        shape=Shape.FILE,
        budget=Budget.NONE,
        errors=errors,
        summary=summary,
        tag="pages",
    )


def _read(folder: Traversable, name: str, *, forever: bool) -> Forms:
    whole = folder.joinpath(name).read_bytes()
    kind = _TYPES.get(name.rpartition(".")[2], _PLAIN_TEXT)
    part = Forms(File(kind, whole, is_page=True, is_immutable=forever))
    for ending, encoding in _ENCODINGS:
        beside = folder.joinpath(f"{name}.{ending}")
        if beside.is_file():
            part.add(encoding, beside.read_bytes())
    return part
