"""How tests of `deploy/` read its YAML: the one place that knows PyYAML."""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    """Return a file's one document."""
    return yaml.safe_load(path.read_text("utf-8"))


def read_yamls(source: Path | str) -> list[Any]:
    """Return every document of a file, or of a text."""
    text = source if isinstance(source, str) else source.read_text("utf-8")
    return [*yaml.safe_load_all(text)]


def yaml_of(content: object) -> str:
    """Return YAML."""
    return str(yaml.safe_dump(content))
