"""What we lean on in other people's libraries beyond what they promise, by name and by shape.

An upgrade that moves one of these fails here, where it is said what it breaks, and not in the
middle of a socket. The ceilings in pyproject.toml stand at the first version that wasn't tried:
raise one when this file passes beyond it, and the tests of sockets and of bodies do.
"""

import importlib
import inspect
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import engineio
import pytest
import socketio
import uvicorn
from packaging.markers import default_environment
from packaging.requirements import Requirement
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from gateway.sockets.framing.client_frames import ClientFrames

ROOT: Final = Path(__file__).parent.parent
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NEEDED: Final = [Requirement(line) for line in PROJECT["dependencies"]]
# Those whose insides we touch; the rest may have a floor alone.
LEANED_ON: Final = ("python-engineio", "python-socketio", "uvicorn", "websockets")


class Place(NamedTuple):
    """A method of theirs that we replace or call, and what it takes behind `self`."""

    owner: str
    method: str
    takes: str
    is_async: bool = False


_ENGINE = "engineio.AsyncServer"
_ENGINE_SOCKET = "engineio.async_socket.AsyncSocket"
_SOCKETS = "socketio.AsyncServer"
_WEBSOCKET = "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol"
_HTTP = "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol"
_CYCLE = "uvicorn.protocols.http.httptools_impl.RequestResponseCycle"
_FLOW = "uvicorn.protocols.http.flow_control.FlowControl"
_SERVER = "uvicorn.Server"
PLACES: Final = (
    # gateway/sockets/library.py
    Place(_ENGINE, "_handle_connect", "environ transport jsonp_index", is_async=True),
    Place(_ENGINE, "generate_id", ""),
    Place("socketio.AsyncManager", "sid_from_eio_sid", "eio_sid namespace"),
    Place("socketio.AsyncManager", "disconnect", "sid namespace kwargs", is_async=True),
    Place(_ENGINE_SOCKET, "__init__", "server sid"),
    Place(_ENGINE_SOCKET, "send", "pkt", is_async=True),
    Place(_ENGINE_SOCKET, "close", "wait abort reason", is_async=True),
    Place(_SOCKETS, "_engineio_server_class", ""),
    Place(_SOCKETS, "_handle_eio_message", "eio_sid data", is_async=True),
    Place(_SOCKETS, "_handle_eio_disconnect", "eio_sid reason", is_async=True),
    # gateway/sockets/framing/transport.py
    Place(_WEBSOCKET, "run_asgi", "", is_async=True),
    Place(_WEBSOCKET, "data_received", "data"),
    Place(_WEBSOCKET, "receive", "", is_async=True),
    Place(_WEBSOCKET, "pause_writing", ""),
    Place(_WEBSOCKET, "resume_writing", ""),
    Place(_WEBSOCKET, "connection_lost", "exc"),
    Place(_WEBSOCKET, "handle_ping", ""),
    Place(_WEBSOCKET, "connection_made", "transport"),
    Place(_WEBSOCKET, "send", "message", is_async=True),
    Place(_WEBSOCKET, "shutdown", ""),
    Place(_WEBSOCKET, "send_receive_event_to_app", ""),
    Place(_WEBSOCKET, "handle_parser_exception", ""),
    Place("websockets.server.ServerProtocol", "send_close", "code reason"),
    Place("websockets.server.ServerProtocol", "data_to_send", ""),
    # gateway/http/reading/connection.py
    Place(_HTTP, "connection_made", "transport"),
    Place(_HTTP, "connection_lost", "exc"),
    Place(_HTTP, "data_received", "data"),
    Place(_HTTP, "on_message_begin", ""),
    Place(_HTTP, "on_headers_complete", ""),
    Place(_HTTP, "on_body", "body"),
    Place(_HTTP, "on_message_complete", ""),
    Place(_HTTP, "on_response_complete", ""),
    Place(_HTTP, "_start_asgi_task", "cycle app"),
    Place(_HTTP, "_should_upgrade", ""),
    Place(_HTTP, "handle_websocket_upgrade", ""),
    Place(_HTTP, "pause_writing", ""),
    Place(_HTTP, "resume_writing", ""),
    Place(_HTTP, "shutdown", ""),
    Place(_FLOW, "pause_reading", ""),
    Place(_FLOW, "resume_reading", ""),
    # gateway/bootstrap/server.py
    Place(_SERVER, "capture_signals", ""),
    Place(_SERVER, "shutdown", "sockets", is_async=True),
)
# What a constructor of theirs sets and we read or write.
FIELDS: Final = {
    _WEBSOCKET: (
        "client close_sent close_timer config conn curr_msg_data_type disconnected frames"
        " handshake_complete handshake_initiated loop queue read_paused transport writable"
    ),
    _HTTP: "client cycle flow headers loop parser pipeline server_state transport",
    _CYCLE: "body disconnected message_event response_complete response_started",
    _FLOW: "_transport read_paused write_paused",
    _SERVER: "force_exit should_exit started",
}


