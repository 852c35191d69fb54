"""The route table: what it finds, what it refuses, and laws that every row keeps."""

from typing import Annotated, get_args, get_origin

import msgspec
import pytest

from gateway.http.request import AnyRequest
from gateway.http.routing import Access, Route, RouteTable, Shape
from gateway.wire.errors import MethodNotAllowed, NotFound
from tests.gateway.trading_desk import all_tables


async def _handler(_request: AnyRequest) -> None:
    """Do nothing."""


def _route(method: str, path: str) -> Route:
    return Route(
        method=method,
        path=path,
        handler=_handler,
        access=Access.PUBLIC,
        answer=None,
        summary=path,
        tag="test",
    )


TABLE = RouteTable(
    [
        _route("GET", "/orders/{id}"),
        _route("DELETE", "/orders/{id}"),
        _route("POST", "/orders/{slug}"),
        _route("GET", "/orders/{slug}/trades"),
        _route("POST", "/orders/batch"),
        _route("GET", "/orders/user/orders"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "template", "values"),
    [
        ("GET", "/orders/17", "/api/v1/orders/{id}", {"id": "17"}),
        ("HEAD", "/orders/17", "/api/v1/orders/{id}", {"id": "17"}),
        ("POST", "/orders/rain", "/api/v1/orders/{slug}", {"slug": "rain"}),
        ("POST", "/orders/batch", "/api/v1/orders/batch", {}),
        ("GET", "/orders/rain/trades", "/api/v1/orders/{slug}/trades", {"slug": "rain"}),
        ("GET", "/orders/user/orders", "/api/v1/orders/user/orders", {}),
    ],
)
def test_literal_segments_win_over_parameters(
    method: str, path: str, template: str, values: dict[str, str]
) -> None:
    bound, found = TABLE.find(method, path)
    assert (bound.template, dict(found)) == (template, values)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/orders", "/orders/", "/orders//trades", "/orders/17/", "//orders/17",
        "/orders/a\x00b", "/orders/a\nb", "/orders/" + "x" * 256, "/orders/user/trades",
    ],
)  # fmt: skip
def test_path_of_no_route_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        TABLE.find("GET", path)


def test_other_method_is_told_what_is_allowed() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        TABLE.find("PUT", "/orders/17")
    assert caught.value.headers == ((b"allow", b"DELETE, GET, HEAD, OPTIONS, POST"),)


def test_a_route_is_declared_once() -> None:
    with pytest.raises(ValueError, match="two routes for GET /a"):
        RouteTable([_route("GET", "/a"), _route("GET", "/a")])


def _texts(annotation: object, bounded: bool = False) -> list[bool]:
    """For each str inside an annotation, whether a bound stands around it."""
    if annotation is str:
        return [bounded]
    if get_origin(annotation) is Annotated:
        inner, *metas = get_args(annotation)
        found = [m for m in metas if isinstance(m, msgspec.Meta)]
        return _texts(inner, any(m.max_length is not None for m in found))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        fields = msgspec.structs.fields(annotation)
        return [found for f in fields for found in _texts(f.type)]
    if get_origin(annotation) is not None:
        return [found for inner in get_args(annotation) for found in _texts(inner)]
    return []


@pytest.mark.parametrize(
    "route",
    [route for table in all_tables() for route in table.routes],
    ids=lambda r: f"{r.method} {r.path}",
)
def test_every_row_keeps_the_laws(route: Route) -> None:
    for struct in (route.body, route.query):
        if struct is None:
            continue
        config = struct.__struct_config__
        # What a provider sends a browser back with is its to say; a page reads its own query.
        is_free = route.shape is Shape.REDIRECT or route.tag == "pages"
        # So is what a service says by itself, under its signature.
        is_free |= route.path == "/research/webhook"
        assert config.forbid_unknown_fields or is_free, struct
        assert config.frozen, struct
        assert all(_texts(struct)), f"{struct.__name__} takes text without a bound"
    assert route.body is None or route.method in {"POST", "PUT", "PATCH", "DELETE"}
    assert route.summary
    assert route.tag
    if route.shape is Shape.REDIRECT:
        assert route.status == 302
    else:
        assert route.shape is Shape.FILE or route.status in {200, 201, 202}
    assert len(set(route.parameters)) == len(route.parameters)
