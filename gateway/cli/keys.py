"""`probity keys`: the keys that sign access tokens; a running server notices a new one itself."""

import sys
from datetime import UTC, datetime
from typing import Final, NoReturn

import click

from gateway.accounts.sessions.keys import key_ring, rotate
from gateway.bootstrap.settings import Settings, load_settings
from gateway.settings.reader import SettingsError

WRONG_SETTING: Final = 2
NOT_HERE: Final = (
    "JWT_PRIVATE_KEY: is set, so keys are rotated there: put a new PEM before the old one, start"
    " every process again, and take the old one out when JWT_ACCESS_EXPIRES_IN has passed"
)


@click.group()
def keys() -> None:
    """Look after the keys that sign access tokens."""


@keys.command("rotate")
@click.option(
    "--at-once",
    is_flag=True,
    help="Let no other key hold any more: access tokens of now are refused, sessions go on.",
)
def rotate_command(at_once: bool) -> None:
    """Make a new key, which signs from now on; the one before holds as long as its tokens live."""
    try:
        settings = load_settings()
        if settings.sign_in.private_key is not None:
            raise SettingsError(NOT_HERE)
        lives_s = settings.sign_in.access_expires_in
        key, gone = rotate(settings.store.data_dir, lives_s, at_once=at_once)
    except SettingsError as error:
        _fail(error)
    click.echo(f"Key {key.kid} signs from now on.")
    if gone:
        click.echo(f"Taken away, since nothing signed by them holds any longer: {gone}.")


@keys.command("list")
def list_command() -> None:
    """Name the keys that hold now, the one that signs first."""
    try:
        settings = load_settings()
        holding = _ring(settings)
    except SettingsError as error:
        _fail(error)
    for kid, since in holding:
        click.echo(f"{kid}  {since}")


def _ring(settings: Settings) -> list[tuple[str, str]]:
    lives_s = settings.sign_in.access_expires_in
    ring = key_ring(settings.sign_in.private_key, settings.store.data_dir, lives_s)
    return [(key.kid, _since(key.born_at)) for key in ring.holding()]


def _since(born_at: int | None) -> str:
    if born_at is None:
        return "the first"
    return f"since {datetime.fromtimestamp(born_at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _fail(error: SettingsError) -> NoReturn:
    click.echo(f"probity: {error}", err=True)
    sys.exit(WRONG_SETTING)
