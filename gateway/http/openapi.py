"""The OpenAPI 3.1 document, made from the route table and the structs themselves.

It says what the code does because it is made of what the code runs: bodies, queries and answers
are the structs that decode and encode, errors are the exceptions a row names, and how much of a
list is given is what the settings say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.http.examples import example_of, failure_example
from gateway.http.reading.query_strings import MIN_SEQ
from gateway.http.responses import (
    AS_OF_SEQ,
    AccountMeta,
    AnswerMeta,
    Failure,
    Meta,
    Pagination,
    ToldMeta,
)
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import ApiError, RateLimited, Refused
from gateway.wire.scalars import NAME_LENGTH

Document = dict[str, Any]
Choices = Mapping[str, Sequence[str]]
"""By name, the words of which a field takes one, as a running process knows them."""

CHOICE: Final = "x-choice"
"""In the schema of a field: which of the choices it takes."""
STORED_LENGTH: Final = "x-stored-length"
"""Of a text that is trimmed before it is measured: how long it may be then."""

_JSON: Final = "application/json"
_REFERENCE: Final = "#/components/schemas/{name}"
API_VERSION: Final = "1.0.0"
_TITLE: Final = "Probity"
_ABOUT: Final = (
    "A prediction-market exchange. Prices, quantities and money are decimal strings; times are "
    "ISO-8601 in UTC; ids are decimal strings. Unknown fields and parameters are refused."
)
_LIMIT_HEADERS: Final = {
    "RateLimit": (
        "string",
        'What is left, and in how many seconds there is more: `"read";r=9;t=1`',
    ),
    "RateLimit-Policy": ("string", 'The limit and its window, as `"read";q=1000;w=60`'),
    "Retry-After": ("integer", "In how many seconds to try again"),
}
_SIGNED: Final = {
    "apiKey": ("Probity-Key", "The API key's name, pk_...; docs/api-keys.md says how to sign"),
    "apiKeyTimestamp": ("Probity-Timestamp", "Milliseconds since the Unix epoch"),
    "apiKeyNonce": ("Probity-Nonce", "8 to 64 characters that were never sent before"),
    "apiKeySignature": ("Probity-Signature", "base64 of the Ed25519 signature, or of the HMAC"),
}
"""What a call that is signed with an API key has in the place of a token."""
_AS_OF_SAYS: Final = {
    AS_OF_SEQ: {
        "description": "The last command whose effects are in it",
        "schema": {"type": "integer"},
    }
}
_MIN_SEQ_SAYS: Final = "asOfSeq of an answer: wait until what it did is known here"
_SAYS_WAIT: Final = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS}
_SAYS_LIMIT: Final = {name: _SAYS_WAIT[name] for name in _SAYS_WAIT if name != "Retry-After"}


def openapi_document(routes: Iterable[Route], pages: PageLimits, choices: Choices) -> Document:
    """Return the document of `routes`; those with Shape.FILE are left out.

    `choices` are the words that a field takes whose schema names one of them by `CHOICE`.
    """
    rows = [route for route in routes if route.shape is not Shape.FILE]
    schemas = _Schemas(rows, pages, choices)
    paths: dict[str, dict[str, Any]] = {}
    for route in rows:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": API_VERSION, "description": _ABOUT},
        "servers": [{"url": "/api/v1"}, {"url": "/api"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in rows)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "examples": {
                code: {"value": failure_example(code, _message(error))}
                for code, error in _told(rows).items()
            },
            "headers": {
                name: {"description": text, "schema": {"type": kind}}
                for name, (kind, text) in _LIMIT_HEADERS.items()
            },
            "securitySchemes": {
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                **{
                    name: {"type": "apiKey", "in": "header", "name": header, "description": text}
                    for name, (header, text) in _SIGNED.items()
                },
            },
        },
    }


class _Schemas:
    """The schema of every type a row names, and the shared components they refer to."""

    def __init__(self, routes: Iterable[Route], pages: PageLimits, choices: Choices) -> None:
        self.bounds: dict[str, Document] = {
            "limit": {"maximum": pages.size_max, "default": pages.size},
            "depth": {"maximum": pages.size_max},
            "offset": {"maximum": pages.offset_max},
        }
        """What the settings say of parameters of these names."""
        types: list[Any] = [Failure, Meta, AnswerMeta, AccountMeta, ToldMeta, Pagination]
        for route in routes:
            types += [t for t in (route.body, route.query, route.answer) if t is not None]
        # A type may be no struct (`list[Level]`), so they are told apart by place, not by hash.
        schemas, self.components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
        _write_out(self.components, choices)
        self._by_type = list(zip(types, schemas, strict=True))

    def of(self, wanted: Any) -> Document:  # noqa: ANN401 - any type an answer can have
        """Return the schema of a type; None stands for null."""
        if wanted is None:
            return {"type": "null"}
        return next(schema for known, schema in self._by_type if known is wanted)

    def fields(self, struct: type[msgspec.Struct]) -> list[tuple[str, Document, bool]]:
        """Return (name, schema, required) of each field of a struct."""
        name = self.of(struct)["$ref"].rpartition("/")[2]
        component = self.components[name]
        required = set(component.get("required", ()))
        return [(k, v, k in required) for k, v in component.get("properties", {}).items()]


def _write_out(schema: Any, choices: Choices) -> None:  # noqa: ANN401 - any JSON
    """Write out, in place, what a struct's own schema can't say (`CHOICE`, `STORED_LENGTH`)."""
    if isinstance(schema, dict):
        name = schema.pop(CHOICE, None)
        if name is not None:
            schema["enum"] = list(choices[name])
        if STORED_LENGTH in schema:
            schema["maxLength"] = schema.pop(STORED_LENGTH)
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            _write_out(part, choices)


def _operation(route: Route, schemas: _Schemas) -> Document:
    operation: Document = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": {
            str(route.status): {
                "description": "Done",
                **_content(route, schemas),
                **_headers(route),
            },
            **_errors(route.all_errors(), schemas),
        },
    }
    parameters = _parameters(route, schemas)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        schema = schemas.of(route.body)
        example = example_of(schema, schemas.components, is_body=True)
        content = {"application/json": {"schema": schema, "example": example}}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    if route.budget is not Budget.NONE:
        operation["x-rate-limit"] = {
            "countsAs": route.counted_as.value,
            "cost": route.cost,
            **({"each": route.cost_each} if route.cost_each else {}),
        }
    if route.access is not Access.PUBLIC:
        operation["security"] = [{"accessToken": []}]
        role = f"For the role {route.access.value.upper()}"
        if route.asks is Scope.OWNER:
            operation["description"] = f"{role}; no API key may."
        else:
            # All of them together.
            operation["security"].append({name: [] for name in _SIGNED})
            operation["description"] = f"{role}, or an API key with the scope `{route.asks}`."
    return operation


def _operation_id(route: Route) -> str:
    words = [word.strip("{}").replace("-", "_") for word in route.segments]
    return "_".join([route.method.lower(), *words])


def _parameters(route: Route, schemas: _Schemas) -> list[Document]:
    text = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH}
    parameters: list[Document] = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in route.parameters
    ]
    if route.query is not None:
        for name, schema, required in schemas.fields(route.query):
            shown = _given(schema)
            if name in schemas.bounds:
                shown = {**shown, **schemas.bounds[name]}
            parameters.append({"name": name, "in": "query", "required": required, "schema": shown})
    if route.is_read:
        bounds = {"minimum": 0, "maximum": STORED_MAX}
        seq = {"type": "integer", **bounds, "description": _MIN_SEQ_SAYS}
        parameters.append({"name": MIN_SEQ, "in": "query", "required": False, "schema": seq})
    return parameters


def _given(schema: Document) -> Document:
    """Return the schema of a parameter that is there: a query string knows no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    shown = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    if len(kinds) == 1:
        return {**shown, **kinds[0]}
    if kinds:
        return {**shown, "anyOf": kinds}
    return schema