def found(owner: str) -> Any:
    module, _, name = owner.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_what_is_installed_is_what_the_project_allows(needed: Requirement) -> None:
    if needed.marker is not None and not needed.marker.evaluate():
        pytest.skip(f"not needed on {default_environment()['sys_platform']}")
    version = metadata.version(needed.name)
    assert needed.specifier.contains(version, prereleases=True), (
        f"{needed.name} {version} is outside {needed.specifier}: nobody has tried them together"
    )


@pytest.mark.parametrize("name", LEANED_ON)
def test_what_we_lean_on_has_a_ceiling(name: str) -> None:
    (needed,) = (needed for needed in NEEDED if needed.name == name)
    assert {part.operator for part in needed.specifier} == {">=", "<"}


@pytest.mark.parametrize("place", PLACES, ids=lambda p: f"{p.owner.rpartition('.')[2]}.{p.method}")
def test_a_method_of_theirs_has_the_shape_that_ours_replaces(place: Place) -> None:
    method = getattr(found(place.owner), place.method)
    _self, *takes = inspect.signature(method).parameters
    assert takes == place.takes.split()
    assert inspect.iscoroutinefunction(method) == place.is_async


@pytest.mark.parametrize("owner", FIELDS, ids=lambda owner: owner.rpartition(".")[2])
def test_a_class_of_theirs_has_the_fields_that_ours_uses(owner: str) -> None:
    """As its source assigns them: some are there only once a request is."""
    assigned = set(re.findall(r"\bself\.(\w+)(?:: [^=\n]+)? =", inspect.getsource(found(owner))))
    assert set(FIELDS[owner].split()) - assigned == set()


def test_the_library_makes_the_server_that_we_give_it() -> None:
    class Ours(engineio.AsyncServer):  # type: ignore[misc]
        pass

    class Sockets(socketio.AsyncServer):  # type: ignore[misc]
        def _engineio_server_class(self) -> type[Ours]:
            return Ours

    made = Sockets(async_mode="asgi")
    assert isinstance(made.eio, Ours)
    assert (made.eio.sockets, made.environ) == ({}, {})
    assert made.reason.TRANSPORT_CLOSE == "transport close"


def test_masks_are_taken_off_as_the_library_puts_them_on() -> None:
    """`websockets.frames.apply_mask` isn't documented; the library's own frame is the proof."""
    frame = Frame(Opcode.TEXT, "42é".encode()).serialize(mask=True)
    assert list(ClientFrames(100).cut(frame)) == [(frame, "42é")]


async def test_uvicorns_connection_is_one_of_websockets() -> None:
    """Whose `send_close` and `data_to_send` end a socket."""
    config = uvicorn.Config(_nothing, interface="asgi3", lifespan="off", log_config=None)
    config.load()
    made = found(_WEBSOCKET)(config, uvicorn.server.ServerState(), {})
    assert isinstance(made.conn, ServerProtocol)


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """An application that nobody calls."""
