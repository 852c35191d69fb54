"""What a person prefers: the known keys, their choices and defaults.

Laws: there are no keys but these, so what is stored is bounded; a key that was retired is passed
over when it is read; what is as it is by default isn't stored, so another default holds for all who
chose nothing else. What others may see of one is here too (`profile`), and `PublicProfileView`
obeys it.
"""

import contextlib
import enum
from typing import Annotated, Any, Final

import msgspec

from gateway.wire.strict_json import BodyStruct


class Theme(enum.Enum):
    """How pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Layout(enum.Enum):
    """What the trade page puts first: the ladder, or the chart."""

    PRO = "pro"
    SIMPLE = "simple"


class PriceFormat(enum.Enum):
    """How prices are shown: 0.55, 55 %, 55 cents, 1.82 for 1."""

    PRICE = "price"
    PERCENT = "percent"
    CENTS = "cents"
    ODDS = "odds"


LanguageText = Annotated[
    str,
    msgspec.Meta(
        max_length=35,
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z",
        description="a language tag (BCP 47)",
        examples=["en", "pt-BR"],
    ),
]
TimeZoneText = Annotated[
    str,
    msgspec.Meta(
        max_length=64,
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*\Z",
        description="a time zone's name; `local`: that of whoever looks",
        examples=["local", "UTC", "Europe/Vienna"],
    ),
]


class Shown(BodyStruct, frozen=True):
    """What others see in one's public profile, beside the id and the display name; and whether
    the leaderboards show one.
    """

    username: bool = True
    avatar_url: bool = True
    created_at: bool = False
    leaderboards: bool = True


class Preferences(BodyStruct, frozen=True):
    """All preferences; what isn't given is as it is by default."""

    theme: Theme = Theme.SYSTEM
    language: LanguageText = "en"
    time_zone: TimeZoneText = "local"
    price_format: PriceFormat = PriceFormat.PRICE
    confirm_orders: bool = True
    sounds: bool = False
    layout: Layout = Layout.PRO
    profile: Shown = msgspec.field(default_factory=Shown)


_STORED: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DEFAULTS: Final[dict[str, Any]] = msgspec.to_builtins(Preferences())


def stored_preferences(text: str | None) -> Preferences:
    """Return preferences as they were stored; None for nothing.

    A key, or a choice, of another version counts as not given.
    """
    kept: dict[str, object] = {}
    for name, raw in _STORED.decode(text or "{}").items():
        with contextlib.suppress(msgspec.ValidationError):
            msgspec.json.decode(b'{"%s":%s}' % (name.encode(), bytes(raw)), type=Preferences)
            kept[name] = raw
    return msgspec.json.decode(msgspec.json.encode(kept), type=Preferences)


def storable(preferences: Preferences) -> str:
    """Return preferences as they are stored: what isn't as it is by default, and nothing else."""
    chosen = _chosen(msgspec.to_builtins(preferences), _DEFAULTS)
    return msgspec.json.encode(chosen).decode("utf-8")


def _chosen(given: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """Return what of `given` isn't as in `default`, of what lies within a value as well."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value != default[name]:
            within = isinstance(value, dict)
            found[name] = _chosen(value, default[name]) if within else value
    return found
