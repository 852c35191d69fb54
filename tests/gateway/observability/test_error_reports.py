"""Error reports: sent to where the DSN says, with our tags and without anything personal."""

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sentry_sdk
from asyncpg import UniqueViolationError

from exchange.messages.errors import InvariantViolated
from gateway.observability.error_reports import ErrorReports
from gateway.settings.reader import SettingsError
from persistence.postgres.database import create_pool


class Collector(BaseHTTPRequestHandler):
    """Takes what the real client sends."""

    bodies: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body.decode())
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def collected() -> Iterator[tuple[str, list[str]]]:
    """A DSN on this machine, and what arrives there."""
    bodies: list[str] = []
    handler = type("OwnCollector", (Collector,), {"bodies": bodies})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/1", bodies
        sentry_sdk.get_client().close()
        server.shutdown()
        thread.join()


def test_a_fault_is_reported_with_tags_and_without_what_it_worked_on(
    collected: tuple[str, list[str]],
) -> None:
    dsn, bodies = collected
    reports = ErrorReports(dsn)
    password = "swordfish"
    try:
        raise InvariantViolated("the book is crossed" if password else "")
    except InvariantViolated as error:
        reports.capture(error, route="/orders/{slug}", request_id="r-1")
    reports.close()
    (body,) = [body for body in bodies if "InvariantViolated" in body]
    assert "the book is crossed" in body
    assert '"route":"/orders/{slug}"' in body.replace(" ", "")
    assert "r-1" in body
    assert '"vars"' not in body
    assert "swordfish" not in body.replace('password = \\"swordfish\\"', "")


async def test_what_others_exceptions_say_stays_here(
    collected: tuple[str, list[str]], database_url: str
) -> None:
    """The driver's message of a key that is there twice holds the key."""
    dsn, bodies = collected
    reports = ErrorReports(dsn)
    users = "INSERT INTO users (email, role, created_at) VALUES ('marked@example.org', 'USER', 1)"
    pool = await create_pool(database_url, size=1)
    try:
        await pool.execute(users)
        with pytest.raises(UniqueViolationError) as caught:
            await pool.execute(users)
    finally:
        await pool.close()
    assert "marked@example.org" in str(caught.value)
    try:
        raise ValueError("marked@example.org") from caught.value
    except ValueError as error:
        reports.capture(error, route="/users/me", request_id="r-2")
    reports.close()
    (body,) = [body for body in bodies if "UniqueViolationError" in body]
    assert "ValueError" in body
    told = [part for part in body.splitlines() if '"exception"' in part]
    values = [one["value"] for one in json.loads(told[0])["exception"]["values"]]
    assert values == ["", ""]


def test_nothing_is_sent_without_a_dsn(collected: tuple[str, list[str]]) -> None:
    reports = ErrorReports(None)
    reports.capture(RuntimeError("nobody hears"), route="/")
    reports.close()
    assert collected[1] == []


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(SettingsError, match=r"^SENTRY_DSN: needs the package probity\[sentry\]$"):
        ErrorReports("http://key@127.0.0.1/1")
