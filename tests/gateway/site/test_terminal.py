"""The web terminal is served as it was built, and its types are those of this version."""

import shutil
import subprocess
from pathlib import Path

import httpx
import msgspec
import pytest

from gateway.bootstrap.application import build_application
from gateway.http.request import File
from gateway.http.routing import RouteTable
from gateway.observability.error_reports import ErrorReports
from gateway.site.terminal import PAGES, Terminal
from tests.gateway.conftest import Web
from tests.openapi_file import document

WEB = Path(__file__).parents[3] / "web"
PAGE = "<!doctype html><title>Probity</title>"


async def simple(_request: object) -> File:
    return File("text/html; charset=utf-8", b"simple", is_page=True)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What `make web` leaves, in small."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text(PAGE)
    (assets / "index-1a2b.js").write_text("whole")
    (assets / "index-1a2b.js.br").write_text("brotli")
    (assets / "index-1a2b.js.gz").write_text("gzip")
    (assets / "notes.txt").write_text("no part of a page")
    (tmp_path / "dist" / "notices.txt").write_text("licences")
    (tmp_path / "dist" / "notices.txt.gz").write_text("packed")
    return tmp_path / "dist"


def serving(web: Web, folder: Path) -> httpx.AsyncClient:
    """A client of an exchange whose terminal lies in `folder`."""
    application = build_application(
        web.settings,
        (web.tables[0], RouteTable(Terminal(simple, folder).routes(), prefix="")),
        web.parts.people.sessions,
        web.parts.limits,
        web.parts.metrics,
        web.parts.logger,
        ErrorReports(None),
        {},
        None,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://exchange")


async def test_page_is_served_at_each_of_its_paths(web: Web, built: Path) -> None:
    async with serving(web, built) as client:
        for path in ("/", *PAGES):
            answer = await client.get(path.replace("{", "").replace("}", ""))
            assert (answer.status_code, answer.text) == (200, PAGE), path
            assert answer.headers["cache-control"] == "no-cache"
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert "unsafe" not in answer.headers["content-security-policy"]
        assert (await client.get("/sign-in?next=/portfolio")).text == PAGE, "it reads its query"
        assert (await client.get("/trade")).status_code == 404
        assert (await client.get("/nowhere")).status_code == 404


@pytest.mark.parametrize(
    ("takes", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", b"brotli"),
        ("gzip;q=1.0, *;q=0.5", "gzip", b"gzip"),
        ("br;q=0, gzip", "gzip", b"gzip"),
        ("identity", None, b"whole"),
        ("", None, b"whole"),
    ],
)
async def test_part_comes_compressed_and_is_kept(
    web: Web, built: Path, takes: str, encoding: str | None, body: bytes
) -> None:
    async with serving(web, built) as client:
        request = client.build_request(
            "GET", "/assets/index-1a2b.js", headers={"accept-encoding": takes}
        )
        answer = await client.send(request, stream=True)
        assert b"".join([part async for part in answer.aiter_raw()]) == body
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_the_licences_of_what_is_built_in_are_served(web: Web, built: Path) -> None:
    async with serving(web, built) as client:
        answer = await client.get("/notices.txt", headers={"accept-encoding": "identity"})
        assert (answer.text, answer.status_code) == ("licences", 200)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
    (built / "notices.txt").unlink()
    async with serving(web, built) as client:
        assert (await client.get("/notices.txt")).status_code == 404


async def test_whoever_has_the_page_is_told_so(web: Web, built: Path) -> None:
    (built / "index.html.br").write_text("packed")
    async with serving(web, built) as client:
        whole = await client.get("/", headers={"accept-encoding": "identity"})
        tag = whole.headers["etag"]
        again = await client.get("/", headers={"if-none-match": f'"x", W/{tag}'})
        packed = {"accept-encoding": "br", "if-none-match": tag}
        other = await client.send(client.build_request("GET", "/", headers=packed), stream=True)
        await other.aclose()
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["cache-control"] == "no-cache"
    assert "content-length" not in again.headers
    assert other.status_code == 200, "another form is another thing"
    assert other.headers["etag"] == tag[:-1] + '-br"'


async def test_nothing_else_of_the_folder_is_served(web: Web, built: Path) -> None:
    async with serving(web, built) as client:
        for name in ("notes.txt", "index-1a2b.js.br", "..%2Findex.html", "missing.js"):
            answer = await client.get(f"/assets/{name}")
            assert answer.status_code == 404, name
            assert answer.headers["cache-control"] == "no-store"


async def test_the_simple_page_stands_in_where_it_is_not_built(web: Web, tmp_path: Path) -> None:
    async with serving(web, tmp_path) as client:
        for path in ("/", "/trade/rain"):
            assert (await client.get(path)).text == "simple"
        assert (await client.get("/assets/index.js")).status_code == 404


def test_types_are_those_of_this_version(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or not (WEB / "node_modules").is_dir():
        pytest.skip("the terminal's tools aren't installed (`make web`)")
    described, made = tmp_path / "openapi.json", tmp_path / "schema.ts"
    described.write_bytes(msgspec.json.encode(document()))
    command = (npm, "--prefix", str(WEB), "--silent", "run", "types", "--", str(described))
    subprocess.run((*command, "--output", str(made)), check=True, capture_output=True, timeout=120)
    ours = (WEB / "src" / "api" / "schema.ts").read_text("utf-8")
    assert made.read_text("utf-8") == ours, "the API has changed: `make web-types`"
