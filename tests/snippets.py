"""The snippets for common tasks, from the one place that page and document are made of.

    python -m tests.snippets > docs/reference/snippets.md

Laws: `web/snippets/<number>-<task>.<language>` is the source; the terminal's page is built of it,
`docs/reference/snippets.md` is made here, and `tests/e2e/snippets` runs every file.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "web" / "snippets"
FENCES: Final = {".sh": "sh", ".py": "python", ".mjs": "js"}
TASKS: Final = {
    "1-sign-in": "Register and sign in",
    "2-markets": "Find open markets",
    "3-book": "Read an order book",
    "4-place": "Place an order",
    "5-cancel": "Cancel what is open",
    "6-balance": "Read one's balance",
    "7-follow": "Follow a book live",
}
_HEAD: Final = """# Snippets

One small program a task, in curl, Python and JavaScript, to be copied; the terminal shows the same
at `/developers/snippets`. Each is run against a real exchange by a test. `PROBITY` is the
exchange's address, `rain` a market's slug. Signing in prints a line that puts the access token into
`TOKEN`, from where the others take it; it holds for some minutes. Programs that trade for long sign
in by an [API key](../api-keys.md), and [trading.md](../trading.md) has whole ones.
"""


def snippets() -> list[Path]:
    """Return the files, task by task: curl, Python, JavaScript."""
    order = list(FENCES)
    files = [path for path in FOLDER.iterdir() if path.suffix in FENCES]
    return sorted(files, key=lambda path: (path.stem, order.index(path.suffix)))


def document() -> str:
    """Return the document as it should be."""
    parts = [_HEAD]
    for task, title in TASKS.items():
        parts.append(f"\n## {title}\n")
        parts += [
            f"\n```{FENCES[path.suffix]}\n{path.read_text('utf-8')}```\n"
            for path in snippets()
            if path.stem == task
        ]
    return "".join(parts)


if __name__ == "__main__":
    print(document(), end="")
