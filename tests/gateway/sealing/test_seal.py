"""Secrets at rest: only the right key opens, only in the right place, and keys can be changed."""

import base64
from pathlib import Path

import pytest

from gateway.sealing.seal import NotOpened, Seal
from gateway.sealing.settings import (
    KEY_FILE,
    SealingSettings,
    encryption_keys,
    make_seal,
    require_seal,
)
from gateway.settings.reader import SettingsError

OLD, NEW = b"o" * 32, b"n" * 32
UNSET = SealingSettings(keys=None)


def test_what_is_sealed_opens_in_its_place_alone() -> None:
    seal = Seal([OLD])
    sealed = seal.seal(b"a secret", "table.column:7")
    assert b"a secret" not in sealed
    assert seal.open(sealed, "table.column:7") == b"a secret"
    with pytest.raises(NotOpened, match="belongs elsewhere"):
        seal.open(sealed, "table.column:8")
    assert seal.seal(b"a secret", "table.column:7") != sealed


def test_any_byte_that_was_changed_is_found() -> None:
    seal = Seal([OLD])
    sealed = seal.seal(b"text", "here")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(NotOpened):
            seal.open(bytes(changed), "here")
    for length in range(len(sealed)):
        with pytest.raises(NotOpened):
            seal.open(sealed[:length], "here")


def test_a_new_key_seals_and_the_old_one_opens_what_it_sealed() -> None:
    before = Seal([OLD]).seal(b"text", "here")
    both = Seal([NEW, OLD])
    assert both.open(before, "here") == b"text"
    assert not both.is_current(before)
    after = both.seal(b"text", "here")
    assert both.is_current(after)
    assert Seal([NEW]).open(after, "here") == b"text"
    with pytest.raises(NotOpened, match="lacks the key"):
        Seal([NEW]).open(before, "here")


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b"x" * 33]])
def test_keys_of_another_length_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(keys)


@pytest.mark.parametrize("text", ["abc", "!" * 44, base64.b64encode(b"x" * 31).decode(), ","])
def test_a_setting_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        encryption_keys(text)
    twice = base64.b64encode(OLD).decode()
    with pytest.raises(ValueError, match="openssl rand"):
        encryption_keys(f"{twice},{twice}")


def test_a_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ENCRYPTION_KEY: is missing"):
        require_seal(UNSET, tmp_path)
    sealed = make_seal(UNSET, tmp_path).seal(b"text", "here")
    path = tmp_path / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    require_seal(UNSET, tmp_path)
    assert make_seal(UNSET, tmp_path).open(sealed, "here") == b"text"
    # Set, what was kept is the older key.
    kept = path.read_text().strip()
    keys = encryption_keys(f"{base64.b64encode(NEW).decode()},{kept}")
    assert make_seal(SealingSettings(keys=keys), tmp_path).open(sealed, "here") == b"text"


def test_a_file_that_holds_no_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("nonsense")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        make_seal(UNSET, tmp_path)
