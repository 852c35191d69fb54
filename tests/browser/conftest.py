"""A real Chromium on a really served page; collected only where Chromium is, required in CI.

The exchange behind the page runs the real rules in memory, so that what a page shows can be set up
by a test.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from gateway.bootstrap.server import Server
from gateway.bootstrap.settings import load_settings
from gateway.engine_side.readiness import Readiness
from gateway.feeds.venue import Venue
from tests.gateway.conftest import Web, open_web

CHROMIUM = os.environ.get("PROBITY_CHROMIUM") or shutil.which("chromium")
collect_ignore_glob = (
    [] if CHROMIUM or os.environ.get("CI") else ["test_*.py", "terminal/test_*.py"]
)


@dataclass
class Served:
    """The application, and where it listens."""

    web: Web
    url: str


@asynccontextmanager
async def serving(
    database_url: str, folder: Path, venues: Mapping[str, Venue] | None = None
) -> AsyncIterator[Served]:
    """Serve the web application on a port of its own; `venues` are asked for their markets."""
    settings = load_settings({"DATA_DIR": str(folder), "RATE_LIMIT_MAX_REQUESTS": "100000"})
    async with open_web(settings, database_url, venues=venues) as web:
        config = uvicorn.Config(
            web.application, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1
        )
        server = Server(config, Readiness(), [])
        with socket.create_server(("127.0.0.1", 0)) as listening:
            answering = asyncio.create_task(server.serve([listening]))
            yield Served(web, f"http://127.0.0.1:{listening.getsockname()[1]}")
            server.should_exit = True
            await answering


@pytest.fixture
async def served(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """The web application, which knows of no other venue."""
    async with serving(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser that talks to nobody but the page's server."""
    assert CHROMIUM, "no chromium: install it or set PROBITY_CHROMIUM"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        )
        yield launched
        await launched.close()
