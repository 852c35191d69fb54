"""Every setting of the process: the areas, put together in one place.

`.env.example` is `example_file()`, and a test keeps the two equal.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.access.settings import LimitSettings
from gateway.accounts.api_keys.settings import ApiKeySettings
from gateway.accounts.linked.settings import LinkedSettings
from gateway.accounts.mail.settings import MailSettings
from gateway.accounts.passkeys.settings import PasskeySettings
from gateway.accounts.second_factor.settings import SecondFactorSettings
from gateway.accounts.settings import SignInSettings
from gateway.accounts.wallets.settings import WalletSettings
from gateway.alerts.settings import AlertSettings
from gateway.bootstrap.listening import ListenSettings
from gateway.demo.settings import DemoSettings
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.economy.settings import EconomySettings
from gateway.engine_side.settings import EngineSettings, StandbySettings, StoreSettings
from gateway.feeds.kalshi.settings import KalshiSettings
from gateway.feeds.matches.settings import MatchSettings
from gateway.feeds.polymarket.settings import PolymarketSettings
from gateway.feeds.settings import FeedSettings
from gateway.feeds.upstream.settings import UpstreamSettings
from gateway.http.settings import HttpSettings, PageLimits
from gateway.jobs.settings import WorkerSettings
from gateway.markets.settings import PastSettings
from gateway.observability.settings import ReportSettings
from gateway.operations.checker.settings import CheckSettings
from gateway.operations.proposals.settings import ProposalSettings
from gateway.operations.settings import BackupSettings, RetentionSettings
from gateway.portfolio.settings import PortfolioSettings
from gateway.research.asked.settings import BacktestSettings
from gateway.research.inquiries.settings import ResearchSettings
from gateway.sealing.settings import SealingSettings
from gateway.settings.reader import (
    ENV_FILE,
    FILE_SUFFIX,
    SettingsError,
    env_file,
    example_lines,
    read_area,
    settings_of,
    unknown_names,
    with_files,
)
from gateway.sockets.settings import SocketSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `probity` runs with; a new area is a field here."""

    listen: ListenSettings
    store: StoreSettings
    engine: EngineSettings
    standby: StandbySettings
    sign_in: SignInSettings
    second_factor: SecondFactorSettings
    passkeys: PasskeySettings
    mail: MailSettings
    wallets: WalletSettings
    linked: LinkedSettings
    sealing: SealingSettings
    api_keys: ApiKeySettings
    http: HttpSettings
    pages: PageLimits
    limits: LimitSettings
    sockets: SocketSettings
    proposals: ProposalSettings
    worker: WorkerSettings
    past: PastSettings
    feeds: FeedSettings
    upstream: UpstreamSettings
    retention: RetentionSettings
    checks: CheckSettings
    backups: BackupSettings
    polymarket: PolymarketSettings
    kalshi: KalshiSettings
    portfolio: PortfolioSettings
    matches: MatchSettings
    alerts: AlertSettings
    backtests: BacktestSettings
    economy: EconomySettings
    mirrors: MirrorSettings
    research: ResearchSettings
    demo: DemoSettings
    reports: ReportSettings


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environment` (default: the process's, over `.env`).

    Raises SettingsError with one line that names the first missing, wrong or unknown setting.
    """
    settings, wrong = examine_settings(environment)
    if settings is None:
        raise wrong[0]
    return settings


def examine_settings(
    environment: Mapping[str, str] | None = None,
) -> tuple[Settings | None, list[SettingsError]]:
    """Return the settings, or None with everything that is wrong with them."""
    wrong: list[SettingsError] = []
    if environment is None:
        try:
            in_file = env_file(ENV_FILE)
        except SettingsError as error:
            return None, [error]
        names = [*setting_names()]
        wrong += unknown_names(
            ENV_FILE, in_file, [*names, *(f"{name}{FILE_SUFFIX}" for name in names)]
        )
        environment = {**in_file, **os.environ}
    try:
        environment = with_files(environment, setting_names())
    except SettingsError as error:
        return None, [*wrong, error]
    areas: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        areas[field.name], problems = read_area(field.type, environment)
        wrong += problems
    return (None, wrong) if wrong else (Settings(**areas), [])


def setting_names() -> Iterator[str]:
    """Yield the name of every setting."""
    for field in msgspec.structs.fields(Settings):
        for _, found in settings_of(field.type):
            yield found.name


def example_file() -> str:
    """Return the text of `.env.example`."""
    lines = [
        "# Every setting with its default; copy to .env and change what you need.",
        "# NAME_FILE=/path is NAME with what stands in that file, for secrets.",
    ]
    for field in msgspec.structs.fields(Settings):
        lines += example_lines(field.type)
    return "\n".join(lines) + "\n"
