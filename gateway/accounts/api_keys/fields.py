"""What may stand in a key's label, allow-list and expiry."""

import ipaddress
import unicodedata
from collections.abc import Sequence
from typing import Final

from gateway.settings.values import Network
from gateway.wire.errors import ValidationFailed

LABEL_LENGTH: Final = 60
ALLOWED_MAX: Final = 20
ALLOWED_LENGTH: Final = 49
"""Of an IPv6 network with all its digits."""
_IPV6_PREFIX: Final = 64


def label(text: str) -> str:
    """Return a label as it is stored, without blanks around it; raises ValidationFailed."""
    found = unicodedata.normalize("NFC", text.strip()) if len(text) <= 4 * LABEL_LENGTH else ""
    if not 1 <= len(found) <= LABEL_LENGTH or not found.isprintable():
        raise ValidationFailed.of(
            "label", f"must have 1 to {LABEL_LENGTH} characters, none of them invisible"
        )
    return found


def allow_list(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of an allow-list, each once; raises ValidationFailed naming the entry.

    An IPv6 entry is a /64 at the smallest, since that is what one caller is told apart by.
    """
    found: dict[Network, None] = {}
    for number, text in enumerate(texts):
        field = f"allowList[{number}]"
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise ValidationFailed.of(
                field,
                "must be an address or a network such as 203.0.113.7, 203.0.113.0/24 or"
                " 2001:db8:1:2::/64, with no bits set behind its prefix",
            ) from None
        if isinstance(network, ipaddress.IPv6Network):
            if network.prefixlen > _IPV6_PREFIX:
                nearest = network.supernet(new_prefix=_IPV6_PREFIX)
                message = f"must be an IPv6 network of /64 or larger: {nearest}"
                raise ValidationFailed.of(field, message)
            if network.network_address.ipv4_mapped is not None:
                raise ValidationFailed.of(field, "must be written as an IPv4 address")
        found[network] = None
    return tuple(found)


def parsed_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of an allow-list that was stored."""
    return tuple(ipaddress.ip_network(text) for text in texts)
