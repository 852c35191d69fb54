"""Every setting of the process: the areas, put together in one place.

`.env.example` is `example_file()`, and a test keeps the two equal.
"""

from collections.abc import Mapping

import msgspec

from gateway.access.settings import LimitSettings
from gateway.accounts.settings import SignInSettings
from gateway.bootstrap.listening import ListenSettings
from gateway.demo.settings import DemoSettings
from gateway.engine_side.settings import EngineSettings, StoreSettings
from gateway.http.settings import HttpSettings, PageLimits
from gateway.jobs.settings import WorkerSettings
from gateway.observability.settings import ReportSettings
from gateway.operations.settings import RetentionSettings
from gateway.settings.reader import example_lines, read_area, read_environment
from gateway.sockets.settings import SocketSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `probity` runs with; a new area is a field here."""

    listen: ListenSettings
    store: StoreSettings
    engine: EngineSettings
    sign_in: SignInSettings
    http: HttpSettings
    pages: PageLimits
    limits: LimitSettings
    sockets: SocketSettings
    worker: WorkerSettings
    retention: RetentionSettings
    demo: DemoSettings
    reports: ReportSettings


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environment` (default: the process's, over `.env`).

    Raises SettingsError with one line that names the first missing or wrong setting.
    """
    if environment is None:
        environment = read_environment()
    return Settings(
        **{
            field.name: read_area(field.type, environment)
            for field in msgspec.structs.fields(Settings)
        }
    )


def example_file() -> str:
    """Return the text of `.env.example`."""
    lines = ["# Every setting with its default; copy to .env and change what you need."]
    for field in msgspec.structs.fields(Settings):
        lines += example_lines(field.type)
    return "\n".join(lines) + "\n"
