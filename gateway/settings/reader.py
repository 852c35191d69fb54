"""How settings are read: each area's struct beside its owner, each field with its setting.

    class DemoSettings(Area, frozen=True, kw_only=True):
        TITLE = "Demonstration (serve --demo)"
        seed: Annotated[int | None, setting("DEMO_SEED", "", optional(whole(0, 9)), "What for.")]

Laws: a setting is written once, where it is used; an empty value counts as unset; what the
environment says wins over `.env`, which holds settings and nothing else; NAME_FILE names a file
that holds the value of NAME, as containers keep secrets; a wrong value or an
unknown name stops the start with one line that names the setting (`SettingsError`). Which areas
there are is `bootstrap/settings.py`'s concern; limits of the core are in
`exchange.messages.bounds`.
"""

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, get_type_hints

import msgspec

from gateway.settings import values

ENV_FILE: Final = Path(".env")
FILE_SUFFIX: Final = "_FILE"


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


@functools.cache
def settings_of(area: type[Area]) -> tuple[tuple[str, Setting], ...]:
    """Return an area's fields, in their order, each with its setting."""
    hints = get_type_hints(area, include_extras=True)
    found = []
    for field in area.__struct_fields__:
        notes = [note for note in hints[field].__metadata__ if isinstance(note, Setting)]
        found.append((field, notes[0]))
    return tuple(found)


def read_area(
    area: type[AreaT], environment: Mapping[str, str]
) -> tuple[AreaT | None, list[SettingsError]]:
    """Return an area as `environment` sets it, or None with all that is wrong with it."""
    values, wrong = {}, []
    for field, found in settings_of(area):
        try:
            values[field] = found.read(environment)
        except SettingsError as error:
            wrong.append(error)
    if wrong:
        return None, wrong
    try:
        return area(**values), []
    except SettingsError as error:
        return None, [error]


def unknown_names(path: Path, found: Iterable[str], known: Iterable[str]) -> list[SettingsError]:
    """Return what is wrong with names of a `.env` file that are no settings: the nearest one."""
    names = list(known)
    wrong = []
    for name in found:
        if name not in names:
            nearest = difflib.get_close_matches(name.upper(), names, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else "see .env.example"
            wrong.append(SettingsError(f"{name}: is no setting, but stands in {path}; {hint}"))
    return wrong


def with_files(environment: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Return an environment in which each NAME_FILE has become what stands in that file.

    That is how containers are given secrets. Raises SettingsError for one that can't be read, or
    whose NAME is set as well.
    """
    found = dict(environment)
    for name in known:
        path = environment.get(f"{name}{FILE_SUFFIX}", "").strip()
        if not path:
            continue
        if environment.get(name, "").strip():
            raise SettingsError(f"{name}: is set, and {name}{FILE_SUFFIX} as well: take one away")
        try:
            found[name] = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError(
                f"{name}{FILE_SUFFIX}: {path} can't be read as UTF-8 text"
            ) from None
    return found


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
