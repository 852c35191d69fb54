"""How settings are read: each area's struct beside its owner, each field with its setting.

    class DemoSettings(Area, frozen=True, kw_only=True):
        TITLE = "Demonstration (serve --demo)"
        seed: Annotated[int | None, setting("DEMO_SEED", "", optional(whole(0, 9)), "What for.")]

Laws: a setting is written once, where it is used; an empty value counts as unset; what the
environment says wins over `.env`; a wrong value stops the start with one line that names the
setting (`SettingsError`). Which areas there are is `bootstrap/settings.py`'s concern; limits of the
core are in `exchange.messages.bounds`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, get_type_hints

import msgspec

from gateway.settings import values

ENV_FILE: Final = Path(".env")


class SettingsError(Exception):
    """One line that names the setting and says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a field comes from: its name in the environment, its default's text, how it is read."""

    name: str
    default: str
    parse: Callable[[str], Any]
    about: str

    def read(self, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever `parse` gives
        """Return the value in `environment`; raises SettingsError."""
        text = environment.get(self.name, "").strip() or self.default
        try:
            return self.parse(text)
        except ValueError as error:
            raise SettingsError(f"{self.name}: {error}") from None


def setting(name: str, default: str, parse: Callable[[str], Any], about: str) -> Setting:
    """Return what stands in a field's `Annotated`; `about` is one line of `.env.example`."""
    return Setting(name, default, parse, about)


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one area; durations without a unit in the name are seconds.

    What must hold between fields is checked in `__post_init__`, which raises SettingsError.
    """

    TITLE: ClassVar[str]
    """Its heading in `.env.example`."""


AreaT = TypeVar("AreaT", bound=Area)


def settings_of(area: type[Area]) -> Iterator[tuple[str, Setting]]:
    """Yield an area's fields, in their order, each with its setting."""
    hints = get_type_hints(area, include_extras=True)
    for field in area.__struct_fields__:
        found = [note for note in hints[field].__metadata__ if isinstance(note, Setting)]
        yield field, found[0]


def read_area(area: type[AreaT], environment: Mapping[str, str]) -> AreaT:
    """Return an area as `environment` sets it; raises SettingsError."""
    return area(**{field: found.read(environment) for field, found in settings_of(area)})


def read_environment() -> dict[str, str]:
    """Return the environment of the process, over the assignments of `.env`."""
    return {**env_file(ENV_FILE), **os.environ}


def env_file(path: Path) -> dict[str, str]:
    """Return the assignments of a `.env` file: NAME=value lines, quotes around a value optional."""
    try:
        content = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path}: can't be read as UTF-8 text") from None
    found = {}
    for number, line in enumerate(content.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingsError(f"{path}, line {number}: must be NAME=value")
        found[name.strip()] = values.unquoted(value.strip())
    return found


def example_lines(area: type[Area]) -> list[str]:
    """Return an area's part of `.env.example`: every setting with what it does and its default."""
    lines = ["", f"# -- {area.TITLE}"]
    for _, found in settings_of(area):
        lines += [f"# {found.about}", f"{found.name}={found.default}"]
    return lines
