"""docs/operations/logs.md names every line that the code writes, with its level and its fields, and
a real exchange writes nothing of anybody into it.
"""

import ast
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from tests.server_process import running_server

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "operations" / "logs.md"
SOURCES: Final = sorted(
    path for room in ("gateway", "persistence") for path in (ROOT / room).rglob("*.py")
)
LOGGERS: Final = {"logger", "log", "say", "_LOG"}
LEVELS: Final = {"debug", "info", "warning", "error", "exception", "critical"}
FAILED: Final = {"error", "traceback"}
ALWAYS: Final = {"time", "level", "event"}
_ROW: Final = re.compile(r"^\| (`+)(?: )?(.+?)(?: )?\1 \| (.*?) \|(?: (.*?) \|)?", re.MULTILINE)


class Said(NamedTuple):
    levels: set[str]
    fields: set[str]


def aliases(tree: ast.AST) -> dict[str, set[str]]:
    """Names that stand for one of two levels: `log = self._logger.debug if quiet else ....info`."""
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.IfExp(body=body, orelse=orelse)):
                levels = {way.attr for way in (body, orelse) if isinstance(way, ast.Attribute)}
                if levels and levels <= LEVELS:
                    found[name] = levels
    return found


def is_logger(node: ast.expr) -> bool:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name in LOGGERS | {"_logger"}
        case ast.Call(func=ast.Name("process_logs")):
            return True
    return False


def calls(tree: ast.AST) -> Iterator[tuple[set[str], ast.Call]]:
    named = aliases(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=level)) if is_logger(value):
                if level in LEVELS:
                    yield {level}, node
            case ast.Call(func=ast.Name(name)) if name in named:
                yield named[name], node


def constants() -> dict[str, str]:
    """Every text that is a constant of a module."""
    found = {}
    for path in SOURCES:
        for node in ast.parse(path.read_text("utf-8")).body:
            match node:
                case ast.AnnAssign(target=ast.Name(name), value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def said_by_the_code() -> dict[str, Said]:
    texts, found = constants(), defaultdict[str, Said](lambda: Said(set(), set()))
    for path in SOURCES:
        for levels, call in calls(ast.parse(path.read_text("utf-8"))):
            first = call.args[0]
            event = first.value if isinstance(first, ast.Constant) else texts[ast.unparse(first)]
            assert isinstance(event, str), path
            fields = {str(keyword.arg) for keyword in call.keywords}
            assert "None" not in fields, f"{path}: a line's fields stand where it is written"
            if "exc_info" in fields or "exception" in levels:
                fields = fields - {"exc_info"} | FAILED
            if path.is_relative_to(ROOT / "persistence") or "_LOG" in ast.unparse(call.func):
                fields.add("logger")
            said = found[event.replace("%s", "…")]
            said.levels.update("error" if level == "exception" else level for level in levels)
            said.fields.update(fields)
    return dict(found)


def page_rows() -> tuple[set[str], dict[str, Said]]:
    """The page's fields, and its events."""
    fields_part, _, events_part = PAGE.read_text("utf-8").partition("\n## Events")
    fields = {row[1] for row in _ROW.findall(fields_part.partition("\n## Fields")[2])}
    events = {
        event: Said(set(levels.split(", ")), set(re.findall(r"`(\w+)`", named)))
        for _, event, levels, named in _ROW.findall(events_part)
    }
    return fields, events


def test_the_page_names_every_line_with_its_level_and_its_fields() -> None:
    fields, events = page_rows()
    code = said_by_the_code()
    assert len(code) > 50
    assert events == code
    assert fields == {field for said in code.values() for field in said.fields} | ALWAYS


@pytest.mark.slow
def test_a_real_exchange_writes_nothing_of_anybody(tmp_path: Path) -> None:
    secret, password = secrets.token_hex(8), secrets.token_hex(16)
    email, address = f"{secret}@people.invalid", "203.0.113.77"
    here = {"x-forwarded-for": address, "user-agent": f"browser-{secret}"}
    settings = {"TRUSTED_PROXIES": "127.0.0.0/8", "LOG_LEVEL": "debug"}
    with running_server(tmp_path / "data", settings) as server:
        server.market("rain")
        base = f"{server.url}/api/v1"
        body = {"email": email, "password": password}
        made = httpx.post(f"{base}/auth/register", json=body, headers=here)
        token = made.json()["data"]["accessToken"]
        mine = here | {"authorization": f"Bearer {token}"}
        httpx.post(f"{base}/auth/login", json=body | {"password": f"{password}x"}, headers=here)
        httpx.get(f"{base}/auth/me?{secret}={secret}", headers=mine)
        httpx.get(f"{base}/markets/{secret}", headers=mine)
        httpx.patch(f"{base}/users/me", json={"displayName": secret}, headers=mine)
        order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5"}
        order |= {"quantity": "1", "clientOrderId": secret}
        assert httpx.post(f"{base}/orders/rain", json=order, headers=mine).status_code == 201
        httpx.post(f"{base}/orders/rain", content=f"{{{secret}".encode(), headers=mine)
        httpx.get(f"{base}/orders", headers=here | {"authorization": f"Bearer {secret}"})
    lines = [line for line in server.words().splitlines() if line.startswith("{")]
    assert sum('"event":"request"' in line for line in lines) > 8
    fields, events = page_rows()
    for line in lines:
        for hidden in (secret, password, token, address):
            assert hidden not in line
        found = json.loads(line)
        assert set(found) <= fields, found
        if found["event"] in events:
            assert found["level"] in events[found["event"]].levels
