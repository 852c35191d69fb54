"""How tests of `deploy/` read its YAML: the one place that knows PyYAML."""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    """Return a file's one document."""
    return yaml.safe_load(path.read_text("utf-8"))


def yaml_of(content: object) -> str:
    """Return YAML."""
    return str(yaml.safe_dump(content))
