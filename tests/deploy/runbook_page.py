"""The runbook's commands, typed as an operator would: a shell for each, with the page's own words.

Laws: what stands in the page is run, but for the values that are the operator's own: an assignment
of a name that a test gives is left out. `systemctl` is the test's to do, since no systemd runs
here; everything else is the real program.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.server_process import PROBITY

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations" / "runbook.md"
_BLOCK: Final = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SECONDS: Final = 180.0


class Runbook:
    """The page, and what a test puts in the place of the operator's own."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self._text = PAGE.read_text("utf-8")
        [self._preamble] = self._blocks(self._text.partition("\n## ")[0])

    @staticmethod
    def _blocks(text: str) -> list[str]:
        found = _BLOCK.findall(text)
        return [re.sub(f"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]

    def entry(self, title: str) -> list[str]:
        """Return the commands of an entry, one text a block."""
        found = self._text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        blocks = self._blocks(found)
        assert blocks, title
        return blocks

    def type(
        self,
        commands: str,
        actions: Mapping[str, Callable[[], object]] | None = None,
        **values: str,
    ) -> str:
        """Run a block; `actions` are done where a line is so. Returns what was said on stdout."""
        given = self.values | values
        actions, said, waiting = actions or {}, "", list[str]()
        for line in commands.splitlines():
            bare = line.partition("  #")[0].strip()
            if bare.startswith("systemctl "):
                said += self._run(waiting, given)
                waiting = []
                actions[bare]()
            else:
                waiting.append(line)
        return said + self._run(waiting, given)

    def _run(self, lines: list[str], given: Mapping[str, str]) -> str:
        if not lines:
            return ""
        kept = [*self._own(self._preamble, given), *self._own("\n".join(lines), given)]
        path = f"{Path(PROBITY).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(kept)],
            env={"PATH": path, "HOME": "/", "LC_ALL": "C.UTF-8", **given},
            cwd=given["ROOM"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        print(*lines, done.stdout, done.stderr, sep="\n")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @staticmethod
    def _own(text: str, given: Mapping[str, str]) -> list[str]:
        """Leave out what a test says in the page's place; a line goes on behind a backslash."""
        joined = text.replace("\\\n", " ")
        names = "|".join(map(re.escape, given))
        own = re.compile(rf"(?:(?:{names})=\S+ ?)+" if "=" in joined else r"(?!)")
        begins = re.compile(rf"(?:{names})=\"?\$\(")
        return [
            line
            for line in joined.splitlines()
            if not (own.fullmatch(line.strip()) or begins.match(line))
        ]
