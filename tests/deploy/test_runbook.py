"""What the pages for operators tell to type is tried: every call, and every `probity` command."""

import json
import re
import shlex
from pathlib import Path

import click
import httpx
import pytest

from gateway.cli.main import main
from tests.server_process import running_server

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "operations").glob("*.md"))
_CALL = re.compile(r"`(GET|POST|PUT|PATCH) (/\S+?)(?: (\{[^`]*\}))?`")
"""Those that stand in a sentence; what stands in a block is typed by `test_runbook_entries`."""
_COMMAND = re.compile(r"(?:^|`|&& |\w=\S+ )(probity(?: [^`#&|\n]*)?)", re.MULTILINE)


def text() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.slow
def test_every_call_is_taken(tmp_path: Path) -> None:
    """On one exchange, in the order of the pages; a resolved market comes last but for money."""
    calls = sorted(set(_CALL.findall(text())), key=lambda call: "/resolve" in call[1])
    assert len(calls) >= 3
    with running_server(tmp_path / "data") as server:
        user_id, _ = server.trader()
        server.market("rain")
        for method, path, body in calls:
            place = path.replace("{id}", str(user_id)).replace("{slug}", "rain")
            if path.endswith("/status"):
                server.call("PATCH", "/markets/rain/status", server.admin(), {"status": "HALTED"})
            answer = httpx.request(
                method,
                f"{server.url}{place}",
                headers={"authorization": f"Bearer {server.admin()}"},
                json=json.loads(body) if body else None,
            )
            assert answer.is_success, (method, place, body, answer.text)


def test_every_command_is_one() -> None:
    named = 0
    for found in set(_COMMAND.findall(text())):
        group: click.Command = main
        words = shlex.split(found)[1:]
        if not words:
            continue
        while isinstance(group, click.Group):
            assert words, found
            command = group.get_command(click.Context(group), words[0])
            assert command is not None, found
            group, words = command, words[1:]
        options = {name for parameter in group.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}, found
        named += 1
    assert named > 8


def test_what_the_proxy_keeps_to_itself_is_asked_behind_it() -> None:
    proxy = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
    paths = re.findall(r"@operators path (.+)", proxy)[0].split()
    assert "/ready" in paths
    asked = re.findall(r"(?:\$URL|https://exchange\.example)(/\w+)", text())
    assert asked
    assert not set(paths) & set(asked)
