"""The AsyncAPI 3.0 document of the sockets, made of the events' own rows and structs.

    GET /asyncapi.json

Laws: payloads, answers and messages are the structs that decode and encode. A frame of Socket.IO is
`[event, data]`, an acknowledgement `[{ok, data}]` or `[{ok, error}]`: what is described is the data
and the acknowledgement's one element. AsyncAPI knows the JSON Schema of draft 07, so tuples and
references are written its way (`_draft_07`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.access.budgets import Budget
from gateway.http.openapi import API_VERSION, Document
from gateway.http.request import File, Request
from gateway.http.routing import Access, Route, Shape
from gateway.site.forms import Forms, compressed
from gateway.sockets.events import Heard, SocketEvent
from gateway.wire.errors import ErrorBody

_SCHEMAS: Final = "#/components/schemas/{name}"
_ABOUT: Final = (
    "Socket.IO 4 over WebSocket only (no polling), namespace `/` or `/ws`. Every event that is sent"
    " with an acknowledgement callback is answered; docs/sockets.md says in which order things come"
    " and how to miss nothing. Operations are the exchange's: it receives what you send."
)
_CHANNEL: Final = "socket"


def socket_document(events: Mapping[str, SocketEvent], heard: Sequence[Heard]) -> Document:
    """Return the document of the events that are taken and of those that are sent."""
    types: list[Any] = [ErrorBody]
    types += [kind for row in events.values() for kind in (row.payload.type, row.answer)]
    types += [kind for row in heard for kind in row.types]
    found, components = msgspec.json.schema_components(types, ref_template=_SCHEMAS)
    schemas = [(kind, _draft_07(schema)) for kind, schema in zip(types, found, strict=True)]

    def schema_of(wanted: Any) -> Document:  # noqa: ANN401 - any type that a message can have
        return next(schema for kind, schema in schemas if kind is wanted)

    messages: dict[str, Document] = {}
    operations: dict[str, Document] = {}
    for name, row in events.items():
        messages[_key(name)] = {
            "name": name,
            "title": name,
            "summary": row.summary,
            "contentType": "application/json",
            "payload": schema_of(row.payload.type),
            "x-payload-required": row.payload_required,
        }
        messages[f"{_key(name)}_answer"] = {
            "name": f"{name} (acknowledgement)",
            "title": f"The acknowledgement of {name}",
            "contentType": "application/json",
            "payload": _acknowledgement(schema_of(row.answer), schema_of(ErrorBody)),
        }
        operations[_key(name)] = _received(name, row)
    for told in heard:
        kinds = [schema_of(kind) for kind in told.types]
        messages[told.event] = {
            "name": told.event,
            "title": told.event,
            "summary": told.summary,
            "contentType": "application/json",
            "payload": kinds[0] if len(kinds) == 1 else {"anyOf": kinds},
        }
        operations[f"send_{told.event}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "summary": told.summary,
            "messages": [_on_channel(told.event)],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Probity's sockets", "version": API_VERSION, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            _CHANNEL: {
                "address": "/ws",
                "title": "One connection",
                "description": "Also at /socket.io. Sign in by `auth: {token}` of the handshake.",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": operations,
        "components": {
            "schemas": {name: _draft_07(schema) for name, schema in components.items()},
            "messages": messages,
        },
    }


def _key(name: str) -> str:
    return name.replace(":", "_")


def _on_channel(key: str) -> Document:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{key}"}


def _received(name: str, row: SocketEvent) -> Document:
    key = _key(name)
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "title": name,
        "summary": row.summary,
        "messages": [_on_channel(key)],
        "reply": {
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "messages": [_on_channel(f"{key}_answer")],
        },
        "x-needs-user": row.needs_user,
        "x-scope": None if row.scope is None else row.scope.value,
        "x-rate-limit": {"countsAs": row.budget.value, "cost": row.cost},
    }


def _acknowledgement(data: Document, error: Document) -> Document:
    done = {"properties": {"ok": {"const": True}, "data": data}, "required": ["ok", "data"]}
    failed = {"properties": {"ok": {"const": False}, "error": error}, "required": ["ok", "error"]}
    return {"oneOf": [{"type": "object", **done}, {"type": "object", **failed}]}


def _draft_07(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema in the words of draft 07."""
    if isinstance(schema, list):
        return [_draft_07(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _draft_07(part) for key, part in schema.items() if key != "discriminator"}
    if "prefixItems" in made:
        made["additionalItems"] = made.pop("items", True)
        made["items"] = made.pop("prefixItems")
    if "$ref" in made and len(made) > 1:  # draft 07 looks at nothing beside a reference
        made["allOf"] = [{"$ref": made.pop("$ref")}]
    return made


class SocketDescription:
    """The document of this process's sockets, made when somebody asks for it first."""

    def __init__(self) -> None:
        self.events: Mapping[str, SocketEvent] = {}
        """The rows that are described."""
        self._heard: Sequence[Heard] = ()
        self._document: Forms | None = None
        self._making = asyncio.Lock()

    def describe(self, events: Mapping[str, SocketEvent], heard: Sequence[Heard]) -> None:
        """Take what the document is of."""
        self.events, self._heard = events, heard

    def document(self) -> Document:
        """Return the document."""
        return socket_document(self.events, self._heard)

    async def show(self, request: Request[None, None]) -> File:
        """Return it as a file."""
        async with self._making:
            if self._document is None:
                self._document = await asyncio.to_thread(self._made)
        return self._document.answer(request)

    def _made(self) -> Forms:
        text = msgspec.json.encode(self.document())
        return compressed(File("application/json", text, is_asked_anew=True))

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/asyncapi.json",
                handler=self.show,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="The AsyncAPI document of the sockets",
                tag="docs",
            ),
        )