def _content(route: Route, schemas: _Schemas) -> Document:
    if route.shape is Shape.REDIRECT:
        return {}
    if route.shape is Shape.STREAM:
        schema = {medium: "object" if medium == _JSON else "string" for medium in route.media}
        return {"content": {medium: {"schema": {"type": kind}} for medium, kind in schema.items()}}
    schema = _envelope(route, schemas)
    example = example_of(schema, schemas.components)
    return {"content": {_JSON: {"schema": schema, "example": example}}}


def _headers(route: Route) -> Document:
    headers: Document = {} if route.budget is Budget.NONE else {**_SAYS_LIMIT}
    if route.says_as_of:
        headers |= _AS_OF_SAYS
    if route.shape is Shape.REDIRECT:
        headers["Location"] = {"description": "where to go", "schema": {"type": "string"}}
    return {"headers": headers} if headers else {}


def _envelope(route: Route, schemas: _Schemas) -> Document:
    answer = schemas.of(route.answer)
    properties: Document = {"success": {"const": True}, "data": answer}
    if route.shape is not Shape.ONE:
        properties["data"] = {"type": "array", "items": answer}
    if route.shape is Shape.PAGE:
        properties["pagination"] = schemas.of(Pagination)
    if route.shape in {Shape.PAGE, Shape.SLICE}:
        properties["nextCursor"] = {"type": ["string", "null"]}
    meta = ToldMeta if route.tells_age else AccountMeta if route.of_account else AnswerMeta
    properties["meta"] = schemas.of(meta)
    return {"type": "object", "properties": properties, "required": list(properties)}


def _errors(errors: Iterable[type[ApiError]], schemas: _Schemas) -> Document:
    codes: dict[int, list[str]] = {}
    shown: dict[int, dict[str, Document]] = {}
    for error in errors:
        # What the engine refuses has a code of its own, one of many.
        code = "the engine's reason" if error is Refused else error.code
        codes.setdefault(error.status, []).append(code)
        told = _code(error)
        reference = {"$ref": f"#/components/examples/{told}"}
        shown.setdefault(error.status, {})[told] = reference
    schema = schemas.of(Failure)
    return {
        str(status): {
            "description": " or ".join(dict.fromkeys(names)),
            "content": {_JSON: {"schema": schema, "examples": shown[status]}},
            **({"headers": _SAYS_WAIT} if status == RateLimited.status else {}),
        }
        for status, names in sorted(codes.items())
    }


_ENGINES: Final = "INSUFFICIENT_BALANCE"
"""Stands for all that the engine refuses."""


def _code(error: type[ApiError]) -> str:
    return _ENGINES if error is Refused else error.code


def _message(error: type[ApiError]) -> str:
    return "quantity: needs more than is available" if error is Refused else error.default_message


def _told(routes: Iterable[Route]) -> dict[str, type[ApiError]]:
    """Return every error that a row can answer, by its code."""
    return {_code(error): error for route in routes for error in route.all_errors()}
